/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbuf/ecn.h - marking a packet instead of dropping it (RFC 3168).
 */
#ifndef EP_MBUF_ECN_H
#define EP_MBUF_ECN_H

#include <stdbool.h>

#include "mbuf/mbuf.h"

/*
 * Set Congestion Experienced in the IPv4 or IPv6 header, behind up to two
 * VLAN tags. Returns false, with the frame as it was, if it is no IP packet,
 * its transport does not take part, or its header cannot be written: it is in
 * a buffer of somebody else's.
 */
bool ep_ecn_mark(struct epair_mbuf *m);

#endif /* EP_MBUF_ECN_H */
