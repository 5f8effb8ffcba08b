/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/flat.h"

#include <string.h>

#include "unit/mbuf/offload_rig.h"

static const struct packet packets[] = {
	{ .version = 4, .is_tcp = true, .payload = 4001, .seed = 1 },
	{ .version = 4, .payload = 5000, .ip_words = 3, .seed = 2 },
	{ .version = 6,
	    .is_tcp = true,
	    .vlans = 1,
	    .payload = 3999,
	    .seed = 3 },
	{ .version = 6, .payload = 5000, .ip_words = 1, .seed = 4 },
};
#define PACKETS (sizeof(packets) / sizeof(packets[0]))

static uint8_t flat[FRAME_MAX], before[FRAME_MAX];
static struct ep_rng rng;

/* One with a checksum open, and the same to be segmented; whole and chained. */
static struct epair_mbuf *
variant(const struct packet *p, unsigned i)
{
	struct epair_mbuf *m = i % 2 == 0 ? partial(p) : super(p, 1000);

	return i < 2 ? m : chained(m, 900, &rng);
}

static void
finished_copy_is_right_and_the_frame_untouched(void **state)
{
	struct epair_mbuf was;

	(void)state;
	for (unsigned i = 0; i < 4 * PACKETS; i++) {
		const struct packet *p = &packets[i / 4];
		struct epair_mbuf *m = variant(p, i % 4);
		uint32_t len = flatten(m);

		memcpy(before, got, len);
		was = *m;
		assert_int_equal(ep_flat_len(m), len);
		ep_flat_finish(m, flat, len);
		assert_true(packet_is_right(p, flat, len, false));

		assert_memory_equal(&was, m, sizeof(was));
		assert_int_equal(flatten(m), len);
		assert_memory_equal(before, got, len);
		ep_mbuf_free1(m);
	}
}

static void
tag_goes_back_behind_the_addresses(void **state)
{
	(void)state;

	for (unsigned i = 0; i < 4 * PACKETS; i++) {
		struct packet p = packets[i / 4];
		struct epair_mbuf *m = variant(&p, i % 4);

		m->flags |= EPAIR_M_VLANTAG;
		m->vlan_tci = 0xa123;
		p.vlans++;
		assert_int_equal(ep_flat_len(m), packet_len(&p));
		assert_null(ep_flat_in_place(m));
		ep_flat_finish(m, flat, packet_len(&p));
		assert_memory_equal(flat + 12, "\x81\x00\xa1\x23", 4);
		assert_memory_equal(flat, octets, 12);
		assert_true(packet_is_right(&p, flat, packet_len(&p), false));
		ep_mbuf_free1(m);
	}
}

static void
cut_copy_is_the_front_of_the_whole(void **state)
{
	static const uint32_t cuts[] = { 0, 1, 12, 13, 14, 15, 16, 34, 50, 51,
		52, 53, 54, 66, 96, 511, 1023, 1024, 1025, 2000, 3000 };
	static uint8_t cut[FRAME_MAX];

	(void)state;
	for (unsigned i = 0; i < 8 * PACKETS; i++) {
		struct epair_mbuf *m = variant(&packets[i / 8], i % 4);

		if (i % 8 >= 4) {
			m->flags |= EPAIR_M_VLANTAG;
			m->vlan_tci = 5;
		}
		ep_flat_finish(m, flat, ep_flat_len(m));
		for (unsigned k = 0; k < sizeof(cuts) / sizeof(*cuts); k++) {
			memset(cut, 0xee, sizeof(cut));
			ep_flat_finish(m, cut, cuts[k]);
			assert_memory_equal(cut, flat, cuts[k]);
			assert_int_equal(cut[cuts[k]], 0xee);
		}
		ep_mbuf_free1(m);
	}
}

static void
unfinished_copy_is_what_the_frame_holds(void **state)
{
	struct epair_mbuf *m = chained(partial(&packets[0]), 300, &rng);

	(void)state;
	ep_flat_copy(m, flat, m->pktlen);
	assert_memory_equal(flat, octets, m->pktlen);
	ep_mbuf_free1(m);
}

static void
request_that_makes_no_sense_leaves_the_octets(void **state)
{
	struct epair_mbuf *m = partial(&packets[0]);

	(void)state;
	m->csum_start = 0xfffe;
	m->csum_offset = 0xfffe;
	ep_flat_finish(m, flat, m->pktlen);
	assert_memory_equal(flat, octets, m->pktlen);
	m->flags |= EPAIR_M_VLANTAG;
	m->csum_start = 0xffff;
	m->csum_offset = 0;
	ep_flat_finish(m, flat, ep_flat_len(m));
	assert_memory_equal(flat + 16, octets + 12, m->pktlen - 12);
	ep_mbuf_free1(m);
}

static void
frame_too_short_for_a_tag_has_none(void **state)
{
	static const uint8_t few[11] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
	struct epair_mbuf *m = ep_mbuf_from(pool, few, sizeof(few));

	(void)state;
	assert_non_null(m);
	m->flags |= EPAIR_M_VLANTAG;
	assert_int_equal(ep_flat_len(m), sizeof(few));
	ep_flat_finish(m, flat, sizeof(few));
	assert_memory_equal(flat, few, sizeof(few));
	ep_mbuf_free1(m);
}

static void
plain_frame_is_seen_where_it_is(void **state)
{
	struct epair_mbuf *m = partial(&packets[0]);

	(void)state;
	assert_ptr_equal(ep_flat_in_place(m), m->data);
	m = chained(m, 100, &rng);
	assert_null(ep_flat_in_place(m));
	ep_mbuf_free1(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finished_copy_is_right_and_the_frame_untouched),
		TEST(tag_goes_back_behind_the_addresses),
		TEST(cut_copy_is_the_front_of_the_whole),
		TEST(unfinished_copy_is_what_the_frame_holds),
		TEST(request_that_makes_no_sense_leaves_the_octets),
		TEST(frame_too_short_for_a_tag_has_none),
		TEST(plain_frame_is_seen_where_it_is),
	};

	ep_rng_init(&rng, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
