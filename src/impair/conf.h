/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * impair/conf.h - what a direction of a cable is told to do to its frames: the
 * words of <epair/link.h> as numbers.
 *
 *	F1  parsing what formatting gave gives the same numbers again
 *	F2  a probability is a whole number of EP_PART-th parts, so a percentage
 *	    is exact to its seventh decimal; that of a bit one of EP_BIT_PART-th
 *	F3  a text has no control characters and not both sorts of quotes, and is
 *	    all zero behind its end
 */
#ifndef EP_IMPAIR_CONF_H
#define EP_IMPAIR_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <epair/err.h>

#define EP_PART       UINT32_C(1000000000) /* parts of a probability of 1 */
#define EP_BIT_PART   UINT64_C(1000000000000000) /* the same of a bit's ... */
#define EP_BIT_PLACES 15 /* ... and its decimals */

#define EP_LINK_TEXT_MAX 2048 /* a whole link in words, with its NUL */
#define EP_LINK_NAME_MAX 256 /* a path or filter in it, with its NUL */

enum ep_loss_model {
	EP_LOSS_RANDOM, /* loss: p, correlation */
	EP_LOSS_STATE, /* p13, p31, p32, p23, p14 */
	EP_LOSS_GEMODEL, /* p, r, 1-h, 1-k */
	EP_LOSS_EVERY, /* n */
	EP_LOSS_FILTER, /* p, of what the filter passes */
};

enum ep_distribution {
	EP_DIST_UNIFORM,
	EP_DIST_NORMAL,
	EP_DIST_PARETO,
	EP_DIST_PARETONORMAL,
	EP_DIST_TABLE, /* of a file */
};

enum ep_slot_model {
	EP_SLOT_BETWEEN, /* slot[0] to slot[1] apart */
	EP_SLOT_DISTRIBUTED, /* slot[0], give or take slot[1] by slot_dist */
};

#define EP_LOSS_ARGS 5

/* All zero: nothing is done. */
struct ep_link_conf {
	uint64_t delay_ns, jitter_ns;
	uint64_t delay_corr; /* probabilities are in EP_PART-th parts */
	uint64_t distribution; /* enum ep_distribution */
	uint64_t loss_model; /* enum ep_loss_model */
	uint64_t loss[EP_LOSS_ARGS];
	uint64_t ecn; /* mark what is to be lost, if it takes part */
	uint64_t corrupt, corrupt_corr;
	uint64_t ber; /* of EP_BIT_PART: that a bit is turned over */
	uint64_t duplicate, duplicate_corr;
	uint64_t reorder, reorder_corr, gap; /* gap 0 is 1 */
	uint64_t ordered;
	uint64_t slot_model; /* enum ep_slot_model */
	uint64_t slot_dist; /* enum ep_distribution */
	uint64_t slot[2]; /* ns; both 0: none */
	uint64_t slot_packets, slot_bytes; /* of each; 0: all that come */
	uint64_t rate; /* bit/s; 0: as fast as it comes */
	uint64_t overhead; /* octets more than each frame has; an int64_t */
	uint64_t cell, cell_overhead; /* frames go in whole cells */
	uint64_t wire; /* what Ethernet adds counts */
	uint64_t burst; /* octets that may go at once */
	uint64_t limit, limit_bytes; /* of what waits; 0: the default */
	uint64_t drop_head;
	uint64_t cut;
	uint64_t per_superframe;
	uint64_t seed; /* 0: the instance's */
	char table[EP_LINK_NAME_MAX]; /* of EP_DIST_TABLE, else "" */
	char slot_table[EP_LINK_NAME_MAX]; /* the same of slot_dist */
	char filter[EP_LINK_NAME_MAX]; /* of EP_LOSS_FILTER, else "" */
	char trace[EP_LINK_NAME_MAX]; /* or "" */
};

/* What more there is to a text of a link than itself: parts.h. */
enum {
	EP_LINK_TABLE = 1u << 0,
	EP_LINK_FILTER = 1u << 1,
	EP_LINK_TRACE = 1u << 2,
	EP_LINK_SLOT_TABLE = 1u << 3,
	EP_LINK_SEED = 1u << 4, /* not a part; that it was said, if again */
	EP_LINK_FILES = EP_LINK_TABLE | EP_LINK_TRACE | EP_LINK_SLOT_TABLE,
};

/* Which of them *conf has. */
unsigned ep_link_parts(const struct ep_link_conf *conf);

/*
 * Change in *conf what the words name; *named says which parts these want,
 * anew if they are there already, and whether they say a seed. Returns 0, or
 * -EINVAL with a sentence naming the word and *conf as it was.
 */
int ep_link_parse(const char *words, struct ep_link_conf *conf, unsigned *named,
    struct epair_err *err);

/* Do frames wait for their turn on the link? */
static inline bool
ep_link_has_turns(const struct ep_link_conf *conf)
{
	return conf->rate != 0 || conf->trace[0] != '\0';
}

/*
 * The files that words name, whatever link they change: at least those that
 * ep_link_parse() would want. Their paths are in *conf, and nothing else there
 * is of use. Returns 0, or -EINVAL for words that no link can be set to.
 */
int ep_link_parse_files(const char *words, struct ep_link_conf *conf,
    unsigned *named, struct epair_err *err);

/*
 * Write *conf in words: "none", or what differs from it. Returns the length,
 * which is less than EP_LINK_TEXT_MAX; what does not fit in size is cut.
 */
int ep_link_format(const struct ep_link_conf *conf, char *buf, size_t size);

/* Does it do nothing at all? */
bool ep_link_is_none(const struct ep_link_conf *conf);

#endif /* EP_IMPAIR_CONF_H */
