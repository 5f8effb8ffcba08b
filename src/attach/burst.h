/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/burst.h - frames copied out of a peer's memory, and transmitted
 * together.
 *
 * Small mbufs are taken a few at a time, more as more frames come, so that one
 * frame pays for few and many for one call in 32.
 *
 * On one thread; begun and ended within one turn.
 */
#ifndef EP_ATTACH_BURST_H
#define EP_ATTACH_BURST_H

#include "mbuf/mbuf.h"
#include "net/ifnet.h"

#define EP_BURST_MAX      64u
#define EP_BURST_TAKE_MAX 32u

/* The longest frame that any MTU allows. */
#define EP_BURST_FRAME_MAX (EP_MTU_MAX + EP_ETHER_HDR_LEN + EP_ETHER_VLAN_LEN)

struct ep_burst {
	struct epair_if *ifp;
	unsigned sent; /* frames transmitted so far */
	struct epair_mbuf *ms[EP_BURST_MAX];
	unsigned count;
	struct epair_mbuf *fresh[EP_BURST_TAKE_MAX]; /* small ones */
	unsigned fresh_count;
	unsigned take; /* how many next: doubles as frames come */
};

void ep_burst_init(struct ep_burst *burst, struct epair_if *ifp);

/*
 * An mbuf with room for a frame of len octets in one piece, len and pktlen 0.
 * It is the caller's. NULL, and counted as a drop: the frame is too short, too
 * long, or there is no mbuf.
 */
struct epair_mbuf *ep_burst_mbuf(struct ep_burst *burst, uint64_t len);

/* Have it transmitted with the others. Takes it. Not when it is full. */
static inline void
ep_burst_add(struct ep_burst *burst, struct epair_mbuf *m)
{
	burst->ms[burst->count++] = m;
}

static inline bool
ep_burst_is_full(const struct ep_burst *burst)
{
	return burst->count == EP_BURST_MAX;
}

/* Transmit what was added; and give back what was not used. */
void ep_burst_transmit(struct ep_burst *burst);
void ep_burst_fini(struct ep_burst *burst);

#endif /* EP_ATTACH_BURST_H */
