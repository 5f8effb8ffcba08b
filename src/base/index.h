/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/index.h - numbers in use, lowest free first: units and indexes.
 *
 * A bitmap that grows, with a hint below which nothing is free. The caller
 * serialises.
 */
#ifndef EP_BASE_INDEX_H
#define EP_BASE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

struct ep_index {
	uint64_t *words;
	uint32_t word_count;
	uint32_t full_below; /* every word before this one is full */
	uint32_t max; /* highest number there is */
};

void ep_index_init(struct ep_index *ix, uint32_t max);
void ep_index_fini(struct ep_index *ix);

/*
 * The lowest free number from `from` on, now in use.
 * Returns 0, -ENOSPC when none is left, -ENOMEM.
 */
int ep_index_take(struct ep_index *ix, uint32_t from, uint32_t *n);

/* Take n. Returns 0, -EEXIST, -ENOSPC above max, -ENOMEM. */
int ep_index_take_at(struct ep_index *ix, uint32_t n);

/* Give n back. It must be in use. */
void ep_index_put(struct ep_index *ix, uint32_t n);

bool ep_index_has(const struct ep_index *ix, uint32_t n);

#endif /* EP_BASE_INDEX_H */
