/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making a pair (contract 1 and 2): both interfaces come to be, or neither.
 * Everything that can fail comes first; after the commit nothing can.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/sized.h"
#include "mbuf/account.h"
#include "net/event.h"
#include "net/ifnet_life.h"
#include "pair/pair_priv.h"

void
ep_pair_free(struct ep_pair *pair)
{
	struct epair *ep = pair->ep;

	for (int i = 0; i < 2; i++) {
		struct epair_if *ifp = &pair->ends[i];

		for (uint32_t b = 0; b < ifp->nrxqs; b++)
			ep_queue_fini(&ifp->rxqs[b].q);
		free(ifp->rxqs);
	}
	if (pair->account != NULL)
		ep_account_destroy(ep->pool, pair->account);
	free(pair);
	(void)ep_sub_acq_rel(&ep->pairs_unfreed, 1);
}

static bool
end_init(struct ep_pair *pair, char side, uint32_t worker, uint32_t limit)
{
	struct epair *ep = pair->ep;
	struct epair_if *ifp = &pair->ends[side == 'b'];
	uint32_t queues = ep->opts.queues;

	ifp->ep = ep;
	ifp->pair = pair;
	ifp->oifp = &pair->ends[side == 'a'];
	ifp->side = side;
	ifp->account = pair->account;
	ifp->flags = EPAIR_IFF_BROADCAST | EPAIR_IFF_SIMPLEX |
		     EPAIR_IFF_MULTICAST | EPAIR_IFF_RUNNING;
	ifp->caps = EPAIR_CAP_DEFAULT;
	ifp->link_state = EPAIR_LINK_UP;
	ifp->rxqs = aligned_alloc(
	    _Alignof(struct ep_rxq), queues * sizeof(struct ep_rxq));
	if (ifp->rxqs == NULL)
		return false;
	memset(ifp->rxqs, 0, queues * sizeof(struct ep_rxq));
	ifp->nrxqs = queues;
	for (uint32_t b = 0; b < queues; b++) {
		struct ep_rxq *rxq = &ifp->rxqs[b];

		rxq->ifp = ifp;
		rxq->bucket = b;
		ep_queue_init(&rxq->q, limit);
		ep_task_init(&rxq->task,
		    ep_sched_worker(ep->sched, queues == 1 ? worker : b),
		    ep_pair_deliver);
	}
	ep_ifnet_changed_init(ifp);
	return true;
}

struct ep_pair *
ep_pair_alloc(struct epair_vnet *vn, const struct epair_create *how)
{
	struct epair *ep = vn->ep;
	struct ep_pair *pair = aligned_alloc(
	    _Alignof(struct ep_pair), sizeof(*pair));
	uint32_t limit = how->queue_limit != 0 ? how->queue_limit
					       : EP_QUEUE_LIMIT;

	if (pair == NULL)
		return NULL;
	memset(pair, 0, sizeof(*pair));
	(void)ep_add_relaxed(&ep->pairs_unfreed, 1);
	pair->ep = ep;
	pair->refs = 1;
	pair->teardown = ep_pair_teardown;
	pair->home = vn;
	pair->account = ep_account_create(ep->pool, vn->account,
	    how->mbufs_max != 0 ? how->mbufs_max : ep->opts.pair_mbufs_max);
	/* With one queue both ends are on one worker, unless they are apart. */
	if (pair->account == NULL ||
	    !end_init(pair, 'a', ep->next_worker, limit) ||
	    !end_init(pair, 'b', ep->next_worker + ep->opts.apart, limit)) {
		ep_pair_free(pair);
		return NULL;
	}
	pair->runs = 1 + pair->ends[0].nrxqs + pair->ends[1].nrxqs;
	ep->next_worker++;
	return pair;
}

/* Contract 1.5: is any name that unit n would need already there? */
static bool
name_taken(const struct epair_vnet *vn, uint32_t n) EP_REQUIRES(vn->ep->lock)
{
	static const char *const suffixes[] = { "", "a", "b" };
	char name[EPAIR_NAME_MAX];

	for (int i = 0; i < 3; i++) {
		(void)snprintf(
		    name, sizeof(name), EP_CLONE_NAME "%u%s", n, suffixes[i]);
		if (ep_ifnet_find(vn, name) != NULL)
			return true;
	}
	return false;
}

static int
take_unit(struct epair_vnet *vn, uint32_t wanted, uint32_t *unit,
    struct epair_err *err) EP_REQUIRES(vn->ep->lock)
{
	struct ep_index *units = &vn->cloner.units;
	uint32_t from = 0;
	int error;

	if (wanted != EP_UNIT_ANY) {
		*unit = wanted;
		error = name_taken(vn, wanted)
			    ? -EEXIST
			    : ep_index_take_at(units, wanted);
	} else {
		while ((error = ep_index_take(units, from, unit)) == 0 &&
		       name_taken(vn, *unit)) {
			ep_index_put(units, *unit);
			from = *unit + 1;
		}
	}
	if (error == -EEXIST)
		return ep_fail(err, error,
		    EP_CLONE_NAME "%u or an end of it is there already",
		    wanted);
	if (error == -ENOSPC)
		return ep_fail(err, error, "all %u units of vnet %s are taken",
		    EP_UNIT_MAX + 1, vn->name);
	if (error != 0)
		return ep_fail(err, error, "no memory for a unit");
	return 0;
}

/* Name, index and address of both ends, and room for them in the tables. */
static int
take_identity(struct ep_pair *pair, const struct epair_create *how,
    struct epair_err *err) EP_REQUIRES(pair->ep->lock)
{
	struct epair *ep = pair->ep;
	struct epair_if *a = &pair->ends[0], *b = &pair->ends[1];
	int error = ep_ifnet_reserve(ep, pair->home);

	(void)snprintf(
	    a->name, sizeof(a->name), EP_CLONE_NAME "%ua", pair->unit);
	(void)snprintf(
	    b->name, sizeof(b->name), EP_CLONE_NAME "%ub", pair->unit);
	if (error == 0)
		error = ep_ifnet_take_index(ep, &a->index);
	if (error == 0) {
		error = ep_ifnet_take_index(ep, &b->index);
		if (error != 0)
			ep_ifnet_put_index(ep, a->index);
	}
	if (error != 0)
		return ep_fail(err, error, "no memory for a pair");
	error = ep_pair_macs(pair, how, err);
	if (error != 0) {
		ep_ifnet_put_index(ep, a->index);
		ep_ifnet_put_index(ep, b->index);
	}
	return error;
}

void
ep_pair_commit(struct ep_pair *pair, const struct ep_spot spots[2])
{
	struct epair *ep = pair->ep;

	TAILQ_INSERT_TAIL(&pair->home->pairs, pair, link);
	ep->pair_count++;
	for (int i = 0; i < 2; i++) {
		struct epair_if *ifp = &pair->ends[i];

		ep->by_index[ifp->index] = ifp;
		ep_table_add(
		    &ep->by_mac, &ifp->by_mac, ep_hash_octets(ifp->mac, 6));
		ep_ifnet_attach_at(ifp, spots[i].vnet, spots[i].place);
	}
	for (int i = 0; i < 2; i++)
		ep_event_if(&pair->ends[i], EPAIR_EVENT_CREATE, NULL);
	ep_ifnet_link_update(&pair->ends[0]);
}

static int
create_locked(struct epair_vnet *vn, uint32_t wanted,
    const struct epair_create *how, struct ep_pair **pairp,
    struct epair_err *err) EP_REQUIRES(vn->ep->lock)
{
	struct epair *ep = vn->ep;
	struct ep_pair *pair;
	uint32_t unit;
	int error;

	if (ep->pair_count >= ep->opts.pairs_max)
		return ep_fail(err, -ENOBUFS,
		    "there are %u pairs, as many as may be", ep->pair_count);
	error = take_unit(vn, wanted, &unit, err);
	if (error != 0)
		return error;
	pair = ep_pair_alloc(vn, how);
	if (pair == NULL) {
		error = ep_fail(err, -ENOMEM, "no memory for a pair");
		goto put_unit;
	}
	pair->unit = unit;
	pair->ends[0].mtu = pair->ends[1].mtu = how->mtu;
	if (how->carrier == EPAIR_CARRIER_FOLLOW) {
		pair->ends[0].caps |= EPAIR_CAP_LINK_FOLLOW;
		pair->ends[1].caps |= EPAIR_CAP_LINK_FOLLOW;
	}
	error = take_identity(pair, how, err);
	if (error != 0)
		goto free_pair;

	/* commit */
	ep_pair_commit(pair, (struct ep_spot[2]){ { vn, ep->last_place + 1 },
				 { vn, ep->last_place + 2 } });
	*pairp = pair;
	return 0;

free_pair:
	ep_pair_free(pair);
put_unit:
	ep_index_put(&vn->cloner.units, unit);
	return error;
}

/* What the caller did not say has its default. */
static int
defaults(const struct epair_create *how, struct epair_create *full,
    struct epair_err *err)
{
	int error;

	*full = (struct epair_create){ .size = sizeof(*full) };
	error = ep_sized_take(
	    full, sizeof(*full), how, "struct epair_create", err);
	if (error != 0)
		return error;
	if (full->mtu == 0)
		full->mtu = 1500;
	if (full->mtu < EP_MTU_MIN || full->mtu > EP_MTU_MAX)
		return ep_fail(err, -EINVAL, "mtu %u: must be %u to %u",
		    full->mtu, EP_MTU_MIN, EP_MTU_MAX);
	if (full->queue_limit > EP_QUEUE_LIMIT_MAX)
		return ep_fail(err, -EINVAL, "queue limit %u: at most %u",
		    full->queue_limit, EP_QUEUE_LIMIT_MAX);
	if ((unsigned)full->carrier > EPAIR_CARRIER_FOLLOW)
		return ep_fail(err, -EINVAL, "unknown way of carrier %d",
		    (int)full->carrier);
	if ((unsigned)full->mac_policy > EPAIR_MAC_STABLE)
		return ep_fail(err, -EINVAL, "unknown MAC policy %d",
		    (int)full->mac_policy);
	return 0;
}

int
ep_pair_create(struct epair *ep, const char *vnet, const char *name,
    const struct epair_create *how, struct epair_if **a, struct epair_err *err)
{
	struct epair_create full;
	struct ep_pair *pair = NULL;
	struct epair_vnet *vn;
	uint32_t wanted;
	int error = defaults(how, &full, err);

	if (error == 0)
		error = ep_clone_parse(name, &wanted, err);
	if (error != 0)
		return error;
	ep_lock(&ep->lock);
	vn = ep_vnet_find(ep, vnet);
	if (vn == NULL)
		error = ep_fail(err, -ENOENT, "there is no vnet %.32s", vnet);
	else
		error = create_locked(vn, wanted, &full, &pair, err);
	if (error == 0) {
		ep_pair_ref(pair);
		*a = &pair->ends[0];
	}
	ep_unlock(&ep->lock);
	return error;
}

void
ep_pair_ref(struct ep_pair *pair)
{
	(void)ep_add_relaxed(&pair->refs, 1);
}

void
ep_pair_put(struct ep_pair *pair)
{
	if (ep_sub_acq_rel(&pair->refs, 1) == 1)
		ep_pair_free(pair);
}
