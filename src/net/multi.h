/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/multi.h - multicast memberships of an interface, counted. Under the
 * configuration lock.
 */
#ifndef EP_NET_MULTI_H
#define EP_NET_MULTI_H

#include "net/ifnet.h"

#define EP_MULTI_MAX 1024u

struct ep_multi {
	struct ep_multi *next;
	uint32_t count;
	uint8_t mac[6];
};

/* Returns 0, -EINVAL, -ENOMEM, -ENOBUFS. */
int ep_multi_add(struct epair_if *ifp, const uint8_t mac[6]);

/* Returns 0, -EINVAL, -ENOENT. */
int ep_multi_del(struct epair_if *ifp, const uint8_t mac[6]);

/* Forget all. */
void ep_multi_clear(struct epair_if *ifp);

#endif /* EP_NET_MULTI_H */
