/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/ecn.h"

#define ETHER_TYPE_AT 12u
#define TAG_LEN       4u
#define TAGS_MAX      2u
#define CE            3u

static bool
is_tag(unsigned type)
{
	return type == 0x8100 || type == 0x88a8;
}

static unsigned
load16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* RFC 1624: the sum after one word of what it is over has changed. */
static void
update_sum(uint8_t *sum, unsigned from, unsigned to)
{
	uint32_t s = (~load16(sum) & 0xffff) + (~from & 0xffff) + to;

	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	s = ~s & 0xffff;
	sum[0] = (uint8_t)(s >> 8);
	sum[1] = (uint8_t)s;
}

static bool
mark4(uint8_t *ip)
{
	unsigned was = load16(ip), ecn = ip[1] & CE;

	if (ip[0] >> 4 != 4 || ecn == 0)
		return false;
	ip[1] |= CE;
	update_sum(ip + 10, was, load16(ip));
	return true;
}

/* The traffic class lies across the first two octets. */
static bool
mark6(uint8_t *ip)
{
	if (ip[0] >> 4 != 6 || (ip[1] >> 4 & CE) == 0)
		return false;
	ip[1] |= CE << 4;
	return true;
}

bool
ep_ecn_mark(struct epair_mbuf *m)
{
	uint32_t at = ETHER_TYPE_AT;
	unsigned type;

	if (m->flags & EPAIR_M_EXT || m->len < at + 2)
		return false;
	for (unsigned i = 0; i < TAGS_MAX && is_tag(load16(m->data + at)) &&
			     m->len >= at + TAG_LEN + 2;
	     i++)
		at += TAG_LEN;
	type = load16(m->data + at);
	at += 2;
	if (type == 0x0800 && m->len >= at + 20)
		return mark4(m->data + at);
	if (type == 0x86dd && m->len >= at + 40)
		return mark6(m->data + at);
	return false;
}
