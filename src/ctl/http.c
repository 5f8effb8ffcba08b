/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/http.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/fail.h"

struct ctl_http_conn {
	TAILQ_ENTRY(ctl_http_conn) link;
	struct ctl_http *http;
	struct ctl_watch watch;
	struct ctl_timer timer;
	char head[CTL_HTTP_HEAD_MAX];
	size_t len;
	bool is_writing;
	int text; /* the metrics, while writing; or -1 */
	char out[16384]; /* waits to be written */
	size_t out_len, out_done;
};

static void
close_conn(struct ctl_http_conn *c)
{
	struct ctl_loop *loop = c->http->server->loop;

	ctl_timer_cancel(loop, &c->timer);
	ctl_watch_del(loop, &c->watch);
	TAILQ_REMOVE(&c->http->conns, c, link);
	c->http->count--;
	(void)close(c->watch.fd);
	if (c->text >= 0)
		(void)close(c->text);
	free(c);
}

static void
time_is_up(struct ctl_timer *t)
{
	close_conn(EP_CONTAINER_OF(t, struct ctl_http_conn, timer));
}

static const char *
reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 431:
		return "Request Header Fields Too Large";
	case 503:
		return "Service Unavailable";
	default:
		return "Bad Request";
	}
}

/* Begin the answer: its head, and a word of why where there is no text. */
static void
begin_answer(struct ctl_http_conn *c, const struct ctl_http_request *rq)
{
	const struct ctl_who who = { .uid = geteuid(), .is_admin = true };
	struct stat st = { 0 };
	int status = rq->status;

	if (status == 200) {
		c->text = ctl_metrics_open(c->http->server, &who, rq->dialect);
		if (c->text < 0 || fstat(c->text, &st) != 0)
			status = 503;
	}
	if (status == 200)
		c->out_len = (size_t)snprintf(c->out, sizeof(c->out),
		    "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
		    "Content-Length: %lld\r\nConnection: close\r\n\r\n",
		    ctl_metrics_type(rq->dialect), (long long)st.st_size);
	else
		c->out_len = (size_t)snprintf(c->out, sizeof(c->out),
		    "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\n%s"
		    "Content-Length: %zu\r\nConnection: close\r\n\r\n%s%s",
		    status, reason(status),
		    status == 405 ? "Allow: GET, HEAD\r\n" : "",
		    strlen(reason(status)) + 1,
		    rq->is_head ? "" : reason(status), rq->is_head ? "" : "\n");
	if (rq->is_head && c->text >= 0) {
		(void)close(c->text);
		c->text = -1;
	}
	c->is_writing = true;
	ctl_watch_set(c->http->server->loop, &c->watch, EPOLLOUT);
}

/* Returns 1 when all is written, 0 to be called again, or a negated errno. */
static int
write_some(struct ctl_http_conn *c)
{
	ssize_t n;

	if (c->out_done == c->out_len) {
		n = c->text >= 0 ? read(c->text, c->out, sizeof(c->out)) : 0;
		if (n <= 0)
			return n == 0 ? 1 : -errno;
		c->out_len = (size_t)n;
		c->out_done = 0;
	}
	n = send(c->watch.fd, c->out + c->out_done, c->out_len - c->out_done,
	    MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	c->out_done += (size_t)n;
	return 0;
}

static int
read_some(struct ctl_http_conn *c)
{
	struct ctl_http_request rq;
	ssize_t n = recv(
	    c->watch.fd, c->head + c->len, sizeof(c->head) - c->len, 0);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : 1;
	c->len += (size_t)n;
	if (ctl_http_parse(c->head, c->len, &rq))
		begin_answer(c, &rq);
	return 0;
}

static void
on_conn(struct ctl_watch *w, uint32_t events)
{
	struct ctl_http_conn *c = EP_CONTAINER_OF(
	    w, struct ctl_http_conn, watch);

	(void)events;
	if ((c->is_writing ? write_some(c) : read_some(c)) != 0)
		close_conn(c);
}

static void
on_listener(struct ctl_watch *w, uint32_t events)
{
	struct ctl_http *h = EP_CONTAINER_OF(w, struct ctl_http, listener);
	int sock = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ctl_http_conn *c;

	(void)events;
	if (sock < 0)
		return;
	c = h->count < CTL_HTTP_CONNS_MAX ? malloc(sizeof(*c)) : NULL;
	if (c == NULL) {
		h->turned_away++;
		(void)close(sock);
		return;
	}
	memset(c, 0, offsetof(struct ctl_http_conn, head));
	c->http = h;
	c->len = c->out_len = c->out_done = 0;
	c->is_writing = false;
	c->text = -1;
	c->timer.fire = time_is_up;
	c->watch = (struct ctl_watch){ sock, EPOLLIN, on_conn };
	if (ctl_watch_add(h->server->loop, &c->watch) != 0) {
		h->turned_away++;
		(void)close(sock);
		free(c);
		return;
	}
	TAILQ_INSERT_TAIL(&h->conns, c, link);
	h->count++;
	ctl_timer_set(h->server->loop, &c->timer, CTL_HTTP_NS);
}

/* "[ADDR:]PORT", ADDR in brackets if it has colons itself. */
static int
split(const char *where, char *addr, size_t size, const char **port)
{
	const char *colon = strrchr(where, ':');
	size_t len;

	*port = colon != NULL ? colon + 1 : where;
	if (colon == NULL) {
		(void)snprintf(addr, size, "127.0.0.1");
		return 0;
	}
	len = (size_t)(colon - where);
	if (len >= 2 && where[0] == '[' && where[len - 1] == ']') {
		where++;
		len -= 2;
	}
	if (len == 0 || len >= size)
		return -EINVAL;
	memcpy(addr, where, len);
	addr[len] = '\0';
	return 0;
}

/* getaddrinfo(3) takes 70000 for what is left of it in 16 bits. */
static bool
is_port(const char *port)
{
	size_t len = strspn(port, "0123456789");

	return len > 0 && len <= 5 && port[len] == '\0' &&
	       strtoul(port, NULL, 10) <= UINT16_MAX;
}

static int
listen_at(const struct addrinfo *ai)
{
	int error, one = 1;
	int fd = socket(
	    ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, 16) == 0)
		return fd;
	error = -errno;
	(void)close(fd);
	return error;
}

int
ctl_http_listen(const char *where, struct epair_err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
	struct addrinfo *found = NULL;
	char addr[64];
	const char *port;
	int fd;

	if (split(where, addr, sizeof(addr), &port) != 0 || !is_port(port) ||
	    getaddrinfo(addr, port, &hints, &found) != 0)
		return ctl_fail(err, -EINVAL,
		    "'%s' is no address to listen on; allowed: PORT, "
		    "ADDR:PORT, [ADDR]:PORT with a numeric ADDR, and 0 to "
		    "65535",
		    where);
	fd = listen_at(found);
	freeaddrinfo(found);
	if (fd < 0)
		return ctl_fail(err, fd, "cannot listen on %s port %s: %s",
		    addr, port, strerror(-fd));
	return fd;
}

int
ctl_http_start(struct ctl_http *h, int listener)
{
	TAILQ_INIT(&h->conns);
	h->listener = (struct ctl_watch){ listener, EPOLLIN, on_listener };
	return ctl_watch_add(h->server->loop, &h->listener);
}

void
ctl_http_stop(struct ctl_http *h)
{
	struct ctl_http_conn *c, *next;

	if (h->listener.fd < 0)
		return;
	for (c = TAILQ_FIRST(&h->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		close_conn(c);
	}
	ctl_watch_del(h->server->loop, &h->listener);
	(void)close(h->listener.fd);
	h->listener.fd = -1;
}
