/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/ether.h - Ethernet input (contract 5), and looking at destinations.
 */
#ifndef EP_NET_ETHER_H
#define EP_NET_ETHER_H

#include <string.h>

#include "net/ifnet.h"

#define EP_ETHER_ADDRS_LEN 12u /* destination and source */

/* What frames add to counters. */
struct ep_sums {
	uint64_t bytes, mcasts;
};

/*
 * M_BCAST or M_MCAST by the frame's destination; 0 for a unicast one and for a
 * frame too short to have one.
 */
static inline uint32_t
ep_ether_group_flags(const struct epair_mbuf *m)
{
	static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };
	uint8_t buf[6];
	const uint8_t *dst = m->data;

	if (m->len < 6) {
		if (epair_mbuf_read(m, 0, buf, 6) < 6)
			return 0;
		dst = buf;
	}
	if (!(dst[0] & 1))
		return 0;
	return memcmp(dst, broadcast, 6) == 0 ? EPAIR_M_BCAST : EPAIR_M_MCAST;
}

/*
 * Receive n frames on a queue: count, show, mark; what may not go to the stack
 * is dropped under its reason. Within an epoch section.
 *
 * Returns how many are left, at the front of ms.
 */
unsigned ep_ether_input(struct ep_rxq *rxq, struct epair_mbuf **ms, unsigned n);

/*
 * Lay out-of-band VLAN information down in the frame.
 * Returns 0, or -ENOMEM with the frame as it was.
 */
int ep_ether_vlan_insert(struct epair_mbuf **mp);

#endif /* EP_NET_ETHER_H */
