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
#include "impair/parts.h"

#define SHOWN_MAX 32 /* of a word in an error, with its NUL */

#define KI UINT64_C(1024)

static const struct ep_unit percent_units[] = {
	{ "%", EP_PART / 100 },
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
	[EP_ARG_TIME] = { ep_time_units,
	    "a time with its unit, at most an hour "
	    "(100us, 20ms, 1.5s)" },
	[EP_ARG_PERCENT] = { percent_units, "0% to 100%" },
	[EP_ARG_BIT_RATIO] = { NULL, "0 to 1, with at most 15 decimals "
				     "(1e-6, 0.00025)" },
	[EP_ARG_RATE] = { ep_rate_units, "a rate with its unit, at most 1tbit "
					 "(64kbit, 1.5mbit, 10gbit)" },
	[EP_ARG_SIZE] = { size_units, "a number of octets (1500, 64k, 2m)" },
	[EP_ARG_COUNT] = { count_units, "a number" },
	[EP_ARG_SIGNED] = { count_units, "a number, -65535 to 65535" },
	[EP_ARG_PATH] = { NULL, "the path of a file, or off" },
	[EP_ARG_FILTER] = { NULL, "an expression of pcap-filter(7), in quotes "
				  "if it has blanks" },
};

/* One word, or what stands in quotes: 'tcp port 80', "tcp port 80". */
struct reader {
	const char *at; /* behind `token` */
	char token[EP_LINK_NAME_MAX]; /* "" at the end */
	char shown[SHOWN_MAX]; /* as it may stand in a sentence */
	bool is_quoted; /* never a word of ours */
	bool is_bad; /* longer than may be, or quotes without an end */
};

static void
show(struct reader *r)
{
	(void)snprintf(r->shown, sizeof(r->shown), "%.*s",
	    (int)sizeof(r->shown) - 1, r->token);
	for (char *p = r->shown; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

static void
advance(struct reader *r)
{
	const char *begin;
	size_t len;

	r->at += strspn(r->at, " \t\n");
	r->is_quoted = *r->at == '\'' || *r->at == '"';
	begin = r->at + (r->is_quoted ? 1 : 0);
	if (r->is_quoted)
		len = strcspn(begin, *r->at == '"' ? "\"" : "'");
	else
		len = strcspn(begin, " \t\n");
	r->at = begin + len;
	r->is_bad = len >= sizeof(r->token) || (r->is_quoted && *r->at == '\0');
	r->at += r->is_quoted && *r->at != '\0';
	if (len >= sizeof(r->token))
		len = sizeof(r->token) - 1;
	memset(r->token, 0, sizeof(r->token)); /* F3 */
	memcpy(r->token, begin, len);
	show(r);
}

static bool
is_end(const struct reader *r)
{
	return r->token[0] == '\0' && !r->is_quoted;
}

static bool
is_text(const struct reader *r)
{
	bool quotes[2] = { false, false };

	for (const char *p = r->token; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == '\x7f')
			return false;
		quotes[0] |= *p == '\'';
		quotes[1] |= *p == '"';
	}
	return r->token[0] != '\0' && !(quotes[0] && quotes[1]);
}

static bool
read_choice(
    const struct ep_arg *arg, const struct reader *r, struct ep_link_conf *conf)
{
	unsigned i = 0;

	while (
	    arg->choices[i] != NULL && strcmp(arg->choices[i], r->token) != 0)
		i++;
	if (arg->choices[i] == NULL &&
	    (arg->text == EP_NO_TEXT || strchr(r->token, '/') == NULL ||
		!is_text(r)))
		return false;
	*ep_arg_at(conf, arg) = i;
	if (arg->text == EP_NO_TEXT)
		return true;
	memset(ep_text_at(conf, arg), 0, EP_LINK_NAME_MAX);
	if (arg->choices[i] == NULL)
		memcpy(ep_text_at(conf, arg), r->token, EP_LINK_NAME_MAX);
	return true;
}

static bool
read_text(
    const struct ep_arg *arg, const struct reader *r, struct ep_link_conf *conf)
{
	bool is_off = arg->type == EP_ARG_PATH && !r->is_quoted &&
		      strcmp(r->token, "off") == 0;

	if (!is_text(r))
		return false;
	memset(ep_text_at(conf, arg), 0, EP_LINK_NAME_MAX);
	if (!is_off)
		memcpy(ep_text_at(conf, arg), r->token, EP_LINK_NAME_MAX);
	return true;
}

static bool
read_number(const struct ep_arg *arg, const char *token, uint64_t *value)
{
	bool is_read = arg->type == EP_ARG_BIT_RATIO
			   ? ep_number_parts(token, EP_BIT_PLACES, value)
			   : ep_number_scaled(
				 token, types[arg->type].units, value);

	return is_read && *value <= arg->max;
}

/* Of two's complement, as an unsigned number of its own. */
static bool
read_signed(const struct ep_arg *arg, const char *token, uint64_t *value)
{
	bool is_negative = *token == '-';

	if (!ep_number_scaled(token + is_negative, count_units, value) ||
	    *value > arg->max)
		return false;
	if (is_negative)
		*value = -*value;
	return true;
}

static bool
read_arg(
    const struct ep_arg *arg, const struct reader *r, struct ep_link_conf *conf)
{
	uint64_t *value = ep_arg_at(conf, arg);

	if (r->is_bad)
		return false;
	if (ep_arg_is_text(arg))
		return read_text(arg, r, conf);
	if (arg->type == EP_ARG_CHOICE)
		return read_choice(arg, r, conf);
	if (arg->type == EP_ARG_SIGNED)
		return read_signed(arg, r->token, value);
	return read_number(arg, r->token, value);
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
		if (is_end(r))
			return ep_fail(err, -EINVAL, "%s%s%s needs %s: %s",
			    w->word, blank, sub, arg->name,
			    types[arg->type].what);
		return ep_fail(err, -EINVAL, "%s%s%s: %s '%s': must be %s",
		    w->word, blank, sub, arg->name, r->shown,
		    types[arg->type].what);
	}
	for (unsigned i = 0; arg->choices[i] != NULL; i++)
		len += (size_t)snprintf(words + len, sizeof(words) - len,
		    "%s%s", i > 0 ? ", " : "", arg->choices[i]);
	return ep_fail(err, -EINVAL, "%s '%s': must be one of %s%s", w->word,
	    r->shown, words,
	    arg->text != EP_NO_TEXT ? ", or a path with a slash" : "");
}

static void
omit(const struct ep_word *w, const struct ep_arg *arg,
    struct ep_link_conf *conf)
{
	uint64_t first = ep_arg_of(conf, &w->args[0]);

	if (arg->omitted == EP_OMITTED_KEEP)
		return;
	if (arg->omitted == EP_OMITTED_REST)
		*ep_arg_at(conf, arg) = EP_PART - first;
	else if (arg->omitted == EP_OMITTED_FIRST)
		*ep_arg_at(conf, arg) = first;
	else
		*ep_arg_at(conf, arg) = arg->omitted;
}

static bool
is_word(const struct reader *r)
{
	return !r->is_quoted && !r->is_bad &&
	       (find_word(r->token) != NULL || strcmp(r->token, "none") == 0);
}

/* The word is taken; its arguments follow. */
static int
read_args(const struct ep_word *w, struct reader *r, struct ep_link_conf *conf,
    unsigned *named, struct epair_err *err)
{
	bool ended = false;

	for (unsigned i = 0; w->args[i].type != EP_ARG_END; i++) {
		const struct ep_arg *arg = &w->args[i];

		/* The next word ends them, once there are enough. */
		ended |= i >= w->least && (is_end(r) || is_word(r));
		if (ended) {
			omit(w, arg, conf);
			continue;
		}
		if (!read_arg(arg, r, conf))
			return bad_value(w, arg, r, err);
		*named |= arg->part;
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
		if (!r->is_quoted && strcmp(w->sub, r->token) == 0) {
			advance(r);
			return w;
		}
	}
	return NULL; /* not with such a table */
}

static void
end_slot_distribution(struct ep_link_conf *conf)
{
	conf->slot_dist = EP_DIST_UNIFORM;
	memset(conf->slot_table, 0, sizeof(conf->slot_table));
}

static void
set_model(const struct ep_word *w, struct ep_link_conf *conf)
{
	if (w->model < 0)
		return;
	*(uint64_t *)(void *)((char *)conf + w->model_at) = (uint64_t)w->model;
	if (w->model_at == offsetof(struct ep_link_conf, loss_model)) {
		memset(conf->loss, 0, sizeof(conf->loss));
		memset(conf->filter, 0, sizeof(conf->filter));
	} else {
		end_slot_distribution(conf);
	}
}

static int
read_word(struct reader *r, struct ep_link_conf *conf, unsigned *named,
    struct epair_err *err)
{
	const struct ep_word *w = NULL;

	if (!is_word(r))
		return unknown(r->shown, err);
	w = find_word(r->token);
	advance(r);
	if (w == NULL) { /* none */
		*conf = (struct ep_link_conf){ .delay_ns = 0 };
		*named = 0;
		return 0;
	}
	w = find_sub(w, r);
	set_model(w, conf);
	return read_args(w, r, conf, named, err);
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
	if (c->rate != 0 && c->trace[0] != '\0')
		return ep_fail(err, -EINVAL,
		    "rate and trace exclude each other: say rate 0, or trace "
		    "off");
	if (c->slot_model == EP_SLOT_BETWEEN && c->slot[0] > c->slot[1])
		return ep_fail(err, -EINVAL, "slot: MIN is more than MAX");
	return check_state(c, err);
}

/* No loss is no loss, whatever the model. */
static void
settle(struct ep_link_conf *c)
{
	bool may_lose = c->loss[0] != 0 ||
			(c->loss_model == EP_LOSS_STATE && c->loss[4] != 0) ||
			(c->loss_model == EP_LOSS_GEMODEL && c->loss[3] != 0);

	if (!may_lose) {
		memset(c->loss, 0, sizeof(c->loss));
		memset(c->filter, 0, sizeof(c->filter));
		c->loss_model = EP_LOSS_RANDOM;
	}
	if (c->slot[0] == 0 && c->slot[1] == 0) {
		c->slot_model = EP_SLOT_BETWEEN;
		end_slot_distribution(c);
	}
	if (c->cell == 0)
		c->cell_overhead = 0;
	if (c->corrupt == 0)
		c->corrupt_corr = 0;
	if (c->duplicate == 0)
		c->duplicate_corr = 0;
	if (c->reorder == 0)
		c->reorder_corr = 0;
	if (c->jitter_ns == 0)
		c->delay_corr = 0;
}

static int
read_words(const char *words, struct ep_link_conf *conf, unsigned *named,
    struct epair_err *err)
{
	struct reader r = { .at = words };
	int error = 0;

	*named = 0;
	advance(&r);
	if (is_end(&r))
		return ep_fail(err, -EINVAL,
		    "a link needs words, like 'delay 20ms loss 1%%' or 'none'");
	while (error == 0 && !is_end(&r))
		error = read_word(&r, conf, named, err);
	return error;
}

int
ep_link_parse_files(const char *words, struct ep_link_conf *conf,
    unsigned *named, struct epair_err *err)
{
	int error;

	*conf = (struct ep_link_conf){ .delay_ns = 0 };
	error = read_words(words, conf, named, err);
	*named &= ep_link_parts(conf) & EP_LINK_FILES;
	return error;
}

int
ep_link_parse(const char *words, struct ep_link_conf *conf, unsigned *named,
    struct epair_err *err)
{
	struct ep_link_conf next = *conf;
	int error = read_words(words, &next, named, err);

	if (error == 0)
		error = check(&next, err);
	if (error != 0)
		return error;
	settle(&next);
	*named &= ep_link_parts(&next) | EP_LINK_SEED;
	*conf = next;
	return 0;
}

unsigned
ep_link_parts(const struct ep_link_conf *conf)
{
	unsigned parts = conf->filter[0] != '\0' ? EP_LINK_FILTER : 0;

	for (unsigned i = 0; i < EP_FILE_MAX; i++)
		if (ep_link_path(conf, &ep_link_files[i])[0] != '\0')
			parts |= ep_link_files[i].part;
	return parts;
}

bool
ep_link_is_none(const struct ep_link_conf *conf)
{
	static const struct ep_link_conf none;

	return memcmp(conf, &none, sizeof(none)) == 0;
}
