/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/event.h - telling subscribers what happened; see <epair/event.h>.
 */
#ifndef EP_NET_EVENT_H
#define EP_NET_EVENT_H

#include <epair/event.h>

#include "net/ifnet.h"

/*
 * Tell of something that happened to an interface, with its names, flags and
 * link as they are now. detail may be NULL.
 */
void ep_event_if(struct epair_if *ifp, enum epair_event_type type,
    const char *detail) EP_REQUIRES(ifp->ep->lock);

/* The same with where it was and what it was called before. */
void ep_event_moved(struct epair_if *ifp, enum epair_event_type type,
    const char *old_vnet, const char *old_name) EP_REQUIRES(ifp->ep->lock);

void ep_event_vnet(struct epair *ep, enum epair_event_type type,
    const char *vnet) EP_REQUIRES(ep->lock);

#endif /* EP_NET_EVENT_H */
