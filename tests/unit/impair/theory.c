/* SPDX-License-Identifier: BSD-2-Clause */
#include "theory.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* D times the root of n that 0.27 % of samples exceed, as three sigma do. */
#define KS_LIMIT 1.818

void
assert_share(
    const char *what, uint64_t hits, double n, double p, double inflation)
{
	double sigma = sqrt(n * p * (1 - p) * inflation);

	if (fabs((double)hits - n * p) > 3 * sigma + 0.5)
		fail_msg("%s: %.0f of %.0f: %.0f were expected, sigma %.1f",
		    what, (double)hits, n, n * p, sigma);
}

/* A number that is in the order of unsigned ones, and back. */
static uint64_t
to_key(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double
of_key(uint64_t key)
{
	uint64_t bits = key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key;
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* By 16 bits of it, those of the same in the order in which they were. */
static void
sort_pass(const uint64_t *from, uint64_t *to, unsigned n, unsigned shift)
{
	static unsigned place[65536];
	unsigned before = 0;

	memset(place, 0, sizeof(place));
	for (unsigned i = 0; i < n; i++)
		place[from[i] >> shift & 65535]++;
	for (unsigned k = 0; k < 65536; k++) {
		unsigned count = place[k];

		place[k] = before;
		before += count;
	}
	for (unsigned i = 0; i < n; i++)
		to[place[from[i] >> shift & 65535]++] = from[i];
}

/* A million in a tenth of the time of qsort(). */
static void
sort(double *sample, unsigned n)
{
	uint64_t *keys = calloc(n, sizeof(*keys));
	uint64_t *other = calloc(n, sizeof(*other));

	assert_true(keys != NULL && other != NULL);
	for (unsigned i = 0; i < n; i++)
		keys[i] = to_key(sample[i]);
	sort_pass(keys, other, n, 0);
	sort_pass(other, keys, n, 16);
	sort_pass(keys, other, n, 32);
	sort_pass(other, keys, n, 48);
	for (unsigned i = 0; i < n; i++)
		sample[i] = of_key(keys[i]);
	free(keys);
	free(other);
}

/* The largest distance of the sample's distribution from `cdf`. */
static double
distance(double *sample, unsigned n, double (*cdf)(double x))
{
	double most = 0;

	sort(sample, n);
	for (unsigned i = 0; i < n; i++) {
		double want = cdf(sample[i]);
		double low = want - (double)i / n;
		double high = (double)(i + 1) / n - want;

		most = low > most ? low : most;
		most = high > most ? high : most;
	}
	return most;
}

void
assert_distance(
    const char *what, double *sample, unsigned n, double (*cdf)(double x))
{
	double d = distance(sample, n, cdf);

	if (d * sqrt(n) > KS_LIMIT)
		fail_msg(
		    "%s: distance %f, %f allowed", what, d, KS_LIMIT / sqrt(n));
}
