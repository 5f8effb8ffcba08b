/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/ether.h"

#include <errno.h>

#include "base/atomic.h"
#include "net/watch.h"

/* Take out the frames that are shorter than a header; they are counted. */
static unsigned
drop_short(struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++)
		if (ms[i]->pktlen >= EP_ETHER_HDR_LEN)
			ms[kept++] = ms[i];
		else
			(void)ep_drop(ifp, &ms[i], 1, EPAIR_DROP_RX_SHORT, 0);
	return kept;
}

/* Mark frames, and sum them up. False if one of them is short. */
static bool
mark(struct epair_mbuf *const *ms, unsigned n, uint16_t fib,
    struct ep_sums *sums)
{
	struct ep_sums s = { 0, 0 };
	bool any_short = false;

	for (unsigned i = 0; i < n; i++) {
		struct epair_mbuf *m = ms[i];
		uint32_t group = ep_ether_group_flags(m);

		if (group != 0)
			m->flags |= group;
		m->fib = fib;
		s.mcasts += group != 0;
		s.bytes += m->pktlen;
		any_short |= m->pktlen < EP_ETHER_HDR_LEN;
	}
	*sums = s;
	return !any_short;
}

unsigned
ep_ether_input(struct ep_rxq *rxq, struct epair_mbuf **ms, unsigned n)
{
	struct epair_if *ifp = rxq->ifp;
	uint32_t flags = ep_load_relaxed(&ifp->flags);
	uint16_t fib = ep_load_relaxed(&ifp->fib);
	struct ep_sums sums;

	if (!(flags & EPAIR_IFF_UP)) {
		(void)ep_drop(ifp, ms, n, EPAIR_DROP_RX_DOWN, 0);
		return 0;
	}
	if (__builtin_expect(!mark(ms, n, fib, &sums), 0)) {
		n = drop_short(ifp, ms, n);
		(void)mark(ms, n, fib, &sums);
	}
	ep_watch_show(ifp, false, -1, rxq->bucket, ms, n);
	ep_count_add(&rxq->imcasts, sums.mcasts);
	ep_count_add(&rxq->ibytes, sums.bytes);
	if (flags & EPAIR_IFF_MONITOR) {
		(void)ep_drop(ifp, ms, n, EPAIR_DROP_RX_MONITOR, 0);
		return 0;
	}
	return n;
}

/* Have four octets of room in front of the frame, in a new mbuf if needed. */
static struct epair_mbuf *
prepend(struct epair_mbuf *m)
{
	struct epair_mbuf *front;

	if (m->len >= EP_ETHER_ADDRS_LEN && !(m->flags & EPAIR_M_EXT) &&
	    epair_mbuf_headroom(m) >= EP_ETHER_VLAN_LEN) {
		m->data -= EP_ETHER_VLAN_LEN;
		memmove(
		    m->data, m->data + EP_ETHER_VLAN_LEN, EP_ETHER_ADDRS_LEN);
		m->len += EP_ETHER_VLAN_LEN;
		m->pktlen += EP_ETHER_VLAN_LEN;
		return m;
	}
	if (ep_mbuf_alloc(m->pool, &front, 1,
		EP_ETHER_ADDRS_LEN + EP_ETHER_VLAN_LEN) != 1)
		return NULL;
	ep_mbuf_copy_meta(front, m);
	if (ep_mbuf_copy_tags(front, m) != 0) {
		ep_mbuf_free(&front, 1);
		return NULL;
	}
	front->account = NULL;
	front->len = EP_ETHER_ADDRS_LEN + EP_ETHER_VLAN_LEN;
	front->pktlen = m->pktlen + EP_ETHER_VLAN_LEN;
	(void)epair_mbuf_read(m, 0, front->data, EP_ETHER_ADDRS_LEN);
	/* The addresses leave the old chain, which goes behind the new mbuf. */
	front->next = m;
	for (uint32_t left = EP_ETHER_ADDRS_LEN; left > 0;) {
		uint32_t cut = m->len < left ? m->len : left;

		m->data += cut;
		m->len -= cut;
		left -= cut;
		m = m->next != NULL ? m->next : m;
	}
	return front;
}

int
ep_ether_vlan_insert(struct epair_mbuf **mp)
{
	uint16_t tci = (*mp)->vlan_tci;
	struct epair_mbuf *m;
	uint8_t *tag;

	if ((*mp)->pktlen < EP_ETHER_HDR_LEN)
		return 0;
	m = prepend(*mp);
	if (m == NULL)
		return -ENOMEM;
	tag = m->data + EP_ETHER_ADDRS_LEN;
	tag[0] = 0x81;
	tag[1] = 0x00;
	tag[2] = (uint8_t)(tci >> 8);
	tag[3] = (uint8_t)tci;
	m->flags &= ~(uint32_t)EPAIR_M_VLANTAG;
	if (m->flags & EPAIR_M_CSUM_PARTIAL)
		m->csum_start += EP_ETHER_VLAN_LEN;
	if (m->gso != EPAIR_GSO_NONE)
		m->hdr_len += EP_ETHER_VLAN_LEN;
	*mp = m;
	return 0;
}
