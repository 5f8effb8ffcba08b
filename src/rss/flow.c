/* SPDX-License-Identifier: BSD-2-Clause */
#include "rss/rss.h"

#include <epair/mbuf.h>

#include "mbuf/headers.h"

/* Enough for every header that is met; copied only from a chain. */
#define LOOK_MAX 256u

/* RSS types come in threes: addresses, and with the ports of TCP or UDP. */
enum { WITH_TCP = 1, WITH_UDP = 2 };
_Static_assert(EPAIR_HASH_RSS_TCP_IPV4 == EPAIR_HASH_RSS_IPV4 + WITH_TCP &&
		   EPAIR_HASH_RSS_UDP_IPV4 == EPAIR_HASH_RSS_IPV4 + WITH_UDP &&
		   EPAIR_HASH_RSS_TCP_IPV6 == EPAIR_HASH_RSS_IPV6 + WITH_TCP &&
		   EPAIR_HASH_RSS_UDP_IPV6 == EPAIR_HASH_RSS_IPV6 + WITH_UDP,
    "hash types come in threes");

/* Hash `have` octets in front of the frame. */
static bool
hash_octets(struct epair_mbuf *m, const uint8_t *p, uint32_t have, bool udp)
{
	struct ep_headers h;
	unsigned type, with = 0, len;
	uint32_t hash;

	if (ep_headers_parse(
		p, have, m->pktlen, m->gso != EPAIR_GSO_NONE, &h) != 0)
		return false;

	if (h.version == 4) {
		type = EPAIR_HASH_RSS_IPV4;
		len = 8;
		hash = ep_toeplitz(0, p + h.l3_off + 12, len);
	} else {
		type = EPAIR_HASH_RSS_IPV6;
		len = 32;
		hash = ep_toeplitz(0, p + h.l3_off + 8, len);
	}

	if (h.l4_off != 0 && h.proto == EP_PROTO_TCP)
		with = WITH_TCP;
	else if (h.l4_off != 0 && h.proto == EP_PROTO_UDP && udp)
		with = WITH_UDP;
	if (with != 0 && h.l4_off + 4 > h.end)
		return false;
	if (with != 0 && h.l4_off + 4 <= have) {
		hash ^= ep_toeplitz(len, p + h.l4_off, 4);
		type += with;
	}

	m->hash = hash;
	m->hashtype = (uint8_t)type;
	return true;
}

bool
ep_rss_hash(struct epair_mbuf *m, bool udp)
{
	uint32_t have = m->pktlen < LOOK_MAX ? m->pktlen : LOOK_MAX;
	uint8_t copy[LOOK_MAX];
	const uint8_t *p = m->data;

	if (m->hashtype >= EPAIR_HASH_RSS_IPV4 &&
	    m->hashtype <= EPAIR_HASH_RSS_UDP_IPV6)
		return true;

	if (m->len < have) {
		have = epair_mbuf_read(m, 0, copy, have);
		p = copy;
	}
	if (hash_octets(m, p, have, udp))
		return true;
	/* What somebody else says of the flow crosses untouched. */
	if (m->hashtype != EPAIR_HASH_OPAQUE)
		m->hashtype = EPAIR_HASH_NONE;
	return false;
}

uint32_t
ep_rss_bucket(struct epair_mbuf *m, unsigned nqueues, bool udp)
{
	if (nqueues <= 1 || !ep_rss_hash(m, udp))
		return 0;
	return m->hash % nqueues;
}
