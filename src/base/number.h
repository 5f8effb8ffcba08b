/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/number.h - a decimal with a unit as a whole number of what the unit is
 * made of: no locale, no floating point, and what does not come out whole is
 * refused.
 */
#ifndef EP_BASE_NUMBER_H
#define EP_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* A table of units ends with a NULL name. "" is a number without one. */
struct ep_unit {
	const char *name; /* in any case of letters */
	uint64_t times;
};

/* Rates in bit/s, as tc(8) writes them: 10mbit, 1.5gbit; 100kbps. */
extern const struct ep_unit ep_rate_units[];

/* Times in ns, as tc(8) writes them: 100us, 1.5s, 20msec. */
extern const struct ep_unit ep_time_units[];

/*
 * "1.5ms" in units that have "ms": at most nine decimals, the whole text. 0
 * needs no unit. Returns false if it is none or more than 64 bits hold.
 */
bool ep_number_scaled(
    const char *text, const struct ep_unit *units, uint64_t *number);

/*
 * "0.00025" or "2.5e-4", the whole text, as a whole number of 10^-places parts.
 * Returns false if it is none or more than 64 bits hold.
 */
bool ep_number_parts(const char *text, unsigned places, uint64_t *number);

/* The digits at *text, which moves behind them. At least one must be there. */
bool ep_number_digits(const char **text, uint64_t *number);

#endif /* EP_BASE_NUMBER_H */
