/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/burst.h"

#include "net/instance.h"
#include "pair/pair.h"

void
ep_burst_init(struct ep_burst *burst, struct epair_if *ifp)
{
	burst->ifp = ifp;
	burst->sent = 0;
	burst->count = burst->fresh_count = 0;
	burst->take = 4;
}

static struct epair_mbuf *
take_mbuf(struct ep_burst *burst, uint32_t len)
{
	struct ep_pool *pool = burst->ifp->ep->pool;
	struct epair_mbuf *m;
	int n;

	if (len > EPAIR_MBUF_SMALL)
		return ep_mbuf_alloc(pool, &m, 1, len) == 1 ? m : NULL;
	if (burst->fresh_count == 0) {
		n = ep_mbuf_alloc(
		    pool, burst->fresh, burst->take, EPAIR_MBUF_SMALL);
		burst->fresh_count = n > 0 ? (unsigned)n : 0;
		if (burst->take < EP_BURST_TAKE_MAX)
			burst->take *= 2;
	}
	return burst->fresh_count > 0 ? burst->fresh[--burst->fresh_count]
				      : NULL;
}

struct epair_mbuf *
ep_burst_mbuf(struct ep_burst *burst, uint64_t len)
{
	struct epair_mbuf *m;

	if (len < EP_ETHER_HDR_LEN || len > EP_BURST_FRAME_MAX) {
		ep_drop_count(burst->ifp, 1, EPAIR_DROP_TX_BAD);
		return NULL;
	}
	m = take_mbuf(burst, (uint32_t)len);
	if (m == NULL)
		ep_drop_count(burst->ifp, 1, EPAIR_DROP_TX_NO_MBUF);
	return m;
}

void
ep_burst_transmit(struct ep_burst *burst)
{
	if (burst->count == 0)
		return;
	burst->sent += burst->count;
	(void)ep_pair_transmit(burst->ifp, burst->ms, burst->count);
	burst->count = 0;
}

void
ep_burst_fini(struct ep_burst *burst)
{
	ep_mbuf_free(burst->fresh, burst->fresh_count);
}
