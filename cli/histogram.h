/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/histogram.h - in what bursts an interface got its frames, and how long
 * they had waited: as bars, in a word, and for programs.
 */
#ifndef CLI_HISTOGRAM_H
#define CLI_HISTOGRAM_H

#include <jansson.h>

#include <epair/histogram.h>

struct out;

/* What came between two looks. */
struct epair_if_histograms histogram_since(
    const struct epair_if_histograms *now,
    const struct epair_if_histograms *before);

/*
 * A line with its bar for each place, from the first that counted to the last;
 * nothing of what has counted nothing.
 */
void histogram_show(struct out *out, const struct epair_if_histograms *h);

/*
 * The bound within which 99 of 100 bursts, or waits, are: "64", "1.02 us"; "-"
 * where there were none. Return buf.
 */
#define HISTOGRAM_WORD_MAX 24
const char *histogram_burst(
    const struct epair_if_histograms *h, char buf[HISTOGRAM_WORD_MAX]);
const char *histogram_wait(
    const struct epair_if_histograms *h, char buf[HISTOGRAM_WORD_MAX]);

/* A new reference, or NULL without memory. */
json_t *histogram_json(const struct epair_if_histograms *h);

#endif /* CLI_HISTOGRAM_H */
