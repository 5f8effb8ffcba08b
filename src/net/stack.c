/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/stack.h"

#include <errno.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "base/error.h"
#include "net/event.h"
#include "net/run.h"
#include "net/vnet.h"

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
	char *spec = st->spec;

	ep_run_enter(&in_pair, ifp->ep, ifp->pair);
	ep_run_enter(&in_stack, ifp->ep, st);
	st->ops->release(st);
	ep_run_leave();
	ep_run_leave();
	free(spec);
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
	else if (st->by_vnet != 0 && st->by_vnet != ifp->vnet->serial)
		error = ep_fail(err, -EAGAIN, "%s has moved on", ifp->name);
	if (error == 0) {
		st->ifp = ifp;
		st->holds = 2; /* attached; and the caller's */
		ep_pair_run_begin(ifp->pair);
		ep_store_release(&ifp->stack, st);
		ep_event_if(ifp, EPAIR_EVENT_ATTACH, st->spec);
		ifp->is_away = st->is_away;
		ep_ifnet_link_update(ifp);
	}
	ep_unlock(&ep->lock);
	return error;
}

/*
 * Unlink it and say so. The hold that it had is now the caller's, and a run
 * with it (D4).
 */
static void
unpublish(struct epair_if *ifp, const char *why) EP_REQUIRES(ifp->ep->lock)
{
	ep_pair_run_begin(ifp->pair);
	ep_store_release(&ifp->stack, NULL);
	ep_event_if(ifp, EPAIR_EVENT_DETACH, why);
	ifp->is_away = true;
	ep_ifnet_link_update(ifp);
}

/* Give up the hold and the run; wait for release, if asked to and allowed. */
static void
end(struct ep_stack *st, bool wait)
{
	struct ep_pair *pair = st->ifp->pair;
	struct epair *ep = pair->ep;
	bool released = false;

	ep_epoch_wait(&ep->domain);
	wait = wait && ep_run_may_wait(st);
	if (wait) {
		ep_lock(&ep->hold_lock);
		st->released = &released;
		ep_unlock(&ep->hold_lock);
	}
	ep_stack_leave(st);
	if (wait)
		ep_run_await(ep, &released);
	ep_pair_run_end(pair);
}

int
ep_stack_withdraw(struct epair_if *ifp, const struct ep_stack *only,
    const char *why, struct epair_err *err)
{
	struct epair *ep = ifp->ep;
	struct ep_stack *st = NULL;
	int error = 0;

	ep_lock(&ep->lock);
	/* Of a dying one it is teardown's, without the lock. */
	if (!ifp->dying)
		st = ifp->stack;
	if (ifp->dying)
		error = ep_fail(err, -ENXIO, "the interface is destroyed");
	else if (st == NULL || (only != NULL && st != only))
		error = ep_fail(
		    err, -ENOENT, "nothing is attached to %s", ifp->name);
	else
		unpublish(ifp, why);
	ep_unlock(&ep->lock);
	if (error == 0 && st != NULL)
		end(st, only == NULL);
	return error;
}

void
ep_stack_present(struct ep_stack *st, bool is_there)
{
	struct epair_if *ifp = st->ifp;

	ep_lock(&ifp->ep->lock);
	/* Before it is published, that does it; after, another's word counts. */
	st->is_away = !is_there;
	if (!ifp->dying && ifp->stack == st && ifp->is_away != st->is_away) {
		ifp->is_away = st->is_away;
		ep_ifnet_link_update(ifp);
	}
	ep_unlock(&ifp->ep->lock);
}

struct ep_stack *
ep_stack_leave_behind(struct epair_if *ifp)
{
	struct ep_stack *st = ifp->stack;

	if (st == NULL || st->by_vnet == 0)
		return NULL;
	unpublish(ifp, "moved to another vnet");
	return st;
}

void
ep_stack_end(struct ep_stack *st)
{
	if (st != NULL)
		end(st, true);
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
