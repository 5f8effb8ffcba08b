/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api/if_words.c - one thing by its word: epair_if_set(), epair_if_get_word().
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <epair/if.h>
#include <epair/link.h>

#include "base/error.h"
#include "base/spec.h"
#include "net/ifnet.h"

struct word {
	const char *word, *other; /* other: ip(8)'s for the same, or NULL */
	int (*set)(struct epair_if *ifp, const struct word *w,
	    const char *value, struct epair_err *err);
	uint32_t bit; /* of a flag or capability */
	/* Write what it is set to. Returns the length of all of it, or -ENXIO. */
	int (*get)(struct epair_if *ifp, const struct word *w,
	    const struct epair_if_info *info, char *buf, size_t size);
};

static int
number(const struct word *w, const char *value, uint32_t min, uint32_t max,
    uint32_t *n, struct epair_err *err)
{
	char *rest;
	unsigned long v;

	errno = 0;
	v = strtoul(value, &rest, 10);
	if (value[0] < '0' || value[0] > '9' || *rest != '\0' || errno != 0 ||
	    v < min || v > max)
		return ep_fail(err, -EINVAL, "%s '%.32s': must be %u to %u",
		    w->word, value, min, max);
	*n = (uint32_t)v;
	return 0;
}

static int
on_off(const struct word *w, const char *value, bool *on, struct epair_err *err)
{
	static const char *const yes[] = { "on", "yes", "true", "1" };
	static const char *const no[] = { "off", "no", "false", "0" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		*on = strcmp(value, yes[i]) == 0;
		if (*on || strcmp(value, no[i]) == 0)
			return 0;
	}
	return ep_fail(
	    err, -EINVAL, "%s '%.32s': must be on or off", w->word, value);
}

/* "up", or "up on"; "down" is "up off". */
static int
set_up(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	bool on = true;
	int error = value != NULL ? on_off(w, value, &on, err) : 0;
	uint32_t up = on ? w->bit : EPAIR_IFF_UP & ~w->bit;

	if (error != 0)
		return error;
	return epair_if_set_flags(ifp, up, EPAIR_IFF_UP & ~up, err);
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
	int error = number(w, value, EP_MTU_MIN, EP_MTU_MAX, &n, err);

	return error != 0 ? error : epair_if_set_mtu(ifp, n, err);
}

static int
set_fib(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	uint32_t n = 0;
	int error = number(w, value, 0, UINT16_MAX, &n, err);

	return error != 0 ? error : epair_if_set_fib(ifp, (uint16_t)n);
}

static int
set_queue_limit(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	uint32_t n = 0;
	int error = number(w, value, 1, EP_QUEUE_LIMIT_MAX, &n, err);

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
	int error;

	if (strcasecmp(value, "10Gbase-T") == 0)
		return epair_if_set_media(ifp, EPAIR_MEDIA_10GBASE_T, err);
	error = epair_if_set_media(ifp, EPAIR_MEDIA_NONE, NULL);
	return ep_fail(err, error, "%s '%.32s': an epair has 10Gbase-T only",
	    w->word, value);
}

static int
set_qdisc(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	(void)w;
	return epair_if_set_qdisc(ifp, value, err);
}

static int
set_full(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	if (strcmp(value, "drop") != 0 && strcmp(value, "wait") != 0)
		return ep_fail(err, -EINVAL, "%s '%.32s': must be drop or wait",
		    w->word, value);
	return epair_if_set_full(ifp,
	    strcmp(value, "wait") == 0 ? EPAIR_FULL_WAIT : EPAIR_FULL_DROP,
	    err);
}

static int
set_link(struct epair_if *ifp, const struct word *w, const char *value,
    struct epair_err *err)
{
	(void)w;
	return epair_if_set_link(ifp, value, err);
}

/* What is set. */

static int
say(char *buf, size_t size, const char *text)
{
	return snprintf(buf, size, "%s", text);
}

static int
get_up(struct epair_if *ifp, const struct word *w,
    const struct epair_if_info *info, char *buf, size_t size)
{
	(void)ifp;
	return say(
	    buf, size, (info->flags & EPAIR_IFF_UP) == w->bit ? "on" : "off");
}

static int
get_flag(struct epair_if *ifp, const struct word *w,
    const struct epair_if_info *info, char *buf, size_t size)
{
	(void)ifp;
	return say(buf, size, (info->flags & w->bit) != 0 ? "on" : "off");
}

static int
get_cap(struct epair_if *ifp, const struct word *w,
    const struct epair_if_info *info, char *buf, size_t size)
{
	(void)ifp;
	return say(buf, size, (info->caps & w->bit) != 0 ? "on" : "off");
}

static int
get_carrier(struct epair_if *ifp, const struct word *w,
    const struct epair_if_info *info, char *buf, size_t size)
{
	(void)ifp;
	return say(buf, size, (info->caps & w->bit) != 0 ? "follow" : "always");
}

static int
get_mtu(struct epair_if *ifp, const struct word *w,
    const struct epair_if_info *info, char *buf, size_t size)
{
	(void)ifp;
	(void)w;
	return snprintf(buf, size, "%u", info->mtu);
}

static int
get_fib(struct epair_if *ifp, const struct word *w,
    const struct epair_if_info *info, char *buf, size_t size)
{
	(void)ifp;
	(void)w;
	return snprintf(buf, size, "%u", info->fib);
}

static int
get_queue_limit(struct epair_if *ifp, const struct word *w,
    const struct epair_if_info *info, char *buf, size_t size)
{
	(void)ifp;
	(void)w;
	return snprintf(buf, size, "%u", info->queue_limit);
}

static int
get_mac(struct epair_if *ifp, const struct word *w,
    const struct epair_if_info *info, char *buf, size_t size)
{
	const uint8_t *m = info->mac;

	(void)ifp;
	(void)w;
	return snprintf(buf, size, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1],
	    m[2], m[3], m[4], m[5]);
}

static int
get_name(struct epair_if *ifp, const struct word *w,
    const struct epair_if_info *info, char *buf, size_t size)
{
	(void)ifp;
	(void)w;
	return say(buf, size, info->name);
}

static int
get_descr(struct epair_if *ifp, const struct word *w,
    const struct epair_if_info *info, char *buf, size_t size)
{
	(void)ifp;
	(void)w;
	return say(buf, size, info->descr);
}

static int
get_media(struct epair_if *ifp, const struct word *w,
    const struct epair_if_info *info, char *buf, size_t size)
{
	(void)ifp;
	(void)w;
	return say(buf, size,
	    info->media_current == EPAIR_MEDIA_10GBASE_T ? "10Gbase-T"
							 : "none");
}

/* All of it: what info has is cut off where it is long. */
static int
get_qdisc(struct epair_if *ifp, const struct word *w,
    const struct epair_if_info *info, char *buf, size_t size)
{
	(void)w;
	if (info->qdisc[0] == '\0')
		return say(buf, size, "none");
	return epair_if_get_qdisc(ifp, buf, size);
}

static int
get_link(struct epair_if *ifp, const struct word *w,
    const struct epair_if_info *info, char *buf, size_t size)
{
	(void)w;
	(void)info;
	return epair_if_get_link(ifp, buf, size);
}

static int
get_full(struct epair_if *ifp, const struct word *w,
    const struct epair_if_info *info, char *buf, size_t size)
{
	(void)ifp;
	(void)w;
	return say(buf, size, info->full == EPAIR_FULL_WAIT ? "wait" : "drop");
}

static const struct word words[] = {
	{ "up", NULL, set_up, EPAIR_IFF_UP, get_up },
	{ "down", NULL, set_up, 0, get_up },
	{ "mtu", NULL, set_mtu, 0, get_mtu },
	{ "ether", "address", set_mac, 0, get_mac },
	{ "name", NULL, set_name, 0, get_name },
	{ "descr", "alias", set_descr, 0, get_descr },
	{ "fib", NULL, set_fib, 0, get_fib },
	{ "media", NULL, set_media, 0, get_media },
	{ "promisc", NULL, set_flag, EPAIR_IFF_PROMISC, get_flag },
	{ "monitor", NULL, set_flag, EPAIR_IFF_MONITOR, get_flag },
	{ "allmulti", NULL, set_flag, EPAIR_IFF_ALLMULTI, get_flag },
	{ "debug", NULL, set_flag, EPAIR_IFF_DEBUG, get_flag },
	{ "qdisc", NULL, set_qdisc, 0, get_qdisc },
	{ "link", NULL, set_link, 0, get_link },
	{ "full", NULL, set_full, 0, get_full },
	{ "queue-limit", "txqueuelen", set_queue_limit, 0, get_queue_limit },
	{ "txcsum", NULL, set_cap, EPAIR_CAP_CSUM, get_cap },
	{ "tso", NULL, set_cap, EPAIR_CAP_TSO, get_cap },
	{ "uso", NULL, set_cap, EPAIR_CAP_USO, get_cap },
	{ "vlanhwtag", NULL, set_cap, EPAIR_CAP_VLAN_HWTAGGING, get_cap },
	{ "carrier", NULL, set_carrier, EPAIR_CAP_LINK_FOLLOW, get_carrier },
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

static const struct word *
find(const char *word)
{
	for (const struct word *w = words; w < words + WORDS; w++)
		if (strcmp(w->word, word) == 0 ||
		    (w->other != NULL && strcmp(w->other, word) == 0))
			return w;
	return NULL;
}

int
epair_if_set(struct epair_if *ifp, const char *word, const char *value,
    struct epair_err *err)
{
	const struct word *w = find(word);

	if (w == NULL)
		return unknown(word, err);
	if (value == NULL && w->set != set_up)
		return ep_fail(err, -EINVAL, "%s needs a value", word);
	return w->set(ifp, w, value, err);
}

int
epair_if_get_word(struct epair_if *ifp, const char *word, char *buf,
    size_t size, struct epair_err *err)
{
	struct epair_if_info info = { .size = sizeof(info) };
	const struct word *w = find(word);

	if (w == NULL)
		return unknown(word, err);
	if (epair_if_get_info(ifp, &info) != 0)
		return ep_fail(err, -ENXIO, "the interface is destroyed");
	return w->get(ifp, w, &info, buf, size);
}

const char *
epair_if_word_at(unsigned i)
{
	return i < WORDS ? words[i].word : NULL;
}
