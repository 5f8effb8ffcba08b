/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bit errors against theory: distances between them are geometric, at every
 * rate; and of a million frames that cross a cable in virtual time as many bits
 * are turned, as far apart and in as many frames as it says.
 */
#include <math.h>
#include <stdlib.h>

#include "impair/ber.h"
#include "lab.h"
#include "theory.h"

#define MILLION 1000000u
#define LEN_MAX 1514u

static double rate;

/* What bits pass before the next error: x of them or fewer. */
static double
geometric_cdf(double x)
{
	return -expm1((x + 1) * log1p(-rate));
}

static void
assert_gaps(uint64_t p, uint64_t seed)
{
	double *sample = malloc(MILLION * sizeof(double)), sum = 0, mean;
	struct ep_ber ber;

	assert_non_null(sample);
	rate = (double)p / (double)EP_BIT_PART;
	ep_rng_init(&ber.rng, seed);
	ep_ber_set(&ber, p);
	for (unsigned i = 0; i < MILLION; i++) {
		sample[i] = (double)ep_ber_gap(&ber);
		sum += sample[i];
	}
	mean = (1 - rate) / rate;
	if (fabs(sum / MILLION - mean) >
	    3 * sqrt(1 - rate) / rate / sqrt(MILLION))
		fail_msg("rate %g: mean %g", rate, sum / MILLION);
	assert_distance("gaps", sample, MILLION, geometric_cdf);
	free(sample);
}

static void
gaps_are_geometric_at_a_high_and_at_the_least_rate(void **state)
{
	(void)state;
	assert_gaps(EP_BIT_PART / 1000, 1);
	assert_gaps(1, 2);
}

/* Where few values are all there is, each has its share. */
static void
short_gaps_have_the_share_of_each(void **state)
{
	uint64_t count[64] = { 0 };
	struct ep_ber ber;
	const double p = 0.3;

	(void)state;
	ep_rng_init(&ber.rng, 5);
	ep_ber_set(&ber, EP_BIT_PART * 3 / 10);
	for (unsigned i = 0; i < MILLION; i++) {
		uint64_t gap = ep_ber_gap(&ber);

		count[gap < 64 ? gap : 63]++;
	}
	for (unsigned gap = 0; gap < 25; gap++)
		assert_share(
		    "gap", count[gap], MILLION, p * pow(1 - p, gap), 1);
}

static void
rate_of_one_turns_every_bit(void **state)
{
	struct ep_ber ber;

	(void)state;
	ep_rng_init(&ber.rng, 6);
	ep_ber_set(&ber, EP_BIT_PART);
	assert_int_equal(ber.clean, 0);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(ep_ber_gap(&ber), 0);
}

/* What arrives: all of it in the order in which it was sent. */
struct errors {
	uint64_t bits, frames; /* turned over; with any */
	uint64_t passed; /* bits since the last one */
	double *gaps;
	unsigned most;
};

static void
look_at_octet(struct errors *e, unsigned wrong)
{
	for (unsigned bit = 0; bit < 8; bit++) {
		if ((wrong >> bit & 1) == 0) {
			e->passed++;
			continue;
		}
		assert_in_range(e->bits, 0, e->most - 1);
		e->gaps[e->bits++] = (double)e->passed;
		e->passed = 0;
	}
}

static void
look(struct lab *lab, struct epair_mbuf *m)
{
	struct errors *e = lab->arg;
	uint8_t got[LEN_MAX];
	uint64_t before = e->bits;

	assert_int_equal(epair_mbuf_read(m, 0, got, m->pktlen), m->pktlen);
	if (memcmp(got, lab_octets, m->pktlen) == 0) {
		e->passed += (uint64_t)m->pktlen * 8;
		return;
	}
	for (uint32_t i = 0; i < m->pktlen; i++) {
		if (got[i] != lab_octets[i])
			look_at_octet(e, (unsigned)(got[i] ^ lab_octets[i]));
		else
			e->passed += 8;
	}
	e->frames += e->bits > before;
}

static void
cross(const char *words, double p, uint32_t len)
{
	double bits = (double)len * 8, all = bits * MILLION;
	struct errors e = { .most = (unsigned)(all * p * 2) };
	struct lab lab;

	e.gaps = malloc(e.most * sizeof(double));
	assert_non_null(e.gaps);
	lab_init(&lab, 7, look, &e);
	lab_set(lab.a, words);
	for (unsigned i = 0; i < MILLION; i++) {
		lab_send(lab.a, i, len);
		if (i % 100 == 99)
			lab_pass(&lab, MS / 10);
	}
	lab_pass(&lab, 10 * MS);
	assert_int_equal(lab.arrived, MILLION);
	assert_int_equal(lab_link_stats(lab.a).corrupted, e.frames);
	assert_share("bits", e.bits, all, p, 1);
	assert_share("frames", e.frames, MILLION, -expm1(bits * log1p(-p)), 1);
	rate = p;
	assert_distance(words, e.gaps, (unsigned)e.bits, geometric_cdf);
	lab_fini(&lab);
	free(e.gaps);
}

static void
million_long_frames_have_the_errors_of_1e_6(void **state)
{
	(void)state;
	cross("ber 1e-6", 1e-6, LEN_MAX);
}

static void
million_short_frames_have_the_errors_of_1e_4(void **state)
{
	(void)state;
	cross("delay 1ms ber 0.0001", 1e-4, 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    gaps_are_geometric_at_a_high_and_at_the_least_rate),
		cmocka_unit_test(short_gaps_have_the_share_of_each),
		cmocka_unit_test(rate_of_one_turns_every_bit),
		cmocka_unit_test(million_long_frames_have_the_errors_of_1e_6),
		cmocka_unit_test(million_short_frames_have_the_errors_of_1e_4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
