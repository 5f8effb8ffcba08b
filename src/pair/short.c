/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The short ways from transmit to the queue, where both ends are UP and nobody
 * is on the way - discipline, capture, link - who wants to see the frames.
 *
 * Most frames of a program that has a thread for each end go in a burst of plain
 * ones (mbuf/packed.h), not too long, to one queue. All that transmit_burst()
 * and hand_over() would find out about each of them one after the other, is
 * found out here while it is packed, and of its header nothing is written that
 * does not cross. A frame that is not plain, and all behind it, go the long way:
 * in order.
 *
 * A frame that comes alone, of whatever kind, pays for all that a burst is: it
 * has a way without arrays, and without what happens once in a chunk.
 */
#include "base/atomic.h"
#include "mbuf/account.h"
#include "mbuf/pool.h"
#include "net/ether.h"
#include "pair/pair_priv.h"
#include "rss/rss.h"

static bool
is_way_free(const struct epair_if *ifp)
{
	/* acquire what took them away released: theirs is queued before us */
	return ep_ifnet_is_up(ifp) && ep_ifnet_is_up(ifp->oifp) &&
	       ep_load_relaxed(&ifp->watchers) == NULL &&
	       ep_load_acquire(&ifp->qdisc) == NULL &&
	       ep_load_acquire(&ifp->impair) == NULL;
}

static inline uint32_t
max_len(const struct epair_if *ifp)
{
	return ep_load_relaxed(&ifp->mtu) + EP_OVER_MTU;
}

static inline bool
is_ours(const struct epair_if *ifp, const struct epair_mbuf *m)
{
	return m->account == NULL || m->account == ifp->account;
}

/* What crosses of one, and what it adds. */
static inline void
mark(struct epair_mbuf *m, struct ep_sums *sums)
{
	if (!(m->flags & EP_M_GROUP))
		m->flags |= ep_ether_group_flags(m);
	sums->mcasts += (m->flags & EP_M_GROUP) != 0;
	sums->bytes += m->pktlen;
}

/* One frame. */

/* For its queue: in 16 octets if its header may stay behind, or as a pointer. */
static inline struct ep_packed
pack_alone(const struct epair_if *ifp, const struct ep_mcache *mc,
    const struct ep_rxq *rxq, struct epair_mbuf *m)
{
	if (ep_load_relaxed(&rxq->taker) != mc && ep_is_plain(m, ifp->ep->pool))
		return ep_pack_one(m);
	/* None of a capture's: nobody is on the way. */
	m->flags &= ~(uint32_t)(EPAIR_M_SNDTAG | EPAIR_M_PKTID);
	m->rcvif = ifp->oifp->index;
	return (struct ep_packed){ .m = m };
}

/* False: it has not gone, but may be charged. */
static bool
send_alone(struct epair_if *ifp, struct ep_mcache *mc, struct epair_mbuf *m)
{
	const struct epair_if *oifp = ifp->oifp;
	struct ep_sums sums = { 0, 0 };
	struct ep_packed frame;
	struct ep_rxq *rxq;
	bool wake, done;

	if (m->pktlen > max_len(ifp) || !is_ours(ifp, m) ||
	    (m->flags & (EPAIR_M_TAGS | EPAIR_M_VLANTAG)) != 0)
		return false;
	if (m->account == NULL && ep_account_charge(mc, ifp->account, 1) == 0)
		return false;
	m->account = ifp->account;
	mark(m, &sums);
	rxq = &oifp->rxqs[ep_rss_bucket(m, oifp->nrxqs, ifp->ep->opts.rss_udp)];
	frame = pack_alone(ifp, mc, rxq, m);
	ep_spin_lock(&rxq->q.lock);
	done = ep_queue_put_one(&rxq->q, frame, &wake);
	if (done) {
		rxq->q.packets++;
		rxq->q.bytes += sums.bytes;
		rxq->q.mcasts += sums.mcasts;
	}
	ep_spin_unlock(&rxq->q.lock);
	if (!done)
		return false;
	if (frame.len > 0)
		ep_packed_sent_one(ifp->ep->pool, mc, m);
	if (wake)
		(void)ep_task_schedule(&rxq->task);
	return true;
}

/* A burst of plain ones. */

/*
 * Pack from the front. *fresh: those that were charged to nobody. Whom a frame
 * is charged to stays behind with its header: none says so that has gone.
 */
static void
pack(const struct epair_if *ifp, unsigned n, struct ep_load *load,
    unsigned *fresh)
{
	const struct ep_pool *pool = ifp->ep->pool;
	struct epair_mbuf **ms = load->ms;
	struct ep_sums sums = { 0, 0 };
	uint32_t max = max_len(ifp);
	unsigned i, uncharged = 0;

	for (i = 0; i < n; i++) {
		struct epair_mbuf *m = ms[i];

		if (!ep_is_plain(m, pool) || m->len > max || !is_ours(ifp, m))
			break;
		uncharged += m->account == NULL;
		mark(m, &sums);
		load->frames[i] = ep_pack_one(m);
	}
	load->n = i;
	load->sums = sums;
	*fresh = uncharged;
}

static unsigned
send_plain(struct epair_if *ifp, struct ep_mcache *mc, struct epair_mbuf **ms,
    unsigned n)
{
	struct ep_load load;
	unsigned fresh;
	uint32_t granted;

	if (ifp->oifp->nrxqs != 1 ||
	    ep_load_relaxed(&ifp->oifp->rxqs->taker) == mc)
		return 0;
	granted = ep_account_charge(mc, ifp->account, n);
	load.ms = ms;
	load.apart = load.plain = true;
	load.counted = false;
	pack(ifp, granted, &load, &fresh);
	if (fresh < granted)
		ep_account_release(mc, ifp->account, granted - fresh);
	if (load.n > 0)
		ep_pair_put_load(ifp, mc, ifp->oifp->rxqs, &load);
	return load.n;
}

unsigned
ep_pair_send_short(struct epair_if *ifp, struct ep_mcache *mc,
    struct epair_mbuf **ms, unsigned n)
{
	if (!is_way_free(ifp))
		return 0;
	if (n == 1)
		return send_alone(ifp, mc, ms[0]);
	return send_plain(ifp, mc, ms, n);
}
