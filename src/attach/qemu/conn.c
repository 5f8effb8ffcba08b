/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client tries, waits reconnect= and tries again, for ever; that nobody
 * answers is told when it begins, not each time. A server takes one client at a
 * time: the others wait in the listener's backlog, with what they have sent,
 * and are taken when the first has gone.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "attach/qemu/qemu.h"
#include "base/atomic.h"
#include "base/clock.h"

/* Reads of what is left when writing has failed: more than a socket holds. */
#define LAST_READS 8

/* How often a datagram's peer is looked for. */
#define LOOK_NS (EP_NS_PER_S / 2)

static bool
is_client(const struct ep_qemu *q)
{
	return q->mode != EP_QEMU_SERVER;
}

static bool
is_stopping(const struct ep_qemu *q)
{
	/* acquires what qemu_release() released */
	return ep_load_acquire(&q->stopping);
}

static uint32_t
wanted_events(const struct ep_qemu *q)
{
	return q->type == EP_QEMU_DGRAM ? 0 : EPOLLIN | EPOLLRDHUP;
}

void
ep_qemu_await_room(struct ep_qemu *q, bool wanted)
{
	uint32_t events = wanted_events(q);

	if (q->is_held)
		events &= ~(uint32_t)EPOLLIN;
	if (wanted)
		events |= EPOLLOUT;
	(void)ep_watch_set(&q->conn_watch, events);
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

static void
try_again(struct ep_qemu *q, uint64_t after_ns)
{
	uint64_t now = ep_sched_mono(q->st.ifp->ep->sched);

	if (ep_timer_arm(&q->retry, now + after_ns) != 0)
		ep_attach_lost(&q->st, "no memory for a timer");
}

static void
close_conn(struct ep_qemu *q)
{
	ep_watch_drain(&q->conn_watch);
	if (q->conn >= 0)
		(void)close(q->conn);
	q->conn = -1;
	q->state = EP_QEMU_DOWN;
}

/* There is no connection, and why. */
static void
not_connected(struct ep_qemu *q, int error)
{
	close_conn(q);
	if (q->peer_at + 1 < q->peer_count) {
		q->peer_at++;
		try_again(q, 0);
		return;
	}
	q->peer_at = 0;
	if (error != q->connect_error)
		ep_tell(&q->tell, "cannot connect to %s: %s; trying again",
		    is_client(q) ? q->peers[0].text : "a client",
		    epair_err_name(error));
	q->connect_error = error;
	try_again(q, q->reconnect_ns);
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

	if (q->type == EP_QEMU_DGRAM && q->state == EP_QEMU_UP &&
	    (caps & EPAIR_CAP_LINK_FOLLOW) != 0)
		try_again(q, LOOK_NS);
}

/* q->conn is connected, and watched already if TCP made us wait. */
static void
is_connected(struct ep_qemu *q)
{
	int error;

	ep_watch_drain(&q->conn_watch);
	error = ep_watch_add(&q->conn_watch, q->conn, wanted_events(q));
	if (error != 0) {
		not_connected(q, error);
		return;
	}
	/* commit */
	set_up_tcp(q->conn);
	ep_framing_init(&q->framing, q->in);
	q->connect_error = 0;
	q->peer_at = 0;
	q->state = EP_QEMU_UP;
	ep_qemu_out_begin(q, q->conn);
	ep_tell_present(&q->tell, true);
	if (is_client(q))
		ep_tell(&q->tell, "connected to %s", q->peers[0].text);
	else
		ep_tell(&q->tell, "client connected");
	ep_qemu_look_after(q);
}

static void
connect_now(struct ep_qemu *q)
{
	const struct ep_socket_addr *peer = &q->peers[q->peer_at];
	int fd = socket(peer->u.sa.sa_family,
	    ep_qemu_socktype(q->type) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;

	if (fd < 0) {
		not_connected(q, -errno);
		return;
	}
	q->conn = fd;
	if (connect(fd, &peer->u.sa, peer->len) == 0) {
		is_connected(q);
		return;
	}
	error = -errno;
	if (error == -EINPROGRESS)
		error = ep_watch_add(&q->conn_watch, fd, EPOLLOUT);
	if (error != 0)
		not_connected(q, error);
	else
		q->state = EP_QEMU_CONNECTING;
}

/*
 * A port that nobody listens on may, once in some ten thousand times, be the
 * one that the kernel chose for our own end: TCP then connects us to ourselves.
 */
static bool
is_ourselves(int fd)
{
	struct sockaddr_storage own, other;
	socklen_t own_len = sizeof(own), other_len = sizeof(other);

	memset(&own, 0, sizeof(own));
	memset(&other, 0, sizeof(other));
	return getsockname(fd, (struct sockaddr *)&own, &own_len) == 0 &&
	       getpeername(fd, (struct sockaddr *)&other, &other_len) == 0 &&
	       own_len == other_len && memcmp(&own, &other, own_len) == 0;
}

static void
connect_done(struct ep_qemu *q)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(q->conn, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	else if (error == 0 && is_ourselves(q->conn))
		error = ECONNREFUSED;
	if (error != 0)
		not_connected(q, -error);
	else
		is_connected(q);
}

/* The connection is over. */
static void
go_down(struct ep_qemu *q, int error)
{
	ep_watch_drain(&q->conn_watch);
	ep_qemu_out_end(q);
	close_conn(q);
	ep_tell_present(&q->tell, false);
	if (error == -EMSGSIZE)
		ep_tell(&q->tell,
		    "closed: the peer announced a frame of more than %u octets",
		    EP_FRAMING_MAX);
	else if (error == -EPIPE || error == -ECONNRESET ||
		 error == -ECONNREFUSED)
		ep_tell(&q->tell, "peer closed");
	else
		ep_tell(&q->tell, "closed: %s", epair_err_name(error));
	/* A datagram's peer is missed late: there may be another by now. */
	if (is_client(q))
		try_again(q, q->type == EP_QEMU_DGRAM ? 0 : q->reconnect_ns);
	else
		(void)ep_watch_set(&q->listen_watch, EPOLLIN);
}

void
ep_qemu_conn_ready(struct ep_watch *watch, uint32_t events)
{
	struct ep_qemu *q =
	    (struct ep_qemu *)(void *)((char *)watch -
				       offsetof(struct ep_qemu, conn_watch));
	bool has_ended = (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
	int error = 0;

	if (is_stopping(q))
		return;
	if (q->state == EP_QEMU_CONNECTING) {
		connect_done(q);
		return;
	}
	if ((events & EPOLLOUT) != 0)
		ep_qemu_out_flush(q);
	if ((events & ~(uint32_t)EPOLLOUT) == 0)
		return;
	if (q->type != EP_QEMU_DGRAM && !has_ended && is_held(q))
		return;
	if (q->type != EP_QEMU_DGRAM)
		error = ep_qemu_read(q, q->conn, has_ended);
	else
		error = -ECONNREFUSED;
	if (error != 0)
		go_down(q, error);
}

void
ep_qemu_lose(struct ep_task *task)
{
	struct ep_qemu *q =
	    (struct ep_qemu *)(void *)((char *)task -
				       offsetof(struct ep_qemu, lose_task));
	int error;

	ep_lock(&q->lock);
	error = q->out.error;
	ep_unlock(&q->lock);
	if (is_stopping(q) || q->state != EP_QEMU_UP || error == 0)
		return;
	/* What it said before it hung up has come all the same. */
	if (q->type != EP_QEMU_DGRAM)
		for (int i = 0; i < LAST_READS; i++)
			if (ep_qemu_read(q, q->conn, true) != 0)
				break;
	go_down(q, error);
}

static void
accept_one(struct ep_qemu *q)
{
	int fd = accept4(q->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int error = fd < 0 ? -errno : 0;

	if (error == -EAGAIN || error == -EINTR || error == -ECONNABORTED)
		return;
	(void)ep_watch_set(&q->listen_watch, 0); /* N2 */
	if (error == 0) {
		q->conn = fd;
		is_connected(q);
		return;
	}
	/* No descriptors, no memory: it would be readable for ever. */
	if (error != q->connect_error)
		ep_tell(&q->tell, "cannot accept: %s; trying again",
		    epair_err_name(error));
	q->connect_error = error;
	try_again(q, q->reconnect_ns);
}

void
ep_qemu_listen_ready(struct ep_watch *watch, uint32_t events)
{
	struct ep_qemu *q =
	    (struct ep_qemu *)(void *)((char *)watch -
				       offsetof(struct ep_qemu, listen_watch));

	(void)events;
	if (is_stopping(q))
		return;
	if (q->type == EP_QEMU_DGRAM)
		(void)ep_qemu_read(q, q->listener, false);
	else if (q->state == EP_QEMU_DOWN)
		accept_one(q);
}

/* Connecting a datagram's socket again finds whoever has the path now. */
static void
look_for_peer(struct ep_qemu *q)
{
	const struct ep_socket_addr *peer = &q->peers[0];

	if (q->type != EP_QEMU_DGRAM)
		return;
	if (connect(q->conn, &peer->u.sa, peer->len) == 0)
		ep_qemu_look_after(q);
	else
		go_down(q, -errno);
}

void
ep_qemu_retry(struct ep_timer *timer)
{
	struct ep_qemu *q =
	    (struct ep_qemu *)(void *)((char *)timer -
				       offsetof(struct ep_qemu, retry));

	if (is_stopping(q))
		return;
	if (q->state == EP_QEMU_UP)
		look_for_peer(q);
	if (q->state != EP_QEMU_DOWN)
		return;
	if (is_client(q))
		connect_now(q);
	else
		(void)ep_watch_set(&q->listen_watch, EPOLLIN);
}
