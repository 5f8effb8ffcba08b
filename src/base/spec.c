/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/spec_priv.h"

/* What a value may look like inside a sentence. */
#define QUOTE_MAX 48

/* Where ep_spec_parse() is: what it reads, and where it writes. */
struct cursor {
	const char *in;
	char *out;
};

static bool
is_word_char(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (!first && ((c >= '0' && c <= '9') || c == '-' || c == '_'));
}

/*
 * A stranger's text inside a sentence: one line of plain ASCII, cut off when
 * long.
 */
static const char *
quote(char buf[QUOTE_MAX], const char *text)
{
	size_t len = strnlen(text, QUOTE_MAX);
	bool is_long = len >= QUOTE_MAX;

	if (is_long)
		len = QUOTE_MAX - sizeof("...");
	for (size_t i = 0; i < len; i++) {
		buf[i] = text[i];
		if (text[i] < ' ' || text[i] > '~')
			buf[i] = '?';
	}
	(void)snprintf(buf + len, QUOTE_MAX - len, "%s", is_long ? "..." : "");
	return buf;
}

/* A word up to any of `ends` or the end of the text, copied with its NUL. */
static int
take_word(struct cursor *at, const char *ends, const char **word,
    struct epair_err *err)
{
	const char *start = at->in;
	char buf[QUOTE_MAX];

	*word = at->out;
	while (*at->in != '\0' && strchr(ends, *at->in) == NULL) {
		if (!is_word_char(*at->in, at->in == start))
			return ep_fail(err, -EINVAL,
			    "'%s': a kind or key is written with letters, "
			    "digits, '-' and '_', a letter first",
			    quote(buf, start));
		*at->out++ = *at->in++;
	}
	*at->out++ = '\0';
	if (at->in != start)
		return 0;
	if (*start == '\0')
		return ep_fail(
		    err, -EINVAL, "a kind or key is missing at the end");
	return ep_fail(err, -EINVAL, "a kind or key is missing before '%s'",
	    quote(buf, start));
}

/* A value up to an unescaped comma, copied unescaped with its NUL. */
static int
take_value(struct cursor *at, const char *key, struct epair_err *err)
{
	while (*at->in != '\0' && *at->in != ',') {
		if (*at->in == '\\') {
			at->in++;
			if (*at->in != ',' && *at->in != '\\')
				return ep_fail(err, -EINVAL,
				    "%s: a backslash in a value stands before "
				    "a comma or a backslash",
				    key);
		}
		*at->out++ = *at->in++;
	}
	*at->out++ = '\0';
	return 0;
}

static int
take_pair(struct cursor *at, struct ep_spec *spec, struct epair_err *err)
{
	struct ep_spec_pair *pair;
	int error;

	if (spec->count == EP_SPEC_KEYS_MAX)
		return ep_fail(
		    err, -EINVAL, "more than %d options", EP_SPEC_KEYS_MAX);
	pair = &spec->pairs[spec->count++];
	error = take_word(at, "=,", &pair->key, err);
	if (error != 0)
		return error;
	if (*at->in != '=') {
		pair->value = at->out - 1; /* the key's NUL */
		return 0;
	}
	at->in++;
	pair->value = at->out;
	return take_value(at, pair->key, err);
}

int
ep_spec_parse(const char *text, struct ep_spec *spec, struct epair_err *err)
{
	struct cursor at = { .in = text, .out = spec->text };
	int error;

	spec->count = 0;
	/*
	 * Each NUL that is written stands for a ':', '=', ',' or the end that
	 * is read, so text[] is never too small.
	 */
	if (strnlen(text, EP_SPEC_TEXT_MAX) == EP_SPEC_TEXT_MAX)
		return ep_fail(err, -EINVAL, "longer than %d octets",
		    EP_SPEC_TEXT_MAX - 1);
	error = take_word(&at, ":", &spec->kind, err);
	if (error != 0 || *at.in == '\0')
		return error;
	at.in++;
	if (*at.in == '\0')
		return 0;
	for (;;) {
		error = take_pair(&at, spec, err);
		if (error != 0 || *at.in == '\0')
			return error;
		at.in++;
	}
}

static int
unknown_key(const struct ep_opt *table, const char *key, struct epair_err *err)
{
	char known[EPAIR_ERR_TEXT_MAX], buf[QUOTE_MAX];
	size_t len = 0;

	known[0] = '\0';
	for (const struct ep_opt *opt = table; opt->key != NULL; opt++) {
		int n = snprintf(known + len, sizeof(known) - len, "%s%s",
		    len > 0 ? ", " : "", opt->key);

		len += n > 0 ? (size_t)n : 0;
		if (len >= sizeof(known))
			break;
	}
	if (len == 0)
		return ep_fail(err, -EINVAL,
		    "unknown key '%s'; there are none here", quote(buf, key));
	return ep_fail(err, -EINVAL, "unknown key '%s'; known are %s",
	    quote(buf, key), known);
}

static const struct ep_opt *
find_opt(const struct ep_opt *table, const char *key)
{
	for (; table->key != NULL; table++)
		if (strcmp(table->key, key) == 0)
			return table;
	return NULL;
}

/* How often the key of pair `i` was written before it. */
static unsigned
written_before(const struct ep_spec *spec, unsigned i)
{
	unsigned count = 0;

	for (unsigned k = 0; k < i; k++)
		count += strcmp(spec->pairs[k].key, spec->pairs[i].key) == 0;
	return count;
}

/* Lay down pair i, the n-th (from 0) with its key. */
static int
fill_one(const struct ep_opt *opt, const char *value, unsigned n, void *conf,
    struct epair_err *err)
{
	unsigned max = opt->many > 0 ? opt->many : 1;
	char *base = conf;
	char why[EPAIR_ERR_TEXT_MAX], buf[QUOTE_MAX];

	if (n >= max && max == 1)
		return ep_fail(
		    err, -EINVAL, "%s: may be written once", opt->key);
	if (n >= max)
		return ep_fail(
		    err, -EINVAL, "%s: may be written %u times", opt->key, max);
	if (!ep_spec_value(opt, value,
		base + opt->offset + n * ep_spec_value_size(opt), why,
		sizeof(why)))
		return ep_fail(err, -EINVAL, "%s=%s: must be %s", opt->key,
		    quote(buf, value), why);
	if (opt->many > 0)
		*(unsigned *)(void *)(base + opt->many_offset) = n + 1;
	return 0;
}

static int
check_required(const struct ep_spec *spec, const struct ep_opt *table,
    struct epair_err *err)
{
	for (const struct ep_opt *opt = table; opt->key != NULL; opt++) {
		bool found = !opt->required;

		for (unsigned i = 0; i < spec->count && !found; i++)
			found = strcmp(spec->pairs[i].key, opt->key) == 0;
		if (!found)
			return ep_fail(err, -EINVAL,
			    "%s: is missing; write %s=%s", opt->key, opt->key,
			    opt->form);
	}
	return 0;
}

int
ep_spec_fill(const struct ep_spec *spec, const struct ep_opt *table, void *conf,
    struct epair_err *err)
{
	for (unsigned i = 0; i < spec->count; i++) {
		const struct ep_spec_pair *pair = &spec->pairs[i];
		const struct ep_opt *opt = find_opt(table, pair->key);
		int error;

		if (opt == NULL)
			return unknown_key(table, pair->key, err);
		error = fill_one(
		    opt, pair->value, written_before(spec, i), conf, err);
		if (error != 0)
			return error;
	}
	return check_required(spec, table, err);
}
