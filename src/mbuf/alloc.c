/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking mbufs and freeing them: from and into the calling thread's magazines,
 * and those from and to the depot, whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "mbuf/ext.h"
#include "mbuf/pool_priv.h"
#include "mbuf/tag.h"

/*
 * The items of a slab, none of them as far from the last as that was from the one
 * before: triangular numbers come to every place of a power of two once. Frames
 * are read in the order in which their buffers lie here. At one stride the
 * reader's core would fetch ahead by itself, and take from their writer the
 * lines that are being written.
 */
static uint32_t
scatter(
    const struct ep_depot *d, struct ep_slab *slab, uint32_t items, void **item)
{
	uint32_t places = 1, n = 0;

	while (places < items)
		places *= 2;
	for (uint32_t i = 0; i < places; i++) {
		uint32_t place = i * (i + 1) / 2 % places;

		if (place < items)
			item[n++] = slab->memory + (size_t)place * d->item_size;
	}
	return n;
}

/* Make a slab's worth of items into an empty magazine. */
static bool
make_slab(struct ep_depot *d, struct ep_magazine *mag)
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
		memory = aligned_alloc(EP_LINE, (size_t)d->item_size * items);
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

	ep_store_relaxed(&mag->count, scatter(d, slab, items, mag->item));
	return true;
}

/* All that another thread put into it, at once. */
static inline void
fetch_magazine(const struct ep_magazine *mag)
{
	for (unsigned i = 0; i < EP_MAG_MAX;
	     i += EP_LINE / sizeof(mag->item[0]))
		__builtin_prefetch(&mag->item[i]);
}

/* Have something in l->now, which is empty. */
static bool
refill(struct ep_depot *d, struct ep_loaded *l)
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
		empty->item[empty->count] = d->loose;
		ep_store_relaxed(&empty->count, empty->count + 1);
		d->loose = d->loose->next;
	}
	ep_spin_unlock(&d->lock);
	fetch_magazine(l->now);
	return got != NULL || empty->count > 0 || make_slab(d, empty);
}

static void
depot_put_loose(struct ep_depot *d, void *item)
{
	struct ep_loose *loose = item;

	ep_spin_lock(&d->lock);
	loose->next = d->loose;
	d->loose = loose;
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
	ep_depot_put(d, l->other);
	ep_store_release(&l->other, full);
	ep_store_release(&l->now, empty);
	return true;
}

/* Put an item where it is taken from; anywhere, if that takes memory. */
static inline void
put_item(struct ep_pool *pool, struct ep_mcache *mc, unsigned c, void *item)
{
	struct ep_depot *d = &pool->depots[c];
	struct ep_loaded *l;
	struct ep_magazine *mag;

	if (__builtin_expect(mc == NULL, 0)) {
		depot_put_loose(d, item);
		return;
	}
	l = &mc->loaded[c];
	if (l->now->count == d->mag_max && !make_room(d, l)) {
		depot_put_loose(d, item);
		return;
	}
	mag = l->now;
	mag->item[mag->count] = item;
	ep_store_relaxed(&mag->count, mag->count + 1);
}

static inline void
copy_items(void **to, void *const *from, unsigned n)
{
	memcpy(to, from, n * sizeof(*to));
}

/*
 * First octets of the buffers that are taken next, a burst of them: they were
 * freed by the other end's thread and are in its cache still. What is written
 * into one that has not come keeps all stores behind it waiting, and the next
 * atomic operation all of them.
 */
#define AHEAD 32u

/* Of those come into sight, AHEAD of what is left, since `was` were left. */
static inline void
fetch_ahead(const struct ep_magazine *mag, uint32_t was, uint32_t left)
{
	uint32_t top = was > AHEAD ? was - AHEAD : 0;
	uint32_t end = left > AHEAD ? left - AHEAD : 0;

	for (; top > end; top--)
		ep_fetch_own(
		    (const uint8_t *)mag->item[top - 1] + EPAIR_MBUF_HEADROOM);
}

/* One, if both magazines have what it is made of. */
static inline bool
alloc_alone(struct ep_pool *pool, struct ep_mcache *mc, struct epair_mbuf **mp,
    unsigned c)
{
	struct ep_magazine *headers = mc->loaded[EP_HEADER].now;
	struct ep_magazine *bufs = mc->loaded[c].now;
	uint32_t heads = headers->count, left = bufs->count;

	if (heads == 0 || left == 0)
		return false;
	*mp = headers->item[heads - 1];
	ep_header_fill(*mp, pool, bufs->item[left - 1],
	    (struct ep_piece){ .off = EPAIR_MBUF_HEADROOM,
		.flags = c == EP_LARGE ? EPAIR_M_LARGE : 0 });
	ep_store_relaxed(&headers->count, heads - 1);
	ep_store_relaxed(&bufs->count, left - 1);
	if (left > AHEAD)
		ep_fetch_own((const uint8_t *)bufs->item[left - 1 - AHEAD] +
			     EPAIR_MBUF_HEADROOM);
	return true;
}

static unsigned
alloc_burst(struct ep_pool *pool, struct ep_mcache *mc, struct epair_mbuf **ms,
    unsigned n, unsigned c)
{
	uint32_t flags = c == EP_LARGE ? EPAIR_M_LARGE : 0;
	struct ep_loaded *h = &mc->loaded[EP_HEADER], *l = &mc->loaded[c];
	unsigned got = 0;

	while (got < n) {
		struct ep_magazine *headers = h->now, *bufs = l->now;
		uint32_t heads = headers->count, left = bufs->count, was = left;
		uint32_t part;

		if (heads == 0 || left == 0) {
			if ((heads == 0 &&
				!refill(&pool->depots[EP_HEADER], h)) ||
			    (left == 0 && !refill(&pool->depots[c], l)))
				break;
			if (left == 0)
				fetch_ahead(l->now, l->now->count + AHEAD,
				    l->now->count);
			continue;
		}
		part = n - got < heads ? n - got : heads;
		part = part < left ? part : left;
		heads -= part;
		copy_items((void **)&ms[got], &headers->item[heads], part);
		for (unsigned end = got + part; got < end; got++)
			ep_header_fill(ms[got], pool, bufs->item[--left],
			    (struct ep_piece){
				.off = EPAIR_MBUF_HEADROOM, .flags = flags });
		ep_store_relaxed(&headers->count, heads);
		ep_store_relaxed(&bufs->count, left);
		fetch_ahead(bufs, was, left);
	}
	return got;
}

int
ep_mbuf_alloc(
    struct ep_pool *pool, struct epair_mbuf **ms, unsigned n, uint32_t size)
{
	unsigned c = size <= EPAIR_MBUF_SMALL ? EP_SMALL : EP_LARGE;
	struct ep_mcache *mc;

	if (size > EPAIR_MBUF_LARGE)
		return -EMSGSIZE;
	mc = ep_mcache_self(pool);
	if (mc == NULL)
		return 0;
	if (n == 1 && alloc_alone(pool, mc, ms, c))
		return 1;
	return (int)alloc_burst(pool, mc, ms, n, c);
}

unsigned
ep_headers_take(struct ep_pool *pool, struct ep_mcache *mc,
    struct epair_mbuf **ms, unsigned n)
{
	struct ep_loaded *l;
	unsigned got = 0;

	if (mc == NULL)
		return 0;
	l = &mc->loaded[EP_HEADER];
	while (got < n) {
		struct ep_magazine *mag = l->now;
		uint32_t left = mag->count, part;

		if (left == 0) {
			if (!refill(&pool->depots[EP_HEADER], l))
				break;
			continue;
		}
		part = n - got < left ? n - got : left;
		left -= part;
		copy_items((void **)&ms[got], &mag->item[left], part);
		ep_store_relaxed(&mag->count, left);
		got += part;
	}
	return got;
}

void
ep_headers_put(struct ep_pool *pool, struct ep_mcache *mc,
    struct epair_mbuf *const *ms, unsigned n)
{
	struct ep_magazine *mag = mc->loaded[EP_HEADER].now;
	uint32_t count = mag->count;

	if (EP_MAG_MAX - count < n) {
		for (unsigned i = 0; i < n; i++)
			put_item(pool, mc, EP_HEADER, ms[i]);
		return;
	}
	copy_items(&mag->item[count], (void *const *)ms, n);
	ep_store_relaxed(&mag->count, count + n);
}

void
ep_buffer_put(
    struct ep_pool *pool, struct ep_mcache *mc, uint8_t *buf, uint32_t flags)
{
	put_item(pool, mc, flags & EPAIR_M_LARGE ? EP_LARGE : EP_SMALL, buf);
}

/* What only few mbufs have. */
static void __attribute__((noinline)) free_extras(struct epair_mbuf *m)
{
	if (m->flags & EPAIR_M_TAGS)
		ep_tags_free(m);
	if (m->flags & EPAIR_M_EXT)
		m->buf = ep_ext_end(m->ext);
}

static inline void
free_one(struct ep_pool *pool, struct ep_mcache *mc, struct epair_mbuf *m)
{
	if (__builtin_expect(m->flags & (EPAIR_M_TAGS | EPAIR_M_EXT), 0))
		free_extras(m);
	if (m->account != NULL)
		ep_account_release(mc, m->account, 1);
	put_item(
	    pool, mc, m->flags & EPAIR_M_LARGE ? EP_LARGE : EP_SMALL, m->buf);
	put_item(pool, mc, EP_HEADER, m);
}

/*
 * Free the first few of a burst at once: those that are of one mbuf with a small
 * buffer, and charged to the same. Returns how many it was.
 */
static unsigned
free_alike(struct ep_pool *pool, struct ep_mcache *mc, struct epair_mbuf **ms,
    unsigned n)
{
	struct ep_magazine *headers, *bufs;
	struct ep_account *account;
	void **buf_at;
	unsigned i;
	uint32_t h, b, b_max;

	if (mc == NULL || ms[0] == NULL)
		return 0;
	b_max = pool->depots[EP_SMALL].mag_max;
	headers = mc->loaded[EP_HEADER].now;
	bufs = mc->loaded[EP_SMALL].now;
	h = headers->count;
	b = bufs->count;
	buf_at = &bufs->item[b];
	account = ms[0]->account;
	if (n > EP_MAG_MAX - h)
		n = EP_MAG_MAX - h;
	if (n > b_max - b)
		n = b_max - b;
	for (i = 0; i < n; i++) {
		struct epair_mbuf *m = ms[i];

		if (m == NULL || m->next != NULL || m->pool != pool ||
		    m->account != account ||
		    m->flags & (EPAIR_M_TAGS | EPAIR_M_EXT | EPAIR_M_LARGE))
			break;
		buf_at[i] = m->buf;
	}
	copy_items(&headers->item[h], (void *const *)ms, i);
	ep_store_relaxed(&headers->count, h + i);
	ep_store_relaxed(&bufs->count, b + i);
	if (account != NULL && i > 0)
		ep_account_release(mc, account, i);
	return i;
}

void
ep_mbuf_free(struct epair_mbuf **ms, unsigned n)
{
	struct ep_pool *pool = NULL;
	struct ep_mcache *mc = NULL;

	for (unsigned i = 0; i < n; i++) {
		struct epair_mbuf *m, *next;

		i += free_alike(pool, mc, ms + i, n - i);
		if (i == n)
			break;
		for (m = ms[i]; m != NULL; m = next) {
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
