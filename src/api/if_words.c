/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api/if_words.c - epair_if_set(): one thing by its word.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <epair/if.h>
#include <epair/link.h>

#include "base/error.h"
#include "base/spec.h"

struct word {
	const char *word, *other; /* other: ip(8)'s for the same, or NULL */
	int (*set)(struct epair_if *ifp, const struct word *w,
	    const char *value, struct epair_err *err);
	uint32_t bit; /* of a flag or capability */
};

static int
number(const struct word *w, const char *value, uint32_t max, uint32_t *n,
    struct epair_err *err)
{
	char *rest;
	unsigned long v;

	errno = 0;
	v = strtoul(value, &rest, 10);
	if (value[0] < '0' || value[0] > '9' || *rest != '\0' || errno != 0 ||
	    v > max)
		return ep_fail(err, -EINVAL, "%s '%.32s': must be 0 to %u",
		    w->word, value, max);
	*n = (uint32_t)v;
	return 0;
}

static int
on_off(const struct word *w, const char *value, bool *on, struct epair_err *err)
{
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return ep_fail(err, -EINVAL, "%s '%.32s': must be on or off",
		    w->word, value);
	*on = strcmp(value, "on") == 0;
	return 0;
}

static int
set_up(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	(void)value;
	return epair_if_set_flags(ifp, w->bit, EPAIR_IFF_UP & ~w->bit, err);
}

static int
set_flag(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	bool on = false;
	int error = on_off(w, value, &on, err);

	if (error != 0)
		return error;
	return epair_if_set_flags(ifp, on ? w->bit : 0, on ? 0 : w->bit, err);
}

static int
set_cap(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	bool on = false;
	int error = on_off(w, value, &on, err);

	if (error != 0)
		return error;
	return epair_if_set_caps(ifp, on ? w->bit : 0, on ? 0 : w->bit, err);
}

static int
set_carrier(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	bool follow = strcmp(value, "follow") == 0;

	if (!follow && strcmp(value, "always") != 0)
		return ep_fail(err, -EINVAL,
		    "%s '%.32s': must be follow or always", w->word, value);
	return epair_if_set_caps(
	    ifp, follow ? w->bit : 0, follow ? 0 : w->bit, err);
}

static int
set_mtu(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	uint32_t n = 0;
	int error = number(w, value, UINT32_MAX, &n, err);

	return error != 0 ? error : epair_if_set_mtu(ifp, n, err);
}

static int
set_fib(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	uint32_t n = 0;
	int error = number(w, value, UINT16_MAX, &n, err);

	return error != 0 ? error : epair_if_set_fib(ifp, (uint16_t)n);
}

static int
set_queue_limit(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	uint32_t n = 0;
	int error = number(w, value, UINT32_MAX, &n, err);

	return error != 0 ? error : epair_if_set_queue_limit(ifp, n, err);
}

static int
set_mac(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	uint8_t mac[6];

	if (!ep_spec_mac(value, mac))
		return ep_fail(err, -EINVAL,
		    "%s '%.32s': must be six octets, aa:bb:cc:dd:ee:ff",
		    w->word, value);
	return epair_if_set_mac(ifp, mac, err);
}

static int
set_name(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	(void)w;
	return epair_if_rename(ifp, value, err);
}

static int
set_descr(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	(void)w;
	return epair_if_describe(ifp, value, err);
}

static int
set_media(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	(void)w;
	return epair_if_set_media(ifp,
	    strcasecmp(value, "10Gbase-T") == 0 ? EPAIR_MEDIA_10GBASE_T
						: EPAIR_MEDIA_NONE,
	    err);
}

static int
set_qdisc(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	(void)w;
	return epair_if_set_qdisc(ifp, value, err);
}

static int
set_link(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	(void)w;
	return epair_if_set_link(ifp, value, err);
}

static const struct word words[] = {
	{ "up", NULL, set_up, EPAIR_IFF_UP },
	{ "down", NULL, set_up, 0 },
	{ "mtu", NULL, set_mtu, 0 },
	{ "ether", "address", set_mac, 0 },
	{ "name", NULL, set_name, 0 },
	{ "descr", "alias", set_descr, 0 },
	{ "fib", NULL, set_fib, 0 },
	{ "media", NULL, set_media, 0 },
	{ "promisc", NULL, set_flag, EPAIR_IFF_PROMISC },
	{ "monitor", NULL, set_flag, EPAIR_IFF_MONITOR },
	{ "allmulti", NULL, set_flag, EPAIR_IFF_ALLMULTI },
	{ "debug", NULL, set_flag, EPAIR_IFF_DEBUG },
	{ "qdisc", NULL, set_qdisc, 0 },
	{ "link", NULL, set_link, 0 },
	{ "queue-limit", "txqueuelen", set_queue_limit, 0 },
	{ "txcsum", NULL, set_cap, EPAIR_CAP_CSUM },
	{ "tso", NULL, set_cap, EPAIR_CAP_TSO },
	{ "uso", NULL, set_cap, EPAIR_CAP_USO },
	{ "vlanhwtag", NULL, set_cap, EPAIR_CAP_VLAN_HWTAGGING },
	{ "carrier", NULL, set_carrier, EPAIR_CAP_LINK_FOLLOW },
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static int
unknown(const char *word, struct epair_err *err)
{
	char known[EPAIR_ERR_TEXT_MAX] = "";
	size_t len = 0;

	for (size_t i = 0; i < WORDS && len < sizeof(known); i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len,
		    "%s%s", i > 0 ? ", " : "", words[i].word);
	return ep_fail(
	    err, -EINVAL, "unknown word '%.32s'; known are %s", word, known);
}

int
epair_if_set(struct epair_if *ifp, const char *word, const char *value,
    struct epair_err *err)
{
	for (size_t i = 0; i < WORDS; i++) {
		const struct word *w = &words[i];

		if (strcmp(w->word, word) != 0 &&
		    (w->other == NULL || strcmp(w->other, word) != 0))
			continue;
		if (value == NULL && w->set != set_up)
			return ep_fail(err, -EINVAL, "%s needs a value", word);
		return w->set(ifp, w, value, err);
	}
	return unknown(word, err);
}
