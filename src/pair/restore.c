/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making a pair again as it was (epair_if_restore). What is said of it is from
 * a file: all of it is checked before anything is taken.
 */
#include <errno.h>
#include <string.h>

#include "base/atomic.h"
#include "base/error.h"
#include "net/event.h"
#include "net/ifnet_life.h"
#include "pair/pair_priv.h"

#define CAPS_KNOWN \
	(EPAIR_CAP_DEFAULT | EPAIR_CAP_VLAN_HWTAGGING | EPAIR_CAP_LINK_FOLLOW)

/* A text that ends within its array. */
#define IS_TEXT(array) (memchr(array, '\0', sizeof(array)) != NULL)

/* A letter that may be none, in a sentence. */
static int
letter(char c)
{
	return c > ' ' && c < '\x7f' ? c : '?';
}

/* One end by itself. */
static int
check_end(const struct epair_if_info *end, char side, struct epair_err *err)
{
	if (!IS_TEXT(end->name) || !ep_name_ok(end->name) ||
	    !IS_TEXT(end->vnet) || !IS_TEXT(end->home) || !IS_TEXT(end->descr))
		return ep_fail(err, -EINVAL,
		    "the %c end has no name, vnet, home or description that "
		    "can be one",
		    side);
	if (end->side != side)
		return ep_fail(err, -EINVAL, "%s: side %c: must be %c",
		    end->name, letter(end->side), side);
	if (end->full != EPAIR_FULL_DROP && end->full != EPAIR_FULL_WAIT)
		return ep_fail(err, -EINVAL, "%s: full %u: must be %d or %d",
		    end->name, end->full, EPAIR_FULL_DROP, EPAIR_FULL_WAIT);
	if (end->mtu < EP_MTU_MIN || end->mtu > EP_MTU_MAX)
		return ep_fail(err, -EINVAL, "%s: mtu %u: must be %u to %u",
		    end->name, end->mtu, EP_MTU_MIN, EP_MTU_MAX);
	if (end->queue_limit == 0 || end->queue_limit > EP_QUEUE_LIMIT_MAX)
		return ep_fail(err, -EINVAL,
		    "%s: queue limit %u: must be 1 to %u", end->name,
		    end->queue_limit, EP_QUEUE_LIMIT_MAX);
	if (end->place == 0 || end->place > INT64_MAX)
		return ep_fail(
		    err, -EINVAL, "%s: no list has such a place", end->name);
	if ((end->caps & ~(uint32_t)CAPS_KNOWN) != 0 ||
	    (end->caps & EPAIR_CAP_VLAN_MTU) == 0)
		return ep_fail(err, -EINVAL,
		    "%s: capabilities %#x: can be %#x to %#x", end->name,
		    end->caps, EPAIR_CAP_VLAN_MTU, CAPS_KNOWN);
	if ((end->caps & (EPAIR_CAP_TSO | EPAIR_CAP_USO)) != 0 &&
	    (end->caps & EPAIR_CAP_CSUM) == 0)
		return ep_fail(err, -EINVAL,
		    "%s: capabilities %#x: TSO and USO need CSUM", end->name,
		    end->caps);
	return 0;
}

/* Both ends, as one pair. */
static int
check_pair(const struct epair_if_info *const ends[2], struct epair_err *err)
{
	const struct epair_if_info *a = ends[0], *b = ends[1];
	int error = check_end(a, 'a', err);

	if (error == 0)
		error = check_end(b, 'b', err);
	if (error != 0)
		return error;
	if (a->unit != b->unit || a->unit > EP_UNIT_MAX)
		return ep_fail(err, -EINVAL, "%s and %s: unit %u and %u",
		    a->name, b->name, a->unit, b->unit);
	if (strcmp(a->home, b->home) != 0 || a->caps != b->caps ||
	    a->mbufs_max != b->mbufs_max || a->mbufs_max == 0)
		return ep_fail(err, -EINVAL,
		    "%s and %s are no pair: home, capabilities and limit of "
		    "frames are a pair's",
		    a->name, b->name);
	if (strcmp(a->vnet, b->vnet) == 0 && strcmp(a->name, b->name) == 0)
		return ep_fail(err, -EEXIST, "both ends are called %s in %s",
		    a->name, a->vnet);
	if (a->place == b->place)
		return ep_fail(err, -EEXIST, "%s and %s are at one place",
		    a->name, b->name);
	if (memcmp(a->mac, b->mac, sizeof(a->mac)) == 0)
		return ep_fail(err, -EEXIST,
		    "%s and %s cannot have the same address", a->name, b->name);
	return 0;
}

static int
find_vnet(struct epair *ep, const char *name, struct epair_vnet **vn,
    struct epair_err *err) EP_REQUIRES(ep->lock)
{
	*vn = ep_vnet_find(ep, name);
	if (*vn == NULL)
		return ep_fail(err, -ENOENT, "there is no vnet %.32s", name);
	return 0;
}

/* Where an end is to be: nobody there has its name or address. */
static int
find_spot(struct epair *ep, const struct epair_if_info *end,
    struct ep_spot *spot, struct epair_err *err) EP_REQUIRES(ep->lock)
{
	int error = find_vnet(ep, end->vnet, &spot->vnet, err);
	const struct epair_if *there;

	if (error != 0)
		return error;
	spot->place = end->place;
	if (ep_ifnet_find(spot->vnet, end->name) != NULL)
		return ep_fail(err, -EEXIST, "vnet %s has an interface %s",
		    end->vnet, end->name);
	there = ep_ifnet_find_place(spot->vnet, end->place);
	if (there != NULL && there->place == end->place)
		return ep_fail(err, -EEXIST, "%s is at the place of %s",
		    end->name, there->name);
	error = ep_pair_mac_check(ep, end->mac, err);
	if (error == 0 && ep_ifnet_reserve(ep, spot->vnet) != 0)
		error = ep_fail(err, -ENOMEM, "no memory for a pair");
	return error;
}

/* The numbers that nobody else may have; all of them, or none. */
static int
take_numbers(struct ep_pair *pair, const struct epair_if_info *const ends[2],
    struct epair_err *err) EP_REQUIRES(pair->ep->lock)
{
	struct ep_index *units = &pair->home->cloner.units;
	struct epair *ep = pair->ep;
	int error = ep_index_take_at(units, ends[0]->unit);

	if (error != 0)
		return ep_fail(err, error, "unit %u of vnet %s is taken",
		    ends[0]->unit, pair->home->name);
	for (int i = 0; i < 2; i++) {
		error = ep_ifnet_take_index_at(ep, ends[i]->index);
		if (error == 0)
			continue;
		(void)ep_fail(err, error, "%s cannot have the index %u",
		    ends[i]->name, ends[i]->index);
		if (i == 1)
			ep_ifnet_put_index(ep, ends[0]->index);
		ep_index_put(units, ends[0]->unit);
		return error;
	}
	return 0;
}

static void
fill_end(struct epair_if *ifp, const struct epair_if_info *end)
{
	strcpy(ifp->name, end->name);
	strcpy(ifp->descr, end->descr);
	memcpy(ifp->mac, end->mac, sizeof(ifp->mac));
	ifp->index = end->index;
	ifp->mtu = end->mtu;
	ifp->fib = end->fib;
	ifp->caps = end->caps;
	ifp->flags |= end->flags & (uint32_t)EPAIR_IFF_SETTABLE;
	for (uint32_t b = 0; b < ifp->nrxqs; b++)
		ifp->rxqs[b].q.limit = end->queue_limit;
	ep_pair_fill_full(ifp, end->full == EPAIR_FULL_WAIT);
}

static int
restore_locked(struct epair *ep, const struct epair_if_info *const ends[2],
    struct ep_pair **pairp, struct epair_err *err) EP_REQUIRES(ep->lock)
{
	struct epair_create how = { .mbufs_max = ends[0]->mbufs_max };
	struct ep_spot spots[2];
	struct epair_vnet *home;
	struct ep_pair *pair;
	int error = find_vnet(ep, ends[0]->home, &home, err);

	for (int i = 0; i < 2 && error == 0; i++)
		error = find_spot(ep, ends[i], &spots[i], err);
	if (error != 0)
		return error;
	if (ep->pair_count >= ep->opts.pairs_max)
		return ep_fail(err, -ENOBUFS,
		    "there are %u pairs, as many as may be", ep->pair_count);
	pair = ep_pair_alloc(home, &how);
	if (pair == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a pair");
	error = take_numbers(pair, ends, err);
	if (error != 0) {
		ep_pair_free(pair);
		return error;
	}

	/* commit */
	pair->unit = ends[0]->unit;
	for (int i = 0; i < 2; i++)
		fill_end(&pair->ends[i], ends[i]);
	ep_pair_commit(pair, spots);
	ep_ifnet_link_update(&pair->ends[0]);
	*pairp = pair;
	return 0;
}

int
ep_pair_restore(struct epair *ep, const struct epair_if_info *const ends[2],
    struct epair_if **a, struct epair_err *err)
{
	struct ep_pair *pair = NULL;
	int error = check_pair(ends, err);

	if (error != 0)
		return error;
	ep_lock(&ep->lock);
	error = restore_locked(ep, ends, &pair, err);
	if (error == 0) {
		ep_pair_ref(pair);
		*a = &pair->ends[0];
	}
	ep_unlock(&ep->lock);
	return error;
}
