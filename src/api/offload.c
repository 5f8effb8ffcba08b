/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/offload.h"

int
epair_mbuf_finish(struct epair_mbuf *m, struct epair_mbuf **ms, unsigned max)
{
	return ep_mbuf_finish(m, ms, max);
}

unsigned
epair_mbuf_segments(const struct epair_mbuf *m)
{
	return ep_mbuf_segments(m);
}
