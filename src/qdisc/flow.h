/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * qdisc/flow.h - which flow a frame belongs to, for disciplines that share the
 * link among flows.
 */
#ifndef EP_QDISC_FLOW_H
#define EP_QDISC_FLOW_H

#include "mbuf/mbuf.h"

/*
 * A hash over the addresses, the protocol and, where they are to be had, the
 * ports of an IPv4 or IPv6 packet, behind up to two VLAN tags; over the MAC
 * addresses and the type of anything else. A hash that the frame brought is as
 * good.
 */
uint32_t ep_flow_hash(const struct epair_mbuf *m);

#endif /* EP_QDISC_FLOW_H */
