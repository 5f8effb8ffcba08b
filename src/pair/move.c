/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving an interface to another vnet (contract 8.2), and changing the
 * discipline: what is queued stays queued.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/error.h"
#include "net/event.h"
#include "net/ifnet_life.h"
#include "net/stack.h"
#include "pair/pair_priv.h"
#include "qdisc/qdisc.h"

void
ep_pair_move_locked(struct epair_if *ifp, struct epair_vnet *to,
    const char *name, struct ep_lost *lost)
{
	char old_vnet[EPAIR_NAME_MAX], old_name[EPAIR_NAME_MAX];

	memcpy(old_vnet, ifp->vnet->name, sizeof(old_vnet));
	memcpy(old_name, ifp->name, sizeof(old_name));
	ep_ifnet_change_flags(ifp, 0, EPAIR_IFF_UP);
	*lost = ep_pair_lose(ifp);
	lost->stack = ep_stack_leave_behind(ifp);
	ep_ifnet_detach(ifp);
	memcpy(ifp->name, name, strlen(name) + 1);
	ep_ifnet_attach(ifp, to);
	ep_event_moved(ifp, EPAIR_EVENT_MOVE, old_vnet,
	    strcmp(old_name, name) != 0 ? old_name : NULL);
	ep_ifnet_changed(
	    ifp, EPAIR_CHANGED_VNET | EPAIR_CHANGED_MULTI |
		     (strcmp(old_name, name) != 0 ? EPAIR_CHANGED_NAME : 0));
}

static int
move_check(struct epair_if *ifp, const char *vnet, struct epair_vnet **to,
    struct epair_err *err) EP_REQUIRES(ifp->ep->lock)
{
	if (ifp->dying)
		return ep_fail(err, -ENXIO, "the interface is destroyed");
	*to = ep_vnet_find(ifp->ep, vnet);
	if (*to == NULL)
		return ep_fail(err, -ENOENT, "there is no vnet %.32s", vnet);
	if (ep_ifnet_find(*to, ifp->name) != NULL)
		return ep_fail(err, -EEXIST, "vnet %s has an interface %s",
		    (*to)->name, ifp->name);
	if (ep_ifnet_reserve(ifp->ep, *to) != 0)
		return ep_fail(err, -ENOMEM, "no memory to move %s", ifp->name);
	return 0;
}

int
ep_pair_move(struct epair_if *ifp, const char *vnet, struct epair_err *err)
{
	struct epair *ep = ifp->ep;
	struct epair_vnet *to = NULL;
	struct ep_lost lost;
	int error;

	ep_lock(&ep->lock);
	error = move_check(ifp, vnet, &to, err);
	if (error == 0)
		ep_pair_move_locked(ifp, to, ifp->name, &lost);
	ep_unlock(&ep->lock);
	if (error == 0)
		ep_pair_free_lost(ifp, &lost);
	return error;
}

/* What the old discipline held goes on through the new one, or without. */
static void
hand_on(struct epair_if *ifp, struct ep_qdisc *qd)
{
	struct epair_mbuf *m;

	ep_epoch_wait(&ifp->ep->domain);
	(void)ep_timer_drain(&qd->timer);
	for (;;) {
		unsigned n;

		ep_lock(&qd->lock);
		n = ep_qdisc_dequeue(qd, &m, 1, UINT64_MAX);
		ep_unlock(&qd->lock);
		if (n == 0)
			break;
		(void)ep_pair_transmit(ifp, &m, 1);
	}
	ep_qdisc_destroy(qd);
}

int
ep_pair_set_qdisc(struct epair_if *ifp, const char *text, struct epair_err *err)
{
	struct epair *ep = ifp->ep;
	struct ep_qdisc *qd = NULL, *old = NULL;
	char *spec = NULL;
	int error = 0;

	if (text != NULL && strcmp(text, "none") != 0) {
		error = ep_qdisc_create(text, &qd, err);
		if (error != 0)
			return error;
		spec = strdup(text);
		if (spec == NULL) {
			ep_qdisc_destroy(qd);
			return ep_fail(err, -ENOMEM, "no memory");
		}
		qd->ifp = ifp;
		ep_timer_init(
		    &qd->timer, ep_ifnet_worker(ifp, 0), ep_pair_qdisc_fired);
	}
	ep_lock(&ep->lock);
	if (ifp->dying) {
		error = ep_fail(err, -ENXIO, "the interface is destroyed");
		old = qd;
	} else {
		char *old_spec = ifp->qdisc_spec;

		/* acquired by transmit_burst() */
		old = ep_swap_acq_rel(&ifp->qdisc, qd);
		ifp->qdisc_spec = spec;
		spec = old_spec;
	}
	ep_unlock(&ep->lock);
	if (old != NULL)
		hand_on(ifp, old);
	free(spec);
	return error;
}
