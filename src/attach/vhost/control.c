/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said on the connection, which attach/conn.h makes, loses and makes
 * again. A server serves one front end at a time and hangs up on every other.
 * One that does not say that it owns us, or stops in the middle of a message, is
 * given up after EP_CONN_AGREE_NS, so that nobody can occupy a server by saying
 * nothing; a guest that does not boot is no reason to.
 */
#include <errno.h>
#include <string.h>

#include "attach/vhost/vhost.h"
#include "base/container.h"

/* Messages taken for one wake. */
#define MESSAGES_MAX 16

static struct ep_vhost *
vhost_of(struct ep_conn *conn)
{
	return EP_CONTAINER_OF(conn, struct ep_vhost, conn);
}

static void
hear_next(struct ep_vhost *vhost)
{
	struct ep_vhost_msg msg;
	const char *why = NULL;

	if (ep_vhost_msg_decode(&vhost->in, &msg, &why) == 0)
		why = ep_vhost_hear(vhost, &msg);
	if (why != NULL) {
		ep_conn_refuse(&vhost->conn, why);
		return;
	}
	ep_vhost_in_reset(&vhost->in);
	if (vhost->is_half)
		(void)ep_timer_drain(&vhost->conn.timer);
	vhost->is_half = false;
}

/* Half of a message must not be all that ever comes. */
static void
await_rest(struct ep_vhost *vhost)
{
	if (!vhost->is_owned || vhost->in.have == 0 || vhost->is_half)
		return;
	vhost->is_half = true;
	ep_conn_arm(&vhost->conn, EP_CONN_AGREE_NS);
}

static void
vhost_ready(struct ep_conn *conn, uint32_t events)
{
	struct ep_vhost *vhost = vhost_of(conn);
	const char *why = "";
	int error;

	(void)events;
	for (int i = 0; i < MESSAGES_MAX; i++) {
		if (ep_conn_is_stopping(conn) || !ep_conn_has_peer(conn))
			return;
		error = ep_vhost_recv(conn->fd, &vhost->in, &why);
		if (error == 0) {
			hear_next(vhost);
		} else if (error == -EAGAIN) {
			await_rest(vhost);
			return;
		} else if (error == -EPROTO) {
			ep_conn_refuse(conn, why);
		} else {
			ep_conn_broke(conn, error);
		}
	}
}

static int
vhost_begin(struct ep_conn *conn)
{
	ep_conn_up(conn);
	ep_conn_arm(conn, EP_CONN_AGREE_NS);
	ep_tell(&conn->tell, "connected to %s",
	    conn->is_client ? conn->addr.text : "a front end");
	return 0;
}

static void
vhost_late(struct ep_conn *conn)
{
	ep_conn_refuse(conn, "Front end fell silent");
}

static void
vhost_end(struct ep_conn *conn, const char *why)
{
	(void)why; /* the protocol has no word for it */
	ep_vhost_forget(vhost_of(conn));
}

/* The link. */

static const char *
vhost_bars(struct ep_conn *conn)
{
	struct epair_if_info info = { .size = sizeof(info) };

	if (epair_if_get_info(conn->st->ifp, &info) != 0 ||
	    ep_attach_has_link(&info))
		return NULL;
	return "the interface has no link";
}

void
ep_vhost_changed(struct ep_stack *st, uint32_t what)
{
	struct ep_vhost *vhost = (struct ep_vhost *)(void *)st;

	if ((what & EPAIR_CHANGED_WRITABLE) != 0)
		for (unsigned i = 1; i < vhost->queue_count; i += 2)
			(void)ep_task_schedule(&vhost->queues[i].task);
	if (what == EPAIR_CHANGED_WRITABLE)
		return;
	if (!ep_conn_has_peer(&vhost->conn) || !ep_vhost_tell_config(vhost))
		ep_conn_look(&vhost->conn);
}

const struct ep_conn_ops ep_vhost_conn_ops = {
	.peer = "front end",
	.hides = true,
	.bars = vhost_bars,
	.begin = vhost_begin,
	.ready = vhost_ready,
	.late = vhost_late,
	.end = vhost_end,
};
