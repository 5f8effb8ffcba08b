/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/virtio.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <string.h>

#include "mbuf/headers.h"
#include "mbuf/offload.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4 /* newer than Debian 12's headers */
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

static int
gso_of(uint8_t type, uint8_t *gso)
{
	uint8_t ecn = type & VIRTIO_NET_HDR_GSO_ECN ? EPAIR_GSO_ECN : 0;

	switch (type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		*gso = EPAIR_GSO_NONE;
		return ecn == 0 ? 0 : -EINVAL;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		*gso = EPAIR_GSO_TCP4 | ecn;
		return 0;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		*gso = EPAIR_GSO_TCP6 | ecn;
		return 0;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		*gso = EPAIR_GSO_UDP;
		return 0;
	default:
		return -EINVAL;
	}
}

int
ep_virtio_from_header(struct epair_mbuf *m, const struct virtio_net_hdr_v1 *hdr)
{
	if (hdr->flags == 0 && hdr->gso_type == 0)
		return 0;
	if ((hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0) {
		m->flags |= EPAIR_M_CSUM_PARTIAL;
		m->csum_start = hdr->csum_start;
		m->csum_offset = hdr->csum_offset;
	} else if ((hdr->flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0) {
		m->flags |= EPAIR_M_CSUM_VALID;
	}
	if (gso_of(hdr->gso_type, &m->gso) != 0)
		return -EINVAL;
	if (m->gso != EPAIR_GSO_NONE) {
		m->gso_size = hdr->gso_size;
		m->hdr_len = hdr->hdr_len;
	}
	return ep_mbuf_offload_check(m);
}

/*
 * The kernel fills hdr_len with whatever it has in one piece, and allocates by
 * it when it is given one: so say how long the headers really are.
 */
static uint16_t
header_len(const struct epair_mbuf *m)
{
	uint8_t doff = 5 << 4;

	if ((m->gso & ~EPAIR_GSO_ECN) == EPAIR_GSO_UDP)
		return (uint16_t)(m->csum_start + EP_UDP_LEN);
	(void)epair_mbuf_read(m, m->csum_start + 12u, &doff, 1);
	return (uint16_t)(m->csum_start + (doff >> 4) * 4u);
}

void
ep_virtio_to_header(const struct epair_mbuf *m, struct virtio_net_hdr_v1 *hdr)
{
	memset(hdr, 0, sizeof(*hdr));
	if ((m->flags & EPAIR_M_CSUM_PARTIAL) != 0) {
		hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		hdr->csum_start = m->csum_start;
		hdr->csum_offset = m->csum_offset;
	} else if ((m->flags & EPAIR_M_CSUM_VALID) != 0) {
		hdr->flags = VIRTIO_NET_HDR_F_DATA_VALID;
	}
	if (m->gso == EPAIR_GSO_NONE)
		return;
	switch (m->gso & ~EPAIR_GSO_ECN) {
	case EPAIR_GSO_TCP4:
		hdr->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		break;
	case EPAIR_GSO_TCP6:
		hdr->gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
		break;
	default:
		hdr->gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
		break;
	}
	if ((m->gso & EPAIR_GSO_ECN) != 0)
		hdr->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	hdr->gso_size = m->gso_size;
	hdr->hdr_len = header_len(m);
}
