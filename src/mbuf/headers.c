/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/headers.h"

#include <errno.h>

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_QINQ = 0x88a8,
	VLAN_TAGS_MAX = 2,

	IPV4_FRAGMENT = 0x3fff, /* more fragments, or an offset */

	IPV6_HOP_BY_HOP = 0,
	IPV6_ROUTING = 43,
	IPV6_FRAGMENT = 44,
	IPV6_OPTIONS = 60,
	IPV6_EXTENSIONS_MAX = 8,
};

/* Sets l3_off. Returns the Ethernet type behind the VLAN tags, 0 if none. */
static uint16_t
parse_ether(const uint8_t *p, uint32_t have, struct ep_headers *h)
{
	uint32_t off = EP_ETHER_LEN;
	uint16_t type;

	for (int tags = 0; off <= have; off += 4, tags++) {
		type = ep_be16(p + off - 2);
		if ((type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ) ||
		    tags == VLAN_TAGS_MAX) {
			h->l3_off = off;
			return type;
		}
	}
	return 0;
}

/* Where the packet ends, by its length field unless that means nothing. */
static int
set_end(struct ep_headers *h, uint32_t hdr_end, uint32_t end, uint32_t pktlen,
    bool is_super)
{
	h->end = is_super ? pktlen : end;
	return h->end < hdr_end || h->end > pktlen ? -EINVAL : 0;
}

static int
parse_ipv4(const uint8_t *p, uint32_t have, uint32_t pktlen, bool is_super,
    struct ep_headers *h)
{
	const uint8_t *ip = p + h->l3_off;
	uint32_t hdr_end;
	uint8_t first;

	if (have < h->l3_off + EP_IPV4_LEN)
		return -EINVAL;
	first = ip[0];
	hdr_end = h->l3_off + (first & 0xf) * 4;
	if (first >> 4 != 4 || (first & 0xf) * 4 < EP_IPV4_LEN)
		return -EINVAL;
	if (set_end(
		h, hdr_end, h->l3_off + ep_be16(ip + 2), pktlen, is_super) != 0)
		return -EINVAL;

	h->version = 4;
	if ((ep_be16(ip + 6) & IPV4_FRAGMENT) == 0) {
		h->l4_off = hdr_end;
		h->proto = ip[9];
	}
	return 0;
}

/* Step over extension headers; off is behind the IPv6 header. */
static int
walk_extensions(const uint8_t *p, uint32_t have, uint8_t next, uint32_t off,
    struct ep_headers *h)
{
	for (int i = 0; i <= IPV6_EXTENSIONS_MAX; i++) {
		switch (next) {
		case IPV6_FRAGMENT:
			return 0;
		case IPV6_HOP_BY_HOP:
		case IPV6_ROUTING:
		case IPV6_OPTIONS:
			if (off + 8 > h->end)
				return -EINVAL;
			if (off + 8 > have)
				return 0;
			next = p[off];
			off += 8 + p[off + 1] * (uint32_t)8;
			if (off > h->end)
				return -EINVAL;
			break;
		default:
			h->l4_off = off;
			h->proto = next;
			return 0;
		}
	}
	return 0;
}

static int
parse_ipv6(const uint8_t *p, uint32_t have, uint32_t pktlen, bool is_super,
    struct ep_headers *h)
{
	const uint8_t *ip = p + h->l3_off;
	uint32_t hdr_end = h->l3_off + EP_IPV6_LEN;

	if (have < hdr_end || ip[0] >> 4 != 6)
		return -EINVAL;
	if (set_end(h, hdr_end, hdr_end + ep_be16(ip + 4), pktlen, is_super) !=
	    0)
		return -EINVAL;

	h->version = 6;
	return walk_extensions(p, have, ip[6], hdr_end, h);
}

int
ep_headers_parse(const uint8_t *p, uint32_t have, uint32_t pktlen,
    bool is_super, struct ep_headers *h)
{
	*h = (struct ep_headers){ 0 };
	switch (parse_ether(p, have, h)) {
	case ETHERTYPE_IPV4:
		return parse_ipv4(p, have, pktlen, is_super, h);
	case ETHERTYPE_IPV6:
		return parse_ipv6(p, have, pktlen, is_super, h);
	default:
		return -EINVAL;
	}
}
