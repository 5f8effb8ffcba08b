/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epair/histogram.h - in what bursts an interface was handed its frames, and
 * how long they had waited for it.
 *
 * Both are of the receiving side, over all its queues. Since the interface was
 * made; they never go back, and survive a move.
 *
 *	bursts	each run of a queue's task that found frames, when it has
 *		ended, by how many it took at once
 *	waits	of the first frame of a queue, and of every 252nd behind it, how
 *		long it lay there: from being queued until the task came to it,
 *		before the stack was called with it. To measure each would cost
 *		more than the rest of its way. What a discipline or a link held
 *		it for before is not in it: see qdisc.h and link.h.
 *
 * The clock is the instance's: in simulated time what waits for a task alone
 * waits for 0 ns.
 */
#ifndef EPAIR_HISTOGRAM_H
#define EPAIR_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#include <epair/err.h>

#ifdef __cplusplus
extern "C" {
#endif

struct epair_if;

/*
 * Place i counts what is at most its bound, and more than that of the place
 * before; the last one what is more than all bounds.
 */
#define EPAIR_BURST_PLACES     14 /* 1, 2, 4, ... 4096 frames */
#define EPAIR_BURST_BOUND(i)   (UINT64_C(1) << (i))
#define EPAIR_WAIT_PLACES      24 /* 256 ns, 512 ns, ... 1.07 s */
#define EPAIR_WAIT_BOUND_NS(i) (UINT64_C(256) << (i))

struct epair_if_histograms {
	size_t size; /* sizeof(struct epair_if_histograms) */
	uint64_t bursts[EPAIR_BURST_PLACES];
	uint64_t burst_frames; /* of all bursts */
	uint64_t waits[EPAIR_WAIT_PLACES];
	uint64_t wait_ns; /* sum of all waits that were measured */
};

/*
 * Fill *h, also after destruction, while a reference is held. Returns 0, or
 * -EINVAL for the size.
 */
EPAIR_API int epair_if_get_histograms(
    struct epair_if *ifp, struct epair_if_histograms *h);

#ifdef __cplusplus
}
#endif

#endif /* EPAIR_HISTOGRAM_H */
