/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api/scenario_cut.c - the text of a scenario into steps.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/scenario_priv.h"
#include "base/error.h"
#include "base/number.h"

#define BLANKS    " \t\r"
#define SHOWN_MAX 40 /* octets of a word that an error shows */

/* Where we are, for errors and for `after`. */
struct place {
	const char *name;
	unsigned line;
	uint64_t last_ns;
};

/* The next word of *at, cut off behind it; NULL if there is none. */
static char *
next_word(char **at)
{
	char *word = *at + strspn(*at, BLANKS);

	if (*word == '\0')
		return NULL;
	*at = word + strcspn(word, BLANKS);
	if (**at != '\0')
		*(*at)++ = '\0';
	return word;
}

/* What is left of a line, without the blanks around it. */
static char *
rest_of(char *at)
{
	char *rest = at + strspn(at, BLANKS);
	size_t len = strlen(rest);

	while (len > 0 && strchr(BLANKS, rest[len - 1]) != NULL)
		rest[--len] = '\0';
	return rest;
}

static int
fail(const struct place *p, struct epair_err *err, const char *what,
    const char *word, const char *allowed)
{
	char shown[SHOWN_MAX + 1] = "";

	for (size_t i = 0; i < SHOWN_MAX && word[i] != '\0'; i++)
		shown[i] = (char)(word[i] > ' ' && word[i] <= '~' ? word[i]
								  : '?');
	return ep_fail(err, -EINVAL, "%.80s:%u: %s '%s'; allowed: %s", p->name,
	    p->line, what, shown, allowed);
}

/* "at 5s" or "after 500ms" */
static int
cut_time(
    struct place *p, char **at, struct ep_step *step, struct epair_err *err)
{
	const char *word = next_word(at), *time = next_word(at);
	bool is_after = word != NULL && strcmp(word, "after") == 0;

	if (!is_after && strcmp(word, "at") != 0)
		return fail(p, err, "unknown word", word,
		    "at TIME VERB ..., or after TIME VERB ...");
	if (time == NULL ||
	    !ep_number_scaled(time, ep_time_units, &step->at_ns))
		return fail(p, err, "no time", time != NULL ? time : "",
		    "a time with its unit, as 500ms or 1.5s");
	if (is_after &&
	    __builtin_add_overflow(p->last_ns, step->at_ns, &step->at_ns))
		return fail(p, err, "too late", time, "585 years at most");
	if (step->at_ns < p->last_ns)
		return fail(p, err, "earlier than the line before:", time,
		    "times that do not go back");
	p->last_ns = step->at_ns;
	return 0;
}

static int
cut_verb(
    struct place *p, char **at, struct ep_step *step, struct epair_err *err)
{
	const char *word = next_word(at);
	char known[128] = "";
	size_t len = 0;

	for (step->verb = ep_verbs; step->verb->name != NULL; step->verb++) {
		if (word != NULL && strcmp(word, step->verb->name) == 0)
			return 0;
		len += (size_t)snprintf(known + len, sizeof(known) - len,
		    "%s%s", len > 0 ? ", " : "", step->verb->name);
	}
	return fail(p, err, "unknown verb", word != NULL ? word : "", known);
}

static int
cut_ends(
    struct place *p, char **at, struct ep_step *step, struct epair_err *err)
{
	const char *word = next_word(at);

	if (word != NULL && strcmp(word, "a") == 0)
		step->ends = 1;
	else if (word != NULL && strcmp(word, "b") == 0)
		step->ends = 2;
	else if (word != NULL && strcmp(word, "both") == 0)
		step->ends = 3;
	else
		return fail(
		    p, err, "no end", word != NULL ? word : "", "a, b or both");
	return 0;
}

static int
cut_rest(struct place *p, char *at, struct ep_step *step, struct epair_err *err)
{
	const struct ep_verb *verb = step->verb;
	struct epair_err why = { .text = "" };
	int error;

	step->rest = rest_of(at);
	if (verb->takes[0] == '\0' && step->rest[0] != '\0')
		return fail(p, err, "too much:", step->rest, "nothing behind");
	if (verb->check == NULL)
		return 0;
	error = verb->check(step->rest, &why);
	if (error == 0)
		return 0;
	return ep_fail(err, error == -ENOMEM ? error : -EINVAL,
	    "%.80s:%u: %s: %.250s", p->name, p->line, verb->name, why.text);
}

static int
cut_line(
    struct place *p, char *line, struct ep_step *step, struct epair_err *err)
{
	int error = cut_time(p, &line, step, err);

	step->line = p->line;
	if (error == 0)
		error = cut_verb(p, &line, step, err);
	if (error == 0 && step->verb->make != NULL)
		error = cut_ends(p, &line, step, err);
	return error != 0 ? error : cut_rest(p, line, step, err);
}

static int
have_room(
    struct epair_scenario *sc, const struct place *p, struct epair_err *err)
{
	unsigned size = sc->size == 0 ? 16 : sc->size * 2;
	struct ep_step *steps;

	if (sc->count == EPAIR_SCENARIO_STEPS_MAX)
		return ep_fail(err, -EINVAL,
		    "%.80s:%u: too many steps; allowed: %u", p->name, p->line,
		    EPAIR_SCENARIO_STEPS_MAX);
	if (sc->count < sc->size)
		return 0;
	steps = realloc(sc->steps, size * sizeof(*steps));
	if (steps == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a scenario");
	sc->steps = steps;
	sc->size = size;
	return 0;
}

int
ep_scenario_cut(struct epair_scenario *sc, size_t len, const char *name,
    struct epair_err *err)
{
	struct place p = { .name = name };
	char *line = sc->text, *end = sc->text + len, *next;
	int error = 0;

	for (; error == 0 && line < end; line = next) {
		size_t n = strcspn(line, "\n");

		p.line++;
		next = line + n + 1;
		if (line + n < end && line[n] == '\0')
			return fail(&p, err, "NUL in the line", "", "text");
		line[n] = '\0';
		line += strspn(line, BLANKS);
		if (*line == '\0' || *line == '#')
			continue;
		error = have_room(sc, &p, err);
		if (error != 0)
			return error;
		sc->steps[sc->count] = (struct ep_step){ .at_ns = 0 };
		error = cut_line(&p, line, &sc->steps[sc->count++], err);
	}
	return error;
}
