/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue/queue.h - the waiting frames of one bucket, and who must be woken.
 *
 * Many producers, one consumer task. The queue says *that* a run of the task
 * is owed; its caller pays it.
 *
 *	state      meaning                        left by
 *	IDLE       empty, nobody is coming        ep_queue_put_locked
 *	WAKING     a run of the task is owed      ep_queue_take, ep_queue_rest
 *	RUNNING    the consumer holds a batch     ep_queue_done
 *
 * Built as a ring of chunks, arrays of frames, which grows by one when all of
 * it is in use: an idle queue costs no more than it has needed lately. Between
 * two cores a line costs each time it changes sides, so producers and consumer
 * have a line each. Frames that were put, and frames that were taken, are two
 * numbers that run on for ever; a batch is what lies between, and the consumer
 * takes it by looking at the one and moving the other. It asks for the lock
 * only to become IDLE: so what comes while it delivers costs it nothing, and
 * whoever puts looks at the consumer's line only where the limit seems reached
 * or a chunk is full.
 *
 * To know how long frames wait, every fourth chunk says when its first frame
 * came: that is one look at the clock for 252 frames, and no other line than
 * what is read anyway.
 *
 * Invariants:
 *	Q1  put - taken <= limit + slack, unless these were lowered below it
 *	Q2  IDLE implies put == taken, unless the consumer gave up (rest)
 *	Q3  each move into WAKING is reported to exactly one caller
 *	Q4  frames of one producer leave in the order in which they came
 *	Q5  from head on to tail, chunks hold what is not yet done with, and
 *	    are written only behind it
 *
 * Locking: lock guards the fields of those who put. tests/model/queue.pml is
 * its model.
 */
#ifndef EP_QUEUE_QUEUE_H
#define EP_QUEUE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/lock.h"
#include "mbuf/packed.h"
#include "sched/sched.h"

#define EP_CHUNK_MAX   63u /* 16 cache lines with the head */
#define EP_CHUNKS_KEPT 4u /* when it becomes IDLE */

#define EP_CAME_UNKNOWN UINT64_MAX

struct ep_chunk {
	struct ep_chunk *next; /* round the ring; under the lock */
	uint64_t came_ns; /* its first frame, or EP_CAME_UNKNOWN */
	struct ep_packed frames[EP_CHUNK_MAX] __attribute__((aligned(16)));
};

struct ep_queue {
	/* Who puts: one line. */
	struct ep_spin lock;
	bool is_idle EP_GUARDED;
	bool is_left EP_GUARDED;
	uint8_t tail_used EP_GUARDED; /* frames ever put into tail */
	uint32_t put; /* atomic; written under lock */
	uint32_t taken_seen EP_GUARDED; /* taken was this, or is more */
	uint32_t limit; /* atomic */
	uint32_t slack; /* atomic: beyond it, for senders that are held back */
	uint32_t chunks EP_GUARDED; /* in the ring */
	struct ep_chunk *tail EP_GUARDED; /* NULL before the first frame */
	/*
	 * The caller's counters of what it put, here since who puts has this
	 * line: the sender's opackets and obytes, our ipackets.
	 */
	uint64_t packets EP_GUARDED;
	uint64_t bytes EP_GUARDED;
	uint64_t mcasts EP_GUARDED;

	/* Who takes: one line. */
	uint32_t taken __attribute__((aligned(64))); /* atomic */
	uint32_t head_used; /* of head */
	/* Where the batch began; between batches, where the next one does. */
	struct ep_chunk *head; /* atomic */
	bool is_running;
	bool was_busy; /* more had come when the last run ended */
};

/* What was taken, and not yet looked at. */
struct ep_batch {
	struct ep_chunk *chunk;
	uint32_t used; /* of chunk */
	uint32_t left;
	uint64_t came_ns; /* the first frame of the piece, if known */
};

void ep_queue_init(struct ep_queue *q, uint32_t limit);

/* Free its memory. It must be empty. */
void ep_queue_fini(struct ep_queue *q);

/*
 * Append frames, as many as there is room for, in order.
 *
 * Takes the first `returned` of them; the others are still the caller's. *wake
 * says whether the caller now owes the task a run. *short_of_memory says
 * whether it stopped for want of memory instead of room. clock is whose
 * ep_sched_mono() says when they come.
 *
 * Called with the lock held, which it may give up and take again.
 */
unsigned ep_queue_put_locked(struct ep_queue *q, const struct ep_packed *frames,
    unsigned n, const struct ep_sched *clock, bool *wake, bool *short_of_memory)
    EP_REQUIRES(q->lock);

/*
 * The place of the next frame, if there is one at hand and nothing is to be
 * stamped; NULL: ep_queue_put_locked() knows why. When a frame lies there, and
 * the lock was held all the time, ep_queue_placed() appends it. Returns whether
 * the caller now owes the task a run.
 */
static inline struct ep_packed *
ep_queue_place(struct ep_queue *q) EP_REQUIRES(q->lock)
{
	if (q->tail_used == 0 || q->tail_used == EP_CHUNK_MAX ||
	    q->put - q->taken_seen >= ep_load_relaxed(&q->limit))
		return NULL;
	return &q->tail->frames[q->tail_used];
}

static inline bool
ep_queue_placed(struct ep_queue *q) EP_REQUIRES(q->lock)
{
	bool wake = q->is_idle;

	q->tail_used++;
	if (q->tail_used + 7u < EP_CHUNK_MAX) /* the consumer has read it */
		ep_fetch_own(&q->tail->frames[q->tail_used + 7u]);
	q->is_idle = false;
	/* acquired by ep_queue_take() */
	ep_store_release(&q->put, q->put + 1);
	return wake;
}

/*
 * Take everything, and enter RUNNING. batch->left may be 0. What others did
 * before they saw room that this has made, is seen after it.
 */
void ep_queue_take(struct ep_queue *q, struct ep_batch *batch);

/*
 * The next frames of a batch that lie in one piece, oldest first, at *frames;
 * batch->came_ns says when the first of them came, or EP_CAME_UNKNOWN. They are
 * there until ep_queue_done(). Returns how many; 0 at the end.
 */
unsigned ep_batch_next(struct ep_batch *batch, const struct ep_packed **frames);

enum ep_queue_end {
	EP_QUEUE_IDLE, /* whoever puts or leaves may do so from now on */
	EP_QUEUE_OWED, /* another run */
	EP_QUEUE_LEFT, /* IDLE, and the consumer ends what hangs on it */
};

/*
 * End the run begun by take; the batch has been looked at to its end, and its
 * frames are somebody else's by now.
 */
enum ep_queue_end ep_queue_done(
    struct ep_queue *q, const struct ep_batch *batch);

/* Instead of the run that is owed: become IDLE, whatever waits. */
enum ep_queue_end ep_queue_rest(struct ep_queue *q);

/*
 * The owner goes. Returns true if the queue is IDLE: else the consumer is told,
 * by EP_QUEUE_LEFT, when it becomes so.
 */
bool ep_queue_leave(struct ep_queue *q);

/* Take everything, whatever the state, when nobody puts or takes any more. */
void ep_queue_purge(struct ep_queue *q, struct ep_batch *batch);

/* How many wait now. */
uint32_t ep_queue_count(struct ep_queue *q);

#endif /* EP_QUEUE_QUEUE_H */
