/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Back-pressure: a sender that asks epair_if_writable() and waits to be told
 * loses nothing to any limit, in order; one that does not is dropped and
 * counted.
 */
#include "rig.h"

#define MS UINT64_C(1000000)

/* A program on the a end that sends `wanted` frames as it may. */
struct program {
	struct rig *r;
	unsigned wanted, sent, told, held;
};

static void
go_on(struct program *p)
{
	while (p->sent < p->wanted && epair_if_writable(p->r->a) == 1) {
		unsigned n = p->wanted - p->sent < 7 ? p->wanted - p->sent : 7;

		for (unsigned i = 0; i < n; i++) {
			struct epair_mbuf *m = epair_mbuf_from(
			    p->r->ep, "two addresses and a type", 24);

			m->flags |= EPAIR_M_TSTAMP;
			m->tstamp_ns = p->sent++;
			assert_int_equal(transmit(p->r->a, m), 0);
		}
	}
	p->held += p->sent < p->wanted;
}

static void
program_receive(
    void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	(void)arg;
	(void)ifp;
	epair_mbuf_free(ms, n);
}

static void
program_changed(void *arg, struct epair_if *ifp, uint32_t what)
{
	struct program *p = arg;

	(void)ifp;
	if ((what & EPAIR_CHANGED_WRITABLE) == 0)
		return;
	p->told++;
	go_on(p);
}

static void
program_start(struct program *p, struct rig *r, unsigned wanted)
{
	const struct epair_stack stack = { .size = sizeof(stack),
		.receive = program_receive,
		.changed = program_changed };

	*p = (struct program){ .r = r, .wanted = wanted };
	assert_int_equal(epair_detach(r->a, NULL), 0);
	assert_int_equal(epair_attach_stack(r->a, &stack, p, NULL), 0);
	assert_int_equal(epair_if_set(r->a, "full", "wait", NULL), 0);
}

static uint64_t
all_drops(struct rig *r)
{
	const struct epair_if_stats a = stats(r->a), b = stats(r->b);
	uint64_t drops = 0;

	for (int i = 0; i < EPAIR_DROP_MAX; i++)
		drops += a.drops[i] + b.drops[i];
	return drops;
}

static void
assert_all_came(struct rig *r, const struct program *p)
{
	assert_int_equal(p->sent, p->wanted);
	assert_int_equal(r->at_b.count, p->wanted);
	assert_true(in_order(&r->at_b, 0));
	assert_int_equal(all_drops(r), 0);
	assert_true(p->told > 0);
	assert_int_equal(stats(r->a).waits, p->told);
}

static void
full_drops_unless_told_otherwise(void **state)
{
	struct epair_if_info info = { .size = sizeof(info) };
	struct rig *r = *state;

	assert_int_equal(epair_if_get_info(r->a, &info), 0);
	assert_int_equal(info.full, EPAIR_FULL_DROP);
	assert_int_equal(epair_if_set_queue_limit(r->b, 5, NULL), 0);
	send_many(r->a, 8, 60);
	assert_int_equal(epair_if_writable(r->a), 1);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_QUEUE_FULL], 3);
	run(r);
}

static void
sender_waits_for_the_queue_and_loses_nothing(void **state)
{
	struct rig *r = *state;
	struct program p;

	assert_int_equal(epair_if_set_queue_limit(r->b, 5, NULL), 0);
	program_start(&p, r, 5000);
	go_on(&p);
	assert_in_range(p.sent, 5, 12);
	run(r);
	assert_all_came(r, &p);
}

static void
sender_waits_for_the_line_before_a_rate(void **state)
{
	struct rig *r = *state;
	struct program p;

	program_start(&p, r, 3000);
	assert_int_equal(
	    epair_if_set_link(r->a, "rate 8mbit limit 10", NULL), 0);
	go_on(&p);
	assert_in_range(p.sent, 10, 18);
	/* 24 microseconds each: the link is never idle meanwhile. */
	assert_int_equal(epair_advance(r->ep, 3000 * 24000 + 1), 0);
	assert_all_came(r, &p);
}

static void
sender_waits_for_octets_under_way(void **state)
{
	struct rig *r = *state;
	struct program p;

	program_start(&p, r, 1000);
	assert_int_equal(
	    epair_if_set_link(r->a, "delay 1ms limit bytes 2400", NULL), 0);
	go_on(&p);
	assert_in_range(p.sent, 100, 107);
	assert_int_equal(epair_advance(r->ep, 11 * MS), 0);
	assert_all_came(r, &p);
}

static void
sender_is_told_when_the_limit_goes(void **state)
{
	static const char *const ways[][2] = {
		{ "link", "none" },
		{ "link", "limit 100000" },
		{ "link", "rate 0" },
		{ "full", "drop" },
	};
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct program p;

		program_start(&p, r, 500);
		assert_int_equal(
		    epair_if_set_link(r->a, "rate 8kbit limit 10", NULL), 0);
		go_on(&p);
		run(r);
		assert_int_equal(p.told, 0);
		assert_int_equal(
		    epair_if_set(r->a, ways[i][0], ways[i][1], NULL), 0);
		/* What is on the link still takes its time. */
		assert_int_equal(epair_advance(r->ep, 1000 * MS), 0);
		assert_int_equal(p.sent, 500);
		assert_int_equal(epair_if_set_link(r->a, "none", NULL), 0);
		run(r);
		forget(&r->at_b);
	}
}

static void
sender_is_told_when_the_queue_may_be_longer(void **state)
{
	struct rig *r = *state;
	struct program p;

	assert_int_equal(epair_if_set_queue_limit(r->b, 5, NULL), 0);
	program_start(&p, r, 100);
	go_on(&p);
	assert_int_equal(epair_if_writable(r->a), 0);
	assert_int_equal(epair_if_set_queue_limit(r->b, 5000, NULL), 0);
	assert_int_equal(epair_if_writable(r->a), 1);
	run(r);
	assert_all_came(r, &p);
}

static void
what_was_taken_before_has_room_and_no_more(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_queue_limit(r->b, 10, NULL), 0);
	assert_int_equal(epair_if_set_full(r->a, EPAIR_FULL_WAIT, NULL), 0);
	send_many(r->a, 10 + 1024 + 5, 60); /* asks nobody */
	assert_int_equal(epair_if_writable(r->a), 0);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_QUEUE_FULL], 5);
	run(r);
	assert_int_equal(r->at_b.count, 10 + 1024);
	assert_int_equal(
	    epair_if_set_full(r->a, (enum epair_full)2, NULL), -EINVAL);
	assert_int_equal(epair_if_set(r->a, "full", "maybe", NULL), -EINVAL);
}

static void
nobody_waits_for_an_end_that_is_not_there(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_queue_limit(r->b, 5, NULL), 0);
	assert_int_equal(epair_if_set_full(r->a, EPAIR_FULL_WAIT, NULL), 0);
	send_many(r->a, 5, 60);
	assert_int_equal(epair_if_writable(r->a), 0);
	assert_int_equal(epair_if_down(r->b), 0);
	assert_int_equal(epair_if_writable(r->a), 1);
	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	assert_int_equal(epair_if_writable(r->a), -ENXIO);
	assert_int_equal(
	    epair_if_set_full(r->a, EPAIR_FULL_WAIT, NULL), -ENXIO);
}

static void
source_is_held_back_too(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_detach(r->a, NULL), 0);
	assert_int_equal(epair_if_set_full(r->a, EPAIR_FULL_WAIT, NULL), 0);
	assert_int_equal(
	    epair_if_set_link(r->a, "rate 8mbit limit 20", NULL), 0);
	assert_int_equal(
	    epair_attach(r->a, "source:size=1000,count=200", NULL), 0);
	assert_int_equal(epair_advance(r->ep, 210 * MS), 0);
	assert_int_equal(r->at_b.count, 200);
	assert_int_equal(all_drops(r), 0);
	assert_in_range(stats(r->a).waits, 1, 200);
}

static const struct CMUnitTest tests[] = {
	RIG_TEST(full_drops_unless_told_otherwise),
	RIG_TEST(sender_waits_for_the_queue_and_loses_nothing),
	RIG_TEST(sender_waits_for_the_line_before_a_rate),
	RIG_TEST(sender_waits_for_octets_under_way),
	RIG_TEST(sender_is_told_when_the_limit_goes),
	RIG_TEST(sender_is_told_when_the_queue_may_be_longer),
	RIG_TEST(what_was_taken_before_has_room_and_no_more),
	RIG_TEST(nobody_waits_for_an_end_that_is_not_there),
	RIG_TEST(source_is_held_back_too),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
