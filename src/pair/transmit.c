/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the sending stack to the receiving end's queue (contract 3 and 4).
 *
 * A burst has one owner at every moment: what is refused leaves it through
 * ep_drop(), what is left goes on, and at the end the queue has it. All of it
 * happens in one epoch section: while that is open, nothing that the section
 * has seen - discipline, captures, the queues themselves - is freed.
 */
#include <errno.h>

#include "base/atomic.h"
#include "base/container.h"
#include "mbuf/account.h"
#include "mbuf/offload.h"
#include "mbuf/pool.h"
#include "net/ether.h"
#include "net/watch.h"
#include "pair/pair_priv.h"
#include "qdisc/qdisc.h"
#include "rss/rss.h"

static uint32_t
wire_len(const struct epair_mbuf *m)
{
	return m->gso == EPAIR_GSO_NONE ? m->pktlen : ep_mbuf_segment_len(m);
}

/* Drop the frames that are too long. Returns how many are left. */
static unsigned
drop_long(struct epair_if *ifp, struct epair_mbuf **ms, unsigned n, int *error)
{
	uint32_t max = ep_load_relaxed(&ifp->mtu) + EP_OVER_MTU;
	unsigned kept = 0, i = 0;

	while (i < n && ms[i]->pktlen <= max)
		i++;
	if (i == n)
		return n;
	for (kept = i; i < n; i++)
		if (wire_len(ms[i]) <= max)
			ms[kept++] = ms[i];
		else
			*error = ep_drop(
			    ifp, &ms[i], 1, EPAIR_DROP_TOO_LONG, -E2BIG);
	return kept;
}

static struct ep_sums
sum(struct epair_mbuf *const *ms, unsigned n)
{
	struct ep_sums s = { 0, 0 };

	for (unsigned i = 0; i < n; i++) {
		s.bytes += ms[i]->pktlen;
		s.mcasts += (ms[i]->flags & EP_M_GROUP) != 0;
	}
	return s;
}

void
ep_pair_put_load(struct epair_if *ifp, struct ep_mcache *mc, struct ep_rxq *rxq,
    struct ep_load *load)
{
	struct epair_mbuf **ms = load->ms;
	unsigned n = load->n, done;
	bool wake, no_memory;

	ep_spin_lock(&rxq->q.lock);
	done = ep_queue_put_locked(
	    &rxq->q, load->frames, n, ifp->ep->sched, &wake, &no_memory);
	if (done < n) {
		struct ep_sums rest = sum(ms + done, n - done);

		load->sums.bytes -= rest.bytes;
		load->sums.mcasts -= rest.mcasts;
	}
	if (load->counted) {
		rxq->arrived += done;
	} else {
		rxq->q.packets += done;
		rxq->q.bytes += load->sums.bytes;
		rxq->q.mcasts += load->sums.mcasts;
	}
	ep_spin_unlock(&rxq->q.lock);
	if (load->apart)
		ep_packed_sent(ifp->ep->pool, mc, ms, done,
		    load->plain ? NULL : load->frames);

	/* RUNNING was seen in this section, or see cable.c (D3). */
	if (wake)
		(void)ep_task_schedule(&rxq->task);
	if (__builtin_expect(done == n, 1))
		return;
	if (load->counted)
		(void)ep_add_relaxed(&ifp->linked.dropped, n - done);
	for (unsigned i = done; i < n; i++)
		ms[i]->account = ifp->account; /* plain ones do not say so */
	(void)ep_drop(ifp, ms + done, n - done,
	    no_memory ? EPAIR_DROP_NO_MEMORY : EPAIR_DROP_QUEUE_FULL, 0);
}

/*
 * Queue frames. What an impairment let go was counted as sent by it (contract
 * 4.3).
 */
static void
put(struct epair_if *ifp, struct ep_mcache *mc, struct ep_rxq *rxq,
    struct epair_mbuf **ms, unsigned n, bool counted)
{
	struct ep_load load;

	load.ms = ms;
	load.n = n;
	load.sums = sum(ms, n);
	load.counted = counted;
	load.plain = false;
	load.apart = mc != NULL && ep_load_relaxed(&rxq->taker) != mc;
	if (load.apart)
		ep_pack(ifp->ep->pool, ifp->account, ms, n, load.frames);
	else
		ep_pack_whole(ms, n, load.frames);
	ep_pair_put_load(ifp, mc, rxq, &load);
}

/* Split a burst by bucket, in order, and queue each part. */
static void
spread(struct epair_if *ifp, struct ep_mcache *mc, struct epair_mbuf **ms,
    unsigned n, bool counted)
{
	struct epair_if *oifp = ifp->oifp;
	bool udp = ifp->ep->opts.rss_udp;
	uint32_t bucket[EP_BURST];
	struct epair_mbuf *part[EP_BURST];
	uint64_t left;

	for (unsigned i = 0; i < n; i++)
		bucket[i] = ep_rss_bucket(ms[i], oifp->nrxqs, udp);
	left = n == EP_BURST ? UINT64_MAX : (UINT64_C(1) << n) - 1;
	while (left != 0) {
		uint32_t b = bucket[__builtin_ctzll(left)];
		unsigned count = 0;

		for (unsigned i = 0; i < n; i++)
			if (left >> i & 1 && bucket[i] == b) {
				part[count++] = ms[i];
				left &= ~(UINT64_C(1) << i);
			}
		put(ifp, mc, &oifp->rxqs[b], part, count, counted);
	}
}

void
ep_pair_queue(struct epair_if *ifp, struct ep_mcache *mc,
    struct epair_mbuf **ms, unsigned n, bool counted)
{
	if (ifp->oifp->nrxqs == 1)
		put(ifp, mc, &ifp->oifp->rxqs[0], ms, n, counted);
	else
		spread(ifp, mc, ms, n, counted);
}

/* Charge a burst to the pair. Returns how many of it, from the front. */
static unsigned
charge(struct ep_mcache *mc, struct ep_account *acct, struct epair_mbuf **ms,
    unsigned n)
{
	unsigned need = 0, i;
	uint32_t granted;

	for (i = 0; i < n; i++)
		need += ms[i]->account != acct;
	if (need == 0)
		return n;
	granted = ep_account_charge(mc, acct, need);
	for (i = 0; i < n; i++) {
		struct epair_mbuf *m = ms[i];

		if (m->account == acct)
			continue;
		if (granted == 0)
			break;
		granted--;
		if (m->account != NULL)
			ep_account_release(mc, m->account, 1);
		m->account = acct;
	}
	if (granted > 0)
		ep_account_release(mc, acct, granted);
	return i;
}

/* What crosses and what does not (contract 4.1, 9.1). */
static inline void
cross(struct epair_mbuf *m, uint32_t rcvif, uint32_t clear)
{
	if (!(m->flags & EP_M_GROUP))
		m->flags |= ep_ether_group_flags(m);
	if (m->flags & EPAIR_M_TAGS)
		ep_mbuf_tags_cross(m);
	m->flags &= ~clear;
	m->rcvif = rcvif;
}

unsigned
ep_pair_charge(struct epair_if *ifp, struct ep_mcache *mc,
    struct epair_mbuf **ms, unsigned n)
{
	unsigned charged = charge(mc, ifp->account, ms, n);

	(void)ep_drop(ifp, ms + charged, n - charged, EPAIR_DROP_LIMIT, 0);
	return charged;
}

/*
 * Hand a burst of at most EP_BURST over to the other end. came_ns: when a frame
 * came that a discipline held for the link, or
 * EP_CAME_NOW.
 */
static void
hand_over(struct epair_if *ifp, struct ep_mcache *mc, struct epair_mbuf **ms,
    unsigned n, uint64_t came_ns)
{
	struct epair_if *oifp = ifp->oifp;
	uint32_t clear = EPAIR_M_SNDTAG;
	struct ep_impair *imp;

	if (!ep_ifnet_is_up(oifp)) {
		(void)ep_drop(ifp, ms, n, EPAIR_DROP_PEER_DOWN, 0);
		return;
	}
	if (!(ep_load_relaxed(&ifp->caps) & EPAIR_CAP_VLAN_HWTAGGING))
		clear |= EPAIR_M_VLANTAG;
	if (ep_load_relaxed(&ifp->watchers) == NULL)
		clear |= EPAIR_M_PKTID; /* of another cable */
	for (unsigned i = 0; i < n; i++)
		cross(ms[i], oifp->index, clear);

	/* acquires what ep_pair_set_link() released */
	imp = ep_load_acquire(&ifp->impair);
	if (__builtin_expect(imp != NULL, 0)) {
		ep_cable_send(imp, mc, ms, n, came_ns);
		return;
	}
	n = ep_pair_charge(ifp, mc, ms, n);
	if (n > 0)
		ep_pair_queue(ifp, mc, ms, n, false);
}

/* Contract 3.3 and 3.4, for a whole burst. */
static int
drop_if_down(struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	uint32_t flags = ep_load_relaxed(&ifp->flags);

	if (!(flags & EPAIR_IFF_RUNNING))
		return ep_drop(ifp, ms, n, EPAIR_DROP_NOT_RUNNING, -ENXIO);
	if (!(flags & EPAIR_IFF_UP))
		return ep_drop(ifp, ms, n, EPAIR_DROP_NOT_UP, -ENETDOWN);
	return 0;
}

static void
drop_given_up(struct epair_if *ifp, struct ep_qdisc *qd) EP_REQUIRES(qd->lock)
{
	struct epair_mbuf *ms[EP_BURST];
	unsigned n;

	while ((n = ep_qdisc_given_up(qd, ms, EP_BURST)) > 0)
		(void)ep_drop(ifp, ms, n, EPAIR_DROP_QDISC, 0);
}

/*
 * Since when only the link has held m back. Not since it came, if a discipline
 * that shapes would not give it: the link would begin it in the past, and what
 * delays it would have passed already.
 */
static uint64_t
waited_since_ns(const struct ep_qdisc *qd, const struct epair_mbuf *m,
    uint64_t now_ns) EP_REQUIRES(qd->lock)
{
	uint64_t next_ns = qd->next_ns < now_ns ? qd->next_ns : now_ns;

	return m->held_ns > next_ns ? m->held_ns : next_ns;
}

/*
 * When it is that a discipline that shapes, and gave nothing, goes on. Without
 * a timer the next one who transmits pulls.
 */
static void
come_back(struct ep_qdisc *qd) EP_REQUIRES(qd->lock)
{
	qd->next_ns = qd->ops->next(qd);
	(void)ep_timer_arm(&qd->timer, qd->next_ns);
}

/*
 * Send what the discipline gives: one by one, if a link with a rate is to take
 * them up. Looked at again, since time may have passed.
 */
static void
send_dequeued(struct epair_if *ifp, struct ep_mcache *mc, struct ep_qdisc *qd,
    uint64_t now_ns) EP_REQUIRES(qd->lock)
{
	struct ep_impair *imp = ep_load_acquire(&ifp->impair);
	struct epair_mbuf *ms[EP_BURST];
	unsigned max = EP_BURST, n;

	for (;;) {
		if (imp != NULL)
			max = ep_cable_room(imp, now_ns);
		n = ep_qdisc_dequeue(qd, ms, max, now_ns);
		if (n == 0)
			break;
		if (drop_if_down(ifp, ms, n) != 0)
			continue;
		ep_watch_show(ifp, true, -1, 0, ms, n);
		hand_over(ifp, mc, ms, n, waited_since_ns(qd, ms[0], now_ns));
	}
	if (max == 0)
		ep_cable_wait(imp);
	else if (qd->held > 0 && qd->ops->next != NULL)
		come_back(qd);
	drop_given_up(ifp, qd);
}

void
ep_pair_qdisc_fired(struct ep_timer *timer)
{
	struct ep_qdisc *qd = EP_CONTAINER_OF(timer, struct ep_qdisc, timer);

	ep_pair_pull(qd->ifp);
}

void
ep_pair_pull(struct epair_if *ifp)
{
	struct ep_mcache *mc = ep_mcache_self(ifp->ep->pool);
	struct ep_thread *thr = ep_thread_self(&ifp->ep->domain);
	struct ep_qdisc *qd;

	/* Without memory for these, the next one who transmits pulls. */
	if (mc == NULL || thr == NULL)
		return;
	ep_epoch_begin(thr);
	qd = ep_load_acquire(&ifp->qdisc);
	if (qd != NULL) {
		ep_lock(&qd->lock);
		/* Who replaces a discipline pulls from the new one. */
		if (!qd->is_replaced)
			send_dequeued(
			    ifp, mc, qd, ep_sched_mono(ifp->ep->sched));
		ep_unlock(&qd->lock);
	}
	ep_epoch_end(thr);
}

/* What `old` holds, in its order, into qd. */
static void
move_held(struct epair_if *ifp, struct ep_qdisc *old, struct ep_qdisc *qd)
    EP_REQUIRES(old->lock)
{
	uint64_t now_ns = ep_sched_mono(ifp->ep->sched);
	struct epair_mbuf *ms[EP_BURST], *victims[EP_BURST];
	bool refused;
	unsigned n;

	ep_lock(&qd->lock);
	while ((n = ep_qdisc_dequeue(old, ms, EP_BURST, UINT64_MAX)) > 0) {
		n = ep_qdisc_enqueue(qd, ms, n, now_ns, victims, &refused);
		(void)ep_drop(ifp, victims, n, EPAIR_DROP_QDISC, 0);
	}
	drop_given_up(ifp, qd);
	ep_unlock(&qd->lock);
}

/* What `old` holds, in its order, over to the other end, or into the link. */
static void
send_held(struct epair_if *ifp, struct ep_mcache *mc, struct ep_qdisc *old)
    EP_REQUIRES(old->lock)
{
	struct epair_mbuf *ms[EP_BURST];
	unsigned n;

	while ((n = ep_qdisc_dequeue(old, ms, EP_BURST, UINT64_MAX)) > 0) {
		if (drop_if_down(ifp, ms, n) != 0)
			continue;
		ep_watch_show(ifp, true, -1, 0, ms, n);
		hand_over(ifp, mc, ms, n, EP_CAME_NOW);
	}
}

int
ep_pair_replace_qdisc(
    struct epair_if *ifp, struct ep_qdisc *old, struct ep_qdisc *qd)
{
	struct ep_mcache *mc = ep_mcache_self(ifp->ep->pool);
	struct ep_thread *thr = ep_thread_self(&ifp->ep->domain);

	if (mc == NULL || thr == NULL)
		return -ENOMEM;
	ep_epoch_begin(thr);
	ep_lock(&old->lock);
	old->is_replaced = true;
	if (qd != NULL)
		move_held(ifp, old, qd);
	else
		send_held(ifp, mc, old);
	/* acquired by transmit_burst() */
	ep_store_release(&ifp->qdisc, qd);
	ep_unlock(&old->lock);
	ep_epoch_end(thr);
	return 0;
}

/*
 * Contract 3.7. Returns false, having done nothing, if the discipline has been
 * replaced meanwhile.
 */
static bool
through_qdisc(struct epair_if *ifp, struct ep_mcache *mc, struct ep_qdisc *qd,
    struct epair_mbuf **ms, unsigned n, bool *refused)
{
	uint64_t now_ns = ep_sched_mono(ifp->ep->sched);
	struct epair_mbuf *victims[EP_BURST];
	unsigned lost;

	/*
	 * The lock is held until all are handed over, or two transmitters
	 * could undo the discipline's order.
	 */
	ep_lock(&qd->lock);
	if (qd->is_replaced) {
		ep_unlock(&qd->lock);
		return false;
	}
	lost = ep_qdisc_enqueue(qd, ms, n, now_ns, victims, refused);
	send_dequeued(ifp, mc, qd, now_ns);
	ep_unlock(&qd->lock);
	(void)ep_drop(ifp, victims, lost, EPAIR_DROP_QDISC, 0);
	return true;
}

static int
transmit_burst(struct epair_if *ifp, struct ep_mcache *mc,
    struct epair_mbuf **ms, unsigned n)
{
	unsigned sent = n > 1 ? ep_pair_send_plain(ifp, mc, ms, n) : 0;
	struct ep_qdisc *qd;
	int error = 0, down;

	if (sent == n)
		return 0;
	n = drop_long(ifp, ms += sent, n - sent, &error);
	if (n == 0)
		return error;
	down = drop_if_down(ifp, ms, n);
	if (down != 0)
		return down;

	/* acquires what setting the discipline released */
	while (qd = ep_load_acquire(&ifp->qdisc),
	    __builtin_expect(qd != NULL, 0)) {
		bool refused;

		/* What waits there is held by the pair, too. */
		n = ep_pair_charge(ifp, mc, ms, n);
		if (through_qdisc(ifp, mc, qd, ms, n, &refused))
			return refused ? -ENOBUFS : error;
	}
	ep_watch_show(ifp, true, -1, 0, ms, n);
	hand_over(ifp, mc, ms, n, EP_CAME_NOW);
	return error;
}

/* On its way while the epoch's fence waits for the stores into the frames. */
static inline void
fetch_queue(const struct epair_if *oifp)
{
	if (oifp->nrxqs != 1)
		return; /* which one is not known yet */
	ep_fetch_own(&oifp->rxqs->q);
}

/* Apart from what a frame that comes alone needs, which is less. */
static int __attribute__((noinline)) transmit_bursts(struct epair_if *ifp,
    struct ep_mcache *mc, struct epair_mbuf **ms, unsigned n)
{
	unsigned part;
	int error = 0, refused;

	for (; n > 0; ms += part, n -= part) {
		part = n < EP_BURST ? n : EP_BURST;
		refused = transmit_burst(ifp, mc, ms, part);
		if (refused != 0)
			error = refused;
	}
	return error;
}

int
ep_pair_transmit(struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	struct ep_thread *thr = ep_thread_self(&ifp->ep->domain);
	struct ep_mcache *mc = NULL;
	int error = 0;

	if (n == 0)
		return 0;
	if (thr != NULL)
		mc = ep_mcache_of(ifp->ep->pool, thr);
	if (mc == NULL)
		return ep_drop(ifp, ms, n, EPAIR_DROP_NO_MEMORY, -ENOMEM);
	fetch_queue(ifp->oifp);
	ep_epoch_begin(thr);
	if (n > 1 || !ep_pair_send_alone(ifp, mc, ms[0]))
		error = transmit_bursts(ifp, mc, ms, n);
	ep_epoch_end(thr);
	return error;
}
