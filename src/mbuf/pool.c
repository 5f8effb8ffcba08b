/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "mbuf/ext.h"
#include "mbuf/pool_priv.h"
#include "mbuf/tag.h"

/*
 * An odd number of cache lines, so that the headers of a burst spread over the
 * sets of a cache instead of meeting in a few of them.
 */
#define LINE         64u
#define ODD_LINES(n) ((((n) + LINE - 1) / LINE | 1u) * LINE)

static const struct ep_depot classes[EP_CLASSES] = {
	[EP_SMALL] = {
		.buf_size = EPAIR_MBUF_HEADROOM + EPAIR_MBUF_SMALL,
		.mag_max = EP_MAG_MAX,
		.slab_items = EP_MAG_MAX,
	},
	[EP_LARGE] = {
		.buf_size = EPAIR_MBUF_HEADROOM + EPAIR_MBUF_LARGE,
		.mag_max = 8,
		.slab_items = 8,
		.flags = EPAIR_M_LARGE,
	},
};

static void
depot_init(
    struct ep_depot *d, const struct ep_depot *class, uint32_t max) EP_NO_TSA
{
	*d = *class;
	d->item_size = ODD_LINES(
	    (uint32_t)sizeof(struct epair_mbuf) + d->buf_size);
	d->max = max;
	ep_spin_init(&d->lock);
	ep_mutex_init(&d->slab_lock);
}

static void
free_magazines(struct ep_magazine *mag)
{
	struct ep_magazine *next;

	for (; mag != NULL; mag = next) {
		next = mag->next;
		free(mag);
	}
}

static void
depot_fini(struct ep_depot *d) EP_NO_TSA
{
	struct ep_slab *slab, *next;

	free_magazines(d->full);
	free_magazines(d->empty);
	for (slab = d->slabs; slab != NULL; slab = next) {
		next = slab->next;
		free(slab->memory);
		free(slab);
	}
	ep_mutex_fini(&d->slab_lock);
}

struct ep_pool *
ep_pool_create(struct ep_domain *dom, uint32_t small_max, uint32_t large_max)
{
	struct ep_pool *pool = aligned_alloc(LINE, sizeof(*pool));

	if (pool == NULL)
		return NULL;
	memset(pool, 0, sizeof(*pool));
	pool->dom = dom;
	depot_init(&pool->depots[EP_SMALL], &classes[EP_SMALL], small_max);
	depot_init(&pool->depots[EP_LARGE], &classes[EP_LARGE], large_max);
	ep_mutex_init(&pool->accounts_lock);
	return pool;
}

void
ep_pool_destroy(struct ep_pool *pool) EP_NO_TSA
{
	struct ep_account *acct;

	for (unsigned c = 0; c < EP_CLASSES; c++)
		depot_fini(&pool->depots[c]);
	while ((acct = pool->accounts) != NULL) {
		pool->accounts = acct->next;
		free(acct);
	}
	ep_mutex_fini(&pool->accounts_lock);
	free(pool);
}

/* Threads' caches. */

static struct ep_mcache *
mcache_make(struct ep_pool *pool)
{
	struct ep_mcache *mc = calloc(1, sizeof(*mc));
	bool all = mc != NULL;

	for (unsigned c = 0; all && c < EP_CLASSES; c++) {
		struct ep_loaded *l = &mc->loaded[c];

		l->now = calloc(1, sizeof(*l->now));
		l->other = calloc(1, sizeof(*l->other));
		all = l->now != NULL && l->other != NULL;
	}
	if (!all) {
		for (unsigned c = 0; mc != NULL && c < EP_CLASSES; c++) {
			free(mc->loaded[c].now);
			free(mc->loaded[c].other);
		}
		free(mc);
		return NULL;
	}
	mc->pool = pool;
	return mc;
}

struct ep_mcache *
ep_mcache_self(struct ep_pool *pool)
{
	struct ep_thread *thr = ep_thread_self(pool->dom);

	if (thr == NULL)
		return NULL;
	if (__builtin_expect(thr->mcache == NULL, 0))
		ep_store_release(&thr->mcache, mcache_make(pool));
	return thr->mcache;
}

/* Magazines that still hold something go to the front of `full`. */
static void
depot_put(struct ep_depot *d, struct ep_magazine *mag)
{
	ep_spin_lock(&d->lock);
	if (mag->count > 0) {
		mag->next = d->full;
		d->full = mag;
	} else {
		mag->next = d->empty;
		d->empty = mag;
	}
	ep_spin_unlock(&d->lock);
}

void
ep_pool_retire(struct ep_pool *pool, struct ep_thread *thr)
{
	struct ep_mcache *mc = thr->mcache;

	if (mc == NULL)
		return;
	thr->mcache = NULL;
	ep_account_flush(mc);
	for (unsigned c = 0; c < EP_CLASSES; c++) {
		depot_put(&pool->depots[c], mc->loaded[c].now);
		depot_put(&pool->depots[c], mc->loaded[c].other);
	}
	free(mc);
}

struct tally {
	struct ep_pool *pool;
	uint64_t free;
};

static void
tally_thread(void *arg, struct ep_thread *thr)
{
	struct tally *t = arg;

	/* acquires what ep_mcache_self() released */
	struct ep_mcache *mc = ep_load_acquire(&thr->mcache);

	for (unsigned c = 0; mc != NULL && c < EP_CLASSES; c++) {
		struct ep_loaded *l = &mc->loaded[c];

		/* acquires where it was made, in make_room() */
		t->free += ep_load_relaxed(&ep_load_acquire(&l->now)->count) +
			   ep_load_relaxed(&ep_load_acquire(&l->other)->count);
	}
}

uint64_t
ep_pool_used(struct ep_pool *pool)
{
	struct tally t = { .pool = pool };
	uint64_t made = 0;

	ep_domain_each(pool->dom, tally_thread, &t);
	for (unsigned c = 0; c < EP_CLASSES; c++) {
		struct ep_depot *d = &pool->depots[c];

		made += ep_load_relaxed(&d->made);
		ep_spin_lock(&d->lock);
		for (struct ep_magazine *g = d->full; g != NULL; g = g->next)
			t.free += g->count;
		for (struct epair_mbuf *m = d->loose; m != NULL; m = m->next)
			t.free++;
		ep_spin_unlock(&d->lock);
	}
	return made - t.free;
}

/* Make a slab's worth of mbufs into an empty magazine. */
static bool
make_slab(struct ep_pool *pool, struct ep_depot *d, struct ep_magazine *mag)
{
	struct ep_slab *slab = NULL;
	uint8_t *memory = NULL;
	uint32_t items;

	ep_lock(&d->slab_lock);
	items = d->max - d->made;
	if (items > d->slab_items)
		items = d->slab_items;
	if (items > 0) {
		slab = malloc(sizeof(*slab));
		memory = aligned_alloc(LINE, (size_t)d->item_size * items);
	}
	if (slab == NULL || memory == NULL) {
		ep_unlock(&d->slab_lock);
		free(slab);
		free(memory);
		return false;
	}
	slab->memory = memory;
	slab->next = d->slabs;
	d->slabs = slab;
	ep_store_relaxed(&d->made, d->made + items);
	ep_unlock(&d->slab_lock);

	for (uint32_t i = 0; i < items; i++) {
		struct epair_mbuf *m = (void *)(memory +
						(size_t)i * d->item_size);

		m->pool = pool;
		m->flags = d->flags;
		mag->m[i] = m;
	}
	ep_store_relaxed(&mag->count, items);
	return true;
}

/* Have something in l->now, which is empty. */
static bool
refill(struct ep_pool *pool, struct ep_depot *d, struct ep_loaded *l)
{
	struct ep_magazine *got, *empty = l->now;

	if (l->other->count > 0) {
		ep_store_release(&l->now, l->other);
		ep_store_release(&l->other, empty);
		return true;
	}
	ep_spin_lock(&d->lock);
	got = d->full;
	if (got != NULL) {
		d->full = got->next;
		empty->next = d->empty;
		d->empty = empty;
		ep_store_release(&l->now, got);
	}
	while (got == NULL && d->loose != NULL && empty->count < d->mag_max) {
		empty->m[empty->count] = d->loose;
		ep_store_relaxed(&empty->count, empty->count + 1);
		d->loose = d->loose->next;
	}
	ep_spin_unlock(&d->lock);
	return got != NULL || empty->count > 0 || make_slab(pool, d, empty);
}

static void
depot_put_loose(struct ep_depot *d, struct epair_mbuf *m)
{
	ep_spin_lock(&d->lock);
	m->next = d->loose;
	d->loose = m;
	ep_spin_unlock(&d->lock);
}

/* Have room in l->now, which is full. False: not even an empty magazine. */
static bool
make_room(struct ep_depot *d, struct ep_loaded *l)
{
	struct ep_magazine *full = l->now, *empty;

	if (l->other->count < d->mag_max) {
		ep_store_release(&l->now, l->other);
		ep_store_release(&l->other, full);
		return true;
	}
	ep_spin_lock(&d->lock);
	empty = d->empty;
	if (empty != NULL)
		d->empty = empty->next;
	ep_spin_unlock(&d->lock);
	if (empty == NULL)
		empty = malloc(sizeof(*empty));
	if (empty == NULL)
		return false;
	ep_store_relaxed(&empty->count, 0);
	/* Of the two full ones the older goes. */
	depot_put(d, l->other);
	ep_store_release(&l->other, full);
	ep_store_release(&l->now, empty);
	return true;
}

/* The first line of a fresh mbuf, written whole. */
static inline void
fresh(struct epair_mbuf *m, struct ep_pool *pool, uint32_t flags)
{
	m->next = NULL;
	m->data = (uint8_t *)(m + 1) + EPAIR_MBUF_HEADROOM;
	m->len = 0;
	m->pktlen = 0;
	m->flags = flags;
	m->hash = 0;
	m->rcvif = 0;
	m->fib = 0;
	m->hashtype = 0;
	m->gso = 0;
	m->csum_start = 0;
	m->csum_offset = 0;
	m->gso_size = 0;
	m->hdr_len = 0;
	m->account = NULL;
	m->pool = pool;
}

/*
 * Header and first octets of the mbufs that are taken next: they were freed by
 * the other end's thread and are in its cache still. More of them do not pay.
 */
#define AHEAD 4u

static inline void
fetch_ahead(const struct ep_magazine *mag, uint32_t left)
{
	for (uint32_t i = 1; i <= AHEAD && i <= left; i++) {
		const struct epair_mbuf *m = mag->m[left - i];

		ep_fetch_own(m);
		ep_fetch_own((const uint8_t *)(m + 1) + EPAIR_MBUF_HEADROOM);
	}
}

int
ep_mbuf_alloc(
    struct ep_pool *pool, struct epair_mbuf **ms, unsigned n, uint32_t size)
{
	unsigned c = size <= EPAIR_MBUF_SMALL ? EP_SMALL : EP_LARGE, got = 0;
	struct ep_depot *d = &pool->depots[c];
	struct ep_mcache *mc;
	struct ep_loaded *l;

	if (size > EPAIR_MBUF_LARGE)
		return -EMSGSIZE;
	mc = ep_mcache_self(pool);
	if (mc == NULL)
		return 0;
	l = &mc->loaded[c];
	while (got < n) {
		struct ep_magazine *mag = l->now;
		uint32_t left = mag->count;

		if (left == 0) {
			if (!refill(pool, d, l))
				break;
			continue;
		}
		for (; left > 0 && got < n; got++) {
			ms[got] = mag->m[--left];
			fresh(ms[got], pool, d->flags);
		}
		ep_store_relaxed(&mag->count, left);
		fetch_ahead(mag, left);
	}
	return (int)got;
}

/* What only few mbufs have. */
static void __attribute__((noinline)) free_extras(struct epair_mbuf *m)
{
	if (m->flags & EPAIR_M_TAGS)
		ep_tags_free(m);
	if (m->flags & EPAIR_M_EXT)
		ep_ext_put(m->ext);
}

static inline void
free_one(struct ep_pool *pool, struct ep_mcache *mc, struct epair_mbuf *m)
{
	unsigned c = m->flags & EPAIR_M_LARGE ? EP_LARGE : EP_SMALL;
	struct ep_depot *d = &pool->depots[c];
	struct ep_loaded *l;
	struct ep_magazine *mag;

	if (__builtin_expect(m->flags & (EPAIR_M_TAGS | EPAIR_M_EXT), 0))
		free_extras(m);
	if (m->account != NULL)
		ep_account_release(mc, m->account, 1);
	if (__builtin_expect(mc == NULL, 0)) {
		depot_put_loose(d, m);
		return;
	}
	l = &mc->loaded[c];
	if (l->now->count == d->mag_max && !make_room(d, l)) {
		depot_put_loose(d, m);
		return;
	}
	mag = l->now;
	mag->m[mag->count] = m;
	ep_store_relaxed(&mag->count, mag->count + 1);
}

void
ep_mbuf_free(struct epair_mbuf **ms, unsigned n)
{
	struct ep_pool *pool = NULL;
	struct ep_mcache *mc = NULL;

	for (unsigned i = 0; i < n; i++) {
		struct epair_mbuf *m = ms[i], *next;

		for (; m != NULL; m = next) {
			next = m->next;
			EP_DEBUG(m->pool != NULL);
			if (m->pool != pool) {
				pool = m->pool;
				mc = ep_mcache_self(pool);
			}
			free_one(pool, mc, m);
		}
	}
}
