/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * impair/dice.h - what happens by chance to a frame.
 *
 * Each impairment has a stream of random numbers of its own, so that switching
 * one on does not change what another does to which frame.
 *
 * Correlation: with that probability a die shows again what it showed last,
 * else it is thrown. So the share of what it shows stays what was asked for
 * (netem's filter of numbers does not keep it), and what was shown n throws ago
 * is correlated by the n-th power.
 */
#ifndef EP_IMPAIR_DICE_H
#define EP_IMPAIR_DICE_H

#include <stdbool.h>

#include "base/rng.h"
#include "impair/ber.h"
#include "impair/conf.h"

struct ep_die {
	struct ep_rng rng;
	bool thrown;
	bool last;
};

enum ep_loss_state {
	EP_STATE_GOOD, /* state: 1; gemodel: good */
	EP_STATE_BURST_SENT, /* state: 2 */
	EP_STATE_BURST_LOST, /* state: 3; gemodel: bad */
	EP_STATE_LOST, /* state: 4 */
};

struct ep_samples;

struct ep_dice {
	struct ep_die loss, corrupt, duplicate, reorder;
	enum ep_loss_state state;
	uint64_t count; /* frames since `loss every` took one */
	uint64_t in_order; /* frames since one was sent ahead */
	struct ep_die jitter; /* repeats last_jitter when correlated */
	int64_t last_jitter;
	struct ep_die slot;
	struct ep_ber ber; /* set by who knows the rate */
};

/* The same seed gives the same dice. */
void ep_dice_init(struct ep_dice *dice, uint64_t seed);

/* Throw a die that shows `true` p of EP_PART times. */
bool ep_die_throw(struct ep_die *die, uint64_t p, uint64_t corr);

/* Is the next frame lost? */
bool ep_dice_lost(struct ep_dice *dice, const struct ep_link_conf *conf);

/* Is it sent ahead of those that are delayed? */
bool ep_dice_ahead(struct ep_dice *dice, const struct ep_link_conf *conf);

/* How long is it delayed? table: of EP_DIST_TABLE, else NULL. */
uint64_t ep_dice_delay(struct ep_dice *dice, const struct ep_link_conf *conf,
    const struct ep_samples *table);

/* How far is the next slot from the last one? table: as above. */
uint64_t ep_dice_slot(struct ep_dice *dice, const struct ep_link_conf *conf,
    const struct ep_samples *table);

#endif /* EP_IMPAIR_DICE_H */
