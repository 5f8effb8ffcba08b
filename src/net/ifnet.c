/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interfaces: names, indexes, addresses, link state; runs of pairs.
 */
#include "net/ifnet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/container.h"
#include "base/hash.h"
#include "net/event.h"
#include "net/ifnet_life.h"
#include "net/multi.h"
#include "net/run.h"
#include "net/stack.h"
#include "net/vnet.h"

#define BY_INDEX_MIN 64u

/* Runs. */

void
ep_pair_run_begin(struct ep_pair *pair)
{
	(void)ep_add_relaxed(&pair->runs, 1);
}

void
ep_pair_run_end(struct ep_pair *pair)
{
	if (ep_sub_acq_rel(&pair->runs, 1) == 1)
		pair->teardown(pair);
}

/* Names. */

static struct epair_if *
of_name_entry(struct ep_table_entry *entry)
{
	return EP_CONTAINER_OF(entry, struct epair_if, by_name);
}

struct epair_if *
ep_ifnet_find(const struct epair_vnet *vn, const char *name)
{
	struct ep_table_entry *e = ep_table_first(
	    &vn->by_name, ep_hash_octets(name, strlen(name)));

	for (; e != NULL; e = ep_table_next(e))
		if (strcmp(of_name_entry(e)->name, name) == 0)
			return of_name_entry(e);
	return NULL;
}

static void
add_name(struct epair_if *ifp)
{
	ep_table_add(&ifp->vnet->by_name, &ifp->by_name,
	    ep_hash_octets(ifp->name, strlen(ifp->name)));
}

void
ep_ifnet_set_name(struct epair_if *ifp, const char *name)
{
	ep_table_remove(&ifp->vnet->by_name, &ifp->by_name);
	memmove(ifp->name, name, strlen(name) + 1);
	add_name(ifp);
}

/* MAC addresses. */

static struct epair_if *
of_mac_entry(struct ep_table_entry *entry)
{
	return EP_CONTAINER_OF(entry, struct epair_if, by_mac);
}

struct epair_if *
ep_ifnet_find_mac(const struct epair *ep, const uint8_t mac[6])
{
	struct ep_table_entry *e = ep_table_first(
	    &ep->by_mac, ep_hash_octets(mac, 6));

	for (; e != NULL; e = ep_table_next(e))
		if (memcmp(of_mac_entry(e)->mac, mac, 6) == 0)
			return of_mac_entry(e);
	return NULL;
}

void
ep_ifnet_set_mac(struct epair_if *ifp, const uint8_t mac[6])
{
	ep_table_remove(&ifp->ep->by_mac, &ifp->by_mac);
	memcpy(ifp->mac, mac, 6);
	ep_table_add(&ifp->ep->by_mac, &ifp->by_mac, ep_hash_octets(mac, 6));
}

/* Indexes. */

/* Have by_index reach to an index that was taken, or give that back. */
static int
reach(struct epair *ep, uint32_t index)
{
	uint32_t size = ep->by_index_size;
	struct epair_if **by;

	if (index < size)
		return 0;
	do {
		size = size == 0 ? BY_INDEX_MIN : size * 2;
	} while (index >= size);
	by = realloc(ep->by_index, size * sizeof(struct epair_if *));
	if (by == NULL) {
		ep_index_put(&ep->indexes, index);
		return -ENOMEM;
	}
	memset(by + ep->by_index_size, 0,
	    (size - ep->by_index_size) * sizeof(struct epair_if *));
	ep->by_index = by;
	ep->by_index_size = size;
	return 0;
}

int
ep_ifnet_take_index(struct epair *ep, uint32_t *index)
{
	int error = ep_index_take(&ep->indexes, 1, index);

	return error != 0 ? error : reach(ep, *index);
}

int
ep_ifnet_take_index_at(struct epair *ep, uint32_t index)
{
	int error = -EINVAL;

	/* No instance has had one beyond these: they are the lowest free. */
	if (index > 0 && index <= 2 * (uint64_t)ep->opts.pairs_max)
		error = ep_index_take_at(&ep->indexes, index);
	return error != 0 ? error : reach(ep, index);
}

void
ep_ifnet_put_index(struct epair *ep, uint32_t index)
{
	ep->by_index[index] = NULL;
	ep_index_put(&ep->indexes, index);
}

/* Being in a vnet. */

int
ep_ifnet_reserve(struct epair *ep, struct epair_vnet *vn)
{
	int error = ep_table_reserve(&vn->by_name);

	return error != 0 ? error : ep_table_reserve(&ep->by_mac);
}

struct epair_if *
ep_ifnet_find_place(const struct epair_vnet *vn, uint64_t place)
{
	struct epair_if *ifp = TAILQ_LAST(&vn->ifs, ep_if_list);

	while (ifp != NULL && ifp->place > place)
		ifp = TAILQ_PREV(ifp, ep_if_list, link);
	return ifp;
}

void
ep_ifnet_attach_at(struct epair_if *ifp, struct epair_vnet *vn, uint64_t place)
{
	struct epair_if *before = ep_ifnet_find_place(vn, place);

	ifp->vnet = vn;
	ifp->place = place;
	add_name(ifp);
	if (before != NULL)
		TAILQ_INSERT_AFTER(&vn->ifs, before, ifp, link);
	else
		TAILQ_INSERT_HEAD(&vn->ifs, ifp, link);
	vn->if_count++;
	if (place > ifp->ep->last_place)
		ifp->ep->last_place = place;
}

void
ep_ifnet_attach(struct epair_if *ifp, struct epair_vnet *vn)
{
	ep_ifnet_attach_at(ifp, vn, ifp->ep->last_place + 1);
}

void
ep_ifnet_detach(struct epair_if *ifp)
{
	struct epair_vnet *vn = ifp->vnet;

	ep_table_remove(&vn->by_name, &ifp->by_name);
	TAILQ_REMOVE(&vn->ifs, ifp, link);
	vn->if_count--;
	ifp->vnet = NULL;
}

/* Telling. */

static void
tell_changed(struct ep_task *task)
{
	struct epair_if *ifp = EP_CONTAINER_OF(
	    task, struct epair_if, changed_task);
	struct ep_thread *thr = ep_thread_self(&ifp->ep->domain);
	struct ep_pair *pair = ifp->pair;
	struct ep_run in_pair, in_stack;
	struct ep_stack *st = NULL;
	uint32_t what;

	ep_run_enter(&in_pair, ifp->ep, pair);
	/* Seen by ep_ifnet_is_told() of whoever sees `changed` go. */
	ep_store_relaxed(&ifp->telling, UINT32_MAX);
	what = ep_swap_acq_rel(&ifp->changed, 0);
	ep_store_relaxed(&ifp->telling, what);
	if (thr != NULL && what != 0 && !ep_load_relaxed(&ifp->dying))
		st = ep_stack_enter(ifp, thr);
	if (st != NULL) {
		ep_run_enter(&in_stack, ifp->ep, st);
		if (st->ops->changed != NULL)
			st->ops->changed(st, what);
		ep_run_leave();
		ep_stack_leave(st);
	}
	/* acquired by ep_ifnet_is_told() */
	ep_store_release(&ifp->telling, 0);
	ep_run_leave();
	ep_pair_run_end(pair);
}

bool
ep_ifnet_is_told(const struct epair_if *ifp)
{
	const uint32_t others = ~(uint32_t)EPAIR_CHANGED_WRITABLE;

	return (ep_load_acquire(&ifp->changed) & others) == 0 &&
	       (ep_load_acquire(&ifp->telling) & others) == 0;
}

void
ep_ifnet_changed_init(struct epair_if *ifp)
{
	ep_task_init(&ifp->changed_task, ep_ifnet_worker(ifp, 0), tell_changed);
}

void
ep_ifnet_changed(struct epair_if *ifp, uint32_t what)
{
	const struct ep_stack *st = ifp->stack;

	/* Who attaches later looks for himself. */
	if (st == NULL || st->ops->changed == NULL)
		return;
	(void)ep_or_acq_rel(&ifp->changed, what);
	ep_pair_run_begin(ifp->pair);
	if (!ep_task_schedule(&ifp->changed_task))
		ep_pair_run_end(ifp->pair);
}

void
ep_ifnet_tell(struct epair_if *ifp, uint32_t what)
{
	struct ep_pair *pair = ifp->pair;

	(void)ep_or_acq_rel(&ifp->changed, what);
	ep_pair_run_begin(pair);
	if (!ep_task_schedule(&ifp->changed_task) ||
	    /* As run_again() in pair/deliver.c: destroy cancels before. */
	    (ep_load_relaxed(&ifp->dying) &&
		ep_task_cancel(&ifp->changed_task)))
		ep_pair_run_end(pair);
}

/* Why an end has no link; NULL if it has one. */
static const char *
no_link(const struct epair_if *ifp)
{
	const struct epair_if *oifp = ifp->oifp;

	if (!(ifp->flags & EPAIR_IFF_RUNNING))
		return "destroyed";
	if (!(ifp->caps & EPAIR_CAP_LINK_FOLLOW))
		return NULL;
	if (!(oifp->flags & EPAIR_IFF_UP))
		return "the other end is not UP";
	if (oifp->is_cut)
		return "the cable is cut";
	if (oifp->is_away)
		return "nobody is behind the other end";
	return NULL;
}

void
ep_ifnet_link_update(struct epair_if *ifp)
{
	for (int i = 0; i < 2; i++) {
		struct epair_if *end = &ifp->pair->ends[i];
		const char *why = no_link(end);
		enum epair_link link = why != NULL ? EPAIR_LINK_DOWN
						   : EPAIR_LINK_UP;

		if (link == end->link_state)
			continue;
		end->link_state = link;
		ep_event_if(end, EPAIR_EVENT_LINK, why);
		if (!end->dying)
			ep_ifnet_changed(end, EPAIR_CHANGED_LINK);
	}
}

void
ep_ifnet_change_flags(struct epair_if *ifp, uint32_t set, uint32_t clear)
{
	uint32_t flags = (ifp->flags | set) & ~clear;

	if (flags == ifp->flags)
		return;
	ep_store_relaxed(&ifp->flags, flags);
	ep_event_if(ifp, EPAIR_EVENT_FLAGS, NULL);
	ep_ifnet_changed(ifp, EPAIR_CHANGED_FLAGS);
	ep_ifnet_link_update(ifp);
}

uint64_t
ep_ifnet_seed(struct epair_if *ifp)
{
	struct epair *ep = ifp->ep;
	const struct epair_vnet *home = ifp->pair->home;
	uint64_t seed = ep->opts.way == EPAIR_SIM ? ep->opts.seed
						  : ep_rng_next(&ep->rng);

	seed = ep_hash_mix(seed, home != NULL ? home->name : "");
	seed ^= (uint64_t)ifp->pair->unit << 8 | (uint8_t)ifp->side;
	return ep_splitmix64(&seed);
}
