/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/echo/answer.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "mbuf/csum.h"
#include "mbuf/headers.h"

enum {
	MAC_LEN = 6,
	VLAN_LEN = 4,
	VLANS_MAX = 2,
	ETHERTYPE_IP4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_IP6 = 0x86dd,

	ARP_LEN = 28,
	ARP_REQUEST = 1,
	ARP_REPLY = 2,

	TTL = 64,
	PROTO_ICMP = 1,
	PROTO_ICMP6 = 58,
	ICMP_LEN = 8,
	ICMP_ECHO_REPLY = 0,
	ICMP_ECHO = 8,
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129,
	ND_SOLICIT = 135,
	ND_ADVERT = 136,
	ND_LEN = 24, /* of both, without options */
	ND_TARGET_LLADDR = 2,
	ND_SOLICITED = 0x40,
	ND_OVERRIDE = 0x20,
	ND_HOPS = 255, /* has crossed no router */
};

/* The question: the frame, and what lies behind its last EtherType. */
struct question {
	const uint8_t *mac; /* ours */
	const struct ep_echo_addrs *addrs; /* ours */
	uint8_t *eth;
	uint8_t *l3;
	uint32_t l3_off;
	uint32_t len; /* from l3 on */
	uint32_t room; /* from l3 on */
};

static const uint8_t zeros[16];

static bool
is_to_me(const struct question *q)
{
	return memcmp(q->eth, q->mac, MAC_LEN) == 0;
}

static bool
is_group(const uint8_t *mac)
{
	return (mac[0] & 1) != 0;
}

/* Send the frame back where it came from. */
static void
turn_ethernet(const struct question *q)
{
	memcpy(q->eth, q->eth + MAC_LEN, MAC_LEN);
	memcpy(q->eth + MAC_LEN, q->mac, MAC_LEN);
}

static void
swap(uint8_t *a, uint8_t *b, size_t len)
{
	uint8_t kept[16];

	memcpy(kept, a, len);
	memcpy(a, b, len);
	memcpy(b, kept, len);
}

static bool
owns(const struct ep_echo_addrs *addrs, int family, const uint8_t *addr)
{
	size_t len = family == AF_INET ? 4 : 16;

	for (unsigned i = 0; i < addrs->count; i++)
		if (addrs->list[i].family == family &&
		    memcmp(addrs->list[i].octets, addr, len) == 0)
			return true;
	return false;
}

static bool
is_unicast4(const uint8_t *addr)
{
	return addr[0] != 0 && addr[0] != 127 && addr[0] < 224;
}

static bool
is_unicast6(const uint8_t *addr)
{
	/* neither ff00::/8 nor ::/96, where :: and ::1 are */
	return addr[0] != 0xff && memcmp(addr, zeros, 12) != 0;
}

static bool
is_mine4(const struct question *q, const uint8_t *addr)
{
	if (q->addrs->count > 0)
		return owns(q->addrs, AF_INET, addr);
	return is_unicast4(addr);
}

static bool
is_mine6(const struct question *q, const uint8_t *addr)
{
	if (q->addrs->count > 0)
		return owns(q->addrs, AF_INET6, addr);
	return is_unicast6(addr);
}

static uint32_t
answer_arp(const struct question *q)
{
	static const uint8_t ether_ip4[] = { 0, 1, 8, 0, 6, 4, 0, ARP_REQUEST };
	uint8_t *arp = q->l3;
	uint8_t *sender = arp + 8, *target = arp + 18; /* MAC, address */
	uint8_t mine[4];

	if (q->len < ARP_LEN || memcmp(arp, ether_ip4, sizeof(ether_ip4)) != 0)
		return 0;
	memcpy(mine, target + MAC_LEN, sizeof(mine));
	if (!is_mine4(q, mine))
		return 0;
	/* Is it free? (probe, announcement) Not ours to say; see answer.h. */
	if (q->addrs->count == 0 && (memcmp(sender + MAC_LEN, zeros, 4) == 0 ||
					memcmp(sender + MAC_LEN, mine, 4) == 0))
		return 0;

	arp[7] = ARP_REPLY;
	memcpy(target, sender, MAC_LEN + 4);
	memcpy(sender, q->mac, MAC_LEN);
	memcpy(sender + MAC_LEN, mine, 4);
	turn_ethernet(q);
	return q->l3_off + q->len;
}

/* The checksum at `field` when the 16 bits at `word` become type and code 0. */
static void
retype(uint8_t *word, uint8_t type, uint8_t *field)
{
	uint16_t before, after, sum;

	memcpy(&before, word, 2);
	word[0] = type;
	word[1] = 0;
	memcpy(&after, word, 2);
	memcpy(&sum, field, 2);
	sum = (uint16_t)~sum;
	sum = (uint16_t)~ep_csum_add(ep_csum_sub(sum, before), after);
	memcpy(field, &sum, 2);
}

static uint32_t
answer_ip4(const struct question *q)
{
	uint8_t *ip = q->l3, *icmp = ip + EP_IPV4_LEN;
	uint8_t *src = ip + 12, *dst = ip + 16;
	uint32_t total;
	uint16_t sum;

	/* version 4, no options; echo request, not a fragment; all there */
	if (q->len < EP_IPV4_LEN + ICMP_LEN || ip[0] != 0x45)
		return 0;
	total = ep_be16(ip + 2);
	if (total < EP_IPV4_LEN + ICMP_LEN || total > q->len ||
	    (ep_be16(ip + 6) & 0x3fff) != 0 || ip[9] != PROTO_ICMP ||
	    icmp[0] != ICMP_ECHO || icmp[1] != 0)
		return 0;
	if (!is_to_me(q) || !is_mine4(q, dst) || !is_unicast4(src))
		return 0;
	if (ep_csum_octets(ip, EP_IPV4_LEN) != 0xffff ||
	    ep_csum_octets(icmp, total - EP_IPV4_LEN) != 0xffff)
		return 0;

	retype(icmp, ICMP_ECHO_REPLY, icmp + 2);
	swap(src, dst, 4);
	ip[8] = TTL;
	ip[10] = ip[11] = 0;
	sum = (uint16_t)~ep_csum_octets(ip, EP_IPV4_LEN);
	memcpy(ip + 10, &sum, 2);
	turn_ethernet(q);
	return q->l3_off + q->len;
}

/* Sum of an ICMPv6 message of len octets and its pseudo header. */
static uint16_t
sum_icmp6(const uint8_t *ip, uint32_t len)
{
	uint16_t sum = ep_csum_octets(ip + 8, 32);

	sum = ep_csum_add(sum, htons((uint16_t)len));
	sum = ep_csum_add(sum, htons(PROTO_ICMP6));
	return ep_csum_add(sum, ep_csum_octets(ip + EP_IPV6_LEN, len));
}

static uint32_t
answer_echo6(const struct question *q)
{
	uint8_t *ip = q->l3, *icmp = ip + EP_IPV6_LEN;
	uint8_t *src = ip + 8, *dst = ip + 24;

	if (!is_to_me(q) || !is_mine6(q, dst) || !is_unicast6(src))
		return 0;
	retype(icmp, ICMP6_ECHO_REPLY, icmp + 2);
	swap(src, dst, 16);
	ip[7] = TTL;
	turn_ethernet(q);
	return q->l3_off + q->len;
}

/* Do the options of a solicitation add up (RFC 4861, 7.1.1)? */
static bool
are_options_sound(const uint8_t *opt, uint32_t len)
{
	while (len >= 2 && opt[1] > 0) {
		uint32_t size = (uint32_t)opt[1] * 8;

		if (size > len)
			return false;
		len -= size;
		opt += size;
	}
	return len == 0;
}

/* A solicitation whose sender is :: asks whether the target is free. */
static bool
is_solicit_sound(const struct question *q, uint32_t len, bool is_probe)
{
	static const uint8_t solicited[13] = { 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 1, 0xff };
	const uint8_t *ip = q->l3, *nd = ip + EP_IPV6_LEN;
	const uint8_t *src = ip + 8, *dst = ip + 24, *target = nd + 8;
	bool is_multicast = memcmp(dst, solicited, sizeof(solicited)) == 0 &&
			    memcmp(dst + 13, target + 13, 3) == 0;

	if (ip[7] != ND_HOPS || nd[1] != 0 ||
	    !are_options_sound(nd + ND_LEN, len - ND_LEN))
		return false;
	if (is_probe)
		return is_multicast && len == ND_LEN;
	return is_unicast6(src) &&
	       (is_multicast || (is_to_me(q) && memcmp(dst, target, 16) == 0));
}

static uint32_t
answer_solicit(const struct question *q, uint32_t len)
{
	static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
	static const uint8_t all_nodes_mac[] = { 0x33, 0x33, 0, 0, 0, 1 };
	uint8_t *ip = q->l3, *nd = ip + EP_IPV6_LEN;
	uint8_t *src = ip + 8, *dst = ip + 24, *target = nd + 8;
	bool is_probe = memcmp(src, zeros, 16) == 0;
	uint16_t sum;

	if (!is_solicit_sound(q, len, is_probe) || !is_mine6(q, target) ||
	    (is_probe && q->addrs->count == 0) ||
	    q->room < EP_IPV6_LEN + ND_LEN + 8)
		return 0;

	turn_ethernet(q);
	if (is_probe)
		memcpy(q->eth, all_nodes_mac, MAC_LEN);
	memcpy(dst, is_probe ? all_nodes : src, 16);
	memcpy(src, target, 16);
	ep_put_be16(ip + 4, ND_LEN + 8);

	memset(nd, 0, 8);
	nd[0] = ND_ADVERT;
	nd[4] = is_probe ? ND_OVERRIDE : ND_SOLICITED | ND_OVERRIDE;
	nd[ND_LEN] = ND_TARGET_LLADDR;
	nd[ND_LEN + 1] = 1;
	memcpy(nd + ND_LEN + 2, q->mac, MAC_LEN);
	sum = (uint16_t)~sum_icmp6(ip, ND_LEN + 8);
	memcpy(nd + 2, &sum, 2);
	return q->l3_off + EP_IPV6_LEN + ND_LEN + 8;
}

static uint32_t
answer_ip6(const struct question *q)
{
	const uint8_t *ip = q->l3, *icmp = ip + EP_IPV6_LEN;
	uint32_t len;

	if (q->len < EP_IPV6_LEN + ICMP_LEN || ip[0] >> 4 != 6 ||
	    ip[6] != PROTO_ICMP6)
		return 0;
	len = ep_be16(ip + 4);
	if (len < ICMP_LEN || len > q->len - EP_IPV6_LEN ||
	    sum_icmp6(ip, len) != 0xffff)
		return 0;
	if (icmp[0] == ICMP6_ECHO && icmp[1] == 0)
		return answer_echo6(q);
	if (icmp[0] == ND_SOLICIT && len >= ND_LEN)
		return answer_solicit(q, len);
	return 0;
}

uint32_t
ep_echo_answer(const uint8_t *mac, const struct ep_echo_addrs *addrs,
    uint8_t *frame, uint32_t len, uint32_t room)
{
	struct question q = { .mac = mac, .addrs = addrs, .eth = frame };
	uint32_t off = EP_ETHER_LEN;
	uint16_t type;

	if (len < EP_ETHER_LEN || is_group(frame + MAC_LEN))
		return 0;
	type = ep_be16(frame + off - 2);
	for (unsigned i = 0; i < VLANS_MAX; i++) {
		if (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ)
			break;
		off += VLAN_LEN;
		if (len < off)
			return 0;
		type = ep_be16(frame + off - 2);
	}
	q.l3 = frame + off;
	q.l3_off = off;
	q.len = len - off;
	q.room = room - off;

	switch (type) {
	case ETHERTYPE_ARP:
		return answer_arp(&q);
	case ETHERTYPE_IP4:
		return answer_ip4(&q);
	case ETHERTYPE_IP6:
		return answer_ip6(&q);
	default:
		return 0;
	}
}
