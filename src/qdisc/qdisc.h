/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * qdisc/qdisc.h - the contract of queue disciplines (ALTQ's place).
 *
 * After OpenBSD's ifq_ops: the discipline chooses what to keep, what to drop
 * and what goes next; the framework counts and frees. It is called with the
 * qdisc's lock held, by one thread at a time, and never calls out.
 *
 *	K1  a frame given to enqueue is kept or comes back as a victim, and is
 *	    given by dequeue or to ep_qdisc_give_up() once if kept
 *	K2  dequeue gives a frame whenever `held` is not 0, unless the
 *	    discipline shapes
 *	K3  a frame's held_ns is when it came and user[] the discipline's own,
 *	    until it leaves; where there are classes, user[1] is the frame's
 *	    when enqueue returns and from then on
 *
 * A discipline matters where something holds it back: frames stay in it while
 * the link of their direction is taken (impair/), and go through at once where
 * there is no rate.
 *
 * One file for each discipline, its table at the end, listed in kinds.c.
 */
#ifndef EP_QDISC_QDISC_H
#define EP_QDISC_QDISC_H

#include <stdint.h>

#include <epair/qdisc.h>

#include "base/lock.h"
#include "base/spec.h"
#include "mbuf/mbuf.h"
#include "sched/sched.h"

struct ep_qdisc;

struct ep_qdisc_ops {
	const char *name;
	const struct ep_opt *opts;
	size_t conf_size;
	const void *conf_default;
	/*
	 * Make one. Returns 0, or -ENOMEM; -EINVAL with a sentence for a conf
	 * that the table cannot refuse.
	 */
	int (*create)(
	    const void *conf, struct ep_qdisc **qd, struct epair_err *err);
	/* Free it; it holds nothing. */
	void (*destroy)(struct ep_qdisc *qd);
	/*
	 * Take m, which came at now_ns, and give back what is dropped for it:
	 * NULL, m itself, or another one that was held.
	 */
	struct epair_mbuf *(*enqueue)(
	    struct ep_qdisc *qd, struct epair_mbuf *m, uint64_t now_ns);
	/*
	 * The next frame to go, or NULL; asked until it is, whenever the link
	 * is free. now_ns is UINT64_MAX when the
	 * discipline is being emptied: then nothing is given up.
	 */
	struct epair_mbuf *(*dequeue)(struct ep_qdisc *qd, uint64_t now_ns);
	/*
	 * When it may give the next frame, after dequeue gave none and it
	 * holds some. NULL: it does not shape.
	 */
	uint64_t (*next)(struct ep_qdisc *qd);
	/* Fill what is its own. May be NULL. */
	void (*look)(struct ep_qdisc *qd, struct epair_qdisc_stats *stats);
};

/* What every discipline begins with. */
struct ep_qdisc {
	const struct ep_qdisc_ops *ops;
	unsigned classes; /* set by create: none, or how many */
	struct epair_if *ifp; /* its owner's, and so is the timer */
	struct ep_timer timer; /* of a discipline that shapes ... */
	uint64_t next_ns; /* ... under lock: when it last said it would go on */
	struct ep_mutex lock;
	struct epair_qdisc_stats stats; /* under lock: by the framework */
	uint32_t held; /* under lock: frames inside; kept by the framework */
	struct epair_mbuf *lost; /* under lock: given up, not yet collected */
	bool is_replaced; /* under lock: its place is another's, or nobody's */
};

/*
 * Make a discipline from text. Returns 0; -EINVAL naming what was wrong and
 * what is known; -ENOMEM.
 */
int ep_qdisc_create(
    const char *text, struct ep_qdisc **qd, struct epair_err *err);

/* Free it. It must hold nothing; see ep_qdisc_dequeue(). */
void ep_qdisc_destroy(struct ep_qdisc *qd);

/*
 * Hand it n frames. Those it gives up are at the front of victims, which has
 * room for n. Returns how many these are. *refused says whether any was refused
 * when it came, rather than given up later.
 */
unsigned ep_qdisc_enqueue(struct ep_qdisc *qd, struct epair_mbuf **ms,
    unsigned n, uint64_t now_ns, struct epair_mbuf **victims, bool *refused)
    EP_REQUIRES(qd->lock);

/* Take up to n frames that may go now, in the discipline's order. */
unsigned ep_qdisc_dequeue(struct ep_qdisc *qd, struct epair_mbuf **ms,
    unsigned n, uint64_t now_ns) EP_REQUIRES(qd->lock);

/* What it has done. */
void ep_qdisc_look(struct ep_qdisc *qd, struct epair_qdisc_stats *stats)
    EP_REQUIRES(qd->lock);

/* For disciplines: a frame was marked instead of dropped. */
static inline void
ep_qdisc_marked(struct ep_qdisc *qd)
{
	qd->stats.marked++;
}

/*
 * For disciplines: a frame that they held is not to go on. It is dropped when
 * the call that they are in has returned.
 */
void ep_qdisc_give_up(struct ep_qdisc *qd, struct epair_mbuf *m);

/*
 * Collect up to n of these, to be dropped; after each call of enqueue and
 * dequeue. Returns how many.
 */
unsigned ep_qdisc_given_up(struct ep_qdisc *qd, struct epair_mbuf **ms,
    unsigned n) EP_REQUIRES(qd->lock);

/*
 * Where disciplines keep frames: a ring that grows. (No list: the frames' next
 * pointers link the mbufs of a chain.)
 */
struct ep_ring {
	struct epair_mbuf **slots;
	uint32_t size; /* a power of two, or 0 */
	uint32_t first, count;
};

void ep_ring_fini(struct ep_ring *r);
/* Returns false when there was no memory to grow. */
bool ep_ring_put(struct ep_ring *r, struct epair_mbuf *m);
struct epair_mbuf *ep_ring_take(struct ep_ring *r);

#endif /* EP_QDISC_QDISC_H */
