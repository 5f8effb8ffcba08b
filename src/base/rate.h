/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/rate.h - until when something with a rate is busy, to the last bit.
 *
 * Each frame takes so many ns and a part of one; what is cut off each time would
 * add up to a rate that is too high.
 */
#ifndef EP_BASE_RATE_H
#define EP_BASE_RATE_H

#include <stdint.h>

#include "base/clock.h"

struct ep_busy {
	uint64_t until_ns;
	uint64_t rest; /* and this many rate-th parts of a ns */
};

/* Whatever it did before, it is not idle before ns. */
static inline void
ep_busy_from(struct ep_busy *busy, uint64_t ns)
{
	if (busy->until_ns < ns)
		*busy = (struct ep_busy){ .until_ns = ns };
}

/* So many octets, fewer than 2^30, at so many bits a second. */
static inline void
ep_busy_add(struct ep_busy *busy, uint64_t octets, uint64_t rate)
{
	uint64_t part = octets * 8 * EP_NS_PER_S + busy->rest;

	busy->until_ns += part / rate;
	busy->rest = part % rate;
}

#endif /* EP_BASE_RATE_H */
