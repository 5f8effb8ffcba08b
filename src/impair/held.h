/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * impair/held.h - frames under way.
 *
 * They come out by time, then in the order in which they went in. Those that
 * go in with a time not before the last one's stand in a line, which is all of
 * them while nothing overtakes; the others are in a heap.
 *
 * The line is a list of arrays, not of frames: at full speed more frames are
 * under way than any cache holds, and only what is known ahead can be fetched
 * ahead. So nothing is written into a frame either.
 *
 *	H1  the line is sorted by time and order
 *	H2  there is a last chunk whenever the line is not empty, and entries
 *	    from `from` of the first one to `to` of the last
 */
#ifndef EP_IMPAIR_HELD_H
#define EP_IMPAIR_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "mbuf/mbuf.h"

struct ep_held_at {
	uint64_t when_ns;
	uint64_t order;
	struct epair_mbuf *m;
};

#define EP_HELD_CHUNK 170u /* a page of them */

struct ep_held_chunk {
	struct ep_held_chunk *next;
	struct ep_held_at at[EP_HELD_CHUNK];
};

struct ep_held {
	struct ep_held_chunk *first, *last; /* of the line; or NULL */
	struct ep_held_chunk *spare; /* or NULL */
	uint32_t from, to, line_count;
	uint64_t last_ns; /* of the last in line */
	struct ep_held_at *heap; /* of heap_size, the first at [0] */
	uint32_t heap_count, heap_size;
	uint64_t bytes;
	uint64_t next_order;
};

/* Hold a frame until when_ns. Returns false when there was no memory. */
bool ep_held_put(struct ep_held *held, struct epair_mbuf *m, uint64_t when_ns);

/* The next whose time is not after now_ns; NULL if there is none. */
struct epair_mbuf *ep_held_take(struct ep_held *held, uint64_t now_ns);

/* When the next is due; UINT64_MAX if none is held. */
uint64_t ep_held_next(const struct ep_held *held);

static inline uint32_t
ep_held_count(const struct ep_held *held)
{
	return held->line_count + held->heap_count;
}

static inline uint64_t
ep_held_bytes(const struct ep_held *held)
{
	return held->bytes;
}

/* Free its memory. It must be empty. */
void ep_held_fini(struct ep_held *held);

#endif /* EP_IMPAIR_HELD_H */
