/* SPDX-License-Identifier: BSD-2-Clause */
/* mbuf/pool_priv.h - what pool.c and account.c share. */
#ifndef EP_MBUF_POOL_PRIV_H
#define EP_MBUF_POOL_PRIV_H

#include "base/lock.h"
#include "mbuf/pool.h"

#define EP_MAG_MAX 64u

enum { EP_SMALL, EP_LARGE, EP_CLASSES };

struct ep_magazine {
	struct ep_magazine *next;
	uint32_t count;
	struct epair_mbuf *m[EP_MAG_MAX];
};

struct ep_slab {
	struct ep_slab *next;
	void *memory;
};

/* One class: the depot and where its mbufs come from. */
struct ep_depot {
	/* Constant: */
	uint32_t item_size; /* header and buffer */
	uint32_t buf_size;
	uint32_t mag_max; /* mbufs in a full magazine */
	uint32_t slab_items; /* mbufs made at once */
	uint32_t max;
	uint32_t flags; /* that its mbufs are born with */

	struct ep_spin lock __attribute__((aligned(64)));
	/* Under lock: */
	struct ep_magazine *full EP_GUARDED; /* also half full */
	struct ep_magazine *empty EP_GUARDED;
	struct epair_mbuf *loose EP_GUARDED; /* freed without a magazine */

	struct ep_mutex slab_lock;
	/* Under slab_lock: */
	struct ep_slab *slabs EP_GUARDED;
	uint32_t made; /* atomic; written under slab_lock */
};

struct ep_pool {
	struct ep_domain *dom;
	struct ep_depot depots[EP_CLASSES];
	struct ep_mutex accounts_lock;
	struct ep_account *accounts EP_GUARDED; /* given up */
};

/* A thread's magazines of a class. Both always there. */
struct ep_loaded {
	struct ep_magazine *now, *other;
};

struct ep_mcache {
	struct ep_pool *pool;
	struct ep_loaded loaded[EP_CLASSES];
	struct ep_stock stocks[EP_STOCKS];
};

#endif /* EP_MBUF_POOL_PRIV_H */
