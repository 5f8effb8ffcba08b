/* SPDX-License-Identifier: BSD-2-Clause */
#include "impair/held.h"

#include <stdlib.h>

#include "base/assert.h"

#define HEAP_MIN 64u

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
	held->heap_bytes += at->m->pktlen;
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
	held->heap_bytes -= m->pktlen;
	return m;
}

bool
ep_held_put(struct ep_held *held, struct epair_mbuf *m, uint64_t when_ns)
{
	const struct ep_held_at at = { when_ns, held->next_order++, m };

	if (held->line.last != NULL && when_ns < held->line.last->held_ns)
		return heap_put(held, &at);
	m->held_ns = when_ns;
	m->user[1] = at.order;
	ep_line_put(&held->line, m);
	return true;
}

static bool
heap_is_next(const struct ep_held *held)
{
	const struct epair_mbuf *m = held->line.first;
	struct ep_held_at at;

	if (held->heap_count == 0 || m == NULL)
		return m == NULL;
	at = (struct ep_held_at){ .when_ns = m->held_ns, .order = m->user[1] };
	return before(&held->heap[0], &at);
}

uint64_t
ep_held_next(const struct ep_held *held)
{
	if (ep_held_count(held) == 0)
		return UINT64_MAX;
	return heap_is_next(held) ? held->heap[0].when_ns
				  : held->line.first->held_ns;
}

struct epair_mbuf *
ep_held_take(struct ep_held *held, uint64_t now_ns)
{
	if (ep_held_count(held) == 0 || ep_held_next(held) > now_ns)
		return NULL;
	return heap_is_next(held) ? heap_take(held) : ep_line_take(&held->line);
}

void
ep_held_fini(struct ep_held *held)
{
	EP_ASSERT(ep_held_count(held) == 0);
	free(held->heap);
	*held = (struct ep_held){ .heap = NULL };
}
