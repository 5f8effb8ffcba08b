/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/queue.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"

void
ep_queue_init(struct ep_queue *q, uint32_t limit) EP_NO_TSA
{
	EP_ASSERT(limit > 0);
	*q = (struct ep_queue){ .state = EP_QUEUE_IDLE, .limit = limit };
	ep_spin_init(&q->lock);
}

void
ep_queue_free_chunks(struct ep_chunk *chunks)
{
	struct ep_chunk *next;

	for (; chunks != NULL; chunks = next) {
		next = chunks->next;
		free(chunks);
	}
}

void
ep_queue_fini(struct ep_queue *q) EP_NO_TSA
{
	EP_ASSERT(q->count == 0);
	ep_queue_free_chunks(q->head);
	ep_queue_free_chunks(q->spares);
	q->head = q->tail = q->spares = NULL;
}

/* An empty chunk behind the tail. The lock is given up to ask for memory. */
static struct ep_chunk *
add_chunk(struct ep_queue *q) EP_REQUIRES(q->lock) EP_NO_TSA
{
	struct ep_chunk *chunk = q->spares;

	if (chunk != NULL) {
		q->spares = chunk->next;
		q->spare_count--;
	} else {
		ep_queue_check(q);
		ep_spin_unlock(&q->lock);
		chunk = aligned_alloc(64, sizeof(*chunk));
		ep_spin_lock(&q->lock);
		if (chunk == NULL)
			return NULL;
	}
	chunk->next = NULL;
	if (q->tail != NULL) {
		q->tail->count = q->tail_count;
		q->tail->next = chunk;
	} else {
		q->head = chunk;
	}
	q->tail = chunk;
	q->tail_count = 0;
	return chunk;
}

unsigned
ep_queue_put_locked(struct ep_queue *q, const struct ep_packed *frames,
    unsigned n, bool *wake, bool *short_of_memory)
{
	uint32_t limit = ep_load_relaxed(&q->limit) +
			 ep_load_relaxed(&q->slack);
	unsigned done = 0;

	*wake = *short_of_memory = false;
	while (done < n && q->count < limit) {
		unsigned room;

		if (q->tail == NULL || q->tail_count == EP_CHUNK_MAX) {
			if (add_chunk(q) == NULL) {
				*short_of_memory = true;
				break;
			}
			continue; /* look again: others may have come */
		}
		room = EP_CHUNK_MAX - q->tail_count;
		if (room > limit - q->count)
			room = limit - q->count;
		if (room > n - done)
			room = n - done;
		memcpy(&q->tail->frames[q->tail_count], &frames[done],
		    room * sizeof(*frames));
		q->tail_count = (uint16_t)(q->tail_count + room);
		q->count += room;
		done += room;
		/* Before the lock is given up for the next chunk (Q2). */
		if (q->state == EP_QUEUE_IDLE) {
			q->state = EP_QUEUE_WAKING;
			*wake = true;
		}
	}
	return done;
}

static struct ep_chunk *
take_locked(struct ep_queue *q) EP_REQUIRES(q->lock)
{
	struct ep_chunk *chunks = q->head;

	if (q->tail != NULL)
		q->tail->count = q->tail_count;
	q->head = q->tail = NULL;
	q->count = 0;
	return chunks;
}

struct ep_chunk *
ep_queue_take(struct ep_queue *q)
{
	struct ep_chunk *chunks;

	ep_spin_lock(&q->lock);
	EP_ASSERT(q->state == EP_QUEUE_WAKING);
	chunks = take_locked(q);
	q->state = EP_QUEUE_RUNNING;
	ep_spin_unlock(&q->lock);
	return chunks;
}

/* Keep a few chunks; what is over is for the caller to free. */
static struct ep_chunk *
keep_spares(struct ep_queue *q, struct ep_chunk *chunks, unsigned max)
    EP_REQUIRES(q->lock)
{
	struct ep_chunk *over, *next;

	for (; chunks != NULL && q->spare_count < max; chunks = next) {
		next = chunks->next;
		chunks->next = q->spares;
		q->spares = chunks;
		q->spare_count++;
	}
	over = chunks;
	while (q->spare_count > max) {
		struct ep_chunk *spare = q->spares;

		q->spares = spare->next;
		q->spare_count--;
		spare->next = over;
		over = spare;
	}
	return over;
}

bool
ep_queue_done(struct ep_queue *q, struct ep_chunk *chunks)
{
	bool again;

	ep_spin_lock(&q->lock);
	EP_ASSERT(q->state == EP_QUEUE_RUNNING);
	/*
	 * One batch a run (contract 4.4): pairs that route to each other would
	 * otherwise keep the task busy for ever and starve its neighbours.
	 */
	again = q->count > 0;
	q->state = again ? EP_QUEUE_WAKING : EP_QUEUE_IDLE;
	chunks = keep_spares(q, chunks, again ? EP_SPARES_MAX : 1);
	ep_queue_check(q);
	ep_spin_unlock(&q->lock);

	ep_queue_free_chunks(chunks);
	return again;
}

struct ep_chunk *
ep_queue_purge(struct ep_queue *q)
{
	struct ep_chunk *chunks;

	ep_spin_lock(&q->lock);
	chunks = take_locked(q);
	q->state = EP_QUEUE_IDLE;
	ep_spin_unlock(&q->lock);
	return chunks;
}

uint32_t
ep_queue_count(struct ep_queue *q)
{
	uint32_t count;

	ep_spin_lock(&q->lock);
	count = q->count;
	ep_spin_unlock(&q->lock);
	return count;
}

void
ep_queue_check(const struct ep_queue *q)
{
	if (q->state == EP_QUEUE_IDLE)
		EP_ASSERT(q->count == 0);
}
