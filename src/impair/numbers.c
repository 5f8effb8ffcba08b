/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * impair/numbers.c - files of numbers: distribution tables and delivery traces.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "impair/parts.h"

/* Where in a text we are. Not NUL-terminated. */
struct cursor {
	const char *at, *end;
	unsigned line;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
step(struct cursor *c)
{
	c->line += *c->at == '\n';
	c->at++;
}

/* To the next number, over blanks and comments. Returns whether there is one. */
static bool
find(struct cursor *c, bool has_comments)
{
	while (c->at < c->end) {
		if (has_comments && *c->at == '#')
			while (c->at < c->end && *c->at != '\n')
				step(c);
		else if (is_blank(*c->at))
			step(c);
		else
			return true;
	}
	return false;
}

/* A whole number from min to max, with a blank or the end behind it. */
static bool
take(struct cursor *c, int64_t min, int64_t max, int64_t *value)
{
	bool is_negative = *c->at == '-';
	const char *p = c->at + is_negative;

	*value = 0;
	if (p == c->end || is_blank(*p))
		return false;
	for (; p < c->end && !is_blank(*p); p++) {
		if (*p < '0' || *p > '9')
			return false;
		*value = *value * 10 + (*p - '0');
		if (*value > UINT32_MAX)
			return false;
	}
	if (is_negative)
		*value = -*value;
	c->at = p;
	return *value >= min && *value <= max;
}

int
ep_samples_parse(const char *name, const char *text, size_t len,
    struct ep_samples **table, struct epair_err *err)
{
	struct cursor c = { text, text + len, 1 };
	struct ep_samples *t = malloc(
	    sizeof(*t) + EP_SAMPLES_MAX * sizeof(t->values[0]));
	int error = 0;

	if (t == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a distribution");
	t->read.fd = -1;
	for (t->count = 0; error == 0 && find(&c, true); t->count++) {
		int64_t value = 0;

		if (t->count == EP_SAMPLES_MAX)
			error = ep_fail(err, -EINVAL,
			    "%.120s: has more than %u numbers", name,
			    EP_SAMPLES_MAX);
		else if (!take(&c, INT16_MIN, INT16_MAX, &value))
			error = ep_fail(err, -EINVAL,
			    "%.120s, line %u: must be whole numbers, %d to %d",
			    name, c.line, INT16_MIN, INT16_MAX);
		else
			t->values[t->count] = (int16_t)value;
	}
	if (error == 0 && t->count == 0)
		error = ep_fail(err, -EINVAL, "%.120s: has no numbers", name);
	if (error != 0)
		free(t);
	else
		*table = t;
	return error;
}

/* One line more, behind `last`. */
static int
trace_line(const char *name, struct cursor *c, struct ep_trace *t,
    struct epair_err *err)
{
	uint32_t last = t->count > 0 ? t->at_ms[t->count - 1] : 0;
	int64_t value = 0;

	if (!take(c, 0, UINT32_MAX, &value))
		return ep_fail(err, -EINVAL,
		    "%.120s, line %u: must be a whole number of milliseconds, at "
		    "most %u",
		    name, c->line, UINT32_MAX);
	if (value < last)
		return ep_fail(err, -EINVAL,
		    "%.120s, line %u: %u is before the line before it", name,
		    c->line, (unsigned)value);
	t->at_ms[t->count++] = (uint32_t)value;
	return 0;
}

/* At most so many numbers. */
static size_t
most_numbers(const struct cursor *c)
{
	size_t n = 1;

	for (const char *p = c->at; p < c->end; p++)
		n += is_blank(*p);
	return n < EP_TRACE_MAX ? n : EP_TRACE_MAX;
}

int
ep_trace_parse(const char *name, const char *text, size_t len,
    struct ep_trace **trace, struct epair_err *err)
{
	struct cursor c = { text, text + len, 1 };
	size_t most = most_numbers(&c);
	struct ep_trace *t = malloc(sizeof(*t) + most * sizeof(t->at_ms[0]));
	int error = 0;

	if (t == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a trace");
	t->read.fd = -1;
	for (t->count = 0; error == 0 && find(&c, false);)
		error = t->count == most ? ep_fail(err, -EINVAL,
					       "%.120s: has more than %u lines",
					       name, EP_TRACE_MAX)
					 : trace_line(name, &c, t, err);
	if (error == 0 && (t->count == 0 || t->at_ms[t->count - 1] == 0))
		error = ep_fail(err, -EINVAL,
		    "%.120s: needs a line with a time after 0, where it begins "
		    "anew",
		    name);
	if (error != 0)
		free(t);
	else
		*trace = t;
	return error;
}
