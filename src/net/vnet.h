/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/vnet.h - a virtual network stack instance: names, units, order.
 *
 * All under the configuration lock.
 */
#ifndef EP_NET_VNET_H
#define EP_NET_VNET_H

#include <sys/queue.h>

#include <epair/vnet.h>

#include "net/clone.h"
#include "net/instance.h"

struct ep_account;

TAILQ_HEAD(ep_if_list, epair_if);
TAILQ_HEAD(ep_pair_list, ep_pair);

struct epair_vnet {
	struct epair *ep;
	TAILQ_ENTRY(epair_vnet) link;
	uint64_t serial; /* from 1; of no other, though its address may be */
	char name[EPAIR_NAME_MAX];
	char *kind; /* what everything in it is attached to, or NULL */
	int netns; /* that netns=new in kind made for all in it; -1: none */
	/*
	 * Of the process that netns= in kind names by its number, a pidfd from
	 * the first attachment on: when it has ended, the number is another's.
	 * -1: none is known.
	 */
	int process;
	bool ending; /* its interfaces are being sent home */
	struct ep_table by_name; /* of interfaces */
	struct ep_if_list ifs; /* in the order of attachment */
	uint32_t if_count;
	struct ep_cloner cloner;
	struct ep_pair_list pairs; /* made here, oldest first */
	struct ep_account *account;
};

/* Find by name (NULL is "vnet0") one that is not ending; or NULL. */
struct epair_vnet *ep_vnet_find(struct epair *ep, const char *name)
    EP_REQUIRES(ep->lock);

/* Make, with a NULL or checked kind. Returns 0, -EEXIST, -EINVAL, -ENOMEM. */
int ep_vnet_create(struct epair *ep, const char *name, const char *kind,
    struct epair_vnet **vnp, struct epair_err *err) EP_REQUIRES(ep->lock);

/* Unlink and free. No interface and no pair of it may be left. */
void ep_vnet_destroy(struct epair_vnet *vn) EP_REQUIRES(vn->ep->lock);

/* Is it a name that an interface or vnet may have (contract 1.8)? */
bool ep_name_ok(const char *name);

#endif /* EP_NET_VNET_H */
