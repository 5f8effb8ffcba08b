/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cable that does something to its frames (contract 9.3): what stands
 * between hand_over() and the other end's queue when there is an impairment.
 *
 * An impairment belongs to its sender and lives until its link is "none" again
 * or the pair ends; a move leaves it alone. Its timer runs only while the pair
 * is alive: whoever takes the impairment away waits for the epoch, then for the
 * timer, and only then gives the pair's last run up (D1, D3).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "base/error.h"
#include "impair/impair.h"
#include "mbuf/offload.h"
#include "mbuf/pool.h"
#include "pair/pair_priv.h"

/*
 * Sending.
 */

static void
put(struct ep_impair *imp, struct ep_mcache *mc, struct epair_mbuf **ms,
    unsigned n, uint64_t came_ns)
{
	bool has_waited = came_ns != EP_CAME_NOW;
	uint64_t now_ns;

	n = ep_pair_charge(imp->ifp, mc, ms, n);
	if (n == 0)
		return;
	ep_lock(&imp->lock);
	/*
	 * Not before: a frame that came by an earlier clock than the one
	 * ahead of it would be held for the difference.
	 */
	now_ns = ep_sched_mono(imp->ifp->ep->sched);
	/* A link without turns keeps nobody waiting. */
	if (!has_waited || !ep_link_has_turns(&imp->conf))
		came_ns = now_ns;
	ep_impair_put(imp, ms, n, came_ns, has_waited, now_ns);
	ep_unlock(&imp->lock);
}

/* Cut one frame into segments and put these. */
static void
put_segments(struct ep_impair *imp, struct ep_mcache *mc, struct epair_mbuf *m,
    uint64_t came_ns)
{
	unsigned count = ep_mbuf_segments(m);
	struct epair_mbuf **parts = malloc(
	    (count + 1) * sizeof(struct epair_mbuf *));
	int n = -ENOMEM;

	if (parts != NULL)
		n = ep_mbuf_finish(m, parts, count);
	if (n == -ENOMEM)
		(void)ep_drop(imp->ifp, &m, 1, EPAIR_DROP_NO_MEMORY, 0);
	else if (n < 0)
		/* It makes no sense: the receiver will say so. */
		put(imp, mc, &m, 1, came_ns);
	else
		put(imp, mc, parts, (unsigned)n, came_ns);
	free(parts);
}

static bool
is_cut(const struct epair_mbuf *m, unsigned cuts)
{
	return cuts != EP_CUTS_NOTHING &&
	       (m->gso != EPAIR_GSO_NONE ||
		   (cuts == EP_CUTS_ALL && m->flags & EPAIR_M_CSUM_PARTIAL));
}

void
ep_cable_send(struct ep_impair *imp, struct ep_mcache *mc,
    struct epair_mbuf **ms, unsigned n, uint64_t came_ns)
{
	unsigned cuts = ep_load_relaxed(&imp->cuts), done = 0;

	for (unsigned i = 0; i < n; i++) {
		if (!is_cut(ms[i], cuts))
			continue;
		put(imp, mc, ms + done, i - done, came_ns);
		put_segments(imp, mc, ms[i], came_ns);
		done = i + 1;
	}
	put(imp, mc, ms + done, n - done, came_ns);
}

unsigned
ep_cable_room(struct ep_impair *imp, uint64_t now_ns)
{
	unsigned room = EP_BURST;

	ep_lock(&imp->lock);
	if (!ep_impair_is_free(imp, now_ns))
		room = 0;
	else if (ep_link_has_turns(&imp->conf))
		room = 1;
	ep_unlock(&imp->lock);
	return room;
}

void
ep_cable_wait(struct ep_impair *imp)
{
	ep_lock(&imp->lock);
	ep_impair_wait(imp);
	ep_unlock(&imp->lock);
}

/* From the cable into the other end's queues. */
static void
arrive(struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	if (!ep_ifnet_is_up(ifp->oifp)) {
		(void)ep_add_relaxed(&ifp->linked.dropped, n);
		(void)ep_drop(ifp, ms, n, EPAIR_DROP_PEER_DOWN, 0);
		return;
	}
	ep_pair_queue(ifp, ep_mcache_self(ifp->ep->pool), ms, n, true);
}

static void
ready(struct ep_impair *imp)
{
	ep_pair_pull(imp->ifp);
}

/*
 * Configuration.
 */

static void
change(struct ep_impair *imp, const struct ep_link_conf *conf, unsigned named,
    struct ep_link_parts *parts)
{
	ep_lock(&imp->lock);
	ep_impair_set(
	    imp, conf, named, parts, ep_sched_mono(imp->ifp->ep->sched));
	ep_unlock(&imp->lock);
}

static void
flush(struct ep_impair *imp)
{
	ep_lock(&imp->lock);
	ep_impair_flush(imp);
	ep_unlock(&imp->lock);
}

/* The other end hears nothing any more, or does again. */
static void
show_cut(struct epair_if *ifp, bool is_cut) EP_REQUIRES(ifp->ep->lock)
{
	ifp->is_cut = is_cut;
	ep_ifnet_link_update(ifp);
}

/* *old is what the caller has to end, after the lock was given up. */
static int
set_locked(struct epair_if *ifp, const char *words, const struct ep_fds *with,
    struct ep_impair **old, struct epair_err *err) EP_REQUIRES(ifp->ep->lock)
{
	struct ep_link_conf conf = { .delay_ns = 0 };
	struct ep_impair *imp = ifp->impair;
	struct ep_link_parts parts;
	unsigned named;
	int error;

	if (ifp->dying)
		return ep_fail(err, -ENXIO, "the interface is destroyed");
	if (imp != NULL)
		conf = imp->conf;
	error = ep_link_parse(words, &conf, &named, err);
	if (error == 0)
		error = ep_link_load(&conf, named, with, &parts, err);
	if (error != 0)
		return error;
	if (ep_link_is_none(&conf)) {
		if (imp != NULL)
			flush(imp);
		*old = ep_swap_acq_rel(&ifp->impair, NULL);
		show_cut(ifp, false);
		return 0;
	}
	if (imp == NULL)
		imp = ep_impair_create(
		    ifp, ep_ifnet_seed(ifp), arrive, ready, ep_pair_made_room);
	if (imp == NULL) {
		ep_link_parts_fini(&parts);
		return ep_fail(err, -ENOMEM, "no memory for a link");
	}
	change(imp, &conf, named, &parts);
	/* acquired by hand_over() */
	ep_store_release(&ifp->impair, imp);
	show_cut(ifp, conf.cut != 0);
	return 0;
}

/* There may be another limit now, or none. */
static void
wake_sender(struct epair_if *ifp)
{
	ep_lock(&ifp->ep->lock);
	if (!ifp->dying)
		ep_pair_made_room(ifp);
	ep_unlock(&ifp->ep->lock);
}

int
ep_pair_set_link(struct epair_if *ifp, const char *words,
    const struct ep_fds *with, struct epair_err *err)
{
	struct ep_impair *old = NULL;
	int error;

	ep_lock(&ifp->ep->lock);
	error = set_locked(ifp, words, with, &old, err);
	ep_unlock(&ifp->ep->lock);
	if (error != 0)
		return error;
	wake_sender(ifp);
	/* A discipline may have waited for a rate that is no more. */
	ep_pair_pull(ifp);
	if (old != NULL) {
		ep_epoch_wait(&ifp->ep->domain);
		ep_cable_end(old);
	}
	return 0;
}

int
ep_pair_get_link(struct epair_if *ifp, char *buf, size_t size)
{
	struct ep_link_conf conf = { .delay_ns = 0 };
	int error = 0;

	ep_lock(&ifp->ep->lock);
	if (ifp->dying)
		error = -ENXIO;
	else if (ifp->impair != NULL)
		conf = ifp->impair->conf;
	ep_unlock(&ifp->ep->lock);
	return error != 0 ? error : ep_link_format(&conf, buf, size);
}

void
ep_pair_get_link_fds(struct epair_if *ifp, struct ep_fds_out *out)
{
	ep_lock(&ifp->ep->lock);
	if (ifp->dying)
		out->error = -ENXIO;
	for (unsigned i = 0; ifp->impair && i < EP_FILE_MAX; i++) {
		const struct ep_read *read = ifp->impair->parts.read[i];

		if (read != NULL && read->fd >= 0)
			ep_fds_give(out, ep_link_files[i].name, read->fd);
	}
	ep_unlock(&ifp->ep->lock);
}

void
ep_cable_end(struct ep_impair *imp)
{
	(void)ep_timer_drain(&imp->timer);
	ep_lock(&imp->lock);
	ep_impair_drop(imp, imp->ifp->oifp, EPAIR_DROP_RX_DESTROYED);
	ep_unlock(&imp->lock);
	ep_impair_destroy(imp);
}
