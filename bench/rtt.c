/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Round trips of one frame between two threads: each end's stack sends it back
 * as soon as it is delivered. An end is served by a worker of its own: the frame
 * carries a flow hash, as from a NIC, that leads it into that worker's bucket.
 */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "bench.h"
#include "frames.h"

#define FRAME_LEN 64u

struct trips {
	struct epair *ep;
	struct epair_if *a, *b;
	bool stop; /* atomic */
	bool ended; /* atomic: the frame is freed */
	uint64_t count; /* atomic; round trips */
};

static void
send_to(struct epair_if *ifp, struct epair_mbuf **ms, uint32_t bucket)
{
	ms[0]->hash = bucket;
	ms[0]->hashtype = EPAIR_HASH_RSS_IPV4;
	(void)epair_if_transmit(ifp, ms, 1);
}

/* b is served by worker 1 and a by worker 0. */
static void
receive_b(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	(void)arg;
	(void)n;
	send_to(ifp, ms, 0);
}

static void
receive_a(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	struct trips *t = arg;

	__atomic_store_n(&t->count, t->count + 1, __ATOMIC_RELAXED);
	if (!__atomic_load_n(&t->stop, __ATOMIC_RELAXED)) {
		send_to(ifp, ms, 1);
		return;
	}
	epair_mbuf_free(ms, n);
	__atomic_store_n(&t->ended, true, __ATOMIC_RELEASE);
}

static bool
trips_open(struct trips *t, enum epair_way way)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = way,
		.workers = 2,
		.queues = 2,
	};

	if (epair_new(&opts, &t->ep, NULL) != 0)
		return false;
	if (epair_if_create(t->ep, NULL, "epair", NULL, &t->a, NULL) != 0)
		return false;
	t->b = epair_if_peer(t->a);
	return bench_stack(t->a, receive_a, t) &&
	       bench_stack(t->b, receive_b, t);
}

static bool
trips_close(struct trips *t)
{
	epair_if_put(t->a);
	epair_if_put(t->b);
	return epair_free(t->ep) == 0;
}

/* Send the frame round for a while. Returns ns for each time. */
static double
go_round(struct trips *t)
{
	struct epair_mbuf *m;
	double start, seconds;
	uint64_t count;

	if (bench_frames_make(t->ep, &m, 1, FRAME_LEN) != 1)
		return 0;
	send_to(t->a, &m, 1);
	start = bench_seconds();
	(void)usleep((useconds_t)(BENCH_SECONDS * 1e6));
	seconds = bench_seconds() - start;
	count = __atomic_load_n(&t->count, __ATOMIC_RELAXED);
	__atomic_store_n(&t->stop, true, __ATOMIC_RELAXED);
	while (!__atomic_load_n(&t->ended, __ATOMIC_ACQUIRE))
		(void)usleep(100);
	return seconds * 1e9 / (double)count;
}

struct poller {
	struct trips *trips;
	unsigned worker;
	pthread_t thread;
};

static void *
poll_worker(void *arg)
{
	struct poller *p = arg;

	bench_pin(p->worker);
	while (!__atomic_load_n(&p->trips->ended, __ATOMIC_ACQUIRE))
		(void)epair_dispatch(p->trips->ep, p->worker, 0);
	return NULL;
}

/* Both ends look for the frame all the time, on two CPUs. */
enum bench_result
bench_poll_rtt(const struct bench_side *side, double *value)
{
	struct trips t = { .count = 0 };
	struct poller pollers[2] = { { &t, 0, 0 }, { &t, 1, 0 } };

	(void)side;
	if (!trips_open(&t, EPAIR_LOOP))
		return BENCH_FAILED;
	for (unsigned i = 0; i < 2; i++)
		if (pthread_create(&pollers[i].thread, NULL, poll_worker,
			&pollers[i]) != 0)
			return BENCH_FAILED;
	*value = go_round(&t);
	for (unsigned i = 0; i < 2; i++)
		(void)pthread_join(pollers[i].thread, NULL);
	return trips_close(&t) && *value > 0 ? BENCH_OK : BENCH_FAILED;
}

/* Both ends sleep until the frame comes, on one CPU. */
enum bench_result
bench_sleep_rtt(const struct bench_side *side, double *value)
{
	struct trips t = { .count = 0 };
	bool opened;

	(void)side;
	bench_pin(0); /* the workers are born there */
	opened = trips_open(&t, EPAIR_THREADS);
	bench_unpin();
	if (!opened)
		return BENCH_FAILED;
	*value = go_round(&t);
	return trips_close(&t) && *value > 0 ? BENCH_OK : BENCH_FAILED;
}
