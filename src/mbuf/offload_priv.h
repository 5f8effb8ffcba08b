/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbuf/offload_priv.h - what offload.c, which judges, hands to finish.c, which
 * cuts.
 */
#ifndef EP_MBUF_OFFLOAD_PRIV_H
#define EP_MBUF_OFFLOAD_PRIV_H

#include "mbuf/headers.h"
#include "mbuf/offload.h"

enum {
	EP_TCP_CSUM = 16, /* where the checksum is in the transport header */
	EP_UDP_CSUM = 6,
	EP_PLAN_HEADERS = 512,
};

/* How a frame is to be cut. */
struct ep_plan {
	struct ep_headers h;
	uint32_t hdr_len; /* octets in front of the payload */
	uint32_t pktlen;
	uint32_t size; /* payload octets per segment */
	uint32_t count; /* segments, 1 or more */
	bool is_tcp;
	bool is_ecn;
	uint16_t seed; /* pseudo header's sum, as the sender left it */
	uint8_t hdr[EP_PLAN_HEADERS]; /* a copy, which no peer can change */
};

/* O1. Returns 0, or -EINVAL. */
int ep_offload_check_csum(const struct epair_mbuf *m);

/* O1 to O4, of a frame to be segmented. Returns 0, or -EINVAL. */
int ep_plan_make(const struct epair_mbuf *m, struct ep_plan *plan);

#endif /* EP_MBUF_OFFLOAD_PRIV_H */
