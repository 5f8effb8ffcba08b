/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/netns.h - the network namespace in which an attachment has a device.
 *
 * What the opener gave of it - the namespace itself, a route socket in there,
 * the process that named it - and an eye on its end: a namespace whose name
 * was deleted, or whose process has ended, is lost to the attachment although
 * what it holds keeps it alive.
 *
 *	init, ask	in create; ask may fail
 *	start		in ops->start
 *	stop, fini	in ops->release; stop may come without start
 */
#ifndef EP_ATTACH_NETNS_H
#define EP_ATTACH_NETNS_H

#include "attach/attach.h"
#include "attach/opener.h"

struct ep_netns {
	struct ep_stack *st; /* constant: whose it is */
	int fd, route, process; /* constant after ask; -1: none */
	/* The owner's handler, on the worker of bucket 0, if there is route. */
	struct ep_watch route_watch;
	struct ep_watch process_watch;
	struct ep_name_watch name_watch;
	bool has_name_watch; /* constant after ask */
	int wd; /* of its folder; constant after ask */
	char entry[256]; /* constant after ask */
};

/* For ep_opt's netns=; NULL is the caller's. Returns 0 or -EINVAL. */
int ep_netns_check(const char *text, struct epair_err *err);

/* st has its ifp. told: the route socket is readable. */
void ep_netns_init(struct ep_netns *ns, struct ep_stack *st,
    void (*told)(struct ep_watch *watch, uint32_t events));

/* Descriptors that go along: all the caller's. */
struct ep_netns_with {
	int netns; /* handed over, and text says which; -1: none */
	const int *more; /* what the request has besides */
	unsigned more_count;
};

/*
 * Ask the opener for something in the namespace that text names, NULL for the
 * caller's. call->req is filled in but for the namespace. with may be NULL.
 * Returns 0, and what came is ns's and, behind that, the caller's: call->got
 * from *rest on. Else as ep_opener_ask().
 */
int ep_netns_ask(struct ep_netns *ns, const char *text,
    const struct ep_netns_with *with, struct ep_opener_call *call,
    unsigned *rest, struct epair_err *err);

/* Be told of its end. What cannot be watched is lost. */
void ep_netns_start(struct ep_netns *ns);

void ep_netns_stop(struct ep_netns *ns);
void ep_netns_fini(struct ep_netns *ns);

/* Watch a descriptor, if it is one. Failing that is as good as its end. */
void ep_netns_watch(struct ep_netns *ns, struct ep_watch *watch, int fd);

#endif /* EP_ATTACH_NETNS_H */
