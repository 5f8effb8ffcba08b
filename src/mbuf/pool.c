/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "mbuf/pool_priv.h"

/*
 * An odd number of cache lines, so that the first lines of a burst spread over
 * the sets of a cache instead of meeting in a few of them.
 */
#define ODD_LINES(n) ((((n) + EP_LINE - 1) / EP_LINE | 1u) * EP_LINE)

static const struct ep_depot classes[EP_CLASSES] = {
	[EP_SMALL] = {
		.item_size = ODD_LINES(EPAIR_MBUF_HEADROOM + EPAIR_MBUF_SMALL),
		.mag_max = EP_MAG_MAX,
		.slab_items = 64,
	},
	[EP_LARGE] = {
		.item_size = ODD_LINES(EPAIR_MBUF_HEADROOM + EPAIR_MBUF_LARGE),
		.mag_max = 8,
		.slab_items = 8,
	},
	[EP_HEADER] = {
		.item_size = ODD_LINES(sizeof(struct epair_mbuf)),
		.mag_max = EP_MAG_MAX,
		.slab_items = 64,
	},
};

/* Of how many that there may be a thread has one at most in a magazine. */
#define MAG_PART 256u

static void
depot_init(
    struct ep_depot *d, const struct ep_depot *class, uint32_t max) EP_NO_TSA
{
	uint32_t mag_max = max / MAG_PART > 0 ? max / MAG_PART : 1;

	*d = *class;
	d->max = max;
	if (mag_max < d->mag_max)
		d->mag_max = mag_max;
	if (mag_max < d->slab_items)
		d->slab_items = mag_max;
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
	struct ep_pool *pool = aligned_alloc(EP_LINE, sizeof(*pool));

	if (pool == NULL)
		return NULL;
	memset(pool, 0, sizeof(*pool));
	pool->dom = dom;
	depot_init(&pool->depots[EP_SMALL], &classes[EP_SMALL], small_max);
	depot_init(&pool->depots[EP_LARGE], &classes[EP_LARGE], large_max);
	/* As many as there are buffers that need one. */
	depot_init(&pool->depots[EP_HEADER], &classes[EP_HEADER], UINT32_MAX);
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

	return thr != NULL ? ep_mcache_of(pool, thr) : NULL;
}

struct ep_mcache *
ep_mcache_make(struct ep_pool *pool, struct ep_thread *thr)
{
	struct ep_mcache *mc = mcache_make(pool);

	/* acquired by tally_thread() */
	ep_store_release(&thr->mcache, mc);
	return mc;
}

void
ep_depot_put(struct ep_depot *d, struct ep_magazine *mag)
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
		ep_depot_put(&pool->depots[c], mc->loaded[c].now);
		ep_depot_put(&pool->depots[c], mc->loaded[c].other);
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

	/* acquires what ep_mcache_make() released */
	struct ep_mcache *mc = ep_load_acquire(&thr->mcache);

	for (unsigned c = 0; mc != NULL && c < EP_BUFFERS; c++) {
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
	for (unsigned c = 0; c < EP_BUFFERS; c++) {
		struct ep_depot *d = &pool->depots[c];

		made += ep_load_relaxed(&d->made);
		ep_spin_lock(&d->lock);
		for (struct ep_magazine *g = d->full; g != NULL; g = g->next)
			t.free += g->count;
		for (struct ep_loose *i = d->loose; i != NULL; i = i->next)
			t.free++;
		ep_spin_unlock(&d->lock);
	}
	return made - t.free;
}
