/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * impair/words.c - the words of a link, netem's where netem has one.
 */
#include "impair/conf_priv.h"

#define LINK(field) offsetof(struct ep_link_conf, field)

#define LIMIT_MAX UINT64_C(16777216) /* frames */
#define BYTES_MAX (UINT64_C(1) << 40)
#define RATE_MAX  UINT64_C(1000000000000) /* 1 Tb/s */
/* Times 8 * 10^9 it is below 2^63. */
#define BURST_MAX (UINT64_C(1) << 30)

#define TIME(name, field) \
	{ \
		EP_ARG_TIME, name, LINK(field), EP_TIME_MAX, 0, NULL \
	}
#define PERCENT(name, field) \
	{ \
		EP_ARG_PERCENT, name, LINK(field), EP_PART, 0, NULL \
	}
#define FULL(name, field) \
	{ \
		EP_ARG_PERCENT, name, LINK(field), EP_PART, EP_PART, NULL \
	}
#define REST(name, field) \
	{ \
		EP_ARG_PERCENT, name, LINK(field), EP_PART, UINT64_MAX, NULL \
	}
#define COUNT(name, field, max) \
	{ \
		EP_ARG_COUNT, name, LINK(field), max, 0, NULL \
	}
#define SIZE(name, field, max) \
	{ \
		EP_ARG_SIZE, name, LINK(field), max, 0, NULL \
	}
#define CHOICE(name, field, words) \
	{ \
		EP_ARG_CHOICE, name, LINK(field), 0, 1, words \
	}

static const char *const on_off[] = { "off", "on", NULL };
static const char *const tail_head[] = { "tail", "head", NULL };
static const char *const distributions[] = {
	"uniform",
	"normal",
	"pareto",
	"paretonormal",
	NULL,
};

const struct ep_word ep_words[] = {
	{ "delay", NULL, 1, -1,
	    { TIME("TIME", delay_ns), TIME("JITTER", jitter_ns),
		PERCENT("CORRELATION", delay_corr) } },
	{ "distribution", NULL, 1, -1,
	    { CHOICE("NAME", distribution, distributions) } },
	{ "ordered", NULL, 0, -1, { CHOICE("on|off", ordered, on_off) } },
	{ "loss", "random", 1, EP_LOSS_RANDOM,
	    { PERCENT("PERCENT", loss[0]), PERCENT("CORRELATION", loss[1]) } },
	{ "loss", "state", 1, EP_LOSS_STATE,
	    { PERCENT("P13", loss[0]), REST("P31", loss[1]),
		PERCENT("P32", loss[2]), FULL("P23", loss[3]),
		PERCENT("P14", loss[4]) } },
	{ "loss", "gemodel", 1, EP_LOSS_GEMODEL,
	    { PERCENT("P", loss[0]), REST("R", loss[1]), FULL("1-H", loss[2]),
		PERCENT("1-K", loss[3]) } },
	{ "loss", "every", 1, EP_LOSS_EVERY,
	    { COUNT("N", loss[0], UINT32_MAX) } },
	/* Behind the others: as netem, `loss 1%` is `loss random 1%`. */
	{ "loss", NULL, 1, EP_LOSS_RANDOM,
	    { PERCENT("PERCENT", loss[0]), PERCENT("CORRELATION", loss[1]) } },
	{ "corrupt", NULL, 1, -1,
	    { PERCENT("PERCENT", corrupt),
		PERCENT("CORRELATION", corrupt_corr) } },
	{ "duplicate", NULL, 1, -1,
	    { PERCENT("PERCENT", duplicate),
		PERCENT("CORRELATION", duplicate_corr) } },
	{ "reorder", NULL, 1, -1,
	    { PERCENT("PERCENT", reorder),
		PERCENT("CORRELATION", reorder_corr) } },
	{ "gap", NULL, 1, -1, { COUNT("N", gap, UINT32_MAX) } },
	{ "rate", NULL, 1, -1,
	    { { EP_ARG_RATE, "RATE", LINK(rate), RATE_MAX, 0, NULL } } },
	{ "overhead", NULL, 1, -1, { COUNT("N", overhead, 65535) } },
	{ "burst", NULL, 1, -1, { SIZE("SIZE", burst, BURST_MAX) } },
	{ "limit", "bytes", 1, -1, { SIZE("SIZE", limit_bytes, BYTES_MAX) } },
	{ "limit", NULL, 1, -1, { COUNT("FRAMES", limit, LIMIT_MAX) } },
	{ "drop", NULL, 1, -1, { CHOICE("tail|head", drop_head, tail_head) } },
	{ "cut", NULL, 0, -1, { CHOICE("on|off", cut, on_off) } },
	{ "per-superframe", NULL, 0, -1,
	    { CHOICE("on|off", per_superframe, on_off) } },
	{ "seed", NULL, 1, -1, { COUNT("N", seed, UINT64_MAX) } },
};

const unsigned ep_word_count = sizeof(ep_words) / sizeof(ep_words[0]);
