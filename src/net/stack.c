/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/stack.h"

#include <errno.h>

#include "base/atomic.h"
#include "base/error.h"
#include "net/event.h"
#include "net/run.h"

struct ep_stack *
ep_stack_enter(struct epair_if *ifp, struct ep_thread *thr)
{
	struct ep_stack *st;

	ep_epoch_begin(thr);
	/* acquires what ep_stack_publish() released */
	st = ep_load_acquire(&ifp->stack);
	if (st != NULL)
		(void)ep_add_relaxed(&st->holds, 1);
	ep_epoch_end(thr);
	return st;
}

/* A program may be told of it: as in any other callback of the stack. */
static void
release(struct ep_stack *st)
{
	const struct epair_if *ifp = st->ifp;
	struct ep_run in_pair, in_stack;

	ep_run_enter(&in_pair, ifp->ep, ifp->pair);
	ep_run_enter(&in_stack, ifp->ep, st);
	st->ops->release(st);
	ep_run_leave();
	ep_run_leave();
}

void
ep_stack_leave(struct ep_stack *st)
{
	struct epair *ep = st->ifp->ep;
	bool *released;

	if (ep_sub_acq_rel(&st->holds, 1) != 1)
		return;
	ep_lock(&ep->hold_lock);
	st->closing = true;
	released = st->released;
	ep_unlock(&ep->hold_lock);
	if (st->lost_task.worker != NULL)
		(void)ep_task_drain(&st->lost_task);
	release(st);
	ep_run_done(ep, released);
}

bool
ep_stack_hold(struct epair_if *ifp, struct ep_stack **st)
{
	ep_lock(&ifp->ep->lock);
	*st = ifp->dying ? NULL : ifp->stack;
	if (*st != NULL) {
		(void)ep_add_relaxed(&(*st)->holds, 1);
		ep_pair_run_begin(ifp->pair);
	}
	ep_unlock(&ifp->ep->lock);
	return *st != NULL;
}

void
ep_stack_put(struct ep_stack *st)
{
	struct ep_pair *pair = st->ifp->pair;

	ep_stack_leave(st);
	ep_pair_run_end(pair);
}

int
ep_stack_publish(
    struct epair_if *ifp, struct ep_stack *st, struct epair_err *err)
{
	struct epair *ep = ifp->ep;
	int error = 0;

	ep_lock(&ep->lock);
	if (ifp->dying)
		error = ep_fail(err, -ENXIO, "the interface is destroyed");
	else if (ifp->stack != NULL)
		error = ep_fail(err, -EBUSY, "%s has an attachment: %s",
		    ifp->name, ifp->stack->spec);
	if (error == 0) {
		st->ifp = ifp;
		st->holds = 2; /* attached; and the caller's */
		ep_pair_run_begin(ifp->pair);
		ep_store_release(&ifp->stack, st);
		ep_event_if(ifp, EPAIR_EVENT_ATTACH, st->spec);
	}
	ep_unlock(&ep->lock);
	return error;
}

/*
 * Unlink it and say so. The hold that it had is now the caller's, and a run
 * with it (D4).
 */
static int
unpublish(struct epair_if *ifp, const struct ep_stack *only, const char *why,
    struct ep_stack **stp, struct epair_err *err)
{
	struct epair *ep = ifp->ep;
	int error = 0;

	ep_lock(&ep->lock);
	/* When dying, the stack is the teardown's, which holds no lock. */
	*stp = ifp->dying ? NULL : ifp->stack;
	if (ifp->dying)
		error = ep_fail(err, -ENXIO, "the interface is destroyed");
	else if (*stp == NULL || (only != NULL && *stp != only))
		error = ep_fail(
		    err, -ENOENT, "nothing is attached to %s", ifp->name);
	if (error == 0) {
		ep_pair_run_begin(ifp->pair);
		ep_store_release(&ifp->stack, NULL);
		ep_event_if(ifp, EPAIR_EVENT_DETACH, why);
	}
	ep_unlock(&ep->lock);
	return error;
}

int
ep_stack_withdraw(struct epair_if *ifp, const struct ep_stack *only,
    const char *why, struct epair_err *err)
{
	struct ep_pair *pair = ifp->pair;
	struct epair *ep = ifp->ep;
	struct ep_stack *st;
	bool released = false, wait;
	int error = unpublish(ifp, only, why, &st, err);

	if (error != 0)
		return error;
	EP_ASSERT(st != NULL);
	ep_epoch_wait(&ep->domain);
	wait = only == NULL && ep_run_may_wait(st);
	if (wait) {
		ep_lock(&ep->hold_lock);
		st->released = &released;
		ep_unlock(&ep->hold_lock);
	}
	ep_stack_leave(st);
	if (wait)
		ep_run_await(ep, &released);
	ep_pair_run_end(pair);
	return 0;
}

void
ep_stack_abandon(struct epair_if *ifp)
{
	struct ep_stack *st = ifp->stack;

	if (st != NULL) {
		ep_store_release(&ifp->stack, NULL);
		ep_stack_leave(st);
	}
}
