/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Back-pressure: a sender that is held back where the contract would drop
 * (EPAIR_FULL_WAIT).
 *
 * Theory. Whoever can leave frames where they are - a device, a socket, a
 * program's own queue - asks ep_pair_may_send() before it takes them from
 * there, and if there is no room stops until EPAIR_CHANGED_WRITABLE. It says
 * that it is held, then looks again. Whatever makes room does so, and then looks
 * for `held`, all in one order (seq_cst, or a link's lock): so either the
 * second look finds the room, or who makes it finds somebody held. Being told
 * once too often does no harm, and `held` is never taken back by the sender,
 * of which there may be several.
 *
 * What was taken before there was no room any more, in several bursts at once
 * perhaps, still finds room beyond the limit, in EP_FULL_SLACK.
 */
#include <errno.h>

#include "base/atomic.h"
#include "impair/impair.h"
#include "pair/pair_priv.h"

static bool
queues_have_room(const struct epair_if *oifp)
{
	for (uint32_t b = 0; b < oifp->nrxqs; b++) {
		struct ep_queue *q = &oifp->rxqs[b].q;

		if (ep_queue_count(q) >= ep_load_relaxed(&q->limit))
			return false;
	}
	return true;
}

/* In an epoch section. */
static bool
link_has_room(const struct epair_if *ifp)
{
	struct ep_impair *imp = ep_load_acquire(&ifp->impair);
	bool has_room = true;

	if (imp != NULL) {
		ep_lock(&imp->lock);
		has_room = ep_impair_has_room(imp);
		ep_unlock(&imp->lock);
	}
	return has_room;
}

static bool
has_room(struct epair_if *ifp)
{
	struct ep_thread *thr = ep_thread_self(&ifp->ep->domain);
	bool is_there;

	if (thr == NULL || !queues_have_room(ifp->oifp))
		return thr == NULL;
	ep_epoch_begin(thr);
	is_there = link_has_room(ifp);
	ep_epoch_end(thr);
	return is_there;
}

bool
ep_pair_may_send(struct epair_if *ifp)
{
	/* To an end that is not there, frames are dropped, not kept. */
	if (!ep_load_relaxed(&ifp->full_waits) || !ep_ifnet_is_up(ifp->oifp) ||
	    has_room(ifp))
		return true;
	ep_store_seq_cst(&ifp->held, true);
	return has_room(ifp);
}

void
ep_pair_made_room(struct epair_if *ifp)
{
	if (!ep_load_seq_cst(&ifp->held))
		return;
	ep_store_relaxed(&ifp->held, false);
	(void)ep_add_relaxed(&ifp->waits, 1);
	ep_ifnet_tell(ifp, EPAIR_CHANGED_WRITABLE);
}

void
ep_pair_fill_full(struct epair_if *ifp, bool waits)
{
	struct epair_if *oifp = ifp->oifp;

	for (uint32_t b = 0; b < oifp->nrxqs; b++)
		ep_store_relaxed(
		    &oifp->rxqs[b].q.slack, waits ? EP_FULL_SLACK : 0);
	ep_store_relaxed(&ifp->full_waits, waits);
}

int
ep_pair_set_full(struct epair_if *ifp, bool waits)
{
	struct epair *ep = ifp->ep;
	int error = 0;

	ep_lock(&ep->lock);
	if (ifp->dying) {
		error = -ENXIO;
	} else {
		ep_pair_fill_full(ifp, waits);
		ep_pair_made_room(ifp);
	}
	ep_unlock(&ep->lock);
	return error;
}
