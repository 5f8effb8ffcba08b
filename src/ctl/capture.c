/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames to a client: a socket on which it reads pcapng.
 *
 * A thread for each capture writes, and blocks when the client does not read:
 * nothing else waits for it, and what finds no room in the capture's ring is
 * lost and counted. It writes into our end of a socket pair, which nobody else
 * holds, so that shutting that down ends a write that blocks.
 *
 *	state    meaning                               left by
 *	running  the thread writes                     the client closing, its
 *	                                               interface going, _stop
 *	over     it has said so through `over`         the main thread, joining
 *
 * That an interface goes - it is destroyed, or moved to where the client may
 * not look - is heard of by a subscription that all captures share.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/capture.h"
#include "ctl/fail.h"
#include "ctl/method.h"

/* Of the thread: what it calls takes little. */
#define STACK_BYTES (256u << 10)
/* Events that wait while the main thread does something else; taken at once. */
#define SUB_MAX    65536u
#define EVENTS_MAX 256

struct ctl_capture {
	LIST_ENTRY(ctl_capture) link;
	struct ctl_server *server;
	uid_t uid;
	struct epair_capture *cap;
	struct epair_if *ifp; /* a reference */
	uint32_t index; /* its */
	char vnet[EPAIR_NAME_MAX]; /* in which it has to be */
	int sock; /* our end */
	int gone; /* an eventfd: the interface is, write what waits and end */
	struct ctl_watch over; /* an eventfd: the thread is at its end */
	pthread_t thread;
};

unsigned
ctl_captures_of(const struct ctl_server *s, uid_t uid)
{
	const struct ctl_capture *c;
	unsigned n = 0;

	LIST_FOREACH(c, &s->captures, link)
		n += c->uid == uid;
	return n;
}

/* Until the client goes, or we shut the socket down. */
static void *
write_on(void *arg)
{
	struct ctl_capture *c = arg;
	struct pollfd pfds[] = {
		{ .fd = epair_capture_fd(c->cap), .events = POLLIN },
		{ .fd = c->sock, .events = POLLRDHUP },
		{ .fd = c->gone, .events = POLLIN },
	};
	const uint64_t one = 1;
	int n = epair_capture_dump(c->cap, c->sock, 0); /* the headers */

	while (n >= 0) {
		if (poll(pfds, 3, -1) < 0 && errno != EINTR)
			break;
		if (pfds[1].revents != 0)
			break;
		n = epair_capture_dump(c->cap, c->sock, pfds[2].revents != 0);
		if (pfds[2].revents != 0)
			break;
	}
	(void)!write(c->over.fd, &one, sizeof(one));
	return NULL;
}

static void
end(struct ctl_capture *c)
{
	(void)shutdown(c->sock, SHUT_RDWR);
	(void)pthread_join(c->thread, NULL);
	LIST_REMOVE(c, link);
	ctl_watch_del(c->server->loop, &c->over);
	epair_capture_close(c->cap);
	epair_if_put(c->ifp);
	(void)close(c->over.fd);
	(void)close(c->gone);
	(void)close(c->sock);
	free(c);
}

static void
is_over(struct ctl_watch *w, uint32_t events)
{
	(void)events;
	end(EP_CONTAINER_OF(w, struct ctl_capture, over));
}

void
ctl_captures_stop(struct ctl_server *s)
{
	struct ctl_capture *c;

	while ((c = LIST_FIRST(&s->captures)) != NULL)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it left the list */
		end(c);
	if (s->capture_sub == NULL)
		return;
	ctl_watch_del(s->loop, &s->capture_events);
	epair_unsubscribe(s->capture_sub);
	s->capture_sub = NULL;
}

static bool
is_gone(const struct ctl_capture *c)
{
	struct epair_if_info info = { .size = sizeof(info) };

	return epair_if_get_info(c->ifp, &info) != 0 ||
	       strcmp(info.vnet, c->vnet) != 0;
}

/* An event that is missing may have been of any of them. */
static void
tell_gone(struct ctl_server *s, const struct epair_event *ev)
{
	const uint64_t one = 1;
	struct ctl_capture *c;

	LIST_FOREACH(c, &s->captures, link)
		if ((c->index == ev->index || ev->missing > 0) && is_gone(c))
			(void)!write(c->gone, &one, sizeof(one));
}

static void
on_events(struct ctl_watch *w, uint32_t events)
{
	struct ctl_server *s = EP_CONTAINER_OF(
	    w, struct ctl_server, capture_events);
	struct epair_event ev;

	(void)events;
	for (int i = 0; i < EVENTS_MAX; i++) {
		if (epair_event_next(s->capture_sub, &ev) != 1)
			return;
		if (ev.type == EPAIR_EVENT_DESTROY ||
		    ev.type == EPAIR_EVENT_MOVE || ev.missing > 0)
			tell_gone(s, &ev);
	}
}

/* From the first capture on. */
static int
subscribe(struct ctl_server *s, struct epair_err *err)
{
	int error;

	if (s->capture_sub != NULL)
		return 0;
	error = epair_subscribe(s->world->ep, SUB_MAX, &s->capture_sub, err);
	if (error != 0)
		return error;
	s->capture_events = (struct ctl_watch){ epair_event_fd(s->capture_sub),
		EPOLLIN, on_events };
	error = ctl_watch_add(s->loop, &s->capture_events);
	if (error == 0)
		return 0;
	epair_unsubscribe(s->capture_sub);
	s->capture_sub = NULL;
	return ctl_fail(err, error, "cannot watch for events");
}

static int
start_thread(struct ctl_capture *c)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int error;

	(void)sigfillset(&all);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	(void)pthread_sigmask(SIG_BLOCK, &all, &old);
	error = pthread_create(&c->thread, &attr, write_on, c);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attr);
	return -error;
}

/* Begin to write cap; takes it. Gives the client's end in *theirs. */
static int
start(struct ctl_request *rq, struct epair_capture *cap, struct epair_if *ifp,
    const struct epair_if_info *info, int *theirs)
{
	struct ctl_server *s = rq->conn->server;
	struct ctl_capture *c = calloc(1, sizeof(*c));
	int pair[2], error;

	if (c == NULL) {
		error = -ENOMEM;
		goto close_cap;
	}
	*c = (struct ctl_capture){ .server = s, .uid = rq->conn->who.uid };
	c->cap = cap;
	c->ifp = ifp;
	c->index = info->index;
	strcpy(c->vnet, info->vnet);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		error = -errno;
		goto free_c;
	}
	c->sock = pair[0];
	*theirs = pair[1];
	c->over = (struct ctl_watch){ eventfd(0, EFD_CLOEXEC), EPOLLIN,
		is_over };
	c->gone = eventfd(0, EFD_CLOEXEC);
	if (c->over.fd < 0 || c->gone < 0) {
		error = -errno;
		goto close_over;
	}
	error = ctl_watch_add(s->loop, &c->over);
	if (error == 0)
		error = start_thread(c);
	if (error != 0)
		goto close_over;
	(void)epair_if_ref(ifp);
	LIST_INSERT_HEAD(&s->captures, c, link);
	return 0;

close_over:
	if (c->over.fd >= 0)
		(void)close(c->over.fd);
	if (c->gone >= 0)
		(void)close(c->gone);
	(void)close(pair[0]);
	(void)close(pair[1]);
free_c:
	free(c);
close_cap:
	epair_capture_close(cap);
	return error;
}

static uint32_t
flags_of(struct ctl_request *rq, const char *side)
{
	uint32_t flags = 0;

	if (json_is_true(json_object_get(rq->params, "both")))
		flags |= EPAIR_CAPTURE_BOTH;
	if (side != NULL)
		flags |= strcmp(side, "in") == 0 ? EPAIR_CAPTURE_IN
						 : EPAIR_CAPTURE_OUT;
	return flags;
}

/* Whether the other end is theirs to see, too. */
static int
may_see_both(
    struct ctl_request *rq, struct epair_if *ifp, struct epair_err *err)
{
	struct epair_if_info info = { .size = sizeof(info) };

	if (epair_if_get_info(ifp, &info) != 0)
		return ctl_fail(err, -ENXIO, "the interface is destroyed");
	if (ctl_world_may(
		rq->conn->server->world, &rq->conn->who, info.peer_vnet))
		return 0;
	return ctl_fail(err, -EPERM,
	    "%s/%s: the other end is in a vnet that is not yours", info.vnet,
	    info.name);
}

static int
open_on(struct ctl_request *rq, struct epair_if *ifp,
    struct epair_capture **cap, struct epair_err *err)
{
	json_t *p = rq->params;
	const char *side = json_string_value(json_object_get(p, "side"));
	struct epair_capture_opts opts = { .size = sizeof(opts) };
	json_int_t snaplen = json_integer_value(json_object_get(p, "snaplen"));
	json_int_t buffer = json_integer_value(json_object_get(p, "buffer"));
	int error = 0;

	if (side != NULL && strcmp(side, "in") != 0 && strcmp(side, "out") != 0)
		return ctl_fail(err, -EINVAL, "side: must be in or out");
	if (snaplen > UINT32_MAX)
		return ctl_fail(err, -EINVAL, "snaplen: is too large");
	opts.flags = flags_of(rq, side);
	opts.filter = json_string_value(json_object_get(p, "filter"));
	opts.snaplen = (uint32_t)snaplen;
	opts.buffer = (size_t)buffer;
	if (!rq->conn->who.is_admin && opts.buffer > CTL_CAPTURE_BUFFER_MAX)
		return ctl_fail(err, -EINVAL, "buffer: must be %u at most",
		    CTL_CAPTURE_BUFFER_MAX);
	if ((opts.flags & EPAIR_CAPTURE_BOTH) != 0)
		error = may_see_both(rq, ifp, err);
	return error != 0 ? error : epair_capture_open(ifp, &opts, cap, err);
}

int
ctl_do_capture(struct ctl_request *rq, json_t **result, struct epair_err *err)
{
	struct ctl_server *s = rq->conn->server;
	struct epair_if_info info = { .size = sizeof(info) };
	struct epair_capture *cap = NULL;
	struct epair_if *ifp = NULL;
	int error = ctl_stream_may(rq->conn, err);

	(void)result;
	if (error == 0)
		error = subscribe(s, err);
	if (error != 0)
		return error;
	error = ctl_world_find_if(s->world, &rq->conn->who,
	    json_string_value(json_object_get(rq->params, "if")), &ifp, err);
	if (error == 0)
		error = open_on(rq, ifp, &cap, err);
	if (error == 0)
		error = epair_if_get_info(ifp, &info);
	if (error != 0) {
		epair_capture_close(cap);
	} else {
		error = start(rq, cap, ifp, &info, &rq->give_fd);
		if (error != 0)
			(void)ctl_fail(err, error, "cannot capture");
	}
	epair_if_put(ifp);
	return error;
}
