/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * impair/conf_priv.h - the table of words that parsing and formatting share.
 */
#ifndef EP_IMPAIR_CONF_PRIV_H
#define EP_IMPAIR_CONF_PRIV_H

#include "impair/conf.h"

enum ep_arg_type {
	EP_ARG_END,
	EP_ARG_TIME, /* 10ms: ns */
	EP_ARG_PERCENT, /* 1.5%: EP_PART-th parts */
	EP_ARG_BIT_RATIO, /* 1e-6: EP_BIT_PART-th parts */
	EP_ARG_RATE, /* 10mbit: bit/s */
	EP_ARG_SIZE, /* 64k: octets */
	EP_ARG_COUNT, /* 1000 */
	EP_ARG_SIGNED, /* -14: an int64_t */
	EP_ARG_CHOICE, /* one of words, or a path if there is a text */
	EP_ARG_PATH, /* "off" is none */
	EP_ARG_FILTER, /* pcap-filter(7) */
};

#define EP_ARGS_MAX 5
#define EP_TIME_MAX UINT64_C(3600000000000) /* an hour */

/* What an argument is that is not written, beside a number. */
#define EP_OMITTED_REST  UINT64_MAX /* 100% less the word's first */
#define EP_OMITTED_FIRST (UINT64_MAX - 1) /* the word's first */
#define EP_OMITTED_KEEP  (UINT64_MAX - 2) /* as it was; has its own word */

#define EP_NO_TEXT SIZE_MAX

struct ep_arg {
	enum ep_arg_type type;
	const char *name; /* as the manual calls it */
	size_t offset; /* of the uint64_t in struct ep_link_conf */
	uint64_t max;
	uint64_t omitted; /* its value when it is not written */
	const char *const *choices; /* NULL-terminated */
	size_t text; /* of the char[EP_LINK_NAME_MAX], or EP_NO_TEXT */
	unsigned part; /* EP_LINK_*, of the text */
};

/*
 * A word, or two: "loss" "gemodel". `least` of its arguments must be there; a
 * word that is written sets all of them.
 */
struct ep_word {
	const char *word, *sub;
	unsigned least;
	int model; /* that it sets at model_at, or -1 */
	size_t model_at;
	struct ep_arg args[EP_ARGS_MAX + 1];
};

extern const struct ep_word ep_words[];
extern const unsigned ep_word_count;

static inline uint64_t *
ep_arg_at(struct ep_link_conf *conf, const struct ep_arg *arg)
{
	return (uint64_t *)(void *)((char *)conf + arg->offset);
}

static inline uint64_t
ep_arg_of(const struct ep_link_conf *conf, const struct ep_arg *arg)
{
	return *(
	    const uint64_t *)(const void *)((const char *)conf + arg->offset);
}

static inline char *
ep_text_at(struct ep_link_conf *conf, const struct ep_arg *arg)
{
	return (char *)conf + arg->text;
}

static inline const char *
ep_text_of(const struct ep_link_conf *conf, const struct ep_arg *arg)
{
	return (const char *)conf + arg->text;
}

/* Does the argument stand for a text and nothing else? */
static inline bool
ep_arg_is_text(const struct ep_arg *arg)
{
	return arg->type == EP_ARG_PATH || arg->type == EP_ARG_FILTER;
}

/* Has it another value than what it has with nothing said? */
static inline bool
ep_arg_is_set(const struct ep_link_conf *conf, const struct ep_arg *arg)
{
	if (arg->omitted == EP_OMITTED_KEEP)
		return false; /* its own word tells it */
	if (ep_arg_is_text(arg))
		return ep_text_of(conf, arg)[0] != '\0';
	return ep_arg_of(conf, arg) != 0;
}

#endif /* EP_IMPAIR_CONF_PRIV_H */
