/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * qdisc/priq.c - strict priority: eight bands, the highest that holds a frame
 * goes first.
 *
 * The band is the 802.1Q priority (PCP) of the frame, in its order of
 * importance (IEEE 802.1Q: 1 is below 0), or the class selector of the IPv4 or
 * IPv6 DSCP (its upper three bits, RFC 2474). Frames without go into band 0 of
 * DSCP, or priority 0. When all bands together are at the limit, the last
 * frame of the lowest band that is lower than the new one's gives way.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "qdisc/qdisc.h"

#define BANDS 8u

enum { BY_PCP, BY_DSCP };

struct priq_conf {
	uint32_t limit;
	unsigned by;
};

struct priq {
	struct ep_qdisc qd;
	uint32_t limit;
	unsigned by;
	uint32_t count;
	struct ep_ring bands[BANDS];
};

static const struct priq_conf priq_default = { .limit = 1000, .by = BY_PCP };
static const char *const priq_by[] = { "pcp", "dscp", NULL };

static const struct ep_opt priq_opts[] = {
	{ .key = "limit",
	    .form = "N",
	    .type = EP_OPT_U32,
	    .offset = offsetof(struct priq_conf, limit),
	    .min = 1,
	    .max = 1048576 },
	{ .key = "by",
	    .form = "pcp|dscp",
	    .type = EP_OPT_CHOICE,
	    .offset = offsetof(struct priq_conf, by),
	    .choices = priq_by },
	{ .key = NULL },
};

/* 802.1Q-2014, table 8-2 and annex I: background (1) is the least. */
static const uint8_t band_of_pcp[8] = { 1, 0, 2, 3, 4, 5, 6, 7 };

#define HEADERS_MAX 24u /* two tags and the first octets of IP */

static bool
is_tag(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8;
}

static unsigned
band_of(const struct priq *p, const struct epair_mbuf *m)
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
	if (p->by == BY_PCP)
		return band_of_pcp[pcp];
	at += 2;
	if (type == 0x0800 && at + 2 <= len)
		return h[at + 1] >> 5;
	if (type == 0x86dd && at + 2 <= len)
		return (h[at] & 0x0f) >> 1;
	return 0;
}

static int
priq_create(const void *conf, struct ep_qdisc **qd, struct epair_err *err)
{
	const struct priq_conf *c = conf;
	struct priq *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return ep_fail(err, -ENOMEM, "no memory for priq");
	p->limit = c->limit;
	p->by = c->by;
	*qd = &p->qd;
	return 0;
}

static void
priq_destroy(struct ep_qdisc *qd)
{
	struct priq *p = (struct priq *)qd;

	for (unsigned b = 0; b < BANDS; b++)
		ep_ring_fini(&p->bands[b]);
	free(p);
}

static struct epair_mbuf *
take_last(struct ep_ring *r)
{
	return r->slots[(r->first + --r->count) & (r->size - 1)];
}

/* The last frame of the lowest band below `band`, taken out; or NULL. */
static struct epair_mbuf *
give_way(struct priq *p, unsigned band)
{
	for (unsigned b = 0; b < band; b++)
		if (p->bands[b].count > 0)
			return take_last(&p->bands[b]);
	return NULL;
}

static struct epair_mbuf *
priq_enqueue(struct ep_qdisc *qd, struct epair_mbuf *m, uint64_t now_ns)
{
	struct priq *p = (struct priq *)qd;
	unsigned band = band_of(p, m);
	struct epair_mbuf *victim = NULL;

	(void)now_ns;
	if (!ep_ring_put(&p->bands[band], m))
		return m;
	if (p->count < p->limit) {
		p->count++;
		return NULL;
	}
	victim = give_way(p, band);
	return victim != NULL ? victim : take_last(&p->bands[band]);
}

static struct epair_mbuf *
priq_dequeue(struct ep_qdisc *qd, uint64_t now_ns)
{
	struct priq *p = (struct priq *)qd;
	struct epair_mbuf *m;

	(void)now_ns;
	for (unsigned b = BANDS; b-- > 0;) {
		m = ep_ring_take(&p->bands[b]);
		if (m != NULL) {
			p->count--;
			return m;
		}
	}
	return NULL;
}

extern const struct ep_qdisc_ops ep_qdisc_priq;
const struct ep_qdisc_ops ep_qdisc_priq = {
	.name = "priq",
	.opts = priq_opts,
	.conf_size = sizeof(struct priq_conf),
	.conf_default = &priq_default,
	.create = priq_create,
	.destroy = priq_destroy,
	.enqueue = priq_enqueue,
	.dequeue = priq_dequeue,
};
