/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * impair/turn.h - when the link takes up the next frame, and when it has sent
 * it.
 *
 * With a rate frames go one after the other, as long as each takes. With a
 * trace there are opportunities to send, at times of their own: as Mahimahi has
 * it, each is good for 1504 octets and goes to what waited before its time; a
 * frame counts as its packet and four octets, takes as many opportunities as it
 * needs, and is sent with the last; what nobody waits for is lost.
 *
 *	U1  frames are asked for and taken in the order in which they came
 *
 * Locking: the impairment's.
 */
#ifndef EP_IMPAIR_TURN_H
#define EP_IMPAIR_TURN_H

#include "base/rate.h"
#include "impair/conf.h"

struct ep_trace;

struct ep_turn {
	struct ep_busy taken; /* rate: the link is, until then */
	uint64_t since_ns; /* rate: that there is one, instead of none */
	const struct ep_trace *trace; /* or NULL */
	uint64_t round_ns; /* trace: its time 0, this time round */
	uint32_t next; /* the opportunity that is on ... */
	uint32_t left; /* ... and octets left of it */
};

/* The link was changed from *old to *conf; a new trace begins now. */
void ep_turn_set(struct ep_turn *turn, const struct ep_link_conf *conf,
    const struct ep_link_conf *old, const struct ep_trace *trace,
    uint64_t now_ns);

/* When may a frame begin that came at came_ns? */
uint64_t ep_turn_free(
    struct ep_turn *turn, const struct ep_link_conf *conf, uint64_t came_ns);

/*
 * The next frame, which takes so many octets on the wire, takes the link up.
 * Returns when its last bit is on the way.
 */
uint64_t ep_turn_take(struct ep_turn *turn, const struct ep_link_conf *conf,
    uint64_t octets, uint64_t came_ns);

#endif /* EP_IMPAIR_TURN_H */
