/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * qdisc/fifo.c - first in, first out, with a limit; and, as DCTCP wants it (RFC
 * 8257), frames that find so many before them are marked, if they take part.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "mbuf/ecn.h"
#include "qdisc/qdisc.h"

struct fifo_conf {
	uint32_t limit, mark; /* mark 0: none */
};

struct fifo {
	struct ep_qdisc qd;
	uint32_t limit, mark;
	struct ep_ring ring;
};

static const struct fifo_conf fifo_default = { .limit = 1000 };

static const struct ep_opt fifo_opts[] = {
	{ .key = "limit",
	    .form = "N",
	    .type = EP_OPT_U32,
	    .offset = offsetof(struct fifo_conf, limit),
	    .min = 1,
	    .max = 1048576 },
	{ .key = "mark",
	    .form = "N",
	    .type = EP_OPT_U32,
	    .offset = offsetof(struct fifo_conf, mark),
	    .max = 1048576 },
	{ .key = NULL },
};

static int
fifo_create(const void *conf, struct ep_qdisc **qd, struct epair_err *err)
{
	struct fifo *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return ep_fail(err, -ENOMEM, "no memory for fifo");
	f->limit = ((const struct fifo_conf *)conf)->limit;
	f->mark = ((const struct fifo_conf *)conf)->mark;
	*qd = &f->qd;
	return 0;
}

static void
fifo_destroy(struct ep_qdisc *qd)
{
	struct fifo *f = (struct fifo *)qd;

	ep_ring_fini(&f->ring);
	free(f);
}

static struct epair_mbuf *
fifo_enqueue(struct ep_qdisc *qd, struct epair_mbuf *m, uint64_t now_ns)
{
	struct fifo *f = (struct fifo *)qd;

	(void)now_ns;
	if (f->ring.count >= f->limit || !ep_ring_put(&f->ring, m))
		return m;
	if (f->mark != 0 && f->ring.count > f->mark && ep_ecn_mark(m))
		ep_qdisc_marked(qd);
	return NULL;
}

static struct epair_mbuf *
fifo_dequeue(struct ep_qdisc *qd, uint64_t now_ns)
{
	(void)now_ns;
	return ep_ring_take(&((struct fifo *)qd)->ring);
}

extern const struct ep_qdisc_ops ep_qdisc_fifo;
const struct ep_qdisc_ops ep_qdisc_fifo = {
	.name = "fifo",
	.opts = fifo_opts,
	.conf_size = sizeof(struct fifo_conf),
	.conf_default = &fifo_default,
	.create = fifo_create,
	.destroy = fifo_destroy,
	.enqueue = fifo_enqueue,
	.dequeue = fifo_dequeue,
};
