/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/csum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <epair/mbuf.h>

#include "base/rng.h"
#include "packet.h"

/* Sums are equal as numbers: 0 and 0xffff are the same one. */
static void
assert_same_sum(uint16_t got, uint16_t big_endian)
{
	uint8_t octets[2];

	memcpy(octets, &got, sizeof(octets));
	assert_int_equal(
	    (octets[0] * 256 + octets[1]) % 0xffff, big_endian % 0xffff);
}

static void
fill(uint8_t *octets, uint32_t len, uint64_t seed)
{
	struct ep_rng rng;

	ep_rng_init(&rng, seed);
	for (uint32_t i = 0; i < len; i++)
		octets[i] = (uint8_t)ep_rng_next(&rng);
}

static void
every_length_at_every_alignment_sums_as_octet_by_octet(void **state)
{
	(void)state;

	uint8_t octets[8 + 200];

	fill(octets, sizeof(octets), 1);
	for (uint32_t at = 0; at < 8; at++)
		for (uint32_t len = 0; len <= 200; len++)
			assert_same_sum(ep_csum_octets(octets + at, len),
			    packet_sum(octets + at, len));
}

static void
largest_sum_does_not_overflow(void **state)
{
	(void)state;

	static uint8_t octets[70001];

	memset(octets, 0xff, sizeof(octets));
	assert_same_sum(ep_csum_octets(octets, sizeof(octets)),
	    packet_sum(octets, sizeof(octets)));
}

static void
frame_sums_the_same_wherever_it_is_split(void **state)
{
	(void)state;

	uint8_t octets[64];
	struct epair_mbuf ms[4] = { 0 };

	fill(octets, sizeof(octets), 2);
	for (uint32_t i = 0; i <= 64; i++)
		for (uint32_t k = i; k <= 64; k++)
			for (uint32_t off = 0; off <= 64; off += 7) {
				/* The third mbuf is empty. */
				ms[0].data = octets;
				ms[0].len = i;
				ms[1].data = octets + i;
				ms[1].len = k - i;
				ms[2].data = octets;
				ms[3].data = octets + k;
				ms[3].len = 64 - k;
				for (int n = 0; n < 3; n++)
					ms[n].next = &ms[n + 1];
				assert_same_sum(ep_csum_frame(ms, off),
				    packet_sum(octets + off, 64 - off));
			}
}

static void
what_was_added_can_be_taken_away(void **state)
{
	(void)state;

	for (uint32_t a = 0; a <= 0xffff; a += 251)
		for (uint32_t b = 0; b <= 0xffff; b += 257) {
			uint16_t sum = ep_csum_add((uint16_t)a, (uint16_t)b);

			assert_int_equal(sum % 0xffff, (a + b) % 0xffff);
			assert_int_equal(
			    ep_csum_sub(sum, (uint16_t)b) % 0xffff, a % 0xffff);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    every_length_at_every_alignment_sums_as_octet_by_octet),
		cmocka_unit_test(largest_sum_does_not_overflow),
		cmocka_unit_test(frame_sums_the_same_wherever_it_is_split),
		cmocka_unit_test(what_was_added_can_be_taken_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
