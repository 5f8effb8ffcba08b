/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/number.h"

#include <stddef.h>
#include <strings.h>

#include "base/clock.h"

/* Decimals that a fraction may have. */
#define DECIMALS_MAX 9

/* As tc(8): bit counts bits, bps octets. */
const struct ep_unit ep_rate_units[] = {
	{ "bit", 1 },
	{ "kbit", UINT64_C(1000) },
	{ "mbit", UINT64_C(1000000) },
	{ "gbit", UINT64_C(1000000000) },
	{ "tbit", UINT64_C(1000000000000) },
	{ "bps", 8 },
	{ "kbps", UINT64_C(8000) },
	{ "mbps", UINT64_C(8000000) },
	{ "gbps", UINT64_C(8000000000) },
	{ NULL, 0 },
};

const struct ep_unit ep_time_units[] = {
	{ "ns", 1 },
	{ "us", EP_NS_PER_US },
	{ "usec", EP_NS_PER_US },
	{ "usecs", EP_NS_PER_US },
	{ "ms", EP_NS_PER_MS },
	{ "msec", EP_NS_PER_MS },
	{ "msecs", EP_NS_PER_MS },
	{ "s", EP_NS_PER_S },
	{ "sec", EP_NS_PER_S },
	{ "secs", EP_NS_PER_S },
	{ NULL, 0 },
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Behind those that are in *number. At least one must be there. */
static bool
append_digits(const char **text, uint64_t *number)
{
	const char *p = *text;

	if (!is_digit(*p))
		return false;
	for (; is_digit(*p); p++)
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(
			*number, (uint64_t)(*p - '0'), number))
			return false;
	*text = p;
	return true;
}

bool
ep_number_digits(const char **text, uint64_t *number)
{
	*number = 0;
	return append_digits(text, number);
}

/*
 * ".5" behind the whole part at *text: part of 10^DECIMALS_MAX. None is 0.
 */
static bool
take_fraction(const char **text, uint64_t *part)
{
	const char *p = *text;
	uint64_t weight = 1;

	for (int i = 0; i < DECIMALS_MAX; i++)
		weight *= 10;
	*part = 0;
	if (*p != '.')
		return true;
	p++;
	if (!is_digit(*p))
		return false;
	for (; is_digit(*p); p++) {
		weight /= 10;
		if (weight == 0 && *p != '0')
			return false;
		*part += weight * (uint64_t)(*p - '0');
	}
	*text = p;
	return true;
}

/* part / 10^DECIMALS_MAX of `times`, if that is a whole number. */
static bool
part_of(uint64_t part, uint64_t times, uint64_t *number)
{
	uint64_t ten = 10;

	for (int i = 1; i < DECIMALS_MAX; i++)
		ten *= 10;
	/*
	 * times = q * ten + r. part and r are below 10^9 and q below 1100, so
	 * nothing here overflows.
	 */
	*number = part * (times / ten) + part * (times % ten) / ten;
	return part * (times % ten) % ten == 0;
}

bool
ep_number_scaled(
    const char *text, const struct ep_unit *units, uint64_t *number)
{
	uint64_t whole, part, rest;

	if (!ep_number_digits(&text, &whole) || !take_fraction(&text, &part))
		return false;
	/* Nothing of any unit is nothing. */
	if (*text == '\0' && whole == 0 && part == 0) {
		*number = 0;
		return true;
	}
	while (units->name != NULL && strcasecmp(text, units->name) != 0)
		units++;
	return units->name != NULL && part_of(part, units->times, &rest) &&
	       !__builtin_mul_overflow(whole, units->times, &whole) &&
	       !__builtin_add_overflow(whole, rest, number);
}

/* *number times 10^power, if that is a whole number that 64 bits hold. */
static bool
times_ten(uint64_t *number, int64_t power)
{
	if (*number == 0)
		return true;
	for (; power > 0; power--)
		if (__builtin_mul_overflow(*number, 10, number))
			return false;
	for (; power < 0; power++) {
		if (*number % 10 != 0)
			return false;
		*number /= 10;
	}
	return true;
}

bool
ep_number_parts(const char *text, unsigned places, uint64_t *number)
{
	int64_t power = places;
	uint64_t exponent;

	if (!ep_number_digits(&text, number))
		return false;
	if (*text == '.') {
		const char *begin = ++text;

		if (!append_digits(&text, number))
			return false;
		power -= text - begin;
	}
	if (*text == 'e' || *text == 'E') {
		bool is_negative = *++text == '-';

		text += is_negative || *text == '+';
		if (!ep_number_digits(&text, &exponent) || exponent > 99)
			return false;
		power += is_negative ? -(int64_t)exponent : (int64_t)exponent;
	}
	return *text == '\0' && times_ten(number, power);
}
