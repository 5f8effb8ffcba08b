/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/mbuf.h"
#include "net/instance.h"

int
epair_mbuf_alloc(
    struct epair *ep, struct epair_mbuf **ms, unsigned n, uint32_t size)
{
	return ep_mbuf_alloc(ep->pool, ms, n, size);
}

void
epair_mbuf_free(struct epair_mbuf **ms, unsigned n)
{
	ep_mbuf_free(ms, n);
}

struct epair_mbuf *
epair_mbuf_from(struct epair *ep, const void *octets, uint32_t len)
{
	return ep_mbuf_from(ep->pool, octets, len);
}

int
epair_mbuf_foreign(struct epair *ep, void *buf, uint32_t len,
    void (*release)(void *arg), void *arg, struct epair_mbuf **mp)
{
	return ep_mbuf_foreign(ep->pool, buf, len, release, arg, mp);
}
