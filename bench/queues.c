/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pair, its frames spread over loops: each loop is a thread on a CPU of its
 * own, sends its share of the flows and serves one bucket, the one that these
 * flows are hashed into. One loop has all flows and all buckets.
 *
 * Which flows these are is found out beforehand, by sending one frame of each
 * and seeing which loop delivers it.
 */
#include <pthread.h>
#include <string.h>

#include "bench.h"
#include "frames.h"

#define BURST       32u
#define FRAME_LEN   64u
#define LOOPS_MAX   2u
#define FLOWS       64u /* of all loops */
#define CHECK_EVERY 64u

struct loop {
	struct spread *spread;
	unsigned worker;
	uint16_t flows[FLOWS];
	unsigned flow_count, next_flow;
	uint64_t received, sum;
	pthread_t thread;
	double mpps;
} __attribute__((aligned(64)));

struct spread {
	struct epair *ep;
	struct epair_if *a, *b;
	unsigned loops, queues;
	struct loop loop[LOOPS_MAX];
};

static _Thread_local struct loop *current; /* whose dispatch this is */

static void
receive(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	(void)arg;
	(void)ifp;
	current->sum += bench_frames_end(ms, n);
	current->received += n;
}

/* IPv4 and UDP, the flow in the address of the sender. */
static void
set_flow(struct epair_mbuf *m, uint16_t flow)
{
	static const uint8_t header[42] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1,
		8, 0, 0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 0, 10,
		1, 0, 1, 4, 0, 4, 0, 0, 30, 0, 0 };

	memcpy(m->data, header, sizeof(header));
	m->data[28] = (uint8_t)(flow >> 8);
	m->data[29] = (uint8_t)flow;
}

static void
send_flows(struct loop *loop, unsigned n)
{
	struct epair_mbuf *ms[BURST];
	struct spread *s = loop->spread;

	n = bench_frames_make(s->ep, ms, n, FRAME_LEN);
	for (unsigned i = 0; i < n; i++)
		set_flow(
		    ms[i], loop->flows[loop->next_flow++ % loop->flow_count]);
	(void)epair_if_transmit(s->a, ms, n);
}

/* Serve a loop until it has received so much. */
static void
serve(struct loop *loop, uint64_t received)
{
	current = loop;
	while (loop->received < received)
		(void)epair_dispatch(loop->spread->ep, loop->worker, 0);
}

static bool
find_flows(struct spread *s)
{
	unsigned share = FLOWS / s->loops;

	for (uint16_t flow = 1; flow < 8 * FLOWS; flow++) {
		struct loop probe = {
			.spread = s, .flows = { flow }, .flow_count = 1
		};

		send_flows(&probe, 1);
		for (unsigned i = 0; i < s->loops; i++) {
			struct loop *loop = &s->loop[i];
			uint64_t before = loop->received;

			current = loop;
			(void)epair_dispatch(s->ep, i, 0);
			if (loop->received > before && loop->flow_count < share)
				loop->flows[loop->flow_count++] = flow;
		}
	}
	for (unsigned i = 0; i < s->loops; i++)
		if (s->loop[i].flow_count < share)
			return false;
	return true;
}

static void *
run(void *arg)
{
	struct loop *loop = arg;
	uint64_t before = loop->received;
	double start, now;

	bench_pin(loop->worker);
	start = bench_seconds();
	do {
		for (unsigned i = 0; i < CHECK_EVERY; i++) {
			send_flows(loop, BURST);
			serve(loop, loop->received + 1);
		}
		now = bench_seconds();
	} while (now - start < BENCH_SECONDS);
	loop->mpps = (double)(loop->received - before) / (now - start) / 1e6;
	return NULL;
}

static bool
spread_open(struct spread *s)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = EPAIR_LOOP,
		.workers = s->loops,
		.queues = s->queues,
	};

	if (epair_new(&opts, &s->ep, NULL) != 0)
		return false;
	if (epair_if_create(s->ep, NULL, "epair", NULL, &s->a, NULL) != 0)
		return false;
	s->b = epair_if_peer(s->a);
	for (unsigned i = 0; i < s->loops; i++)
		s->loop[i] = (struct loop){ .spread = s, .worker = i };
	return epair_if_up(s->a) == 0 && bench_stack(s->b, receive, s) &&
	       find_flows(s);
}

enum bench_result
bench_queues(const struct bench_side *side, double *value)
{
	struct spread s = { .loops = side->threads, .queues = side->queues };

	if (!spread_open(&s))
		return BENCH_FAILED;
	for (unsigned i = 0; i < s.loops; i++)
		if (pthread_create(&s.loop[i].thread, NULL, run, &s.loop[i]) !=
		    0)
			return BENCH_FAILED;
	*value = 0;
	for (unsigned i = 0; i < s.loops; i++) {
		(void)pthread_join(s.loop[i].thread, NULL);
		*value += s.loop[i].mpps;
	}
	epair_if_put(s.a);
	epair_if_put(s.b);
	return epair_free(s.ep) == 0 ? BENCH_OK : BENCH_FAILED;
}
