/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/histogram.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/out.h"

#define BAR_MAX 40u

/* One of the two: its counts, and how its bounds are written. */
struct histogram {
	const uint64_t *counts;
	unsigned places;
	const char *heading, *counted;
	const char *(*bound)(unsigned i, char buf[HISTOGRAM_WORD_MAX]);
};

static const char *
burst_bound(unsigned i, char buf[HISTOGRAM_WORD_MAX])
{
	(void)snprintf(
	    buf, HISTOGRAM_WORD_MAX, "%" PRIu64, EPAIR_BURST_BOUND(i));
	return buf;
}

static const char *
wait_bound(unsigned i, char buf[HISTOGRAM_WORD_MAX])
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double value = (double)EPAIR_WAIT_BOUND_NS(i);
	unsigned unit = 0;

	for (; value >= 1000 && unit < 3; unit++)
		value /= 1000;
	(void)snprintf(buf, HISTOGRAM_WORD_MAX, "%.3g %s", value, units[unit]);
	return buf;
}

static struct histogram
bursts_of(const struct epair_if_histograms *h)
{
	return (struct histogram){ h->bursts, EPAIR_BURST_PLACES,
		"frames at once", "times", burst_bound };
}

static struct histogram
waits_of(const struct epair_if_histograms *h)
{
	return (struct histogram){ h->waits, EPAIR_WAIT_PLACES,
		"waited at most", "samples", wait_bound };
}

/* The i-th bound; behind the last, "> " and that. */
static const char *
word(const struct histogram *h, unsigned i, char buf[HISTOGRAM_WORD_MAX])
{
	char last[HISTOGRAM_WORD_MAX - 2];

	if (i + 1 < h->places)
		return h->bound(i, buf);
	(void)snprintf(last, sizeof(last), "%s", h->bound(i - 1, buf));
	(void)snprintf(buf, HISTOGRAM_WORD_MAX, "> %s", last);
	return buf;
}

static uint64_t
sum(const struct histogram *h)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < h->places; i++)
		all += h->counts[i];
	return all;
}

static const char *
word_of_99(const struct histogram *h, char buf[HISTOGRAM_WORD_MAX])
{
	uint64_t all = sum(h), within = 0;
	unsigned i = 0;

	if (all == 0)
		return "-";
	for (within = h->counts[0];
	     (double)within < 0.99 * (double)all && i + 1 < h->places;)
		within += h->counts[++i];
	return word(h, i, buf);
}

const char *
histogram_burst(
    const struct epair_if_histograms *h, char buf[HISTOGRAM_WORD_MAX])
{
	const struct histogram bursts = bursts_of(h);

	return word_of_99(&bursts, buf);
}

const char *
histogram_wait(
    const struct epair_if_histograms *h, char buf[HISTOGRAM_WORD_MAX])
{
	const struct histogram waits = waits_of(h);

	return word_of_99(&waits, buf);
}

static void
subtract(uint64_t *counts, const uint64_t *before, unsigned places)
{
	/* Another interface may have taken the place of what was looked at. */
	for (unsigned i = 0; i < places; i++)
		counts[i] -= before[i] <= counts[i] ? before[i] : 0;
}

struct epair_if_histograms
histogram_since(const struct epair_if_histograms *now,
    const struct epair_if_histograms *before)
{
	struct epair_if_histograms h = *now;

	subtract(h.bursts, before->bursts, EPAIR_BURST_PLACES);
	subtract(&h.burst_frames, &before->burst_frames, 1);
	subtract(h.waits, before->waits, EPAIR_WAIT_PLACES);
	subtract(&h.wait_ns, &before->wait_ns, 1);
	return h;
}

static void
show(struct out *out, const struct histogram *h)
{
	unsigned first = 0, last = h->places - 1;
	uint64_t most = 1;
	char buf[HISTOGRAM_WORD_MAX];

	if (sum(h) == 0)
		return;
	out_print(out, "\t%14s %14s\n", h->heading, h->counted);
	while (h->counts[first] == 0)
		first++;
	while (h->counts[last] == 0)
		last--;
	for (unsigned i = first; i <= last; i++)
		most = h->counts[i] > most ? h->counts[i] : most;
	for (unsigned i = first; i <= last; i++) {
		/* What there is has a mark, however little of all it is. */
		unsigned bar = (unsigned)((double)h->counts[i] / (double)most *
					  (BAR_MAX - 1)) +
			       (h->counts[i] > 0);

		out_print(out, "\t%14s %14" PRIu64 "%s", word(h, i, buf),
		    h->counts[i], bar > 0 ? " " : "");
		for (unsigned n = 0; n < bar; n++)
			out_print(out, "%s", out->is_utf8 ? "\u2588" : "#");
		out_print(out, "\n");
	}
}

void
histogram_show(struct out *out, const struct epair_if_histograms *h)
{
	const struct histogram bursts = bursts_of(h), waits = waits_of(h);

	show(out, &bursts);
	show(out, &waits);
}

/* count numbers, or count bounds, as an array. */
static json_t *
array(const uint64_t *numbers, unsigned count)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++)
		if (json_array_append_new(
			list, json_integer((json_int_t)numbers[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *
histogram_json(const struct epair_if_histograms *h)
{
	uint64_t bursts[EPAIR_BURST_PLACES - 1], waits[EPAIR_WAIT_PLACES - 1];

	for (unsigned i = 0; i < EPAIR_BURST_PLACES - 1; i++)
		bursts[i] = EPAIR_BURST_BOUND(i);
	for (unsigned i = 0; i < EPAIR_WAIT_PLACES - 1; i++)
		waits[i] = EPAIR_WAIT_BOUND_NS(i);
	return json_pack("{s:o,s:o,s:I,s:o,s:o,s:I}", "burst_bounds",
	    array(bursts, EPAIR_BURST_PLACES - 1), "bursts",
	    array(h->bursts, EPAIR_BURST_PLACES), "burst_frames",
	    (json_int_t)h->burst_frames, "wait_bounds_ns",
	    array(waits, EPAIR_WAIT_PLACES - 1), "waits",
	    array(h->waits, EPAIR_WAIT_PLACES), "wait_ns",
	    (json_int_t)h->wait_ns);
}
