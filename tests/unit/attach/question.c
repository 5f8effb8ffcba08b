/* SPDX-License-Identifier: BSD-2-Clause */
#include "question.h"

#include <string.h>

const uint8_t asker_mac[6] = { 2, 0, 0, 0, 0, 0xa };
const uint8_t echoer_mac[6] = { 2, 0, 0, 0, 0, 0xb };
const uint8_t asker4[4] = { 10, 0, 0, 1 };
const uint8_t echoer4[4] = { 10, 0, 0, 2 };
const uint8_t asker6[16] = { 0xfd, [15] = 1 };
const uint8_t echoer6[16] = { 0xfd, [15] = 2 };

static void
add(struct question *q, const void *octets, uint32_t len)
{
	memcpy(q->octets + q->len, octets, len);
	q->len += len;
}

static void
add_ethernet(
    struct question *q, const uint8_t *dst, unsigned tags, uint16_t type)
{
	const uint8_t octets[] = { (uint8_t)(type >> 8), (uint8_t)type };

	memset(q, 0, sizeof(*q));
	add(q, dst, 6);
	add(q, asker_mac, 6);
	for (unsigned i = 0; i < tags; i++)
		add(q, i + 1 < tags ? "\x88\xa8\0\7" : "\x81\0\0\7", 4);
	add(q, octets, 2);
	q->l3 = q->len;
}

/* As RFC 1071 writes it: big-endian words, carries folded at the end. */
static uint32_t
sum(const uint8_t *p, uint32_t len, uint32_t start)
{
	for (uint32_t i = 0; i < len; i++)
		start += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (start > 0xffff)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

static uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static void
put16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

uint32_t
sum_header4(const struct question *q)
{
	return sum(q->octets + q->l3, (q->octets[q->l3] & 15) * 4u, 0);
}

uint32_t
sum4(const struct question *q)
{
	const uint8_t *ip = q->octets + q->l3;
	uint32_t header = (ip[0] & 15) * 4u;

	return sum(ip + header, get16(ip + 2) - header, 0);
}

uint32_t
sum6(const struct question *q)
{
	const uint8_t *ip = q->octets + q->l3;
	uint32_t len = get16(ip + 4);

	return sum(ip + 40, len, sum(ip + 8, 32, len + 58));
}

void
seal4(struct question *q)
{
	uint8_t *ip = q->octets + q->l3;
	uint32_t header = (ip[0] & 15) * 4u;

	put16(ip + 10, 0);
	put16(ip + 10, ~sum_header4(q));
	put16(ip + header + 2, 0);
	put16(ip + header + 2, ~sum4(q));
}

void
seal6(struct question *q)
{
	uint8_t *icmp = q->octets + q->l3 + 40;

	put16(icmp + 2, 0);
	put16(icmp + 2, ~sum6(q));
}

void
ask_arp(struct question *q, unsigned tags)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };

	add_ethernet(q, all, tags, 0x0806);
	add(q, "\0\1\x08\0\6\4\0\1", 8);
	add(q, asker_mac, 6);
	add(q, asker4, 4);
	add(q, "\0\0\0\0\0", 6);
	add(q, echoer4, 4);
	q->len += 18; /* Ethernet's padding */
}

void
ask_ping4(struct question *q, unsigned tags, uint32_t payload)
{
	uint8_t *ip;

	add_ethernet(q, echoer_mac, tags, 0x0800);
	ip = q->octets + q->l3;
	add(q, "\x45\0\0\0\x12\x34\x40\0\x2a\1\0", 12);
	add(q, asker4, 4);
	add(q, echoer4, 4);
	add(q, "\x08\0\0\0\x56\x78\0", 8);
	for (uint32_t i = 0; i < payload; i++)
		q->octets[q->len++] = (uint8_t)(i * 7);
	put16(ip + 2, 28 + payload);
	seal4(q);
}

void
ask_ping6(struct question *q, unsigned tags, uint32_t payload)
{
	uint8_t *ip;

	add_ethernet(q, echoer_mac, tags, 0x86dd);
	ip = q->octets + q->l3;
	add(q, "\x60\0\0\0\0\0\x3a\x2a", 8);
	add(q, asker6, 16);
	add(q, echoer6, 16);
	add(q, "\x80\0\0\0\x56\x78\0", 8);
	for (uint32_t i = 0; i < payload; i++)
		q->octets[q->len++] = (uint8_t)(i * 7);
	put16(ip + 4, 8 + payload);
	seal6(q);
}

void
ask_solicit(struct question *q, unsigned tags, int has_option)
{
	static const uint8_t mac[6] = { 0x33, 0x33, 0xff, 0, 0, 2 };
	static const uint8_t dst[16] = { 0xff,
		2, [11] = 1, [12] = 0xff, [15] = 2 };
	uint8_t *ip;

	add_ethernet(q, mac, tags, 0x86dd);
	ip = q->octets + q->l3;
	add(q, "\x60\0\0\0\0\0\x3a\xff", 8);
	add(q, asker6, 16);
	add(q, dst, 16);
	add(q, "\x87\0\0\0\0\0\0", 8);
	add(q, echoer6, 16);
	if (has_option) {
		add(q, "\1\1", 2);
		add(q, asker_mac, 6);
	}
	put16(ip + 4, has_option ? 32 : 24);
	seal6(q);
}
