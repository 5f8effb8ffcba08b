/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The full life of a frame between two stacks in one process: allocate, write
 * a header, transmit - deliver, read it, free. One thread for each end, each
 * on a CPU of its own, or both ends on one.
 *
 * The sender keeps at most IN_FLIGHT frames under way, as a ring of that size
 * would make it: nothing is dropped, and every frame that is counted arrived.
 */
#include <epair/epair.h>

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "bench.h"

#define IN_FLIGHT   1024u
#define BURST_MAX   256u
#define HEADER      64u
#define CHECK_EVERY 256u /* bursts between looks at the clock */

struct rig {
	struct epair *ep;
	struct epair_if *a, *b;
	bool one_thread;
	bool stop; /* atomic */
	uint64_t sum; /* so that reading is not optimised away */
	uint64_t received __attribute__((aligned(64))); /* atomic */
};

static void
receive(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	struct rig *rig = arg;
	uint64_t sum = 0;

	(void)ifp;
	for (unsigned i = 0; i < n; i++) {
		const uint64_t *words = (const void *)ms[i]->data;

		for (unsigned w = 0; w < HEADER / sizeof(*words); w++)
			sum += words[w];
	}
	rig->sum += sum;
	epair_mbuf_free(ms, n);
	__atomic_store_n(&rig->received, rig->received + n, __ATOMIC_RELEASE);
}

static bool
rig_open(struct rig *rig)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = EPAIR_LOOP,
	};
	const struct epair_stack stack = {
		.size = sizeof(stack),
		.receive = receive,
	};

	if (epair_new(&opts, &rig->ep, NULL) != 0)
		return false;
	if (epair_if_create(rig->ep, NULL, "epair", NULL, &rig->a, NULL) != 0)
		return false;
	rig->b = epair_if_peer(rig->a);
	return epair_if_up(rig->a) == 0 && epair_if_up(rig->b) == 0 &&
	       epair_attach_stack(rig->b, &stack, rig, NULL) == 0;
}

static bool
rig_close(struct rig *rig)
{
	epair_if_put(rig->a);
	epair_if_put(rig->b);
	return epair_free(rig->ep) == 0;
}

static void *
consumer(void *arg)
{
	struct rig *rig = arg;

	bench_pin(1);
	while (!__atomic_load_n(&rig->stop, __ATOMIC_RELAXED))
		(void)epair_dispatch(rig->ep, 0, 0);
	return NULL;
}

static void
wait_for(struct rig *rig, uint64_t received)
{
	while (__atomic_load_n(&rig->received, __ATOMIC_ACQUIRE) < received)
		if (rig->one_thread)
			(void)epair_dispatch(rig->ep, 0, 0);
		else
			__builtin_ia32_pause();
}

/* Send one burst. Returns how many frames it had. */
static unsigned
send_burst(struct rig *rig, unsigned burst, uint32_t len)
{
	struct epair_mbuf *ms[BURST_MAX];
	int n = epair_mbuf_alloc(rig->ep, ms, burst, len);

	for (int i = 0; i < n; i++) {
		uint64_t *words = (void *)ms[i]->data;

		for (unsigned w = 0; w < HEADER / sizeof(*words); w++)
			words[w] = UINT64_C(0x0200000000000002) + w;
		ms[i]->len = ms[i]->pktlen = len;
	}
	(void)epair_if_transmit(rig->a, ms, (unsigned)n);
	return (unsigned)n;
}

bool
bench_inproc(const struct bench *bench, double *value)
{
	struct rig rig = { .one_thread = bench->one_thread };
	double start, now;
	uint64_t sent = 0;
	pthread_t thread;

	if (!rig_open(&rig))
		return false;
	if (!rig.one_thread &&
	    pthread_create(&thread, NULL, consumer, &rig) != 0)
		return false;
	bench_pin(0);
	start = bench_seconds();
	do {
		for (unsigned i = 0; i < CHECK_EVERY; i++) {
			sent += send_burst(
			    &rig, bench->burst, bench->frame_len);
			if (rig.one_thread)
				(void)epair_dispatch(rig.ep, 0, 0);
			else if (sent > IN_FLIGHT)
				wait_for(&rig, sent - IN_FLIGHT);
		}
		now = bench_seconds();
	} while (now - start < BENCH_SECONDS);
	wait_for(&rig, sent);
	*value = (double)sent / (bench_seconds() - start) / 1e6;
	__atomic_store_n(&rig.stop, true, __ATOMIC_RELAXED);
	if (!rig.one_thread)
		(void)pthread_join(thread, NULL);
	return rig_close(&rig);
}
