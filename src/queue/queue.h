/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue/queue.h - the waiting frames of one bucket, and who must be woken.
 *
 * Many producers, one consumer task. The queue says *that* a run of the task
 * is owed; its caller pays it.
 *
 *	state      meaning                        left by
 *	IDLE       empty, nobody is coming        ep_queue_put
 *	WAKING     a run of the task is owed      ep_queue_take
 *	RUNNING    the consumer holds a batch     ep_queue_done
 *
 * Built as a list of chunks, arrays of frames: the consumer takes all in one
 * step and can prefetch a whole chunk, which a list through the frames does
 * not allow; an idle queue costs no more than one chunk, which a ring would.
 *
 * Invariants:
 *	Q1  count <= limit + slack, unless these were lowered below it
 *	Q2  state == IDLE implies count == 0
 *	Q3  each move into WAKING is reported to exactly one caller
 *	Q4  frames of one producer leave in the order in which they came
 *
 * Locking: lock guards every field below it. tests/model/queue.pml is its
 * model.
 */
#ifndef EP_QUEUE_QUEUE_H
#define EP_QUEUE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/lock.h"
#include "mbuf/packed.h"

#define EP_CHUNK_MAX  63u /* 16 cache lines with the head */
#define EP_SPARES_MAX 8u /* chunks kept while in use; idle, one */

enum ep_queue_state {
	EP_QUEUE_IDLE,
	EP_QUEUE_WAKING,
	EP_QUEUE_RUNNING,
};

struct ep_chunk {
	struct ep_chunk *next;
	uint32_t count; /* once it is no longer the tail */
	struct ep_packed frames[EP_CHUNK_MAX];
};

struct ep_queue {
	struct ep_spin lock;
	enum ep_queue_state state EP_GUARDED;
	uint32_t count EP_GUARDED;
	uint32_t limit; /* atomic */
	uint32_t slack; /* atomic: beyond it, for senders that are held back */
	uint16_t spare_count EP_GUARDED;
	/* Frames in tail: here, since who puts has this line anyway. */
	uint16_t tail_count EP_GUARDED;
	struct ep_chunk *head EP_GUARDED, *tail EP_GUARDED;
	struct ep_chunk *spares EP_GUARDED;
};

void ep_queue_init(struct ep_queue *q, uint32_t limit);

/* Free its memory. It must be empty. */
void ep_queue_fini(struct ep_queue *q);

/*
 * Append frames, as many as there is room for, in order.
 *
 * Takes the first `returned` of them; the others are still the caller's. *wake
 * says whether the caller now owes the task a run. *short_of_memory says
 * whether it stopped for want of memory instead of room.
 *
 * Called with the lock held, which it may give up and take again.
 */
unsigned ep_queue_put_locked(struct ep_queue *q, const struct ep_packed *frames,
    unsigned n, bool *wake, bool *short_of_memory) EP_REQUIRES(q->lock);

/*
 * Take everything, oldest first, and enter RUNNING. May be NULL.
 */
struct ep_chunk *ep_queue_take(struct ep_queue *q);

/*
 * End the run begun by take, and give its chunks back, whose frames are
 * somebody else's by now. Returns true when another run is owed.
 */
bool ep_queue_done(struct ep_queue *q, struct ep_chunk *chunks);

/* Take everything, whatever the state, and enter IDLE. For the end. */
struct ep_chunk *ep_queue_purge(struct ep_queue *q);

/* Free chunks that ep_queue_purge() gave. */
void ep_queue_free_chunks(struct ep_chunk *chunks);

/* How many wait now. */
uint32_t ep_queue_count(struct ep_queue *q);

/* Assert Q2. */
void ep_queue_check(const struct ep_queue *q) EP_REQUIRES(q->lock);

#endif /* EP_QUEUE_QUEUE_H */
