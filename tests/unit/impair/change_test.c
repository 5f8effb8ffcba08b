/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each word of a link, said a thousand times under load with values that take
 * turns, while everything else stays: every frame is accounted for, none is
 * later than the slowest of the settings would make it, and none overtakes
 * another where no setting asks for that.
 */
#include <stdlib.h>
#include <unistd.h>

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
	{ "delay 5ms", { "ber 1e-4", "ber 2.5e-7", "ber 0" }, 100, 5000,
	    false },
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
 * The same of disciplines, and of a link under one. Bursts of 16 frames of 8
 * flows, each with a class of its own, every 20 ms over a link that takes 0.8 ms
 * for one: all are sent before the next burst comes, unless a limit is asked
 * for.
 */
static const struct change under_disciplines[] = {
	{ "rate 10mbit", { "fifo:limit=100", "fifo:limit=5", "none" } },
	{ "rate 10mbit", { "fifo:limit=100,mark=5", "none", "fifo" } },
	{ "rate 10mbit", { "priq:by=dscp", "none", "priq:by=pcp" } },
	{ "rate 10mbit", { "priq:by=dscp", "fifo", "priq:by=dscp,limit=6" } },
	{ "rate 10mbit",
	    { "drr", "drr:by=dscp,weight=3:5", "drr:quantum=100" } },
	{ "rate 10mbit", { "drr:flows=4", "none", "drr:limit=6" } },
	{ "rate 10mbit", { "htb:by=dscp,class=1:5mbit:20mbit",
			     "htb:class=2:1mbit", "none" } },
	{ "rate 10mbit", { "htb:burst=2000,class=0:20mbit", "htb", "fifo" } },
	{ "rate 10mbit", { "codel", "codel:target=1ms,interval=5ms", "none" } },
	{ "rate 10mbit", { "codel:ecn=on", "codel:limit=7", "codel:mtu=500" } },
	{ "rate 10mbit", { "fq-codel", "fq-codel:flows=4", "none" } },
	{ "rate 10mbit", { "fq-codel:quantum=300", "priq", "drr" } },
};

struct flows {
	uint64_t last[8], overtakes, most_ns;
};

static void
look_at_flow(struct lab *lab, struct epair_mbuf *m)
{
	struct flows *f = lab->arg;
	uint64_t *last = &f->last[m->data[15] >> 5];
	/* Up to 16 ns too little, or nothing. */
	uint64_t took = lab->last_ns > m->tstamp_ns
			    ? lab->last_ns - m->tstamp_ns
			    : 0;

	f->overtakes += m->tstamp_ns <= *last;
	*last = m->tstamp_ns;
	if (took > f->most_ns)
		f->most_ns = took;
}

/* When it was sent is its number, to a ns that its flow has not had yet. */
static void
send_flow(struct lab *lab, unsigned i)
{
	uint8_t octets[LEN] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00,
		0x45, 0, (LEN - 14) >> 8, (LEN - 14) & 255, 0, 0, 0, 0, 64, 17,
		0, 0, 198, 18, 0, 1, 198, 18, 0, 2 };
	struct epair_mbuf *m;

	octets[15] = octets[29] = (uint8_t)(i % 8 << 5);
	m = epair_mbuf_from(lab->ep, octets, LEN);
	assert_non_null(m);
	m->flags |= EPAIR_M_TSTAMP;
	m->tstamp_ns = epair_now(lab->ep) + 1 + i;
	(void)epair_if_transmit(lab->a, &m, 1);
}

static void
play_discipline(const struct change *c, const char *link)
{
	struct flows f = { .overtakes = 0 };
	uint64_t sent = 0, drops = 0;
	struct epair_if_stats a;
	struct lab lab;

	lab_init(&lab, 1, look_at_flow, &f);
	lab_set(lab.a, c->base);
	for (unsigned i = 0; i < CHANGES; i++) {
		for (unsigned k = 0; k < 16; k++, sent++)
			send_flow(&lab, k);
		lab_pass(&lab, (i % 13) * MS);
		assert_int_equal(
		    epair_if_set_qdisc(lab.a, c->values[i % 3], NULL), 0);
		if (link != NULL)
			lab_set(lab.a, i % 2 == 0 ? link : c->base);
		lab_pass(&lab, (20 - i % 13) * MS);
	}
	lab_pass(&lab, 1000 * MS);
	a = lab_stats(lab.a);
	for (int i = 0; i < EPAIR_DROP_MAX; i++)
		drops += a.drops[i];
	assert_int_equal(drops, a.drops[EPAIR_DROP_QDISC]);
	assert_int_equal(sent, lab.arrived + drops);
	if (f.overtakes != 0)
		fail_msg("%s: %u frames overtook one of their flow",
		    c->values[0], (unsigned)f.overtakes);
	if (f.most_ns > 20 * MS)
		fail_msg("%s: a frame took %u us", c->values[0],
		    (unsigned)(f.most_ns / 1000));
	lab_fini(&lab);
}

static void
thousand_changes_of_a_discipline_lose_and_reorder_nothing(void **state)
{
	const size_t n = sizeof(under_disciplines) /
			 sizeof(under_disciplines[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		play_discipline(&under_disciplines[i], NULL);
		play_discipline(&under_disciplines[i], "none");
		play_discipline(&under_disciplines[i], "rate 100mbit");
	}
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

/* One that waited ten seconds for a trace is no burst for a rate. */
static void
rate_in_the_place_of_a_trace_begins_when_it_is_set(void **state)
{
	char path[] = "/tmp/epair-trace-XXXXXX", words[128];
	int fd = mkstemp(path);
	struct lab lab;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "60000\n", 6), 6);
	(void)snprintf(words, sizeof(words), "delay 1ms trace %s", path);
	lab_init(&lab, 1, NULL, NULL);
	lab_set(lab.a, words);
	for (unsigned i = 0; i < 100; i++)
		lab_send(lab.a, i, 1000);
	lab_pass(&lab, 10000 * MS);
	assert_int_equal(lab.arrived, 0);
	lab_set(lab.a, "trace off rate 8mbit");
	lab_pass(&lab, 10 * MS);
	assert_int_equal(lab.arrived, 9);
	lab_fini(&lab);
	(void)unlink(path);
	(void)close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    thousand_changes_of_any_word_lose_delay_and_reorder_nothing),
		cmocka_unit_test(
		    thousand_changes_of_a_discipline_lose_and_reorder_nothing),
		cmocka_unit_test(
		    fast_link_does_not_pay_for_what_a_slow_one_sent),
		cmocka_unit_test(
		    rate_in_the_place_of_a_trace_begins_when_it_is_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
