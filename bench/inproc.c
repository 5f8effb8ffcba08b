/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The full life of a frame between two stacks in one process: allocate, write
 * a header, transmit - deliver, read it, free. One thread for each end, each
 * on a CPU of its own, or both ends on one.
 *
 * The sender keeps at most IN_FLIGHT frames under way, as a ring of that size
 * would make it: nothing is dropped, and every frame that is counted arrived.
 */
#include <pthread.h>

#include "bench.h"
#include "frames.h"

#define IN_FLIGHT   1024u
#define CHECK_EVERY 256u /* bursts between looks at the clock */

struct rig {
	struct epair *ep;
	struct epair_if *a, *b;
	struct epair_capture *capture;
	bool one_thread;
	bool stop; /* atomic */
	uint64_t seen; /* by the sender: received was this, or is more */
	/* The receiver's line. */
	uint64_t received __attribute__((aligned(64))); /* atomic */
	uint64_t sum; /* so that reading is not optimised away */
};

static void
receive(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	struct rig *rig = arg;

	(void)ifp;
	rig->sum += bench_frames_end(ms, n);
	__atomic_store_n(&rig->received, rig->received + n, __ATOMIC_RELEASE);
}

static bool
rig_open(struct rig *rig, bool with_capture)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = EPAIR_LOOP,
	};
	const struct epair_capture_opts capture = {
		.size = sizeof(capture),
		.flags = EPAIR_CAPTURE_BOTH,
		.filter = "ether proto 0x88b5",
	};

	if (epair_new(&opts, &rig->ep, NULL) != 0)
		return false;
	if (epair_if_create(rig->ep, NULL, "epair", NULL, &rig->a, NULL) != 0)
		return false;
	rig->b = epair_if_peer(rig->a);
	if (with_capture &&
	    epair_capture_open(rig->a, &capture, &rig->capture, NULL) != 0)
		return false;
	return epair_if_up(rig->a) == 0 && bench_stack(rig->b, receive, rig);
}

static bool
rig_close(struct rig *rig)
{
	epair_capture_close(rig->capture);
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
	while (rig->seen < received) {
		rig->seen = __atomic_load_n(&rig->received, __ATOMIC_ACQUIRE);
		if (rig->seen >= received)
			break;
		if (rig->one_thread)
			(void)epair_dispatch(rig->ep, 0, 0);
		else
			__builtin_ia32_pause();
	}
}

/* Send one burst. Returns how many frames it had. */
static unsigned
send_burst(struct rig *rig, unsigned burst, uint32_t len)
{
	struct epair_mbuf *ms[BENCH_BURST_MAX];
	unsigned n = bench_frames_make(rig->ep, ms, burst, len);

	(void)epair_if_transmit(rig->a, ms, n);
	return n;
}

/* Send for a while. Returns millions of frames a second. */
static double
send_all(struct rig *rig, const struct bench_side *side)
{
	double start = bench_seconds(), now;
	uint64_t sent = 0;

	do {
		for (unsigned i = 0; i < CHECK_EVERY; i++) {
			sent += send_burst(rig, side->burst, side->frame_len);
			if (rig->one_thread)
				(void)epair_dispatch(rig->ep, 0, 0);
			else if (sent > IN_FLIGHT)
				wait_for(rig, sent - IN_FLIGHT);
		}
		now = bench_seconds();
	} while (now - start < BENCH_SECONDS);
	wait_for(rig, sent);
	return (double)sent / (bench_seconds() - start) / 1e6;
}

enum bench_result
bench_inproc(const struct bench_side *side, double *value)
{
	struct rig rig = { .one_thread = side->threads == 1 };
	pthread_t thread = 0;

	if (!rig_open(&rig, side->with_capture))
		return BENCH_FAILED;
	if (!rig.one_thread &&
	    pthread_create(&thread, NULL, consumer, &rig) != 0)
		return BENCH_FAILED;
	bench_pin(0);
	*value = send_all(&rig, side);
	bench_unpin();
	__atomic_store_n(&rig.stop, true, __ATOMIC_RELAXED);
	if (!rig.one_thread)
		(void)pthread_join(thread, NULL);
	if (side->in_ns)
		*value = 1000 / *value;
	return rig_close(&rig) ? BENCH_OK : BENCH_FAILED;
}
