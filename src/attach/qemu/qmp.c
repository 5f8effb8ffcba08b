/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's carrier, by QEMU's monitor. The netdev's socket says nothing of
 * it: a guest whose cable is cut keeps its carrier until somebody says set_link
 * to QEMU.
 *
 *	state      meaning                          left by
 *	CLOSED     nobody is there                  the timer
 *	GREETING   connected                        {"QMP": ...}
 *	AGREEING   qmp_capabilities was said        {"return": ...}
 *	READY      set_link may be said             its end
 *
 * Answers come in the order of what was said, one at a time, and none of ours
 * has an id: so a line's first word tells all, and events, which begin with
 * another, are passed over. All belongs to the worker of bucket 0, but for
 * is_wanted.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "attach/qemu/qemu.h"
#include "base/atomic.h"
#include "base/container.h"

#define RETURNED "{\"return\""
#define REFUSED  "{\"error\""
#define GREETED  "{\"QMP\""

static bool
is_used(const struct ep_qemu *q)
{
	return q->qmp.addr.len > 0;
}

static struct ep_qemu *
of_watch(struct ep_watch *watch)
{
	return EP_CONTAINER_OF(watch, struct ep_qemu, qmp.watch);
}

static struct ep_qemu *
of_timer(struct ep_timer *timer)
{
	return EP_CONTAINER_OF(timer, struct ep_qemu, qmp.retry);
}

static struct ep_qemu *
of_task(struct ep_task *task)
{
	return EP_CONTAINER_OF(task, struct ep_qemu, qmp.task);
}

/* It is over, and why; there will be another. */
static void
lose(struct ep_qemu *q, int error)
{
	struct ep_qemu_qmp *qmp = &q->qmp;
	uint64_t now = ep_sched_mono(q->st.ifp->ep->sched);

	ep_watch_drain(&qmp->watch);
	if (qmp->fd >= 0)
		(void)close(qmp->fd);
	qmp->fd = -1;
	qmp->state = EP_QEMU_QMP_CLOSED;
	if (q->conn.is_handed) {
		ep_tell(&q->conn.tell, "no monitor any more: %s",
		    epair_err_name(error));
		return;
	}
	if (error != qmp->error)
		ep_tell(&q->conn.tell, "no monitor at %s: %s; trying again",
		    qmp->addr.text, epair_err_name(error));
	qmp->error = error;
	if (ep_timer_arm(&qmp->retry, now + q->conn.reconnect_ns) != 0)
		ep_attach_lost(&q->st, "no memory for a timer");
}

/* So little always fits; if not, the monitor does not read. */
static void
say(struct ep_qemu *q, const char *text)
{
	size_t len = strlen(text);
	ssize_t n = send(q->qmp.fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n != (ssize_t)len)
		lose(q, n < 0 ? -errno : -EAGAIN);
}

static void
say_link(struct ep_qemu *q)
{
	struct ep_qemu_qmp *qmp = &q->qmp;
	bool is_wanted = ep_load_relaxed(&qmp->is_wanted);
	char text[160];

	if (qmp->state != EP_QEMU_QMP_READY || qmp->is_asking ||
	    (qmp->has_said && qmp->said == is_wanted))
		return;
	qmp->is_asking = qmp->has_said = true;
	qmp->said = is_wanted;
	(void)snprintf(text, sizeof(text),
	    "{\"execute\":\"set_link\",\"arguments\":"
	    "{\"name\":\"%s\",\"up\":%s}}\n",
	    qmp->netdev, is_wanted ? "true" : "false");
	say(q, text);
}

static bool
begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

static void
answered(struct ep_qemu *q, const char *line)
{
	struct ep_qemu_qmp *qmp = &q->qmp;

	qmp->is_asking = false;
	if (begins(line, RETURNED))
		ep_tell(&q->conn.tell, "guest link set %s",
		    qmp->said ? "up" : "down");
	else
		ep_tell(&q->conn.tell, "guest link not set: %s", line);
	say_link(q);
}

static void
hear(struct ep_qemu *q, const char *line)
{
	struct ep_qemu_qmp *qmp = &q->qmp;
	bool is_answer = begins(line, RETURNED) || begins(line, REFUSED);

	switch (qmp->state) {
	case EP_QEMU_QMP_GREETING:
		if (!begins(line, GREETED))
			break;
		qmp->state = EP_QEMU_QMP_AGREEING;
		say(q, "{\"execute\":\"qmp_capabilities\"}\n");
		break;
	case EP_QEMU_QMP_AGREEING:
		if (begins(line, REFUSED)) {
			lose(q, -EPROTO);
		} else if (is_answer) {
			qmp->state = EP_QEMU_QMP_READY;
			qmp->error = 0;
			qmp->is_asking = qmp->has_said = false;
			say_link(q);
		}
		break;
	case EP_QEMU_QMP_READY:
		if (qmp->is_asking && is_answer)
			answered(q, line);
		break;
	default:
		break;
	}
}

/* Take lines out of what was read; the rest of one that is too long is lost. */
static void
take_lines(struct ep_qemu *q)
{
	struct ep_qemu_qmp *qmp = &q->qmp;
	char *line = qmp->in, *end;
	size_t left = qmp->in_len;

	while (qmp->fd >= 0 && (end = memchr(line, '\n', left)) != NULL) {
		left -= (size_t)(end + 1 - line);
		if (end > line && end[-1] == '\r')
			end--;
		*end = '\0';
		hear(q, line);
		line = qmp->in + (qmp->in_len - left);
	}
	if (left == sizeof(qmp->in))
		left = 0;
	memmove(qmp->in, line, left);
	qmp->in_len = left;
}

static void
monitor_ready(struct ep_watch *watch, uint32_t events)
{
	struct ep_qemu *q = of_watch(watch);
	struct ep_qemu_qmp *qmp = &q->qmp;
	ssize_t n;

	(void)events;
	if (ep_conn_is_stopping(&q->conn))
		return;
	n = recv(qmp->fd, qmp->in + qmp->in_len, sizeof(qmp->in) - qmp->in_len,
	    MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lose(q, n < 0 ? -errno : -EPIPE);
		return;
	}
	qmp->in_len += (size_t)n;
	take_lines(q);
}

/* A connected socket in qmp->fd. */
static int
reach(struct ep_qemu *q)
{
	struct ep_qemu_qmp *qmp = &q->qmp;

	if (q->conn.is_handed) {
		qmp->fd = qmp->handed;
		qmp->handed = -1;
		return qmp->fd >= 0 ? 0 : -ENOTCONN;
	}
	qmp->fd = ep_socket_connect(&qmp->addr, SOCK_STREAM);
	return qmp->fd >= 0 ? 0 : qmp->fd;
}

static void
connect_now(struct ep_timer *timer)
{
	struct ep_qemu *q = of_timer(timer);
	struct ep_qemu_qmp *qmp = &q->qmp;
	int error;

	if (ep_conn_is_stopping(&q->conn))
		return;
	error = reach(q);
	if (error == 0)
		error = ep_watch_add(&qmp->watch, qmp->fd, EPOLLIN);
	if (error != 0) {
		lose(q, error);
		return;
	}
	qmp->in_len = 0;
	qmp->state = EP_QEMU_QMP_GREETING;
}

static void
link_changed(struct ep_task *task)
{
	struct ep_qemu *q = of_task(task);

	if (!ep_conn_is_stopping(&q->conn))
		say_link(q);
}

int
ep_qemu_qmp_init(struct ep_qemu *q, const char *path, const char *netdev,
    int handed, struct epair_err *err)
{
	struct ep_worker *worker = ep_ifnet_worker(q->st.ifp, 0);
	struct ep_qemu_qmp *qmp = &q->qmp;

	qmp->fd = -1;
	qmp->handed = handed;
	if (path == NULL)
		return 0;
	ep_watch_init(&qmp->watch, worker, monitor_ready);
	ep_timer_init(&qmp->retry, worker, connect_now);
	ep_task_init(&qmp->task, worker, link_changed);
	(void)snprintf(qmp->netdev, sizeof(qmp->netdev), "%s", netdev);
	return ep_socket_path(&qmp->addr, "qmp", path, err);
}

void
ep_qemu_qmp_start(struct ep_qemu *q)
{
	if (!is_used(q))
		return;
	ep_qemu_qmp_changed(q);
	if (ep_timer_arm(&q->qmp.retry, 0) != 0)
		ep_attach_lost(&q->st, "no memory for a timer");
}

void
ep_qemu_qmp_changed(struct ep_qemu *q)
{
	struct epair_if_info info = { .size = sizeof(info) };

	if (!is_used(q) || epair_if_get_info(q->st.ifp, &info) != 0)
		return;
	ep_store_relaxed(&q->qmp.is_wanted, ep_attach_has_link(&info));
	(void)ep_task_schedule(&q->qmp.task);
}

void
ep_qemu_qmp_fini(struct ep_qemu *q)
{
	if (!is_used(q))
		return;
	/* What a handler that still ran has begun goes second. */
	for (int round = 0; round < 2; round++) {
		ep_watch_drain(&q->qmp.watch);
		(void)ep_timer_drain(&q->qmp.retry);
		(void)ep_task_drain(&q->qmp.task);
	}
	if (q->qmp.fd >= 0)
		(void)close(q->qmp.fd);
	if (q->qmp.handed >= 0)
		(void)close(q->qmp.handed);
}
