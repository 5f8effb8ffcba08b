/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a pair (contract 8.1), and of a vnet (8.3).
 *
 * Theory. Destroy has three steps:
 *
 *	1. Under the configuration lock the pair loses its names, RUNNING and
 *	   its link: no new work comes from configuration any more.
 *	2. An epoch passes: no transmitter that saw RUNNING is still at it, so
 *	   nothing is queued and no task scheduled any more but by the tasks
 *	   themselves.
 *	3. The run of each queue is ended: by its task if that is running, and
 *	   else here, where it is cancelled if it waits. The hold on `runs`
 *	   that being alive was is given up. Whoever ends the last run tears
 *	   down: frees what is queued and releases the stacks.
 *
 * The tasks of a pair that is dying deliver nothing and drop what they take.
 * The caller waits for the teardown, unless it is within a run of this pair
 * itself (net/run.h): then that run's end tears down.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/error.h"
#include "net/event.h"
#include "net/ifnet_life.h"
#include "net/multi.h"
#include "net/run.h"
#include "net/stack.h"
#include "net/watch.h"
#include "pair/pair_priv.h"
#include "qdisc/qdisc.h"

struct ep_lost
ep_pair_lose(struct epair_if *ifp)
{
	struct ep_lost lost = {
		.watchers = ep_watch_end_all(ifp),
		.qdisc = ep_swap_acq_rel(&ifp->qdisc, NULL),
	};

	free(ifp->qdisc_spec);
	ifp->qdisc_spec = NULL;
	ep_multi_clear(ifp);
	return lost;
}

static void
drop_held(struct epair_if *ifp, struct ep_qdisc *qd)
{
	struct epair_mbuf *m;

	ep_lock(&qd->lock);
	while (ep_qdisc_dequeue(qd, &m, 1, UINT64_MAX) == 1)
		(void)ep_drop(ifp, &m, 1, EPAIR_DROP_QDISC, 0);
	ep_unlock(&qd->lock);
}

void
ep_pair_free_lost(struct epair_if *ifp, struct ep_lost *lost)
{
	ep_stack_end(lost->stack);
	if (lost->watchers == NULL && lost->qdisc == NULL &&
	    lost->impair == NULL)
		return;
	ep_epoch_wait(&ifp->ep->domain);
	free(lost->watchers);
	if (lost->qdisc != NULL) {
		(void)ep_timer_drain(&lost->qdisc->timer);
		drop_held(ifp, lost->qdisc);
		ep_qdisc_destroy(lost->qdisc);
	}
	if (lost->impair != NULL)
		ep_cable_end(lost->impair);
}

/* Step 1. */
static void
disown(struct ep_pair *pair, struct ep_lost lost[2]) EP_REQUIRES(pair->ep->lock)
{
	struct epair *ep = pair->ep;

	for (int i = 0; i < 2; i++) {
		struct epair_if *ifp = &pair->ends[i];

		ep_store_relaxed(
		    &ifp->flags, ifp->flags & ~(uint32_t)EPAIR_IFF_RUNNING);
	}
	ep_ifnet_link_update(&pair->ends[0]);
	for (int i = 0; i < 2; i++) {
		struct epair_if *ifp = &pair->ends[i];

		ep_event_if(ifp, EPAIR_EVENT_DESTROY, NULL);
		ep_store_relaxed(&ifp->dying, true);
		lost[i] = ep_pair_lose(ifp);
		lost[i].impair = ep_swap_acq_rel(&ifp->impair, NULL);
		ep_ifnet_detach(ifp);
		ep_ifnet_put_index(ep, ifp->index);
		ep_table_remove(&ep->by_mac, &ifp->by_mac);
	}
	ep_index_put(&pair->home->cloner.units, pair->unit);
	TAILQ_REMOVE(&pair->home->pairs, pair, link);
	pair->home = NULL;
	ep->pair_count--;
	ep_run_teardown_begun(ep);
}

static void
cancel(struct ep_pair *pair, struct ep_task *task)
{
	if (ep_task_cancel(task))
		ep_pair_run_end(pair);
}

/* Told first: then it waits, or runs and knows. */
static void
leave(struct ep_pair *pair, struct ep_rxq *rxq)
{
	if (ep_queue_leave(&rxq->q) || ep_task_cancel(&rxq->task))
		ep_pair_run_end(pair);
}

/* Steps 2 and 3. Takes a reference of the caller's, which it puts. */
static void
finish(struct ep_pair *pair, struct ep_lost lost[2])
{
	struct epair *ep = pair->ep;
	bool wait;

	ep_epoch_wait(&ep->domain);
	for (int i = 0; i < 2; i++)
		ep_pair_free_lost(&pair->ends[i], &lost[i]);
	for (int i = 0; i < 2; i++) {
		struct epair_if *ifp = &pair->ends[i];

		for (uint32_t b = 0; b < ifp->nrxqs; b++)
			leave(pair, &ifp->rxqs[b]);
		cancel(pair, &ifp->changed_task);
	}
	wait = ep_run_may_wait(pair);
	ep_pair_run_end(pair);
	if (wait)
		ep_run_await(ep, &pair->torn);
	ep_pair_put(pair);
}

static void
purge(struct ep_rxq *rxq)
{
	const struct ep_packed *frames;
	struct ep_batch batch;
	unsigned n;

	ep_queue_purge(&rxq->q, &batch);
	while ((n = ep_batch_next(&batch, &frames)) > 0)
		ep_pair_drop_queued(rxq, frames, n, EPAIR_DROP_RX_DESTROYED);
}

void
ep_pair_teardown(struct ep_pair *pair)
{
	struct epair *ep = pair->ep;

	for (int i = 0; i < 2; i++) {
		struct epair_if *ifp = &pair->ends[i];

		for (uint32_t b = 0; b < ifp->nrxqs; b++)
			purge(&ifp->rxqs[b]);
		ep_stack_abandon(ifp);
	}
	ep_run_done(ep, &pair->torn);
	ep_pair_put(pair); /* the reference that being alive was */
	ep_run_teardown_over(ep);
}

int
ep_pair_destroy(struct epair_if *ifp, struct epair_err *err)
{
	struct ep_pair *pair = ifp->pair;
	struct epair *ep = pair->ep;
	struct ep_lost lost[2];

	ep_lock(&ep->lock);
	if (ifp->dying) {
		ep_unlock(&ep->lock);
		return ep_fail(err, -ENXIO, "the interface is destroyed");
	}
	disown(pair, lost);
	ep_pair_ref(pair);
	ep_unlock(&ep->lock);
	finish(pair, lost);
	return 0;
}

/* Contract 8.3. */

/* The next interface in vn that was made elsewhere; NULL if none is left. */
static struct epair_if *
visitor(const struct epair_vnet *vn)
{
	struct epair_if *ifp;

	TAILQ_FOREACH(ifp, &vn->ifs, link)
		if (ifp->pair->home != vn)
			return ifp;
	return NULL;
}

static void
send_home(struct epair_if *ifp, struct ep_lost *lost) EP_REQUIRES(ifp->ep->lock)
{
	struct epair_vnet *home = ifp->pair->home;
	char name[EPAIR_NAME_MAX];

	memcpy(name, ifp->name, sizeof(name));
	if (ep_ifnet_find(home, name) != NULL)
		(void)snprintf(name, sizeof(name), "dev%u", ifp->index);
	/* Somebody's dev<index> is there: another number will do. */
	for (uint32_t n = 0; ep_ifnet_find(home, name) != NULL; n++)
		(void)snprintf(name, sizeof(name), "dev%u", UINT32_MAX - n);
	ep_pair_move_locked(ifp, home, name, lost);
}

/*
 * One thing that is still in vn, or made there, goes. Returns false when
 * nothing is left and the vnet itself is gone. Gives the lock up meanwhile.
 */
static bool
empty_one(struct epair_vnet *vn, void (*came_home)(struct epair_if *ifp))
    EP_REQUIRES(vn->ep->lock) EP_NO_TSA
{
	struct epair *ep = vn->ep;
	struct epair_if *ifp = visitor(vn);
	struct ep_pair *pair;
	struct ep_lost lost[2];

	if (ifp != NULL) {
		pair = ifp->pair;
		ep_pair_ref(pair);
		send_home(ifp, &lost[0]);
		ep_unlock(&ep->lock);
		ep_pair_free_lost(ifp, &lost[0]);
		came_home(ifp);
		ep_pair_put(pair);
		ep_lock(&ep->lock);
		return true;
	}
	pair = TAILQ_LAST(&vn->pairs, ep_pair_list);
	if (pair != NULL) {
		disown(pair, lost);
		ep_pair_ref(pair);
		ep_unlock(&ep->lock);
		finish(pair, lost);
		ep_lock(&ep->lock);
		return true;
	}
	ep_event_vnet(ep, EPAIR_EVENT_VNET_DEL, vn->name);
	ep_vnet_destroy(vn);
	return false;
}

int
ep_pair_end_vnet(struct epair *ep, const char *vnet,
    void (*came_home)(struct epair_if *ifp), struct epair_err *err) EP_NO_TSA
{
	struct epair_vnet *vn;
	int error = 0;

	ep_lock(&ep->lock);
	vn = ep_vnet_find(ep, vnet);
	if (vn == NULL)
		error = ep_fail(err, -ENOENT, "there is no vnet %.32s", vnet);
	else if (vn == TAILQ_FIRST(&ep->vnets))
		error = ep_fail(err, -EBUSY, "%s cannot be ended", vn->name);
	if (error == 0 && vn != NULL) {
		/* Nothing new comes in while the lock is given up. */
		vn->ending = true;
		while (empty_one(vn, came_home))
			;
	}
	ep_unlock(&ep->lock);
	return error;
}
