/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * impair/ber.h - bit errors: how many bits pass between one and the next.
 *
 * Each bit is turned over with the probability p, whatever became of others. So
 * g bits pass before the next error with the probability p (1-p)^g. Of such a
 * number the binary digits are independent of each other, since (1-p)^g is a
 * product over the digits that are 1: digit k is 1 with the probability
 * q / (1 + q), where q = (1-p)^(2^k). Each is drawn by itself, against what was
 * reckoned when the rate was set. That is exact to 2^-64, has neither logarithm
 * nor floating point, and a frame without error costs a subtraction.
 *
 * There is no memory in it: whenever the rate changes, the distance to the next
 * error may be drawn anew.
 */
#ifndef EP_IMPAIR_BER_H
#define EP_IMPAIR_BER_H

#include <stdbool.h>

#include "base/rng.h"
#include "impair/conf.h"

/* With the least rate, (1-p)^(2^k) is below 2^-64 from here on. */
#define EP_BER_DIGITS 56

struct ep_ber {
	struct ep_rng rng;
	uint64_t clean; /* bits that pass before the next error */
	unsigned digits; /* that may be 1 */
	uint64_t odds[EP_BER_DIGITS]; /* that they are, of 2^64 */
};

/* From now on p of EP_BIT_PART, which is not 0; draws the first distance. */
void ep_ber_set(struct ep_ber *ber, uint64_t p);

/* Is there an error among the next so many? If not, they have passed. */
static inline bool
ep_ber_hits(struct ep_ber *ber, uint64_t bits)
{
	if (ber->clean < bits)
		return true;
	ber->clean -= bits;
	return false;
}

/* Draw how many bits pass between an error and the next: less than 2^56. */
uint64_t ep_ber_gap(struct ep_ber *ber);

#endif /* EP_IMPAIR_BER_H */
