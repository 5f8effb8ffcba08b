/* SPDX-License-Identifier: BSD-2-Clause */
/* pair/pair_priv.h - what the files of pair/ share. */
#ifndef EP_PAIR_PAIR_PRIV_H
#define EP_PAIR_PAIR_PRIV_H

#include "base/domain.h"
#include "pair/pair.h"

/* The task of a queue: deliver what waits in it (deliver.c). */
void ep_pair_deliver(struct ep_task *task);

/* The end of a pair's last run (destroy.c). */
void ep_pair_teardown(struct ep_pair *pair);

/* Choose an address for each end by contract 2.3 or 2.4 (mac.c). */
int ep_pair_macs(struct ep_pair *pair, const struct epair_create *how,
    struct epair_err *err) EP_REQUIRES(pair->ep->lock);

/*
 * What an interface loses when it leaves its vnet: captures and discipline.
 * Their memory goes in ep_pair_free_lost(), after the lock was given up.
 */
struct ep_lost {
	struct ep_watchers *watchers;
	struct ep_qdisc *qdisc;
};

struct ep_lost ep_pair_lose(struct epair_if *ifp) EP_REQUIRES(ifp->ep->lock);

/* Wait for the epoch, drop what the discipline held, free. */
void ep_pair_free_lost(struct epair_if *ifp, struct ep_lost *lost);

/* A vnet to move to is given; the name is free there and room reserved. */
void ep_pair_move_locked(struct epair_if *ifp, struct epair_vnet *to,
    const char *name, struct ep_lost *lost) EP_REQUIRES(ifp->ep->lock);

#endif /* EP_PAIR_PAIR_PRIV_H */
