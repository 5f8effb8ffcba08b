/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FQ-CoDel against the text of RFC 8290, section 4, written down here with
 * plain arrays over the reference CoDel, run on the same arrivals.
 */
#include "bench.h"

#define FLOWS   6u
#define QUANTUM 1514
#define LISTED  64u

struct list {
	uint32_t flows[LISTED], count;
};

struct schedule {
	struct reference flow[FLOWS];
	int credits[FLOWS];
	bool listed[FLOWS];
	struct list fresh, old;
	struct dropped dropped;
};

static void
append(struct list *l, uint32_t flow)
{
	assert_in_range(l->count, 0, LISTED - 1);
	l->flows[l->count++] = flow;
}

static void
take_first(struct list *l)
{
	memmove(l->flows, l->flows + 1, --l->count * sizeof(l->flows[0]));
}

/* 4.1 */
static void
enqueue(struct schedule *s, uint32_t flow, const struct packet *p)
{
	rfc8289_enqueue(&s->flow[flow], p);
	if (s->listed[flow])
		return;
	s->listed[flow] = true;
	s->credits[flow] = QUANTUM;
	append(&s->fresh, flow);
}

/* 4.2 */
static const struct packet *
dequeue(struct schedule *s, uint64_t now)
{
	for (;;) {
		bool is_fresh = s->fresh.count > 0;
		struct list *l = is_fresh ? &s->fresh : &s->old;
		const struct packet *p;
		uint32_t flow;

		if (l->count == 0)
			return NULL;
		flow = l->flows[0];
		if (s->credits[flow] <= 0) {
			s->credits[flow] += QUANTUM;
			take_first(l);
			append(&s->old, flow);
			continue;
		}
		p = rfc8289_dequeue(&s->flow[flow], now);
		if (p != NULL) {
			s->credits[flow] -= (int)p->size;
			return p;
		}
		take_first(l);
		if (is_fresh)
			append(&s->old, flow);
		else
			s->listed[flow] = false;
	}
}

static uint8_t octets[1514];

static struct schedule *
schedule_init(void)
{
	static struct schedule s;

	memset(&s, 0, sizeof(s));
	for (uint32_t i = 0; i < FLOWS; i++)
		s.flow[i].dropped = &s.dropped;
	return &s;
}

/* Flows of different weight; some stop and come again. */
static uint32_t
next_flow(struct ep_rng *rng, uint32_t number)
{
	uint32_t flow = (uint32_t)(ep_rng_next(rng) % 21);

	for (uint32_t i = 0; i < FLOWS; i++) {
		if (flow <= i)
			return number / 2000 % FLOWS == i ? 0 : i;
		flow -= i + 1;
	}
	return FLOWS - 1;
}

static void
play(uint64_t seed, uint64_t gap)
{
	struct schedule *s = schedule_init();
	uint64_t arrival = 0, now = 0;
	uint32_t sent = 0, gone = 0;
	struct ep_rng rng;
	struct bench b;

	ep_rng_init(&rng, seed);
	bench_set_up(&b, "fq-codel:limit=100000");
	while (gone + s->dropped.count < FRAMES) {
		uint32_t drops = s->dropped.count;
		const struct packet *want;
		struct epair_mbuf *got;

		for (; sent < FRAMES && arrival <= now; sent++) {
			uint32_t flow = next_flow(&rng, sent);
			uint32_t len = 60 +
				       (uint32_t)(ep_rng_next(&rng) % 1455);

			enqueue(
			    s, flow, &(struct packet){ arrival, sent, len });
			bench_put(&b, octets, len, sent, flow, arrival);
			arrival += ep_rng_next(&rng) %
				   (sent / 3000 % 2 != 0 ? 3 * gap : gap);
		}
		want = dequeue(s, now);
		got = bench_take(&b, now);
		assert_int_equal(want != NULL, got != NULL);
		if (want != NULL && got != NULL) {
			assert_int_equal(got->rcvif, want->number);
			ep_mbuf_free1(got);
			gone++;
		}
		bench_check_drops(&b, &s->dropped, drops);
		now += gap;
	}
	assert_in_range(s->dropped.count, 50, FRAMES);
	bench_tear_down(&b);
}

static void
frames_go_and_drop_as_the_rfc_has_it(void **state)
{
	(void)state;
	play(1, 1 * MS);
	play(2, MS / 10);
	play(3, 3 * MS + 1);
}

static void
flow_that_has_just_begun_goes_before_one_that_fills_the_link(void **state)
{
	struct bench b;
	struct epair_mbuf *m;

	(void)state;
	bench_set_up(&b, "fq-codel");
	for (uint32_t i = 0; i < 10; i++)
		bench_put(&b, octets, 1514, i, 1, 0);
	/* Its quantum is spent: it is an old one. */
	m = bench_take(&b, 0);
	ep_mbuf_free1(m);
	bench_put(&b, octets, 100, 99, 2, 0);
	m = bench_take(&b, 0);
	assert_int_equal(m->rcvif, 99);
	ep_mbuf_free1(m);
	bench_tear_down(&b);
}

static void
full_queue_drops_from_the_head_of_the_fattest_flow(void **state)
{
	struct bench b;
	struct epair_mbuf *m;
	uint32_t lost = 0;

	(void)state;
	bench_set_up(&b, "fq-codel:limit=100");
	bench_put(&b, octets, 60, 0, 7, 0);
	for (uint32_t i = 1; i <= 100; i++)
		bench_put(&b, octets, 1000, i, 8, 0);
	ep_lock(&b.qd->lock);
	while (ep_qdisc_given_up(b.qd, &m, 1) == 1) {
		assert_in_range(m->rcvif, 1, 50);
		ep_mbuf_free1(m);
		lost++;
	}
	assert_int_equal(b.qd->held, 51);
	ep_unlock(&b.qd->lock);
	assert_int_equal(lost, 50);
	m = bench_take(&b, 0);
	assert_int_equal(m->rcvif, 0);
	ep_mbuf_free1(m);
	bench_tear_down(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_go_and_drop_as_the_rfc_has_it),
		cmocka_unit_test(
		    flow_that_has_just_begun_goes_before_one_that_fills_the_link),
		cmocka_unit_test(
		    full_queue_drops_from_the_head_of_the_fattest_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
