/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * impair/parse.c - words to numbers.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/number.h"
#include "impair/conf_priv.h"

#define TOKEN_MAX 32 /* a word with its NUL */

#define KI UINT64_C(1024)

static const struct ep_unit time_units[] = {
	{ "ns", 1 },
	{ "us", EP_NS_PER_US },
	{ "usec", EP_NS_PER_US },
	{ "usecs", EP_NS_PER_US },
	{ "ms", EP_NS_PER_MS },
	{ "msec", EP_NS_PER_MS },
	{ "msecs", EP_NS_PER_MS },
	{ "s", EP_NS_PER_S },
	{ "sec", EP_NS_PER_S },
	{ "secs", EP_NS_PER_S },
	{ NULL, 0 },
};

static const struct ep_unit percent_units[] = {
	{ "%", EP_PART / 100 },
	{ NULL, 0 },
};

/* As tc(8): bit counts bits, bps octets. */
static const struct ep_unit rate_units[] = {
	{ "bit", 1 },
	{ "kbit", UINT64_C(1000) },
	{ "mbit", UINT64_C(1000000) },
	{ "gbit", UINT64_C(1000000000) },
	{ "tbit", UINT64_C(1000000000000) },
	{ "bps", 8 },
	{ "kbps", UINT64_C(8000) },
	{ "mbps", UINT64_C(8000000) },
	{ "gbps", UINT64_C(8000000000) },
	{ NULL, 0 },
};

static const struct ep_unit size_units[] = {
	{ "", 1 },
	{ "b", 1 },
	{ "k", KI },
	{ "kb", KI },
	{ "m", KI *KI },
	{ "mb", KI *KI },
	{ "g", KI *KI *KI },
	{ "gb", KI *KI *KI },
	{ NULL, 0 },
};

static const struct ep_unit count_units[] = { { "", 1 }, { NULL, 0 } };

/* By enum ep_arg_type: how it is read, and what it is called. */
static const struct {
	const struct ep_unit *units;
	const char *what;
} types[] = {
	[EP_ARG_TIME] = { time_units, "a time with its unit, at most an hour "
				      "(100us, 20ms, 1.5s)" },
	[EP_ARG_PERCENT] = { percent_units, "0% to 100%" },
	[EP_ARG_RATE] = { rate_units, "a rate with its unit, at most 1tbit "
				      "(64kbit, 1.5mbit, 10gbit)" },
	[EP_ARG_SIZE] = { size_units, "a number of octets (1500, 64k, 2m)" },
	[EP_ARG_COUNT] = { count_units, "a number" },
};

struct reader {
	const char *at; /* behind `token` */
	char token[TOKEN_MAX]; /* "" at the end */
	bool is_long; /* longer than any word is */
};

static void
advance(struct reader *r)
{
	size_t len = 0;

	r->at += strspn(r->at, " \t\n");
	len = strcspn(r->at, " \t\n");
	r->is_long = len >= sizeof(r->token);
	(void)snprintf(r->token, sizeof(r->token), "%.*s",
	    (int)(r->is_long ? sizeof(r->token) - 1 : len), r->at);
	/* It stands in an error's sentence. */
	for (char *p = r->token; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	r->at += len;
}

static bool
read_choice(const struct ep_arg *arg, const char *token, uint64_t *value)
{
	for (unsigned i = 0; arg->choices[i] != NULL; i++)
		if (strcmp(arg->choices[i], token) == 0) {
			*value = i;
			return true;
		}
	return false;
}

static bool
read_value(const struct ep_arg *arg, const struct reader *r, uint64_t *value)
{
	if (r->is_long)
		return false;
	if (arg->type == EP_ARG_CHOICE)
		return read_choice(arg, r->token, value);
	return ep_number_scaled(r->token, types[arg->type].units, value) &&
	       *value <= arg->max;
}

static const struct ep_word *
find_word(const char *token)
{
	for (unsigned i = 0; i < ep_word_count; i++)
		if (strcmp(ep_words[i].word, token) == 0)
			return &ep_words[i];
	return NULL;
}

static int
unknown(const char *token, struct epair_err *err)
{
	char known[EPAIR_ERR_TEXT_MAX] = "none";
	size_t len = strlen(known);

	for (unsigned i = 0; i < ep_word_count; i++)
		if (find_word(ep_words[i].word) == &ep_words[i] &&
		    len < sizeof(known))
			len += (size_t)snprintf(known + len,
			    sizeof(known) - len, ", %s", ep_words[i].word);
	return ep_fail(
	    err, -EINVAL, "unknown word '%s'; known are %s", token, known);
}

static int
bad_value(const struct ep_word *w, const struct ep_arg *arg,
    const struct reader *r, struct epair_err *err)
{
	const char *blank = w->sub != NULL ? " " : "";
	const char *sub = w->sub != NULL ? w->sub : "";
	char words[64] = "";
	size_t len = 0;

	if (arg->type != EP_ARG_CHOICE) {
		if (r->token[0] == '\0')
			return ep_fail(err, -EINVAL, "%s%s%s needs %s: %s",
			    w->word, blank, sub, arg->name,
			    types[arg->type].what);
		return ep_fail(err, -EINVAL, "%s%s%s: %s '%s': must be %s",
		    w->word, blank, sub, arg->name, r->token,
		    types[arg->type].what);
	}
	for (unsigned i = 0; arg->choices[i] != NULL; i++)
		len += (size_t)snprintf(words + len, sizeof(words) - len,
		    "%s%s", i > 0 ? ", " : "", arg->choices[i]);
	return ep_fail(err, -EINVAL, "%s '%s': must be one of %s", w->word,
	    r->token, words);
}

/* What is omitted may be the rest to the whole of what was written first. */
static uint64_t
omitted(const struct ep_word *w, const struct ep_arg *arg,
    const struct ep_link_conf *conf)
{
	if (arg->omitted == UINT64_MAX)
		return EP_PART - ep_arg_of(conf, &w->args[0]);
	return arg->omitted;
}

/* The word is taken; its arguments follow. */
static int
read_args(const struct ep_word *w, struct reader *r, struct ep_link_conf *conf,
    struct epair_err *err)
{
	bool ended = false;

	for (unsigned i = 0; w->args[i].type != EP_ARG_END; i++) {
		const struct ep_arg *arg = &w->args[i];
		uint64_t value = 0;

		/* The next word ends them, once there are enough. */
		ended |= i >= w->least &&
			 (r->token[0] == '\0' || find_word(r->token) != NULL ||
			     strcmp(r->token, "none") == 0);
		if (ended) {
			*ep_arg_at(conf, arg) = omitted(w, arg, conf);
			continue;
		}
		if (!read_value(arg, r, &value))
			return bad_value(w, arg, r, err);
		*ep_arg_at(conf, arg) = value;
		advance(r);
	}
	return 0;
}

/* "loss" alone stands behind "loss state" in the table. */
static const struct ep_word *
find_sub(const struct ep_word *w, struct reader *r)
{
	const struct ep_word *end = ep_words + ep_word_count;

	for (; w < end; w++) {
		if (w->sub == NULL)
			return w;
		if (strcmp(w->sub, r->token) == 0) {
			advance(r);
			return w;
		}
	}
	return NULL; /* not with such a table */
}

static int
read_word(struct reader *r, struct ep_link_conf *conf, struct epair_err *err)
{
	const struct ep_word *w = r->is_long ? NULL : find_word(r->token);

	if (strcmp(r->token, "none") == 0) {
		*conf = (struct ep_link_conf){ .delay_ns = 0 };
		advance(r);
		return 0;
	}
	if (w == NULL)
		return unknown(r->token, err);
	advance(r);
	w = find_sub(w, r);
	if (w->model >= 0) {
		memset(conf->loss, 0, sizeof(conf->loss));
		conf->loss_model = (uint64_t)w->model;
	}
	return read_args(w, r, conf, err);
}

/* Sums of ways out of one state. */
static int
check_state(const struct ep_link_conf *c, struct epair_err *err)
{
	if (c->loss_model != EP_LOSS_STATE)
		return 0;
	if (c->loss[0] + c->loss[4] > EP_PART)
		return ep_fail(err, -EINVAL,
		    "loss state: P13 and P14 are more than 100%% together");
	if (c->loss[1] + c->loss[2] > EP_PART)
		return ep_fail(err, -EINVAL,
		    "loss state: P31 and P32 are more than 100%% together");
	return 0;
}

static int
check(const struct ep_link_conf *c, struct epair_err *err)
{
	if (c->reorder != 0 && c->delay_ns == 0)
		return ep_fail(err, -EINVAL,
		    "reorder needs a delay that the others have: delay 10ms");
	if (c->reorder != 0 && c->ordered != 0)
		return ep_fail(
		    err, -EINVAL, "reorder and ordered exclude each other");
	return check_state(c, err);
}

/* No loss is no loss, whatever the model. */
static void
settle(struct ep_link_conf *c)
{
	if (c->loss[0] == 0 && (c->loss_model == EP_LOSS_EVERY ||
				   c->loss_model == EP_LOSS_RANDOM)) {
		c->loss_model = EP_LOSS_RANDOM;
		c->loss[1] = 0;
	}
	if (c->loss[0] == 0 && c->loss[4] == 0 &&
	    c->loss_model == EP_LOSS_STATE) {
		memset(c->loss, 0, sizeof(c->loss));
		c->loss_model = EP_LOSS_RANDOM;
	}
	if (c->loss[0] == 0 && c->loss[3] == 0 &&
	    c->loss_model == EP_LOSS_GEMODEL) {
		memset(c->loss, 0, sizeof(c->loss));
		c->loss_model = EP_LOSS_RANDOM;
	}
	if (c->corrupt == 0)
		c->corrupt_corr = 0;
	if (c->duplicate == 0)
		c->duplicate_corr = 0;
	if (c->reorder == 0)
		c->reorder_corr = 0;
	if (c->jitter_ns == 0)
		c->delay_corr = 0;
}

int
ep_link_parse(
    const char *words, struct ep_link_conf *conf, struct epair_err *err)
{
	struct ep_link_conf next = *conf;
	struct reader r = { .at = words };
	int error = 0;

	advance(&r);
	if (r.token[0] == '\0')
		return ep_fail(err, -EINVAL,
		    "a link needs words, like 'delay 20ms loss 1%%' or 'none'");
	while (error == 0 && r.token[0] != '\0')
		error = read_word(&r, &next, err);
	if (error == 0)
		error = check(&next, err);
	if (error != 0)
		return error;
	settle(&next);
	*conf = next;
	return 0;
}

bool
ep_link_is_none(const struct ep_link_conf *conf)
{
	static const struct ep_link_conf none;

	return memcmp(conf, &none, sizeof(none)) == 0;
}
