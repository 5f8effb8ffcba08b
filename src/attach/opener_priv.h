/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/opener_priv.h - what opener.c and name_watch.c keep for an instance.
 */
#ifndef EP_ATTACH_OPENER_PRIV_H
#define EP_ATTACH_OPENER_PRIV_H

#include <sys/types.h>

#include "attach/opener.h"
#include "sched/sched.h"

LIST_HEAD(name_watches, ep_name_watch);

struct ep_opener {
	struct epair *ep;
	struct ep_mutex ask;
	int sock EP_GUARDED; /* under ask; -1: none runs */
	pid_t pid EP_GUARDED; /* under ask */
	uint32_t serial EP_GUARDED; /* under ask */

	struct ep_mutex list;
	struct name_watches names EP_GUARDED; /* under list */
	int inotify EP_GUARDED; /* under list; -1: none yet */
	struct ep_watch watch;
};

/* The instance's, made if there is none yet. Returns 0, or -ENOMEM. */
int ep_opener_get(
    struct epair *ep, struct ep_opener **op, struct epair_err *err);

#endif /* EP_ATTACH_OPENER_PRIV_H */
