/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rss/rss.h - which of the receiver's queues a frame goes to (contract 6).
 *
 * The hash is Toeplitz with Microsoft's key, as NICs compute it for receive
 * side scaling, over
 *	TCP, no fragment		both addresses and both ports
 *	UDP, no fragment, if asked	the same
 *	any other IP packet		both addresses
 * of IPv4 or IPv6, behind up to two inline VLAN tags. A packet whose transport
 * header is out of sight (mbuf/headers.h; here, behind the first 256 octets)
 * counts as any other. Tunnels are not looked into.
 *
 * Invariants:
 *	R1  frames with equal hash input have equal hashes, however they are
 *	    chained, tagged, padded or to be segmented
 *	R2  hashtype says what hash was computed over; where it says NONE there
 *	    is no hash
 *
 * Everything here may be called from any thread; the frame is its caller's.
 */
#ifndef EP_RSS_RSS_H
#define EP_RSS_RSS_H

#include <stdbool.h>
#include <stdint.h>

struct epair_mbuf;

#define EP_TOEPLITZ_MAX 36 /* octets: two IPv6 addresses and two ports */

/*
 * What n octets add to the hash when they stand at position pos of its input:
 * the hash of a whole is the exclusive or over its parts, so that parts need
 * not be gathered. pos + n is at most EP_TOEPLITZ_MAX.
 */
uint32_t ep_toeplitz(unsigned pos, const uint8_t *octets, unsigned n);

/*
 * Have the flow hash on the frame: the one it carries, if that is of a standard
 * RSS type; else one computed and stored in hash and hashtype. udp says to hash
 * the ports of UDP.
 *
 * Returns false where there is nothing to compute it over: not IP, too short or
 * malformed. hashtype is then NONE, or still OPAQUE.
 */
bool ep_rss_hash(struct epair_mbuf *m, bool udp);

/*
 * The queue of nqueues for this frame: its hash modulo nqueues, 0 if there is
 * none. With one queue nothing is looked at or stored.
 */
uint32_t ep_rss_bucket(struct epair_mbuf *m, unsigned nqueues, bool udp);

#endif /* EP_RSS_RSS_H */
