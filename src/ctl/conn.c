/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "ctl/conn_priv.h"
#include "ctl/wire.h"

#define NS_PER_S UINT64_C(1000000000)

static bool
is_stalled(const struct ctl_conn *c)
{
	return c->out_len - c->out_done > c->server->limits.backlog;
}

bool
ctl_conn_keeps_up(const struct ctl_conn *c)
{
	return !c->is_broken && !is_stalled(c);
}

static void
break_off(struct ctl_conn *c, enum ctl_end end)
{
	if (!c->is_broken)
		c->end = end;
	c->is_broken = true;
	ctl_job_add(c->server->loop, &c->job);
}

/* What is to be waited for, by its state. */
static void
watch_what(struct ctl_conn *c)
{
	uint32_t events = 0;

	if (c->is_gone)
		return;
	if (c->out_len > c->out_done)
		events |= EPOLLOUT;
	if (!c->is_eof && c->pending == NULL && !is_stalled(c) &&
	    !c->rest.is_set && !ctl_lines_has_line(&c->in))
		events |= EPOLLIN;
	ctl_watch_set(c->server->loop, &c->watch, events);
}

/* What waits goes to the front, when that frees more than has to be moved. */
static void
close_up(struct ctl_conn *c)
{
	size_t waits = c->out_len - c->out_done;

	if (c->out_done < waits)
		return;
	if (waits > 0)
		memmove(c->out, c->out + c->out_done, waits);
	if (c->out_fd >= 0)
		c->out_fd_at -= c->out_done;
	c->out_len = waits;
	c->out_done = 0;
}

/* Room for n octets behind what waits. */
static bool
make_room(struct ctl_conn *c, size_t n)
{
	char *out;

	if (c->out_size - c->out_len < n)
		close_up(c);
	if (c->out_size - c->out_len >= n)
		return true;
	n += c->out_len < c->server->limits.backlog ? 2 * c->out_len
						    : c->out_len;
	out = realloc(c->out, n);
	if (out == NULL)
		return false;
	c->out = out;
	c->out_size = n;
	return true;
}

void
ctl_conn_put(struct ctl_conn *c, json_t *doc, int fd)
{
	size_t len = 0;
	char *line = ctl_line(doc, &len);

	if (line == NULL || !make_room(c, len)) {
		free(line);
		if (fd >= 0)
			(void)close(fd);
		break_off(c, CTL_END_NO_MEMORY);
		return;
	}
	/* An answer with a descriptor is the last until it has gone. */
	if (fd >= 0) {
		c->out_fd = fd;
		c->out_fd_at = c->out_len;
	}
	memcpy(c->out + c->out_len, line, len);
	c->out_len += len;
	free(line);
	watch_what(c);
}

/* Nobody is there any more: what was asked is done all the same. */
static void
hang_up(struct ctl_conn *c)
{
	c->is_gone = true;
	ctl_watch_del(c->server->loop, &c->watch);
	ctl_job_add(c->server->loop, &c->job);
}

/* What nobody will read; it kept us from going on, perhaps. */
static void
forget_answers(struct ctl_conn *c)
{
	if (c->out_done == c->out_len)
		return;
	ctl_job_add(c->server->loop, &c->job);
	c->out_done = c->out_len;
	if (c->out_fd >= 0)
		(void)close(c->out_fd);
	c->out_fd = -1;
}

void
ctl_conn_push(struct ctl_conn *c)
{
	size_t end = c->out_len;
	unsigned fds = 0;
	ssize_t n;

	if (c->is_gone) {
		forget_answers(c);
		return;
	}
	if (c->out_fd >= 0 && c->out_done == c->out_fd_at)
		fds = 1;
	else if (c->out_fd >= 0)
		end = c->out_fd_at;
	if (end == c->out_done)
		return;
	n = ctl_wire_send(c->watch.fd, c->out + c->out_done, end - c->out_done,
	    &c->out_fd, fds);
	if (n == -EPIPE || n == -ECONNRESET) {
		hang_up(c);
		forget_answers(c);
		return;
	}
	if (n < 0) {
		if (n != -EAGAIN)
			break_off(c, CTL_END_ERROR);
		return;
	}
	c->out_done += (size_t)n;
	if (fds > 0) {
		(void)close(c->out_fd);
		c->out_fd = -1;
	}
	if (c->out_done == c->out_len && c->out_size > 4096) {
		free(c->out);
		c->out = NULL;
		c->out_size = c->out_len = c->out_done = 0;
	}
}

/* Surplus descriptors are seen when all that came has been taken. */
static bool
has_surplus(const struct ctl_conn *c)
{
	return c->fd_count > 0 && ctl_lines_is_empty(&c->in);
}

static void
pull(struct ctl_conn *c)
{
	size_t room;
	ssize_t n;
	char *at;
	int error = ctl_lines_room(&c->in, &at, &room);

	if (error != 0) {
		break_off(
		    c, error == -EMSGSIZE ? CTL_END_LINE : CTL_END_NO_MEMORY);
		return;
	}
	n = ctl_wire_recv(
	    c->watch.fd, at, room, c->fds, CTL_FDS_MAX, &c->fd_count);
	if (n > 0)
		ctl_lines_add(&c->in, (size_t)n);
	else if (n == -EMSGSIZE)
		break_off(c, CTL_END_DESCRIPTORS);
	else if (n == 0)
		c->is_eof = true;
	else if (n == -ECONNRESET || c->is_gone) {
		c->is_eof = true;
		hang_up(c);
	} else if (n != -EAGAIN)
		break_off(c, CTL_END_ERROR);
	if (c->is_eof || c->is_gone || ctl_lines_has_line(&c->in))
		ctl_job_add(c->server->loop, &c->job);
}

/* All that was asked has been answered, and nothing more will be. */
static bool
is_over(struct ctl_conn *c)
{
	return c->is_eof && c->pending == NULL && !ctl_lines_has_line(&c->in) &&
	       c->out_done == c->out_len && (c->monitor == NULL || c->is_gone);
}

static void
ready(struct ctl_watch *w, uint32_t events)
{
	struct ctl_conn *c = EP_CONTAINER_OF(w, struct ctl_conn, watch);

	if ((events & EPOLLOUT) != 0)
		ctl_conn_push(c);
	if ((events & EPOLLIN) != 0)
		pull(c);
	else if ((events & (EPOLLHUP | EPOLLERR)) != 0)
		hang_up(c);
	if (c->is_broken) {
		ctl_conn_close(c, c->end);
		return;
	}
	if (!is_stalled(c)) {
		ctl_monitor_resume(c);
		if (ctl_lines_has_line(&c->in))
			ctl_job_add(c->server->loop, &c->job);
	}
	watch_what(c);
}

/*
 * Whether it may ask now. Time is what it has: each request takes a part of a
 * second, and no more than a second is saved.
 */
static bool
may_ask(struct ctl_conn *c)
{
	uint64_t now = ctl_loop_now(), price;

	if (c->who.is_admin || c->server->limits.requests == 0)
		return true;
	price = NS_PER_S / c->server->limits.requests;
	c->tokens_ns += now - c->tokens_at;
	c->tokens_at = now;
	if (c->tokens_ns > NS_PER_S)
		c->tokens_ns = NS_PER_S;
	if (c->tokens_ns < price) {
		ctl_timer_set(c->server->loop, &c->rest, price - c->tokens_ns);
		return false;
	}
	c->tokens_ns -= price;
	return true;
}

/* Take one line, and come again for the next. */
static void
run(struct ctl_job *job)
{
	struct ctl_conn *c = EP_CONTAINER_OF(job, struct ctl_conn, job);
	const char *line;
	size_t len;

	/* Its last words: nobody is watched for them. */
	if (c->is_gone && !c->is_eof && !c->is_broken && c->pending == NULL &&
	    !ctl_lines_has_line(&c->in))
		pull(c);
	if (!c->is_broken && c->pending == NULL && !is_stalled(c) &&
	    c->out_fd < 0 && ctl_lines_has_line(&c->in) && may_ask(c) &&
	    ctl_lines_next(&c->in, &line, &len)) {
		ctl_method_line(c, line, len);
		if (c->pending == NULL &&
		    (ctl_lines_has_line(&c->in) || c->is_gone))
			ctl_job_add(c->server->loop, &c->job);
	}
	if (!c->is_broken)
		ctl_conn_push(c);
	if (!c->is_broken && c->pending == NULL && has_surplus(c))
		break_off(c, CTL_END_DESCRIPTORS);
	if (!c->is_broken && is_over(c))
		break_off(c, CTL_END_CLOSED);
	if (c->is_broken)
		ctl_conn_close(c, c->end);
	else
		watch_what(c);
}

static void
rested(struct ctl_timer *t)
{
	struct ctl_conn *c = EP_CONTAINER_OF(t, struct ctl_conn, rest);

	ctl_job_add(c->server->loop, &c->job);
}

void
ctl_conn_go_on(struct ctl_conn *c)
{
	c->pending = NULL;
	ctl_job_add(c->server->loop, &c->job);
}

int
ctl_conn_open(
    struct ctl_server *s, int sock, const struct ctl_who *who, pid_t pid)
{
	struct ctl_conn *c = calloc(1, sizeof(*c));
	int error;

	if (c == NULL) {
		(void)close(sock);
		return -ENOMEM;
	}
	c->server = s;
	c->who = *who;
	c->pid = pid;
	c->watch = (struct ctl_watch){ sock, EPOLLIN, ready };
	c->job.run = run;
	c->rest.fire = rested;
	c->tokens_ns = NS_PER_S;
	c->tokens_at = ctl_loop_now();
	c->in.max = who->is_admin ? s->limits.line_admin : s->limits.line;
	c->out_fd = -1;
	error = ctl_watch_add(s->loop, &c->watch);
	if (error != 0) {
		(void)close(sock);
		free(c);
		return error;
	}
	TAILQ_INSERT_TAIL(&s->conns, c, link);
	s->conn_count++;
	return 0;
}

void
ctl_conn_close(struct ctl_conn *c, enum ctl_end end)
{
	struct ctl_server *s = c->server;

	TAILQ_REMOVE(&s->conns, c, link);
	s->conn_count--;
	s->ended[end]++;
	ctl_watch_del(s->loop, &c->watch);
	ctl_job_cancel(s->loop, &c->job);
	ctl_timer_cancel(s->loop, &c->rest);
	ctl_monitor_close(c);
	if (c->pending != NULL)
		ctl_pending_forget(c->pending);
	if (c->out_fd >= 0)
		(void)close(c->out_fd);
	ctl_wire_close(c->fds, &c->fd_count);
	(void)close(c->watch.fd);
	ctl_lines_fini(&c->in);
	free(c->out);
	free(c);
}
