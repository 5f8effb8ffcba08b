/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/vhost/inflight.h"

#include <errno.h>
#include <stdlib.h>

#include "base/atomic.h"

/*
 * Stores in the order in which a successor relies on them. We and it do not run
 * at the same time, so it is the compiler that must not change it.
 */
#define STORE(p, v) ep_store_release((p), (v))

/* What was linked when we died, between giving back and saying so. */
static int
finish_batch(struct ep_vhost_inflight *area, unsigned size, uint16_t used_idx)
{
	uint16_t n = (uint16_t)(used_idx - ep_load_relaxed(&area->used_idx));
	uint16_t head = ep_load_relaxed(&area->last_batch_head);

	if (n > size)
		return -EPROTO;
	for (; n > 0; n--) {
		if (head >= size)
			return -EPROTO;
		STORE(&area->heads[head].inflight, 0);
		head = ep_load_relaxed(&area->heads[head].next);
	}
	STORE(&area->used_idx, used_idx);
	return 0;
}

static int
by_counter(const void *a, const void *b)
{
	uint64_t x = ((const struct ep_vhost_taken *)a)->counter;
	uint64_t y = ((const struct ep_vhost_taken *)b)->counter;

	return (x > y) - (x < y);
}

int
ep_vhost_inflight_begin(struct ep_vhost_inflight *area, unsigned size,
    uint16_t used_idx, struct ep_vhost_taken *taken, uint64_t *counter)
{
	unsigned n = 0;

	*counter = 0;
	if (ep_load_relaxed(&area->version) == 0) {
		/* Zeros: nobody has used it. */
		area->desc_num = (uint16_t)size;
		STORE(&area->used_idx, used_idx);
		STORE(&area->version, EP_VHOST_INFLIGHT_VERSION);
		return 0;
	}
	if (ep_load_relaxed(&area->version) != EP_VHOST_INFLIGHT_VERSION ||
	    ep_load_relaxed(&area->desc_num) != size ||
	    finish_batch(area, size, used_idx) != 0)
		return -EPROTO;
	for (unsigned i = 0; i < size; i++) {
		const struct ep_vhost_inflight_head *h = &area->heads[i];

		if (ep_load_relaxed(&h->inflight) != 1)
			continue;
		taken[n].counter = ep_load_relaxed(&h->counter);
		taken[n++].head = (uint16_t)i;
	}
	/* Sorted here, where nobody else can write. */
	qsort(taken, n, sizeof(taken[0]), by_counter);
	if (n > 0)
		*counter = taken[n - 1].counter + 1;
	return (int)n;
}

void
ep_vhost_inflight_take(
    struct ep_vhost_inflight *area, uint16_t head, uint64_t *counter)
{
	/* One that is taken again keeps its place: we may die before the next. */
	if (ep_load_relaxed(&area->heads[head].inflight) == 1)
		return;
	STORE(&area->heads[head].counter, (*counter)++);
	STORE(&area->heads[head].inflight, 1);
}

void
ep_vhost_inflight_give(struct ep_vhost_inflight *area, uint16_t head)
{
	STORE(&area->heads[head].next, ep_load_relaxed(&area->last_batch_head));
	STORE(&area->last_batch_head, head);
}

void
ep_vhost_inflight_given(struct ep_vhost_inflight *area, const uint16_t *heads,
    unsigned n, uint16_t used_idx)
{
	for (unsigned i = 0; i < n; i++)
		STORE(&area->heads[heads[i]].inflight, 0);
	STORE(&area->used_idx, used_idx);
}
