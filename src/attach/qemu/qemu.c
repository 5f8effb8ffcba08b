/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/qemu/qemu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"

#define RECONNECT_NS EP_NS_PER_S

static const struct ep_stack_ops qemu_ops;

static struct ep_qemu *
qemu_of(struct ep_stack *st)
{
	return (struct ep_qemu *)(void *)st;
}

static int
check_dgram(const struct ep_qemu_conf *conf, struct epair_err *err)
{
	struct ep_socket_addr addr;
	int error;

	if (conf->path == NULL || conf->remote == NULL || conf->tcp != NULL)
		return ep_fail(err, -EINVAL,
		    "type=dgram takes path=, which is made here, and remote=, "
		    "the peer's");
	if (conf->mode != EP_QEMU_UNSAID)
		return ep_fail(err, -EINVAL,
		    "mode= is not for type=dgram: neither end is the server");
	error = ep_socket_path(&addr, "path", conf->path, err);
	if (error == 0)
		error = ep_socket_path(&addr, "remote", conf->remote, err);
	return error;
}

/* Letters, digits, - . and _: what QEMU allows, and what needs no quoting. */
static bool
is_id(const char *text)
{
	return *text != '\0' && strlen(text) < EP_QEMU_NETDEV_MAX &&
	       text[strspn(text,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789-._")] == '\0';
}

static int
check_qmp(const struct ep_qemu_conf *conf, struct epair_err *err)
{
	struct ep_socket_addr addr;

	if (conf->qmp == NULL && conf->netdev == NULL)
		return 0;
	if (conf->qmp == NULL || conf->netdev == NULL || !is_id(conf->netdev))
		return ep_fail(err, -EINVAL,
		    "qmp=, QEMU's monitor, goes with netdev=, the id of the "
		    "netdev whose link it is to set");
	return ep_socket_path(&addr, "qmp", conf->qmp, err);
}

static int
qemu_check(const void *arg, struct epair_err *err)
{
	const struct ep_qemu_conf *conf = arg;
	bool is_server = conf->mode == EP_QEMU_SERVER;
	struct ep_socket_addr addr;
	int error = check_qmp(conf, err);

	if (error != 0)
		return error;
	if (is_server && conf->reconnect_ns != 0)
		return ep_fail(err, -EINVAL,
		    "reconnect= is for mode=client; a server waits");
	if (conf->type == EP_QEMU_DGRAM)
		return check_dgram(conf, err);
	if (conf->remote != NULL)
		return ep_fail(err, -EINVAL, "remote= is for type=dgram");
	if (conf->type == EP_QEMU_SEQPACKET && conf->tcp != NULL)
		return ep_fail(err, -EINVAL,
		    "type=seqpacket takes path=: TCP knows no packets");
	if ((conf->path != NULL) == (conf->tcp != NULL))
		return ep_fail(err, -EINVAL,
		    "qemu takes one of path=PATH and tcp=HOST:PORT");
	if (conf->tcp != NULL)
		return ep_qemu_check_tcp(conf->tcp, is_server, err);
	return ep_socket_path(&addr, "path", conf->path, err);
}

static void
qemu_release(struct ep_stack *st)
{
	struct ep_qemu *q = qemu_of(st);

	ep_conn_stop(&q->conn);
	ep_qemu_qmp_fini(q);
	ep_qemu_out_end(q);
	ep_conn_fini(&q->conn);
	free(q->in);
	ep_mutex_fini(&q->lock);
	free(q);
}

static void
init_conn(struct ep_qemu *q, const struct ep_qemu_conf *conf)
{
	struct ep_conn *conn = &q->conn;

	conn->is_client = conf->mode != EP_QEMU_SERVER;
	conn->socktype = ep_qemu_socktype(conf->type);
	conn->events = conf->type == EP_QEMU_DGRAM ? 0 : EPOLLIN | EPOLLRDHUP;
	conn->reconnect_ns = conf->reconnect_ns != 0 ? conf->reconnect_ns
						     : RECONNECT_NS;
	conn->peers = q->peers;
	ep_conn_init(conn, &ep_qemu_conn_ops, &q->st);
}

static struct ep_qemu *
make(struct epair_if *ifp, const struct ep_qemu_conf *conf)
{
	struct ep_qemu *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->in = ep_qemu_in_create(conf->type);
	if (q->in == NULL) {
		free(q);
		return NULL;
	}
	q->st.ops = &qemu_ops;
	q->st.ifp = ifp;
	q->st.accepts = 0; /* the wire has no room for metadata */
	q->st.is_away = true;
	q->type = conf->type;
	q->qmp.fd = q->qmp.handed = -1;
	ep_mutex_init(&q->lock);
	ep_qemu_out_begin(q, -1);
	init_conn(q, conf);
	return q;
}

/* Where the peer is. */
static int
find_peer(
    struct ep_qemu *q, const struct ep_qemu_conf *conf, struct epair_err *err)
{
	bool is_dgram = q->type == EP_QEMU_DGRAM;
	int count;

	if (conf->tcp != NULL) {
		count = ep_qemu_addr_tcp(
		    q->peers, EP_QEMU_PEERS_MAX, conf->tcp, false, err);
		q->conn.peer_count = count > 0 ? (unsigned)count : 0;
		return count < 0 ? count : 0;
	}
	q->conn.peer_count = 1;
	return ep_socket_path(q->peers, is_dgram ? "remote" : "path",
	    is_dgram ? conf->remote : conf->path, err);
}

/* A place of our own. Returns 0 or more, or an error. */
static int
find_own(const struct ep_qemu_conf *conf, struct ep_socket_addr *addr,
    struct epair_err *err)
{
	if (conf->tcp != NULL)
		return ep_qemu_addr_tcp(addr, 1, conf->tcp, true, err);
	return ep_socket_path(addr, "path", conf->path, err);
}

static int
bind_own(
    struct ep_qemu *q, const struct ep_qemu_conf *conf, struct epair_err *err)
{
	int error = find_own(conf, &q->conn.addr, err);

	return error < 0 ? error : ep_conn_listen(&q->conn, err);
}

/* Sockets that somebody else has opened; for sentences, where the peer is. */
static int
take_handed(struct ep_qemu *q, const struct ep_qemu_conf *conf,
    const struct ep_fds *with, int *qmp, struct epair_err *err)
{
	int family = conf->tcp != NULL ? AF_INET : AF_UNIX;
	int error = ep_conn_take(&q->conn, family, with, err);
	const char *peer = conf->tcp != NULL ? conf->tcp : conf->path;

	if (conf->remote != NULL)
		peer = conf->remote;
	q->conn.peer_count = 1;
	(void)snprintf(q->peers[0].text, sizeof(q->peers[0].text), "%s", peer);
	if (error != 0 || conf->qmp == NULL)
		return error;
	*qmp = ep_socket_handed(with, "qmp", AF_UNIX, SOCK_STREAM, err);
	return *qmp < 0 ? *qmp : 0;
}

static int
set_up(struct ep_qemu *q, const struct ep_qemu_conf *conf,
    const struct ep_fds *with, struct epair_err *err)
{
	bool is_dgram = q->type == EP_QEMU_DGRAM;
	int error = 0, qmp = -1;

	if (with != NULL)
		error = take_handed(q, conf, with, &qmp, err);
	else if (q->conn.is_client)
		error = find_peer(q, conf, err);
	if (error == 0 && with == NULL && (!q->conn.is_client || is_dgram))
		error = bind_own(q, conf, err);
	if (error == 0)
		error = ep_qemu_qmp_init(q, conf->qmp, conf->netdev, qmp, err);
	return error;
}

static int
qemu_create_with(struct epair_if *ifp, const void *conf,
    const struct ep_fds *with, struct ep_stack **st, struct epair_err *err)
{
	struct ep_qemu *q = make(ifp, conf);
	int error;

	if (q == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a socket's frames");
	error = set_up(q, conf, with, err);
	if (error != 0) {
		qemu_release(&q->st);
		return error;
	}
	*st = &q->st;
	return 0;
}

static int
qemu_create(struct epair_if *ifp, const void *conf, struct ep_stack **st,
    struct epair_err *err)
{
	return qemu_create_with(ifp, conf, NULL, st, err);
}

/* Opening them for somebody else. */

static int
qemu_opens(const void *arg, const char **names, struct epair_err *err)
{
	const struct ep_qemu_conf *conf = arg;
	int n = ep_conn_opens(
	    conf->mode != EP_QEMU_SERVER, ep_qemu_socktype(conf->type), names);

	(void)err;
	if (conf->qmp != NULL)
		names[n++] = "qmp";
	return n;
}

/* Where the socket of that name is: how many places, or an error. */
static int
find_named(const struct ep_qemu_conf *conf, const char *name,
    struct ep_socket_addr addrs[EP_QEMU_PEERS_MAX], struct epair_err *err)
{
	bool listens = strcmp(name, EP_SOCKET_LISTEN) == 0;
	int error;

	if (strcmp(name, "qmp") == 0)
		error = ep_socket_path(addrs, "qmp", conf->qmp, err);
	else if (listens)
		error = find_own(conf, addrs, err);
	else if (conf->tcp != NULL)
		return ep_qemu_addr_tcp(
		    addrs, EP_QEMU_PEERS_MAX, conf->tcp, false, err);
	else if (conf->type == EP_QEMU_DGRAM)
		error = ep_socket_path(addrs, "remote", conf->remote, err);
	else
		error = ep_socket_path(addrs, "path", conf->path, err);
	return error < 0 ? error : 1;
}

static int
open_named(const struct ep_qemu_conf *conf, const char *name,
    struct ep_fds_out *out, struct epair_err *err)
{
	struct ep_socket_addr addrs[EP_QEMU_PEERS_MAX];
	int count = find_named(conf, name, addrs, err), error = count;
	int socktype = strcmp(name, "qmp") == 0 ? SOCK_STREAM
						: ep_qemu_socktype(conf->type);

	/* A name may have several addresses. */
	for (int i = 0; i < count; i++) {
		error = ep_socket_open(&addrs[i], socktype, name, out, err);
		if (error == 0)
			break;
	}
	return error;
}

static int
qemu_open(struct epair_if *ifp, const void *conf, struct ep_fds_out *out,
    struct epair_err *err)
{
	const char *names[EPAIR_ATTACH_NEEDS_MAX];
	int n = qemu_opens(conf, names, err), error = 0;

	(void)ifp;
	for (int i = 0; i < n && error == 0; i++)
		error = open_named(conf, names[i], out, err);
	return error;
}

/* With a monitor it cannot be had again: what was agreed there is ours. */
static int
qemu_get_fds(struct ep_stack *st, struct epair_fd *fds, unsigned max)
{
	const struct ep_qemu *q = qemu_of(st);
	struct ep_fds_out out = { .fds = fds, .max = max };

	if (q->qmp.addr.len == 0)
		ep_conn_give(&q->conn, &out);
	return ep_fds_end(&out);
}

static void
qemu_start(struct ep_stack *st)
{
	struct ep_qemu *q = qemu_of(st);

	ep_conn_start(&q->conn);
	ep_qemu_qmp_start(q);
}

static void
qemu_changed(struct ep_stack *st, uint32_t what)
{
	struct ep_qemu *q = qemu_of(st);

	if ((what & EPAIR_CHANGED_WRITABLE) != 0) {
		ep_qemu_hold(q, false);
		if (q->type == EP_QEMU_DGRAM)
			(void)ep_watch_set(&q->conn.listen_watch, EPOLLIN);
	}
	if (what == EPAIR_CHANGED_WRITABLE)
		return;
	ep_qemu_look_after(q);
	ep_qemu_qmp_changed(q);
}

static void
qemu_progress(struct ep_stack *st, struct epair_progress *progress)
{
	progress->sent = ep_load_relaxed(&qemu_of(st)->sent);
}

static const struct ep_stack_ops qemu_ops = {
	.kind = "qemu",
	.start = qemu_start,
	.receive = ep_qemu_receive,
	.changed = qemu_changed,
	.release = qemu_release,
	.progress = qemu_progress,
	.get_fds = qemu_get_fds,
};

static const char *const qemu_types[] = { "stream", "dgram", "seqpacket",
	NULL };
static const char *const qemu_modes[] = { "client", "server", NULL };

#define AT(field) offsetof(struct ep_qemu_conf, field)
static const struct ep_opt qemu_opts[] = {
	{ "path", "PATH", EP_OPT_TEXT, AT(path) },
	{ "tcp", "HOST:PORT", EP_OPT_TEXT, AT(tcp) },
	{ "remote", "PATH", EP_OPT_TEXT, AT(remote) },
	{ "type", "stream|dgram|seqpacket", EP_OPT_CHOICE, AT(type),
	    .choices = qemu_types },
	{ "mode", "client|server", EP_OPT_CHOICE, AT(mode),
	    .choices = qemu_modes },
	{ "reconnect", "TIME", EP_OPT_TIME, AT(reconnect_ns),
	    .min = EP_NS_PER_MS, .max = 3600 * EP_NS_PER_S },
	{ "qmp", "PATH", EP_OPT_TEXT, AT(qmp) },
	{ "netdev", "ID", EP_OPT_TEXT, AT(netdev) },
	{ NULL },
};

static const char *const qemu_keys[] = { "path=PATH", "tcp=HOST:PORT",
	"remote=PATH", "type=stream|dgram|seqpacket", "mode=client|server",
	"reconnect=TIME", "qmp=PATH", "netdev=ID", NULL };

static const char *const qemu_fds[] = { EP_SOCKET_LISTEN, EP_SOCKET_PEER, "qmp",
	NULL };

static const struct ep_qemu_conf qemu_default = { .mode = EP_QEMU_UNSAID };

const struct ep_kind ep_kind_qemu = {
	.pub = {
		.name = "qemu",
		.sentence = "a virtual machine, by QEMU's stream or dgram netdev "
			    "or user-mode-linux's bess",
		.keys = qemu_keys,
		.sim = 0,
		.fds = qemu_fds,
	},
	.opts = qemu_opts,
	.conf_size = sizeof(struct ep_qemu_conf),
	.conf_default = &qemu_default,
	.check = qemu_check,
	.create = qemu_create,
	.create_with = qemu_create_with,
	.opens = qemu_opens,
	.open = qemu_open,
};
