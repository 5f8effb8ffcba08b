/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What chance does in the long run, against theory: a million frames each, from
 * fixed seeds.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "impair/dice.h"
#include "impair/dist.h"
#include "impair/parts.h"
#include "theory.h"

#define FRAMES 1000000u
#define RUNS   64u /* longest run of losses that is told apart */

static struct ep_link_conf
conf_of(const char *words)
{
	struct ep_link_conf conf = { .delay_ns = 0 };
	unsigned named;

	assert_int_equal(ep_link_parse(words, &conf, &named, NULL), 0);
	return conf;
}

struct losses {
	uint64_t lost;
	uint64_t runs[RUNS + 1], run_count; /* by length */
};

static void
end_run(struct losses *l, unsigned *run)
{
	if (*run == 0)
		return;
	l->runs[*run < RUNS ? *run : RUNS]++;
	l->run_count++;
	*run = 0;
}

static struct losses
lose(const char *words, uint64_t seed)
{
	const struct ep_link_conf conf = conf_of(words);
	struct losses l = { .lost = 0 };
	struct ep_dice dice;
	unsigned run = 0;

	ep_dice_init(&dice, seed);
	for (unsigned i = 0; i < FRAMES; i++) {
		if (ep_dice_lost(&dice, &conf)) {
			l.lost++;
			run++;
		} else {
			end_run(&l, &run);
		}
	}
	end_run(&l, &run);
	return l;
}

/* Of runs of losses, p[length] are so long. */
static void
assert_runs(const struct losses *l, const double *p, double inflation)
{
	double n = (double)l->run_count;

	for (unsigned length = 1; length < RUNS && n * p[length] > 50; length++)
		assert_share("runs", l->runs[length], n, p[length], inflation);
}

/* Runs are as long as a coin that goes on with q shows heads. */
static void
assert_geometric(const struct losses *l, double q)
{
	double p[RUNS + 1] = { 0, 1 - q };

	for (unsigned length = 2; length <= RUNS; length++)
		p[length] = p[length - 1] * q;
	assert_runs(l, p, 1);
}

static void
random_loss_is_independent(void **state)
{
	struct losses l;

	(void)state;
	l = lose("loss 1%", 1);
	assert_share("losses", l.lost, FRAMES, 0.01, 1);
	assert_geometric(&l, 0.01);
	l = lose("loss 30%", 2);
	assert_share("losses", l.lost, FRAMES, 0.3, 1);
	assert_geometric(&l, 0.3);
	l = lose("loss 0.01%", 3);
	assert_share("losses", l.lost, FRAMES, 0.0001, 1);
}

static void
correlated_loss_keeps_its_share_and_comes_in_bursts(void **state)
{
	const double p = 0.05, rho = 0.4;
	struct losses l = lose("loss 5% 40%", 4);

	(void)state;
	assert_share("losses", l.lost, FRAMES, p, (1 + rho) / (1 - rho));
	assert_geometric(&l, rho + (1 - rho) * p);
}

/* From good to bad by p and back by r: p/(p+r) of the time bad. */
static double
markov_inflation(double p, double r)
{
	double lambda = 1 - p - r;

	return (1 + lambda) / (1 - lambda);
}

static void
gilbert_loses_in_geometric_bursts(void **state)
{
	const double p = 0.01, r = 0.25;
	struct losses l = lose("loss gemodel 1% 25%", 5);

	(void)state;
	assert_share(
	    "losses", l.lost, FRAMES, p / (p + r), markov_inflation(p, r));
	assert_geometric(&l, 1 - r);
}

static void
gilbert_and_elliott_lose_in_both_states(void **state)
{
	const double p = 0.02, r = 0.2, bad = 0.6, good = 0.005;
	struct losses l = lose("loss gemodel 2% 20% 60% 0.5%", 6);
	double share = (bad * p + good * r) / (p + r);
	double in_good = r * (1 - good), in_bad = p * (1 - bad);
	double more[RUNS + 2], of_length[RUNS + 1], at[2];

	(void)state;
	/* The states' variance at most, beside that of the losses. */
	assert_share("losses", l.lost, FRAMES, share, markov_inflation(p, r));
	/* In which state a run begins, after a frame that was not lost ... */
	at[0] = in_good * (1 - p) + in_bad * r;
	at[1] = in_good * p + in_bad * (1 - r);
	/* ... and how often it has that many and more. */
	for (unsigned length = 1; length <= RUNS + 1; length++) {
		double lost_good = at[0] * good, lost_bad = at[1] * bad;

		more[length] = lost_good + lost_bad;
		at[0] = lost_good * (1 - p) + lost_bad * r;
		at[1] = lost_good * p + lost_bad * (1 - r);
	}
	for (unsigned length = 1; length <= RUNS; length++)
		of_length[length] = (more[length] - more[length + 1]) / more[1];
	/* Those of one stay in the bad state are not independent. */
	assert_runs(&l, of_length, 2);
}

static void
four_states_lose_as_their_chain_does(void **state)
{
	/* Balance of the chain: 1 (good), 2, 3 (lost), 4 (lost). */
	const double p13 = 0.02, p31 = 0.3, p32 = 0.2, p23 = 0.5, p14 = 0.01;
	struct losses l = lose("loss state 2% 30% 20% 50% 1%", 7);
	double s1 = 1, s3 = p13 / p31, s2 = s3 * p32 / p23, s4 = p14;
	double stays = 1 - p31 - p32, of_length[RUNS + 1], in_4;

	(void)state;
	/* A burst is left slowest by way of 3 and 2. */
	assert_share(
	    "losses", l.lost, FRAMES, (s3 + s4) / (s1 + s2 + s3 + s4), 12);
	/* One frame in state 4, or as long as 3 is not left. */
	in_4 = s1 * p14 / (s1 * p14 + s1 * p13 + s2 * p23);
	of_length[1] = (1 - in_4) * (1 - stays);
	for (unsigned length = 2; length <= RUNS; length++)
		of_length[length] = of_length[length - 1] * stays;
	of_length[1] += in_4;
	assert_runs(&l, of_length, 1);
}

static void
two_states_of_four_are_gilberts(void **state)
{
	struct losses l = lose("loss state 1% 25%", 8);

	(void)state;
	assert_share("losses", l.lost, FRAMES, 0.01 / 0.26,
	    markov_inflation(0.01, 0.25));
	assert_geometric(&l, 0.75);
}

static void
every_hundredth_is_lost_exactly(void **state)
{
	(void)state;
	assert_int_equal(lose("loss every 100", 9).lost, FRAMES / 100);
}

static void
other_dice_keep_their_share(void **state)
{
	const struct ep_link_conf conf = conf_of(
	    "delay 1ms corrupt 0.5% duplicate 3% reorder 25% 50%");
	uint64_t corrupted = 0, doubled = 0, ahead = 0;
	struct ep_dice dice;

	(void)state;
	ep_dice_init(&dice, 10);
	for (unsigned i = 0; i < FRAMES; i++) {
		corrupted += ep_die_throw(
		    &dice.corrupt, conf.corrupt, conf.corrupt_corr);
		doubled += ep_die_throw(
		    &dice.duplicate, conf.duplicate, conf.duplicate_corr);
		ahead += ep_dice_ahead(&dice, &conf);
	}
	assert_share("corrupted", corrupted, FRAMES, 0.005, 1);
	assert_share("doubled", doubled, FRAMES, 0.03, 1);
	assert_share("ahead", ahead, FRAMES, 0.25, 3);
}

static void
one_die_does_not_change_what_another_shows(void **state)
{
	const struct ep_link_conf alone = conf_of("loss 10%");
	const struct ep_link_conf both = conf_of("loss 10% delay 1ms 1ms");
	struct ep_dice a, b;

	(void)state;
	ep_dice_init(&a, 11);
	ep_dice_init(&b, 11);
	for (unsigned i = 0; i < 1000; i++) {
		(void)ep_dice_delay(&b, &both, NULL);
		assert_int_equal(
		    ep_dice_lost(&a, &alone), ep_dice_lost(&b, &both));
	}
}

/* Jitter. */

static double
uniform_cdf(double x)
{
	return x < -1 ? 0 : x > 1 ? 1 : (x + 1) / 2;
}

static double
normal_cdf(double x)
{
	return erfc(-x / sqrt(2)) / 2;
}

static double
pareto_cdf(double x)
{
	double v = x * 3 / 4 + 1.5;

	return v < 1 ? 0 : 1 - pow(v, -3);
}

static void
assert_distributed(const char *words, uint64_t seed,
    const struct ep_samples *table, double (*cdf)(double x))
{
	const struct ep_link_conf conf = conf_of(words);
	double *sample = malloc(FRAMES * sizeof(double));
	struct ep_dice dice;

	assert_non_null(sample);
	ep_dice_init(&dice, seed);
	for (unsigned i = 0; i < FRAMES; i++)
		sample[i] = ((double)ep_dice_delay(&dice, &conf, table) -
				(double)conf.delay_ns) /
			    (double)conf.jitter_ns;
	assert_distance(words, sample, FRAMES, cdf);
	free(sample);
}

static void
jitter_is_distributed_as_its_name_says(void **state)
{
	(void)state;
	assert_distributed("delay 100ms 5ms", 21, NULL, uniform_cdf);
	assert_distributed(
	    "delay 100ms 5ms distribution normal", 22, NULL, normal_cdf);
	assert_distributed(
	    "delay 100ms 5ms distribution pareto", 23, NULL, pareto_cdf);
}

static void
pareto_and_normal_mix_to_a_quarter_and_three(void **state)
{
	const struct ep_link_conf conf = conf_of(
	    "delay 1s 5ms distribution paretonormal");
	double sum = 0, squares = 0, variance;
	struct ep_dice dice;

	(void)state;
	ep_dice_init(&dice, 24);
	for (unsigned i = 0; i < FRAMES; i++) {
		double x = ((double)ep_dice_delay(&dice, &conf, NULL) - 1e9) /
			   5e6;

		sum += x;
		squares += x * x;
	}
	/* 1/16 of 1, and 9/16 of 16/9 x 3/4, the Pareto's. */
	variance = 1.0 / 16 + 9.0 / 16 * (16.0 / 9 * 3 / 4);
	assert_true(fabs(sum / FRAMES) < 3 * sqrt(variance / FRAMES));
	/* Its fourth moment is infinite: no three sigma for the variance. */
	assert_true(fabs(squares / FRAMES - variance) < 0.1 * variance);
}

/* Where it is steep a step is 1/400 of the deviation, and the rest is tail. */
#define GRID      10000
#define GRID_FROM (-5.0)
#define GRID_TO   20.0

static double mixed[GRID + 1];

/* Over all values that the normal quarter may have. */
static void
mix(void)
{
	for (unsigned i = 0; i <= GRID; i++) {
		double x = GRID_FROM + (GRID_TO - GRID_FROM) * i / GRID;

		mixed[i] = 0;
		for (int k = -60; k < 60; k++) {
			double z = (k + 0.5) / 10;

			mixed[i] += (normal_cdf(z + 0.05) -
					normal_cdf(z - 0.05)) *
				    pareto_cdf((x - z / 4) * 4 / 3);
		}
	}
}

static double
mixed_cdf(double x)
{
	double at = (x - GRID_FROM) / (GRID_TO - GRID_FROM) * GRID;
	unsigned i = (unsigned)at;

	if (at < 0)
		return 0;
	if (i >= GRID)
		return 1;
	return mixed[i] + (mixed[i + 1] - mixed[i]) * (at - i);
}

static void
pareto_and_normal_are_distributed_as_their_mixture(void **state)
{
	(void)state;
	mix();
	assert_distributed(
	    "delay 100ms 5ms distribution paretonormal", 30, NULL, mixed_cdf);
}

/* The larger the more often: no name that we have. */
static double
rising_cdf(double x)
{
	return x < -1 ? 0 : x > 1 ? 1 : (x + 1) * (x + 1) / 4;
}

static struct ep_samples *
parse(const char *text)
{
	struct ep_samples *table = NULL;
	struct epair_err err = { .text = "" };

	(void)ep_samples_parse("a file", text, strlen(text), &table, &err);
	assert_string_equal(err.text, "");
	return table;
}

/* As iproute2 makes its own: what is not exceeded by (i + 1/2) / n. */
static struct ep_samples *
rising_table(void)
{
	const unsigned n = 8192;
	char *text = malloc(n * 8), *p = text;
	struct ep_samples *table;

	assert_non_null(text);
	for (unsigned i = 0; i < n; i++) {
		double x = 2 * sqrt((i + 0.5) / n) - 1;

		p += sprintf(p, "%ld%s", lround(x * EP_SAMPLES_SCALE),
		    i % 8 == 7 ? "\n" : " ");
	}
	table = parse(text);
	free(text);
	assert_int_equal(table->count, n);
	return table;
}

static void
table_is_the_distribution_that_it_was_made_of(void **state)
{
	struct ep_samples *table = rising_table();

	(void)state;
	assert_distributed(
	    "delay 100ms 5ms distribution ./a", 27, table, rising_cdf);
	free(table);
}

static void
table_of_iproute2_is_normal(void **state)
{
	const char *path = "/usr/lib/x86_64-linux-gnu/tc/normal.dist";
	const struct ep_link_conf conf = conf_of(
	    "distribution /usr/lib/x86_64-linux-gnu/tc/normal.dist");
	struct ep_link_parts parts;

	(void)state;
	if (access(path, R_OK) != 0) {
		print_message("# %s is not there\n", path);
		return;
	}
	assert_int_equal(
	    ep_link_load(&conf, EP_LINK_TABLE, NULL, &parts, NULL), 0);
	assert_distributed("delay 100ms 5ms distribution ./a", 28,
	    ep_link_samples(&parts, EP_FILE_TABLE), normal_cdf);
	ep_link_parts_fini(&parts);
}

static double
between_cdf(double x)
{
	return x < 5 ? 0 : x > 15 ? 1 : (x - 5) / 10;
}

static double
slot_normal_cdf(double x)
{
	return normal_cdf((x - 100) / 2);
}

static double
slot_rising_cdf(double x)
{
	return rising_cdf((x - 100) / 20);
}

static void
assert_slots(
    const char *words, const struct ep_samples *table, double (*cdf)(double x))
{
	const struct ep_link_conf conf = conf_of(words);
	double *sample = malloc(FRAMES * sizeof(double));
	struct ep_dice dice;

	assert_non_null(sample);
	ep_dice_init(&dice, 29);
	for (unsigned i = 0; i < FRAMES; i++)
		sample[i] = (double)ep_dice_slot(&dice, &conf, table) / 1e6;
	assert_distance(words, sample, FRAMES, cdf);
	free(sample);
}

static void
slots_are_apart_as_they_should(void **state)
{
	struct ep_samples *table = rising_table();

	(void)state;
	assert_slots("slot 5ms 15ms", NULL, between_cdf);
	assert_slots(
	    "slot distribution normal 100ms 2ms", NULL, slot_normal_cdf);
	assert_slots(
	    "slot distribution ./a 100ms 20ms", table, slot_rising_cdf);
	free(table);
}

static void
correlated_jitter_repeats_and_keeps_its_distribution(void **state)
{
	const struct ep_link_conf conf = conf_of("delay 100ms 5ms 30%");
	uint64_t repeats = 0, last = 0;
	double sum = 0;
	struct ep_dice dice;

	(void)state;
	ep_dice_init(&dice, 25);
	for (unsigned i = 0; i < FRAMES; i++) {
		uint64_t delay = ep_dice_delay(&dice, &conf, NULL);

		repeats += delay == last;
		sum += ((double)delay - 1e8) / 5e6;
		last = delay;
	}
	assert_share("repeats", repeats, FRAMES - 1, 0.3, 1);
	assert_true(
	    fabs(sum / FRAMES) < 3 * sqrt(1.0 / 3 * (1.3 / 0.7) / FRAMES));
}

static void
delay_is_never_less_than_none(void **state)
{
	const struct ep_link_conf conf = conf_of(
	    "delay 1ms 3600s distribution normal");
	uint64_t none = 0;
	struct ep_dice dice;

	(void)state;
	ep_dice_init(&dice, 26);
	for (unsigned i = 0; i < FRAMES; i++) {
		uint64_t delay = ep_dice_delay(&dice, &conf, NULL);

		assert_true(delay < UINT64_C(5) * 3600000000000);
		none += delay == 0;
	}
	assert_share("none", none, FRAMES, 0.5, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_loss_is_independent),
		cmocka_unit_test(
		    correlated_loss_keeps_its_share_and_comes_in_bursts),
		cmocka_unit_test(gilbert_loses_in_geometric_bursts),
		cmocka_unit_test(gilbert_and_elliott_lose_in_both_states),
		cmocka_unit_test(four_states_lose_as_their_chain_does),
		cmocka_unit_test(two_states_of_four_are_gilberts),
		cmocka_unit_test(every_hundredth_is_lost_exactly),
		cmocka_unit_test(other_dice_keep_their_share),
		cmocka_unit_test(one_die_does_not_change_what_another_shows),
		cmocka_unit_test(jitter_is_distributed_as_its_name_says),
		cmocka_unit_test(table_is_the_distribution_that_it_was_made_of),
		cmocka_unit_test(table_of_iproute2_is_normal),
		cmocka_unit_test(slots_are_apart_as_they_should),
		cmocka_unit_test(pareto_and_normal_mix_to_a_quarter_and_three),
		cmocka_unit_test(
		    pareto_and_normal_are_distributed_as_their_mixture),
		cmocka_unit_test(
		    correlated_jitter_repeats_and_keeps_its_distribution),
		cmocka_unit_test(delay_is_never_less_than_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
