/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api/if.c - the life of interfaces, and looking at them.
 */
#include <epair/if.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "attach/attach.h"
#include "base/atomic.h"
#include "base/error.h"
#include "base/sized.h"
#include "mbuf/account.h"
#include "net/ifnet_life.h"
#include "pair/pair.h"

#define BAUDRATE UINT64_C(10000000000) /* contract 2.1 */

int
epair_if_create(struct epair *ep, const char *vnet, const char *name,
    const struct epair_create *how, struct epair_if **ap, struct epair_err *err)
{
	struct epair_if *a;
	int error = ep_pair_create(ep, vnet, name, how, &a, err);

	if (error != 0)
		return error;
	error = ep_attach_by_vnet(a, err);
	if (error == 0)
		error = ep_attach_by_vnet(a->oifp, err);
	if (error != 0)
		(void)ep_pair_destroy(a, NULL);
	if (error == 0 && ap != NULL)
		*ap = a;
	else
		ep_pair_put(a->pair);
	return error;
}

int
epair_if_destroy(struct epair_if *ifp, struct epair_err *err)
{
	return ep_pair_destroy(ifp, err);
}

int
epair_if_move(struct epair_if *ifp, const char *vnet, struct epair_err *err)
{
	int error = ep_pair_move(ifp, vnet, err);

	return error != 0 ? error : ep_attach_by_vnet(ifp, err);
}

int
epair_if_get(struct epair *ep, const char *vnet, const char *name,
    struct epair_if **ifp, struct epair_err *err)
{
	struct epair_vnet *vn;
	int error = 0;

	ep_lock(&ep->lock);
	vn = ep_vnet_find(ep, vnet);
	if (vn == NULL) {
		error = ep_fail(err, -ENOENT, "there is no vnet %.32s", vnet);
	} else {
		*ifp = ep_ifnet_find(vn, name);
		if (*ifp == NULL)
			error = ep_fail(err, -ENXIO,
			    "there is no interface %.32s in vnet %s", name,
			    vn->name);
		else
			ep_pair_ref((*ifp)->pair);
	}
	ep_unlock(&ep->lock);
	return error;
}

int
epair_if_get_index(struct epair *ep, uint32_t index, struct epair_if **ifp)
{
	int error = -ENXIO;

	ep_lock(&ep->lock);
	if (index < ep->by_index_size && ep->by_index[index] != NULL) {
		*ifp = ep->by_index[index];
		ep_pair_ref((*ifp)->pair);
		error = 0;
	}
	ep_unlock(&ep->lock);
	return error;
}

struct epair_if *
epair_if_peer(struct epair_if *ifp)
{
	ep_pair_ref(ifp->pair);
	return ifp->oifp;
}

struct epair_if *
epair_if_ref(struct epair_if *ifp)
{
	ep_pair_ref(ifp->pair);
	return ifp;
}

void
epair_if_put(struct epair_if *ifp)
{
	if (ifp != NULL)
		ep_pair_put(ifp->pair);
}

struct epair *
epair_if_instance(const struct epair_if *ifp)
{
	return ifp->ep;
}

int
epair_if_list(struct epair *ep, const char *vnet, char (*names)[EPAIR_NAME_MAX],
    size_t max)
{
	struct epair_vnet *vn;
	struct epair_if *ifp;
	size_t n = 0;

	ep_lock(&ep->lock);
	vn = ep_vnet_find(ep, vnet);
	if (vn != NULL)
		TAILQ_FOREACH(ifp, &vn->ifs, link) {
			if (n < max)
				memcpy(names[n], ifp->name, EPAIR_NAME_MAX);
			n++;
		}
	ep_unlock(&ep->lock);
	return vn != NULL ? (int)n : -ENOENT;
}

int
epair_if_list_after(struct epair *ep, const char *vnet, uint64_t after,
    struct epair_if **ifps, size_t max)
{
	struct epair_vnet *vn;
	struct epair_if *ifp;
	size_t n = 0;

	ep_lock(&ep->lock);
	vn = ep_vnet_find(ep, vnet);
	if (vn != NULL)
		TAILQ_FOREACH(ifp, &vn->ifs, link) {
			if (n == max)
				break;
			if (ifp->place <= after)
				continue;
			ep_pair_ref(ifp->pair);
			ifps[n++] = ifp;
		}
	ep_unlock(&ep->lock);
	return vn != NULL ? (int)n : -ENOENT;
}

int
epair_if_transmit(struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	return ep_pair_transmit(ifp, ms, n);
}

/* Looking. */

static void
fill_media(struct epair_if_info *info)
{
	info->baudrate = BAUDRATE;
	info->media_current = EPAIR_MEDIA_10GBASE_T;
	info->media_active = EPAIR_MEDIA_10GBASE_T | EPAIR_MEDIA_FDX;
	info->media_status = EPAIR_MEDIA_AVALID | EPAIR_MEDIA_ACTIVE;
}

static void
fill_names(struct epair_if *ifp, struct epair_if_info *info)
    EP_REQUIRES(ifp->ep->lock)
{
	const struct ep_stack *st = ifp->stack;

	strcpy(info->name, ifp->name);
	strcpy(info->vnet, ifp->vnet->name);
	strcpy(info->home, ifp->pair->home->name);
	strcpy(info->peer, ifp->oifp->name);
	strcpy(info->peer_vnet, ifp->oifp->vnet->name);
	strcpy(info->descr, ifp->descr);
	(void)snprintf(info->attachment, sizeof(info->attachment), "%s",
	    st != NULL ? st->spec : "");
	(void)snprintf(info->qdisc, sizeof(info->qdisc), "%s",
	    ifp->qdisc_spec != NULL ? ifp->qdisc_spec : "");
}

int
epair_if_get_info(struct epair_if *ifp, struct epair_if_info *info)
{
	struct epair_if_info all;
	int error = 0;

	ep_lock(&ifp->ep->lock);
	if (ifp->dying) {
		error = -ENXIO;
	} else {
		all = (struct epair_if_info){
			.size = sizeof(all),
			.index = ifp->index,
			.peer_index = ifp->oifp->index,
			.unit = ifp->pair->unit,
			.side = ifp->side,
			.fib = ifp->fib,
			.mtu = ifp->mtu,
			.flags = ifp->flags,
			.caps = ifp->caps,
			.link = ifp->link_state,
			.queues = ifp->nrxqs,
			.queue_limit = ep_load_relaxed(&ifp->rxqs[0].q.limit),
			.multi_count = ifp->multi_count,
			.full = ifp->full_waits ? EPAIR_FULL_WAIT
						: EPAIR_FULL_DROP,
			.mbufs_max = ep_load_relaxed(&ifp->account->limit),
			.place = ifp->place,
			.by_vnet = ifp->stack != NULL &&
				   ifp->stack->by_vnet != 0,
		};
		memcpy(all.mac, ifp->mac, 6);
		fill_names(ifp, &all);
		fill_media(&all);
		error = ep_sized_give(info, &all, sizeof(all));
	}
	ep_unlock(&ifp->ep->lock);
	return error;
}

int
epair_if_settled(struct epair_if *ifp)
{
	return ep_load_relaxed(&ifp->dying) ? -ENXIO : ep_ifnet_is_told(ifp);
}

/* As snprintf() does it. */
static int
give_text(const char *text, char *buf, size_t size)
{
	return snprintf(buf, size, "%s", text != NULL ? text : "");
}

int
epair_if_get_attachment(struct epair_if *ifp, char *buf, size_t size)
{
	int len = -ENXIO;

	ep_lock(&ifp->ep->lock);
	if (!ifp->dying)
		len = give_text(
		    ifp->stack != NULL ? ifp->stack->spec : NULL, buf, size);
	ep_unlock(&ifp->ep->lock);
	return len;
}

int
epair_if_get_qdisc(struct epair_if *ifp, char *buf, size_t size)
{
	int len = -ENXIO;

	ep_lock(&ifp->ep->lock);
	if (!ifp->dying)
		len = give_text(ifp->qdisc_spec, buf, size);
	ep_unlock(&ifp->ep->lock);
	return len;
}

/* Which interface counters a reason moves besides its own. */
static void
add_drops(struct epair_if_stats *s)
{
#define COUNTER_none(n)
#define COUNTER_oerrors(n) s->oerrors += (n);
#define COUNTER_oqdrops(n) s->oqdrops += (n);
#define COUNTER_ierrors(n) s->ierrors += (n);
#define ADD(NAME, word, side, counter, sentence) \
	COUNTER_##counter(s->drops[EPAIR_DROP_##NAME])
	EPAIR_DROPS(ADD)
#undef ADD
}

static void
add_queue(struct epair_if_stats *s, struct ep_rxq *rxq)
{
	ep_spin_lock(&rxq->q.lock);
	s->ipackets += rxq->q.packets + rxq->arrived;
	ep_spin_unlock(&rxq->q.lock);
	s->queued += ep_queue_count(&rxq->q);
	s->ibytes += ep_load_relaxed(&rxq->ibytes);
	s->imcasts += ep_load_relaxed(&rxq->imcasts);
	s->delivered += ep_load_relaxed(&rxq->delivered);
}

/* What the other end's queue took is what we sent. */
static void
add_peer_queue(struct epair_if_stats *s, struct ep_rxq *rxq)
{
	ep_spin_lock(&rxq->q.lock);
	s->opackets += rxq->q.packets;
	s->obytes += rxq->q.bytes;
	s->omcasts += rxq->q.mcasts;
	ep_spin_unlock(&rxq->q.lock);
}

int
epair_if_get_stats(struct epair_if *ifp, struct epair_if_stats *stats)
{
	struct epair_if_stats all = { .size = sizeof(all),
		.waits = ep_load_relaxed(&ifp->waits) };
	struct ep_stack *st;

	if (ep_stack_hold(ifp, &st)) {
		if (st->ops->refresh != NULL)
			st->ops->refresh(st);
		ep_stack_put(st);
	}
	for (uint32_t b = 0; b < ifp->nrxqs; b++) {
		add_queue(&all, &ifp->rxqs[b]);
		add_peer_queue(&all, &ifp->oifp->rxqs[b]);
	}
	all.opackets += ep_load_relaxed(&ifp->linked.packets);
	all.obytes += ep_load_relaxed(&ifp->linked.bytes);
	all.omcasts += ep_load_relaxed(&ifp->linked.mcasts);
	for (int r = 0; r < EPAIR_DROP_MAX; r++)
		all.drops[r] = ep_load_relaxed(&ifp->drops[r]);
	add_drops(&all);
	return ep_sized_give(stats, &all, sizeof(all));
}
