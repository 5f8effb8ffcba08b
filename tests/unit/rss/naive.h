/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * naive.h - the Toeplitz hash as its definition reads: for each bit of the
 * input that is set, exclusive or with the leftmost 32 bits of the key, which
 * moves left a bit a bit.
 */
#ifndef NAIVE_H
#define NAIVE_H

#include <stdint.h>

static inline uint32_t
naive_toeplitz(const uint8_t *input, unsigned len)
{
	static const uint8_t key[] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e,
		0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0,
		0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d,
		0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe,
		0xac, 0x01, 0xfa };
	uint32_t left = 0x6d5a56da, result = 0;
	unsigned next = 32; /* the key's bit that comes in from the right */

	for (unsigned i = 0; i < len * 8; i++, next++) {
		if (input[i / 8] & (0x80 >> i % 8))
			result ^= left;
		left <<= 1;
		if (next < 320 && key[next / 8] & (0x80 >> next % 8))
			left |= 1;
	}
	return result;
}

#endif /* NAIVE_H */
