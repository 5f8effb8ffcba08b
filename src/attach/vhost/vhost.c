/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/vhost/vhost.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"

#define RECONNECT_NS EP_NS_PER_S

static const struct ep_stack_ops vhost_ops;

static struct ep_vhost *
vhost_of(struct ep_stack *st)
{
	return (struct ep_vhost *)(void *)st;
}

static int
vhost_check(const void *arg, struct epair_err *err)
{
	const struct ep_vhost_opts *opts = arg;
	struct ep_socket_addr addr;

	if (opts->mode == EP_VHOST_SERVER && opts->reconnect_ns != 0)
		return ep_fail(err, -EINVAL,
		    "reconnect= is for mode=client; a server waits");
	return ep_socket_path(&addr, "path", opts->path, err);
}

/*
 * Each handler that ran when stopping was set has returned after the first
 * round; what it may have begun goes with the second. From then on what is the
 * worker's is ours; a queue that is not yet stopped can schedule lose_task, which
 * does nothing any more.
 */
static void
stop(struct ep_vhost *vhost)
{
	/* acquired by control.c's is_stopping() */
	ep_store_release(&vhost->stopping, true);
	for (int round = 0; round < 2; round++) {
		ep_watch_drain(&vhost->listen_watch);
		ep_watch_drain(&vhost->conn_watch);
		(void)ep_timer_drain(&vhost->timer);
		(void)ep_timer_drain(&vhost->grace);
		(void)ep_task_drain(&vhost->link_task);
		(void)ep_task_drain(&vhost->lose_task);
		ep_tell_fini(&vhost->tell);
	}
	vhost->running = 0; /* so that its end is not told */
	for (unsigned i = 0; i < vhost->queue_count; i++)
		ep_vhost_queue_stop(&vhost->queues[i]);
	(void)ep_task_drain(&vhost->lose_task);
}

static void
vhost_release(struct ep_stack *st)
{
	struct ep_vhost *vhost = vhost_of(st);

	stop(vhost);
	/* The path first: so nobody connects to what is about to be closed. */
	ep_socket_unbind(&vhost->addr, &vhost->own);
	if (vhost->listener >= 0)
		(void)close(vhost->listener);
	if (vhost->conn >= 0)
		(void)close(vhost->conn);
	ep_vhost_forget(vhost);
	for (unsigned i = 0; i < vhost->queue_count; i++)
		ep_vhost_queue_fini(&vhost->queues[i]);
	ep_bell_fini(&vhost->bell);
	free(vhost);
}

static struct ep_vhost *
make(struct epair_if *ifp, const struct ep_vhost_opts *opts)
{
	struct ep_worker *worker = ep_ifnet_worker(ifp, 0);
	unsigned pairs = opts->queues > 0 ? opts->queues : ifp->nrxqs;
	struct ep_vhost *vhost;

	if (pairs > EP_VHOST_PAIRS_MAX)
		pairs = EP_VHOST_PAIRS_MAX;
	vhost = calloc(
	    1, sizeof(*vhost) + 2 * (size_t)pairs * sizeof(vhost->queues[0]));
	if (vhost == NULL)
		return NULL;
	vhost->st.ops = &vhost_ops;
	vhost->st.ifp = ifp;
	vhost->st.accepts = 0; /* until a guest says otherwise */
	vhost->st.is_away = true;
	vhost->mode = opts->mode;
	vhost->may_guard = ifp->ep->opts.guard_sigbus;
	vhost->reconnect_ns = opts->reconnect_ns != 0 ? opts->reconnect_ns
						      : RECONNECT_NS;
	ep_bell_init(&vhost->bell);
	vhost->listener = vhost->conn = vhost->backend_req = -1;
	ep_watch_init(&vhost->listen_watch, worker, ep_vhost_listen_ready);
	ep_watch_init(&vhost->conn_watch, worker, ep_vhost_conn_ready);
	ep_timer_init(&vhost->timer, worker, ep_vhost_timeout);
	ep_timer_init(&vhost->grace, worker, ep_vhost_grace);
	ep_tell_init(&vhost->tell, &vhost->st, worker);
	ep_task_init(&vhost->lose_task, worker, ep_vhost_lost);
	ep_task_init(&vhost->link_task, worker, ep_vhost_link);
	vhost->queue_count = 2 * pairs;
	for (unsigned i = 0; i < vhost->queue_count; i++)
		ep_vhost_queue_init(vhost, i);
	return vhost;
}

static int
set_up(struct ep_vhost *vhost, const struct ep_vhost_opts *opts,
    struct epair_err *err)
{
	int error;

	for (unsigned i = 0; i < vhost->queue_count; i += 2)
		if (!ep_vhost_queue_can_hold(&vhost->queues[i]))
			return ep_fail(
			    err, -ENOMEM, "no memory for a guest's frames");
	error = ep_socket_path(&vhost->addr, "path", opts->path, err);
	/* Here, so that whoever attaches it hears what is wrong with it. */
	if (error == 0 && vhost->mode == EP_VHOST_SERVER)
		error = ep_socket_bind(&vhost->addr, SOCK_STREAM,
		    &vhost->listener, &vhost->own, err);
	return error;
}

static int
vhost_create(struct epair_if *ifp, const void *arg, struct ep_stack **st,
    struct epair_err *err)
{
	struct ep_vhost *vhost = make(ifp, arg);
	int error;

	if (vhost == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a vhost");
	error = set_up(vhost, arg, err);
	if (error != 0) {
		vhost_release(&vhost->st);
		return error;
	}
	*st = &vhost->st;
	return 0;
}

/* On the worker that all of it belongs to. */
static void
vhost_start(struct ep_stack *st)
{
	ep_vhost_changed(st, EPAIR_CHANGED_LINK);
}

static void
vhost_progress(struct ep_stack *st, struct epair_progress *progress)
{
	const struct ep_vhost *vhost = vhost_of(st);

	for (unsigned i = 1; i < vhost->queue_count; i += 2)
		progress->sent += ep_load_relaxed(&vhost->queues[i].sent);
}

static const struct ep_stack_ops vhost_ops = {
	.kind = "vhost",
	.start = vhost_start,
	.receive = ep_vhost_receive,
	.changed = ep_vhost_changed,
	.release = vhost_release,
	.progress = vhost_progress,
};

static const char *const vhost_modes[] = { "server", "client", NULL };

#define AT(field) offsetof(struct ep_vhost_opts, field)
static const struct ep_opt vhost_opts[] = {
	{ "path", "PATH", EP_OPT_TEXT, AT(path), .required = true },
	{ "mode", "server|client", EP_OPT_CHOICE, AT(mode),
	    .choices = vhost_modes },
	{ "queues", "N", EP_OPT_U32, AT(queues), .min = 1,
	    .max = EP_VHOST_PAIRS_MAX },
	{ "reconnect", "TIME", EP_OPT_TIME, AT(reconnect_ns),
	    .min = EP_NS_PER_MS, .max = 3600 * EP_NS_PER_S },
	{ NULL },
};

static const char *const vhost_keys[] = { "path=PATH", "mode=server|client",
	"queues=N", "reconnect=TIME", NULL };

const struct ep_kind ep_kind_vhost = {
	.pub = {
		.name = "vhost",
		.sentence = "a virtual machine, by vhost-user: QEMU, or DPDK's "
			    "virtio_user",
		.keys = vhost_keys,
		.sim = 0,
	},
	.opts = vhost_opts,
	.conf_size = sizeof(struct ep_vhost_opts),
	.check = vhost_check,
	.create = vhost_create,
};
