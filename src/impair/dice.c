/* SPDX-License-Identifier: BSD-2-Clause */
#include "impair/dice.h"

#include "impair/dist.h"

/* 2^64 in EP_PART-th parts: whole, and what is left. */
#define PART_WIDTH UINT64_C(18446744073)
#define PART_REST  UINT64_C(709551616)

void
ep_dice_init(struct ep_dice *dice, uint64_t seed)
{
	*dice = (struct ep_dice){ .state = EP_STATE_GOOD };
	ep_rng_init(&dice->loss.rng, ep_splitmix64(&seed));
	ep_rng_init(&dice->corrupt.rng, ep_splitmix64(&seed));
	ep_rng_init(&dice->duplicate.rng, ep_splitmix64(&seed));
	ep_rng_init(&dice->reorder.rng, ep_splitmix64(&seed));
	ep_rng_init(&dice->jitter.rng, ep_splitmix64(&seed));
	ep_rng_init(&dice->slot.rng, ep_splitmix64(&seed));
	ep_rng_init(&dice->ber.rng, ep_splitmix64(&seed));
}

static bool
chance(struct ep_rng *rng, uint64_t p)
{
	if (p == 0)
		return false;
	if (p >= EP_PART)
		return true;
	return ep_rng_next(rng) < p * PART_WIDTH + p * PART_REST / EP_PART;
}

static bool
repeats(struct ep_die *die, uint64_t corr)
{
	bool again = die->thrown && chance(&die->rng, corr);

	die->thrown = true;
	return again;
}

bool
ep_die_throw(struct ep_die *die, uint64_t p, uint64_t corr)
{
	if (p == 0)
		return false;
	if (!repeats(die, corr))
		die->last = chance(&die->rng, p);
	return die->last;
}

/* Out of each state at most two ways, `first` looked at first. */
static void
walk(struct ep_dice *dice, uint64_t first, enum ep_loss_state to_first,
    uint64_t second, enum ep_loss_state to_second)
{
	if (first + second == 0)
		return;
	/* One draw decides between the three. */
	if (!chance(&dice->loss.rng, first + second))
		return;
	dice->state = first != 0 &&
			      (second == 0 || ep_rng_next(&dice->loss.rng) %
						      (first + second) <
						  first)
			  ? to_first
			  : to_second;
}

/* The four states of Salsano et al., as netem numbers them. */
static bool
lost_by_state(struct ep_dice *dice, const uint64_t *p)
{
	enum { P13, P31, P32, P23, P14 };

	switch (dice->state) {
	case EP_STATE_GOOD:
		walk(dice, p[P13], EP_STATE_BURST_LOST, p[P14], EP_STATE_LOST);
		break;
	case EP_STATE_BURST_SENT:
		walk(dice, p[P23], EP_STATE_BURST_LOST, 0, EP_STATE_GOOD);
		break;
	case EP_STATE_BURST_LOST:
		walk(dice, p[P31], EP_STATE_GOOD, p[P32], EP_STATE_BURST_SENT);
		break;
	case EP_STATE_LOST:
		dice->state = EP_STATE_GOOD;
		break;
	}
	return dice->state == EP_STATE_BURST_LOST ||
	       dice->state == EP_STATE_LOST;
}

/* Gilbert and Elliott: two states, each with a loss of its own. */
static bool
lost_by_gemodel(struct ep_dice *dice, const uint64_t *p)
{
	enum { P, R, LOSS_BAD, LOSS_GOOD };
	bool bad = dice->state == EP_STATE_BURST_LOST;
	bool lost = chance(&dice->loss.rng, p[bad ? LOSS_BAD : LOSS_GOOD]);

	if (chance(&dice->loss.rng, p[bad ? R : P]))
		dice->state = bad ? EP_STATE_GOOD : EP_STATE_BURST_LOST;
	return lost;
}

bool
ep_dice_lost(struct ep_dice *dice, const struct ep_link_conf *conf)
{
	switch ((enum ep_loss_model)conf->loss_model) {
	case EP_LOSS_FILTER:
		return ep_die_throw(&dice->loss, conf->loss[0], 0);
	case EP_LOSS_RANDOM:
		return ep_die_throw(&dice->loss, conf->loss[0], conf->loss[1]);
	case EP_LOSS_STATE:
		return lost_by_state(dice, conf->loss);
	case EP_LOSS_GEMODEL:
		return lost_by_gemodel(dice, conf->loss);
	case EP_LOSS_EVERY:
		if (++dice->count < conf->loss[0])
			return false;
		dice->count = 0;
		return true;
	}
	return false;
}

bool
ep_dice_ahead(struct ep_dice *dice, const struct ep_link_conf *conf)
{
	if (conf->reorder == 0)
		return false;
	if (dice->in_order + 1 < conf->gap ||
	    !ep_die_throw(&dice->reorder, conf->reorder, conf->reorder_corr)) {
		dice->in_order++;
		return false;
	}
	dice->in_order = 0;
	return true;
}

uint64_t
ep_dice_delay(struct ep_dice *dice, const struct ep_link_conf *conf,
    const struct ep_samples *table)
{
	int64_t delay = (int64_t)conf->delay_ns;

	if (conf->jitter_ns == 0)
		return conf->delay_ns;
	if (!repeats(&dice->jitter, conf->delay_corr))
		dice->last_jitter = ep_dist_draw(&dice->jitter.rng,
		    (enum ep_distribution)conf->distribution, conf->jitter_ns,
		    table);
	delay += dice->last_jitter;
	return delay > 0 ? (uint64_t)delay : 0;
}

uint64_t
ep_dice_slot(struct ep_dice *dice, const struct ep_link_conf *conf,
    const struct ep_samples *table)
{
	const uint64_t *slot = conf->slot;
	int64_t apart;

	if (conf->slot_model == EP_SLOT_BETWEEN)
		return slot[0] +
		       ep_rng_next(&dice->slot.rng) % (slot[1] - slot[0] + 1);
	apart = (int64_t)slot[0];
	if (slot[1] != 0)
		apart += ep_dist_draw(&dice->slot.rng,
		    (enum ep_distribution)conf->slot_dist, slot[1], table);
	return apart > 0 ? (uint64_t)apart : 0;
}
