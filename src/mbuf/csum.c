/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/csum.h"

#include <string.h>

#include "mbuf/mbuf.h"

static uint16_t
fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & UINT32_MAX);
	sum = (sum >> 16) + (sum & UINT16_MAX);
	sum = (sum >> 16) + (sum & UINT16_MAX);
	return (uint16_t)(sum + (sum >> 16));
}

/*
 * 32-bit words into 64 bits: no carry to look after, and the compiler makes
 * vectors of it (2.5 us for 64 KiB; adding 64-bit words with their carries
 * is a chain, and took 5 us).
 */
uint16_t
ep_csum_octets(const void *octets, size_t len)
{
	const uint8_t *p = octets;
	uint64_t sum = 0;
	uint32_t word;
	uint16_t half;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum += word;
	}
	if (len >= sizeof(half)) {
		memcpy(&half, p, sizeof(half));
		sum += half;
		p += sizeof(half);
	}
	if (len % 2 != 0) {
		const uint8_t padded[2] = { *p, 0 };

		memcpy(&half, padded, sizeof(half));
		sum += half;
	}
	return fold(sum);
}

uint16_t
ep_csum_frame(const struct epair_mbuf *m, uint32_t off)
{
	uint16_t sum = 0, part;
	uint32_t done = 0;

	for (; m != NULL; m = m->next) {
		if (off >= m->len) {
			off -= m->len;
			continue;
		}
		part = ep_csum_octets(m->data + off, m->len - off);
		/* At an odd place every octet is in the other half. */
		if (done % 2 != 0)
			part = (uint16_t)(part << 8 | part >> 8);
		sum = ep_csum_add(sum, part);
		done += m->len - off;
		off = 0;
	}
	return sum;
}
