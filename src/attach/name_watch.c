/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "attach/opener_priv.h"
#include "base/container.h"

static void
name_went(struct ep_opener *op, const struct inotify_event *ev)
    EP_REQUIRES(op->list)
{
	struct ep_name_watch *w;

	LIST_FOREACH(w, &op->names, link) {
		if (w->is_gone || strcmp(w->entry, ev->name) != 0 ||
		    (w->wd >= 0 && w->wd != ev->wd))
			continue;
		w->is_gone = true;
		if (w->wd >= 0)
			w->gone(w);
	}
}

static void
read_names(struct ep_watch *watch, uint32_t events)
{
	struct ep_opener *op = EP_CONTAINER_OF(watch, struct ep_opener, watch);
	union {
		char octets[4096];
		struct inotify_event align;
	} buf;
	ssize_t n;

	(void)events;
	ep_lock(&op->list);
	n = read(watch->fd, buf.octets, sizeof(buf));
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *ev = (const void *)(buf.octets +
								at);

		if (ev->len > 0)
			name_went(op, ev);
		at += (ssize_t)(sizeof(*ev) + ev->len);
	}
	ep_unlock(&op->list);
}

static int
open_inotify(struct ep_opener *op) EP_REQUIRES(op->list)
{
	int error, fd;

	if (op->inotify >= 0)
		return 0;
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0)
		return -errno;
	ep_watch_init(
	    &op->watch, ep_sched_worker(op->ep->sched, 0), read_names);
	error = ep_watch_add(&op->watch, fd, POLLIN);
	if (error != 0) {
		(void)close(fd);
		return error;
	}
	op->inotify = fd;
	return 0;
}

int
ep_name_watch_begin(struct epair *ep, struct ep_name_watch *w)
{
	struct ep_opener *op;
	int error = ep_opener_get(ep, &op, NULL);
	int fd = -1;

	if (error != 0)
		return error;
	ep_lock(&op->list);
	error = open_inotify(op);
	if (error == 0) {
		w->wd = -1;
		w->is_gone = false;
		LIST_INSERT_HEAD(&op->names, w, link);
		fd = op->inotify;
	}
	ep_unlock(&op->list);
	return error != 0 ? error : fd;
}

void
ep_name_watch_bind(struct epair *ep, struct ep_name_watch *w, int wd)
{
	struct ep_opener *op = NULL;

	(void)ep_opener_get(ep, &op, NULL);
	ep_lock(&op->list);
	w->wd = wd;
	if (w->is_gone)
		w->gone(w);
	ep_unlock(&op->list);
}

void
ep_name_watch_end(struct epair *ep, struct ep_name_watch *w)
{
	struct ep_opener *op = NULL;

	(void)ep_opener_get(ep, &op, NULL);
	ep_lock(&op->list);
	LIST_REMOVE(w, link);
	ep_unlock(&op->list);
}
