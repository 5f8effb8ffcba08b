/* SPDX-License-Identifier: BSD-2-Clause */
#include "impair/held.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/atomic.h"

#define HEAP_MIN 64u
#define AHEAD    16u /* frames fetched before they are taken */

static bool
before(const struct ep_held_at *a, const struct ep_held_at *b)
{
	return a->when_ns != b->when_ns ? a->when_ns < b->when_ns
					: a->order < b->order;
}

static bool
have_room(struct ep_held *held)
{
	uint32_t size = held->heap_size == 0 ? HEAP_MIN : held->heap_size * 2;
	struct ep_held_at *heap;

	if (held->heap_count < held->heap_size)
		return true;
	heap = realloc(held->heap, size * sizeof(struct ep_held_at));
	if (heap == NULL)
		return false;
	held->heap = heap;
	held->heap_size = size;
	return true;
}

static bool
heap_put(struct ep_held *held, const struct ep_held_at *at)
{
	uint32_t slot;

	if (!have_room(held))
		return false;
	slot = held->heap_count++;
	while (slot > 0 && before(at, &held->heap[(slot - 1) / 2])) {
		held->heap[slot] = held->heap[(slot - 1) / 2];
		slot = (slot - 1) / 2;
	}
	held->heap[slot] = *at;
	return true;
}

static struct epair_mbuf *
heap_take(struct ep_held *held)
{
	struct epair_mbuf *m = held->heap[0].m;
	struct ep_held_at last = held->heap[--held->heap_count];
	uint32_t slot = 0;

	for (;;) {
		uint32_t child = 2 * slot + 1;

		if (child + 1 < held->heap_count &&
		    before(&held->heap[child + 1], &held->heap[child]))
			child++;
		if (child >= held->heap_count ||
		    !before(&held->heap[child], &last))
			break;
		held->heap[slot] = held->heap[child];
		slot = child;
	}
	held->heap[slot] = last;
	return m;
}

/* Room for one more at the end of the line. */
static bool
line_grow(struct ep_held *held)
{
	struct ep_held_chunk *chunk = held->spare;

	if (held->last != NULL && held->to < EP_HELD_CHUNK)
		return true;
	held->spare = NULL;
	if (chunk == NULL)
		chunk = malloc(sizeof(*chunk));
	if (chunk == NULL)
		return false;
	chunk->next = NULL;
	if (held->last != NULL)
		held->last->next = chunk;
	else
		held->first = chunk;
	held->last = chunk;
	held->to = 0;
	return true;
}

static bool
line_put(struct ep_held *held, const struct ep_held_at *at)
{
	if (!line_grow(held))
		return false;
	held->last->at[held->to++] = *at;
	held->last_ns = at->when_ns;
	held->line_count++;
	return true;
}

static void
fetch_ahead(const struct ep_held *held)
{
	const struct ep_held_chunk *chunk = held->first;
	uint32_t i = held->from + AHEAD;

	if (held->line_count <= AHEAD)
		return;
	if (i >= EP_HELD_CHUNK) {
		chunk = chunk->next;
		i -= EP_HELD_CHUNK;
	}
	ep_fetch_own(chunk->at[i].m);
}

static struct epair_mbuf *
line_take(struct ep_held *held)
{
	struct ep_held_chunk *first = held->first;
	struct epair_mbuf *m = first->at[held->from].m;

	fetch_ahead(held);
	held->from++;
	if (--held->line_count == 0) {
		held->from = held->to = 0; /* of the one chunk that is left */
	} else if (held->from == EP_HELD_CHUNK) {
		held->first = first->next;
		held->from = 0;
		free(held->spare);
		held->spare = first;
	}
	return m;
}

bool
ep_held_put(struct ep_held *held, struct epair_mbuf *m, uint64_t when_ns)
{
	const struct ep_held_at at = { when_ns, held->next_order++, m };
	bool is_late = held->line_count == 0 || when_ns >= held->last_ns;

	if (!(is_late ? line_put(held, &at) : heap_put(held, &at)))
		return false;
	held->bytes += m->pktlen;
	return true;
}

/* What goes next; something is held. */
static const struct ep_held_at *
next_of(const struct ep_held *held)
{
	const struct ep_held_at *line = NULL;

	if (held->line_count == 0)
		return held->heap;
	line = &held->first->at[held->from];
	if (held->heap_count > 0 && before(held->heap, line))
		return held->heap;
	return line;
}

uint64_t
ep_held_next(const struct ep_held *held)
{
	return ep_held_count(held) == 0 ? UINT64_MAX : next_of(held)->when_ns;
}

struct epair_mbuf *
ep_held_take(struct ep_held *held, uint64_t now_ns)
{
	const struct ep_held_at *next;
	struct epair_mbuf *m;

	if (ep_held_count(held) == 0)
		return NULL;
	next = next_of(held);
	if (next->when_ns > now_ns)
		return NULL;
	m = next == held->heap ? heap_take(held) : line_take(held);
	held->bytes -= m->pktlen;
	return m;
}

void
ep_held_fini(struct ep_held *held)
{
	EP_ASSERT(ep_held_count(held) == 0);
	free(held->first); /* the only one */
	free(held->spare);
	free(held->heap);
	*held = (struct ep_held){ .heap = NULL };
}
