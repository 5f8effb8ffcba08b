/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/watch.h - where captures look at an interface (FreeBSD's bpf taps).
 *
 * The net layer knows that somebody watches, not who: capture/ embeds a struct
 * ep_watcher. The list of an interface is replaced as a whole under the
 * configuration lock and read in an epoch section; an interface that nobody
 * watches pays one load.
 */
#ifndef EP_NET_WATCH_H
#define EP_NET_WATCH_H

#include <stdint.h>

#include "net/ifnet.h"

struct ep_watcher;

/* What is shown: a burst of frames passing, or being dropped. */
struct ep_sight {
	struct epair_if *ifp;
	bool outbound; /* sent by ifp; else received by it */
	int drop; /* enum epair_drop, or -1 */
	uint32_t queue; /* bucket, inbound */
	uint64_t time_ns; /* the instance's clock */
};

struct ep_watcher {
	/*
	 * Look at n frames. They stay as they are and where they are. In an
	 * epoch section: no waiting, no configuration.
	 */
	void (*show)(struct ep_watcher *w, const struct ep_sight *sight,
	    struct epair_mbuf *const *ms, unsigned n);
	/* The interface ends the watch (moved, destroyed). No lock but the
	 * configuration's is held; w is not called again once the epoch has
	 * passed. */
	void (*ended)(struct ep_watcher *w, struct epair_if *ifp);
};

struct ep_watchers {
	uint32_t count;
	struct ep_watcher *list[];
};

/*
 * Begin and end watching. del waits for the epoch: after it w is not called
 * for ifp; a watch that has ended already is no error.
 * add returns 0, -ENXIO if dying, -ENOMEM.
 */
int ep_watch_begin(struct epair_if *ifp, struct ep_watcher *w);
void ep_watch_end(struct epair_if *ifp, struct ep_watcher *w);

/* End all watches of an interface. The caller waits for the epoch and then
 * frees what it returns (NULL if none). */
struct ep_watchers *ep_watch_end_all(struct epair_if *ifp)
    EP_REQUIRES(ifp->ep->lock);

/*
 * Show frames to whoever watches. In an epoch section. Gives frames that have
 * none a packet id of the pair. The slow path of ep_watch_show().
 */
void ep_watch_show_slow(struct ep_watchers *ws, struct ep_sight *sight,
    struct epair_mbuf *const *ms, unsigned n);

static inline void
ep_watch_show(struct epair_if *ifp, bool outbound, int drop, uint32_t queue,
    struct epair_mbuf *const *ms, unsigned n)
{
	/* acquires what ep_watch_begin() released */
	struct ep_watchers *ws = __atomic_load_n(
	    &ifp->watchers, __ATOMIC_ACQUIRE);

	if (__builtin_expect(ws != NULL, 0)) {
		struct ep_sight sight = {
			.ifp = ifp,
			.outbound = outbound,
			.drop = drop,
			.queue = queue,
		};

		ep_watch_show_slow(ws, &sight, ms, n);
	}
}

#endif /* EP_NET_WATCH_H */
