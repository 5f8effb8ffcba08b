/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/offload.h"

#include <errno.h>
#include <string.h>

#include "mbuf/offload_priv.h"

enum {
	IP_LEN_MAX = 65535,
	TCP_SYN = 0x02,
};

int
ep_offload_check_csum(const struct epair_mbuf *m)
{
	uint32_t field = (uint32_t)m->csum_start + m->csum_offset;

	if (m->csum_start < EP_ETHER_LEN || m->csum_offset % 2 != 0 ||
	    field + 2 > m->pktlen)
		return -EINVAL;
	return 0;
}

/* O2, and that the headers are those which gso says. */
static int
gso_check(const struct epair_mbuf *m, struct ep_plan *plan)
{
	uint8_t version;

	switch (m->gso) {
	case EPAIR_GSO_TCP4:
	case EPAIR_GSO_TCP4 | EPAIR_GSO_ECN:
		version = 4;
		plan->is_tcp = true;
		break;
	case EPAIR_GSO_TCP6:
	case EPAIR_GSO_TCP6 | EPAIR_GSO_ECN:
		version = 6;
		plan->is_tcp = true;
		break;
	case EPAIR_GSO_UDP:
		version = plan->h.version;
		plan->is_tcp = false;
		break;
	default:
		return -EINVAL;
	}
	plan->is_ecn = (m->gso & EPAIR_GSO_ECN) != 0;

	if (plan->h.version != version || plan->h.l4_off == 0 ||
	    plan->h.proto != (plan->is_tcp ? EP_PROTO_TCP : EP_PROTO_UDP) ||
	    (m->flags & EPAIR_M_CSUM_PARTIAL) == 0 ||
	    m->csum_start != plan->h.l4_off ||
	    m->csum_offset != (plan->is_tcp ? EP_TCP_CSUM : EP_UDP_CSUM))
		return -EINVAL;
	return 0;
}

/* Find where the payload begins, in `have` octets of plan->hdr. */
static int
transport_check(struct ep_plan *plan, uint32_t have)
{
	const uint8_t *l4 = plan->hdr + plan->h.l4_off;
	uint32_t len = plan->is_tcp ? EP_TCP_LEN : EP_UDP_LEN;

	if (plan->h.l4_off + len > have)
		return -EINVAL;
	if (plan->is_tcp) {
		len = (l4[12] >> 4) * 4;
		if (len < EP_TCP_LEN)
			return -EINVAL;
	}
	plan->hdr_len = plan->h.l4_off + len;
	return plan->hdr_len > have ? -EINVAL : 0;
}

int
ep_plan_make(const struct epair_mbuf *m, struct ep_plan *plan)
{
	uint32_t have = epair_mbuf_read(m, 0, plan->hdr, sizeof(plan->hdr));
	uint32_t fixed, payload;
	bool is_syn;

	if (ep_headers_parse(plan->hdr, have, m->pktlen, true, &plan->h) != 0 ||
	    gso_check(m, plan) != 0 || transport_check(plan, have) != 0)
		return -EINVAL;

	/* IPv6 does not count its first header. */
	fixed = plan->h.l3_off + (plan->h.version == 6 ? EP_IPV6_LEN : 0);
	if (m->pktlen - fixed > IP_LEN_MAX || m->gso_size == 0)
		return -EINVAL;

	payload = m->pktlen - plan->hdr_len;
	plan->pktlen = m->pktlen;
	plan->size = m->gso_size;
	plan->count = 1;
	if (payload > plan->size)
		plan->count = (payload + plan->size - 1) / plan->size;

	/* A SYN has a sequence number of its own, in front of the payload's. */
	is_syn = plan->is_tcp && plan->hdr[plan->h.l4_off + 13] & TCP_SYN;
	if (plan->count > EP_SEGMENTS_MAX || (is_syn && plan->count > 1))
		return -EINVAL;

	memcpy(&plan->seed, plan->hdr + m->csum_start + m->csum_offset,
	    sizeof(plan->seed));
	return 0;
}

int
ep_mbuf_offload_check(const struct epair_mbuf *m)
{
	struct ep_plan plan;

	if (m->gso != EPAIR_GSO_NONE)
		return ep_plan_make(m, &plan);
	if ((m->flags & EPAIR_M_CSUM_PARTIAL) != 0)
		return ep_offload_check_csum(m);
	return 0;
}

unsigned
ep_mbuf_segments(const struct epair_mbuf *m)
{
	struct ep_plan plan;

	if (m->gso == EPAIR_GSO_NONE)
		return ep_mbuf_offload_check(m) == 0 ? 1 : 0;
	return ep_plan_make(m, &plan) == 0 ? plan.count : 0;
}

uint32_t
ep_mbuf_segment_len(const struct epair_mbuf *m)
{
	struct ep_plan plan;

	if (m->gso == EPAIR_GSO_NONE || ep_plan_make(m, &plan) != 0 ||
	    plan.count == 1)
		return m->pktlen;
	return plan.hdr_len + plan.size;
}
