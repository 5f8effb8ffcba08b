/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet.h"

#include <string.h>

#include "base/rng.h"

uint32_t
packet_l3(const struct packet *p)
{
	return 14 + 4 * p->vlans;
}

uint32_t
packet_l4(const struct packet *p)
{
	return packet_l3(p) +
	       (p->version == 4 ? 20 + 4 * p->ip_words : 40 + 16 * p->ip_words);
}

uint32_t
packet_headers(const struct packet *p)
{
	return packet_l4(p) + (p->is_tcp ? 20 + 4 * p->tcp_words : 8);
}

uint32_t
packet_len(const struct packet *p)
{
	return packet_headers(p) + p->payload;
}

uint16_t
packet_csum_start(const struct packet *p)
{
	return (uint16_t)packet_l4(p);
}

uint16_t
packet_csum_offset(const struct packet *p)
{
	return p->is_tcp ? 16 : 6;
}

uint16_t
packet_sum(const uint8_t *octets, uint32_t len)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)octets[i] << 8 : octets[i];
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return (uint16_t)sum;
}

static void
put16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] * 256 + p[1];
}

static uint16_t
pseudo_sum(const struct packet *p, const uint8_t *octets, uint32_t l4_len)
{
	const uint8_t *ip = octets + packet_l3(p);
	uint8_t pseudo[40] = { 0 };

	if (p->version == 4) {
		memcpy(pseudo, ip + 12, 8);
		pseudo[9] = p->is_tcp ? 6 : 17;
		put16(pseudo + 10, l4_len);
		return packet_sum(pseudo, 12);
	}
	memcpy(pseudo, ip + 8, 32);
	put16(pseudo + 32, l4_len >> 16);
	put16(pseudo + 34, l4_len);
	pseudo[39] = p->is_tcp ? 6 : 17;
	return packet_sum(pseudo, 40);
}

static void
write_ipv4(const struct packet *p, uint8_t *ip)
{
	uint32_t hdr = 20 + 4 * p->ip_words;

	ip[0] = (uint8_t)(0x40 | hdr / 4);
	put16(ip + 2, packet_len(p) - packet_l3(p));
	put16(ip + 4, p->id);
	ip[6] = 0x40; /* do not fragment */
	ip[8] = 64;
	ip[9] = p->is_tcp ? 6 : 17;
	memcpy(ip + 12, "\x0a\x01\x02\x03\x0a\x04\x05\x06", 8);
	memset(ip + 20, 1, 4 * p->ip_words); /* no operation */
	put16(ip + 10, ~(uint32_t)packet_sum(ip, hdr));
}

/* Hop-by-hop first, then destination options and routing by turns. */
static void
write_ipv6(const struct packet *p, uint8_t *ip)
{
	static const uint8_t kinds[] = { 60, 43 };
	uint8_t *next = ip + 6, *ext = ip + 40;

	ip[0] = 0x60;
	put16(ip + 4, packet_len(p) - packet_l3(p) - 40);
	ip[7] = 64;
	for (unsigned i = 0; i < 16; i++) {
		ip[8 + i] = (uint8_t)(0x20 + i);
		ip[24 + i] = (uint8_t)(0xf0 - 3 * i);
	}
	for (unsigned i = 0; i < p->ip_words; i++) {
		*next = i == 0 ? 0 : kinds[i % 2];
		next = ext;
		ext[1] = 1;
		memcpy(ext + 2, "\x01\x0c", 2); /* padding */
		ext += 16;
	}
	*next = p->is_tcp ? 6 : 17;
}

static void
write_tcp(const struct packet *p, uint8_t *tcp)
{
	put16(tcp, 40000);
	put16(tcp + 2, 5001);
	put16(tcp + 4, p->seq >> 16);
	put16(tcp + 6, p->seq);
	put16(tcp + 8, 0x1234);
	tcp[12] = (uint8_t)((5 + p->tcp_words) << 4);
	tcp[13] = p->tcp_flags;
	put16(tcp + 14, 8192);
	put16(tcp + 18, p->urgent);
	for (unsigned i = 0; i < 4 * p->tcp_words; i++)
		tcp[20 + i] = (uint8_t)(1 + i / 4); /* whatever */
}

void
packet_write(const struct packet *p, uint8_t *octets)
{
	uint8_t *l3 = octets + packet_l3(p), *l4 = octets + packet_l4(p);
	uint8_t *payload = octets + packet_headers(p);
	uint32_t l4_len = packet_len(p) - packet_l4(p);
	struct ep_rng rng;

	memset(octets, 0, packet_headers(p));
	memcpy(octets, "\x02\0\0\0\0\x0b\x02\0\0\0\0\x0a", 12);
	for (unsigned i = 0; i < p->vlans; i++) {
		put16(octets + 12 + 4 * i, i + 1 < p->vlans ? 0x88a8 : 0x8100);
		put16(octets + 14 + 4 * i, 100 + i);
	}
	put16(l3 - 2, p->version == 4 ? 0x0800 : 0x86dd);
	if (p->version == 4)
		write_ipv4(p, l3);
	else
		write_ipv6(p, l3);
	if (p->is_tcp) {
		write_tcp(p, l4);
	} else {
		put16(l4, 40000);
		put16(l4 + 2, 5001);
		put16(l4 + 4, l4_len);
	}
	put16(l4 + packet_csum_offset(p), pseudo_sum(p, octets, l4_len));

	ep_rng_init(&rng, p->seed);
	for (uint32_t i = 0; i < p->payload; i++)
		payload[i] = (uint8_t)(ep_rng_next(&rng) >> 32);
}

static bool
is_l4_right(
    const struct packet *p, const uint8_t *octets, uint32_t len, bool none)
{
	uint32_t l4_off = packet_l4(p), sum;
	const uint8_t *l4 = octets + l4_off;

	if (!p->is_tcp && get16(l4 + 4) != len - l4_off)
		return false;
	if (!p->is_tcp && get16(l4 + 6) == 0)
		return none && p->version == 4;
	if (none)
		return false;
	sum = (uint32_t)packet_sum(l4, len - l4_off) +
	      pseudo_sum(p, octets, len - l4_off);
	return sum % 0xffff == 0;
}

bool
packet_is_right(
    const struct packet *p, const uint8_t *octets, uint32_t len, bool none)
{
	const uint8_t *ip = octets + packet_l3(p);

	if (len < packet_headers(p))
		return false;
	if (p->version == 4 &&
	    (packet_sum(ip, 20 + 4 * p->ip_words) != 0xffff ||
		get16(ip + 2) != len - packet_l3(p)))
		return false;
	if (p->version == 6 && get16(ip + 4) != len - packet_l3(p) - 40)
		return false;
	return is_l4_right(p, octets, len, none);
}
