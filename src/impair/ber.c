/* SPDX-License-Identifier: BSD-2-Clause */
#include "impair/ber.h"

__extension__ typedef unsigned __int128 wide;

#define ONE ((wide)1 << 64)

void
ep_ber_set(struct ep_ber *ber, uint64_t p)
{
	uint64_t q = (uint64_t)(ONE - p * ONE / EP_BIT_PART);

	ber->digits = 0;
	for (; q != 0 && ber->digits < EP_BER_DIGITS; ber->digits++) {
		ber->odds[ber->digits] = (uint64_t)(q * ONE / (ONE + q));
		q = (uint64_t)((wide)q * q / ONE);
	}
	ber->clean = ep_ber_gap(ber);
}

uint64_t
ep_ber_gap(struct ep_ber *ber)
{
	uint64_t gap = 0;

	for (unsigned k = 0; k < ber->digits; k++)
		gap |= (uint64_t)(ep_rng_next(&ber->rng) < ber->odds[k]) << k;
	return gap;
}
