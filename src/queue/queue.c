/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/queue.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"

_Static_assert(offsetof(struct ep_queue, taken) == 64, "a line for who puts");
_Static_assert(sizeof(struct ep_queue) == 128, "and one for who takes");
_Static_assert(EP_CHUNK_MAX % 2 == 1, "put % 4 tells every fourth chunk");

void
ep_queue_init(struct ep_queue *q, uint32_t limit) EP_NO_TSA
{
	EP_ASSERT(limit > 0);
	*q = (struct ep_queue){ .is_idle = true, .limit = limit };
	ep_spin_init(&q->lock);
}

static void
free_ring(struct ep_chunk *first)
{
	struct ep_chunk *chunk = first, *next;

	do {
		next = chunk->next;
		free(chunk);
		chunk = next;
	} while (chunk != first);
}

void
ep_queue_fini(struct ep_queue *q) EP_NO_TSA
{
	EP_ASSERT(q->put == q->taken);
	if (q->tail != NULL)
		free_ring(q->tail);
	q->tail = NULL;
}

/* Grow the ring. The lock is given up to ask for memory. */
static bool
add_chunk(struct ep_queue *q) EP_REQUIRES(q->lock) EP_NO_TSA
{
	struct ep_chunk *chunk;

	ep_spin_unlock(&q->lock);
	chunk = aligned_alloc(64, sizeof(*chunk));
	ep_spin_lock(&q->lock);
	if (chunk == NULL)
		return false;
	if (q->tail != NULL) {
		chunk->next = q->tail->next;
		q->tail->next = chunk;
	} else {
		chunk->next = q->tail = chunk;
		ep_store_relaxed(&q->head, chunk);
	}
	q->chunks++;
	return true;
}

/* Go on to the next chunk, if the consumer has left that. */
static bool
next_chunk(struct ep_queue *q) EP_REQUIRES(q->lock)
{
	/* acquires what ep_queue_done() released (Q5) */
	if (q->tail == NULL || q->tail->next == ep_load_acquire(&q->head))
		return false;
	q->tail = q->tail->next;
	q->tail_used = 0;
	return true;
}

/* How many more may wait, of n. */
static unsigned
room_for(struct ep_queue *q, unsigned n) EP_REQUIRES(q->lock)
{
	uint32_t limit = ep_load_relaxed(&q->limit) +
			 ep_load_relaxed(&q->slack);
	uint32_t count = q->put - q->taken_seen;

	if (count + n <= limit)
		return n;
	q->taken_seen = ep_load_seq_cst(&q->taken);
	count = q->put - q->taken_seen;
	if (count >= limit)
		return 0;
	return limit - count < n ? limit - count : n;
}

/* Lines that are written next: the consumer has read them. */
static inline void
fetch_ahead(const struct ep_queue *q, unsigned n) EP_REQUIRES(q->lock)
{
	unsigned end = q->tail_used + n + 12;

	if (end > EP_CHUNK_MAX)
		end = EP_CHUNK_MAX;
	for (unsigned i = q->tail_used + 8; i < end; i += 4)
		ep_fetch_own(&q->tail->frames[i]);
}

/* The first frame of a chunk comes. An odd number of frames fills a chunk. */
static void
stamp(struct ep_queue *q, const struct ep_sched *clock) EP_REQUIRES(q->lock)
{
	q->tail->came_ns = q->put % 4 == 0 ? ep_sched_mono(clock)
					   : EP_CAME_UNKNOWN;
}

unsigned
ep_queue_put_locked(struct ep_queue *q, const struct ep_packed *frames,
    unsigned n, const struct ep_sched *clock, bool *wake, bool *short_of_memory)
{
	unsigned done = 0, part;

	*wake = *short_of_memory = false;
	while (done < n && (part = room_for(q, n - done)) > 0) {
		if (q->tail == NULL || q->tail_used == EP_CHUNK_MAX) {
			if (!next_chunk(q)) {
				if (add_chunk(q))
					continue; /* others may have come */
				*short_of_memory = true;
				break;
			}
		}
		if (q->tail_used == 0)
			stamp(q, clock);
		if (part > EP_CHUNK_MAX - q->tail_used)
			part = EP_CHUNK_MAX - q->tail_used;
		memcpy(&q->tail->frames[q->tail_used], &frames[done],
		    part * sizeof(*frames));
		q->tail_used = (uint8_t)(q->tail_used + part);
		/* acquired by ep_queue_take() */
		ep_store_release(&q->put, q->put + part);
		done += part;
		fetch_ahead(q, part);
		/* Before the lock is given up for the next chunk (Q2). */
		if (q->is_idle) {
			q->is_idle = false;
			*wake = true;
		}
	}
	return done;
}

void
ep_queue_take(struct ep_queue *q, struct ep_batch *batch)
{
	uint32_t put;

	EP_ASSERT(!q->is_running);
	q->is_running = true;
	/* Both lines at once; the first one to write, if we will lock it. */
	if (!q->was_busy)
		ep_fetch_own(q);
	if (q->head != NULL)
		__builtin_prefetch(&q->head->frames[q->head_used]);
	/* acquires what ep_queue_put_locked() released */
	put = ep_load_acquire(&q->put);
	*batch = (struct ep_batch){
		.chunk = q->head, .used = q->head_used, .left = put - q->taken
	};
	ep_store_seq_cst(&q->taken, put);
}

unsigned
ep_batch_next(struct ep_batch *batch, const struct ep_packed **frames)
{
	unsigned n;

	if (batch->left == 0)
		return 0;
	if (batch->used == EP_CHUNK_MAX) {
		batch->chunk = batch->chunk->next;
		batch->used = 0;
	}
	n = EP_CHUNK_MAX - batch->used;
	if (n > batch->left)
		n = batch->left;
	batch->came_ns = batch->used == 0 ? batch->chunk->came_ns
					  : EP_CAME_UNKNOWN;
	*frames = &batch->chunk->frames[batch->used];
	batch->used += n;
	batch->left -= n;
	return n;
}

/* Take chunks out of a ring that nobody uses. Gives a list of them. */
static struct ep_chunk *
trim(struct ep_queue *q) EP_REQUIRES(q->lock)
{
	struct ep_chunk *over = NULL;

	for (; q->chunks > EP_CHUNKS_KEPT; q->chunks--) {
		struct ep_chunk *chunk = q->tail->next;

		q->tail->next = chunk->next;
		chunk->next = over;
		over = chunk;
	}
	return over;
}

static void
free_list(struct ep_chunk *chunk)
{
	struct ep_chunk *next;

	for (; chunk != NULL; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
}

static enum ep_queue_end
become_idle(struct ep_queue *q) EP_REQUIRES(q->lock)
{
	q->is_idle = true;
	return q->is_left ? EP_QUEUE_LEFT : EP_QUEUE_IDLE;
}

enum ep_queue_end
ep_queue_done(struct ep_queue *q, const struct ep_batch *batch)
{
	enum ep_queue_end end = EP_QUEUE_OWED;
	uint32_t taken = q->taken;
	struct ep_chunk *over = NULL;

	EP_ASSERT(q->is_running && batch->left == 0);
	q->is_running = false;
	q->head_used = batch->used;
	/* acquired by next_chunk() */
	ep_store_release(&q->head, batch->chunk);
	/*
	 * One batch a run (contract 4.4): pairs that route to each other would
	 * otherwise keep the task busy for ever and starve its neighbours.
	 */
	q->was_busy = ep_load_relaxed(&q->put) != taken;
	if (q->was_busy)
		return EP_QUEUE_OWED;
	ep_spin_lock(&q->lock);
	if (q->put == taken) {
		over = trim(q);
		end = become_idle(q);
	}
	ep_spin_unlock(&q->lock);
	free_list(over);
	return end;
}

enum ep_queue_end
ep_queue_rest(struct ep_queue *q)
{
	enum ep_queue_end end;

	ep_spin_lock(&q->lock);
	end = become_idle(q);
	ep_spin_unlock(&q->lock);
	return end;
}

bool
ep_queue_leave(struct ep_queue *q)
{
	bool is_idle;

	ep_spin_lock(&q->lock);
	is_idle = q->is_idle;
	q->is_left = !is_idle;
	ep_spin_unlock(&q->lock);
	return is_idle;
}

void
ep_queue_purge(struct ep_queue *q, struct ep_batch *batch)
{
	/* Somebody may count still. */
	ep_spin_lock(&q->lock);
	*batch = (struct ep_batch){ .chunk = q->head,
		.used = q->head_used,
		.left = q->put - q->taken };
	ep_store_seq_cst(&q->taken, q->put);
	q->is_idle = true;
	ep_spin_unlock(&q->lock);
}

uint32_t
ep_queue_count(struct ep_queue *q)
{
	uint32_t count;

	ep_spin_lock(&q->lock);
	count = q->put - ep_load_seq_cst(&q->taken);
	ep_spin_unlock(&q->lock);
	return count;
}
