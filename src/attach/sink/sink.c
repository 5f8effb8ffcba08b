/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/sink/sink.c - a test stack that swallows. The framework counts what
 * it is handed; unfinished frames do as well as finished ones.
 */
#include <errno.h>
#include <stdlib.h>

#include "attach/attach.h"
#include "mbuf/mbuf.h"

static const struct ep_stack_ops sink_ops;

static int
sink_create(struct epair_if *ifp, const void *conf, struct ep_stack **st,
    struct epair_err *err)
{
	struct ep_stack *sink = calloc(1, sizeof(*sink));

	(void)conf;
	if (sink == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a sink");
	sink->ops = &sink_ops;
	sink->ifp = ifp;
	sink->accepts = EPAIR_CAP_CSUM | EPAIR_CAP_TSO | EPAIR_CAP_USO |
			EPAIR_CAP_VLAN_HWTAGGING;
	*st = sink;
	return 0;
}

static void
sink_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue)
{
	(void)st;
	(void)queue;
	ep_mbuf_free(ms, n);
}

static void
sink_release(struct ep_stack *st)
{
	free(st);
}

static void
sink_progress(struct ep_stack *st, struct epair_progress *progress)
{
	(void)st;
	progress->done = 1; /* it only swallows */
}

static const struct ep_stack_ops sink_ops = {
	.kind = "sink",
	.receive = sink_receive,
	.release = sink_release,
	.progress = sink_progress,
};

static const struct ep_opt sink_opts[] = { { NULL } };
static const char *const sink_keys[] = { NULL };

const struct ep_kind ep_kind_sink = {
	.pub = {
		.name = "sink",
		.sentence = "swallows and counts what it receives",
		.keys = sink_keys,
		.sim = 1,
	},
	.opts = sink_opts,
	.create = sink_create,
};
