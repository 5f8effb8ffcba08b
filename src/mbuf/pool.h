/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbuf/pool.h - where mbufs come from and go to.
 *
 * A pool has two classes of buffers, small and large, each with a limit, and a
 * third of what describes one: an mbuf is made of a header and a buffer when it
 * is taken, and comes apart when it is freed, so that a buffer can cross to
 * another thread while headers stay where they are (mbuf/packed.h).
 *
 * What is free lies in magazines (Bonwick): each thread has two of a class, and
 * swaps whole ones with the depot of the class, since frames are nearly always
 * freed on another thread than they were taken on. Taking and freeing within a
 * magazine touches nothing that another thread writes. What a thread that has
 * nothing to do keeps in its own is little of a limit, for nobody else has it.
 */
#ifndef EP_MBUF_POOL_H
#define EP_MBUF_POOL_H

#include <stdint.h>

#include "base/domain.h"
#include "mbuf/account.h"
#include "mbuf/mbuf.h"

struct ep_pool;

/* Make a pool with limits on its mbufs. Returns it, or NULL. */
struct ep_pool *ep_pool_create(
    struct ep_domain *dom, uint32_t small_max, uint32_t large_max);

/* Free it all. No mbuf may be out; threads must have been retired. */
void ep_pool_destroy(struct ep_pool *pool);

/* What a thread set aside goes back to the pool; it ends. */
void ep_pool_retire(struct ep_pool *pool, struct ep_thread *thr);

/* How many mbufs are out. Exact while no other thread uses the pool. */
uint64_t ep_pool_used(struct ep_pool *pool);

/* The calling thread's cache; NULL when there is no memory for one. */
struct ep_mcache *ep_mcache_self(struct ep_pool *pool);

/* The same of a thread that is known. */
struct ep_mcache *ep_mcache_make(struct ep_pool *pool, struct ep_thread *thr);

static inline struct ep_mcache *
ep_mcache_of(struct ep_pool *pool, struct ep_thread *thr)
{
	if (__builtin_expect(thr->mcache == NULL, 0))
		return ep_mcache_make(pool, thr);
	return thr->mcache;
}

#endif /* EP_MBUF_POOL_H */
