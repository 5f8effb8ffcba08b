/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/opener.h - asking the opener, the one process with privilege.
 *
 * An instance has at most one, started when first asked for, and again if it
 * died - then with the rights that are left. It is a child of ours: waited for
 * by its pid, and gone when its socket is closed or we are.
 *
 * Locking: `ask` serialises requests, one at a time. It may be held for as long
 * as the opener takes, EP_OPENER_TIMEOUT_MS at most, so nothing of the data
 * path asks. `list` guards the watches of names and is held for a moment.
 * Order: ask, then list; neither with the configuration lock held.
 */
#ifndef EP_ATTACH_OPENER_H
#define EP_ATTACH_OPENER_H

#include <sys/queue.h>

#include "attach/opener_protocol.h"
#include "net/instance.h"

/*
 * Have one running; see epair_opener_start(). Returns 0; -ENOENT if the program
 * was not found; errors of the system.
 */
int ep_opener_start(struct epair *ep, struct epair_err *err);

/* Have it start the keeper; see epair_opener_start_keeper(). */
int ep_opener_start_keeper(struct epair *ep, int sock, struct epair_err *err);

/*
 * End it, and free what is kept for it. No attachment may be left; before the
 * scheduler stops. For epair_free().
 */
void ep_opener_stop(struct epair *ep);

/* A request with what comes of it; zeros but for what is asked. */
struct ep_opener_call {
	struct ep_opener_request req; /* version and serial are filled in */
	int fds[EP_OPENER_FDS_MAX]; /* that go along: the caller's */
	unsigned fd_count;
	struct ep_opener_answer answer;
	int got[EP_OPENER_FDS_MAX]; /* that came, the caller's from then on */
	unsigned got_count; /* 0 on failure */
};

/*
 * Put a request. Returns 0; what the opener answered, with its sentence;
 * -ETIMEDOUT, -EPIPE if it is dead; what ep_opener_start() returns.
 */
int ep_opener_ask(
    struct epair *ep, struct ep_opener_call *call, struct epair_err *err);

/* Close what came. */
void ep_opener_close_got(struct ep_opener_call *call);

/*
 * A name in a folder - /run/netns/red - whose going is to be known. The kernel
 * tells nobody that a namespace's name went, and what we hold of it keeps the
 * namespace itself alive.
 *
 * Registered before the opener is asked, by the last component of the name, and
 * bound to a folder by its answer, so that nothing is missed in between.
 */
struct ep_name_watch {
	LIST_ENTRY(ep_name_watch) link; /* under list */
	const char *entry; /* constant; the owner's */
	int wd; /* under list: -1 before the answer, of any folder */
	bool is_gone; /* under list: told, or gone before it was bound */
	/* Called once, with list held, from a worker. */
	void (*gone)(struct ep_name_watch *w);
};

/*
 * Begin; gives an inotify descriptor to send along with the request, which
 * stays the instance's. Where there is none to be had (the system allows a user
 * 128), names are not watched: returns the error, and w needs no _end().
 */
int ep_name_watch_begin(struct epair *ep, struct ep_name_watch *w);

/* Bind it to the folder of an answer. Calls gone if it has gone already. */
void ep_name_watch_bind(struct epair *ep, struct ep_name_watch *w, int wd);

/* End it: gone is not called after this. */
void ep_name_watch_end(struct epair *ep, struct ep_name_watch *w);

#endif /* EP_ATTACH_OPENER_H */
