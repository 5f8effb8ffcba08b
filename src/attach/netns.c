/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/container.h"

/* Its name. */

int
ep_netns_check(const char *text, struct epair_err *err)
{
	if (text != NULL &&
	    (*text == '\0' || strlen(text) >= EP_OPENER_NETNS_MAX))
		return ep_fail(err, -EINVAL,
		    "netns= takes a name, a process id, a path or new");
	return 0;
}

/* A whole number: a process. */
static bool
is_number(const char *text)
{
	return text[strspn(text, "0123456789")] == '\0';
}

/*
 * A name that can be unlinked, and its namespace with it. What is in /proc goes
 * with its process instead.
 */
static const char *
watched_entry(const char *text)
{
	const char *slash;

	if (text == NULL || strcmp(text, "new") == 0 || is_number(text) ||
	    strncmp(text, "/proc/", 6) == 0 || strncmp(text, "/dev/", 5) == 0)
		return NULL;
	slash = strrchr(text, '/');
	return slash == NULL ? text : slash + 1;
}

/* A path that means another thing to another process. */
static bool
is_own_path(const char *text)
{
	return strncmp(text, "/proc/self/", 11) == 0 ||
	       strncmp(text, "/proc/thread-self/", 18) == 0 ||
	       strncmp(text, "/dev/fd/", 8) == 0;
}

/*
 * The namespace where the opener cannot find it by itself: handed over, or by
 * a path of ours. Gives a descriptor, to be closed, or -1 if it is none of
 * these.
 */
static int
open_own(const char *text, int handed, struct epair_err *err)
{
	int fd;

	if (handed >= 0)
		fd = fcntl(handed, F_DUPFD_CLOEXEC, 0);
	else if (text == NULL || !is_own_path(text))
		return -1;
	else
		fd = open(text, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	return ep_fail_sys(err, -errno, "cannot open %.160s",
	    text != NULL ? text : "the namespace");
}

/*
 * What the opener is to look up, besides one that is handed over: not what
 * only we can.
 */
static const char *
looked_up(const char *text, int own)
{
	if (text == NULL ||
	    (own >= 0 && (strcmp(text, "new") == 0 || is_own_path(text))))
		return "";
	return text;
}

/* Its end. */

static void
name_gone(struct ep_name_watch *w)
{
	struct ep_netns *ns = EP_CONTAINER_OF(w, struct ep_netns, name_watch);
	char why[64];

	(void)snprintf(
	    why, sizeof(why), "namespace %.40s was deleted", ns->entry);
	ep_attach_lost(ns->st, why);
}

static void
process_ended(struct ep_watch *watch, uint32_t events)
{
	struct ep_netns *ns = EP_CONTAINER_OF(
	    watch, struct ep_netns, process_watch);

	(void)events;
	ep_watch_drain(watch);
	ep_attach_lost(ns->st, "the process that had the namespace ended");
}

/* Life. */

void
ep_netns_init(struct ep_netns *ns, struct ep_stack *st,
    void (*told)(struct ep_watch *watch, uint32_t events))
{
	struct ep_worker *worker = ep_ifnet_worker(st->ifp, 0);

	*ns = (struct ep_netns){
		.st = st, .fd = -1, .route = -1, .process = -1, .wd = -1
	};
	ep_watch_init(&ns->route_watch, worker, told);
	ep_watch_init(&ns->process_watch, worker, process_ended);
}

/* Have an eye on the name; without, its going is not noticed, no more. */
static void
watch_name(struct ep_netns *ns, const char *text, struct ep_opener_call *call)
{
	const char *entry = watched_entry(text);
	int inotify;

	if (entry == NULL || *entry == '\0')
		return;
	(void)snprintf(ns->entry, sizeof(ns->entry), "%s", entry);
	ns->name_watch.entry = ns->entry;
	ns->name_watch.gone = name_gone;
	inotify = ep_name_watch_begin(ns->st->ifp->ep, &ns->name_watch);
	if (inotify < 0)
		return;
	ns->has_name_watch = true;
	call->req.flags |= EP_OPENER_WATCH;
	call->fds[call->fd_count++] = inotify;
}

static unsigned
take_answer(struct ep_netns *ns, const struct ep_opener_call *call)
{
	const struct ep_opener_answer *answer = &call->answer;
	unsigned n = 0;

	if ((answer->fds & EP_OPENER_FD_NETNS) != 0)
		ns->fd = call->got[n++];
	if ((answer->fds & EP_OPENER_FD_ROUTE) != 0)
		ns->route = call->got[n++];
	if ((answer->fds & EP_OPENER_FD_PROCESS) != 0) {
		ns->process = call->got[n++];
		ns->st->process = &ns->process;
	}
	ns->wd = answer->wd;
	return n;
}

int
ep_netns_ask(struct ep_netns *ns, const char *text,
    const struct ep_netns_with *with, struct ep_opener_call *call,
    unsigned *rest, struct epair_err *err)
{
	int error, own = open_own(text, with != NULL ? with->netns : -1, err);

	if (own < -1)
		return own;
	(void)snprintf(call->req.netns, sizeof(call->req.netns), "%s",
	    looked_up(text, own));
	if (own >= 0) {
		call->req.flags |= EP_OPENER_NETNS_FD;
		call->fds[call->fd_count++] = own;
	}
	watch_name(ns, text, call);
	for (unsigned i = 0; with != NULL && i < with->more_count; i++)
		call->fds[call->fd_count++] = with->more[i];
	error = ep_opener_ask(ns->st->ifp->ep, call, err);
	if (own >= 0)
		(void)close(own);
	if (error == 0)
		*rest = take_answer(ns, call);
	return error;
}

void
ep_netns_watch(struct ep_netns *ns, struct ep_watch *watch, int fd)
{
	if (fd >= 0 && ep_watch_add(watch, fd, EPOLLIN) != 0)
		ep_attach_lost(ns->st, "its descriptors cannot be watched");
}

void
ep_netns_start(struct ep_netns *ns)
{
	if (ns->has_name_watch && ns->wd >= 0)
		ep_name_watch_bind(ns->st->ifp->ep, &ns->name_watch, ns->wd);
	ep_netns_watch(ns, &ns->route_watch, ns->route);
	ep_netns_watch(ns, &ns->process_watch, ns->process);
}

void
ep_netns_stop(struct ep_netns *ns)
{
	if (ns->has_name_watch)
		ep_name_watch_end(ns->st->ifp->ep, &ns->name_watch);
	ns->has_name_watch = false;
	ep_watch_drain(&ns->process_watch);
	ep_watch_drain(&ns->route_watch);
}

void
ep_netns_fini(struct ep_netns *ns)
{
	int *fds[] = { &ns->process, &ns->route, &ns->fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			(void)close(*fds[i]);
		*fds[i] = -1;
	}
}
