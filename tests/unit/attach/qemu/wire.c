/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int
wire_setup(void **state)
{
	struct epair_opts opts = { .size = sizeof(opts), .way = EPAIR_LOOP };
	struct wire *w = calloc(1, sizeof(*w));

	if (w == NULL || epair_new(&opts, &w->ep, NULL) != 0)
		return -1;
	*state = w;
	w->a = make(w->ep, NULL, "epair0");
	w->b = epair_if_peer(w->a);
	keep(w->b, &w->at_b);
	assert_int_equal(epair_if_up(w->a), 0);
	assert_int_equal(epair_if_up(w->b), 0);
	assert_int_equal(epair_subscribe(w->ep, 4096, &w->sub, NULL), 0);
	strcpy(w->folder, "/tmp/epair-qemu-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	(void)snprintf(w->path, sizeof(w->path), "%s/s", w->folder);
	(void)snprintf(w->other, sizeof(w->other), "%s/o", w->folder);
	return 0;
}

int
wire_teardown(void **state)
{
	struct wire *w = *state;

	(void)epair_detach(w->a, NULL);
	forget(&w->at_b);
	epair_if_put(w->b);
	destroy(w->a);
	epair_unsubscribe(w->sub);
	assert_int_equal(usage(w->ep).mbufs, 0);
	assert_int_equal(epair_free(w->ep), 0);
	(void)unlink(w->path);
	(void)unlink(w->other);
	/* Nothing else is left in there. */
	assert_int_equal(rmdir(w->folder), 0);
	free(w);
	return 0;
}

static void
hear(struct wire *w)
{
	struct epair_event ev;

	while (epair_event_next(w->sub, &ev) == 1)
		if (ev.type == EPAIR_EVENT_ATTACHMENT) {
			w->events++;
			strcpy(w->said, ev.detail);
		}
}

void
wire_turn(struct wire *w)
{
	struct pollfd pfd = { .fd = epair_fd(w->ep, 0), .events = POLLIN };

	(void)poll(&pfd, 1, 1);
	if (!w->runs_itself)
		assert_true(epair_dispatch(w->ep, 0, 0) >= 0);
	hear(w);
}

void
wire_patience(uint64_t *since, const char *what)
{
	struct timespec ts;
	uint64_t now;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec;
	if (*since == 0)
		*since = now;
	if (now > *since + 10)
		fail_msg("after ten seconds still not: %s", what);
}

static int vattach(struct wire *w, struct epair_err *err, const char *fmt,
    va_list ap) __attribute__((format(printf, 3, 0)));

static int
vattach(struct wire *w, struct epair_err *err, const char *fmt, va_list ap)
{
	char spec[256];

	(void)vsnprintf(spec, sizeof(spec), fmt, ap);
	return epair_attach(w->a, spec, err);
}

void
attach(struct wire *w, const char *fmt, ...)
{
	struct epair_err err = { .text = "" };
	va_list ap;
	int error;

	va_start(ap, fmt);
	error = vattach(w, &err, fmt, ap);
	va_end(ap);
	if (error != 0)
		fail_msg("%s", err.text);
}

int
attach_error(struct wire *w, struct epair_err *err, const char *fmt, ...)
{
	va_list ap;
	int error;

	va_start(ap, fmt);
	error = vattach(w, err, fmt, ap);
	va_end(ap);
	return error;
}

int
has_said(struct wire *w, const char *words)
{
	return strstr(w->said, words) != NULL;
}

static struct sockaddr_un
un_of(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	assert_true(strlen(path) < sizeof(un.sun_path));
	strcpy(un.sun_path, path);
	return un;
}

int
peer_bind(const char *path)
{
	struct sockaddr_un un = un_of(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	(void)unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

int
peer_listen(const char *path, int socktype)
{
	struct sockaddr_un un = un_of(path);
	int fd = socket(AF_UNIX, socktype | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	(void)unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

int
peer_accept(struct wire *w, int listener)
{
	int fd = -1;

	AWAIT(w, (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0);
	return fd;
}

int
peer_connect(const char *path, int socktype)
{
	struct sockaddr_un un = un_of(path);
	int fd = socket(AF_UNIX, socktype, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

void
peer_send(int fd, uint32_t len, uint8_t c, int is_stream)
{
	uint32_t head = htonl(len);
	uint8_t *octets = malloc(sizeof(head) + len);
	size_t n = is_stream ? sizeof(head) + len : len;

	assert_non_null(octets);
	memcpy(octets, &head, sizeof(head));
	memset(octets + sizeof(head), c, len);
	assert_int_equal(send(fd, is_stream ? octets : octets + sizeof(head), n,
			     MSG_NOSIGNAL),
	    (ssize_t)n);
	free(octets);
}

void
peer_read(struct wire *w, int fd, void *buf, size_t n)
{
	uint8_t *at = buf;
	ssize_t got;

	while (n > 0) {
		AWAIT(w, (got = recv(fd, at, n, MSG_DONTWAIT)) >= 0);
		assert_true(got > 0);
		at += got;
		n -= (size_t)got;
	}
}

uint32_t
peer_read_frame(struct wire *w, int fd, uint8_t *buf, size_t size)
{
	uint32_t head;

	peer_read(w, fd, &head, sizeof(head));
	assert_true(ntohl(head) <= size);
	peer_read(w, fd, buf, ntohl(head));
	return ntohl(head);
}
