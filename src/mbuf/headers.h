/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbuf/headers.h - where the headers of a frame are.
 *
 * Walks Ethernet, up to two inline VLAN tags (802.1Q, 802.1ad), and IPv4 with
 * its options or IPv6 with its extension headers, up to the transport header.
 * Reads nothing but the octets it is given, so it is safe on whatever a peer
 * sent; it checks no checksum and looks into no tunnel.
 *
 * The octets begin the frame and lie in one piece: the first mbuf, if that is
 * long enough, or a copy. To find the same whatever the chain looks like, give
 * always the same number of them, or the whole of a shorter frame.
 */
#ifndef EP_MBUF_HEADERS_H
#define EP_MBUF_HEADERS_H

#include <stdbool.h>
#include <stdint.h>

enum {
	EP_ETHER_LEN = 14,
	EP_IPV4_LEN = 20, /* without options */
	EP_IPV6_LEN = 40, /* without extension headers */
	EP_TCP_LEN = 20, /* without options */
	EP_UDP_LEN = 8,

	EP_PROTO_TCP = 6,
	EP_PROTO_UDP = 17,
};

struct ep_headers {
	uint32_t l3_off; /* of the IP header, from the start of the frame */
	/*
	 * Of the transport header; 0 if it is out of sight: the packet is a
	 * fragment, or has more IPv6 extension headers than we walk (8), or
	 * they go on behind the octets given.
	 */
	uint32_t l4_off;
	uint32_t end; /* of the packet, by its own length field */
	uint8_t version; /* 4 or 6 */
	uint8_t proto; /* of the transport header, if l4_off */
};

/*
 * Find the headers in the first `have` octets of a frame of pktlen.
 *
 * is_super says that the frame is to be segmented: its IP length field then
 * means nothing (systems leave it 0, or wrapped) and end is that of the frame.
 *
 * Returns 0; -EINVAL if this is no IP packet or one that contradicts itself.
 * l4_off may lie behind `have`, but not behind end.
 */
int ep_headers_parse(const uint8_t *p, uint32_t have, uint32_t pktlen,
    bool is_super, struct ep_headers *h);

static inline uint16_t
ep_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
ep_be32(const uint8_t *p)
{
	return (uint32_t)ep_be16(p) << 16 | ep_be16(p + 2);
}

static inline void
ep_put_be16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void
ep_put_be32(uint8_t *p, uint32_t value)
{
	ep_put_be16(p, value >> 16);
	ep_put_be16(p + 2, value);
}

#endif /* EP_MBUF_HEADERS_H */
