/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/pcap/reader.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capfile.h"

#define MAGIC_US 0xa1b2c3d4
#define MAGIC_NS 0xa1b23c4d
#define S        UINT64_C(1000000000)

static struct capfile f;
static struct ep_reader r;
static size_t at; /* where the reader is in f */

static void
begin(bool is_big)
{
	capfile_init(&f, is_big);
	memset(&r, 0, sizeof(r));
	at = 0;
}

/* Read on, all that is left of f being there, in memory of just that size. */
static int
read_on(struct ep_reader_packet *packet, struct epair_err *err)
{
	static uint8_t *tight;
	size_t used;
	int got;

	free(tight);
	tight = malloc(f.len - at + 1);
	assert_non_null(tight);
	memcpy(tight, f.octets + at, f.len - at);
	got = ep_reader_next(&r, tight, f.len - at, &used, packet, err);
	at += used;
	if (got != 1) {
		free(tight);
		tight = NULL;
	}
	return got;
}

static struct ep_reader_packet
assert_packet(uint64_t time_ns, uint32_t caplen, uint32_t len, uint8_t fill)
{
	struct ep_reader_packet packet;
	struct epair_err err = { .text = "" };
	int got = read_on(&packet, &err);

	assert_string_equal(err.text, "");
	assert_int_equal(got, 1);
	assert_int_equal(packet.time_ns, time_ns);
	assert_int_equal(packet.caplen, caplen);
	assert_int_equal(packet.len, len);
	for (uint32_t i = 0; i < caplen; i++)
		assert_int_equal(packet.data[i], fill);
	return packet;
}

static void
assert_end(void)
{
	struct ep_reader_packet packet;

	assert_int_equal(read_on(&packet, NULL), 0);
	assert_int_equal(at, f.len);
	assert_int_equal(r.offset, f.len);
	assert_int_equal(ep_reader_end(&r, 0, NULL), 0);
}

static void
assert_malformed(const char *text)
{
	struct ep_reader_packet packet;
	struct epair_err err = { .text = "" };

	assert_int_equal(read_on(&packet, &err), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	if (strstr(err.text, text) == NULL)
		fail_msg("'%s' is not in '%s'", text, err.text);
}

static void
pcap_of_either_order_and_resolution_is_read(void **state)
{
	(void)state;

	for (int i = 0; i < 4; i++) {
		begin(i % 2 == 1);
		pcap_header(&f, i < 2 ? MAGIC_US : MAGIC_NS, 1);
		pcap_packet(&f, 5, 7, 60, 60, 0xaa);
		pcap_packet(&f, 4000000000, 8, 0, 1000, 0);
		assert_packet(5 * S + (i < 2 ? 7000 : 7), 60, 60, 0xaa);
		assert_true(assert_packet(
		    4000000000 * S + (i < 2 ? 8000 : 8), 0, 1000, 0)
				.is_ethernet);
		assert_end();
	}
}

static void
pcapng_of_either_order_is_read(void **state)
{
	(void)state;

	for (int i = 0; i < 2; i++) {
		begin(i == 1);
		section_header(&f);
		interface_block(&f, 1);
		packet_block(&f, 0, 5000007, 61, 61, 0xaa);
		packet_block(&f, 0, UINT64_C(1) << 33, 3, 9, 0xbb);
		assert_packet(5 * S + 7000, 61, 61, 0xaa);
		assert_packet((UINT64_C(1) << 33) * 1000, 3, 9, 0xbb);
		assert_end();
	}
}

static void
order_may_change_with_the_section(void **state)
{
	(void)state;

	begin(false);
	section_header(&f);
	interface_block(&f, 1);
	interface_block(&f, 1);
	packet_block(&f, 1, 1, 60, 60, 1);
	f.is_big = true;
	section_header(&f);
	interface_block(&f, 1);
	packet_block(&f, 0, 2, 60, 60, 2);
	packet_block(&f, 1, 3, 60, 60, 3);
	assert_packet(1000, 60, 60, 1);
	assert_packet(2000, 60, 60, 2);
	/* Interfaces are those of the section. */
	assert_malformed("unknown interface (1)");
}

static void
times_are_in_the_resolution_of_the_interface(void **state)
{
	static const struct {
		uint8_t resolution;
		uint64_t ticks, ns;
	} cases[] = {
		{ 6, 5, 5000 },
		{ 9, 5, 5 },
		{ 0, 5, 5 * S },
		{ 3, UINT64_C(1700000000123), UINT64_C(1700000000123000000) },
		{ 12, 5999, 5 },
		{ 28, UINT64_MAX, 1 },
		{ 29, UINT64_MAX, 0 },
		{ 127, UINT64_MAX, 0 },
		{ 0x80 | 10, 1536, 3 * S / 2 },
		{ 0x80 | 30, UINT64_C(1) << 31, 2 * S },
		{ 0x80 | 127, UINT64_MAX, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(false);
		section_header(&f);
		interface_with(&f, 9, cases[i].resolution);
		packet_block(&f, 0, cases[i].ticks, 1, 1, 1);
		assert_packet(cases[i].ns, 1, 1, 1);
	}
}

static void
time_offset_is_added(void **state)
{
	static const uint8_t minus_two[8] = { 0xfe, 255, 255, 255, 255, 255,
		255, 255 };
	size_t begun;

	(void)state;
	begin(false);
	section_header(&f);
	begun = block_begin(&f, 1);
	put32(&f, 1);
	put32(&f, 0);
	option(&f, 14, minus_two, 8);
	block_end(&f, begun);
	packet_block(&f, 0, 5000000, 1, 1, 1);
	assert_packet(3 * S, 1, 1, 1);
}

static void
blocks_of_no_interest_are_passed_over(void **state)
{
	size_t begun;

	(void)state;
	begin(false);
	section_header(&f);
	begun = block_begin(&f, 4);
	/* Longer than what must be shown at once. */
	f.len += EP_READER_BLOCK_MAX + 100000;
	block_end(&f, begun);
	interface_block(&f, 1);
	begun = block_begin(&f, 0x0bad);
	block_end(&f, begun);
	packet_block(&f, 0, 1, 60, 60, 1);
	begun = block_begin(&f, 5);
	put32(&f, 0);
	put64(&f, 0);
	block_end(&f, begun);
	assert_packet(1000, 60, 60, 1);
	assert_end();
}

static void
old_and_simple_packets_are_read(void **state)
{
	size_t begun;

	(void)state;
	begin(true);
	section_header(&f);
	interface_block(&f, 1);
	begun = block_begin(&f, 2);
	put16(&f, 0);
	put16(&f, 99); /* drops */
	put32(&f, 0);
	put32(&f, 7);
	put32(&f, 2);
	put32(&f, 60);
	put_octets(&f, "\x05\x05", 2);
	block_end(&f, begun);
	begun = block_begin(&f, 3);
	put32(&f, 3);
	put_octets(&f, "\x06\x06\x06", 3);
	block_end(&f, begun);
	assert_packet(7000, 2, 60, 5);
	assert_packet(EP_READER_NO_TIME, 3, 3, 6);
	assert_end();
}

static void
simple_packet_is_cut_at_the_interfaces_snaplen(void **state)
{
	size_t begun;

	(void)state;
	begin(false);
	section_header(&f);
	begun = block_begin(&f, 1);
	put32(&f, 1);
	put32(&f, 4); /* snaplen */
	block_end(&f, begun);
	begun = block_begin(&f, 3);
	put32(&f, 1000);
	put_octets(&f, "\x06\x06\x06\x06", 4);
	block_end(&f, begun);
	assert_packet(EP_READER_NO_TIME, 4, 1000, 6);
	assert_end();
}

static void
direction_and_comment_are_told(void **state)
{
	static const struct {
		uint32_t flags;
		const char *comment;
		enum ep_reader_dir dir;
		bool is_drop;
	} cases[] = {
		{ 1, "", EP_READER_IN, false },
		{ 2 | 3 << 2, "why not", EP_READER_OUT, false },
		{ 3, "dropped", EP_READER_DIR_NONE, false },
		{ 0, "dropped (queue-full): too bad", EP_READER_DIR_NONE,
		    true },
	};
	struct ep_reader_packet packet;
	size_t begun;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(false);
		section_header(&f);
		interface_block(&f, 1);
		begun = block_begin(&f, 6);
		put32(&f, 0);
		put64(&f, 0);
		put32(&f, 3);
		put32(&f, 3);
		put_octets(&f, "\1\1\1", 4);
		put16(&f, 2);
		put16(&f, 4);
		put32(&f, cases[i].flags);
		option(&f, 1, cases[i].comment,
		    (uint16_t)strlen(cases[i].comment));
		block_end(&f, begun);
		packet = assert_packet(0, 3, 3, 1);
		assert_int_equal(packet.dir, cases[i].dir);
		assert_int_equal(packet.is_drop, cases[i].is_drop);
	}
}

static void
fcs_is_no_part_of_the_frame(void **state)
{
	(void)state;

	begin(false);
	section_header(&f);
	interface_with(&f, 13, 4);
	packet_block(&f, 0, 0, 64, 64, 1);
	packet_block(&f, 0, 0, 61, 64, 2);
	packet_block(&f, 0, 0, 50, 64, 3);
	packet_block(&f, 0, 0, 2, 2, 4);
	assert_packet(0, 60, 60, 1);
	assert_packet(0, 60, 60, 2);
	assert_packet(0, 50, 60, 3);
	assert_packet(0, 0, 0, 4);

	begin(false);
	pcap_header(&f, MAGIC_US, 1 | 1u << 26 | 2u << 28);
	pcap_packet(&f, 0, 0, 64, 64, 1);
	assert_packet(0, 60, 60, 1);
}

static void
packet_of_another_link_type_is_marked(void **state)
{
	(void)state;

	begin(false);
	section_header(&f);
	interface_block(&f, 113);
	interface_block(&f, 1);
	packet_block(&f, 0, 0, 60, 60, 1);
	packet_block(&f, 1, 0, 60, 60, 2);
	assert_false(assert_packet(0, 60, 60, 1).is_ethernet);
	assert_true(assert_packet(0, 60, 60, 2).is_ethernet);
}

static void
pcap_of_another_link_type_is_refused(void **state)
{
	(void)state;

	begin(false);
	pcap_header(&f, MAGIC_US, 113);
	assert_malformed("not Ethernet, 1 (113)");
}

static void
what_is_no_capture_is_refused(void **state)
{
	(void)state;

	begin(false);
	put_octets(&f, "#!/bin/sh\n", 10);
	assert_malformed("at octet 0: neither a pcap nor a pcapng file");
	begin(false);
	pcap_header(&f, MAGIC_US, 1);
	f.octets[4] = 3;
	assert_malformed("unknown version (3)");
	begin(false);
	section_header(&f);
	f.octets[12] = 2;
	assert_malformed("unknown version (2)");
	begin(false);
	section_header(&f);
	f.octets[8] = 0;
	assert_malformed("no byte order");
}

static void
impossible_lengths_are_refused(void **state)
{
	size_t begun;

	(void)state;
	begin(false);
	pcap_header(&f, MAGIC_US, 1);
	pcap_packet(&f, 0, 0, 0, 60, 0);
	f.octets[24 + 8 + 3] = 0x80;
	assert_malformed("at octet 24: a packet too long");

	for (uint32_t total = 0; total < 40; total++) {
		if (total >= 12 && total % 4 == 0)
			continue;
		begin(false);
		section_header(&f);
		put32(&f, 6);
		put32(&f, total);
		put64(&f, 0);
		assert_malformed("at octet 28: a block of impossible length");
	}

	begin(false);
	section_header(&f);
	interface_block(&f, 1);
	packet_block(&f, 0, 0, 60, 60, 0);
	f.octets[f.len - 4] ^= 4;
	assert_malformed("two different lengths");

	begin(false);
	section_header(&f);
	interface_block(&f, 1);
	begun = f.len;
	packet_block(&f, 0, 0, 60, 60, 0);
	f.octets[begun + 20] = 61;
	assert_malformed("longer than its block (61)");
	begin(false);
	section_header(&f);
	interface_block(&f, 1);
	begun = f.len;
	packet_block(&f, 0, 0, 60, 60, 0);
	memset(f.octets + begun + 20, 255, 4);
	assert_malformed("longer than its block (4294967295)");

	begin(false);
	section_header(&f);
	put32(&f, 6);
	put32(&f, EP_READER_BLOCK_MAX + 4);
	put32(&f, 0);
	assert_malformed("too long to be read");
}

static void
short_blocks_are_refused(void **state)
{
	static const uint32_t types[] = { 1, 2, 3, 6, 0x0a0d0d0a };
	size_t begun;

	(void)state;
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		begin(false);
		section_header(&f);
		interface_block(&f, 1);
		begun = block_begin(&f, types[i]);
		if (types[i] == 0x0a0d0d0a)
			put32(&f, 0x1a2b3c4d);
		block_end(&f, begun);
		assert_malformed("too short");
	}
}

static void
interfaces_beyond_the_limit_are_refused(void **state)
{
	(void)state;

	begin(false);
	section_header(&f);
	for (unsigned i = 0; i <= EP_READER_IFS_MAX; i++)
		interface_block(&f, 1);
	assert_malformed("more interfaces");
}

/* A file with one of everything. */
static void
mixed_file(void)
{
	size_t begun;

	begin(false);
	section_header(&f);
	interface_with(&f, 9, 9);
	packet_block(&f, 0, 1, 60, 60, 1);
	begun = block_begin(&f, 4);
	f.len += 1000;
	block_end(&f, begun);
	packet_block(&f, 0, 2, 61, 61, 2);
	packet_block(&f, 0, 3, 62, 62, 3);
}

static void
octets_may_come_one_by_one(void **state)
{
	struct ep_reader_packet packet;
	unsigned count = 0;
	size_t used;
	int got;

	(void)state;
	mixed_file();
	for (size_t given = 0; given <= f.len; given++)
		do {
			got = ep_reader_next(&r, f.octets + at, given - at,
			    &used, &packet, NULL);
			at += used;
			if (got != 1)
				continue;
			count++;
			assert_int_equal(packet.time_ns, count);
			assert_int_equal(packet.caplen, 59 + count);
		} while (got == 1);
	assert_int_equal(count, 3);
	assert_end();
}

static void
file_that_is_cut_off_is_told_from_one_that_ends(void **state)
{
	static struct ep_reader_packet packet;
	unsigned whole = 0;
	size_t len;

	(void)state;
	mixed_file();
	len = f.len;
	for (f.len = 0; f.len <= len; f.len++) {
		memset(&r, 0, sizeof(r));
		at = 0;
		while (read_on(&packet, NULL) == 1)
			continue;
		if (ep_reader_end(&r, f.len - at, NULL) == 0)
			whole++;
	}
	/* Behind each block, and nowhere else. */
	assert_int_equal(whole, 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_of_either_order_and_resolution_is_read),
		cmocka_unit_test(pcapng_of_either_order_is_read),
		cmocka_unit_test(order_may_change_with_the_section),
		cmocka_unit_test(times_are_in_the_resolution_of_the_interface),
		cmocka_unit_test(time_offset_is_added),
		cmocka_unit_test(blocks_of_no_interest_are_passed_over),
		cmocka_unit_test(old_and_simple_packets_are_read),
		cmocka_unit_test(
		    simple_packet_is_cut_at_the_interfaces_snaplen),
		cmocka_unit_test(direction_and_comment_are_told),
		cmocka_unit_test(fcs_is_no_part_of_the_frame),
		cmocka_unit_test(packet_of_another_link_type_is_marked),
		cmocka_unit_test(pcap_of_another_link_type_is_refused),
		cmocka_unit_test(what_is_no_capture_is_refused),
		cmocka_unit_test(impossible_lengths_are_refused),
		cmocka_unit_test(short_blocks_are_refused),
		cmocka_unit_test(interfaces_beyond_the_limit_are_refused),
		cmocka_unit_test(octets_may_come_one_by_one),
		cmocka_unit_test(
		    file_that_is_cut_off_is_told_from_one_that_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
