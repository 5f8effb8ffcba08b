/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What links do in real time: how well a delay is kept, what a delayed cable
 * carries, and whether a rate is held. The words of the link are what a side
 * asks.
 */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "frames.h"

#define DELAYS     1000u /* frames whose delay is measured, a millisecond apart */
#define DELAY_NS   10e6 /* "delay 10ms" */
#define FRAME_BITS (1000 * 8)
#define MBUFS_MAX  (1u << 20)

struct lab {
	struct epair *ep;
	struct epair_if *a, *b;
	uint64_t sent[DELAYS];
	double off_us[DELAYS]; /* by how much a delay was missed */
	unsigned arrived; /* atomic */
};

static bool
lab_open(struct lab *lab, const char *words)
{
	const struct epair_opts opts = { .size = sizeof(opts),
		.way = EPAIR_THREADS,
		.mbufs_max = MBUFS_MAX };
	const struct epair_create how = { .size = sizeof(how),
		.mbufs_max = MBUFS_MAX };

	return epair_new(&opts, &lab->ep, NULL) == 0 &&
	       epair_if_create(lab->ep, NULL, "epair", &how, &lab->a, NULL) ==
		   0 &&
	       (lab->b = epair_if_peer(lab->a)) != NULL &&
	       epair_if_up(lab->a) == 0 && epair_if_up(lab->b) == 0 &&
	       epair_if_set_link(lab->a, words, NULL) == 0;
}

static bool
lab_close(struct lab *lab)
{
	bool ended = epair_if_destroy(lab->a, NULL) == 0;

	epair_if_put(lab->a);
	epair_if_put(lab->b);
	return epair_free(lab->ep) == 0 && ended;
}

static uint64_t
now_ns(void)
{
	return (uint64_t)(bench_seconds() * 1e9);
}

static void
receive(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	struct lab *lab = arg;
	uint64_t now = now_ns();

	(void)ifp;
	for (unsigned i = 0; i < n; i++) {
		uint64_t k = ms[i]->tstamp_ns;

		lab->off_us[k] = fabs((double)(now - lab->sent[k]) - DELAY_NS) /
				 1e3;
	}
	epair_mbuf_free(ms, n);
	(void)__atomic_add_fetch(&lab->arrived, n, __ATOMIC_RELEASE);
}

static bool
send_one(struct lab *lab, unsigned k)
{
	struct epair_mbuf *m;

	if (bench_frames_make(lab->ep, &m, 1, 64) != 1)
		return false;
	m->flags |= EPAIR_M_TSTAMP;
	m->tstamp_ns = k;
	lab->sent[k] = now_ns();
	return epair_if_transmit(lab->a, &m, 1) == 0;
}

/* The 99th of a hundred delays by how much they are missed. */
enum bench_result
bench_link_delay(const struct bench_side *side, double *value)
{
	const struct epair_stack stack = { .size = sizeof(stack),
		.receive = receive };
	struct lab *lab = calloc(1, sizeof(*lab));
	bool done;

	if (lab == NULL)
		return BENCH_FAILED;
	done = lab_open(lab, side->asks) &&
	       epair_attach_stack(lab->b, &stack, lab, NULL) == 0;
	for (unsigned k = 0; k < DELAYS && done; k++) {
		done = send_one(lab, k);
		(void)usleep(1000);
	}
	while (
	    done && __atomic_load_n(&lab->arrived, __ATOMIC_ACQUIRE) < DELAYS)
		(void)usleep(1000);
	done = done && lab_close(lab);
	(void)bench_median(lab->off_us, DELAYS); /* sorts them */
	*value = lab->off_us[DELAYS * 99 / 100];
	free(lab);
	return done ? BENCH_OK : BENCH_FAILED;
}

static uint64_t
delivered(struct epair_if *ifp)
{
	struct epair_if_stats s = { .size = sizeof(s) };

	(void)epair_if_get_stats(ifp, &s);
	return s.delivered;
}

/* Frames a second that come through, once the cable is filled. */
static enum bench_result
carry(const char *words, const char *source, double *value)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	bool done = lab != NULL && lab_open(lab, words) &&
		    epair_attach(lab->b, "sink", NULL) == 0 &&
		    epair_attach(lab->a, source, NULL) == 0;
	uint64_t before;
	double start;

	if (done) {
		(void)usleep(300000);
		before = delivered(lab->b);
		start = bench_seconds();
		(void)usleep((useconds_t)(BENCH_SECONDS * 1e6));
		*value = (double)(delivered(lab->b) - before) /
			 (bench_seconds() - start);
		done = lab_close(lab);
	}
	free(lab);
	return done ? BENCH_OK : BENCH_FAILED;
}

/* As fast as a source sends. */
enum bench_result
bench_link_carry(const struct bench_side *side, double *value)
{
	enum bench_result result = carry(side->asks, "source:size=64", value);

	*value /= 1e6;
	return result;
}

/* More than the link takes. */
enum bench_result
bench_link_rate(const struct bench_side *side, double *value)
{
	enum bench_result result = carry(
	    side->asks, "source:size=1000,rate=200k", value);

	*value *= FRAME_BITS / 1e9;
	return result;
}
