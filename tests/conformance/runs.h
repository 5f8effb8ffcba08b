/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runs.h - what stacks were handed, as runs of frame numbers.
 *
 * A delivery line such as `| v0:epair0b 3-4 7 fib=1 tags=0` is two runs. Two
 * lists say the same if they name the same frames in the same order, however
 * they were cut into lines; so a frame that continues the last run is added to
 * it, and equal histories have equal lists.
 */
#ifndef RUNS_H
#define RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest word of a trace with its NUL; names and vnets are shorter. */
#define RUNS_WORD_MAX 48

/* VNET:NAME */
struct runs_if {
	char vnet[RUNS_WORD_MAX];
	char name[RUNS_WORD_MAX];
};

/* Frames first to last, handed to the stack behind an interface. */
struct run {
	struct runs_if ifp;
	uint32_t first, last;
	uint32_t fib;
	uint32_t tags; /* how many are left on each */
	unsigned line; /* where the trace says so; no part of the comparison */
};

struct runs {
	struct run *v;
	size_t count, room;
};

/* An empty list. */
void runs_init(struct runs *runs);

/* Empty it and keep its memory; give its memory back. */
void runs_clear(struct runs *runs);
void runs_fini(struct runs *runs);

/* Append. Returns 0, or -ENOMEM. */
int runs_put(struct runs *runs, const struct run *run);

/* How many runs of the beginning are the same in both. */
size_t runs_same(const struct runs *a, const struct runs *b);

/* Write the i-th run as a delivery line would; "nothing" behind the last. */
void runs_format(const struct runs *runs, size_t i, char *text, size_t size);

#endif /* RUNS_H */
