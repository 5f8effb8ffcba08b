/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * qdisc/priq.c - strict priority: eight bands, the highest that holds a frame
 * goes first.
 *
 * The band is the class of the frame (class.h). When all bands together are at the limit, the last
 * frame of the lowest band that is lower than the new one's gives way.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "qdisc/class.h"
#include "qdisc/qdisc.h"

#define BANDS EP_CLASSES

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

static const struct priq_conf priq_default = { .limit = 1000, .by = EP_BY_PCP };

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
	    .choices = ep_class_by },
	{ .key = NULL },
};

static int
priq_create(const void *conf, struct ep_qdisc **qd, struct epair_err *err)
{
	const struct priq_conf *c = conf;
	struct priq *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return ep_fail(err, -ENOMEM, "no memory for priq");
	p->limit = c->limit;
	p->by = c->by;
	p->qd.classes = EP_CLASSES;
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
	unsigned band = ep_class_of((enum ep_class_by)p->by, m);
	struct epair_mbuf *victim = NULL;

	(void)now_ns;
	m->user[1] = band;
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
