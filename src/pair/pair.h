/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair/pair.h - the driver: two interfaces and the cable between them.
 */
#ifndef EP_PAIR_PAIR_H
#define EP_PAIR_PAIR_H

#include "net/ifnet.h"
#include "net/vnet.h"

/*
 * A pair is one piece of memory with both ends.
 *
 * `refs` keeps the memory: one for being alive, one for each reference that a
 * program holds. `runs` keeps it from being torn down: one for being alive,
 * one for each task of either end that waits or runs. When destroy has given
 * up the first and the last of the others ends, whoever ended it tears down.
 *
 *	D1  a task of either end waits or runs only while runs counts it
 *	D2  teardown happens once, after the last run, and before destroy
 *	    returns unless destroy was called from within a run
 *	D3  after teardown no frame is queued and none can be: RUNNING was
 *	    cleared and an epoch has passed before `runs` lost its first
 */
struct ep_pair {
	struct epair_if ends[2]; /* a, b */
	struct epair *ep;
	uint32_t refs; /* atomic */
	uint32_t runs; /* atomic */
	bool torn; /* under ep->hold_lock */
	uint32_t unit;
	uint64_t next_pktid; /* atomic */
	struct epair_vnet *home; /* (c) NULL when dying */
	TAILQ_ENTRY(ep_pair) link; /* (c) in home->pairs */
};

/* Transmit: contract 3 and 4. Takes the frames; see epair_if_transmit(). */
int ep_pair_transmit(
    struct epair_if *ifp, struct epair_mbuf **ms, unsigned n);

int ep_pair_create(struct epair *ep, const char *vnet, const char *name,
    const struct epair_create *how, struct epair_if **a,
    struct epair_err *err);
int ep_pair_destroy(struct epair_if *ifp, struct epair_err *err);
int ep_pair_move(
    struct epair_if *ifp, const char *vnet, struct epair_err *err);

/* References of programs. */
void ep_pair_ref(struct ep_pair *pair);
void ep_pair_put(struct ep_pair *pair);

#endif /* EP_PAIR_PAIR_H */
