/* SPDX-License-Identifier: BSD-2-Clause */
#include "runs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
runs_init(struct runs *runs)
{
	*runs = (struct runs){ 0 };
}

void
runs_clear(struct runs *runs)
{
	runs->count = 0;
}

void
runs_fini(struct runs *runs)
{
	free(runs->v);
	runs_init(runs);
}

/* Whether the same stack was handed frames that look the same. */
static bool
is_alike(const struct run *a, const struct run *b)
{
	return a->fib == b->fib && a->tags == b->tags &&
	       strcmp(a->ifp.vnet, b->ifp.vnet) == 0 &&
	       strcmp(a->ifp.name, b->ifp.name) == 0;
}

int
runs_put(struct runs *runs, const struct run *run)
{
	struct run *last, *v;
	size_t room;

	if (runs->count > 0) {
		last = &runs->v[runs->count - 1];
		if (run->first != 0 && last->last == run->first - 1 &&
		    is_alike(last, run)) {
			last->last = run->last;
			return 0;
		}
	}
	if (runs->count == runs->room) {
		room = runs->room > 0 ? 2 * runs->room : 16;
		v = reallocarray(runs->v, room, sizeof(*v));
		if (v == NULL)
			return -ENOMEM;
		runs->v = v;
		runs->room = room;
	}
	runs->v[runs->count++] = *run;
	return 0;
}

size_t
runs_same(const struct runs *a, const struct runs *b)
{
	const struct run *x, *y;
	size_t i;

	for (i = 0; i < a->count && i < b->count; i++) {
		x = &a->v[i];
		y = &b->v[i];
		if (x->first != y->first || x->last != y->last ||
		    !is_alike(x, y))
			break;
	}
	return i;
}

void
runs_format(const struct runs *runs, size_t i, char *text, size_t size)
{
	const struct run *run;
	char frames[32], suffix[48] = "";

	if (i >= runs->count) {
		(void)snprintf(text, size, "nothing");
		return;
	}
	run = &runs->v[i];
	if (run->first == run->last)
		(void)snprintf(frames, sizeof(frames), "%u", run->first);
	else
		(void)snprintf(
		    frames, sizeof(frames), "%u-%u", run->first, run->last);
	if (run->fib != 0 || run->tags != 0)
		(void)snprintf(suffix, sizeof(suffix), " fib=%u tags=%u",
		    run->fib, run->tags);
	(void)snprintf(text, size, "| %s:%s %s%s", run->ifp.vnet, run->ifp.name,
	    frames, suffix);
}
