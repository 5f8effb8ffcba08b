/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api/if_config.c - changing an interface (contract 7).
 *
 * Every call has the same shape: take the lock, see that the interface is
 * there, check, change, tell.
 */
#include <epair/if.h>
#include <epair/qdisc.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/atomic.h"
#include "base/error.h"
#include "base/sized.h"
#include "net/event.h"
#include "net/ifnet_life.h"
#include "net/multi.h"
#include "pair/pair.h"
#include "qdisc/qdisc.h"

#define CAPS_SETTABLE \
	(EPAIR_CAP_CSUM | EPAIR_CAP_TSO | EPAIR_CAP_USO | \
	    EPAIR_CAP_VLAN_HWTAGGING | EPAIR_CAP_LINK_FOLLOW)

/* Lock, and 0 if it is there; else unlocked and -ENXIO. */
static int
begin(struct epair_if *ifp, struct epair_err *err) EP_NO_TSA
{
	ep_lock(&ifp->ep->lock);
	if (!ifp->dying)
		return 0;
	ep_unlock(&ifp->ep->lock);
	return ep_fail(err, -ENXIO, "the interface is destroyed");
}

static int
end(struct epair_if *ifp, int error) EP_NO_TSA
{
	ep_unlock(&ifp->ep->lock);
	return error;
}

int
epair_if_rename(
    struct epair_if *ifp, const char *name, struct epair_err *err) EP_NO_TSA
{
	char old[EPAIR_NAME_MAX];
	int error = begin(ifp, err);

	if (error != 0)
		return error;
	if (!ep_name_ok(name))
		return end(ifp,
		    ep_fail(err, -EINVAL,
			"'%.32s' is no name for an interface: 1 to 15 octets "
			"without '/', ':', space and control characters, "
			"not . or ..",
			name));
	if (ep_ifnet_find(ifp->vnet, name) != NULL)
		return end(
		    ifp, ep_fail(err, -EEXIST, "vnet %s has an interface %s",
			     ifp->vnet->name, name));
	memcpy(old, ifp->name, sizeof(old));
	ep_ifnet_set_name(ifp, name);
	ep_event_moved(ifp, EPAIR_EVENT_RENAME, NULL, old);
	ep_ifnet_changed(ifp, EPAIR_CHANGED_NAME);
	return end(ifp, 0);
}

int
epair_if_tell(struct epair_if *ifp, const char *detail) EP_NO_TSA
{
	int error = begin(ifp, NULL);

	if (error != 0)
		return error;
	ep_event_if(ifp, EPAIR_EVENT_ATTACHMENT, detail);
	return end(ifp, 0);
}

int
epair_if_describe(
    struct epair_if *ifp, const char *text, struct epair_err *err) EP_NO_TSA
{
	int error = begin(ifp, err);

	if (error != 0)
		return error;
	if (strlen(text) >= sizeof(ifp->descr))
		return end(ifp, ep_fail(err, -ENAMETOOLONG,
				    "a description has at most %d octets",
				    EPAIR_DESCR_MAX - 1));
	strcpy(ifp->descr, text);
	return end(ifp, 0);
}

int
epair_if_set_flags(struct epair_if *ifp, uint32_t set, uint32_t clear,
    struct epair_err *err) EP_NO_TSA
{
	int error = begin(ifp, err);

	if (error != 0)
		return error;
	if ((set | clear) & ~(uint32_t)EPAIR_IFF_SETTABLE)
		return end(ifp,
		    ep_fail(err, -EINVAL, "flags %#x cannot be set; %#x can",
			set | clear, EPAIR_IFF_SETTABLE));
	ep_ifnet_change_flags(ifp, set, clear);
	return end(ifp, 0);
}

int
epair_if_up(struct epair_if *ifp)
{
	return epair_if_set_flags(ifp, EPAIR_IFF_UP, 0, NULL);
}

int
epair_if_down(struct epair_if *ifp)
{
	return epair_if_set_flags(ifp, 0, EPAIR_IFF_UP, NULL);
}

int
epair_if_set_mtu(
    struct epair_if *ifp, uint32_t mtu, struct epair_err *err) EP_NO_TSA
{
	int error = begin(ifp, err);

	if (error != 0)
		return error;
	if (mtu < EP_MTU_MIN || mtu > EP_MTU_MAX)
		return end(
		    ifp, ep_fail(err, -EINVAL, "mtu %u: must be %u to %u", mtu,
			     EP_MTU_MIN, EP_MTU_MAX));
	if (mtu != ifp->mtu) {
		char text[16];

		ep_store_relaxed(&ifp->mtu, mtu);
		(void)snprintf(text, sizeof(text), "%u", mtu);
		ep_event_if(ifp, EPAIR_EVENT_MTU, text);
		ep_ifnet_changed(ifp, EPAIR_CHANGED_MTU);
	}
	return end(ifp, 0);
}

int
epair_if_set_mac(
    struct epair_if *ifp, const uint8_t *mac, struct epair_err *err) EP_NO_TSA
{
	int error = begin(ifp, err);

	if (error != 0)
		return error;
	if (memcmp(ifp->mac, mac, 6) == 0)
		return end(ifp, 0);
	error = ep_pair_mac_check(ifp->ep, mac, err);
	if (error == 0) {
		char text[18];

		ep_ifnet_set_mac(ifp, mac);
		(void)snprintf(text, sizeof(text),
		    "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		    mac[3], mac[4], mac[5]);
		ep_event_if(ifp, EPAIR_EVENT_ADDRESS, text);
		ep_ifnet_changed(ifp, EPAIR_CHANGED_MAC);
	}
	return end(ifp, error);
}

int
epair_if_set_fib(struct epair_if *ifp, uint16_t fib) EP_NO_TSA
{
	int error = begin(ifp, NULL);

	if (error != 0)
		return error;
	ep_store_relaxed(&ifp->fib, fib);
	return end(ifp, 0);
}

int
epair_if_set_media(
    struct epair_if *ifp, uint32_t media, struct epair_err *err) EP_NO_TSA
{
	int error = begin(ifp, err);

	if (error != 0)
		return error;
	if (media != EPAIR_MEDIA_10GBASE_T)
		error = ep_fail(err, -ENXIO,
		    "media %u: an epair has 10Gbase-T only", media);
	return end(ifp, error);
}

/* Both ends have the same. */
static void
change_caps(struct ep_pair *pair, uint32_t caps) EP_REQUIRES(pair->ep->lock)
{
	for (int i = 0; i < 2; i++) {
		struct epair_if *ifp = &pair->ends[i];

		if (caps == ifp->caps)
			continue;
		ep_store_relaxed(&ifp->caps, caps);
		ep_ifnet_changed(ifp, EPAIR_CHANGED_CAPS);
	}
	ep_ifnet_link_update(&pair->ends[0]);
}

int
epair_if_set_caps(struct epair_if *ifp, uint32_t set, uint32_t clear,
    struct epair_err *err) EP_NO_TSA
{
	int error = begin(ifp, err);
	uint32_t caps;

	if (error != 0)
		return error;
	if ((set | clear) & ~(uint32_t)CAPS_SETTABLE)
		return end(ifp, ep_fail(err, -EINVAL,
				    "capabilities %#x cannot be set; %#x can",
				    set | clear, CAPS_SETTABLE));
	caps = (ifp->caps | set) & ~clear;
	if (!(caps & EPAIR_CAP_CSUM))
		caps &= ~(uint32_t)(EPAIR_CAP_TSO | EPAIR_CAP_USO);
	change_caps(ifp->pair, caps);
	return end(ifp, 0);
}

int
epair_if_set_queue_limit(
    struct epair_if *ifp, uint32_t limit, struct epair_err *err) EP_NO_TSA
{
	int error = begin(ifp, err);

	if (error != 0)
		return error;
	if (limit == 0 || limit > EP_QUEUE_LIMIT_MAX)
		return end(ifp,
		    ep_fail(err, -EINVAL, "queue limit %u: must be 1 to %u",
			limit, EP_QUEUE_LIMIT_MAX));
	for (uint32_t b = 0; b < ifp->nrxqs; b++)
		ep_store_relaxed(&ifp->rxqs[b].q.limit, limit);
	ep_pair_made_room(ifp->oifp);
	return end(ifp, 0);
}

int
epair_if_set_full(
    struct epair_if *ifp, enum epair_full full, struct epair_err *err)
{
	if (full != EPAIR_FULL_DROP && full != EPAIR_FULL_WAIT)
		return ep_fail(
		    err, -EINVAL, "full: must be EPAIR_FULL_DROP or _WAIT");
	if (ep_pair_set_full(ifp, full == EPAIR_FULL_WAIT) != 0)
		return ep_fail(err, -ENXIO, "the interface is destroyed");
	return 0;
}

int
epair_if_writable(struct epair_if *ifp)
{
	return ep_load_relaxed(&ifp->dying) ? -ENXIO : ep_pair_may_send(ifp);
}

int
epair_if_multi_add(struct epair_if *ifp, const uint8_t *mac) EP_NO_TSA
{
	int error = begin(ifp, NULL);

	if (error != 0)
		return error;
	error = ep_multi_add(ifp, mac);
	if (error == 0)
		ep_ifnet_changed(ifp, EPAIR_CHANGED_MULTI);
	return end(ifp, error);
}

int
epair_if_multi_del(struct epair_if *ifp, const uint8_t *mac) EP_NO_TSA
{
	int error = begin(ifp, NULL);

	if (error != 0)
		return error;
	error = ep_multi_del(ifp, mac);
	if (error == 0)
		ep_ifnet_changed(ifp, EPAIR_CHANGED_MULTI);
	return end(ifp, error);
}

int
epair_if_set_qdisc(
    struct epair_if *ifp, const char *spec, struct epair_err *err)
{
	return ep_pair_set_qdisc(ifp, spec, err);
}

int
epair_if_get_qdisc_stats(
    struct epair_if *ifp, struct epair_qdisc_stats *stats) EP_NO_TSA
{
	struct epair_qdisc_stats all = { .size = 0 };
	int error = begin(ifp, NULL);

	if (error != 0)
		return error;
	/* It goes away only under the lock. */
	if (ifp->qdisc == NULL)
		return end(ifp, -ENOENT);
	ep_lock(&ifp->qdisc->lock);
	ep_qdisc_look(ifp->qdisc, &all);
	ep_unlock(&ifp->qdisc->lock);
	return end(ifp, ep_sized_give(stats, &all, sizeof(all)));
}
