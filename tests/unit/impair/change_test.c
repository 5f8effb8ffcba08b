/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each word of a link, said a thousand times under load with values that take
 * turns, while everything else stays: every frame is accounted for, none is
 * later than the slowest of the settings would make it, and none overtakes
 * another where no setting asks for that.
 */
#include <stdlib.h>

#include "lab.h"

#define CHANGES 1000u
#define LEN     1000u

struct change {
	const char *base; /* said once */
	const char *values[3]; /* take turns */
	uint64_t gap_us; /* between frames */
	uint64_t most_us; /* that a frame may be under way */
	bool reorders;
};

/*
 * The load is such that the slowest setting carries it; a frame is 1000 octets,
 * at 8mbit a millisecond.
 */
static const struct change changes[] = {
	{ "", { "delay 10ms", "delay 1ms", "delay 0" }, 100, 10000, false },
	{ "delay 10ms", { "delay 10ms 5ms", "delay 10ms 1ms", "delay 10ms" },
	    100, 15000, true },
	{ "delay 10ms 5ms ordered",
	    { "distribution normal", "distribution uniform", "ordered" }, 100,
	    10000 + 6 * 5000, false },
	{ "delay 10ms ordered",
	    { "delay 10ms 5ms", "delay 10ms 1ms 50%", "delay 10ms" }, 100,
	    15000, false },
	{ "delay 5ms", { "loss 5%", "loss gemodel 2% 20%", "loss 0%" }, 100,
	    5000, false },
	{ "delay 5ms", { "loss every 7", "loss state 1% 20%", "loss 1% 20%" },
	    100, 5000, false },
	{ "delay 5ms",
	    { "loss filter 'len > 500' 10%", "loss filter arp", "loss 1%" },
	    100, 5000, false },
	{ "delay 5ms", { "corrupt 5%", "corrupt 1% 50%", "corrupt 0%" }, 100,
	    5000, false },
	{ "delay 5ms", { "duplicate 5%", "duplicate 1%", "duplicate 0%" }, 100,
	    5000, false },
	{ "delay 5ms", { "reorder 5% 10%", "reorder 10%", "gap 3" }, 100, 5000,
	    true },
	{ "", { "rate 10mbit", "rate 100mbit", "rate 0" }, 1000, 800, false },
	{ "rate 100mbit burst 64k",
	    { "rate 10mbit", "rate 100mbit", "rate 12345kbit" }, 900, 800,
	    false },
	{ "rate 10mbit", { "burst 64k", "burst 2k", "burst 0" }, 900, 800,
	    false },
	{ "rate 10mbit", { "overhead 20", "overhead -14", "wire" }, 1000, 900,
	    false },
	{ "rate 10mbit", { "cell 48 5", "cell 0", "wire off" }, 1000, 900,
	    false },
	{ "rate 10mbit", { "limit 5", "limit bytes 9k", "drop head" }, 1000,
	    800, false },
	{ "delay 1ms", { "slot 2ms", "slot 1ms 3ms packets 90", "slot 0" }, 100,
	    1000 + 3 * 3000, false },
	{ "delay 5ms", { "cut", "cut off", "per-superframe" }, 100, 5000,
	    false },
	{ "delay 5ms 1ms ordered", { "seed 1", "seed 2", "seed 0" }, 100, 6000,
	    false },
	{ "", { "delay 5ms rate 10mbit", "none", "delay 1ms" }, 1000, 5800,
	    false },
};

struct watch {
	const struct change *change;
	uint64_t last, overtakes, most_ns;
};

static void
look(struct lab *lab, struct epair_mbuf *m)
{
	struct watch *w = lab->arg;
	uint64_t took = lab->last_ns - m->tstamp_ns;

	if (m->tstamp_ns < w->last)
		w->overtakes++;
	else
		w->last = m->tstamp_ns;
	if (took > w->most_ns)
		w->most_ns = took;
}

static void
assert_accounted(struct lab *lab, uint64_t sent)
{
	const struct epair_link_stats l = lab_link_stats(lab->a);
	const struct epair_if_stats a = lab_stats(lab->a),
				    b = lab_stats(lab->b);
	uint64_t drops = 0;

	for (int i = 0; i < EPAIR_DROP_MAX; i++)
		drops += a.drops[i] + b.drops[i];
	assert_int_equal(l.waiting + l.under_way, 0);
	assert_int_equal(sent + l.duplicated, lab->arrived + drops);
	/* Nothing but what was asked for is ever lost. */
	assert_int_equal(drops,
	    a.drops[EPAIR_DROP_IMPAIR_LOSS] + a.drops[EPAIR_DROP_IMPAIR_CUT]);
}

static void
play(const struct change *c)
{
	struct watch w = { .change = c };
	uint64_t sent = 0;
	struct lab lab;

	lab_init(&lab, 1, look, &w);
	lab_set(lab.a, c->base[0] != '\0' ? c->base : "none");
	for (unsigned i = 0; i < CHANGES; i++) {
		lab_set(lab.a, c->values[i % 3]);
		/* Not in step with the frames. */
		for (unsigned k = 0; k < 3 + i % 5; k++) {
			lab_send(lab.a, epair_now(lab.ep), LEN);
			sent++;
			lab_pass(&lab, c->gap_us * 1000);
		}
	}
	lab_pass(&lab, 1000 * MS);
	assert_accounted(&lab, sent);
	if (w.most_ns > c->most_us * 1000)
		fail_msg("%s: a frame took %u us, at most %u were expected",
		    c->values[0], (unsigned)(w.most_ns / 1000),
		    (unsigned)c->most_us);
	if (!c->reorders && w.overtakes != 0)
		fail_msg("%s: %u frames overtook another", c->values[0],
		    (unsigned)w.overtakes);
	lab_fini(&lab);
}

static void
thousand_changes_of_any_word_lose_delay_and_reorder_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		play(&changes[i]);
}

/*
 * What a discipline holds goes ahead of what comes when another one is in its
 * place, or none.
 */
static void
thousand_changes_of_the_discipline_reorder_nothing(void **state)
{
	static const char *const disciplines[] = { "fifo", "priq", "none",
		"codel", "drr", "none", "fq-codel", "fifo" };
	/* Each frame takes 0.5 ms, and 5 of them wait for each other. */
	const struct change c = { .most_us = 5 * 500 + 2500 };
	struct watch w = { .change = &c };
	struct lab lab;

	(void)state;
	lab_init(&lab, 1, look, &w);
	lab_set(lab.a, "rate 16mbit");
	for (unsigned i = 0; i < CHANGES; i++) {
		assert_int_equal(
		    epair_if_set_qdisc(lab.a, disciplines[i % 8], NULL), 0);
		for (unsigned k = 0; k < 5; k++)
			lab_send(lab.a, epair_now(lab.ep), LEN);
		/* All of them are gone at the next change, or four wait. */
		lab_pass(&lab, i % 2 == 0 ? 600000 : 5 * MS);
	}
	lab_pass(&lab, 1000 * MS);
	assert_accounted(&lab, UINT64_C(5) * CHANGES);
	assert_int_equal(lab.arrived, 5 * CHANGES);
	assert_int_equal(w.overtakes, 0);
	assert_in_range(w.most_ns, 2500000, c.most_us * 1000);
	lab_fini(&lab);
}

/* A bucket that was emptied at a crawl is not to be filled at a crawl. */
static void
fast_link_does_not_pay_for_what_a_slow_one_sent(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab, 1, NULL, NULL);
	lab_set(lab.a, "rate 8kbit burst 64k");
	for (unsigned i = 0; i < 65; i++)
		lab_send(lab.a, i, 1000);
	lab_pass(&lab, 1);
	assert_int_equal(lab.arrived, 65);
	lab_set(lab.a, "rate 8mbit");
	lab_send(lab.a, 65, 1000);
	/* What is left of the last frame, and this one. */
	lab_pass(&lab, 2 * MS);
	assert_int_equal(lab.arrived, 66);
	lab_set(lab.a, "burst 0");
	lab_send(lab.a, 66, 1000);
	lab_pass(&lab, 2 * MS);
	assert_int_equal(lab.arrived, 67);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    thousand_changes_of_any_word_lose_delay_and_reorder_nothing),
		cmocka_unit_test(
		    thousand_changes_of_the_discipline_reorder_nothing),
		cmocka_unit_test(
		    fast_link_does_not_pay_for_what_a_slow_one_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
