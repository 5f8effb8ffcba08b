/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * theory.h - is a sample what theory expects? Shares and counts within three
 * standard deviations; distributions by Kolmogorov and Smirnov, as unlikely to
 * be refused. From fixed seeds, so that what passes once always does.
 */
#ifndef THEORY_H
#define THEORY_H

#include <stdint.h>

/*
 * The share of `hits` among n is p; inflation is by how much correlation widens
 * the variance.
 */
void assert_share(
    const char *what, uint64_t hits, double n, double p, double inflation);

/* The n of the sample, which is sorted by it, are distributed so. */
void assert_distance(
    const char *what, double *sample, unsigned n, double (*cdf)(double x));

#endif /* THEORY_H */
