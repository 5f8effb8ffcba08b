/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * impair/format.c - numbers to words, such that they parse to the same again.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "impair/conf_priv.h"

struct writer {
	char text[EP_LINK_TEXT_MAX];
	size_t len;
};

static void put(struct writer *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
put(struct writer *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start */
	n = vsnprintf(w->text + w->len, sizeof(w->text) - w->len, fmt, ap);
	va_end(ap);
	EP_ASSERT(n >= 0 && (size_t)n < sizeof(w->text) - w->len);
	w->len += (size_t)n;
}

struct scale {
	const char *name;
	uint64_t times;
};

/* The largest unit that gives a whole number. */
static void
put_whole(struct writer *w, uint64_t value, const struct scale *scale)
{
	while (value % scale->times != 0)
		scale++;
	put(w, " %" PRIu64 "%s", value / scale->times, scale->name);
}

static void
put_percent(struct writer *w, uint64_t value)
{
	char decimals[16];
	int len = snprintf(
	    decimals, sizeof(decimals), "%07" PRIu64, value % (EP_PART / 100));

	while (len > 0 && decimals[len - 1] == '0')
		decimals[--len] = '\0';
	put(w, " %" PRIu64 "%s%s%%", value / (EP_PART / 100),
	    len > 0 ? "." : "", decimals);
}

/* 2.5e-7 */
static void
put_bit_ratio(struct writer *w, uint64_t value)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, value);
	int power = len - 1 - EP_BIT_PLACES;

	while (len > 1 && digits[len - 1] == '0')
		len--;
	put(w, " %c%s%.*s", digits[0], len > 1 ? "." : "", len - 1, digits + 1);
	if (power != 0 && value != 0)
		put(w, "e%d", power);
}

static void
put_arg(struct writer *w, const struct ep_arg *arg, uint64_t value)
{
	static const struct scale times[] = { { "s", EP_NS_PER_S },
		{ "ms", EP_NS_PER_MS }, { "us", EP_NS_PER_US }, { "ns", 1 } };
	static const struct scale rates[] = { { "gbit", 1000000000 },
		{ "mbit", 1000000 }, { "kbit", 1000 }, { "bit", 1 } };
	static const struct scale sizes[] = { { "m", 1048576 }, { "k", 1024 },
		{ "", 1 } };

	if (arg->type == EP_ARG_TIME)
		put_whole(w, value, times);
	else if (arg->type == EP_ARG_RATE)
		put_whole(w, value, rates);
	else if (arg->type == EP_ARG_SIZE)
		put_whole(w, value, sizes);
	else if (arg->type == EP_ARG_PERCENT)
		put_percent(w, value);
	else if (arg->type == EP_ARG_BIT_RATIO)
		put_bit_ratio(w, value);
	else if (arg->type == EP_ARG_CHOICE)
		put(w, " %s", arg->choices[value]);
	else if (arg->type == EP_ARG_SIGNED)
		put(w, " %" PRId64, (int64_t)value);
	else
		put(w, " %" PRIu64, value);
}

/* In quotes if it must, and then in those that it does not have (F3). */
static void
put_text(struct writer *w, const char *text)
{
	const char *quote = strchr(text, '"') != NULL ? "'" : "\"";

	if (strpbrk(text, " '\"") == NULL && strcmp(text, "off") != 0)
		quote = "";
	put(w, " %s%s%s", quote, text, quote);
}

/* `loss 1%` is told as `loss random 1%`, which stands before it. */
static bool
is_another(const struct ep_word *word)
{
	return word->model_at == offsetof(struct ep_link_conf, loss_model) &&
	       word->sub == NULL;
}

static bool
is_told(const struct ep_word *word, const struct ep_link_conf *conf)
{
	const void *model = (const char *)conf + word->model_at;

	if (word->model >= 0 && (is_another(word) || *(const uint64_t *)model !=
							 (uint64_t)word->model))
		return false;
	for (unsigned i = 0; word->args[i].type != EP_ARG_END; i++)
		if (ep_arg_is_set(conf, &word->args[i]))
			return true;
	return false;
}

/*
 * The arguments of models all, whose omitted ones are not 0; else as far as
 * they are set.
 */
static void
put_word(struct writer *w, const struct ep_word *word,
    const struct ep_link_conf *conf)
{
	unsigned count = 0;

	for (unsigned i = 0; word->args[i].type != EP_ARG_END; i++)
		if (word->model > 0 || i == 0 ||
		    ep_arg_is_set(conf, &word->args[i]))
			count = i + 1;
	put(w, "%s%s", w->len > 0 ? " " : "", word->word);
	if (word->sub != NULL)
		put(w, " %s", word->sub);
	for (unsigned i = 0; i < count; i++) {
		const struct ep_arg *arg = &word->args[i];

		if (arg->text != EP_NO_TEXT && ep_text_of(conf, arg)[0] != '\0')
			put_text(w, ep_text_of(conf, arg));
		else
			put_arg(w, arg, ep_arg_of(conf, arg));
	}
}

int
ep_link_format(const struct ep_link_conf *conf, char *buf, size_t size)
{
	struct writer w = { .len = 0 };

	for (unsigned i = 0; i < ep_word_count; i++)
		if (is_told(&ep_words[i], conf))
			put_word(&w, &ep_words[i], conf);
	if (w.len == 0)
		put(&w, "none");
	if (size > 0)
		(void)snprintf(buf, size, "%s", w.text);
	return (int)w.len;
}
