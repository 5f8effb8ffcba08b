/* SPDX-License-Identifier: BSD-2-Clause */
#include "play.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runs.h"
#include "trace.h"
#include "world.h"

/* One mistake early on makes many later ones; nobody reads them all. */
#define TOLD_MAX 8

/* A trace being played. */
struct game {
	const struct play *play;
	struct trace trace;
	struct world world; /* world.ep is NULL before the first boot */
	int mismatches;
};

static void
tell(struct game *g, unsigned line, const char *expected, size_t expected_len,
    const char *got)
{
	if (++g->mismatches > TOLD_MAX)
		return;
	fprintf(g->play->out, "%s:%u: expected: %.*s\n", g->play->file, line,
	    (int)expected_len, expected);
	fprintf(
	    g->play->out, "%s:%u: got:      %s\n", g->play->file, line, got);
}

static int
tell_error(struct game *g, unsigned line, const char *text, int error)
{
	fprintf(g->play->out, "%s:%u: error: %s\n", g->play->file, line, text);
	return error;
}

static void
compare_runs(struct game *g, const struct trace_exchange *x)
{
	const struct runs *expected = &x->runs, *got = &g->world.got;
	size_t same = runs_same(expected, got);
	char expected_text[256], got_text[256];
	unsigned line = x->answer_line;

	if (same == expected->count && same == got->count)
		return;
	if (same < expected->count)
		line = expected->v[same].line;
	runs_format(expected, same, expected_text, sizeof(expected_text));
	runs_format(got, same, got_text, sizeof(got_text));
	tell(g, line, expected_text, strlen(expected_text), got_text);
}

static void
compare_answer(
    struct game *g, const struct trace_exchange *x, const char *answer)
{
	if (strlen(answer) != x->answer_len ||
	    memcmp(answer, x->answer, x->answer_len) != 0)
		tell(g, x->answer_line, x->answer, x->answer_len, answer);
}

/* End the world, if there is one. */
static int
shut_down(struct game *g, unsigned line)
{
	int error;

	if (g->world.ep == NULL)
		return 0;
	error = world_fini(&g->world);
	if (error < 0)
		return tell_error(g, line, "something was left", error);
	return 0;
}

/* Start from nothing. What is left of the budget goes on. */
static int
boot(struct game *g, const struct trace_exchange *x)
{
	uint64_t budget = g->play->budget;
	int error;

	if (g->world.ep != NULL)
		budget = g->world.budget;
	error = shut_down(g, x->line);
	if (error < 0)
		return error;
	error = world_init(&g->world, x->number, budget);
	if (error < 0)
		return tell_error(g, x->line, epair_err_name(error), error);
	return 0;
}

/* What a command costs, apart from the frames that it moves. */
static uint64_t
price(enum trace_verb verb)
{
	switch (verb) {
	case TRACE_BOOT:
		return 512;
	case TRACE_CREATE:
	case TRACE_VNET:
		return 64; /* later commands look through all that there is */
	default:
		return 1;
	}
}

/* Do one command and compare. Returns 0, or as play_text(). */
static int
play_one(struct game *g, const struct trace_exchange *x)
{
	struct world *w = &g->world;
	char *answer = NULL;
	int error;

	if (x->verb == TRACE_BOOT) {
		error = boot(g, x);
		if (error < 0)
			return error;
	}
	runs_clear(&w->got);
	error = world_pay(w, price(x->verb)) ? 0 : -ELOOP;
	if (error == 0 && x->verb != TRACE_BOOT)
		error = world_do(w, x, &answer);
	if (error < 0) {
		free(answer);
		return tell_error(g, x->line, w->error, error);
	}
	compare_runs(g, x);
	compare_answer(g, x, answer != NULL ? answer : "0");
	free(answer);
	return 0;
}

int
play_text(const struct play *play, const char *text, size_t size)
{
	struct game g = { .play = play };
	struct trace_exchange x = { 0 };
	int more = 1, result = 0, error;

	trace_init(&g.trace, text, size);
	runs_init(&x.runs);
	while (result == 0 && (more = trace_next(&g.trace, &x)) > 0)
		result = play_one(&g, &x);
	if (more < 0)
		result = tell_error(&g, g.trace.line, g.trace.error, -EINVAL);
	error = shut_down(&g, g.trace.line);
	if (error < 0)
		result = error;
	if (g.mismatches > TOLD_MAX)
		fprintf(play->out, "%s: and %d more\n", play->file,
		    g.mismatches - TOLD_MAX);
	runs_fini(&x.runs);
	return result < 0 ? result : g.mismatches;
}
