/* SPDX-License-Identifier: BSD-2-Clause */
/* mbuf/pool_priv.h - what is behind pool.h, for the files of mbuf/. */
#ifndef EP_MBUF_POOL_PRIV_H
#define EP_MBUF_POOL_PRIV_H

#include "base/lock.h"
#include "mbuf/pool.h"

#define EP_MAG_MAX 128u

/* Buffers, and what they are described by. */
enum { EP_SMALL, EP_LARGE, EP_BUFFERS, EP_HEADER = EP_BUFFERS, EP_CLASSES };

struct ep_magazine {
	struct ep_magazine *next;
	uint32_t count;
	void *item[EP_MAG_MAX];
};

/* The first octets of an item that lies in no magazine. */
struct ep_loose {
	struct ep_loose *next;
};

struct ep_slab {
	struct ep_slab *next;
	uint8_t *memory;
};

/* One class: the depot and where its items come from. */
struct ep_depot {
	/* Constant: */
	uint32_t item_size;
	uint32_t mag_max; /* items in a full magazine */
	uint32_t slab_items; /* items made at once */
	uint32_t max;

	struct ep_spin lock __attribute__((aligned(64)));
	/* Under lock: */
	struct ep_magazine *full EP_GUARDED; /* also half full */
	struct ep_magazine *empty EP_GUARDED;
	struct ep_loose *loose EP_GUARDED; /* freed without a magazine */

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

/* Magazines that still hold something go to the front of `full`. */
void ep_depot_put(struct ep_depot *d, struct ep_magazine *mag);

/* What of a buffer is a frame, and whose. */
struct ep_piece {
	uint32_t off, len, flags, rcvif;
	struct ep_account *account;
};

/* The first line of a header, written whole, and its buffer. */
static inline void
ep_header_fill(struct epair_mbuf *m, struct ep_pool *pool, uint8_t *buf,
    struct ep_piece piece)
{
	m->next = NULL;
	m->data = buf + piece.off;
	m->len = piece.len;
	m->pktlen = piece.len;
	m->flags = piece.flags;
	m->hash = 0;
	m->rcvif = piece.rcvif;
	m->fib = 0;
	m->hashtype = 0;
	m->gso = 0;
	m->csum_start = 0;
	m->csum_offset = 0;
	m->gso_size = 0;
	m->hdr_len = 0;
	m->account = piece.account;
	m->pool = pool;
	m->buf = buf;
}

/* Headers without their buffers; mc is the calling thread's. */
unsigned ep_headers_take(struct ep_pool *pool, struct ep_mcache *mc,
    struct epair_mbuf **ms, unsigned n);
void ep_headers_put(struct ep_pool *pool, struct ep_mcache *mc,
    struct epair_mbuf *const *ms, unsigned n);

/* Buffers without their headers; mc may be NULL. flags: EPAIR_M_LARGE. */
void ep_buffer_put(
    struct ep_pool *pool, struct ep_mcache *mc, uint8_t *buf, uint32_t flags);

#endif /* EP_MBUF_POOL_PRIV_H */
