/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client tries, waits reconnect= and tries again, for ever; that nobody
 * answers is told when it begins, not each time. A server serves one front end
 * at a time and hangs up on every other. One that does not say that it owns us,
 * or stops in the middle of a message, is given up after SETUP_NS, so that
 * nobody can occupy a server by saying nothing; a guest that does not boot is no
 * reason to.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "attach/vhost/vhost.h"
#include "base/atomic.h"
#include "base/clock.h"

#define SETUP_NS (5 * EP_NS_PER_S)

/* A front end with reconnect=1 and its guest are back by then. */
#define GRACE_NS (5 * EP_NS_PER_S)

/* Messages taken for one wake. */
#define MESSAGES_MAX 16

static bool
is_stopping(const struct ep_vhost *vhost)
{
	/* acquires what vhost_release() released */
	return ep_load_acquire(&vhost->stopping);
}

static bool
has_conn(const struct ep_vhost *vhost)
{
	return vhost->state == EP_VHOST_GREET || vhost->state == EP_VHOST_UP;
}

static void
arm(struct ep_vhost *vhost, uint64_t ns)
{
	uint64_t now = ep_sched_mono(vhost->st.ifp->ep->sched);

	if (ep_timer_arm(&vhost->timer, now + ns) != 0)
		ep_attach_lost(&vhost->st, "no memory for a timer");
}

/* A place of our own. */

static void
close_listener(struct ep_vhost *vhost)
{
	ep_watch_drain(&vhost->listen_watch);
	ep_socket_unbind(&vhost->addr, &vhost->own);
	if (vhost->listener >= 0)
		(void)close(vhost->listener);
	vhost->listener = -1;
}

static int
open_listener(struct ep_vhost *vhost)
{
	int error = 0;

	if (vhost->listener < 0)
		error = ep_socket_bind(&vhost->addr, SOCK_STREAM,
		    &vhost->listener, &vhost->own, NULL);
	if (error == 0 && vhost->listen_watch.fd < 0)
		error = ep_watch_add(
		    &vhost->listen_watch, vhost->listener, EPOLLIN);
	return error;
}

/*
 * Nobody is there: be found, or look for somebody. With no link, neither.
 */
static void
await_peer(struct ep_vhost *vhost, uint64_t after_ns)
{
	if (!ep_load_relaxed(&vhost->has_link)) {
		vhost->state = EP_VHOST_OFF;
		(void)ep_timer_drain(&vhost->timer);
		(void)ep_timer_drain(&vhost->grace);
		vhost->in_grace = false;
		close_listener(vhost);
		ep_tell_present(&vhost->tell, true);
		return;
	}
	vhost->state = EP_VHOST_DOWN;
	ep_vhost_left(vhost);
	arm(vhost, after_ns);
}

void
ep_vhost_left(struct ep_vhost *vhost)
{
	if (vhost->state != EP_VHOST_OFF && !vhost->in_grace)
		ep_tell_present(&vhost->tell, false);
}

void
ep_vhost_grace(struct ep_timer *timer)
{
	struct ep_vhost *vhost =
	    (struct ep_vhost *)(void *)((char *)timer -
					offsetof(struct ep_vhost, grace));

	vhost->in_grace = false;
	if (!is_stopping(vhost) && vhost->running == 0)
		ep_vhost_left(vhost);
}

/* Nothing of the connection is left. */
static void
go_down(struct ep_vhost *vhost)
{
	ep_watch_drain(&vhost->conn_watch);
	if (vhost->conn >= 0)
		(void)close(vhost->conn);
	vhost->conn = -1;
	ep_vhost_forget(vhost);
	/* What lost it is gone with it: acquires what ep_vhost_lose() released */
	(void)ep_swap_acq_rel(&vhost->lost_why, NULL);
	await_peer(
	    vhost, vhost->mode == EP_VHOST_CLIENT ? vhost->reconnect_ns : 0);
}

/* We end it, and say why (P2). */
static void
refuse(struct ep_vhost *vhost, const char *why)
{
	go_down(vhost);
	ep_tell(&vhost->tell, "closed: %s", why);
}

/* It did not come to be, or broke, by no fault of a message's. */
static void
broke(struct ep_vhost *vhost, int error)
{
	if (!has_conn(vhost)) {
		if (error != vhost->connect_error)
			ep_tell(&vhost->tell, "cannot %s %s: %s; trying again",
			    vhost->mode == EP_VHOST_CLIENT ? "connect to"
							   : "listen at",
			    vhost->addr.text, epair_err_name(error));
		vhost->connect_error = error;
		arm(vhost, vhost->reconnect_ns);
		return;
	}
	go_down(vhost);
	if (error == -EPIPE || error == -ECONNRESET)
		ep_tell(&vhost->tell, "front end closed");
	else
		ep_tell(&vhost->tell, "closed: %s", epair_err_name(error));
}

static void
hear_next(struct ep_vhost *vhost)
{
	struct ep_vhost_msg msg;
	const char *why = NULL;

	if (ep_vhost_msg_decode(&vhost->in, &msg, &why) == 0)
		why = ep_vhost_hear(vhost, &msg);
	if (why != NULL) {
		refuse(vhost, why);
		return;
	}
	ep_vhost_in_reset(&vhost->in);
	if (vhost->is_half)
		(void)ep_timer_drain(&vhost->timer);
	vhost->is_half = false;
}

/* Half of a message must not be all that ever comes. */
static void
await_rest(struct ep_vhost *vhost)
{
	if (vhost->state != EP_VHOST_UP || vhost->in.have == 0 ||
	    vhost->is_half)
		return;
	vhost->is_half = true;
	arm(vhost, SETUP_NS);
}

void
ep_vhost_conn_ready(struct ep_watch *watch, uint32_t events)
{
	struct ep_vhost *vhost =
	    (struct ep_vhost *)(void *)((char *)watch -
					offsetof(struct ep_vhost, conn_watch));
	const char *why = "";
	int error;

	(void)events;
	for (int i = 0; i < MESSAGES_MAX; i++) {
		if (is_stopping(vhost) || !has_conn(vhost))
			return;
		error = ep_vhost_recv(vhost->conn, &vhost->in, &why);
		if (error == 0) {
			hear_next(vhost);
		} else if (error == -EAGAIN) {
			await_rest(vhost);
			return;
		} else if (error == -EPROTO) {
			refuse(vhost, why);
		} else {
			broke(vhost, error);
		}
	}
}

void
ep_vhost_lose(struct ep_vhost *vhost, const char *why)
{
	/* acquired by ep_vhost_lost(); the last of several is as good */
	(void)ep_swap_acq_rel(&vhost->lost_why, why);
	(void)ep_task_schedule(&vhost->lose_task);
}

void
ep_vhost_lost(struct ep_task *task)
{
	struct ep_vhost *vhost =
	    (struct ep_vhost *)(void *)((char *)task -
					offsetof(struct ep_vhost, lose_task));
	/* acquires what ep_vhost_lose() released */
	const char *why = ep_swap_acq_rel(&vhost->lost_why, NULL);

	if (!is_stopping(vhost) && has_conn(vhost) && why != NULL)
		refuse(vhost, why);
}

/* vhost->conn is connected. */
static void
begin(struct ep_vhost *vhost)
{
	int error;

	vhost->state = EP_VHOST_GREET;
	arm(vhost, SETUP_NS);
	error = ep_watch_add(&vhost->conn_watch, vhost->conn, EPOLLIN);
	if (error != 0) {
		broke(vhost, error);
		return;
	}
	vhost->connect_error = 0;
	ep_tell(&vhost->tell, "connected to %s",
	    vhost->mode == EP_VHOST_CLIENT ? vhost->addr.text : "a front end");
}

/* One that was killed may have a successor before we hear of its end. */
static bool
has_hung_up(const struct ep_vhost *vhost)
{
	struct pollfd pfd = { .fd = vhost->conn, .events = POLLRDHUP };

	return poll(&pfd, 1, 0) == 1 &&
	       (pfd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void
ep_vhost_listen_ready(struct ep_watch *watch, uint32_t events)
{
	struct ep_vhost *vhost =
	    (struct ep_vhost *)(void *)((char *)watch -
					offsetof(
					    struct ep_vhost, listen_watch));
	int fd;

	(void)events;
	if (is_stopping(vhost))
		return;
	fd = accept4(vhost->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		/* No descriptors, no memory: it would be readable for ever. */
		ep_tell(
		    &vhost->tell, "cannot accept: %s", epair_err_name(-errno));
		(void)ep_watch_set(watch, 0);
		if (!has_conn(vhost))
			arm(vhost, vhost->reconnect_ns);
		return;
	}
	if (has_conn(vhost) && has_hung_up(vhost))
		broke(vhost, -EPIPE);
	if (vhost->state != EP_VHOST_DOWN) {
		(void)close(fd);
		return;
	}
	vhost->conn = fd;
	begin(vhost);
}

void
ep_vhost_timeout(struct ep_timer *timer)
{
	struct ep_vhost *vhost =
	    (struct ep_vhost *)(void *)((char *)timer -
					offsetof(struct ep_vhost, timer));
	int error;

	if (is_stopping(vhost) || vhost->state == EP_VHOST_OFF)
		return;
	if (has_conn(vhost)) {
		refuse(vhost, "Front end fell silent");
	} else if (vhost->mode == EP_VHOST_SERVER) {
		error = open_listener(vhost);
		if (error == 0) /* it may have been muted */
			error = ep_watch_set(&vhost->listen_watch, EPOLLIN);
		if (error != 0)
			broke(vhost, error);
		else
			vhost->connect_error = 0;
	} else {
		vhost->conn = ep_socket_connect(&vhost->addr, SOCK_STREAM);
		if (vhost->conn < 0)
			broke(vhost, vhost->conn);
		else
			begin(vhost);
	}
}

/* The link. */

void
ep_vhost_link(struct ep_task *task)
{
	struct ep_vhost *vhost =
	    (struct ep_vhost *)(void *)((char *)task -
					offsetof(struct ep_vhost, link_task));
	bool has_link = ep_load_relaxed(&vhost->has_link);

	if (is_stopping(vhost))
		return;
	if (has_conn(vhost) && ep_vhost_tell_config(vhost))
		return;
	if (has_link) {
		if (vhost->state != EP_VHOST_OFF)
			return;
		vhost->in_grace = true;
		(void)ep_timer_arm(&vhost->grace,
		    ep_sched_mono(vhost->st.ifp->ep->sched) + GRACE_NS);
		await_peer(vhost, 0);
	} else if (has_conn(vhost)) {
		go_down(vhost);
		ep_tell(&vhost->tell, "closed: the interface has no link");
	} else {
		await_peer(vhost, 0);
	}
}

void
ep_vhost_changed(struct ep_stack *st, uint32_t what)
{
	struct epair_if_info info = { .size = sizeof(info) };
	struct ep_vhost *vhost = (struct ep_vhost *)(void *)st;

	(void)what;
	if (epair_if_get_info(st->ifp, &info) != 0)
		return;
	ep_store_relaxed(&vhost->has_link, ep_attach_has_link(&info));
	(void)ep_task_schedule(&vhost->link_task);
}
