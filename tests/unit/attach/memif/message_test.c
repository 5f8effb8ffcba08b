/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/memif/message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint8_t octets[EP_MEMIF_MSG_LEN];
static struct ep_memif_msg msg;
static const char *why;

static void
put16(unsigned at, uint16_t value)
{
	memcpy(octets + at, &value, sizeof(value));
}

static void
put32(unsigned at, uint32_t value)
{
	memcpy(octets + at, &value, sizeof(value));
}

static void
begin(uint16_t type)
{
	memset(octets, 0, sizeof(octets));
	put16(0, type);
}

static int
decode(void)
{
	return ep_memif_msg_decode(octets, sizeof(octets), &msg, &why);
}

static void
refused(const char *words)
{
	assert_int_equal(decode(), -EPROTO);
	assert_string_equal(why, words);
}

/* Every offset is the protocol's: they are written out here once more. */
static void
hello_is_read_field_by_field(void **state)
{
	(void)state;
	begin(2);
	memcpy(octets + 2, "VPP 21.06", 9);
	put16(34, 0x200);
	put16(36, 0x201);
	put16(38, 256);
	put16(40, 255);
	put16(42, 7);
	octets[44] = 14;
	assert_int_equal(decode(), 0);
	assert_int_equal(msg.type, EP_MEMIF_HELLO);
	assert_string_equal(msg.u.hello.name, "VPP 21.06");
	assert_int_equal(msg.u.hello.min_version, 0x200);
	assert_int_equal(msg.u.hello.max_version, 0x201);
	assert_int_equal(msg.u.hello.max_region, 256);
	assert_int_equal(msg.u.hello.max_m2s_ring, 255);
	assert_int_equal(msg.u.hello.max_s2m_ring, 7);
	assert_int_equal(msg.u.hello.max_log2, 14);
}

static void
init_is_read_field_by_field(void **state)
{
	(void)state;
	begin(3);
	put16(2, 0x200);
	put32(4, 77);
	octets[8] = 1;
	memset(octets + 9, 's', 24);
	memset(octets + 33, 'n', 32);
	assert_int_equal(decode(), 0);
	assert_int_equal(msg.u.init.version, 0x200);
	assert_int_equal(msg.u.init.id, 77);
	assert_int_equal(msg.u.init.mode, 1);
	assert_int_equal(msg.u.init.secret[23], 's');
	assert_int_equal(strlen(msg.u.init.name), 32);
}

static void
ring_is_read_field_by_field(void **state)
{
	(void)state;
	begin(5);
	put16(2, 1);
	put16(4, 3);
	put16(6, 2);
	put32(8, 16512);
	octets[12] = 10;
	assert_int_equal(decode(), 0);
	assert_true(msg.u.add_ring.is_s2m);
	assert_int_equal(msg.u.add_ring.index, 3);
	assert_int_equal(msg.u.add_ring.region, 2);
	assert_int_equal(msg.u.add_ring.offset, 16512);
	assert_int_equal(msg.u.add_ring.log2, 10);
}

static void
ring_that_cannot_be_is_refused(void **state)
{
	(void)state;
	begin(5);
	put16(2, 2);
	refused("Unknown ring flags");
	begin(5);
	octets[12] = 15;
	refused("Ring too large");
	begin(5);
	put32(8, 4);
	refused("Ring not aligned");
	begin(5);
	put16(13, 1);
	refused("Private headers not supported");
}

static void
message_of_another_size_or_type_is_refused(void **state)
{
	(void)state;
	begin(1);
	for (size_t len = 0; len < sizeof(octets); len++)
		assert_int_equal(
		    ep_memif_msg_decode(octets, len, &msg, &why), -EPROTO);
	assert_string_equal(why, "Invalid message size");
	begin(0);
	refused("Unknown message type");
	begin(9);
	refused("Unknown message type");
	begin(4);
	refused("Empty region");
	begin(2);
	put16(34, 0x300);
	put16(36, 0x200);
	refused("Invalid versions");
}

static void
text_of_a_stranger_is_printable(void **state)
{
	(void)state;
	begin(8);
	memset(octets + 6, 'x', 96);
	memcpy(octets + 6, "\033[2J\n\377", 6);
	assert_int_equal(decode(), 0);
	assert_int_equal(strlen(msg.u.disconnect.why), 96);
	assert_memory_equal(msg.u.disconnect.why, "?[2J??xx", 8);
}

static void
what_is_encoded_is_decoded_again(void **state)
{
	struct ep_memif_msg back;

	(void)state;
	memset(&msg, 0, sizeof(msg));
	msg.type = EP_MEMIF_ADD_RING;
	msg.u.add_ring.is_s2m = true;
	msg.u.add_ring.index = 3;
	msg.u.add_ring.offset = 4096;
	msg.u.add_ring.log2 = 14;
	ep_memif_msg_encode(&msg, octets);
	assert_int_equal(
	    ep_memif_msg_decode(octets, sizeof(octets), &back, &why), 0);
	assert_memory_equal(&back, &msg, sizeof(msg));
	memset(&msg, 0, sizeof(msg));
	msg.type = EP_MEMIF_ADD_REGION;
	msg.u.add_region.size = UINT64_C(1) << 33;
	ep_memif_msg_encode(&msg, octets);
	assert_int_equal(
	    ep_memif_msg_decode(octets, sizeof(octets), &back, &why), 0);
	assert_int_equal(back.u.add_region.size, UINT64_C(1) << 33);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_is_read_field_by_field),
		cmocka_unit_test(init_is_read_field_by_field),
		cmocka_unit_test(ring_is_read_field_by_field),
		cmocka_unit_test(ring_that_cannot_be_is_refused),
		cmocka_unit_test(message_of_another_size_or_type_is_refused),
		cmocka_unit_test(text_of_a_stranger_is_printable),
		cmocka_unit_test(what_is_encoded_is_decoded_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
