/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * qdisc/codel_law.h - CoDel's state machine (RFC 8289), over any queue.
 *
 * A queue whose frames have waited longer than `target` for an `interval`
 * drops one, and the next after interval / sqrt(count), until they wait less
 * again. Integers only: that time is the whole part of the exact one.
 */
#ifndef EP_QDISC_CODEL_LAW_H
#define EP_QDISC_CODEL_LAW_H

#include "qdisc/qdisc.h"

/* Its square, in nanoseconds, is below 2^64. */
#define EP_CODEL_INTERVAL_MAX UINT64_C(4000000000)

struct ep_codel_conf {
	uint64_t target_ns, interval_ns;
	uint32_t mtu; /* a queue of no more octets is never too long */
	bool ecn; /* mark what can be marked, instead of dropping it */
};

struct ep_codel {
	uint64_t first_above_ns, drop_next_ns;
	uint32_t count, last_count;
	bool dropping;
};

/* The queue that it is over. */
struct ep_codel_queue {
	/* The first frame, taken out; NULL if there is none. */
	struct epair_mbuf *(*take)(void *arg);
	uint64_t (*bytes)(void *arg);
	void *arg;
	struct ep_qdisc *qd; /* whose drops they are */
};

/* The next frame to go, after giving up what has to; NULL if none is left. */
struct epair_mbuf *ep_codel_dequeue(struct ep_codel *c,
    const struct ep_codel_conf *conf, const struct ep_codel_queue *q,
    uint64_t now_ns);

#endif /* EP_QDISC_CODEL_LAW_H */
