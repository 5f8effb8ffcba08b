/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Impairments side by side, in virtual time: each has the share that it has
 * alone, and goes on as if nothing had happened when another is changed.
 */
#include <stdlib.h>

#include "lab.h"
#include "theory.h"

#define MILLION 1000000u

static void
each_has_its_share_of_a_million_frames(void **state)
{
	struct epair_link_stats l;
	uint64_t lost, went;
	struct lab lab;

	(void)state;
	lab_init(&lab, 1, NULL, NULL);
	lab_set(lab.a, "delay 1ms 500us 25% distribution normal loss 1% "
		       "duplicate 2% corrupt 3% reorder 4% rate 10gbit "
		       "burst 64k slot 10us 20us");
	for (unsigned i = 0; i < MILLION; i++) {
		lab_send(lab.a, i, 100);
		if (i % 100 == 99)
			lab_pass(&lab, MS / 10);
	}
	lab_pass(&lab, 1000 * MS);
	l = lab_link_stats(lab.a);
	lost = lab_stats(lab.a).drops[EPAIR_DROP_IMPAIR_LOSS];
	went = MILLION - lost;
	assert_int_equal(l.sent, MILLION);
	assert_int_equal(l.dropped, lost);
	assert_int_equal(lab.arrived, went + l.duplicated);
	assert_share("loss", lost, MILLION, 0.01, 1);
	assert_share("duplicate", l.duplicated, (double)went, 0.02, 1);
	assert_share("corrupt", l.corrupted, (double)went, 0.03, 1);
	assert_share("reorder", l.reordered, (double)lab.arrived, 0.04, 1);
	lab_fini(&lab);
}

/*
 * The same words with and without others that are changed all the time.
 */

#define FRAMES 5000u
#define LEN    200u

enum fate { ARRIVALS, TIME, OCTETS };

static const struct {
	const char *words; /* said once */
	enum fate seen; /* what they decide of a frame */
	const char *others[4]; /* take turns */
} pairs[] = {
	{ "loss 10% 30%", ARRIVALS,
	    { "delay 3ms 1ms", "ber 1e-4", "rate 1gbit", "rate 0 delay 0" } },
	{ "loss gemodel 5% 30%", ARRIVALS,
	    { "reorder 3% delay 2ms", "reorder 0%", "slot 1ms", "slot 0" } },
	{ "loss state 5% 30% 10% 50% 2%", ARRIVALS,
	    { "delay 1ms", "limit 4000", "wire", "ecn" } },
	{ "loss every 7", ARRIVALS,
	    { "per-superframe", "cell 48 5", "distribution pareto", "gap 3" } },
	{ "loss filter 'greater 100' 20%", ARRIVALS,
	    { "delay 1ms", "delay 0", "drop head", "burst 9k" } },
	{ "duplicate 10% 20%", ARRIVALS,
	    { "delay 3ms 1ms", "corrupt 2%", "ordered", "overhead 9" } },
	{ "corrupt 10% 20%", OCTETS,
	    { "delay 3ms 1ms", "ordered", "delay 1ms", "rate 1gbit" } },
	{ "ber 1e-4", OCTETS,
	    { "delay 3ms 1ms", "ordered", "delay 1ms", "rate 1gbit" } },
	{ "delay 5ms reorder 10% 20% gap 3", TIME,
	    { "corrupt 2%", "limit 4000", "limit 0", "corrupt 0%" } },
	{ "delay 5ms 2ms 40% distribution normal", TIME,
	    { "ber 1e-4", "duplicate 0%", "wire", "ecn" } },
	{ "rate 8mbit burst 3k limit 10000", TIME,
	    { "ber 1e-4", "gap 3", "distribution normal", "drop head" } },
	{ "slot 2ms 9ms packets 5", TIME,
	    { "corrupt 2%", "gap 3", "wire", "corrupt 0%" } },
};

struct fates {
	uint64_t of[FRAMES];
	enum fate seen;
};

static void
note(struct lab *lab, struct epair_mbuf *m)
{
	struct fates *f = lab->arg;
	uint64_t *fate = &f->of[m->tstamp_ns];
	uint8_t octets[LEN];

	assert_in_range(m->tstamp_ns, 0, FRAMES - 1);
	if (f->seen == ARRIVALS) {
		(*fate)++;
	} else if (f->seen == TIME) {
		*fate = lab->last_ns;
	} else {
		assert_int_equal(epair_mbuf_read(m, 0, octets, LEN), LEN);
		for (unsigned i = 0; i < LEN; i++)
			*fate = *fate * 31 + octets[i];
	}
}

static struct fates *
play(unsigned pair, bool changes)
{
	struct fates *f = calloc(1, sizeof(*f));
	struct lab lab;

	assert_non_null(f);
	f->seen = pairs[pair].seen;
	lab_init(&lab, 1, note, f);
	lab_set(lab.a, pairs[pair].words);
	for (unsigned i = 0; i < FRAMES; i++) {
		if (changes && i % 9 == 0)
			lab_set(lab.a, pairs[pair].others[i / 9 % 4]);
		lab_send(lab.a, i, LEN);
		lab_pass(&lab, MS / 5);
	}
	lab_pass(&lab, 10000 * MS);
	lab_fini(&lab);
	return f;
}

static void
changing_one_leaves_the_others_as_they_were(void **state)
{
	(void)state;
	for (unsigned p = 0; p < sizeof(pairs) / sizeof(pairs[0]); p++) {
		struct fates *alone = play(p, false), *beside = play(p, true);

		for (unsigned i = 0; i < FRAMES; i++)
			if (alone->of[i] != beside->of[i])
				fail_msg("%s: frame %u fares otherwise",
				    pairs[p].words, i);
		free(alone);
		free(beside);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_its_share_of_a_million_frames),
		cmocka_unit_test(changing_one_leaves_the_others_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
