/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The short way from transmit to the queue, which most frames of a program go
 * that has a thread for each end: plain ones (mbuf/packed.h), not too long, with
 * both ends UP, one queue, and nobody on the way - discipline, capture, link -
 * who wants to see them. All that transmit_burst() and hand_over() would find
 * out about each of them one after the other, is found out here while it is
 * packed, and of its header nothing is written that does not cross.
 *
 * A frame that is not plain, and all behind it, go the long way: in order.
 */
#include "base/atomic.h"
#include "mbuf/account.h"
#include "mbuf/pool.h"
#include "net/ether.h"
#include "pair/pair_priv.h"

static bool
is_way_free(const struct epair_if *ifp, const struct ep_mcache *mc)
{
	const struct epair_if *oifp = ifp->oifp;

	/* acquire what took them away released: theirs is queued before us */
	return ep_ifnet_is_up(ifp) && ep_ifnet_is_up(oifp) &&
	       ep_load_relaxed(&ifp->watchers) == NULL &&
	       ep_load_acquire(&ifp->qdisc) == NULL &&
	       ep_load_acquire(&ifp->impair) == NULL && oifp->nrxqs == 1 &&
	       ep_load_relaxed(&oifp->rxqs->taker) != mc;
}

/* Pack from the front. *fresh: those that were charged to nobody. */
static void
pack(const struct epair_if *ifp, unsigned n, struct ep_load *load,
    unsigned *fresh)
{
	uint32_t max = ep_load_relaxed(&ifp->mtu) + EP_OVER_MTU;
	const struct ep_pool *pool = ifp->ep->pool;
	struct ep_account *acct = ifp->account;
	struct epair_mbuf **ms = load->ms;
	struct ep_sums sums = { 0, 0 };
	unsigned i, uncharged = 0;

	for (i = 0; i < n; i++) {
		struct epair_mbuf *m = ms[i];

		if (!ep_is_plain(m, pool) || m->len > max ||
		    (m->account != NULL && m->account != acct))
			break;
		uncharged += m->account == NULL;
		m->account = acct;
		if (!(m->flags & EP_M_GROUP))
			m->flags |= ep_ether_group_flags(m);
		load->frames[i] = ep_pack_one(m);
		sums.mcasts += (m->flags & EP_M_GROUP) != 0;
		sums.bytes += m->len;
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

	if (!is_way_free(ifp, mc))
		return 0;
	granted = ep_account_charge(mc, ifp->account, n);
	load.ms = ms;
	load.apart = true;
	load.counted = false;
	pack(ifp, granted, &load, &fresh);
	if (fresh < granted)
		ep_account_release(mc, ifp->account, granted - fresh);
	if (load.n > 0)
		ep_pair_put_load(ifp, mc, ifp->oifp->rxqs, &load);
	return load.n;
}
