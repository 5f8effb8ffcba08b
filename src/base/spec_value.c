/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "base/spec_priv.h"

#define KI UINT64_C(1024)

static const struct ep_unit size_units[] = {
	{ "", 1 },
	{ "k", KI },
	{ "m", KI *KI },
	{ "g", KI *KI *KI },
	{ "t", KI *KI *KI *KI },
	{ NULL, 0 },
};

static const struct ep_unit rate_units[] = {
	{ "", 1 },
	{ "k", UINT64_C(1000) },
	{ "m", UINT64_C(1000000) },
	{ "g", UINT64_C(1000000000) },
	{ "t", UINT64_C(1000000000000) },
	{ NULL, 0 },
};

static const struct ep_unit time_units[] = {
	{ "ns", 1 },
	{ "us", EP_NS_PER_US },
	{ "ms", EP_NS_PER_MS },
	{ "s", EP_NS_PER_S },
	{ NULL, 0 },
};

static bool
parse_plain(const char *text, uint64_t *number)
{
	return ep_number_digits(&text, number) && *text == '\0';
}

/* "64k, 2M" and such: what a number may be, in front of its bounds. */
static const char *
number_words(const struct ep_opt *opt)
{
	switch (opt->type) {
	case EP_OPT_SIZE:
		return "a whole number of octets (1500, 64k, 2M)";
	case EP_OPT_RATE:
		return "a whole number (1000, 10k, 1.5M, 10G)";
	case EP_OPT_TIME:
		return "a time with its unit (100ns, 5us, 10ms, 1.5s)";
	default:
		return "a number";
	}
}

/* A bound as it would be written. */
static const char *
bound(const struct ep_opt *opt, uint64_t number, char buf[32])
{
	const struct ep_unit *unit = time_units;

	if (opt->type != EP_OPT_TIME || number == 0) {
		(void)snprintf(buf, 32, "%" PRIu64, number);
		return buf;
	}
	while (unit[1].name != NULL && number % unit[1].times == 0)
		unit++;
	(void)snprintf(
	    buf, 32, "%" PRIu64 "%s", number / unit->times, unit->name);
	return buf;
}

static bool
value_number(const struct ep_opt *opt, const char *value, uint64_t *number,
    char *why, size_t why_size)
{
	uint64_t max = opt->max;
	char low[32], high[32];
	bool is_number;

	if (max == 0)
		max = opt->type == EP_OPT_U32 ? UINT32_MAX : UINT64_MAX;
	if (opt->type == EP_OPT_SIZE)
		is_number = ep_number_scaled(value, size_units, number);
	else if (opt->type == EP_OPT_RATE)
		is_number = ep_number_scaled(value, rate_units, number);
	else if (opt->type == EP_OPT_TIME)
		is_number = ep_number_scaled(value, time_units, number);
	else
		is_number = parse_plain(value, number);
	if (is_number && *number >= opt->min && *number <= max)
		return true;

	if (max == UINT64_MAX && opt->min == 0)
		(void)snprintf(why, why_size, "%s", number_words(opt));
	else if (max == UINT64_MAX)
		(void)snprintf(why, why_size, "%s, at least %s",
		    number_words(opt), bound(opt, opt->min, low));
	else
		(void)snprintf(why, why_size, "%s%s%s to %s",
		    is_number ? "" : number_words(opt), is_number ? "" : ", ",
		    bound(opt, opt->min, low), bound(opt, max, high));
	return false;
}

static bool
value_bool(const char *value, bool *to)
{
	static const char *const words[][2] = {
		{ "off", "on" },
		{ "no", "yes" },
		{ "false", "true" },
		{ "0", "1" },
		{ "off", "" },
	};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (unsigned is_on = 0; is_on < 2; is_on++)
			if (strcmp(value, words[i][is_on]) == 0) {
				*to = is_on;
				return true;
			}
	return false;
}

static bool
value_choice(const char *const *choices, const char *value, unsigned *to,
    char *why, size_t why_size)
{
	size_t len = 0;

	why[0] = '\0';
	for (unsigned i = 0; choices[i] != NULL; i++) {
		int n;

		if (strcmp(choices[i], value) == 0) {
			*to = i;
			return true;
		}
		if (len >= why_size)
			continue;
		n = snprintf(why + len, why_size - len, "%s%s",
		    len > 0 ? " or " : "", choices[i]);
		len += n > 0 ? (size_t)n : 0;
	}
	return false;
}

static bool
value_addr(const char *value, bool with_prefix, struct ep_addr *to)
{
	struct ep_addr addr = { .family = AF_INET, .prefix = 32 };
	const char *slash = strchr(value, '/');
	char text[INET6_ADDRSTRLEN];
	size_t len = slash != NULL ? (size_t)(slash - value) : strlen(value);
	uint64_t prefix;

	if (len >= sizeof(text) || (slash != NULL && !with_prefix))
		return false;
	memcpy(text, value, len);
	text[len] = '\0';
	if (strchr(text, ':') != NULL) {
		addr.family = AF_INET6;
		addr.prefix = 128;
	}
	if (inet_pton(addr.family, text, addr.octets) != 1)
		return false;
	if (slash != NULL) {
		if (!parse_plain(slash + 1, &prefix) || prefix > addr.prefix)
			return false;
		addr.prefix = (uint8_t)prefix;
	}
	*to = addr;
	return true;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
ep_spec_mac(const char *text, uint8_t mac[6])
{
	for (unsigned i = 0; i < 6; i++, text += 3) {
		int high = hex_digit(text[0]);
		int low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || text[2] != (i < 5 ? ':' : '\0'))
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

size_t
ep_spec_value_size(const struct ep_opt *opt)
{
	switch (opt->type) {
	case EP_OPT_TEXT:
		return sizeof(const char *);
	case EP_OPT_U32:
		return sizeof(uint32_t);
	case EP_OPT_BOOL:
		return sizeof(bool);
	case EP_OPT_CHOICE:
		return sizeof(unsigned);
	case EP_OPT_ADDR:
	case EP_OPT_CIDR:
		return sizeof(struct ep_addr);
	case EP_OPT_MAC:
		return 6;
	case EP_OPT_U64:
	case EP_OPT_SIZE:
	case EP_OPT_RATE:
	case EP_OPT_TIME:
		break;
	}
	return sizeof(uint64_t);
}

bool
ep_spec_value(const struct ep_opt *opt, const char *value, void *to, char *why,
    size_t why_size)
{
	uint64_t number;

	switch (opt->type) {
	case EP_OPT_TEXT:
		(void)snprintf(why, why_size, "%s, not empty", opt->form);
		if (value[0] == '\0')
			return false;
		*(const char **)to = value;
		return true;
	case EP_OPT_BOOL:
		(void)snprintf(why, why_size, "on or off");
		return value_bool(value, to);
	case EP_OPT_CHOICE:
		return value_choice(opt->choices, value, to, why, why_size);
	case EP_OPT_ADDR:
		(void)snprintf(why, why_size, "an IPv4 or IPv6 address");
		return value_addr(value, false, to);
	case EP_OPT_CIDR:
		(void)snprintf(why, why_size,
		    "an address with its prefix length, like 10.0.0.1/24 or "
		    "fd00::1/64");
		return value_addr(value, true, to);
	case EP_OPT_MAC:
		(void)snprintf(
		    why, why_size, "a MAC address like 02:00:00:00:00:01");
		return ep_spec_mac(value, to);
	default:
		break;
	}
	if (!value_number(opt, value, &number, why, why_size))
		return false;
	if (opt->type == EP_OPT_U32)
		*(uint32_t *)to = (uint32_t)number;
	else
		*(uint64_t *)to = number;
	return true;
}
