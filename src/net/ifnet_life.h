/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/ifnet_life.h - what creates, finds, names and moves interfaces. For the
 * driver and the configuration calls; the data path needs net/ifnet.h only.
 *
 * All under the configuration lock.
 */
#ifndef EP_NET_IFNET_LIFE_H
#define EP_NET_IFNET_LIFE_H

#include "net/ifnet.h"
#include "net/vnet.h"

/* By name, or NULL. */
struct epair_if *ep_ifnet_find(const struct epair_vnet *vn, const char *name)
    EP_REQUIRES(vn->ep->lock);

/* The one at a place of the list, else the last before it; or NULL. */
struct epair_if *ep_ifnet_find_place(
    const struct epair_vnet *vn, uint64_t place) EP_REQUIRES(vn->ep->lock);

/* By MAC address in the whole instance, or NULL. */
struct epair_if *ep_ifnet_find_mac(
    const struct epair *ep, const uint8_t mac[6]);

/* The lowest free index, from 1. Returns 0, or -ENOMEM. */
int ep_ifnet_take_index(struct epair *ep, uint32_t *index)
    EP_REQUIRES(ep->lock);
/* This one. Returns 0; -EEXIST; -EINVAL out of range; -ENOMEM. */
int ep_ifnet_take_index_at(struct epair *ep, uint32_t index)
    EP_REQUIRES(ep->lock);
void ep_ifnet_put_index(struct epair *ep, uint32_t index) EP_REQUIRES(ep->lock);

/* Have room for one more in the tables. Returns 0, or -ENOMEM. */
int ep_ifnet_reserve(struct epair *ep, struct epair_vnet *vn)
    EP_REQUIRES(ep->lock);

/*
 * Put it at the end of a vnet's list, and take it out. Its name must be free
 * there and room reserved.
 */
void ep_ifnet_attach(struct epair_if *ifp, struct epair_vnet *vn)
    EP_REQUIRES(ifp->ep->lock);
void ep_ifnet_detach(struct epair_if *ifp) EP_REQUIRES(ifp->ep->lock);

/* The same, at the place that it had once. */
void ep_ifnet_attach_at(struct epair_if *ifp, struct epair_vnet *vn,
    uint64_t place) EP_REQUIRES(ifp->ep->lock);

/* Change a name or address, which must be free; nobody is told. */
void ep_ifnet_set_name(struct epair_if *ifp, const char *name)
    EP_REQUIRES(ifp->ep->lock);
void ep_ifnet_set_mac(struct epair_if *ifp, const uint8_t mac[6])
    EP_REQUIRES(ifp->ep->lock);

/* Change flags, and tell of it and of the link if that follows. */
void ep_ifnet_change_flags(struct epair_if *ifp, uint32_t set, uint32_t clear)
    EP_REQUIRES(ifp->ep->lock);

void ep_ifnet_changed_init(struct epair_if *ifp);

#endif /* EP_NET_IFNET_LIFE_H */
