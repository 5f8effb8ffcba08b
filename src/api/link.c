/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api/link.c - what a cable does to frames, through the public interface.
 */
#include <epair/link.h>

#include <stddef.h>

#include "base/atomic.h"
#include "base/sized.h"
#include "impair/impair.h"
#include "pair/pair.h"

_Static_assert(EPAIR_LINK_TEXT_MAX == EP_LINK_TEXT_MAX, "one limit");

int
epair_if_set_link(
    struct epair_if *ifp, const char *words, struct epair_err *err)
{
	return ep_pair_set_link(ifp, words, err);
}

int
epair_if_get_link(struct epair_if *ifp, char *buf, size_t size)
{
	return ep_pair_get_link(ifp, buf, size);
}

int
epair_link_names_file(const char *words, struct epair_err *err)
{
	struct ep_link_conf conf = { 0 };
	unsigned named = 0;
	int error = ep_link_parse(words, &conf, &named, err);

	if (error != 0)
		return error;
	return (ep_link_parts(&conf) & EP_LINK_FILES) != 0;
}

static void
add_held(struct epair_link_stats *s, struct ep_impair *imp)
{
	ep_lock(&imp->lock);
	s->waiting = imp->line.count;
	s->waiting_bytes = imp->line.bytes;
	s->under_way = ep_held_count(&imp->held);
	s->under_way_bytes = ep_held_bytes(&imp->held);
	ep_unlock(&imp->lock);
}

int
epair_if_get_link_stats(struct epair_if *ifp, struct epair_link_stats *stats)
{
	struct epair_link_stats all = {
		.sent = ep_load_relaxed(&ifp->linked.packets),
		.duplicated = ep_load_relaxed(&ifp->linked.duplicated),
		.corrupted = ep_load_relaxed(&ifp->linked.corrupted),
		.reordered = ep_load_relaxed(&ifp->linked.reordered),
		.marked = ep_load_relaxed(&ifp->linked.marked),
		.dropped = ep_load_relaxed(&ifp->linked.dropped),
	};

	/* It goes away only under the lock. */
	ep_lock(&ifp->ep->lock);
	if (ifp->impair != NULL)
		add_held(&all, ifp->impair);
	ep_unlock(&ifp->ep->lock);
	return ep_sized_give(stats, &all, sizeof(all));
}
