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
#define BURST_MAX    (UINT64_C(1) << 30)
#define OVERHEAD_MAX 65535
#define CELL_MAX     1024

#define NO_TEXT .text = EP_NO_TEXT
#define NUMBER(t, what, field, most, none) \
	{ \
		.type = (t), .name = (what), .offset = LINK(field), \
		.max = (most), .omitted = (none), NO_TEXT \
	}
#define TIME(what, field)    NUMBER(EP_ARG_TIME, what, field, EP_TIME_MAX, 0)
#define PERCENT(what, field) NUMBER(EP_ARG_PERCENT, what, field, EP_PART, 0)
#define FULL(what, field)    NUMBER(EP_ARG_PERCENT, what, field, EP_PART, EP_PART)
#define REST(what, field) \
	NUMBER(EP_ARG_PERCENT, what, field, EP_PART, EP_OMITTED_REST)
#define COUNT(what, field, most) NUMBER(EP_ARG_COUNT, what, field, most, 0)
#define SIZE(what, field, most)  NUMBER(EP_ARG_SIZE, what, field, most, 0)
#define CHOICE(what, field, words) \
	{ \
		.type = EP_ARG_CHOICE, .name = (what), .offset = LINK(field), \
		.omitted = 1, .choices = (words), NO_TEXT \
	}
#define DISTRIBUTION(field, file, bit) \
	{ \
		.type = EP_ARG_CHOICE, .name = "NAME", .offset = LINK(field), \
		.choices = distributions, .text = LINK(file), .part = (bit) \
	}
#define KEPT(t, what, field, most) NUMBER(t, what, field, most, EP_OMITTED_KEEP)

#define PLAIN   .model = -1
#define LOSS(m) .model = (m), .model_at = LINK(loss_model)
#define SLOT(m) .model = (m), .model_at = LINK(slot_model)

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
	{ "delay", NULL, 1, PLAIN,
	    .args = { TIME("TIME", delay_ns), TIME("JITTER", jitter_ns),
		PERCENT("CORRELATION", delay_corr) } },
	{ "distribution", NULL, 1, PLAIN,
	    .args = { DISTRIBUTION(distribution, table, EP_LINK_TABLE) } },
	{ "ordered", NULL, 0, PLAIN,
	    .args = { CHOICE("on|off", ordered, on_off) } },
	{ "loss", "random", 1, LOSS(EP_LOSS_RANDOM),
	    .args = { PERCENT("PERCENT", loss[0]),
		PERCENT("CORRELATION", loss[1]) } },
	{ "loss", "state", 1, LOSS(EP_LOSS_STATE),
	    .args = { PERCENT("P13", loss[0]), REST("P31", loss[1]),
		PERCENT("P32", loss[2]), FULL("P23", loss[3]),
		PERCENT("P14", loss[4]) } },
	{ "loss", "gemodel", 1, LOSS(EP_LOSS_GEMODEL),
	    .args = { PERCENT("P", loss[0]), REST("R", loss[1]),
		FULL("1-H", loss[2]), PERCENT("1-K", loss[3]) } },
	{ "loss", "every", 1, LOSS(EP_LOSS_EVERY),
	    .args = { COUNT("N", loss[0], UINT32_MAX) } },
	{ "loss", "filter", 1, LOSS(EP_LOSS_FILTER),
	    .args = { { .type = EP_ARG_FILTER,
			  .name = "EXPRESSION",
			  .text = LINK(filter),
			  .part = EP_LINK_FILTER },
		FULL("PERCENT", loss[0]) } },
	/* Behind the others: as netem, `loss 1%` is `loss random 1%`. */
	{ "loss", NULL, 1, LOSS(EP_LOSS_RANDOM),
	    .args = { PERCENT("PERCENT", loss[0]),
		PERCENT("CORRELATION", loss[1]) } },
	{ "ecn", NULL, 0, PLAIN, .args = { CHOICE("on|off", ecn, on_off) } },
	{ "corrupt", NULL, 1, PLAIN,
	    .args = { PERCENT("PERCENT", corrupt),
		PERCENT("CORRELATION", corrupt_corr) } },
	{ "ber", NULL, 1, PLAIN,
	    .args = { NUMBER(EP_ARG_BIT_RATIO, "RATE", ber, EP_BIT_PART, 0) } },
	{ "duplicate", NULL, 1, PLAIN,
	    .args = { PERCENT("PERCENT", duplicate),
		PERCENT("CORRELATION", duplicate_corr) } },
	{ "reorder", NULL, 1, PLAIN,
	    .args = { PERCENT("PERCENT", reorder),
		PERCENT("CORRELATION", reorder_corr) } },
	{ "gap", NULL, 1, PLAIN, .args = { COUNT("N", gap, UINT32_MAX) } },
	{ "slot", "distribution", 2, SLOT(EP_SLOT_DISTRIBUTED),
	    .args = { DISTRIBUTION(slot_dist, slot_table, EP_LINK_SLOT_TABLE),
		TIME("TIME", slot[0]), TIME("JITTER", slot[1]) } },
	{ "slot", NULL, 1, SLOT(EP_SLOT_BETWEEN),
	    .args = { TIME("MIN", slot[0]),
		NUMBER(EP_ARG_TIME, "MAX", slot[1], EP_TIME_MAX,
		    EP_OMITTED_FIRST) } },
	{ "packets", NULL, 1, PLAIN,
	    .args = { COUNT("N", slot_packets, LIMIT_MAX) } },
	{ "bytes", NULL, 1, PLAIN,
	    .args = { SIZE("SIZE", slot_bytes, BYTES_MAX) } },
	{ "rate", NULL, 1, PLAIN,
	    .args = { NUMBER(EP_ARG_RATE, "RATE", rate, RATE_MAX, 0),
		KEPT(EP_ARG_SIGNED, "OVERHEAD", overhead, OVERHEAD_MAX),
		KEPT(EP_ARG_COUNT, "CELL", cell, OVERHEAD_MAX),
		KEPT(EP_ARG_COUNT, "CELLOVERHEAD", cell_overhead, CELL_MAX) } },
	{ "trace", NULL, 1, PLAIN,
	    .args = { { .type = EP_ARG_PATH,
		.name = "FILE",
		.text = LINK(trace),
		.part = EP_LINK_TRACE } } },
	{ "overhead", NULL, 1, PLAIN,
	    .args = { NUMBER(EP_ARG_SIGNED, "N", overhead, OVERHEAD_MAX, 0) } },
	{ "cell", NULL, 1, PLAIN,
	    .args = { COUNT("N", cell, OVERHEAD_MAX),
		COUNT("OVERHEAD", cell_overhead, CELL_MAX) } },
	{ "wire", NULL, 0, PLAIN, .args = { CHOICE("on|off", wire, on_off) } },
	{ "burst", NULL, 1, PLAIN, .args = { SIZE("SIZE", burst, BURST_MAX) } },
	{ "limit", "bytes", 1, PLAIN,
	    .args = { SIZE("SIZE", limit_bytes, BYTES_MAX) } },
	{ "limit", NULL, 1, PLAIN,
	    .args = { COUNT("FRAMES", limit, LIMIT_MAX) } },
	{ "drop", NULL, 1, PLAIN,
	    .args = { CHOICE("tail|head", drop_head, tail_head) } },
	{ "cut", NULL, 0, PLAIN, .args = { CHOICE("on|off", cut, on_off) } },
	{ "per-superframe", NULL, 0, PLAIN,
	    .args = { CHOICE("on|off", per_superframe, on_off) } },
	{ "seed", NULL, 1, PLAIN,
	    .args = { { .type = EP_ARG_COUNT,
		.name = "N",
		.offset = LINK(seed),
		.max = UINT64_MAX,
		NO_TEXT,
		.part = EP_LINK_SEED } } },
};

const unsigned ep_word_count = sizeof(ep_words) / sizeof(ep_words[0]);
