/* SPDX-License-Identifier: BSD-2-Clause */
/* Instances: their ways, clocks and ends (instance.h; contract 8.4). */
#include "rig.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

static struct epair *
instance_of(enum epair_way way, unsigned workers)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = way,
		.workers = workers,
	};
	struct epair *ep;

	assert_int_equal(epair_new(&opts, &ep, NULL), 0);
	return ep;
}

/* A pair that is UP; gives both ends. */
static void
pair_in(struct epair *ep, struct epair_if **a, struct epair_if **b)
{
	*a = make(ep, NULL, "epair");
	*b = epair_if_peer(*a);
	assert_int_equal(epair_if_up(*a), 0);
	assert_int_equal(epair_if_up(*b), 0);
}

static void
put_both(struct epair_if *a, struct epair_if *b)
{
	epair_if_put(a);
	epair_if_put(b);
}

static bool
is_readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

static void
two_instances_share_nothing(void **state)
{
	struct rig *r = *state;
	struct epair *other = instance();
	struct epair_if *a, *b;

	pair_in(other, &a, &b);
	assert_string_equal(info(a).name, "epair0a");
	assert_int_equal(info(a).index, 1);
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(usage(other).tasks_waiting, 0);
	assert_int_equal(usage(other).mbufs, 0);
	assert_int_equal(epair_run(other, 0), 0);
	assert_int_equal(r->at_b.count, 0);
	put_both(a, b);
	instance_free(other);
	run(r);
	assert_int_equal(r->at_b.count, 1);
}

static void
free_is_refused_while_a_frame_is_held(void **state)
{
	struct epair *ep = instance();
	struct epair_mbuf *m = frame(ep, 60);

	(void)state;
	assert_int_equal(epair_free(ep), -EBUSY);
	epair_mbuf_free(&m, 1);
	assert_int_equal(epair_free(ep), 0);
}

static void
free_is_refused_while_a_reference_is_held(void **state)
{
	struct epair *ep = instance();
	struct epair_if *a = make(ep, NULL, "epair");

	(void)state;
	assert_int_equal(epair_free(ep), -EBUSY);
	/* Nothing has changed. */
	assert_int_equal(epair_if_up(a), 0);
	assert_string_equal(list(ep, NULL), "epair0a epair0b");
	epair_if_put(a);
	assert_int_equal(epair_free(ep), 0);
}

static void
free_is_refused_while_a_subscription_is_held(void **state)
{
	struct epair *ep = instance();
	struct epair_sub *sub;

	(void)state;
	assert_int_equal(epair_subscribe(ep, 0, &sub, NULL), 0);
	assert_int_equal(epair_free(ep), -EBUSY);
	epair_unsubscribe(sub);
	assert_int_equal(epair_free(ep), 0);
}

static void
free_from_within(struct seen *seen, struct epair_if *ifp)
{
	struct epair *ep = epair_if_instance(ifp);

	(void)seen;
	assert_int_equal(epair_free(ep), -EDEADLK);
	assert_int_equal(epair_step(ep, 1), -EDEADLK);
	assert_int_equal(epair_run(ep, 0), -EDEADLK);
	assert_int_equal(epair_advance(ep, 1), -EDEADLK);
	assert_int_equal(epair_advance_until(ep, 1, NULL, NULL), -EDEADLK);
}

static void
callback_may_not_wait_for_itself(void **state)
{
	struct rig *r = *state;

	r->at_b.then = free_from_within;
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_int_equal(r->at_b.count, 1);
}

static void
virtual_time_moves_only_when_told(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_now(r->ep), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_int_equal(epair_now(r->ep), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(epair_advance(r->ep, 1000000007), 0);
	assert_int_equal(epair_now(r->ep), 1000000007);
	assert_int_equal(r->at_b.count, 2);
	assert_int_equal(epair_next_timer(r->ep), UINT64_MAX);
}

/* Has the other end got as many frames as were asked for? */
static int
has_arrived(void *arg)
{
	struct rig *r = arg;

	return r->at_b.count == 2;
}

static void
virtual_time_stops_where_a_condition_is_met(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_link(r->a, "delay 30ms", NULL), 0);
	send_many(r->a, 2, 60);
	assert_int_equal(
	    epair_advance_until(r->ep, 29999999, has_arrived, r), 0);
	assert_int_equal(epair_now(r->ep), 29999999);
	assert_int_equal(
	    epair_advance_until(r->ep, 200000000, has_arrived, r), 1);
	assert_int_equal(epair_now(r->ep), 30000000);
	/* Met already: nothing runs. */
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(epair_advance_until(r->ep, 1, has_arrived, r), 1);
	assert_int_equal(epair_now(r->ep), 30000000);
}

static void
virtual_time_stops_where_all_is_at_rest(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_link(r->a, "delay 30ms", NULL), 0);
	send_many(r->a, 3, 60);
	assert_int_equal(epair_advance_until(r->ep, 1, NULL, NULL), 0);
	assert_int_equal(epair_advance_until(r->ep, UINT64_MAX, NULL, NULL), 1);
	assert_int_equal(epair_now(r->ep), 30000000);
	assert_int_equal(r->at_b.count, 3);
}

/* Two instances of one seed, and one of another, give these addresses. */
static void
addresses_of_simulated_time_come_from_the_seed(void **state)
{
	static const uint64_t seeds[] = { 7, 7, 8 };
	uint8_t macs[3][6];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct epair_opts opts = {
			.size = sizeof(opts), .way = EPAIR_SIM, .seed = seeds[i]
		};
		struct epair *ep;
		struct epair_if *a;

		assert_int_equal(epair_new(&opts, &ep, NULL), 0);
		a = make(ep, NULL, "epair");
		memcpy(macs[i], info(a).mac, 6);
		epair_if_put(a);
		assert_int_equal(epair_free(ep), 0);
	}
	assert_memory_equal(macs[0], macs[1], 6);
	assert_memory_not_equal(macs[0], macs[2], 6);
}

static void
calls_of_another_way_are_invalid(void **state)
{
	struct rig *r = *state;
	struct epair *ep = instance_of(EPAIR_LOOP, 1);

	assert_int_equal(epair_fd(r->ep, 0), -EINVAL);
	assert_int_equal(epair_dispatch(r->ep, 0, 0), -EINVAL);
	assert_int_equal(epair_step(ep, 1), -EINVAL);
	assert_int_equal(epair_run(ep, 0), -EINVAL);
	assert_int_equal(epair_advance(ep, 1), -EINVAL);
	assert_int_equal(epair_advance_until(ep, 1, NULL, NULL), -EINVAL);
	assert_int_equal(epair_fd(ep, 1), -EINVAL);
	assert_int_equal(epair_dispatch(ep, 1, 0), -EINVAL);
	assert_int_equal(epair_free(ep), 0);
}

static void
options_out_of_range_are_invalid(void **state)
{
	struct epair_opts opts = { .size = sizeof(opts) };
	struct epair *ep;

	(void)state;
	opts.workers = EPAIR_WORKERS_MAX + 1;
	assert_int_equal(epair_new(&opts, &ep, NULL), -EINVAL);
	opts.workers = 0;
	opts.pairs_max = EPAIR_PAIRS_MAX + 1;
	assert_int_equal(epair_new(&opts, &ep, NULL), -EINVAL);
	opts.pairs_max = 0;
	opts.way = (enum epair_way)9;
	assert_int_equal(epair_new(&opts, &ep, NULL), -EINVAL);
	opts.way = EPAIR_SIM;
	opts.size = 0; /* forgotten: its options would be ignored */
	assert_int_equal(epair_new(&opts, &ep, NULL), -EINVAL);
	opts.size = sizeof(opts) + 1;
	assert_int_equal(epair_new(&opts, &ep, NULL), -EINVAL);
}

/* The worker on which what comes to an end waits; all others have nothing. */
static unsigned
worker_of(struct epair *ep, struct epair_if *ifp)
{
	struct epair_if *other = epair_if_peer(ifp);
	unsigned at = 0;

	assert_int_equal(send_one(other, 60), 0);
	epair_if_put(other);
	while (epair_dispatch(ep, at, 0) == 0)
		assert_in_range(++at, 1, 2);
	return at;
}

static void
ends_of_a_pair_live_together_or_apart(void **state)
{
	static const unsigned wanted[2][4] = { { 0, 0, 1, 1 }, { 0, 1, 1, 2 } };
	struct epair_opts opts = {
		.size = sizeof(opts), .way = EPAIR_LOOP, .workers = 3
	};

	(void)state;
	for (unsigned apart = 0; apart < 2; apart++) {
		struct epair_if *ends[4];
		struct epair *ep;

		opts.apart = apart;
		assert_int_equal(epair_new(&opts, &ep, NULL), 0);
		pair_in(ep, &ends[0], &ends[1]);
		pair_in(ep, &ends[2], &ends[3]);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(
			    worker_of(ep, ends[i]), wanted[apart][i]);
		put_both(ends[0], ends[1]);
		put_both(ends[2], ends[3]);
		assert_int_equal(epair_free(ep), 0);
	}
}

static void
limit_of_pairs_is_kept(void **state)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = EPAIR_SIM,
		.pairs_max = 2,
	};
	struct epair *ep;

	(void)state;
	assert_int_equal(epair_new(&opts, &ep, NULL), 0);
	(void)make_name(ep, NULL, "epair");
	(void)make_name(ep, NULL, "epair");
	assert_int_equal(make_error(ep, NULL, "epair"), -ENOBUFS);
	destroy(find(ep, NULL, "epair0a"));
	assert_string_equal(make_name(ep, NULL, "epair"), "epair0a");
	instance_free(ep);
}

static void
loop_delivers_when_it_is_dispatched(void **state)
{
	struct epair *ep = instance_of(EPAIR_LOOP, 1);
	static struct seen seen;
	struct epair_if *a, *b;
	int fd = epair_fd(ep, 0);

	(void)state;
	pair_in(ep, &a, &b);
	keep(b, &seen);
	while (epair_dispatch(ep, 0, 0) > 0)
		;
	assert_false(is_readable(fd, 0));
	assert_int_equal(send_one(a, 60), 0);
	assert_true(is_readable(fd, 0));
	assert_int_equal(seen.count, 0);
	assert_in_range(epair_dispatch(ep, 0, 0), 1, 100);
	assert_int_equal(seen.count, 1);
	assert_int_equal(epair_dispatch(ep, 0, 0), 0);
	assert_false(is_readable(fd, 0));
	forget(&seen);
	put_both(a, b);
	assert_int_equal(epair_free(ep), 0);
}

static void
pull_queue_is_emptied_at_the_programs_pace(void **state)
{
	struct epair *ep = instance_of(EPAIR_LOOP, 1);
	struct epair_mbuf *ms[4];
	struct epair_if *a, *b;
	int fd;

	(void)state;
	pair_in(ep, &a, &b);
	assert_int_equal(epair_if_recv(b, ms, 4), -EINVAL);
	assert_int_equal(epair_if_recv_fd(b), -EINVAL);
	assert_int_equal(epair_attach_pull(b, 2, NULL), 0);
	assert_int_equal(epair_if_recv(b, ms, 4), 0);
	fd = epair_if_recv_fd(b);
	assert_false(is_readable(fd, 0));
	send_many(a, 3, 60);
	while (epair_dispatch(ep, 0, 0) > 0)
		;
	assert_true(is_readable(fd, 0));
	assert_int_equal(stats(b).drops[EPAIR_DROP_RX_STACK_FULL], 1);
	assert_int_equal(epair_if_recv(b, ms, 1), 1);
	assert_true(is_readable(fd, 0));
	assert_int_equal(ms[0]->tstamp_ns, 0);
	epair_mbuf_free(ms, 1);
	assert_int_equal(epair_if_recv(b, ms, 4), 1);
	assert_int_equal(ms[0]->tstamp_ns, 1);
	epair_mbuf_free(ms, 1);
	assert_int_equal(epair_if_recv(b, ms, 4), 0);
	assert_false(is_readable(fd, 0));
	put_both(a, b);
	assert_int_equal(epair_free(ep), 0);
}

static void
frames_left_in_a_pull_queue_are_freed_with_it(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_detach(r->b, NULL), 0);
	assert_int_equal(epair_attach_pull(r->b, 0, NULL), 0);
	send_many(r->a, 3, 60);
	run(r);
	assert_int_equal(usage(r->ep).mbufs, 3);
	assert_int_equal(epair_detach(r->b, NULL), 0);
	assert_int_equal(usage(r->ep).mbufs, 0);
}

#define SENDERS      4
#define SENT_BY_EACH 3000

static void *
send_from_a_thread(void *arg)
{
	struct epair_if *a = arg;

	for (int i = 0; i < SENT_BY_EACH; i++)
		if (send_one(a, 60) != 0)
			return a;
	return NULL;
}

/* Every frame is delivered or counted as dropped by the full queue. */
static void
several_threads_send_on_one_interface(void **state)
{
	struct epair *ep = instance_of(EPAIR_THREADS, 2);
	pthread_t threads[SENDERS];
	static struct seen seen;
	struct epair_if *a, *b;
	void *failed;

	(void)state;
	pair_in(ep, &a, &b);
	keep(b, &seen);
	for (int i = 0; i < SENDERS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, send_from_a_thread, a),
		    0);
	for (int i = 0; i < SENDERS; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	while (stats(b).queued > 0 || stats(b).delivered < stats(b).ipackets)
		(void)sched_yield();
	/* After it no callback runs, so that `seen` may be looked at. */
	assert_int_equal(epair_detach(b, NULL), 0);
	assert_int_equal(
	    stats(a).opackets + stats(a).oqdrops, SENDERS * SENT_BY_EACH);
	assert_int_equal(stats(b).ipackets, stats(a).opackets);
	assert_int_equal(seen.count, stats(a).opackets);
	forget(&seen);
	put_both(a, b);
	assert_int_equal(epair_free(ep), 0);
}

static void *
send_until_destroyed(void *arg)
{
	struct epair_if *a = arg;

	while (send_one(a, 60) != -ENXIO)
		;
	return NULL;
}

static void
destroy_under_transmitters_frees_every_frame(void **state)
{
	struct epair *ep = instance_of(EPAIR_THREADS, 1);
	pthread_t threads[2];
	static struct seen seen;
	struct epair_if *a, *b;
	unsigned count;

	(void)state;
	pair_in(ep, &a, &b);
	assert_int_equal(
	    pthread_create(&threads[0], NULL, send_until_destroyed, a), 0);
	assert_int_equal(
	    pthread_create(&threads[1], NULL, send_until_destroyed, b), 0);
	while (stats(a).opackets < 100 || stats(b).opackets < 100)
		(void)sched_yield();
	keep(b, &seen);
	while (stats(b).delivered == 0)
		(void)sched_yield();
	assert_int_equal(epair_if_destroy(a, NULL), 0);
	assert_int_equal(seen.detached, 1);
	count = seen.count;
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	assert_int_equal(seen.count, count);
	forget(&seen);
	assert_int_equal(usage(ep).mbufs, 0);
	put_both(a, b);
	assert_int_equal(epair_free(ep), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(two_instances_share_nothing),
		cmocka_unit_test(free_is_refused_while_a_frame_is_held),
		cmocka_unit_test(free_is_refused_while_a_reference_is_held),
		cmocka_unit_test(free_is_refused_while_a_subscription_is_held),
		RIG_TEST(callback_may_not_wait_for_itself),
		RIG_TEST(virtual_time_moves_only_when_told),
		RIG_TEST(virtual_time_stops_where_a_condition_is_met),
		RIG_TEST(virtual_time_stops_where_all_is_at_rest),
		cmocka_unit_test(
		    addresses_of_simulated_time_come_from_the_seed),
		RIG_TEST(calls_of_another_way_are_invalid),
		cmocka_unit_test(options_out_of_range_are_invalid),
		cmocka_unit_test(ends_of_a_pair_live_together_or_apart),
		cmocka_unit_test(limit_of_pairs_is_kept),
		cmocka_unit_test(loop_delivers_when_it_is_dispatched),
		cmocka_unit_test(pull_queue_is_emptied_at_the_programs_pace),
		RIG_TEST(frames_left_in_a_pull_queue_are_freed_with_it),
		cmocka_unit_test(several_threads_send_on_one_interface),
		cmocka_unit_test(destroy_under_transmitters_frees_every_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
