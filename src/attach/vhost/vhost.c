/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/vhost/vhost.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

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

static void
vhost_release(struct ep_stack *st)
{
	struct ep_vhost *vhost = vhost_of(st);

	ep_conn_stop(&vhost->conn);
	vhost->running = 0; /* so that its end is not told */
	for (unsigned i = 0; i < vhost->queue_count; i++)
		ep_vhost_queue_stop(&vhost->queues[i]);
	ep_conn_fini(&vhost->conn);
	ep_vhost_forget(vhost);
	for (unsigned i = 0; i < vhost->queue_count; i++)
		ep_vhost_queue_fini(&vhost->queues[i]);
	ep_bell_fini(&vhost->bell);
	free(vhost);
}

static void
init_conn(struct ep_vhost *vhost, const struct ep_vhost_opts *opts)
{
	struct ep_conn *conn = &vhost->conn;

	conn->is_client = opts->mode == EP_VHOST_CLIENT;
	conn->socktype = SOCK_STREAM;
	conn->events = EPOLLIN;
	conn->reconnect_ns = opts->reconnect_ns != 0 ? opts->reconnect_ns
						     : RECONNECT_NS;
	ep_conn_init(conn, &ep_vhost_conn_ops, &vhost->st);
}

static struct ep_vhost *
make(struct epair_if *ifp, const struct ep_vhost_opts *opts)
{
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
	vhost->share.may_guard = ifp->ep->opts.guard_sigbus;
	ep_bell_init(&vhost->bell);
	vhost->backend_req = -1;
	init_conn(vhost, opts);
	vhost->queue_count = 2 * pairs;
	for (unsigned i = 0; i < vhost->queue_count; i++)
		ep_vhost_queue_init(vhost, i);
	return vhost;
}

static int
set_up(struct ep_vhost *vhost, const struct ep_vhost_opts *opts,
    const struct ep_fds *with, struct epair_err *err)
{
	int error;

	for (unsigned i = 0; i < vhost->queue_count; i += 2)
		if (!ep_vhost_queue_can_hold(&vhost->queues[i]))
			return ep_fail(
			    err, -ENOMEM, "no memory for a guest's frames");
	error = ep_socket_path(&vhost->conn.addr, "path", opts->path, err);
	if (error == 0 && with != NULL)
		error = ep_conn_take(&vhost->conn, AF_UNIX, with, err);
	else if (error == 0 && !vhost->conn.is_client)
		error = ep_conn_listen(&vhost->conn, err);
	return error;
}

static int
vhost_create_with(struct epair_if *ifp, const void *arg,
    const struct ep_fds *with, struct ep_stack **st, struct epair_err *err)
{
	struct ep_vhost *vhost = make(ifp, arg);
	int error;

	if (vhost == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a vhost");
	error = set_up(vhost, arg, with, err);
	if (error != 0) {
		vhost_release(&vhost->st);
		return error;
	}
	*st = &vhost->st;
	return 0;
}

static int
vhost_create(struct epair_if *ifp, const void *opts, struct ep_stack **st,
    struct epair_err *err)
{
	return vhost_create_with(ifp, opts, NULL, st, err);
}

static int
vhost_opens(const void *arg, const char **names, struct epair_err *err)
{
	const struct ep_vhost_opts *opts = arg;

	(void)err;
	return ep_conn_opens(opts->mode == EP_VHOST_CLIENT, SOCK_STREAM, names);
}

static int
vhost_open(struct epair_if *ifp, const void *arg, struct ep_fds_out *out,
    struct epair_err *err)
{
	const struct ep_vhost_opts *opts = arg;
	const char *names[EPAIR_ATTACH_NEEDS_MAX];
	struct ep_socket_addr addr;
	int error = ep_socket_path(&addr, "path", opts->path, err);

	(void)ifp;
	if (error != 0)
		return error;
	(void)vhost_opens(opts, names, err);
	return ep_socket_open(&addr, SOCK_STREAM, names[0], out, err);
}

static int
vhost_get_fds(struct ep_stack *st, struct epair_fd *fds, unsigned max)
{
	struct ep_fds_out out = { .fds = fds, .max = max };

	ep_conn_give(&vhost_of(st)->conn, &out);
	return ep_fds_end(&out);
}

static void
vhost_start(struct ep_stack *st)
{
	ep_conn_start(&vhost_of(st)->conn);
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
	.get_fds = vhost_get_fds,
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

static const char *const vhost_fds[] = { EP_SOCKET_LISTEN, EP_SOCKET_PEER,
	NULL };

const struct ep_kind ep_kind_vhost = {
	.pub = {
		.name = "vhost",
		.sentence = "a virtual machine, by vhost-user: QEMU, or DPDK's "
			    "virtio_user",
		.keys = vhost_keys,
		.sim = 0,
		.fds = vhost_fds,
	},
	.opts = vhost_opts,
	.conf_size = sizeof(struct ep_vhost_opts),
	.check = vhost_check,
	.create = vhost_create,
	.create_with = vhost_create_with,
	.opens = vhost_opens,
	.open = vhost_open,
};
