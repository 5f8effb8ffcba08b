/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/barrier.h - a fence that only its rarer side pays for.
 *
 * Of two threads that each write a word and then read the other's at least one
 * must see what the other wrote: that takes a full fence between, on both
 * sides. Where one side is every burst of frames and the other a destroy,
 * membarrier(2) has the seldom one fence all running threads of the process,
 * and the frequent one need only keep the compiler from moving things.
 */
#ifndef EP_BASE_BARRIER_H
#define EP_BASE_BARRIER_H

#include <stdbool.h>

/*
 * The kernel can do so: if not, the frequent side has to use a fence too. Known
 * before any of ours runs, and constant.
 */
extern bool ep_barrier_works __attribute__((visibility("hidden")));

/* The frequent side, where it works. */
static inline void
ep_barrier_light(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* The rare side, for whatever the other does. */
void ep_barrier_heavy(void);

#endif /* EP_BASE_BARRIER_H */
