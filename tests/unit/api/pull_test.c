/* SPDX-License-Identifier: BSD-2-Clause */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "rig.h"

/* A pull queue of 100 frames is at b. */
static int
set_up(void **state)
{
	struct rig *r;

	if (rig_setup_bare(state) != 0)
		return -1;
	r = *state;
	r->a = make(r->ep, NULL, "epair0");
	r->b = epair_if_peer(r->a);
	assert_int_equal(epair_attach_pull(r->b, 100, NULL), 0);
	assert_int_equal(epair_if_up(r->a), 0);
	assert_int_equal(epair_if_up(r->b), 0);
	run(r);
	return 0;
}

#define PULL_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, rig_teardown)

static int
is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_true(fd >= 0);
	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0;
}

/* Receive up to n frames; they are numbered from `first` on. */
static int
recv_some(struct rig *r, unsigned n, uint64_t first)
{
	struct epair_mbuf *ms[200];
	int got;

	assert_in_range(n, 0, 200);
	got = epair_if_recv(r->b, ms, n);
	for (int i = 0; i < got; i++) {
		assert_int_equal(ms[i]->tstamp_ns, first + (unsigned)i);
		epair_mbuf_free(&ms[i], 1);
	}
	return got;
}

static void
frames_wait_until_they_are_received_in_order(void **state)
{
	struct rig *r = *state;

	assert_int_equal(recv_some(r, 10, 0), 0);
	send_many(r->a, 90, 60);
	run(r);
	assert_int_equal(recv_some(r, 0, 0), 0);
	assert_int_equal(recv_some(r, 1, 0), 1);
	assert_int_equal(recv_some(r, 69, 1), 69);
	assert_int_equal(recv_some(r, 200, 70), 20);
	assert_int_equal(recv_some(r, 200, 0), 0);
	assert_string_equal(info(r->b).attachment, "pull");
}

static void
ring_goes_round(void **state)
{
	struct rig *r = *state;

	for (unsigned i = 0; i < 50; i++) {
		send_many(r->a, 37, 60);
		run(r);
		assert_int_equal(recv_some(r, 200, 0), 37);
	}
}

static void
frames_beyond_the_limit_are_counted_drops(void **state)
{
	struct rig *r = *state;

	send_many(r->a, 130, 60);
	run(r);
	assert_int_equal(stats(r->b).drops[EPAIR_DROP_RX_STACK_FULL], 30);
	assert_int_equal(recv_some(r, 200, 0), 100);
	send_many(r->a, 1, 60);
	run(r);
	assert_int_equal(recv_some(r, 200, 0), 1);
}

static void
descriptor_is_readable_while_frames_wait(void **state)
{
	struct rig *r = *state;
	int fd = epair_if_recv_fd(r->b);

	assert_int_equal(epair_if_recv_fd(r->b), fd);
	for (unsigned i = 0; i < 3; i++) {
		assert_false(is_readable(fd));
		send_many(r->a, 10, 60);
		assert_false(is_readable(fd));
		run(r);
		assert_true(is_readable(fd));
		assert_int_equal(recv_some(r, 9, 0), 9);
		assert_true(is_readable(fd));
		assert_int_equal(recv_some(r, 9, 9), 1);
	}
	assert_false(is_readable(fd));
}

static void
descriptor_knows_what_waited_before_it_was_asked_for(void **state)
{
	struct rig *r = *state;
	int fd;

	send_many(r->a, 10, 60);
	run(r);
	fd = epair_if_recv_fd(r->b);
	assert_true(is_readable(fd));
	assert_int_equal(recv_some(r, 10, 0), 10);
	assert_false(is_readable(fd));
}

static void
what_waits_is_freed_and_counted_with_the_queue(void **state)
{
	struct rig *r = *state;

	assert_true(epair_if_recv_fd(r->b) >= 0);
	send_many(r->a, 90, 60);
	run(r);
	assert_int_equal(usage(r->ep).mbufs, 90);
	assert_int_equal(epair_detach(r->b, NULL), 0);
	assert_int_equal(usage(r->ep).mbufs, 0);
	assert_int_equal(stats(r->b).drops[EPAIR_DROP_RX_STACK_DOWN], 90);
}

static void
only_a_pull_queue_can_be_received_from(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_recv(r->a, NULL, 0), -EINVAL);
	assert_int_equal(epair_if_recv_fd(r->a), -EINVAL);
	assert_int_equal(epair_attach(r->a, "sink", NULL), 0);
	assert_int_equal(epair_if_recv(r->a, NULL, 0), -EINVAL);
	assert_int_equal(epair_if_recv_fd(r->a), -EINVAL);
	assert_int_equal(epair_if_destroy(r->b, NULL), 0);
	assert_int_equal(epair_if_recv(r->b, NULL, 0), -ENXIO);
	assert_int_equal(epair_if_recv_fd(r->b), -ENXIO);
}

static void
limit_is_4096_unless_said(void **state)
{
	struct rig *r = *state;
	struct epair_err err;

	assert_int_equal(epair_detach(r->b, NULL), 0);
	assert_int_equal(epair_attach_pull(r->b, 1048577, &err), -EINVAL);
	assert_string_equal(
	    err.text, "a pull queue of 1048577 frames: must be 1 to 1048576");
	assert_int_equal(epair_attach_pull(r->b, 0, NULL), 0);
	for (unsigned i = 0; i < 5; i++) {
		send_many(r->a, 1000, 60);
		run(r);
	}
	assert_int_equal(stats(r->b).drops[EPAIR_DROP_RX_STACK_FULL], 904);
	assert_int_equal(epair_attach_pull(r->a, 1, NULL), 0);
	send_many(r->b, 2, 60);
	run(r);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_RX_STACK_FULL], 1);
}

/*
 * Threads: two workers fill the ring, by two queues, while a reader sleeps on
 * its descriptor. A frame of 61 octets is the last.
 */

#define EACH 30000u

struct crowd {
	struct epair *ep;
	struct epair_if *a, *b;
	uint64_t received; /* atomic */
	int fd;
};

/* A frame of IPv4 whose addresses choose its bucket. */
static struct epair_mbuf *
flow_frame(struct epair *ep, unsigned flow)
{
	uint8_t octets[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45,
		0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0 };

	octets[29] = (uint8_t)flow;
	octets[30] = 10;
	return epair_mbuf_from(ep, octets, sizeof(octets));
}

static void *
send_flows(void *arg)
{
	struct crowd *crowd = arg;

	for (unsigned i = 0; i < EACH; i++) {
		struct epair_mbuf *m;

		while ((m = flow_frame(crowd->ep, i)) == NULL)
			(void)poll(NULL, 0, 1);
		(void)epair_if_transmit(crowd->a, &m, 1);
	}
	return NULL;
}

static void *
recv_flows(void *arg)
{
	struct crowd *crowd = arg;
	struct pollfd p = { .fd = crowd->fd, .events = POLLIN };
	struct epair_mbuf *ms[64];
	int got;

	for (;;) {
		/* -1: a wakeup that gets lost is a test that hangs. */
		assert_int_equal(poll(&p, 1, -1), 1);
		while ((got = epair_if_recv(crowd->b, ms, 64)) > 0) {
			unsigned is_last = 0;

			for (int i = 0; i < got; i++)
				is_last += ms[i]->pktlen == 61;
			(void)__atomic_fetch_add(&crowd->received,
			    (unsigned)got - is_last, __ATOMIC_RELAXED);
			epair_mbuf_free(ms, (unsigned)got);
			if (is_last > 0)
				return NULL;
		}
	}
}

static uint64_t
received(const struct crowd *crowd)
{
	return __atomic_load_n(&crowd->received, __ATOMIC_RELAXED);
}

static uint64_t
dropped(struct crowd *crowd)
{
	struct epair_if_stats a = stats(crowd->a), b = stats(crowd->b);
	uint64_t sum = 0;

	for (unsigned i = 0; i < EPAIR_DROP_MAX; i++)
		sum += a.drops[i] + b.drops[i];
	return sum;
}

static void
no_wakeup_is_lost_between_threads(void **state)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.workers = 2,
		.queues = 2,
	};
	struct crowd crowd = { 0 };
	pthread_t senders[2], reader;
	struct epair_mbuf *last;

	(void)state;
	assert_int_equal(epair_new(&opts, &crowd.ep, NULL), 0);
	crowd.a = make(crowd.ep, NULL, "epair0");
	crowd.b = epair_if_peer(crowd.a);
	assert_int_equal(epair_attach_pull(crowd.b, 64, NULL), 0);
	assert_int_equal(epair_if_up(crowd.a), 0);
	assert_int_equal(epair_if_up(crowd.b), 0);
	crowd.fd = epair_if_recv_fd(crowd.b);

	assert_int_equal(pthread_create(&reader, NULL, recv_flows, &crowd), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
		    pthread_create(&senders[i], NULL, send_flows, &crowd), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_join(senders[i], NULL), 0);
	/* The reader alone is left to be waited for. */
	while (received(&crowd) + dropped(&crowd) < 2 * EACH)
		(void)poll(NULL, 0, 1);
	last = frame(crowd.ep, 61);
	assert_int_equal(transmit(crowd.a, last), 0);
	assert_int_equal(pthread_join(reader, NULL), 0);
	assert_int_equal(received(&crowd) + dropped(&crowd), 2 * EACH);
	assert_int_not_equal(received(&crowd), 0);

	epair_if_put(crowd.b);
	destroy(crowd.a);
	assert_int_equal(epair_free(crowd.ep), 0);
}

/* Threads: whoever receives meanwhile neither hangs nor touches what is gone. */
static void *
recv_until_destroyed(void *arg)
{
	struct crowd *crowd = arg;
	struct epair_mbuf *ms[8];
	int got;

	while ((got = epair_if_recv(crowd->b, ms, 8)) != -ENXIO)
		if (got > 0)
			epair_mbuf_free(ms, (unsigned)got);
	return NULL;
}

static void
receiving_may_race_with_detaching_and_destroying(void **state)
{
	struct epair *ep;

	(void)state;
	assert_int_equal(epair_new(NULL, &ep, NULL), 0);
	for (unsigned i = 0; i < 100; i++) {
		struct crowd crowd = { .ep = ep };
		pthread_t reader;

		crowd.a = make(ep, NULL, "epair");
		crowd.b = epair_if_peer(crowd.a);
		assert_int_equal(epair_if_up(crowd.a), 0);
		assert_int_equal(epair_if_up(crowd.b), 0);
		assert_int_equal(
		    pthread_create(&reader, NULL, recv_until_destroyed, &crowd),
		    0);
		for (unsigned k = 0; k < 10; k++) {
			assert_int_equal(
			    epair_attach_pull(crowd.b, 16, NULL), 0);
			assert_true(epair_if_recv_fd(crowd.b) >= 0);
			send_many(crowd.a, 5, 60);
			assert_int_equal(epair_detach(crowd.b, NULL), 0);
		}
		assert_int_equal(epair_attach_pull(crowd.b, 16, NULL), 0);
		send_many(crowd.a, 5, 60);
		assert_int_equal(epair_if_destroy(crowd.a, NULL), 0);
		assert_int_equal(pthread_join(reader, NULL), 0);
		epair_if_put(crowd.b);
		epair_if_put(crowd.a);
	}
	assert_int_equal(epair_free(ep), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PULL_TEST(frames_wait_until_they_are_received_in_order),
		PULL_TEST(ring_goes_round),
		PULL_TEST(frames_beyond_the_limit_are_counted_drops),
		PULL_TEST(descriptor_is_readable_while_frames_wait),
		PULL_TEST(descriptor_knows_what_waited_before_it_was_asked_for),
		PULL_TEST(what_waits_is_freed_and_counted_with_the_queue),
		PULL_TEST(only_a_pull_queue_can_be_received_from),
		PULL_TEST(limit_is_4096_unless_said),
		cmocka_unit_test(no_wakeup_is_lost_between_threads),
		cmocka_unit_test(
		    receiving_may_race_with_detaching_and_destroying),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
