/* SPDX-License-Identifier: BSD-2-Clause */
/* pair/pair_priv.h - what the files of pair/ share. */
#ifndef EP_PAIR_PAIR_PRIV_H
#define EP_PAIR_PAIR_PRIV_H

#include "base/domain.h"
#include "mbuf/packed.h"
#include "net/ether.h"
#include "pair/pair.h"

#define EP_BURST 64u /* frames that go through transmit at once */

/* Contract 3.2: what a frame may be longer than the MTU. */
#define EP_OVER_MTU (EP_ETHER_HDR_LEN + EP_ETHER_VLAN_LEN)

#define EP_M_GROUP ((uint32_t)(EPAIR_M_BCAST | EPAIR_M_MCAST))

struct ep_impair;
struct ep_mcache;
struct ep_qdisc;

/* The task of a queue: deliver what waits in it (deliver.c). */
void ep_pair_deliver(struct ep_task *task);

/* Drop what waited in a queue. */
void ep_pair_drop_queued(struct ep_rxq *rxq, const struct ep_packed *frames,
    unsigned n, enum epair_drop why);

/* What goes into a queue at once. */
struct ep_load {
	struct epair_mbuf **ms;
	unsigned n;
	bool apart; /* packed for another thread */
	bool plain; /* ... and all of them plain: no header goes along */
	bool counted; /* as sent, already */
	struct ep_sums sums;
	struct ep_packed frames[EP_BURST];
};

/*
 * Queue frames that are charged to the pair, wake the task, drop what found no
 * room. In an epoch section that has seen RUNNING (transmit.c).
 */
void ep_pair_put_load(struct epair_if *ifp, struct ep_mcache *mc,
    struct ep_rxq *rxq, struct ep_load *load);

/*
 * The short ways (short.c), in an epoch section. Send one frame: false if it has
 * not gone, but may be charged. Send those from the front that are plain:
 * returns how many it was, sent or dropped.
 */
bool ep_pair_send_alone(
    struct epair_if *ifp, struct ep_mcache *mc, struct epair_mbuf *m);
unsigned ep_pair_send_plain(struct epair_if *ifp, struct ep_mcache *mc,
    struct epair_mbuf **ms, unsigned n);

/* transmit.c, for frames that go through an impairment. */

/* Put frames in the other end's queues; `counted`: as sent, already. */
void ep_pair_queue(struct epair_if *ifp, struct ep_mcache *mc,
    struct epair_mbuf **ms, unsigned n, bool counted);

/* Charge a burst to the pair; drop what it may not hold. Returns the rest. */
unsigned ep_pair_charge(struct epair_if *ifp, struct ep_mcache *mc,
    struct epair_mbuf **ms, unsigned n);

/* The link is free: send what the discipline holds. */
void ep_pair_pull(struct epair_if *ifp);

/*
 * Put qd, which may be NULL, in the place of the discipline `old`. What that
 * holds goes first: into qd, or on its way. Whoever has found `old` there
 * waits, and looks again, so that nothing overtakes it. The caller then pulls,
 * and frees `old` when an epoch has passed. Returns 0, or -ENOMEM and has changed
 * nothing.
 */
int ep_pair_replace_qdisc(struct epair_if *ifp, struct ep_qdisc *old,
    struct ep_qdisc *qd) EP_REQUIRES(ifp->ep->lock);

/* EPAIR_FULL_WAIT or not, as ep_pair_set_full() has it (full.c). */
void ep_pair_fill_full(struct epair_if *ifp, bool waits);

/* The timer of a discipline that shapes: it may give frames again. */
void ep_pair_qdisc_fired(struct ep_timer *timer);

/* cable.c: impairments. In an epoch section. */

/* Frames that no discipline held came when they are sent. */
#define EP_CAME_NOW UINT64_MAX

/* Send frames through; came_ns as hand_over() has it. */
void ep_cable_send(struct ep_impair *imp, struct ep_mcache *mc,
    struct epair_mbuf **ms, unsigned n, uint64_t came_ns);

/* How many frames the discipline may let go now: none, one, or a burst. */
unsigned ep_cable_room(struct ep_impair *imp, uint64_t now_ns);

/* There was no room: come back when there is. */
void ep_cable_wait(struct ep_impair *imp);

/*
 * After the epoch: stop it, drop what it holds as RX_DESTROYED, free. Waits for
 * its timer.
 */
void ep_cable_end(struct ep_impair *imp);

/* The end of a pair's last run (destroy.c). */
void ep_pair_teardown(struct ep_pair *pair);

/*
 * create.c: a pair with nothing but what it needs of memory, to be freed by
 * ep_pair_free(); and, when all has been found that makes it one, the commit:
 * each end in its vnet.
 */
struct ep_spot {
	struct epair_vnet *vnet;
	uint64_t place; /* in its list */
};

struct ep_pair *ep_pair_alloc(struct epair_vnet *vn,
    const struct epair_create *how) EP_REQUIRES(vn->ep->lock);
void ep_pair_free(struct ep_pair *pair);
void ep_pair_commit(struct ep_pair *pair, const struct ep_spot spots[2])
    EP_REQUIRES(pair->ep->lock);

/* Choose an address for each end by contract 2.3 or 2.4 (mac.c). */
int ep_pair_macs(struct ep_pair *pair, const struct epair_create *how,
    struct epair_err *err) EP_REQUIRES(pair->ep->lock);

/*
 * What an interface loses when it leaves its vnet: captures and discipline.
 * The impairment is the cable's, and lost with it.
 * Their memory goes in ep_pair_free_lost(), after the lock was given up.
 */
struct ep_lost {
	struct ep_watchers *watchers;
	struct ep_qdisc *qdisc;
	struct ep_impair *impair; /* only at the end of the pair */
	struct ep_stack *stack; /* only by a move: what its vnet gave it */
};

struct ep_lost ep_pair_lose(struct epair_if *ifp) EP_REQUIRES(ifp->ep->lock);

/* Wait for the epoch, drop what the discipline held, free. */
void ep_pair_free_lost(struct epair_if *ifp, struct ep_lost *lost);

/* A vnet to move to is given; the name is free there and room reserved. */
void ep_pair_move_locked(struct epair_if *ifp, struct epair_vnet *to,
    const char *name, struct ep_lost *lost) EP_REQUIRES(ifp->ep->lock);

#endif /* EP_PAIR_PAIR_PRIV_H */
