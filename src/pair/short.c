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

static inline bool
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

bool
ep_pair_send_alone(
    struct epair_if *ifp, struct ep_mcache *mc, struct epair_mbuf *m)
{
	const struct epair_if *oifp = ifp->oifp;
	struct ep_sums sums = { 0, 0 };
	struct ep_packed *at;
	struct ep_rxq *rxq;
	bool is_plain, wake = false;

	if (!is_way_free(ifp) || m->pktlen > max_len(ifp) || !is_ours(ifp, m) ||
	    (m->flags & (EPAIR_M_TAGS | EPAIR_M_VLANTAG)) != 0)
		return false;
	if (m->account == NULL && ep_account_charge(mc, ifp->account, 1) == 0)
		return false;
	m->account = ifp->account;
	mark(m, &sums);
	rxq = &oifp->rxqs[ep_rss_bucket(m, oifp->nrxqs, ifp->ep->opts.rss_udp)];
	is_plain = ep_load_relaxed(&rxq->taker) != mc &&
		   ep_is_plain(m, ifp->ep->pool);
	if (!is_plain) {
		/* None of a capture's: nobody is on the way. */
		m->flags &= ~(uint32_t)(EPAIR_M_SNDTAG | EPAIR_M_PKTID);
		m->rcvif = oifp->index;
	}
	ep_spin_lock(&rxq->q.lock);
	at = ep_queue_place(&rxq->q);
	if (at != NULL) {
		*at = is_plain ? ep_pack_one(m) : (struct ep_packed){ .m = m };
		wake = ep_queue_placed(&rxq->q);
		rxq->q.packets++;
		rxq->q.bytes += sums.bytes;
		rxq->q.mcasts += sums.mcasts;
	}
	ep_spin_unlock(&rxq->q.lock);
	if (at == NULL)
		return false;
	if (is_plain)
		ep_packed_sent_one(ifp->ep->pool, mc, m);
	if (wake)
		(void)ep_task_schedule(&rxq->task);
	return true;
}

/* A burst of plain ones. */

/*
 * As nearly all are: plain, for one receiver, charged to nobody. Then it is as
 * it crosses, and adds its length.
 */
static inline bool
is_usual(const struct epair_mbuf *m, const struct ep_pool *pool, uint32_t max)
{
	return ep_is_plain(m, pool) && (m->flags & EP_M_GROUP) == 0 &&
	       m->account == NULL && m->len <= max &&
	       m->len >= EP_ETHER_HDR_LEN && ep_ether_group_flags(m) == 0;
}

/* Pack from the front those that are usual. Returns how many. */
static inline unsigned
pack_usual(const struct ep_pool *pool, struct epair_mbuf *const *ms, unsigned n,
    uint32_t max, struct ep_packed *frames, uint64_t *bytes)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < n && is_usual(ms[i], pool, max); i++) {
		sum += ms[i]->len;
		frames[i] = ep_pack_one(ms[i]);
	}
	*bytes = sum;
	return i;
}

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
	unsigned i = pack_usual(pool, ms, n, max, load->frames, &sums.bytes);
	unsigned uncharged = i;

	for (; i < n; i++) {
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

unsigned
ep_pair_send_plain(struct epair_if *ifp, struct ep_mcache *mc,
    struct epair_mbuf **ms, unsigned n)
{
	struct ep_load load;
	unsigned fresh;
	uint32_t granted;

	if (!is_way_free(ifp) || ifp->oifp->nrxqs != 1 ||
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
