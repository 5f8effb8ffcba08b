/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbuf/offload.h - what a frame leaves open for somebody else to do, and doing
 * it in software.
 *
 * Two things can be open, as in virtio: the transport checksum
 * (EPAIR_M_CSUM_PARTIAL) and the cutting into segments (gso). A frame is sound
 * when
 *	O1  csum_start is 14 or more, csum_offset is even, and the two octets
 *	    at csum_start + csum_offset are in the frame
 *	O2  gso is one of enum epair_gso, ECN with TCP only, and comes with
 *	    CSUM_PARTIAL
 *	O3  a frame to be segmented is an IP packet of the version and the
 *	    transport that gso says, no fragment, its headers complete in the
 *	    first 512 octets, its IP length no more than 65535, csum_start and
 *	    csum_offset where that transport has its checksum, and no SYN
 *	    that would be cut
 *	O4  gso_size is not 0 and gives at most EP_SEGMENTS_MAX segments
 * hdr_len is a hint and not looked at. Nor are the length fields of a frame to
 * be segmented, which some systems leave 0: its octets count.
 *
 * How the checksum is finished: as virtio defines it, from csum_start to the
 * end, over whatever is there. The field holds the pseudo header's sum with the
 * length of the whole frame's transport part; for a segment only that length
 * is exchanged. So the sender's word on addresses stands - with a routing
 * header it alone knows the last destination - and a frame whose addresses were
 * damaged on the way is not blessed with a checksum that fits. A UDP checksum
 * of 0 becomes 0xffff; a UDP datagram over IPv4 whose field is 0 though it is
 * to be segmented wants no checksum, and its segments have none.
 *
 * How segments differ: IP and UDP lengths; IPv4 id counts up, header checksum
 * anew; TCP sequence number counts on, FIN and PSH on the last only, CWR with
 * EPAIR_GSO_ECN on the first only (else on all), URG as far as it reaches. All
 * other header octets are the same on each.
 */
#ifndef EP_MBUF_OFFLOAD_H
#define EP_MBUF_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <epair/if.h>
#include <epair/mbuf.h>

/*
 * The most segments one frame may become. 64 KiB at 36 octets each, which is
 * what Linux sends at the smallest MTU (1821), and no more: each segment takes
 * an mbuf, so one frame of a hostile guest takes no more of the pool than this.
 * An array of this many is enough for every sound frame.
 */
#define EP_SEGMENTS_MAX 2048u

/*
 * Does the frame carry offload that a taker of `accepts` (EPAIR_CAP_CSUM, TSO,
 * USO) cannot take as it is?
 */
static inline bool
ep_mbuf_needs_finish(const struct epair_mbuf *m, uint32_t accepts)
{
	uint32_t needs = 0;

	if ((m->flags & EPAIR_M_CSUM_PARTIAL) != 0)
		needs |= EPAIR_CAP_CSUM;
	if (m->gso != EPAIR_GSO_NONE)
		needs |= m->gso == EPAIR_GSO_UDP ? EPAIR_CAP_USO
						 : EPAIR_CAP_TSO;
	return (needs & ~accepts) != 0;
}

/*
 * Is what the frame says of its offload true of its octets (O1 to O4)? For
 * every frame that comes from a guest, a TAP or a peer. If the octets are in
 * memory that a peer can still write, that holds only for now: the calls below
 * check again, on a copy of the headers, and are safe whatever becomes of them.
 *
 * Returns 0, or -EINVAL.
 */
int ep_mbuf_offload_check(const struct epair_mbuf *m);

/*
 * epair_mbuf_finish(). -EINVAL means: not sound.
 *
 * The results have neither CSUM_PARTIAL nor CSUM_VALID, no gso, the frame's
 * other metadata and its tags, and are charged to nobody. One result is m
 * itself, or a copy if some of its buffers are foreign, which are not written;
 * so it still is charged. A frame that leaves nothing open is given back as it
 * is.
 */
int ep_mbuf_finish(struct epair_mbuf *m, struct epair_mbuf **ms, unsigned max);

/* epair_mbuf_segments(): 0 if finish would refuse the frame. */
unsigned ep_mbuf_segments(const struct epair_mbuf *m);

/*
 * Length of the longest frame that finish would give, as contract 3.2 measures
 * a frame; pktlen where there is nothing to segment or finish would refuse.
 */
uint32_t ep_mbuf_segment_len(const struct epair_mbuf *m);

/*
 * Finish the checksum in place, uncut: a frame to be segmented becomes one big
 * packet, whose lengths and IPv4 header checksum are set too. For captures, on
 * a copy. Afterwards the frame leaves nothing open.
 *
 * Returns 0, or -EINVAL with the frame unchanged.
 */
int ep_mbuf_csum(struct epair_mbuf *m);

#endif /* EP_MBUF_OFFLOAD_H */
