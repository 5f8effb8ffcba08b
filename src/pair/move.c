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

/* Of a discipline that holds nothing, and that some may still look at. */
static void
retire(struct epair_if *ifp, struct ep_qdisc *qd)
{
	ep_epoch_wait(&ifp->ep->domain);
	(void)ep_timer_drain(&qd->timer);
	ep_qdisc_destroy(qd);
}

/* Make one, or NULL of "none", and the words it was made of. */
static int
make_qdisc(struct epair_if *ifp, const char *text, struct ep_qdisc **qd,
    char **spec, struct epair_err *err)
{
	int error;

	*qd = NULL;
	*spec = NULL;
	if (text == NULL || strcmp(text, "none") == 0)
		return 0;
	error = ep_qdisc_create(text, qd, err);
	if (error != 0)
		return error;
	*spec = strdup(text);
	if (*spec == NULL) {
		ep_qdisc_destroy(*qd);
		return ep_fail(err, -ENOMEM, "no memory");
	}
	(*qd)->ifp = ifp;
	ep_timer_init(
	    &(*qd)->timer, ep_ifnet_worker(ifp, 0), ep_pair_qdisc_fired);
	return 0;
}

static int
put_in_place(struct epair_if *ifp, struct ep_qdisc *qd, struct epair_err *err)
    EP_REQUIRES(ifp->ep->lock)
{
	if (ifp->dying)
		return ep_fail(err, -ENXIO, "the interface is destroyed");
	if (ifp->qdisc != NULL) {
		if (ep_pair_replace_qdisc(ifp, ifp->qdisc, qd) != 0)
			return ep_fail(err, -ENOMEM, "no memory");
		return 0;
	}
	/* acquired by transmit_burst() */
	ep_store_release(&ifp->qdisc, qd);
	return 0;
}

int
ep_pair_set_qdisc(struct epair_if *ifp, const char *text, struct epair_err *err)
{
	struct epair *ep = ifp->ep;
	struct ep_qdisc *qd, *old;
	char *spec, *old_spec;
	int error = make_qdisc(ifp, text, &qd, &spec, err);

	if (error != 0)
		return error;
	ep_lock(&ep->lock);
	old = ifp->qdisc;
	old_spec = ifp->qdisc_spec;
	error = put_in_place(ifp, qd, err);
	if (error == 0) {
		ifp->qdisc_spec = spec;
	} else {
		old = qd;
		old_spec = spec;
	}
	ep_unlock(&ep->lock);
	ep_pair_pull(ifp);
	if (old != NULL)
		retire(ifp, old);
	free(old_spec);
	return error;
}
