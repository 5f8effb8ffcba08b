/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbuf/csum.h - the Internet checksum (RFC 1071).
 *
 * A sum here is a folded one's-complement sum in memory order: octets are
 * loaded and results stored as they lie, never swapped, which is right on
 * either byte order. A number goes in as htons(number). The checksum is the
 * complement of the sum.
 */
#ifndef EP_MBUF_CSUM_H
#define EP_MBUF_CSUM_H

#include <stddef.h>
#include <stdint.h>

struct epair_mbuf;

/* Sum of len octets in one piece; an odd last one is padded with 0. */
uint16_t ep_csum_octets(const void *octets, size_t len);

/* Sum of a frame from offset off (at most pktlen) to its end. */
uint16_t ep_csum_frame(const struct epair_mbuf *m, uint32_t off);

static inline uint16_t
ep_csum_add(uint16_t a, uint16_t b)
{
	uint32_t sum = (uint32_t)a + b;

	return (uint16_t)(sum + (sum >> 16));
}

static inline uint16_t
ep_csum_sub(uint16_t a, uint16_t b)
{
	return ep_csum_add(a, (uint16_t)~b);
}

#endif /* EP_MBUF_CSUM_H */
