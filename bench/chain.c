/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames through pairs in a row, on one thread: what the b end of each pair
 * receives, its stack transmits on the a end of the next; the last reads and
 * frees it. In ns it is the cost of one pair of them.
 */
#include "bench.h"
#include "frames.h"

#define BURST       32u
#define FRAME_LEN   64u
#define PAIRS_MAX   16u
#define CHECK_EVERY 64u

struct chain {
	struct epair *ep;
	struct hop {
		struct chain *chain;
		struct epair_if *a, *b;
		struct epair_if *next; /* NULL: the last */
	} hops[PAIRS_MAX];
	unsigned pairs;
	uint64_t received, sum;
};

static void
forward(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	struct hop *hop = arg;

	(void)ifp;
	if (hop->next != NULL) {
		(void)epair_if_transmit(hop->next, ms, n);
		return;
	}
	hop->chain->sum += bench_frames_end(ms, n);
	hop->chain->received += n;
}

static bool
chain_open(struct chain *c)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = EPAIR_LOOP,
	};

	if (c->pairs > PAIRS_MAX || epair_new(&opts, &c->ep, NULL) != 0)
		return false;
	for (unsigned i = 0; i < c->pairs; i++) {
		struct hop *hop = &c->hops[i];

		hop->chain = c;
		if (epair_if_create(
			c->ep, NULL, "epair", NULL, &hop->a, NULL) != 0)
			return false;
		hop->b = epair_if_peer(hop->a);
		if (epair_if_up(hop->a) != 0 ||
		    !bench_stack(hop->b, forward, hop))
			return false;
		if (i > 0)
			c->hops[i - 1].next = hop->a;
	}
	return true;
}

static bool
chain_close(struct chain *c)
{
	for (unsigned i = 0; i < c->pairs; i++) {
		epair_if_put(c->hops[i].a);
		epair_if_put(c->hops[i].b);
	}
	return epair_free(c->ep) == 0;
}

static void
send_burst(struct chain *c)
{
	struct epair_mbuf *ms[BURST];
	uint64_t all = c->received +
		       bench_frames_make(c->ep, ms, BURST, FRAME_LEN);

	(void)epair_if_transmit(
	    c->hops[0].a, ms, (unsigned)(all - c->received));
	while (c->received < all)
		(void)epair_dispatch(c->ep, 0, 0);
}

enum bench_result
bench_chain(const struct bench_side *side, double *value)
{
	struct chain c = { .pairs = side->pairs };
	double start, now;

	if (!chain_open(&c))
		return BENCH_FAILED;
	bench_pin(0);
	start = bench_seconds();
	do {
		for (unsigned i = 0; i < CHECK_EVERY; i++)
			send_burst(&c);
		now = bench_seconds();
	} while (now - start < BENCH_SECONDS);
	bench_unpin();
	*value = (double)c.received / (now - start) / 1e6;
	if (side->in_ns)
		*value = 1000 / *value / side->pairs;
	return chain_close(&c) ? BENCH_OK : BENCH_FAILED;
}
