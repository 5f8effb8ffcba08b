/* SPDX-License-Identifier: BSD-2-Clause */
/* qdisc/codel.c - first in, first out, kept short by CoDel (RFC 8289). */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "mbuf/line.h"
#include "qdisc/codel_law.h"

struct codel_conf {
	struct ep_codel_conf law;
	uint32_t limit;
};

struct codel {
	struct ep_qdisc qd;
	struct codel_conf conf;
	struct ep_codel state;
	struct ep_line line;
};

static const struct codel_conf codel_default = {
	.law = { .target_ns = 5 * EP_NS_PER_MS,
	    .interval_ns = 100 * EP_NS_PER_MS,
	    .mtu = 1514 },
	.limit = 1000,
};

static const struct ep_opt codel_opts[] = {
	{ .key = "limit",
	    .form = "N",
	    .type = EP_OPT_U32,
	    .offset = offsetof(struct codel_conf, limit),
	    .min = 1,
	    .max = 1048576 },
	{ .key = "target",
	    .form = "TIME",
	    .type = EP_OPT_TIME,
	    .offset = offsetof(struct codel_conf, law.target_ns),
	    .min = 1,
	    .max = EP_CODEL_INTERVAL_MAX },
	{ .key = "interval",
	    .form = "TIME",
	    .type = EP_OPT_TIME,
	    .offset = offsetof(struct codel_conf, law.interval_ns),
	    .min = 1,
	    .max = EP_CODEL_INTERVAL_MAX },
	{ .key = "mtu",
	    .form = "N",
	    .type = EP_OPT_U32,
	    .offset = offsetof(struct codel_conf, law.mtu),
	    .max = 65535 },
	{ .key = "ecn",
	    .form = "on|off",
	    .type = EP_OPT_BOOL,
	    .offset = offsetof(struct codel_conf, law.ecn) },
	{ .key = NULL },
};

static int
codel_create(const void *conf, struct ep_qdisc **qd, struct epair_err *err)
{
	struct codel *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return ep_fail(err, -ENOMEM, "no memory for codel");
	c->conf = *(const struct codel_conf *)conf;
	*qd = &c->qd;
	return 0;
}

static void
codel_destroy(struct ep_qdisc *qd)
{
	free(qd);
}

static struct epair_mbuf *
codel_enqueue(struct ep_qdisc *qd, struct epair_mbuf *m, uint64_t now_ns)
{
	struct codel *c = (struct codel *)qd;

	(void)now_ns;
	if (c->line.count >= c->conf.limit)
		return m;
	ep_line_put(&c->line, m);
	return NULL;
}

static struct epair_mbuf *
take(void *arg)
{
	return ep_line_take(&((struct codel *)arg)->line);
}

static uint64_t
bytes(void *arg)
{
	return ((struct codel *)arg)->line.bytes;
}

static struct epair_mbuf *
codel_dequeue(struct ep_qdisc *qd, uint64_t now_ns)
{
	struct codel *c = (struct codel *)qd;
	const struct ep_codel_queue q = { take, bytes, c, qd };

	return ep_codel_dequeue(&c->state, &c->conf.law, &q, now_ns);
}

static void
codel_look(struct ep_qdisc *qd, struct epair_qdisc_stats *stats)
{
	const struct codel *c = (const struct codel *)qd;

	stats->dropping = c->state.dropping;
}

extern const struct ep_qdisc_ops ep_qdisc_codel;
const struct ep_qdisc_ops ep_qdisc_codel = {
	.name = "codel",
	.opts = codel_opts,
	.conf_size = sizeof(struct codel_conf),
	.conf_default = &codel_default,
	.create = codel_create,
	.destroy = codel_destroy,
	.enqueue = codel_enqueue,
	.dequeue = codel_dequeue,
	.look = codel_look,
};
