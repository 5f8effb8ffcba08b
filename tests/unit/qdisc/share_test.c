/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sharing a link: drr and htb over a link that takes a frame whenever it asks,
 * or one at a rate; and what disciplines count.
 */
#include <errno.h>

#include "bench.h"

#define LEN 1000u

static uint8_t octets[1514];

/* A frame of a class: an 802.1Q tag with the priority of that importance. */
static void
put_class(struct bench *b, unsigned class, uint32_t len, uint64_t now)
{
	static const uint8_t pcp[8] = { 1, 0, 2, 3, 4, 5, 6, 7 };
	uint8_t o[1514] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0 };

	o[14] = (uint8_t)(pcp[class] << 5);
	bench_put(b, o, len, class, 0, now);
}

static struct epair_qdisc_stats
look(struct bench *b)
{
	struct epair_qdisc_stats s;

	ep_lock(&b->qd->lock);
	ep_qdisc_look(b->qd, &s);
	ep_unlock(&b->qd->lock);
	return s;
}

/* Octets of each class in what the link takes, while all have frames. */
static void
take_octets(struct bench *b, uint32_t frames, uint64_t gap, uint64_t sum[8])
{
	memset(sum, 0, 8 * sizeof(sum[0]));
	for (uint32_t i = 0; i < frames; i++) {
		struct epair_mbuf *m = bench_take(b, i * gap);

		if (m == NULL)
			continue;
		sum[m->rcvif & 7] += m->pktlen;
		ep_mbuf_free1(m);
	}
}

static void
flows_share_by_octets_whatever_their_frames(void **state)
{
	uint64_t sum[8];
	struct bench b;

	(void)state;
	bench_set_up(&b, "drr:limit=100000");
	for (uint32_t i = 0; i < 12000; i++) {
		bench_put(&b, octets, 100, 1, 1, 0);
		if (i < 2000)
			bench_put(&b, octets, 1500, 2, 2, 0);
		if (i < 3000)
			bench_put(&b, octets, 700, 3, 3, 0);
	}
	assert_int_equal(look(&b).flows, 3);
	take_octets(&b, 8000, 0, sum);
	/* Off by a quantum and a frame at most. */
	assert_in_range(sum[1], sum[2] - 3014, sum[2] + 3014);
	assert_in_range(sum[3], sum[2] - 3014, sum[2] + 3014);
	bench_tear_down(&b);
}

/* Flow 1 always has one frame that waits, and flow 2 many. */
static void
flow_that_comes_again_pays_for_what_it_overdrew(void **state)
{
	uint64_t sum[8] = { 0 };
	struct bench b;

	(void)state;
	bench_set_up(&b, "drr:limit=100000,quantum=100");
	for (uint32_t i = 0; i < 1000; i++)
		bench_put(&b, octets, 1500, 2, 2, 0);
	for (uint32_t i = 0; i < 1000; i++) {
		struct epair_mbuf *m;

		if (look(&b).flows < 2)
			bench_put(&b, octets, 1500, 1, 1, 0);
		m = bench_take(&b, 0);
		sum[m->rcvif] += m->pktlen;
		ep_mbuf_free1(m);
	}
	assert_in_range(sum[1], sum[2] - 3000, sum[2] + 3000);
	bench_tear_down(&b);
}

static void
weights_are_the_proportion_of_classes(void **state)
{
	uint64_t sum[8];
	struct bench b;

	(void)state;
	bench_set_up(
	    &b, "drr:by=pcp,limit=100000,weight=7:5,weight=0:1,weight=3:2");
	for (uint32_t i = 0; i < 5000; i++) {
		put_class(&b, 7, LEN, 0);
		put_class(&b, 3, LEN, 0);
		put_class(&b, 0, LEN, 0);
	}
	take_octets(&b, 7200, 0, sum);
	assert_in_range(sum[7], 4500000 - 20000, 4500000 + 20000);
	assert_in_range(sum[3], 1800000 - 20000, 1800000 + 20000);
	assert_in_range(sum[0], 900000 - 20000, 900000 + 20000);
	bench_tear_down(&b);
}

static void
full_drr_gives_up_what_the_longest_queue_holds(void **state)
{
	struct epair_qdisc_stats s;
	struct epair_mbuf *m;
	struct bench b;

	(void)state;
	bench_set_up(&b, "drr:by=pcp,limit=100");
	put_class(&b, 1, LEN, 0);
	for (uint32_t i = 0; i < 100; i++)
		put_class(&b, 6, LEN, 0);
	s = look(&b);
	assert_int_equal(s.dropped, 50);
	assert_int_equal(s.waiting, 51);
	assert_int_equal(s.waiting_bytes, 51 * LEN);
	assert_int_equal(s.of_class[6].dropped, 50);
	assert_int_equal(s.of_class[6].waiting, 50);
	assert_int_equal(s.of_class[1].waiting_bytes, LEN);
	ep_lock(&b.qd->lock);
	while (ep_qdisc_given_up(b.qd, &m, 1) == 1)
		ep_mbuf_free1(m);
	ep_unlock(&b.qd->lock);
	bench_tear_down(&b);
}

/* A link of 8 Mb/s: a frame of 1000 octets each millisecond. */
static void
class_is_sure_of_its_rate_and_borrows_in_proportion(void **state)
{
	uint64_t sum[8];
	struct bench b;

	(void)state;
	/* 4 of 8 Mb/s are promised; 4 are left, shared 3 to 1. */
	bench_set_up(&b, "htb:limit=100000,class=5:3mbit,class=1:1mbit");
	for (uint32_t i = 0; i < 8000; i++) {
		put_class(&b, 5, LEN, 0);
		put_class(&b, 1, LEN, 0);
	}
	take_octets(&b, 8000, MS, sum);
	assert_in_range(sum[5], 6000000 - 30000, 6000000 + 30000);
	assert_in_range(sum[1], 2000000 - 30000, 2000000 + 30000);
	assert_in_range(look(&b).borrowed, 3950, 4050);
	bench_tear_down(&b);
}

static void
class_that_was_away_has_its_rate_at_once(void **state)
{
	uint64_t sum[8];
	struct bench b;

	(void)state;
	bench_set_up(&b, "htb:limit=100000,class=5:6mbit,class=1:2mbit");
	for (uint32_t i = 0; i < 8000; i++)
		put_class(&b, 1, LEN, 0);
	take_octets(&b, 2000, MS, sum);
	assert_int_equal(sum[1], 2000000); /* borrowed what there was */
	for (uint32_t i = 0; i < 2000; i++)
		put_class(&b, 5, LEN, 2000 * MS);
	for (uint32_t i = 0; i < 1000; i++) {
		struct epair_mbuf *m = bench_take(&b, (2000 + i) * MS);

		sum[m->rcvif] += m->pktlen;
		ep_mbuf_free1(m);
	}
	assert_in_range(sum[5], 750000 - 5000, 750000 + 5000);
	bench_tear_down(&b);
}

/* One that a ceiling holds back is behind the others for ever. */
static void
who_comes_shares_evenly_whoever_is_behind(void **state)
{
	uint64_t sum[8] = { 0 };
	struct epair_mbuf *m;
	struct bench b;
	uint64_t now = 0;

	(void)state;
	bench_set_up(&b, "htb:limit=100000,class=3:1kbit:1mbit,class=2:1kbit,"
			 "class=1:1kbit");
	for (uint32_t i = 0; i < 10000; i++) {
		put_class(&b, 3, LEN, 0);
		put_class(&b, 2, LEN, 0);
	}
	/* Nor does it matter who borrowed before it came. */
	for (unsigned last = 0; now < 5000 * MS || last != 3; now += MS) {
		m = bench_take(&b, now);
		last = m->rcvif;
		ep_mbuf_free1(m);
	}
	for (uint32_t i = 0; i < 1000; i++)
		put_class(&b, 1, LEN, now);
	for (unsigned i = 0; i < 1000; i++, now += MS) {
		m = bench_take(&b, now);
		sum[m->rcvif] += m->pktlen;
		ep_mbuf_free1(m);
	}
	assert_in_range(sum[3], 125000 - 3000, 125000 + 3000);
	assert_in_range(sum[2], 437500 - 3000, 437500 + 3000);
	assert_in_range(sum[1], 437500 - 3000, 437500 + 3000);
	bench_tear_down(&b);
}

static void
frames_without_octets_are_kept_within_the_limit_too(void **state)
{
	static const char *const specs[] = { "fifo:limit=50", "priq:limit=50",
		"drr:limit=50", "htb:limit=50", "codel:limit=50",
		"fq-codel:limit=50" };

	(void)state;
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		struct epair_mbuf *m, *victim;
		struct bench b;
		bool refused;

		bench_set_up(&b, specs[i]);
		ep_lock(&b.qd->lock);
		for (uint32_t k = 0; k < 80; k++) {
			m = ep_mbuf_from(b.pool, octets, 0);
			if (ep_qdisc_enqueue(
				b.qd, &m, 1, 0, &victim, &refused) == 1)
				ep_mbuf_free1(victim);
			while (ep_qdisc_given_up(b.qd, &m, 1) == 1)
				ep_mbuf_free1(m);
			assert_in_range(b.qd->held, 1, 50);
		}
		ep_unlock(&b.qd->lock);
		bench_tear_down(&b);
	}
}

static void
ceiling_holds_a_class_back_and_says_until_when(void **state)
{
	struct epair_mbuf *m;
	struct bench b;
	uint64_t now = 0, sent = 0, next;

	(void)state;
	bench_set_up(&b, "htb:burst=1000,class=2:1mbit:4mbit");
	for (uint32_t i = 0; i < 1000; i++)
		put_class(&b, 2, LEN, 0);
	while (now < 1000 * MS) {
		while ((m = bench_take(&b, now)) != NULL) {
			ep_mbuf_free1(m);
			sent++;
		}
		next = b.qd->ops->next(b.qd);
		assert_true(next > now);
		now = next;
	}
	/* 4 Mb/s for a second, and a burst of one frame and the last. */
	assert_in_range(sent, 499, 502);
	bench_tear_down(&b);
}

/* 60 octets take 1.2 ns at 400 Gb/s. */
static void
ceiling_holds_though_a_frame_takes_no_whole_nanosecond(void **state)
{
	uint64_t now = 0, sent = 0;
	struct epair_mbuf *m;
	struct bench b;

	(void)state;
	bench_set_up(&b, "htb:limit=10000,burst=60,class=2:1gbit:400gbit");
	for (uint32_t i = 0; i < 5000; i++)
		put_class(&b, 2, 60, 0);
	for (; now < 3600; now = b.qd->ops->next(b.qd))
		while ((m = bench_take(&b, now)) != NULL) {
			ep_mbuf_free1(m);
			sent++;
		}
	assert_in_range(sent, 2998, 3003);
	bench_tear_down(&b);
}

static void
wrong_classes_are_named(void **state)
{
	static const char *const wrong[][2] = {
		{ "htb:class=8:1mbit", "must begin with a class" },
		{ "htb:class=7", "must begin with a class" },
		{ "htb:class=7:fast", "must be CLASS:RATE" },
		{ "htb:class=7:2mbit:1mbit", "must be CLASS:RATE" },
		{ "htb:class=7:2mbit:", "must be CLASS:RATE" },
		{ "htb:by=flow", "pcp" },
		{ "drr:weight=7:1", "weight= needs classes" },
		{ "drr:by=dscp,weight=7:0", "must be CLASS:N" },
		{ "drr:by=dscp,weight=7:5x", "must be CLASS:N" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct epair_err err = { .text = "" };
		struct ep_qdisc *qd;

		assert_int_equal(
		    ep_qdisc_create(wrong[i][0], &qd, &err), -EINVAL);
		if (strstr(err.text, wrong[i][1]) == NULL)
			fail_msg("%s: %s", wrong[i][0], err.text);
	}
}

static void
each_discipline_counts_what_it_did(void **state)
{
	static const char *const specs[] = { "fifo:limit=50", "priq:limit=50",
		"drr:limit=50", "drr:limit=50,by=dscp", "htb:limit=50",
		"codel:limit=50", "fq-codel:limit=50" };

	(void)state;
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		struct epair_mbuf *m, *victim = NULL;
		struct epair_qdisc_stats s;
		struct bench b;
		bool refused;

		bench_set_up(&b, specs[i]);
		ep_lock(&b.qd->lock);
		for (uint32_t k = 0; k < 80; k++) {
			m = ep_mbuf_from(b.pool, octets, LEN);
			if (ep_qdisc_enqueue(
				b.qd, &m, 1, 0, &victim, &refused) == 1)
				ep_mbuf_free1(victim);
		}
		while (ep_qdisc_given_up(b.qd, &m, 1) == 1)
			ep_mbuf_free1(m);
		ep_unlock(&b.qd->lock);
		for (uint32_t k = 0; k < 10; k++) {
			m = bench_take(&b, k * MS / 10);
			ep_mbuf_free1(m);
		}
		s = look(&b);
		assert_int_equal(s.sent, 10);
		assert_int_equal(s.sent_bytes, 10 * LEN);
		assert_int_equal(s.sent + s.dropped + s.waiting, 80);
		assert_int_equal(s.waiting, b.qd->held);
		assert_int_equal(s.waiting_bytes, s.waiting * LEN);
		assert_int_equal(s.delay_ns, 9 * MS / 10);
		assert_int_equal(s.delay_max_ns, 9 * MS / 10);
		bench_tear_down(&b);
	}
}

static void
fifo_marks_those_behind_so_many(void **state)
{
	uint8_t ip6[100] = { 0 };
	struct bench b;

	(void)state;
	ip6[12] = 0x86;
	ip6[13] = 0xdd;
	ip6[14] = 0x60;
	ip6[15] = 0x20; /* ECT(0) */
	bench_set_up(&b, "fifo:mark=5");
	for (uint32_t i = 0; i < 8; i++)
		bench_put(&b, ip6, sizeof(ip6), i, 0, 0);
	for (uint32_t i = 0; i < 8; i++) {
		struct epair_mbuf *m = bench_take(&b, 0);

		assert_int_equal(m->data[15] >> 4 & 3, i < 5 ? 2 : 3);
		ep_mbuf_free1(m);
	}
	assert_int_equal(look(&b).marked, 3);
	bench_tear_down(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_share_by_octets_whatever_their_frames),
		cmocka_unit_test(
		    flow_that_comes_again_pays_for_what_it_overdrew),
		cmocka_unit_test(weights_are_the_proportion_of_classes),
		cmocka_unit_test(
		    full_drr_gives_up_what_the_longest_queue_holds),
		cmocka_unit_test(
		    class_is_sure_of_its_rate_and_borrows_in_proportion),
		cmocka_unit_test(class_that_was_away_has_its_rate_at_once),
		cmocka_unit_test(who_comes_shares_evenly_whoever_is_behind),
		cmocka_unit_test(
		    frames_without_octets_are_kept_within_the_limit_too),
		cmocka_unit_test(
		    ceiling_holds_a_class_back_and_says_until_when),
		cmocka_unit_test(
		    ceiling_holds_though_a_frame_takes_no_whole_nanosecond),
		cmocka_unit_test(wrong_classes_are_named),
		cmocka_unit_test(each_discipline_counts_what_it_did),
		cmocka_unit_test(fifo_marks_those_behind_so_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
