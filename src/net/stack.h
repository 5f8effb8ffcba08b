/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/stack.h - what stands behind an interface, as the driver sees it.
 *
 * Attachments embed a struct ep_stack as their first member. It is counted:
 * being attached holds it once, each delivery and each `changed` call holds it
 * for as long as it runs, and when the last hold is put `release` is called,
 * once, on that thread, with no lock held. A detach outside of callbacks waits
 * for that; one from a callback of the same stack does not.
 *
 * Invariants:
 *	T1  no call of ops begins after release
 *	T2  receive and changed are never called with a lock held or in an
 *	    epoch section
 *	T3  an interface has at most one stack
 */
#ifndef EP_NET_STACK_H
#define EP_NET_STACK_H

#include <stdbool.h>
#include <stdint.h>

#include "net/ifnet.h"

#include "sched/sched.h"

struct ep_stack;
struct epair_fd;
struct epair_if;
struct epair_mbuf;
struct epair_vnet;

struct ep_stack_ops {
	const char *kind; /* "tap" */
	/*
	 * Begin to transmit: called once, after the stack was published, with
	 * no lock held. What changed since create looked at the interface was
	 * told to nobody: look again. May be NULL.
	 */
	void (*start)(struct ep_stack *st);
	/*
	 * Take n >= 1 frames that arrived in bucket `queue`. They are its own:
	 * it frees them, keeps them, transmits them, or drops them by
	 * ep_drop(st->ifp, ..., EPAIR_DROP_RX_STACK_*).
	 */
	void (*receive)(struct ep_stack *st, struct epair_mbuf **ms, unsigned n,
	    unsigned queue);
	/* EPAIR_CHANGED_* happened to st->ifp. May be NULL. */
	void (*changed)(struct ep_stack *st, uint32_t what);
	/* Last call: stop everything that runs by itself, free it all. */
	void (*release)(struct ep_stack *st);
	/* Fill *progress. May be NULL. */
	void (*progress)(struct ep_stack *st, struct epair_progress *progress);
	/*
	 * Duplicates of the descriptors that another may take over; see
	 * epair_attach_get_fds(). May be NULL: it has none.
	 */
	int (*get_fds)(struct ep_stack *st, struct epair_fd *fds, unsigned max);
	/* Bring drop counters that are kept elsewhere up to date. May be NULL. */
	void (*refresh)(struct ep_stack *st);
};

struct ep_stack {
	const struct ep_stack_ops *ops;
	struct epair_if *ifp; /* constant */
	uint32_t accepts; /* atomic; EPAIR_CAP_*: what receive takes open */
	/*
	 * Whether nobody is behind it now: no peer is connected, the device is
	 * down. Set by create; under ep->lock once it is published, when
	 * ep_stack_present() says it.
	 */
	bool is_away;
	/*
	 * The serial of the vnet whose kind gave it: it stays behind on a
	 * move. Or 0.
	 */
	uint64_t by_vnet;
	/*
	 * The kind's, from create on: a pidfd of the process by whose number
	 * spec names a namespace. NULL: by none.
	 */
	const int *process;
	char *spec; /* as written; freed behind release */
	uint32_t holds; /* atomic */
	bool *released; /* under ep->hold_lock: whom to tell, or NULL */
	uint64_t delivered_before; /* to ifp, until this was attached */
	/*
	 * ep_attach_lost(), attach/attach.c. Any thread schedules the task
	 * under ep->hold_lock, once, and never when closing is set: so whoever
	 * puts the last hold sets closing, under that lock, then drains the
	 * task, and calls release after that. The task withdraws the stack
	 * without waiting for its other holds (only != NULL), for the thread
	 * that puts the last of them may be waiting for the task.
	 */
	struct ep_task lost_task;
	bool closing; /* under ep->hold_lock */
	bool is_lost; /* under ep->hold_lock */
	char lost_why[64]; /* constant once is_lost */
};

/*
 * Attach: st->ops, ifp and the framework's fields are set. Tells of it by an
 * ATTACH event with st->spec. On success the caller is given a hold of its own,
 * for calling start, to be put.
 * Returns 0; -EBUSY if something is attached; -ENXIO if dying; -EAGAIN if
 * st->by_vnet is set and ifp is elsewhere by now.
 */
int ep_stack_publish(
    struct epair_if *ifp, struct ep_stack *st, struct epair_err *err);

/*
 * Detach what is attached, or `only` if that is what is. Tells of it by a
 * DETACH event with `why`. Waits for release to return, unless called from a
 * callback of it or with only != NULL.
 * Returns 0; -ENOENT if nothing (or another) is attached; -ENXIO if dying.
 */
int ep_stack_withdraw(struct epair_if *ifp, const struct ep_stack *only,
    const char *why, struct epair_err *err);

/*
 * Somebody is behind the attachment, or nobody: the link of the other end goes
 * by it where the pair is told to follow. Any thread, in any of its calls, with
 * no lock that comes after the configuration lock.
 */
void ep_stack_present(struct ep_stack *st, bool is_there);

/*
 * The two halves of a detach, for a move: take away, under the configuration
 * lock, what ifp's vnet gave it, so that no frame gets there from another vnet
 * (NULL if nothing, or something given by hand, is attached); and then end it
 * without the lock, as ep_stack_withdraw() does. NULL is ignored.
 */
struct ep_stack *ep_stack_leave_behind(struct epair_if *ifp)
    EP_REQUIRES(ifp->ep->lock);
void ep_stack_end(struct ep_stack *st);

/*
 * Hold what is attached, from outside of the data path: the pair is not torn
 * down meanwhile. Returns false if nothing is attached. Put gives it back; the
 * last hold calls release, with no lock held.
 */
bool ep_stack_hold(struct epair_if *ifp, struct ep_stack **st);
void ep_stack_put(struct ep_stack *st);

/*
 * The same for the data path, which is in a run of the pair already (D4).
 * Returns NULL if nothing is attached.
 */
struct ep_stack *ep_stack_enter(struct epair_if *ifp, struct ep_thread *thr);
void ep_stack_leave(struct ep_stack *st);

/* Give up the hold that being attached was, without waiting. For teardown. */
void ep_stack_abandon(struct epair_if *ifp);

#endif /* EP_NET_STACK_H */
