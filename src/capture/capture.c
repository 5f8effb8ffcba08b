/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/error.h"
#include "base/sized.h"
#include "mbuf/flat.h"
#include "mbuf/mbuf.h"
#include "net/instance.h"

/* Life. */

static void show(struct ep_watcher *w, const struct ep_sight *sight,
    struct epair_mbuf *const *ms, unsigned n);
static void ended(struct ep_watcher *w, struct epair_if *ifp);

static int
take_opts(const struct epair_capture_opts *from,
    struct epair_capture_opts *opts, struct epair_err *err)
{
	const uint32_t known = EPAIR_CAPTURE_BOTH | EPAIR_CAPTURE_IN |
			       EPAIR_CAPTURE_OUT;
	int error;

	*opts = (struct epair_capture_opts){ .size = sizeof(*opts) };
	error = ep_sized_take(
	    opts, sizeof(*opts), from, "struct epair_capture_opts", err);
	if (error != 0)
		return error;
	if ((opts->flags & ~known) != 0)
		return ep_fail(err, -EINVAL, "unknown capture flags 0x%x",
		    opts->flags & ~known);
	if (opts->buffer > EP_CAPRING_MAX)
		return ep_fail(err, -EINVAL,
		    "a capture buffer of %zu octets is more than %llu",
		    opts->buffer, (unsigned long long)EP_CAPRING_MAX);
	if ((opts->flags & (EPAIR_CAPTURE_IN | EPAIR_CAPTURE_OUT)) == 0)
		opts->flags |= EPAIR_CAPTURE_IN | EPAIR_CAPTURE_OUT;
	if (opts->snaplen == 0)
		opts->snaplen = EP_CAPTURE_SNAPLEN;
	if (opts->buffer == 0)
		opts->buffer = EP_CAPTURE_BUFFER;
	return 0;
}

static void
end_init(struct epair_capture *cap, struct epair_if *ifp, bool is_watched)
{
	struct ep_capture_end *end = &cap->ends[ifp->side - 'a'];

	end->watcher.show = show;
	end->watcher.ended = ended;
	end->cap = cap;
	end->ifp = ifp;
	end->is_watched = is_watched;
	ep_section_look(ifp, &end->who);
}

static void
watch_end(struct epair_capture *cap)
{
	for (unsigned i = 0; i < 2; i++)
		if (cap->ends[i].is_watched)
			ep_watch_end(cap->ends[i].ifp, &cap->ends[i].watcher);
}

static int
watch_begin(struct epair_capture *cap)
{
	int error = 0;

	for (unsigned i = 0; i < 2 && error == 0; i++)
		if (cap->ends[i].is_watched)
			error = ep_watch_begin(
			    cap->ends[i].ifp, &cap->ends[i].watcher);
	/* One that did not begin may be ended all the same. */
	if (error != 0)
		watch_end(cap);
	return error;
}

int
ep_capture_open(struct epair_if *ifp, const struct epair_capture_opts *how,
    struct epair_capture **capp, struct epair_err *err)
{
	struct epair_capture_opts opts;
	struct epair_capture *cap;
	int error = take_opts(how, &opts, err);

	if (error != 0)
		return error;
	cap = calloc(1, sizeof(*cap));
	if (cap == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a capture");
	cap->ep = ifp->ep;
	cap->ifp = ifp;
	cap->directions = opts.flags;
	cap->snaplen = opts.snaplen;
	cap->opened_ns = ep_sched_now(ifp->ep->sched);
	end_init(cap, ifp, true);
	end_init(cap, ifp->oifp, (opts.flags & EPAIR_CAPTURE_BOTH) != 0);

	error = ep_filter_init(&cap->filter, opts.filter, err);
	if (error != 0)
		goto free_cap;
	error = ep_capring_init(&cap->ring, opts.buffer);
	if (error != 0) {
		(void)ep_fail_sys(
		    err, error, "a ring of %zu octets", opts.buffer);
		goto fini_filter;
	}
	error = watch_begin(cap);
	if (error != 0) {
		(void)ep_fail_sys(err, error, "cannot watch %s",
		    cap->ends[ifp->side - 'a'].who.name);
		goto fini_ring;
	}

	/* commit */
	(void)ep_add_relaxed(&ifp->ep->capture_count, 1);
	*capp = cap;
	return 0;

fini_ring:
	ep_capring_fini(&cap->ring);
fini_filter:
	ep_filter_fini(&cap->filter);
free_cap:
	free(cap);
	return error;
}

void
ep_capture_close(struct epair_capture *cap)
{
	struct epair *ep = cap->ep;

	watch_end(cap);
	ep_capring_fini(&cap->ring);
	ep_filter_fini(&cap->filter);
	free(cap->stage);
	free(cap);
	(void)ep_sub_acq_rel(&ep->capture_count, 1);
}

/*
 * Nothing to do: the list that named us is gone, and our own memory stays
 * until close, which waits for whoever still reads that list.
 */
static void
ended(struct ep_watcher *w, struct epair_if *ifp)
{
	(void)w;
	(void)ifp;
}

/* Data. */

/* To whom it is: the sender's word, or the address if he gave none. */
static uint32_t
group_flags(const struct epair_mbuf *m)
{
	static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };
	uint32_t flags = m->flags & (EPAIR_M_BCAST | EPAIR_M_MCAST);
	uint8_t dst[sizeof(broadcast)];

	if (flags != 0 ||
	    epair_mbuf_read(m, 0, dst, sizeof(dst)) < sizeof(dst) ||
	    (dst[0] & 1) == 0)
		return flags;
	return memcmp(dst, broadcast, sizeof(dst)) == 0 ? EPAIR_M_BCAST
							: EPAIR_M_MCAST;
}

/* Returns whether there was room for it. */
static bool
record(struct ep_capture_end *end, const struct ep_sight *sight,
    struct epair_mbuf *m)
{
	struct epair_capture *cap = end->cap;
	uint32_t len = ep_flat_len(m);
	uint32_t caplen = len < cap->snaplen ? len : cap->snaplen;
	struct ep_caprec *cr = ep_capring_reserve(&cap->ring, caplen);

	if (cr == NULL)
		return false;
	ep_flat_finish(m, cr->octets, caplen);
	cr->rec.len = len;
	cr->rec.time_ns = sight->time_ns;
	cr->rec.pktid = (m->flags & EPAIR_M_PKTID) != 0 ? m->pktid : 0;
	cr->rec.side = end->ifp->side;
	cr->rec.outbound = sight->outbound ? 1 : 0;
	cr->rec.drop = sight->drop;
	cr->rec.queue = sight->queue;
	cr->rec.flags = group_flags(m);
	ep_capring_commit(cr);
	return true;
}

static void
show(struct ep_watcher *w, const struct ep_sight *sight,
    struct epair_mbuf *const *ms, unsigned n)
{
	struct ep_capture_end *end = (struct ep_capture_end *)w;
	struct epair_capture *cap = end->cap;
	unsigned seen = 0, passed = 0, lost = 0;

	if ((cap->directions &
		(sight->outbound ? EPAIR_CAPTURE_OUT : EPAIR_CAPTURE_IN)) == 0)
		return;
	for (unsigned i = 0; i < n; i++) {
		/* A drop is shown of what was shown before. */
		if (sight->drop >= 0 && (ms[i]->flags & EPAIR_M_PKTID) == 0)
			continue;
		seen++;
		if (!ep_filter_frame(&cap->filter, ms[i]))
			continue;
		passed++;
		if (!record(end, sight, ms[i]))
			lost++;
	}
	(void)ep_add_relaxed(&end->seen, seen);
	if (passed == 0)
		return;
	(void)ep_add_relaxed(&end->passed, passed);
	if (lost > 0)
		(void)ep_add_relaxed(&end->lost, lost);
	if (passed > lost)
		ep_capring_wake(&cap->ring);
}

/* Reading. */

int
epair_capture_next(struct epair_capture *cap, struct epair_record *rec)
{
	const struct epair_record *taken = ep_capring_take(&cap->ring);

	if (taken == NULL)
		return 0;
	ep_count_add(&cap->ends[taken->side - 'a'].read, 1);
	*rec = *taken;
	return 1;
}

int
epair_capture_fd(struct epair_capture *cap)
{
	return cap->ring.fd;
}

int
epair_capture_get_stats(
    struct epair_capture *cap, struct epair_capture_stats *stats)
{
	struct epair_capture_stats all = { .size = sizeof(all) };

	/* In this order, so that none is larger than the one before it. */
	for (unsigned i = 0; i < 2; i++) {
		all.read += ep_load_relaxed(&cap->ends[i].read);
		all.lost += ep_load_relaxed(&cap->ends[i].lost);
		all.passed += ep_load_relaxed(&cap->ends[i].passed);
		all.seen += ep_load_relaxed(&cap->ends[i].seen);
	}
	return ep_sized_give(stats, &all, sizeof(all));
}
