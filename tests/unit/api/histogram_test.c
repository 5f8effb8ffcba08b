/* SPDX-License-Identifier: BSD-2-Clause */
/* In what bursts frames are handed over, and how long they waited. */
#include "rig.h"

#include <time.h>

static struct epair_if_histograms
histograms(struct epair_if *ifp)
{
	struct epair_if_histograms h = { .size = sizeof(h) };

	assert_int_equal(epair_if_get_histograms(ifp, &h), 0);
	return h;
}

static uint64_t
sum(const uint64_t *counts, unsigned n)
{
	uint64_t all = 0;

	while (n > 0)
		all += counts[--n];
	return all;
}

static void
burst_is_what_a_task_takes_at_once(void **state)
{
	/* Bursts of so many frames, and the places that count them. */
	static const struct {
		unsigned frames, place;
	} bursts[] = { { 1, 0 }, { 2, 1 }, { 3, 2 }, { 4, 2 }, { 5, 3 },
		{ 63, 6 }, { 64, 6 }, { 65, 7 }, { 4096, 12 } };
	struct rig *r = *state;
	uint64_t before, frames = 0;

	for (unsigned i = 0; i < sizeof(bursts) / sizeof(bursts[0]); i++) {
		before = histograms(r->b).bursts[bursts[i].place];
		send_many(r->a, bursts[i].frames, 60);
		run(r);
		assert_int_equal(
		    histograms(r->b).bursts[bursts[i].place], before + 1);
		assert_int_equal(
		    sum(histograms(r->b).bursts, EPAIR_BURST_PLACES), i + 1);
		frames += bursts[i].frames;
		assert_int_equal(histograms(r->b).burst_frames, frames);
	}
	assert_int_equal(histograms(r->a).burst_frames, 0);
}

static void
burst_beyond_all_bounds_is_in_the_last_place(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_queue_limit(r->b, 5000, NULL), 0);
	send_many(r->a, 4097, 60);
	run(r);
	assert_int_equal(histograms(r->b).bursts[EPAIR_BURST_PLACES - 1], 1);
}

static void
wait_is_measured_for_every_252nd_frame(void **state)
{
	struct rig *r = *state;

	for (unsigned i = 1; i <= 600; i++) {
		send_many(r->a, 1, 60);
		run(r);
		/* The 1st, the 253rd and the 505th. */
		assert_int_equal(sum(histograms(r->b).waits, EPAIR_WAIT_PLACES),
		    (i + 251) / 252);
	}
}

static void
frames_wait_for_no_time_in_simulated_time(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_link(r->a, "delay 20ms", NULL), 0);
	send_many(r->a, 10, 60);
	assert_int_equal(epair_advance(r->ep, 30000000), 0);
	assert_int_equal(r->at_b.count, 10);
	assert_int_equal(histograms(r->b).waits[0], 1);
	assert_int_equal(histograms(r->b).wait_ns, 0);
}

#define WAIT_NS 20000000

static void
wait_lasts_until_the_task_comes(void **state)
{
	const struct epair_opts opts = { .size = sizeof(opts),
		.way = EPAIR_LOOP };
	const struct timespec wait = { .tv_nsec = WAIT_NS };
	struct epair_if_histograms h;
	static struct rig r; /* too large for a stack */

	(void)state;
	assert_int_equal(epair_new(&opts, &r.ep, NULL), 0);
	r.a = make(r.ep, NULL, "epair0");
	r.b = epair_if_peer(r.a);
	assert_int_equal(epair_if_up(r.a), 0);
	assert_int_equal(epair_if_up(r.b), 0);
	assert_int_equal(send_one(r.a, 60), 0);
	assert_int_equal(nanosleep(&wait, NULL), 0);
	assert_int_equal(epair_dispatch(r.ep, 0, 0), 1);
	h = histograms(r.b);
	assert_true(h.wait_ns >= WAIT_NS);
	/* It is where a wait of that length is, or, on a busy machine, above. */
	for (unsigned i = 0; EPAIR_WAIT_BOUND_NS(i) < WAIT_NS; i++)
		assert_int_equal(h.waits[i], 0);
	assert_int_equal(sum(h.waits, EPAIR_WAIT_PLACES), 1);
	epair_if_put(r.b);
	destroy(r.a);
	assert_int_equal(epair_free(r.ep), 0);
}

static void
all_queues_are_summed_up(void **state)
{
	struct rig *r = *state;

	for (uint32_t hash = 0; hash < 64; hash++) {
		struct epair_mbuf *m = frame(r->ep, 60);

		m->hashtype = EPAIR_HASH_RSS_IPV4;
		m->hash = hash;
		assert_int_equal(transmit(r->a, m), 0);
	}
	run(r);
	assert_int_equal(histograms(r->b).burst_frames, 64);
	assert_int_equal(histograms(r->b).bursts[4], 4);
	assert_int_equal(sum(histograms(r->b).waits, EPAIR_WAIT_PLACES), 4);
}

static void
histograms_outlive_a_move_and_the_pair(void **state)
{
	struct epair_if_histograms h = { .size = sizeof(h) + 1 };
	struct rig *r = *state;

	send_many(r->a, 3, 60);
	run(r);
	assert_int_equal(epair_vnet_add(r->ep, "red", NULL, NULL), 0);
	assert_int_equal(epair_if_move(r->b, "red", NULL), 0);
	assert_int_equal(histograms(r->b).bursts[2], 1);
	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	assert_int_equal(histograms(r->b).bursts[2], 1);
	assert_int_equal(epair_if_get_histograms(r->b, &h), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(burst_is_what_a_task_takes_at_once),
		RIG_TEST(burst_beyond_all_bounds_is_in_the_last_place),
		RIG_TEST(wait_is_measured_for_every_252nd_frame),
		RIG_TEST(frames_wait_for_no_time_in_simulated_time),
		cmocka_unit_test(wait_lasts_until_the_task_comes),
		QUEUES_TEST(all_queues_are_summed_up),
		RIG_TEST(histograms_outlive_a_move_and_the_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
