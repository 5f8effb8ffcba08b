/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/flat.h"

#include <string.h>

#include "mbuf/offload.h"

/* Octets in front of a tag, and of its own Ethernet type. */
#define ADDRESSES_LEN 12u
#define TYPE_VLAN     0x8100u

/* Behind these, ep_mbuf_csum() writes nothing but a plain checksum field. */
#define HEAD_MAX 1024u

void
ep_flat_copy(struct epair_mbuf *m, uint8_t *buf, uint32_t caplen)
{
	uint8_t tag[EP_FLAT_VLAN_LEN] = { TYPE_VLAN >> 8, TYPE_VLAN & 0xff };
	uint32_t n;

	if (!ep_flat_has_tag(m)) {
		(void)epair_mbuf_read(m, 0, buf, caplen);
		return;
	}
	(void)epair_mbuf_read(
	    m, 0, buf, caplen < ADDRESSES_LEN ? caplen : ADDRESSES_LEN);
	if (caplen <= ADDRESSES_LEN)
		return;
	tag[2] = (uint8_t)(m->vlan_tci >> 8);
	tag[3] = (uint8_t)m->vlan_tci;
	n = caplen - ADDRESSES_LEN;
	memcpy(buf + ADDRESSES_LEN, tag, n < sizeof(tag) ? n : sizeof(tag));
	if (n > sizeof(tag))
		(void)epair_mbuf_read(m, ADDRESSES_LEN,
		    buf + ADDRESSES_LEN + sizeof(tag), n - sizeof(tag));
}

/*
 * Complete the first `have` octets of the frame, copied to head. The frame's
 * own mbufs stand in for the octets behind; they are only read, since
 * everything that is written is in front of `have`.
 */
static void
finish_head(struct epair_mbuf *m, uint8_t *head, uint32_t have)
{
	uint32_t shift = ep_flat_len(m) - m->pktlen, skip = have - shift;
	uint32_t field = (uint32_t)m->csum_start + m->csum_offset + shift;
	struct epair_mbuf front = *m, rest;

	if (m->csum_start + shift > UINT16_MAX ||
	    (m->gso == EPAIR_GSO_NONE && field + 2 > have))
		return;

	front.data = head;
	front.len = have;
	front.pktlen = m->pktlen + shift;
	front.csum_start = (uint16_t)(m->csum_start + shift);
	front.next = NULL;
	while (m != NULL && skip >= m->len) {
		skip -= m->len;
		m = m->next;
	}
	if (m != NULL) {
		rest = *m;
		rest.data += skip;
		rest.len -= skip;
		front.next = &rest;
	}
	/* A request that makes no sense leaves the octets as they are. */
	(void)ep_mbuf_csum(&front);
}

void
ep_flat_finish(struct epair_mbuf *m, uint8_t *buf, uint32_t caplen)
{
	uint32_t len = ep_flat_len(m);
	uint8_t head[HEAD_MAX];

	ep_flat_copy(m, buf, caplen);
	if ((m->flags & EPAIR_M_CSUM_PARTIAL) == 0 && m->gso == EPAIR_GSO_NONE)
		return;
	if (caplen == len || caplen >= HEAD_MAX) {
		finish_head(m, buf, caplen);
		return;
	}
	if (len > HEAD_MAX)
		len = HEAD_MAX;
	ep_flat_copy(m, head, len);
	finish_head(m, head, len);
	memcpy(buf, head, caplen);
}
