/* SPDX-License-Identifier: BSD-2-Clause */
#include "rss/rss.h"

#include "base/assert.h"

#define KEY_LEN 40

static const uint8_t key[KEY_LEN] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e,
	0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b,
	0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2,
	0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa };

/*
 * What each octet at each position adds. A table by nibbles is an eighth as
 * large, but twice the loads: 14 ns against 8 ns for TCP over IPv4, also when
 * other work has just emptied the first-level cache.
 */
static uint32_t table[EP_TOEPLITZ_MAX][256];

/* 32 bits of the key from a bit on. */
static uint32_t
window(unsigned bit)
{
	uint64_t bits = 0;

	for (unsigned i = bit / 8; i <= bit / 8 + 4; i++)
		bits = bits << 8 | (i < KEY_LEN ? key[i] : 0);
	return (uint32_t)(bits >> (8 - bit % 8));
}

/* Before main(): the table never changes, and no call has to ask for it. */
__attribute__((constructor)) static void
table_init(void)
{
	for (unsigned pos = 0; pos < EP_TOEPLITZ_MAX; pos++)
		for (unsigned octet = 1; octet < 256; octet++) {
			unsigned low = (unsigned)__builtin_ctz(octet);

			table[pos][octet] = table[pos][octet & (octet - 1)] ^
					    window(pos * 8 + 7 - low);
		}
}

uint32_t
ep_toeplitz(unsigned pos, const uint8_t *octets, unsigned n)
{
	uint32_t hash = 0;

	EP_DEBUG(pos + n <= EP_TOEPLITZ_MAX);
	for (unsigned i = 0; i < n; i++)
		hash ^= table[pos + i][octets[i]];
	return hash;
}
