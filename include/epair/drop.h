/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epair/drop.h - every reason for which a frame may be dropped.
 *
 * One table makes the enum, the counters, the tools' words, the comments in
 * captures and the list in epair-drops(7). A frame handed to transmit is
 * either handed to the other end's stack ("delivered") or counted under
 * exactly one of these, on the interface that the third column names. What a
 * stack was handed and could not keep (rx-stack-*) is in both:
 *
 *	tx   the sending interface
 *	rx   the receiving interface
 *
 * The interface counters of epair(4) (oerrors, oqdrops, ierrors) move as the
 * fourth column says: that is the original's behaviour and is matched exactly.
 */
#ifndef EPAIR_DROP_H
#define EPAIR_DROP_H

#include <epair/err.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(NAME, "word", side, counter, "sentence") */
#define EPAIR_DROPS(X) \
	X(TOO_LONG, "too-long", tx, oerrors, \
	    "longer than the MTU and an 802.1Q header allow") \
	X(NOT_RUNNING, "not-running", tx, oerrors, \
	    "the sending interface was not RUNNING or was destroyed") \
	X(NOT_UP, "not-up", tx, oerrors, "the sending interface was not UP") \
	X(PEER_DOWN, "peer-down", tx, oerrors, \
	    "the other end was not RUNNING or not UP") \
	X(QDISC, "qdisc", tx, oqdrops, \
	    "the sender's queue discipline refused or dropped it") \
	X(QUEUE_FULL, "queue-full", tx, oqdrops, \
	    "the receiving end's queue was at its limit") \
	X(LIMIT, "limit", tx, oqdrops, \
	    "the pair or its vnet held as many frames as it may") \
	X(NO_MEMORY, "no-memory", tx, oqdrops, \
	    "memory to queue it was not to be had") \
	X(IMPAIR_LIMIT, "link-limit", tx, oqdrops, \
	    "as many frames as may wait for the link already did") \
	X(IMPAIR_CUT, "cut", tx, none, "the cable was cut") \
	X(IMPAIR_LOSS, "loss", tx, none, \
	    "lost on the cable, as its link was told to lose frames") \
	X(TX_BAD, "tx-bad", tx, none, \
	    "the attachment had a frame that is none: empty or malformed") \
	X(TX_NO_MBUF, "tx-no-mbuf", tx, none, \
	    "the attachment had a frame and no mbuf to put it in") \
	X(TX_DISABLED, "tx-disabled", tx, none, \
	    "the guest sent it on a queue that it had disabled") \
	X(TAP_RING, "tap-ring", tx, none, \
	    "the kernel's TAP queue overflowed before we read") \
	X(PACKET_RING, "packet-ring", tx, none, \
	    "the kernel's queue of a packet socket overflowed before we read") \
	X(RX_DOWN, "rx-down", rx, none, \
	    "the receiving interface was not UP at delivery") \
	X(RX_SHORT, "rx-short", rx, ierrors, \
	    "shorter than an Ethernet header at delivery") \
	X(RX_MONITOR, "rx-monitor", rx, none, \
	    "the receiving interface is set to MONITOR") \
	X(RX_NO_STACK, "rx-no-stack", rx, none, \
	    "nothing is attached to the receiving interface") \
	X(RX_OFFLOAD, "rx-offload", rx, none, \
	    "its checksum or segmentation request made no sense") \
	X(RX_NO_MBUF, "rx-no-mbuf", rx, none, \
	    "no mbuf to segment or copy it into") \
	X(RX_DESTROYED, "rx-destroyed", rx, none, \
	    "still queued when the pair was destroyed") \
	X(RX_STACK_FULL, "rx-stack-full", rx, none, \
	    "what is attached had no room for it") \
	X(RX_STACK_DOWN, "rx-stack-down", rx, none, \
	    "what is attached is down or gone") \
	X(RX_STACK_ERROR, "rx-stack-error", rx, none, \
	    "what is attached refused it")

/* clang-format off */
enum epair_drop {
#define EPAIR_DROP_ENUM(NAME, word, side, counter, sentence) EPAIR_DROP_##NAME,
	EPAIR_DROPS(EPAIR_DROP_ENUM)
#undef EPAIR_DROP_ENUM
	EPAIR_DROP_MAX
};
/* clang-format on */

/* The reason's word ("queue-full"); NULL if there is no such reason. */
EPAIR_API const char *epair_drop_word(enum epair_drop reason);

/* The reason's sentence; NULL if there is no such reason. */
EPAIR_API const char *epair_drop_sentence(enum epair_drop reason);

#ifdef __cplusplus
}
#endif

#endif /* EPAIR_DROP_H */
