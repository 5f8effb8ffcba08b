/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epair/qdisc.h - queue disciplines: which of the frames that wait for the link
 * goes next, and which is given up.
 *
 * A discipline belongs to the interface that sends (epair_if_set_qdisc()). It
 * matters where something holds frames back: a link with a rate or a trace
 * (link.h), or a discipline that shapes by itself, which is htb. They are
 * written "kind:key=value,...":
 *
 *	fifo	limit=N,mark=N
 *	priq	limit=N,by=pcp|dscp
 *	drr	limit=N,by=flow|pcp|dscp,flows=N,quantum=N,weight=CLASS:N
 *	htb	limit=N,by=pcp|dscp,burst=N,class=CLASS:RATE[:CEIL]
 *	codel	limit=N,target=TIME,interval=TIME,mtu=N,ecn=on|off
 *	fq-codel the same and flows=N,quantum=N
 *
 * Classes are numbered by importance, 0 to 7: the 802.1Q priority, or the upper
 * three bits of the DSCP. weight= and class= may be repeated.
 */
#ifndef EPAIR_QDISC_H
#define EPAIR_QDISC_H

#include <stddef.h>
#include <stdint.h>

#include <epair/err.h>

#ifdef __cplusplus
extern "C" {
#endif

struct epair_if;

#define EPAIR_QDISC_CLASSES 8

/* What one class of priq, drr or htb has done. */
struct epair_qdisc_class {
	uint64_t sent, sent_bytes;
	uint64_t dropped;
	uint64_t waiting, waiting_bytes; /* now */
};

/* What a discipline has done since it was set. */
struct epair_qdisc_stats {
	size_t size; /* sizeof(struct epair_qdisc_stats) */
	uint64_t sent, sent_bytes; /* that left it for the link */
	uint64_t dropped; /* refused or given up: reason "qdisc" */
	uint64_t marked; /* of the sent: as having met congestion */
	uint64_t waiting, waiting_bytes; /* now */
	uint64_t delay_ns,
	    delay_max_ns; /* that the last sent, and any, waited */
	/* Of codel; of fq-codel and drr by flow, over all flows. */
	uint64_t flows; /* with frames that wait, now */
	uint64_t flows_new; /* that began to wait */
	uint64_t dropping; /* CoDel's state machines that drop, now */
	uint64_t borrowed; /* htb: sent beyond a class's own rate */
	uint32_t classes; /* of these; 0: the discipline has none */
	struct epair_qdisc_class of_class[EPAIR_QDISC_CLASSES];
};

/*
 * Fill *stats. Returns 0; -ENOENT if there is no discipline; -ENXIO; -EINVAL
 * for the size.
 */
EPAIR_API int epair_if_get_qdisc_stats(
    struct epair_if *ifp, struct epair_qdisc_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* EPAIR_QDISC_H */
