/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/rng.h - random numbers from a seed: xoshiro256** by Blackman and Vigna
 * (public domain), seeded through SplitMix64. The same seed gives the same
 * numbers on every machine. Not for secrets.
 */
#ifndef EP_BASE_RNG_H
#define EP_BASE_RNG_H

#include <stdint.h>

struct ep_rng {
	uint64_t s[4];
};

static inline uint64_t
ep_splitmix64(uint64_t *x)
{
	uint64_t z = (*x += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline void
ep_rng_init(struct ep_rng *rng, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		rng->s[i] = ep_splitmix64(&seed);
}

static inline uint64_t
ep_rotl64(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

static inline uint64_t
ep_rng_next(struct ep_rng *rng)
{
	uint64_t *s = rng->s;
	uint64_t result = ep_rotl64(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = ep_rotl64(s[3], 45);
	return result;
}

#endif /* EP_BASE_RNG_H */
