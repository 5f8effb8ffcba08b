/* SPDX-License-Identifier: BSD-2-Clause */
#include "impair/turn.h"

#include <stddef.h>

#include "base/clock.h"
#include "impair/parts.h"

/* Of an opportunity; and what of a frame does not count against it. */
#define OPPORTUNITY    1504u
#define NOT_OF_A_FRAME 10u

/*
 * A rate.
 */

/* How much earlier than its turn a frame may go, for the burst allowed. */
static uint64_t
ahead_ns(const struct ep_link_conf *conf)
{
	return conf->burst * 8 * EP_NS_PER_S / conf->rate;
}

static uint64_t
rate_free(const struct ep_turn *turn, const struct ep_link_conf *conf)
{
	uint64_t ahead = ahead_ns(conf);

	return turn->taken.until_ns > ahead ? turn->taken.until_ns - ahead : 0;
}

/*
 * Begins when the link became free, also if we come late to see that it did:
 * the rate is held whatever the timer's manners.
 */
static uint64_t
rate_take(struct ep_turn *turn, const struct ep_link_conf *conf,
    uint64_t octets, uint64_t came_ns)
{
	uint64_t start = rate_free(turn, conf), ahead = ahead_ns(conf);

	if (start < came_ns)
		start = came_ns;
	/* What waited for a trace has not waited for this. */
	if (start < turn->since_ns)
		start = turn->since_ns;
	ep_busy_from(&turn->taken, start);
	ep_busy_add(&turn->taken, octets, conf->rate);
	if (turn->taken.until_ns < start + ahead)
		return start;
	return turn->taken.until_ns - ahead;
}

__extension__ typedef unsigned __int128 wide;

/* As many octets as pass in ns at one rate take so long at another. */
static uint64_t
at_rate(uint64_t ns, uint64_t from, uint64_t to)
{
	return (uint64_t)((wide)ns * from / to);
}

/*
 * Another rate or burst: the bucket keeps what is in it, or what it is short of
 * for the frame that is on the link, in octets, as far as it holds so many. Kept
 * in ns, a link that was slow would go on to be so for one burst.
 */
static void
rate_change(struct ep_turn *turn, const struct ep_link_conf *conf,
    const struct ep_link_conf *old, uint64_t now_ns)
{
	uint64_t ahead, had, used;

	turn->taken.rest = 0;
	if (conf->rate == 0 || old->rate == 0) {
		turn->taken.until_ns = 0;
		turn->since_ns = now_ns;
		return;
	}
	ahead = ahead_ns(conf);
	had = ahead_ns(old);
	used = turn->taken.until_ns > now_ns ? turn->taken.until_ns - now_ns
					     : 0;
	if (used > had) {
		used = ahead + at_rate(used - had, old->rate, conf->rate);
	} else {
		uint64_t left = at_rate(had - used, old->rate, conf->rate);

		used = left < ahead ? ahead - left : 0;
	}
	turn->taken.until_ns = now_ns + used;
}

/*
 * A trace.
 */

static uint64_t
length_ns(const struct ep_trace *t)
{
	return t->at_ms[t->count - 1] * EP_NS_PER_MS;
}

static uint64_t
time_of(const struct ep_turn *turn)
{
	return turn->round_ns + turn->trace->at_ms[turn->next] * EP_NS_PER_MS;
}

static void
next_one(struct ep_turn *turn)
{
	turn->left = OPPORTUNITY;
	if (++turn->next < turn->trace->count)
		return;
	turn->next = 0;
	turn->round_ns += length_ns(turn->trace);
}

/* The first place in this round whose time is after when_ns; count if none. */
static uint32_t
first_after(const struct ep_turn *turn, uint64_t when_ns)
{
	uint32_t low = turn->next, high = turn->trace->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		uint64_t at = turn->trace->at_ms[mid] * EP_NS_PER_MS;

		if (turn->round_ns + at > when_ns)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* What was until when_ns, and the rest of it, is lost. */
static void
skip(struct ep_turn *turn, uint64_t when_ns)
{
	const struct ep_trace *t = turn->trace;
	uint64_t length = length_ns(t), rounds;
	uint32_t place;

	if (turn->left > 0 && time_of(turn) > when_ns)
		return;
	if (turn->left == 0)
		next_one(turn);
	place = first_after(turn, when_ns);
	if (place == turn->next)
		return;
	turn->left = OPPORTUNITY;
	turn->next = place;
	if (place < t->count)
		return;
	/* Whole rounds at once: the link may have been idle for long. */
	turn->next = 0;
	turn->round_ns += length;
	if (when_ns > turn->round_ns) {
		rounds = (when_ns - turn->round_ns) / length;
		turn->round_ns += rounds * length;
	}
	turn->next = first_after(turn, when_ns);
	if (turn->next == t->count) {
		turn->next = 0;
		turn->round_ns += length;
	}
}

static uint64_t
trace_take(struct ep_turn *turn, uint64_t octets, uint64_t came_ns)
{
	uint64_t need = octets > NOT_OF_A_FRAME ? octets - NOT_OF_A_FRAME : 1;

	skip(turn, came_ns);
	while (need > turn->left) {
		need -= turn->left;
		next_one(turn);
	}
	turn->left -= (uint32_t)need;
	return time_of(turn);
}

/*
 * Either.
 */

void
ep_turn_set(struct ep_turn *turn, const struct ep_link_conf *conf,
    const struct ep_link_conf *old, const struct ep_trace *trace,
    uint64_t now_ns)
{
	if (conf->rate != old->rate || conf->burst != old->burst)
		rate_change(turn, conf, old, now_ns);
	if (trace == turn->trace)
		return;
	turn->trace = trace;
	turn->round_ns = now_ns;
	turn->next = 0;
	turn->left = OPPORTUNITY;
}

uint64_t
ep_turn_free(
    struct ep_turn *turn, const struct ep_link_conf *conf, uint64_t came_ns)
{
	if (conf->rate != 0)
		return rate_free(turn, conf);
	if (turn->trace == NULL)
		return 0;
	skip(turn, came_ns);
	return time_of(turn);
}

uint64_t
ep_turn_take(struct ep_turn *turn, const struct ep_link_conf *conf,
    uint64_t octets, uint64_t came_ns)
{
	if (conf->rate != 0)
		return rate_take(turn, conf, octets, came_ns);
	if (turn->trace != NULL)
		return trace_take(turn, octets, came_ns);
	return came_ns;
}
