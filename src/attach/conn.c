/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/container.h"
#include "base/stray.h"

#define GRACE_NS (5 * EP_NS_PER_S)

#define CONN_OF(p, member) EP_CONTAINER_OF(p, struct ep_conn, member)

bool
ep_conn_is_stopping(const struct ep_conn *conn)
{
	/* acquires what ep_conn_stop() released */
	return ep_load_acquire(&conn->stopping);
}

static uint64_t
in(const struct ep_conn *conn, uint64_t ns)
{
	return ep_sched_mono(conn->st->ifp->ep->sched) + ns;
}

void
ep_conn_arm(struct ep_conn *conn, uint64_t ns)
{
	if (ep_timer_arm(&conn->timer, in(conn, ns)) != 0)
		ep_attach_lost(conn->st, "no memory for a timer");
}

static const char *
barred(struct ep_conn *conn)
{
	return conn->ops->bars != NULL ? conn->ops->bars(conn) : NULL;
}

/* Whether somebody is there. */

void
ep_conn_present(struct ep_conn *conn, bool is_there)
{
	conn->is_there = is_there;
	ep_tell_present(&conn->tell,
	    is_there || conn->in_grace || conn->state == EP_CONN_OFF);
}

static void
grace_ends(struct ep_timer *timer)
{
	struct ep_conn *conn = CONN_OF(timer, grace);

	conn->in_grace = false;
	if (!ep_conn_is_stopping(conn))
		ep_conn_present(conn, conn->is_there);
}

static void
give_grace(struct ep_conn *conn)
{
	conn->in_grace = ep_timer_arm(&conn->grace, in(conn, GRACE_NS)) == 0;
}

/* A place of our own. */

static void
close_listener(struct ep_conn *conn)
{
	ep_watch_drain(&conn->listen_watch);
	/* The path first: so nobody connects to what is about to be closed. */
	ep_socket_unbind(&conn->addr, &conn->own);
	ep_listener_close(&conn->listener);
}

int
ep_conn_listen(struct ep_conn *conn, struct epair_err *err)
{
	int fd, error = ep_socket_bind(
		    &conn->addr, conn->socktype, &fd, &conn->own, err);

	if (error == 0)
		ep_listener_own(&conn->listener, fd);
	return error;
}

static int
hear(struct ep_conn *conn)
{
	int error = 0;

	if (conn->listener.fd < 0) {
		error = ep_conn_listen(conn, NULL);
		if (error == 0)
			conn->error = 0;
	}
	if (error == 0)
		error = ep_listener_await(&conn->listener);
	if (error != 0)
		return error;
	/* It may have been muted, or is not there yet. */
	error = ep_watch_set(&conn->listen_watch, EPOLLIN);
	if (error == -ENOENT)
		error = ep_watch_add(&conn->listen_watch,
		    ep_listener_fd(&conn->listener), EPOLLIN);
	return error;
}

/* Nobody is there: call, or be found; unless there must be nobody. */
static void
await_peer(struct ep_conn *conn, uint64_t after_ns)
{
	(void)ep_timer_drain(&conn->timer);
	if (barred(conn) == NULL) {
		conn->state = EP_CONN_DOWN;
		ep_conn_present(conn, false);
		/* A server's peer is not to want memory for being heard. */
		if (conn->is_client || after_ns > 0 || hear(conn) != 0)
			ep_conn_arm(conn, after_ns);
		return;
	}
	conn->state = EP_CONN_OFF;
	(void)ep_timer_drain(&conn->grace);
	conn->in_grace = false;
	/* One that was handed over is not to be had again. */
	if (conn->ops->hides && conn->is_handed)
		ep_watch_drain(&conn->listen_watch);
	else if (conn->ops->hides)
		close_listener(conn);
	else if (!conn->is_client)
		(void)hear(conn); /* of who comes, to turn them away */
	ep_conn_present(conn, false);
}

/* The end of one. */

/* Who handed it over, or its listener, may have told it to linger. */
static void
close_fd(const struct ep_conn *conn, int *fd)
{
	if (*fd >= 0 && conn->is_handed)
		ep_stray_close(*fd);
	else if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void
go_down(struct ep_conn *conn, const char *why, uint64_t after_ns)
{
	ep_watch_drain(&conn->watch);
	if (ep_conn_has_peer(conn))
		conn->ops->end(conn, why);
	if (conn->fd >= 0 && conn->is_handed && conn->is_client)
		ep_attach_lost(
		    conn->st, "what was handed over connects but once");
	close_fd(conn, &conn->fd);
	/* What lost it is gone with it: acquires what ep_conn_lose() released */
	(void)ep_swap_acq_rel(&conn->lost_why, NULL);
	await_peer(conn, after_ns);
}

void
ep_conn_end(struct ep_conn *conn, const char *why)
{
	bool is_soon = !conn->is_client;

	/* A datagram's peer is missed late: there may be another by now. */
	if (conn->state == EP_CONN_UP && conn->socktype == SOCK_DGRAM)
		is_soon = true;
	go_down(conn, why, is_soon ? 0 : conn->reconnect_ns);
}

void
ep_conn_refuse(struct ep_conn *conn, const char *why)
{
	ep_conn_end(conn, why);
	ep_tell(&conn->tell, "closed: %s", why);
}

/* There is none, and why; the next address, if there is one, may do. */
static void
came_to_nothing(struct ep_conn *conn, int error)
{
	bool has_next = conn->peer_at + 1 < conn->peer_count;

	conn->peer_at = has_next ? conn->peer_at + 1 : 0;
	go_down(conn, NULL, has_next ? 0 : conn->reconnect_ns);
	if (has_next || conn->is_handed)
		return;
	if (error != conn->error)
		ep_tell(&conn->tell, "cannot %s %s: %s; trying again",
		    conn->is_client ? "connect to" : "listen at",
		    conn->is_client ? conn->peers[0].text : conn->addr.text,
		    epair_err_name(error));
	conn->error = error;
}

void
ep_conn_broke(struct ep_conn *conn, int error)
{
	if (!ep_conn_has_peer(conn) ||
	    (conn->is_client && conn->state != EP_CONN_UP)) {
		came_to_nothing(conn, error);
		return;
	}
	ep_conn_end(conn, NULL);
	if (error == -EPIPE || error == -ECONNRESET || error == -ECONNREFUSED)
		ep_tell(&conn->tell, "%s closed", conn->ops->peer);
	else
		ep_tell(&conn->tell, "closed: %s", epair_err_name(error));
}

void
ep_conn_lose(struct ep_conn *conn, const char *why)
{
	/* acquired by lost(); the last of several is as good */
	(void)ep_swap_acq_rel(&conn->lost_why, why);
	(void)ep_task_schedule(&conn->lose_task);
}

static void
lost(struct ep_task *task)
{
	struct ep_conn *conn = CONN_OF(task, lose_task);
	/* acquires what ep_conn_lose() released */
	const char *why = ep_swap_acq_rel(&conn->lost_why, NULL);

	if (ep_conn_is_stopping(conn) || conn->state != EP_CONN_UP ||
	    why == NULL)
		return;
	if (conn->ops->lost != NULL)
		conn->ops->lost(conn, why);
	else
		ep_conn_refuse(conn, why);
}

/* The beginning. */

void
ep_conn_up(struct ep_conn *conn)
{
	(void)ep_timer_drain(&conn->timer);
	conn->state = EP_CONN_UP;
	conn->error = 0;
	conn->peer_at = 0;
}

/* conn->fd is connected, and watched already if TCP made us wait. */
static void
begin(struct ep_conn *conn)
{
	int error;

	conn->state = EP_CONN_MET;
	ep_watch_drain(&conn->watch);
	error = ep_watch_add(&conn->watch, conn->fd, conn->events);
	if (error == 0)
		error = conn->ops->begin(conn);
	if (error != 0)
		ep_conn_broke(conn, error);
}

/* Once it is used up, we are to be detached, and nobody is called any more. */
static void
use_handed(struct ep_conn *conn)
{
	if (conn->handed < 0)
		return;
	if (conn->socktype == SOCK_DGRAM) {
		conn->fd = fcntl(conn->handed, F_DUPFD_CLOEXEC, 0);
	} else {
		conn->fd = conn->handed;
		conn->handed = -1;
	}
	if (conn->fd >= 0)
		begin(conn);
	else
		came_to_nothing(conn, -errno);
}

static void
call(struct ep_conn *conn)
{
	const struct ep_socket_addr *peer = &conn->peers[conn->peer_at];
	int error;

	if (conn->is_handed) {
		use_handed(conn);
		return;
	}
	conn->fd = ep_socket_connect(peer, conn->socktype);
	if (conn->fd < 0) {
		came_to_nothing(conn, conn->fd);
		return;
	}
	if (peer->u.sa.sa_family == AF_UNIX) {
		begin(conn);
		return;
	}
	conn->state = EP_CONN_CALLING;
	error = ep_watch_add(&conn->watch, conn->fd, EPOLLOUT);
	if (error != 0)
		came_to_nothing(conn, error);
}

static void
conn_ready(struct ep_watch *watch, uint32_t events)
{
	struct ep_conn *conn = CONN_OF(watch, watch);
	int error;

	if (ep_conn_is_stopping(conn))
		return;
	if (conn->state != EP_CONN_CALLING) {
		conn->ops->ready(conn, events);
		return;
	}
	error = ep_socket_outcome(conn->fd);
	if (error != 0)
		came_to_nothing(conn, error);
	else
		begin(conn);
}

/* Nobody is there yet. A datagram's place is a client's, too. */
static void
seek(struct ep_conn *conn)
{
	int error = 0;

	if (!conn->is_client || conn->socktype == SOCK_DGRAM)
		error = hear(conn);
	if (error != 0)
		came_to_nothing(conn, error);
	else if (conn->is_client)
		call(conn);
}

static void
timeout(struct ep_timer *timer)
{
	struct ep_conn *conn = CONN_OF(timer, timer);

	if (ep_conn_is_stopping(conn))
		return;
	conn->has_begun = true;
	if (ep_conn_has_peer(conn)) {
		if (conn->ops->late != NULL)
			conn->ops->late(conn);
	} else if (conn->state == EP_CONN_DOWN && barred(conn) != NULL) {
		await_peer(conn, 0);
	} else if (conn->state == EP_CONN_DOWN) {
		seek(conn);
	}
}

void
ep_conn_look(struct ep_conn *conn)
{
	const char *why = barred(conn);

	if (ep_conn_is_stopping(conn) || !conn->has_begun ||
	    (why != NULL) == (conn->state == EP_CONN_OFF))
		return;
	if (ep_conn_has_peer(conn)) {
		ep_conn_refuse(conn, why);
		return;
	}
	if (why == NULL)
		give_grace(conn);
	go_down(conn, why, 0);
}

/* A server's clients. */

static void
cannot_accept(struct ep_conn *conn, int error)
{
	if (error == -EAGAIN)
		return;
	/* No descriptors, no memory: it would be readable for ever. */
	(void)ep_watch_set(&conn->listen_watch, 0);
	if (error != conn->error)
		ep_tell(&conn->tell, "cannot accept: %s; trying again",
		    epair_err_name(error));
	conn->error = error;
	if (!ep_conn_has_peer(conn))
		ep_conn_arm(conn, conn->reconnect_ns);
}

/*
 * Who shares what was handed over may shut it down: then it is readable for
 * ever, and nothing comes.
 */
static bool
is_shut(struct ep_conn *conn)
{
	if (!conn->is_handed || !ep_socket_has_hung_up(conn->listener.fd))
		return false;
	ep_watch_drain(&conn->listen_watch);
	ep_attach_lost(conn->st, "what was handed over was shut down");
	return true;
}

static void
listener_ready(struct ep_watch *watch, uint32_t events)
{
	struct ep_conn *conn = CONN_OF(watch, listen_watch);
	const char *why;
	int fd;

	(void)events;
	if (ep_conn_is_stopping(conn) || is_shut(conn))
		return;
	if (conn->socktype == SOCK_DGRAM) {
		conn->ops->heard(conn);
		return;
	}
	fd = ep_listener_accept(&conn->listener);
	if (fd < 0) {
		cannot_accept(conn, fd);
		return;
	}
	/* One that was killed may have a successor before we hear of its end. */
	if (ep_conn_has_peer(conn) && ep_socket_has_hung_up(conn->fd))
		conn->ops->ready(conn, EPOLLIN | EPOLLRDHUP);
	why = barred(conn);
	if (why == NULL && conn->state == EP_CONN_DOWN) {
		if (conn->ops->is_patient)
			(void)ep_watch_set(watch, 0);
		conn->fd = fd;
		begin(conn);
		return;
	}
	if (conn->ops->turn_away != NULL)
		conn->ops->turn_away(
		    fd, why != NULL ? why : "Already connected");
	(void)close(fd);
}

/* Handing over. */

int
ep_conn_opens(bool is_client, int socktype, const char **names)
{
	int n = 0;

	if (!is_client || socktype == SOCK_DGRAM)
		names[n++] = EP_SOCKET_LISTEN;
	if (is_client)
		names[n++] = EP_SOCKET_PEER;
	return n;
}

static int
take_listener(struct ep_conn *conn, int family, const struct ep_fds *with,
    struct epair_err *err)
{
	int fd = ep_socket_handed(
	    with, EP_SOCKET_LISTEN, family, conn->socktype, err);

	if (fd < 0)
		return fd;
	if (conn->socktype != SOCK_DGRAM)
		return ep_listener_share(&conn->listener, fd, err);
	ep_listener_own(&conn->listener, fd); /* nothing is accepted of it */
	return 0;
}

int
ep_conn_take(struct ep_conn *conn, int family, const struct ep_fds *with,
    struct epair_err *err)
{
	int error = 0;

	conn->is_handed = true;
	if (!conn->is_client || conn->socktype == SOCK_DGRAM)
		error = take_listener(conn, family, with, err);
	if (error != 0 || !conn->is_client)
		return error;
	conn->handed = ep_socket_handed(
	    with, EP_SOCKET_PEER, family, conn->socktype, err);
	return conn->handed < 0 ? conn->handed : 0;
}

void
ep_conn_give(const struct ep_conn *conn, struct ep_fds_out *out)
{
	bool is_dgram = conn->socktype == SOCK_DGRAM;

	if (!conn->is_handed || (conn->is_client && !is_dgram))
		return;
	ep_fds_give(out, EP_SOCKET_LISTEN, conn->listener.fd);
	if (is_dgram)
		ep_fds_give(out, EP_SOCKET_PEER, conn->handed);
}

/* Life. */

void
ep_conn_init(
    struct ep_conn *conn, const struct ep_conn_ops *ops, struct ep_stack *st)
{
	struct ep_worker *worker = ep_ifnet_worker(st->ifp, 0);

	conn->ops = ops;
	conn->st = st;
	ep_listener_init(&conn->listener);
	conn->handed = conn->fd = -1;
	if (conn->peers == NULL) {
		conn->peers = &conn->addr;
		conn->peer_count = 1;
	}
	ep_watch_init(&conn->listen_watch, worker, listener_ready);
	ep_watch_init(&conn->watch, worker, conn_ready);
	ep_timer_init(&conn->timer, worker, timeout);
	ep_timer_init(&conn->grace, worker, grace_ends);
	ep_task_init(&conn->lose_task, worker, lost);
	ep_tell_init(&conn->tell, st, worker);
}

void
ep_conn_start(struct ep_conn *conn)
{
	/* At once, but on the worker that all of it belongs to. */
	if (ep_timer_arm(&conn->timer, 0) != 0)
		ep_attach_lost(conn->st, "no memory for a timer");
}

/*
 * Each handler that ran when stopping was set has returned after the first
 * round; what it may have begun goes with the second. Those called since begin
 * nothing.
 */
void
ep_conn_stop(struct ep_conn *conn)
{
	/* acquired by ep_conn_is_stopping() */
	ep_store_release(&conn->stopping, true);
	for (int round = 0; round < 2; round++) {
		ep_watch_drain(&conn->listen_watch);
		ep_watch_drain(&conn->watch);
		(void)ep_timer_drain(&conn->timer);
		(void)ep_timer_drain(&conn->grace);
		(void)ep_task_drain(&conn->lose_task);
		ep_tell_fini(&conn->tell);
	}
}

void
ep_conn_fini(struct ep_conn *conn)
{
	/* Its kind's part may have lost it, or told, until it was stopped. */
	(void)ep_task_drain(&conn->lose_task);
	ep_tell_fini(&conn->tell);
	close_listener(conn);
	close_fd(conn, &conn->handed);
	close_fd(conn, &conn->fd);
}
