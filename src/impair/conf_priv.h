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
	EP_ARG_RATE, /* 10mbit: bit/s */
	EP_ARG_SIZE, /* 64k: octets */
	EP_ARG_COUNT, /* 1000 */
	EP_ARG_CHOICE, /* one of words */
};

#define EP_ARGS_MAX 5
#define EP_TIME_MAX UINT64_C(3600000000000) /* an hour */

struct ep_arg {
	enum ep_arg_type type;
	const char *name; /* as the manual calls it */
	size_t offset; /* of the uint64_t in struct ep_link_conf */
	uint64_t max;
	uint64_t omitted; /* its value when it is not written */
	const char *const *choices; /* NULL-terminated */
};

/*
 * A word, or two: "loss" "gemodel". `least` of its arguments must be there; a
 * word that is written sets all of them.
 */
struct ep_word {
	const char *word, *sub;
	unsigned least;
	int model; /* enum ep_loss_model that it sets, or -1 */
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

#endif /* EP_IMPAIR_CONF_PRIV_H */
