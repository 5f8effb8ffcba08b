/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A transport on the connection that attach/conn.h makes, loses and makes again.
 * A server takes one client at a time: the others wait in the listener's
 * backlog, with what they have sent, and are taken when the first has gone.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

#include "attach/qemu/qemu.h"
#include "base/atomic.h"
#include "base/container.h"

/*
 * Reads when writing has failed: more than a socket holds, of one who has hung
 * up; one who only no longer reads may go on for ever.
 */
#define LAST_READS 32768
#define MORE_READS 8

/* How often a datagram's peer is looked for. */
#define LOOK_NS (EP_NS_PER_S / 2)

static struct ep_qemu *
qemu_of(struct ep_conn *conn)
{
	return EP_CONTAINER_OF(conn, struct ep_qemu, conn);
}

void
ep_qemu_await_room(struct ep_qemu *q, bool wanted)
{
	uint32_t events = q->conn.events;

	if (q->is_held)
		events &= ~(uint32_t)EPOLLIN;
	if (wanted)
		events |= EPOLLOUT;
	(void)ep_watch_set(&q->conn.watch, events);
}

void
ep_qemu_hold(struct ep_qemu *q, bool is_held)
{
	ep_lock(&q->lock);
	if (q->is_held != is_held) {
		q->is_held = is_held;
		ep_qemu_await_room(q, q->out.is_blocked);
	}
	ep_unlock(&q->lock);
}

/* Is what it sends to be left in the socket until there is room? */
static bool
is_held(struct ep_qemu *q)
{
	if (ep_pair_may_send(q->st.ifp))
		return false;
	/* First muted, then asked: being told is not to come in between. */
	ep_qemu_hold(q, true);
	if (!ep_pair_may_send(q->st.ifp))
		return true;
	ep_qemu_hold(q, false);
	return false;
}

/* Small frames are not to wait, and a peer whose host died is to be missed. */
static void
set_up_tcp(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 10 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 5 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 3 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 25000 },
	};

	/* On a Unix socket they fail, and nothing is missed. */
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		(void)setsockopt(fd, options[i].level, options[i].name,
		    &options[i].value, sizeof(options[i].value));
}

void
ep_qemu_look_after(struct ep_qemu *q)
{
	uint32_t caps = ep_load_relaxed(&q->st.ifp->caps);

	if (q->type == EP_QEMU_DGRAM && q->conn.state == EP_CONN_UP &&
	    (caps & EPAIR_CAP_LINK_FOLLOW) != 0)
		ep_conn_arm(&q->conn, LOOK_NS);
}

static int
qemu_begin(struct ep_conn *conn)
{
	struct ep_qemu *q = qemu_of(conn);

	set_up_tcp(conn->fd);
	ep_framing_init(&q->framing, q->in);
	ep_conn_up(conn);
	ep_qemu_out_begin(q, conn->fd);
	ep_conn_present(conn, true);
	if (conn->is_client)
		ep_tell(&conn->tell, "connected to %s", conn->peers[0].text);
	else
		ep_tell(&conn->tell, "client connected");
	ep_qemu_look_after(q);
	return 0;
}

/* Connecting a datagram's socket again finds whoever has the path now. */
static void
qemu_late(struct ep_conn *conn)
{
	const struct ep_socket_addr *peer = &conn->peers[0];

	/* One that was handed over was connected by who may. */
	if (conn->socktype != SOCK_DGRAM || conn->is_handed)
		return;
	if (connect(conn->fd, &peer->u.sa, peer->len) == 0)
		ep_qemu_look_after(qemu_of(conn));
	else
		ep_conn_broke(conn, -errno);
}

static void
over(struct ep_conn *conn, int error)
{
	if (error != -EMSGSIZE) {
		ep_conn_broke(conn, error);
		return;
	}
	ep_conn_end(conn, NULL);
	ep_tell(&conn->tell,
	    "closed: the peer announced a frame of more than %u octets",
	    EP_FRAMING_MAX);
}

static void
qemu_ready(struct ep_conn *conn, uint32_t events)
{
	bool has_ended = (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
	struct ep_qemu *q = qemu_of(conn);
	int error = 0;

	if ((events & EPOLLOUT) != 0)
		ep_qemu_out_flush(q);
	if ((events & ~(uint32_t)EPOLLOUT) == 0)
		return;
	if (q->type != EP_QEMU_DGRAM && !has_ended && is_held(q))
		return;
	if (q->type != EP_QEMU_DGRAM)
		error = ep_qemu_read(q, conn->fd);
	else
		error = -ECONNREFUSED;
	if (error != 0)
		over(conn, error);
}

/* What it said before it hung up has come all the same. */
static void
read_last(struct ep_qemu *q)
{
	int fd = q->conn.fd, reads = 0;

	while (reads < (ep_socket_has_hung_up(fd) ? LAST_READS : MORE_READS) &&
	       ep_qemu_read(q, fd) == 0)
		reads++;
}

static void
qemu_lost(struct ep_conn *conn, const char *why)
{
	struct ep_qemu *q = qemu_of(conn);
	int error;

	(void)why;
	ep_lock(&q->lock);
	error = q->out.error;
	ep_unlock(&q->lock);
	if (error == 0)
		return;
	if (q->type != EP_QEMU_DGRAM)
		read_last(q);
	over(conn, error);
}

static void
qemu_end(struct ep_conn *conn, const char *why)
{
	(void)why; /* there is no word for it */
	ep_qemu_out_end(qemu_of(conn));
}

/* Datagrams: a local socket that is full holds back who sends to it. */
static void
qemu_heard(struct ep_conn *conn)
{
	if (ep_attach_is_held(conn->st, &conn->listen_watch, 0))
		return;
	(void)ep_qemu_read(qemu_of(conn), conn->listener.fd);
}

const struct ep_conn_ops ep_qemu_conn_ops = {
	.peer = "peer",
	.is_patient = true,
	.begin = qemu_begin,
	.ready = qemu_ready,
	.late = qemu_late,
	.end = qemu_end,
	.lost = qemu_lost,
	.heard = qemu_heard,
};
