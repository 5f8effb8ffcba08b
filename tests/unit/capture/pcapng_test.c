/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/pcapng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t buf[3 * EP_PCAPNG_OVERHEAD];

static const uint8_t data[5] = { 1, 2, 3, 4, 5 };

static void
section_header_has_its_octets_in_place(void **state)
{
	static const uint8_t plain[] = {
		0x0a, 0x0d, 0x0d, 0x0a, 0x20, 0, 0, 0, /* type, length */
		0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, /* magic, version */
		255, 255, 255, 255, 255, 255, 255, 255, /* of no length */
		0, 0, 0, 0, 0x20, 0, 0, 0, /* end of options, length */
	};
	const struct ep_pcapng_section section = { 0 };

	(void)state;
	assert_int_equal(
	    ep_pcapng_section(buf, sizeof(buf), &section), sizeof(plain));
	assert_memory_equal(buf, plain, sizeof(plain));
}

static void
section_header_names_the_machine_if_told(void **state)
{
	static const uint8_t options[] = {
		3, 0, 5, 0, 'L', 'i', 'n', 'u', 'x', 0, 0, 0, /* shb_os */
		4, 0, 4, 0, 't', 'e', 's', 't', /* shb_userappl */
		0, 0, 0, 0, 0x34, 0, 0, 0, /* end of options, length */
	};
	const struct ep_pcapng_section section = {
		.os = "Linux",
		.userappl = "test",
	};

	(void)state;
	assert_int_equal(ep_pcapng_section(buf, sizeof(buf), &section), 0x34);
	assert_memory_equal(buf + 24, options, sizeof(options));
}

static void
interface_block_has_its_octets_in_place(void **state)
{
	static const uint8_t octets[] = {
		1, 0, 0, 0, 0x4c, 0, 0, 0, /* type, length */
		1, 0, 0, 0, 0, 0, 4, 0, /* Ethernet, snaplen */
		2, 0, 3, 0, 'a', 'b', 'c', 0, /* if_name */
		6, 0, 6, 0, 2, 0, 0, 0, 0, 10, 0, 0, /* if_MACaddr */
		8, 0, 8, 0, 0, 0xe4, 0x0b, 0x54, 2, 0, 0, 0, /* if_speed */
		9, 0, 1, 0, 9, 0, 0, 0, /* if_tsresol */
		11, 0, 6, 0, 0, 'a', 'r', 'p', '/', '!', 0, 0, /* if_filter */
		0, 0, 0, 0, 0x4c, 0, 0, 0, /* end of options, length */
	};
	const struct ep_pcapng_interface interface = {
		.name = "abc",
		.description = "",
		.filter = "arp/!",
		.mac = { 2, 0, 0, 0, 0, 10 },
		.speed = UINT64_C(10000000000),
		.snaplen = 262144,
	};

	(void)state;
	assert_int_equal(
	    ep_pcapng_interface(buf, sizeof(buf), &interface), sizeof(octets));
	assert_memory_equal(buf, octets, sizeof(octets));
}

static void
packet_block_has_its_octets_in_place(void **state)
{
	static const uint8_t octets[] = {
		6, 0, 0, 0, 0x5c, 0, 0, 0, /* type, length */
		1, 0, 0, 0, /* interface */
		0x44, 0x33, 0x22, 0x11, 0x88, 0x77, 0x66, 0x55, /* time */
		5, 0, 0, 0, 60, 0, 0, 0, /* caplen, len */
		1, 2, 3, 4, 5, 0, 0, 0, /* data */
		2, 0, 4, 0, 5, 0, 0, 0, /* epb_flags */
		4, 0, 8, 0, 3, 0, 0, 0, 0, 0, 0, 0, /* epb_dropcount */
		5, 0, 8, 0, 7, 0, 0, 0, 0, 0, 0, 0, /* epb_packetid */
		6, 0, 4, 0, 2, 0, 0, 0, /* epb_queue */
		1, 0, 3, 0, 'w', 'h', 'y', 0, /* opt_comment */
		0, 0, 0, 0, 0x5c, 0, 0, 0, /* end of options, length */
	};
	const struct ep_pcapng_packet packet = {
		.interface = 1,
		.caplen = sizeof(data),
		.len = 60,
		.flags = EP_PCAPNG_INBOUND | EP_PCAPNG_UNICAST,
		.data = data,
		.time_ns = UINT64_C(0x1122334455667788),
		.lost = 3,
		.has_id = true,
		.id = 7,
		.has_queue = true,
		.queue = 2,
		.comment = "why",
	};

	(void)state;
	assert_int_equal(
	    ep_pcapng_packet(buf, sizeof(buf), &packet), sizeof(octets));
	assert_memory_equal(buf, octets, sizeof(octets));
}

static void
what_is_not_said_is_not_written(void **state)
{
	static const struct ep_pcapng_packet packet = { .caplen = 0 };

	(void)state;
	assert_int_equal(ep_pcapng_packet(buf, sizeof(buf), &packet), 36);
	assert_memory_equal(buf + 28, "\0\0\0\0\x24\0\0\0", 8);
}

static void
statistics_block_has_its_octets_in_place(void **state)
{
	static const uint8_t front[] = {
		5, 0, 0, 0, 0x6c, 0, 0, 0, /* type, length */
		1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, /* interface, time */
		2, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 0, /* isb_starttime */
		3, 0, 8, 0, 0, 0, 0, 0, 9, 0, 0, 0, /* isb_endtime */
		4, 0, 8, 0, 4, 0, 0, 0, 0, 0, 0, 0, /* isb_ifrecv */
		6, 0, 8, 0, 3, 0, 0, 0, 0, 0, 0, 0, /* isb_filteraccept */
		7, 0, 8, 0, 2, 0, 0, 0, 0, 0, 0, 0, /* isb_osdrop */
		8, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, /* isb_usrdeliv */
		0, 0, 0, 0, 0x64, 0, 0, 0, /* end of options, length */
	};
	const struct ep_pcapng_statistics stats = {
		.interface = 1,
		.start_ns = 8,
		.end_ns = 9,
		.seen = 4,
		.passed = 3,
		.lost = 2,
		.written = 1,
	};
	uint8_t want[sizeof(front)];

	(void)state;
	memcpy(want, front, sizeof(want));
	want[4] = want[sizeof(want) - 4] = sizeof(want);
	assert_int_equal(
	    ep_pcapng_statistics(buf, sizeof(buf), &stats), sizeof(want));
	assert_memory_equal(buf, want, sizeof(want));
}

static void
block_that_does_not_fit_says_its_size_and_overruns_nothing(void **state)
{
	const struct ep_pcapng_packet packet = {
		.caplen = sizeof(data),
		.len = sizeof(data),
		.data = data,
		.comment = "a comment",
	};
	size_t size = ep_pcapng_packet(buf, sizeof(buf), &packet);

	(void)state;
	for (size_t room = 0; room < size; room++) {
		uint8_t *tight = malloc(room + 1);

		assert_non_null(tight);
		tight[room] = 0xee;
		assert_int_equal(ep_pcapng_packet(tight, room, &packet), size);
		assert_int_equal(tight[room], 0xee);
		free(tight);
	}
	assert_int_equal(ep_pcapng_packet(NULL, 0, &packet), size);
}

static void
longest_texts_are_cut_and_fit_in_the_overhead(void **state)
{
	static char text[100000];
	const struct ep_pcapng_section section = { .os = text,
		.userappl = text };
	const struct ep_pcapng_interface interface = {
		.name = text, .description = text, .filter = text, .speed = 1
	};
	const struct ep_pcapng_packet packet = { .lost = 1,
		.flags = 1,
		.has_id = true,
		.has_queue = true,
		.comment = text };

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	assert_in_range(ep_pcapng_section(buf, sizeof(buf), &section), 1,
	    EP_PCAPNG_OVERHEAD);
	assert_in_range(ep_pcapng_interface(buf, sizeof(buf), &interface),
	    3 * EP_PCAPNG_TEXT_MAX, EP_PCAPNG_OVERHEAD);
	assert_in_range(
	    ep_pcapng_packet(buf, sizeof(buf), &packet), 1, EP_PCAPNG_OVERHEAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(section_header_has_its_octets_in_place),
		cmocka_unit_test(section_header_names_the_machine_if_told),
		cmocka_unit_test(interface_block_has_its_octets_in_place),
		cmocka_unit_test(packet_block_has_its_octets_in_place),
		cmocka_unit_test(what_is_not_said_is_not_written),
		cmocka_unit_test(statistics_block_has_its_octets_in_place),
		cmocka_unit_test(
		    block_that_does_not_fit_says_its_size_and_overruns_nothing),
		cmocka_unit_test(longest_texts_are_cut_and_fit_in_the_overhead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
