/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the capture taps sit: contract 3.5, 3.7, 5 and 8.2. How captures
 * filter and are written is tests/unit/capture.
 */
#include "rig.h"

static struct epair_capture *
open_on(struct epair_if *ifp, uint32_t flags)
{
	const struct epair_capture_opts opts = {
		.size = sizeof(opts),
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
frame_is_shown_at_both_ends_under_one_id(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_on(r->a, EPAIR_CAPTURE_BOTH);
	struct epair_record rec;
	uint64_t id;

	assert_int_equal(send_one(r->a, 60), 0);
	rec = next(cap);
	id = rec.pktid;
	assert_int_equal(rec.side, 'a');
	assert_int_equal(rec.outbound, 1);
	assert_int_equal(rec.len, 60);
	assert_int_equal(rec.caplen, 60);
	assert_int_equal(rec.drop, -1);
	assert_memory_equal(rec.data, mac_station, 6);
	assert_no_more(cap);
	run(r);
	rec = next(cap);
	assert_int_equal(rec.side, 'b');
	assert_int_equal(rec.outbound, 0);
	assert_int_equal(rec.pktid, id);
	assert_int_equal(rec.drop, -1);
	assert_no_more(cap);
	epair_capture_close(cap);
}

static void
one_end_shows_only_its_own(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_on(r->a, 0);

	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(send_one(r->b, 61), 0);
	run(r);
	assert_int_equal(next(cap).len, 60);
	assert_int_equal(next(cap).len, 61);
	assert_no_more(cap);
	epair_capture_close(cap);
}

static void
direction_can_be_chosen(void **state)
{
	struct rig *r = *state;
	struct epair_capture *in = open_on(r->a, EPAIR_CAPTURE_IN);
	struct epair_capture *out = open_on(r->a, EPAIR_CAPTURE_OUT);

	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(send_one(r->b, 61), 0);
	run(r);
	assert_int_equal(next(in).len, 61);
	assert_int_equal(next(out).len, 60);
	assert_no_more(in);
	assert_no_more(out);
	epair_capture_close(in);
	epair_capture_close(out);
}

static void
refused_frame_is_not_shown(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_on(r->a, 0);

	assert_int_equal(send_one(r->a, 1519), -E2BIG);
	assert_int_equal(epair_if_down(r->a), 0);
	assert_int_equal(send_one(r->a, 60), -ENETDOWN);
	assert_no_more(cap);
	epair_capture_close(cap);
}

static void
frame_is_shown_before_the_peer_is_looked_at(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_on(r->a, 0);
	struct epair_record rec;
	uint64_t id;

	assert_int_equal(epair_if_down(r->b), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	rec = next(cap);
	id = rec.pktid;
	assert_int_equal(rec.drop, -1);
	rec = next(cap);
	assert_int_equal(rec.drop, EPAIR_DROP_PEER_DOWN);
	assert_int_equal(rec.pktid, id);
	assert_no_more(cap);
	epair_capture_close(cap);
}

static void
frame_behind_a_discipline_is_shown_once(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_on(r->a, 0);

	assert_int_equal(epair_if_set_qdisc(r->a, "fifo:limit=8", NULL), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_int_equal(next(cap).drop, -1);
	assert_no_more(cap);
	epair_capture_close(cap);
}

static void
frame_is_shown_as_it_was_sent(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_on(r->a, EPAIR_CAPTURE_BOTH);
	struct epair_record rec;

	assert_int_equal(transmit(r->a, frame_to(r->ep, mac_broadcast, 60)), 0);
	run(r);
	rec = next(cap);
	assert_memory_equal(rec.data, mac_broadcast, 6);
	rec = next(cap);
	assert_true(rec.flags & EPAIR_M_BCAST);
	epair_capture_close(cap);
}

static void
frame_too_short_for_a_header_is_not_shown_as_received(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_on(r->b, EPAIR_CAPTURE_IN);
	struct epair_record rec;

	assert_int_equal(send_one(r->a, 13), 0);
	run(r);
	/* Never shown, so neither is its drop. */
	assert_int_equal(epair_capture_next(cap, &rec), 0);
	epair_capture_close(cap);
}

static void
monitored_frame_is_shown(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_on(r->b, EPAIR_CAPTURE_IN);

	assert_int_equal(
	    epair_if_set_flags(r->b, EPAIR_IFF_MONITOR, 0, NULL), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_int_equal(next(cap).drop, -1);
	epair_capture_close(cap);
}

static void
move_ends_the_capture_and_leaves_what_it_holds(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_on(r->a, 0);

	assert_int_equal(epair_vnet_add(r->ep, "red", NULL, NULL), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(epair_if_move(r->a, "red", NULL), 0);
	assert_int_equal(epair_if_up(r->a), 0);
	assert_int_equal(send_one(r->a, 61), 0);
	run(r);
	assert_int_equal(next(cap).len, 60);
	assert_no_more(cap);
	epair_capture_close(cap);
}

static void
destroy_ends_the_capture_and_leaves_what_it_holds(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_on(r->a, 0);

	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	assert_int_equal(next(cap).len, 60);
	epair_capture_close(cap);
}

static void
slow_reader_loses_captures_but_no_frame(void **state)
{
	const struct epair_capture_opts opts = {
		.size = sizeof(opts),
		.buffer = 4096,
	};
	struct epair_capture_stats s = { .size = sizeof(s) };
	struct rig *r = *state;
	struct epair_capture *cap;

	assert_int_equal(epair_capture_open(r->a, &opts, &cap, NULL), 0);
	send_many(r->a, 100, 1000);
	run(r);
	assert_int_equal(r->at_b.count, 100);
	assert_int_equal(epair_capture_get_stats(cap, &s), 0);
	assert_int_equal(s.seen, 100);
	assert_int_equal(s.passed, 100);
	assert_true(s.lost > 0 && s.lost < 100);
	epair_capture_close(cap);
}

static void
instance_is_not_freed_under_a_capture(void **state)
{
	struct epair *ep = instance();
	struct epair_if *a = make(ep, NULL, "epair");
	struct epair_capture *cap = open_on(a, 0);

	(void)state;
	epair_if_put(a);
	assert_int_equal(epair_free(ep), -EBUSY);
	epair_capture_close(cap);
	assert_int_equal(epair_free(ep), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(frame_is_shown_at_both_ends_under_one_id),
		RIG_TEST(one_end_shows_only_its_own),
		RIG_TEST(direction_can_be_chosen),
		RIG_TEST(refused_frame_is_not_shown),
		RIG_TEST(frame_is_shown_before_the_peer_is_looked_at),
		RIG_TEST(frame_behind_a_discipline_is_shown_once),
		RIG_TEST(frame_is_shown_as_it_was_sent),
		RIG_TEST(frame_too_short_for_a_header_is_not_shown_as_received),
		RIG_TEST(monitored_frame_is_shown),
		RIG_TEST(move_ends_the_capture_and_leaves_what_it_holds),
		RIG_TEST(destroy_ends_the_capture_and_leaves_what_it_holds),
		RIG_TEST(slow_reader_loses_captures_but_no_frame),
		cmocka_unit_test(instance_is_not_freed_under_a_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
