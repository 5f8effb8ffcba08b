/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/watch.h"

#include <errno.h>
#include <stdlib.h>

#include "base/atomic.h"

static struct ep_watchers *
watchers_make(uint32_t count)
{
	struct ep_watchers *ws = malloc(
	    sizeof(*ws) + count * sizeof(struct ep_watcher *));

	if (ws != NULL)
		ws->count = count;
	return ws;
}

/* Let the new list be seen; the old one may go when an epoch has passed. */
static struct ep_watchers *
replace(struct epair_if *ifp, struct ep_watchers *ws)
{
	/* acquired by ep_watch_show() */
	return ep_swap_acq_rel(&ifp->watchers, ws);
}

int
ep_watch_begin(struct epair_if *ifp, struct ep_watcher *w)
{
	struct epair *ep = ifp->ep;
	struct ep_watchers *old, *ws = NULL;
	uint32_t count;
	int error = 0;

	ep_lock(&ep->lock);
	old = ifp->watchers;
	count = old != NULL ? old->count : 0;
	if (ifp->dying)
		error = -ENXIO;
	else if ((ws = watchers_make(count + 1)) == NULL)
		error = -ENOMEM;
	if (error == 0) {
		for (uint32_t i = 0; i < count; i++)
			ws->list[i] = old->list[i];
		ws->list[count] = w;
		(void)replace(ifp, ws);
	}
	ep_unlock(&ep->lock);
	if (error == 0 && old != NULL) {
		ep_epoch_wait(&ep->domain);
		free(old);
	}
	return error;
}

static bool
listed(const struct ep_watchers *ws, const struct ep_watcher *w)
{
	for (uint32_t i = 0; ws != NULL && i < ws->count; i++)
		if (ws->list[i] == w)
			return true;
	return false;
}

/* The list without w; NULL if w was all of it, or if there is no memory. */
static struct ep_watchers *
without(const struct ep_watchers *old, const struct ep_watcher *w)
{
	struct ep_watchers *ws = old->count > 1 ? watchers_make(old->count - 1)
						: NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; ws != NULL && i < old->count; i++)
		if (old->list[i] != w)
			ws->list[n++] = old->list[i];
	return ws;
}

/*
 * Without memory for a list: an end cannot fail, so the last takes w's place. A
 * reader that is in the list just then may see that one twice, or not at all.
 */
static void
take_out(struct ep_watchers *ws, const struct ep_watcher *w)
{
	uint32_t i = 0;

	while (ws->list[i] != w)
		i++;
	ep_store_release(&ws->list[i], ws->list[ws->count - 1]);
	ep_store_release(&ws->count, ws->count - 1);
}

void
ep_watch_end(struct epair_if *ifp, struct ep_watcher *w)
{
	struct epair *ep = ifp->ep;
	struct ep_watchers *old, *ws, *gone = NULL;

	ep_lock(&ep->lock);
	old = ifp->watchers;
	if (listed(old, w)) {
		ws = without(old, w);
		if (ws != NULL || old->count == 1)
			gone = replace(ifp, ws);
		else
			take_out(old, w);
	}
	ep_unlock(&ep->lock);
	ep_epoch_wait(&ep->domain);
	free(gone);
}

struct ep_watchers *
ep_watch_end_all(struct epair_if *ifp)
{
	struct ep_watchers *old = replace(ifp, NULL);

	for (uint32_t i = 0; old != NULL && i < old->count; i++)
		old->list[i]->ended(old->list[i], ifp);
	return old;
}

void
ep_watch_show_slow(struct ep_watchers *ws, struct ep_sight *sight,
    struct epair_mbuf *const *ms, unsigned n)
{
	struct ep_pair *pair = sight->ifp->pair;
	uint64_t id = ep_add_relaxed(&pair->next_pktid, n) + 1;
	bool enters = sight->outbound && sight->drop < 0;

	sight->time_ns = ep_sched_now(pair->ep->sched);
	for (unsigned i = 0; i < n; i++)
		if (enters || !(ms[i]->flags & EPAIR_M_PKTID)) {
			ms[i]->pktid = id + i;
			ms[i]->flags |= EPAIR_M_PKTID;
		}
	for (uint32_t i = 0; i < ep_load_acquire(&ws->count); i++) {
		/* acquires what take_out() released */
		struct ep_watcher *w = ep_load_acquire(&ws->list[i]);

		w->show(w, sight, ms, n);
	}
}
