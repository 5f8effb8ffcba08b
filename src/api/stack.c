/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api/stack.c - a stack of the program's own: three callbacks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <epair/attach.h>

#include "attach/attach.h"
#include "base/sized.h"

/* All that receive can take unfinished. */
#define ACCEPTS_ALL \
	(EPAIR_CAP_CSUM | EPAIR_CAP_TSO | EPAIR_CAP_USO | \
	    EPAIR_CAP_VLAN_HWTAGGING)

struct calls {
	struct ep_stack st;
	struct epair_stack stack; /* constant */
	void *arg; /* constant */
	bool attached; /* by start and release, which are never at once */
};

static struct calls *
calls_of(struct ep_stack *st)
{
	return (struct calls *)(void *)st;
}

static void
calls_start(struct ep_stack *st)
{
	calls_of(st)->attached = true;
}

static void
calls_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue)
{
	struct calls *calls = calls_of(st);

	(void)queue;
	calls->stack.receive(calls->arg, st->ifp, ms, n);
}

static void
calls_changed(struct ep_stack *st, uint32_t what)
{
	struct calls *calls = calls_of(st);

	calls->stack.changed(calls->arg, st->ifp, what);
}

static void
calls_release(struct ep_stack *st)
{
	struct calls *calls = calls_of(st);

	/* Not if attaching failed: the program was told so. */
	if (calls->attached && calls->stack.detached != NULL)
		calls->stack.detached(calls->arg, st->ifp);
	free(calls);
}

static const struct ep_stack_ops calls_ops = {
	.kind = "callbacks",
	.start = calls_start,
	.receive = calls_receive,
	.changed = calls_changed,
	.release = calls_release,
};

/* Of one that does not want to be told: no task runs for nothing. */
static const struct ep_stack_ops calls_untold_ops = {
	.kind = "callbacks",
	.start = calls_start,
	.receive = calls_receive,
	.release = calls_release,
};

int
epair_attach_stack(struct epair_if *ifp, const struct epair_stack *stack,
    void *arg, struct epair_err *err)
{
	struct calls *calls;
	struct epair_stack full = { .size = sizeof(full) };
	int error = ep_sized_take(
	    &full, sizeof(full), stack, "struct epair_stack", err);

	if (error != 0)
		return error;
	if (full.receive == NULL)
		return ep_fail(
		    err, -EINVAL, "a stack needs a receive function");
	if ((full.accepts & ~ACCEPTS_ALL) != 0)
		return ep_fail(err, -EINVAL,
		    "a stack can accept CSUM, TSO, USO and VLAN_HWTAGGING "
		    "only");
	calls = calloc(1, sizeof(*calls));
	if (calls == NULL)
		return ep_fail(err, -ENOMEM, "no memory to attach a stack");
	calls->stack = full;
	calls->arg = arg;
	calls->st.ops = calls->stack.changed != NULL ? &calls_ops
						     : &calls_untold_ops;
	calls->st.accepts = calls->stack.accepts;
	return ep_attach_publish(ifp, &calls->st, "callbacks", 0, err);
}
