/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/ifnet.h - struct epair_if: one end of a pair as an interface.
 *
 * What a driver (pair/) fills and what the data path reads. Life:
 *
 *	state       meaning                              left by
 *	attached    in its vnet; has name and index      ep_ifnet_detach
 *	dying       RUNNING lost, no name, tasks being   the last run ends
 *	            cancelled, frames being freed        (net/run.h)
 *	dead        nothing runs; memory stays while     the last reference
 *	            references are held
 *
 * Fields: (c) under the configuration lock; (a) atomic: written under the
 * configuration lock, read by the data path with relaxed loads; (k) constant
 * after creation.
 */
#ifndef EP_NET_IFNET_H
#define EP_NET_IFNET_H

#include <sys/queue.h>

#include <epair/attach.h>
#include <epair/histogram.h>
#include <epair/if.h>

#include "base/table.h"
#include "net/instance.h"
#include "queue/queue.h"
#include "sched/sched.h"

struct ep_account;
struct ep_impair;
struct ep_multi;
struct ep_qdisc;
struct ep_stack;
struct ep_watchers;

#define EP_ETHER_HDR_LEN   14u
#define EP_ETHER_VLAN_LEN  4u
#define EP_MTU_MIN         72u
#define EP_MTU_MAX         65535u
#define EP_QUEUE_LIMIT     4096u
#define EP_QUEUE_LIMIT_MAX 1048576u

/*
 * What a sender that is held back may have taken before it was: frames beyond a
 * limit that are not dropped (pair/full.c).
 */
#define EP_FULL_SLACK 1024u

/* What <epair/histogram.h> tells of one bucket. */
struct ep_rx_book {
	uint64_t burst_frames; /* in the line of the small bursts */
	uint64_t bursts[EPAIR_BURST_PLACES];
	uint64_t waits[EPAIR_WAIT_PLACES], wait_ns;
};

/* One bucket of the receiving side: the waiting frames and their task. */
struct ep_rxq {
	struct ep_queue q; /* two lines */
	/* One that is read, and seldom written: */
	struct epair_if *ifp; /* (k) */
	uint32_t bucket; /* (k) */
	/* Of the thread that took last: who sends from there need not pack. */
	struct ep_mcache *taker; /* (a); written by the task when it changes */
	/* Under q's lock, by the transmitter. */
	uint64_t arrived; /* through an impairment: our ipackets only */
	/* And what the task writes, and who wakes it: */
	struct ep_task task __attribute__((aligned(64)));
	/* By the task alone, read relaxed: */
	uint64_t ibytes;
	uint64_t imcasts;
	uint64_t delivered;
	struct ep_rx_book book; /* so too */
} __attribute__((aligned(64)));

_Static_assert(
    offsetof(struct ep_rxq, book) == 256, "four lines, and its book");

/*
 * What impairments did to the frames of their sender: atomic counters, since
 * one may come while the last one goes. Here, since they outlive it.
 */
struct ep_linked {
	uint64_t packets; /* the sender's opackets, beside those of rxqs */
	uint64_t bytes;
	uint64_t mcasts;
	uint64_t duplicated, corrupted, reordered, marked;
	uint64_t dropped; /* after they were sent */
};

struct epair_if {
	/* What transmit reads. */
	uint32_t flags; /* (a) EPAIR_IFF_* */
	uint32_t mtu; /* (a) */
	uint32_t caps; /* (a) EPAIR_CAP_* enabled */
	uint32_t index; /* (k) */
	struct epair_if *oifp; /* (k) the other end */
	struct ep_pair *pair; /* (k) */
	struct epair *ep; /* (k) */
	struct ep_account *account; /* (k) the pair's */
	struct ep_watchers
	    *watchers; /* (a) who captures, in an epoch section */
	struct ep_qdisc *qdisc; /* (a) in an epoch section */
	struct ep_impair *impair; /* (a) in an epoch section */
	struct ep_rxq *rxqs; /* (k) nrxqs of them */
	uint32_t nrxqs; /* (k) */
	uint16_t fib; /* (a) */
	bool dying; /* (a) no longer attached to a vnet */
	bool full_waits; /* (a) what it sends: EPAIR_FULL_WAIT */
	bool held; /* atomic: its sender found no room, and is to be told */
	char side; /* (k) 'a' or 'b' */
	struct ep_stack *stack; /* (a) in an epoch section; net/stack.h */

	uint64_t drops[EPAIR_DROP_MAX]; /* atomic counters */
	struct ep_linked linked;
	uint64_t waits; /* atomic: how often its sender was held back */

	/* Configuration, all (c). */
	struct epair_vnet *vnet; /* where it is; NULL when dying */
	TAILQ_ENTRY(epair_if) link; /* in vnet->ifs, by place */
	uint64_t place;
	struct ep_table_entry by_name, by_mac;
	char name[EPAIR_NAME_MAX];
	char descr[EPAIR_DESCR_MAX];
	uint8_t mac[6];
	enum epair_link link_state;
	bool is_away; /* nobody is behind what was attached */
	bool is_cut; /* what it sends is lost on the cable */
	struct ep_multi *multis;
	uint32_t multi_count;
	char *qdisc_spec; /* as written, or NULL */
	uint32_t changed; /* atomic: EPAIR_CHANGED_* not yet told */
	uint32_t telling; /* atomic, changed_task's: those being told */
	struct ep_task changed_task;
};

/*
 * A pair is one piece of memory with both ends. What moves it is in pair/.
 *
 * `refs` keeps the memory: one for being alive, one for each reference that a
 * program holds. `runs` keeps it from being torn down: one for being alive,
 * one for each queue of either end, so that frames that come and go need not
 * count, one for each `changed` task that waits or runs, and for each call into
 * a stack from elsewhere. When destroy has given up the first and the last of
 * the others ends, whoever ended it tears down.
 *
 *	D1  a task of either end waits or runs only while `runs` counts it, or
 *	    its queue
 *	D2  teardown happens once, after the last run, and before destroy
 *	    returns unless destroy was called from within a run
 *	D3  after teardown no frame is queued and none can be: RUNNING was
 *	    cleared and an epoch has passed before `runs` lost its first
 *	D4  a stack is held only within a run
 */
struct ep_pair {
	struct epair_if ends[2]; /* a, b */
	struct epair *ep; /* (k) */
	uint32_t refs; /* atomic */
	uint32_t runs; /* atomic */
	bool torn; /* under ep->hold_lock */
	void (*teardown)(struct ep_pair *pair); /* (k) */
	uint32_t unit; /* (k) */
	uint64_t next_pktid; /* atomic */
	struct epair_vnet *home; /* (c) NULL when dying */
	struct ep_account *account; /* (k) */
	TAILQ_ENTRY(ep_pair) link; /* (c) in home->pairs */
};

/*
 * Begin a run: only where the pair cannot be torn down meanwhile - within
 * another run, in an epoch section that has seen RUNNING, or under the
 * configuration lock with the pair not dying. Ending the last one tears down
 * and may free the pair: nothing of it may be touched after.
 */
void ep_pair_run_begin(struct ep_pair *pair);
void ep_pair_run_end(struct ep_pair *pair);

static inline bool
ep_ifnet_is_up(const struct epair_if *ifp)
{
	return (__atomic_load_n(&ifp->flags, __ATOMIC_RELAXED) &
		   (EPAIR_IFF_UP | EPAIR_IFF_RUNNING)) ==
	       (EPAIR_IFF_UP | EPAIR_IFF_RUNNING);
}

/*
 * The worker on which the interface's bucket is served; attachments put their
 * own timers and descriptors there too.
 */
static inline struct ep_worker *
ep_ifnet_worker(const struct epair_if *ifp, unsigned bucket)
{
	return ifp->rxqs[bucket % ifp->nrxqs].task.worker;
}

/*
 * A seed of this direction of this pair alone: what else there is in the
 * instance does not change it. In simulated time it comes from the instance's.
 */
uint64_t ep_ifnet_seed(struct epair_if *ifp) EP_REQUIRES(ifp->ep->lock);

/*
 * Free n frames that end here, counted under `reason` on ifp, with the
 * interface counter that the reason moves, and shown to captures that saw
 * them before. `error` is returned, for `return ep_drop(...)`.
 */
int ep_drop(struct epair_if *ifp, struct epair_mbuf **ms, unsigned n,
    enum epair_drop reason, int error);

/* Count only: for frames that never were an mbuf. */
void ep_drop_count(struct epair_if *ifp, uint64_t n, enum epair_drop reason);

/*
 * Tell what stands behind ifp that something changed: EPAIR_CHANGED_*. From a
 * task, later. Any thread; while the interface is not dying.
 */
void ep_ifnet_changed(struct epair_if *ifp, uint32_t what);

/*
 * The same from the data path: within a run of the pair, or where one may begin
 * (ep_pair_run_begin()).
 */
void ep_ifnet_tell(struct epair_if *ifp, uint32_t what);

/*
 * Whether what was changed before has been told, WRITABLE apart, which comes
 * and goes with the frames. Any thread.
 */
bool ep_ifnet_is_told(const struct epair_if *ifp);

/*
 * Set the link state of both ends of its pair, and tell where it is another.
 * With LINK_FOLLOW an end has link while the other is UP and not is_away, and
 * what that sends is not cut. Whoever changes one of these calls it.
 */
void ep_ifnet_link_update(struct epair_if *ifp) EP_REQUIRES(ifp->ep->lock);

#endif /* EP_NET_IFNET_H */
