/* SPDX-License-Identifier: BSD-2-Clause */
#include "qdisc/class.h"

#include <errno.h>

#include "base/error.h"

const char *const ep_class_by[] = { "pcp", "dscp", NULL };
const char *const ep_class_or_flow[] = { "pcp", "dscp", "flow", NULL };

/* 802.1Q-2014, table 8-2 and annex I: background (1) is the least. */
static const uint8_t class_of_pcp[EP_CLASSES] = { 1, 0, 2, 3, 4, 5, 6, 7 };

#define HEADERS_MAX 24u /* two tags and the first octets of IP */

static bool
is_tag(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8;
}

unsigned
ep_class_of(enum ep_class_by by, const struct epair_mbuf *m)
{
	uint8_t h[HEADERS_MAX];
	uint32_t len = epair_mbuf_read(m, 0, h, sizeof(h)), at = 12;
	unsigned pcp = m->flags & EPAIR_M_VLANTAG ? m->vlan_tci >> 13 : 0;
	bool tagged = m->flags & EPAIR_M_VLANTAG;
	uint16_t type = 0;

	for (; at + 4 <= len; at += 4) {
		type = (uint16_t)(h[at] << 8 | h[at + 1]);
		if (!is_tag(type))
			break;
		if (!tagged)
			pcp = h[at + 2] >> 5;
		tagged = true;
	}
	if (by == EP_BY_PCP)
		return class_of_pcp[pcp];
	at += 2;
	if (type == 0x0800 && at + 2 <= len)
		return h[at + 1] >> 5;
	if (type == 0x86dd && at + 2 <= len)
		return (h[at] & 0x0f) >> 1;
	return 0;
}

int
ep_class_parse(const char *key, const char *text, unsigned *class,
    const char **rest, struct epair_err *err)
{
	if (text[0] < '0' || text[0] > '7' || text[1] != ':')
		return ep_fail(err, -EINVAL,
		    "%s '%.32s': must begin with a class, 0: to 7:", key, text);
	*class = (unsigned)(text[0] - '0');
	*rest = text + 2;
	return 0;
}
