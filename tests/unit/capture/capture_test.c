/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filtering, cutting, finishing and counting. Where the taps sit is
 * tests/unit/api/tap_test.c.
 */
#include <poll.h>

#include "unit/api/rig.h"
#include "unit/mbuf/packet.h"

static struct epair_capture *
open_with(struct epair_if *ifp, const char *filter, uint32_t flags)
{
	const struct epair_capture_opts opts = {
		.size = sizeof(opts),
		.filter = filter,
		.flags = flags,
	};
	struct epair_capture *cap;

	assert_int_equal(epair_capture_open(ifp, &opts, &cap, NULL), 0);
	return cap;
}

static struct epair_record
next(struct epair_capture *cap)
{
	struct epair_record rec;

	assert_int_equal(epair_capture_next(cap, &rec), 1);
	return rec;
}

static void
assert_no_more(struct epair_capture *cap)
{
	struct epair_record rec;

	assert_int_equal(epair_capture_next(cap, &rec), 0);
}

static void
assert_stats(struct epair_capture *cap, uint64_t seen, uint64_t passed,
    uint64_t lost, uint64_t read)
{
	struct epair_capture_stats s = { .size = sizeof(s) };

	assert_int_equal(epair_capture_get_stats(cap, &s), 0);
	assert_int_equal(s.seen, seen);
	assert_int_equal(s.passed, passed);
	assert_int_equal(s.lost, lost);
	assert_int_equal(s.read, read);
}

static void
filter_keeps_what_it_names_and_all_is_counted(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_with(r->a, "ether broadcast", 0);

	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(transmit(r->a, frame_to(r->ep, mac_broadcast, 61)), 0);
	assert_int_equal(send_one(r->a, 62), 0);
	run(r);
	assert_stats(cap, 3, 1, 0, 0);
	assert_int_equal(next(cap).len, 61);
	assert_no_more(cap);
	assert_stats(cap, 3, 1, 0, 1);
	epair_capture_close(cap);
}

static void
captures_filter_for_themselves(void **state)
{
	struct rig *r = *state;
	struct epair_capture *small = open_with(r->a, "less 100", 0);
	struct epair_capture *large = open_with(r->a, "greater 101", 0);

	assert_int_equal(send_one(r->a, 100), 0);
	assert_int_equal(send_one(r->a, 101), 0);
	run(r);
	assert_int_equal(next(small).len, 100);
	assert_int_equal(next(large).len, 101);
	assert_no_more(small);
	assert_no_more(large);
	epair_capture_close(large);
	epair_capture_close(small);
}

/* A frame that is one octet a piece in front. */
static struct epair_mbuf *
chain_of(struct epair *ep, uint32_t len)
{
	struct epair_mbuf *m = frame(ep, len), *chain = NULL, *piece;
	uint8_t octets[2048];
	uint32_t n;

	assert_int_equal(epair_mbuf_read(m, 0, octets, len), len);
	epair_mbuf_free(&m, 1);
	for (uint32_t off = 0; off < len; off += n) {
		n = off < 20 ? 1 : len - off;
		piece = epair_mbuf_from(ep, octets + off, n);
		assert_non_null(piece);
		if (chain == NULL)
			chain = piece;
		else
			epair_mbuf_chain(chain, piece);
	}
	return chain;
}

static void
filter_looks_across_a_chain(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_with(
	    r->a, "ether proto 0x88b5 and len == 1000", 0);
	struct epair_record rec;

	assert_int_equal(transmit(r->a, chain_of(r->ep, 1000)), 0);
	run(r);
	rec = next(cap);
	assert_int_equal(rec.caplen, 1000);
	assert_memory_equal(rec.data, mac_station, 6);
	epair_capture_close(cap);
}

static void
tag_out_of_band_is_filtered_and_shown_inline(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_with(r->a, "vlan 5", 0);
	struct epair_mbuf *m = frame(r->ep, 60);
	struct epair_record rec;

	m->flags |= EPAIR_M_VLANTAG;
	m->vlan_tci = 5;
	assert_int_equal(transmit(r->a, m), 0);
	m = frame(r->ep, 60);
	m->flags |= EPAIR_M_VLANTAG;
	m->vlan_tci = 6;
	assert_int_equal(transmit(r->a, m), 0);
	run(r);
	rec = next(cap);
	assert_int_equal(rec.len, 64);
	assert_int_equal(rec.caplen, 64);
	assert_memory_equal(rec.data + 12, "\x81\0\0\x05\x88\xb5", 6);
	assert_no_more(cap);
	/* The frame itself crossed as the contract wants it. */
	assert_int_equal(r->at_b.ms[0]->pktlen, 60);
	epair_capture_close(cap);
}

static void
long_frame_is_cut_at_snaplen(void **state)
{
	const struct epair_capture_opts opts = {
		.size = sizeof(opts),
		.snaplen = 20,
	};
	struct rig *r = *state;
	struct epair_capture *cap;
	struct epair_record rec;

	assert_int_equal(epair_capture_open(r->a, &opts, &cap, NULL), 0);
	assert_int_equal(send_one(r->a, 1000), 0);
	assert_int_equal(send_one(r->a, 19), 0);
	rec = next(cap);
	assert_int_equal(rec.caplen, 20);
	assert_int_equal(rec.len, 1000);
	assert_memory_equal(rec.data, mac_station, 6);
	rec = next(cap);
	assert_int_equal(rec.caplen, 19);
	assert_int_equal(rec.len, 19);
	epair_capture_close(cap);
}

static void
frame_to_be_segmented_is_shown_whole_and_right(void **state)
{
	const struct packet p = {
		.version = 4,
		.is_tcp = true,
		.payload = 30000,
		.seed = 7,
	};
	struct rig *r = *state;
	struct epair_capture *cap = open_with(r->a, "tcp", EPAIR_CAPTURE_OUT);
	static uint8_t octets[40000];
	struct epair_mbuf *m;
	struct epair_record rec;

	packet_write(&p, octets);
	m = epair_mbuf_from(r->ep, octets, packet_len(&p));
	assert_non_null(m);
	m->flags |= EPAIR_M_CSUM_PARTIAL;
	m->csum_start = packet_csum_start(&p);
	m->csum_offset = packet_csum_offset(&p);
	m->gso = EPAIR_GSO_TCP4;
	m->gso_size = 1448;
	assert_int_equal(transmit(r->a, m), 0);
	rec = next(cap);
	assert_int_equal(rec.len, packet_len(&p));
	assert_int_equal(rec.caplen, packet_len(&p));
	assert_true(packet_is_right(&p, rec.data, rec.caplen, false));
	assert_no_more(cap);
	run(r);
	assert_int_equal(r->at_b.count, (30000 + 1447) / 1448);
	epair_capture_close(cap);
}

static void
drop_is_shown_with_its_reason_under_the_same_id(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_with(r->a, NULL, EPAIR_CAPTURE_OUT);
	struct epair_record rec;
	uint64_t id;

	assert_int_equal(epair_if_set_queue_limit(r->b, 1, NULL), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(send_one(r->a, 61), 0);
	assert_int_equal(next(cap).len, 60);
	id = next(cap).pktid;
	rec = next(cap);
	assert_int_equal(rec.drop, EPAIR_DROP_QUEUE_FULL);
	assert_int_equal(rec.pktid, id);
	assert_int_equal(rec.len, 61);
	assert_int_equal(rec.outbound, 1);
	assert_no_more(cap);
	assert_stats(cap, 3, 3, 0, 3);
	epair_capture_close(cap);
}

static void
drop_of_a_frame_that_was_not_shown_is_not_shown(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap;

	assert_int_equal(send_one(r->a, 60), 0);
	cap = open_with(r->a, NULL, EPAIR_CAPTURE_BOTH);
	assert_int_equal(epair_if_down(r->b), 0);
	run(r);
	assert_int_equal(stats(r->b).drops[EPAIR_DROP_RX_DOWN], 1);
	assert_no_more(cap);
	assert_stats(cap, 0, 0, 0, 0);
	epair_capture_close(cap);
}

static void
group_addresses_are_flagged(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_with(r->a, NULL, 0);

	assert_int_equal(transmit(r->a, frame_to(r->ep, mac_broadcast, 60)), 0);
	assert_int_equal(transmit(r->a, frame_to(r->ep, mac_group, 60)), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(send_one(r->a, 5), 0);
	assert_int_equal(next(cap).flags, EPAIR_M_BCAST);
	assert_int_equal(next(cap).flags, EPAIR_M_MCAST);
	assert_int_equal(next(cap).flags, 0);
	assert_int_equal(next(cap).flags, 0);
	epair_capture_close(cap);
}

static void
time_is_that_of_the_instance(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_with(r->a, NULL, EPAIR_CAPTURE_BOTH);

	assert_int_equal(epair_advance(r->ep, 12345), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(epair_advance(r->ep, 5), 0);
	assert_int_equal(next(cap).time_ns, 12345);
	assert_int_equal(next(cap).time_ns, 12345);
	epair_capture_close(cap);
}

static void
losses_are_told_by_the_next_record(void **state)
{
	const struct epair_capture_opts opts = {
		.size = sizeof(opts),
		.buffer = 1,
		.flags = EPAIR_CAPTURE_OUT,
	};
	struct epair_capture_stats s = { .size = sizeof(s) };
	struct rig *r = *state;
	struct epair_capture *cap;
	struct epair_record rec;

	assert_int_equal(epair_capture_open(r->a, &opts, &cap, NULL), 0);
	send_many(r->a, 20, 1000);
	assert_int_equal(epair_capture_get_stats(cap, &s), 0);
	assert_true(s.lost > 0);
	while (epair_capture_next(cap, &rec) == 1)
		assert_int_equal(rec.lost, 0);
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(next(cap).lost, s.lost);
	epair_capture_close(cap);
}

static void
descriptor_is_readable_while_records_wait(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_with(r->a, "less 100", 0);
	struct pollfd p = { .fd = epair_capture_fd(cap), .events = POLLIN };

	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(send_one(r->a, 101), 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(poll(&p, 1, 0), 1);
	(void)next(cap);
	assert_no_more(cap);
	assert_int_equal(poll(&p, 1, 0), 0);
	epair_capture_close(cap);
}

static void
wrong_options_are_refused(void **state)
{
	static const struct epair_capture_opts wrong[] = {
		{ .size = sizeof(wrong[0]), .flags = 8 },
		{ .size = sizeof(wrong[0]), .filter = "no such" },
		{ .size = sizeof(wrong[0]), .buffer = SIZE_MAX },
		{ .size = sizeof(wrong[0]) + 1 },
		{ .size = 1 },
	};
	struct rig *r = *state;
	struct epair_capture *cap = NULL;
	struct epair_err err;

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		err = (struct epair_err){ 0 };
		assert_int_equal(
		    epair_capture_open(r->a, &wrong[i], &cap, &err), -EINVAL);
		assert_int_equal(err.code, -EINVAL);
		assert_true(strlen(err.text) > 0);
		assert_null(cap);
	}
}

static void
no_options_are_the_default(void **state)
{
	const struct epair_capture_opts little = { .size = sizeof(size_t) };
	struct rig *r = *state;
	struct epair_capture *cap, *same;

	assert_int_equal(epair_capture_open(r->a, NULL, &cap, NULL), 0);
	assert_int_equal(epair_capture_open(r->a, &little, &same, NULL), 0);
	assert_int_equal(send_one(r->a, 1514), 0);
	assert_int_equal(next(cap).caplen, 1514);
	assert_int_equal(next(same).caplen, 1514);
	epair_capture_close(cap);
	epair_capture_close(same);
	epair_capture_close(NULL);
}

static void
destroyed_interface_is_refused(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = NULL;
	struct epair_err err = { 0 };

	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	assert_int_equal(epair_capture_open(r->b, NULL, &cap, &err), -ENXIO);
	assert_null(cap);
	assert_int_equal(err.code, -ENXIO);
}

static void
capture_outlives_the_pair_and_its_references(void **state)
{
	struct rig *r = *state;
	struct epair_if *a = make(r->ep, NULL, "epair");
	struct epair_capture *cap = open_with(a, NULL, 0);

	assert_int_equal(epair_if_up(a), 0);
	assert_int_equal(send_one(a, 60), 0);
	assert_int_equal(epair_if_destroy(a, NULL), 0);
	epair_if_put(a);
	assert_int_equal(next(cap).len, 60);
	epair_capture_close(cap);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(filter_keeps_what_it_names_and_all_is_counted),
		RIG_TEST(captures_filter_for_themselves),
		RIG_TEST(filter_looks_across_a_chain),
		RIG_TEST(tag_out_of_band_is_filtered_and_shown_inline),
		RIG_TEST(long_frame_is_cut_at_snaplen),
		RIG_TEST(frame_to_be_segmented_is_shown_whole_and_right),
		RIG_TEST(drop_is_shown_with_its_reason_under_the_same_id),
		RIG_TEST(drop_of_a_frame_that_was_not_shown_is_not_shown),
		RIG_TEST(group_addresses_are_flagged),
		RIG_TEST(time_is_that_of_the_instance),
		RIG_TEST(losses_are_told_by_the_next_record),
		RIG_TEST(descriptor_is_readable_while_records_wait),
		RIG_TEST(wrong_options_are_refused),
		RIG_TEST(no_options_are_the_default),
		RIG_TEST(destroyed_interface_is_refused),
		RIG_TEST(capture_outlives_the_pair_and_its_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
