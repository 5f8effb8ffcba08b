/* SPDX-License-Identifier: BSD-2-Clause */
#include "qdisc/flow.h"

#include <string.h>

#include "base/hash.h"

#define HEADERS_MAX (14u + 2 * 4 + 60 + 4)
#define KEY_MAX     (2u * 16 + 1 + 4)

struct packet {
	uint8_t octets[HEADERS_MAX];
	uint32_t len;
};

struct key {
	uint8_t octets[KEY_MAX];
	uint32_t len;
};

static void
add(struct key *key, const struct packet *p, uint32_t at, uint32_t len)
{
	memcpy(key->octets + key->len, p->octets + at, len);
	key->len += len;
}

static bool
has_ports(uint8_t protocol)
{
	return protocol == 6 || protocol == 17 || protocol == 132 ||
	       protocol == 136;
}

static void
add_ports(
    struct key *key, const struct packet *p, uint32_t at, uint8_t protocol)
{
	if (has_ports(protocol) && p->len >= at + 4)
		add(key, p, at, 4);
}

static bool
add_ipv4(struct key *key, const struct packet *p, uint32_t at)
{
	const uint8_t *ip = p->octets + at;
	uint32_t len;
	bool fragment;

	if (p->len < at + 20 || ip[0] >> 4 != 4)
		return false;
	len = (ip[0] & 15u) * 4;
	fragment = (ip[6] & 0x3f) != 0 || ip[7] != 0;
	add(key, p, at + 12, 8);
	add(key, p, at + 9, 1);
	if (!fragment)
		add_ports(key, p, at + len, ip[9]);
	return true;
}

static bool
add_ipv6(struct key *key, const struct packet *p, uint32_t at)
{
	const uint8_t *ip = p->octets + at;

	if (p->len < at + 40 || ip[0] >> 4 != 6)
		return false;
	add(key, p, at + 8, 32);
	add(key, p, at + 6, 1);
	add_ports(key, p, at + 40, ip[6]);
	return true;
}

uint32_t
ep_flow_hash(const struct epair_mbuf *m)
{
	struct key key = { .len = 0 };
	struct packet p;
	uint32_t at = 12;
	unsigned type = 0;
	bool is_ip = false;

	if (m->hashtype != EPAIR_HASH_NONE)
		return m->hash;
	p.len = epair_mbuf_read(m, 0, p.octets, sizeof(p.octets));
	for (unsigned i = 0; i < 3 && at + 2 <= p.len; i++, at += 4) {
		type = (unsigned)p.octets[at] << 8 | p.octets[at + 1];
		if (type != 0x8100 && type != 0x88a8)
			break;
	}
	if (type == 0x0800)
		is_ip = add_ipv4(&key, &p, at + 2);
	else if (type == 0x86dd)
		is_ip = add_ipv6(&key, &p, at + 2);
	if (!is_ip)
		add(&key, &p, 0, p.len < 14 ? p.len : 14);
	return ep_hash_octets(key.octets, key.len);
}
