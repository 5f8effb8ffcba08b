/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/fail.h"
#include "ctl/wire.h"

#define SYSTEM_PATH "/run/epair/epair.sock"
/* An answer is a page; this is more than any. */
#define LINE_MAX_BYTES (1u << 30)

const char *
ctl_own_path(char buf[CTL_PATH_MAX])
{
	const char *run = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0 || run == NULL || *run == '\0')
		(void)snprintf(buf, CTL_PATH_MAX, "%s", SYSTEM_PATH);
	else
		(void)snprintf(buf, CTL_PATH_MAX, "%s/epair/epair.sock", run);
	return buf;
}

const char *
ctl_default_path(char buf[CTL_PATH_MAX])
{
	if (access(ctl_own_path(buf), F_OK) != 0)
		(void)snprintf(buf, CTL_PATH_MAX, "%s", SYSTEM_PATH);
	return buf;
}

int
ctl_client_open(struct ctl_client *c, const char *path, struct epair_err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int error;

	*c = (struct ctl_client){ .sock = -1, .in = { .max = LINE_MAX_BYTES } };
	if (strlen(path) >= sizeof(sun.sun_path))
		return ctl_fail(err, -ENAMETOOLONG,
		    "%s: a socket's path has at most %zu octets", path,
		    sizeof(sun.sun_path) - 1);
	strcpy(sun.sun_path, path);
	c->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->sock < 0)
		return ctl_fail(err, -errno, "socket: %s", strerror(errno));
	if (connect(c->sock, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return 0;
	error = -errno;
	(void)close(c->sock);
	c->sock = -1;
	if (error == -ENOENT || error == -ECONNREFUSED)
		return ctl_fail(
		    err, error, "%s: no daemon is there; start epaird", path);
	return ctl_fail(err, error, "%s: %s", path, strerror(-error));
}

void
ctl_client_close(struct ctl_client *c)
{
	ctl_wire_close(c->fds, &c->fd_count);
	ctl_lines_fini(&c->in);
	if (c->sock >= 0)
		(void)close(c->sock);
	c->sock = -1;
}

static int
send_all(struct ctl_client *c, const char *data, size_t len, const int *fds,
    unsigned fd_count, struct epair_err *err)
{
	while (len > 0) {
		ssize_t n = ctl_wire_send(c->sock, data, len, fds, fd_count);

		if (n < 0)
			return ctl_fail(
			    err, -EPIPE, "the daemon closed the connection");
		data += n;
		len -= (size_t)n;
		fd_count = 0;
	}
	return 0;
}

/* More octets. */
static int
fill(struct ctl_client *c, struct epair_err *err)
{
	size_t room;
	ssize_t n;
	char *at;
	int error = ctl_lines_room(&c->in, &at, &room);

	if (error != 0)
		return ctl_fail(err, error, "the daemon's answer is too long");
	n = ctl_wire_recv(c->sock, at, room, c->fds, CTL_FDS_MAX, &c->fd_count);
	if (n <= 0)
		return ctl_fail(
		    err, -EPIPE, "the daemon closed the connection");
	ctl_lines_add(&c->in, (size_t)n);
	return 0;
}

/*
 * The next object; notifications are told. Returns 1 for a response, 0 for
 * none yet.
 */
static int
next(struct ctl_client *c, struct ctl_message *msg, struct epair_err *err)
{
	struct epair_err why;
	const char *line;
	size_t len;

	while (ctl_lines_next(&c->in, &line, &len)) {
		if (ctl_message_parse(line, len, msg, &why) != 0) {
			ctl_message_fini(msg);
			return ctl_fail(err, -EPROTO,
			    "what answers is no epaird: %s", why.text);
		}
		if (msg->method == NULL)
			return 1;
		c->told++;
		if (c->notified != NULL)
			c->notified(c->arg, msg->method, msg->params);
		ctl_message_fini(msg);
	}
	return 0;
}

/* The answer to the last request. */
static int
take_answer(struct ctl_client *c, struct ctl_message *msg, json_t **result,
    int *fd, struct epair_err *err)
{
	int got = -1;

	if (msg->fds > 1 || msg->fds > c->fd_count)
		return ctl_fail(
		    err, -EPROTO, "the daemon's answer lacks its descriptor");
	if (msg->fds == 1) {
		got = c->fds[0];
		memmove(c->fds, c->fds + 1, --c->fd_count * sizeof(int));
	}
	if (fd != NULL)
		*fd = got;
	else if (got >= 0)
		(void)close(got);
	if (msg->error != NULL) {
		ctl_refusal_read(msg->error, err);
		return err->code;
	}
	*result = json_incref(msg->result);
	return 0;
}

int
ctl_client_send(struct ctl_client *c, const char *method, json_t *params,
    const int *fds, unsigned fd_count, struct epair_err *err)
{
	size_t len = 0;
	char *line = ctl_line(
	    ctl_request(c->id + 1, method,
		params != NULL ? params : json_object(), fd_count),
	    &len);
	int error;

	if (line == NULL)
		return ctl_fail(err, -ENOMEM, "no memory for a request");
	c->id++;
	error = send_all(c, line, len, fds, fd_count, err);
	free(line);
	return error;
}

int
ctl_client_answer(
    struct ctl_client *c, json_t **result, int *fd, struct epair_err *err)
{
	struct ctl_message msg = { 0 };
	int error;

	c->answered++;
	for (;;) {
		error = next(c, &msg, err);
		/* It may say that it made nothing of us: id null. */
		if (error == 1 && (json_integer_value(msg.id) == c->answered ||
				      msg.error != NULL))
			break;
		if (error == 1)
			ctl_message_fini(&msg);
		if (error == 0)
			error = fill(c, err);
		if (error < 0)
			return error;
	}
	error = take_answer(c, &msg, result, fd, err);
	ctl_message_fini(&msg);
	return error;
}

int
/* NOLINTNEXTLINE(readability-function-size): a call and what comes of it */
ctl_client_call(struct ctl_client *c, const char *method, json_t *params,
    const int *fds, unsigned fd_count, json_t **result, int *fd,
    struct epair_err *err)
{
	int error = ctl_client_send(c, method, params, fds, fd_count, err);

	return error != 0 ? error : ctl_client_answer(c, result, fd, err);
}

/* What is there already. Nobody waits for an answer that may be among it. */
static int
tell(struct ctl_client *c, struct epair_err *err)
{
	struct ctl_message msg;
	int got;

	while ((got = next(c, &msg, err)) == 1)
		ctl_message_fini(&msg);
	return got;
}

int
ctl_client_listen(struct ctl_client *c, int timeout_ms, struct epair_err *err)
{
	struct pollfd pfd = { .fd = c->sock, .events = POLLIN };
	uint64_t told = c->told;
	int error = tell(c, err), n;

	if (error != 0 || c->told != told)
		return error;
	do
		n = poll(&pfd, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return ctl_fail(err, -ETIMEDOUT, "nothing happened in time");
	error = fill(c, err);
	return error != 0 ? error : tell(c, err);
}
