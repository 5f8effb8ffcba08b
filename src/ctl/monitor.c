/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events to a client. They wait in a subscription of its own while the client
 * is stalled; what finds no room there is counted, and the next event says how
 * many are missing before it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "ctl/codec_if.h"
#include "ctl/fail.h"
#include "ctl/method.h"

/* Events that wait for a stalled client. */
#define WAITING_MAX 8192u
/* Events sent before others have their turn. */
#define BURST_MAX 64

struct ctl_monitor {
	struct ctl_conn *conn;
	struct epair_sub *sub;
	struct ctl_watch watch;
	uint64_t missing; /* before the next that it may see */
};

/* Whether it concerns a vnet of theirs; blanks what they may not see. */
static bool
may_see(struct ctl_conn *c, struct epair_event *ev)
{
	const struct ctl_world *w = c->server->world;
	bool sees_old;

	if (c->who.is_admin)
		return true;
	sees_old = ev->old_vnet[0] != '\0' &&
		   ctl_world_may(w, &c->who, ev->old_vnet);
	if (!ctl_world_may(w, &c->who, ev->vnet)) {
		if (!sees_old)
			return false;
		/* It has left: where to is not theirs to know. */
		ev->vnet[0] = '\0';
	}
	if (!sees_old)
		ev->old_vnet[0] = '\0';
	return true;
}

static void
drain(struct ctl_monitor *m)
{
	struct epair_event ev;

	for (int i = 0; i < BURST_MAX && ctl_conn_keeps_up(m->conn); i++) {
		if (epair_event_next(m->sub, &ev) != 1)
			return;
		m->missing += ev.missing;
		if (!may_see(m->conn, &ev))
			continue;
		ev.missing = m->missing;
		m->missing = 0;
		ctl_conn_put(m->conn,
		    ctl_notification("event", ctl_event_encode(&ev)), -1);
	}
	ctl_job_add(m->conn->server->loop, &m->conn->job);
}

static void
ready(struct ctl_watch *w, uint32_t events)
{
	struct ctl_monitor *m = EP_CONTAINER_OF(w, struct ctl_monitor, watch);

	(void)events;
	if (ctl_conn_keeps_up(m->conn))
		drain(m);
	else
		ctl_watch_set(m->conn->server->loop, w, 0);
}

void
ctl_monitor_resume(struct ctl_conn *c)
{
	if (c->monitor != NULL)
		ctl_watch_set(c->server->loop, &c->monitor->watch, EPOLLIN);
}

void
ctl_monitor_close(struct ctl_conn *c)
{
	struct ctl_monitor *m = c->monitor;

	if (m == NULL)
		return;
	ctl_watch_del(c->server->loop, &m->watch);
	epair_unsubscribe(m->sub);
	free(m);
	c->monitor = NULL;
}

int
ctl_do_monitor(struct ctl_request *rq, json_t **result, struct epair_err *err)
{
	struct ctl_conn *c = rq->conn;
	struct ctl_monitor *m;
	int error;

	(void)result;
	if (c->monitor != NULL)
		return ctl_fail(
		    err, -EALREADY, "this connection is sent events already");
	error = ctl_stream_may(c, err);
	if (error != 0)
		return error;
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return ctl_fail(err, -ENOMEM, "no memory for a monitor");
	m->conn = c;
	error = epair_subscribe(
	    c->server->world->ep, WAITING_MAX, &m->sub, err);
	if (error != 0) {
		free(m);
		return error;
	}
	m->watch = (struct ctl_watch){ epair_event_fd(m->sub), EPOLLIN, ready };
	error = ctl_watch_add(c->server->loop, &m->watch);
	if (error != 0) {
		epair_unsubscribe(m->sub);
		free(m);
		return ctl_fail(err, error, "cannot watch for events");
	}
	c->monitor = m;
	return 0;
}
