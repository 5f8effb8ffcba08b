/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/echo/answer.h - what the echo stack says to a frame, as bytes.
 *
 * Answers, in place:
 *	ARP       a request for an address of ours
 *	ICMP      an echo request to an address of ours
 *	NDP       a neighbour solicitation for an address of ours
 *	ICMPv6    an echo request to an address of ours
 * and nothing else: no reply is ever answered, so that two of these on one
 * cable keep silent. Up to two inline VLAN tags are kept. Not answered:
 * fragments, IPv4 with options, IPv6 with extension headers, packets with a
 * wrong checksum or lengths that contradict each other, echo requests that were
 * not sent to our MAC address (a broadcast ping), senders with a group address.
 *
 * With no address of its own it takes every unicast address for its own,
 * but leaves alone whoever asks whether an address is free (ARP probes and
 * announcements, duplicate address detection): it would take all of them.
 */
#ifndef EP_ATTACH_ECHO_ANSWER_H
#define EP_ATTACH_ECHO_ANSWER_H

#include <stdint.h>

#include "base/spec.h"

#define EP_ECHO_ADDRS_MAX 16

/* What an answer may be longer than its question. */
#define EP_ECHO_GROWTH 8u

struct ep_echo_addrs {
	unsigned count; /* 0: every address */
	struct ep_addr list[EP_ECHO_ADDRS_MAX]; /* prefixes do not matter */
};

/*
 * Answer a frame of len octets in a buffer of `room` octets, as an interface
 * with this MAC and these addresses. Any octets will do.
 * Returns the length of the answer, or 0 if there is none.
 */
uint32_t ep_echo_answer(const uint8_t *mac, const struct ep_echo_addrs *addrs,
    uint8_t *frame, uint32_t len, uint32_t room);

#endif /* EP_ATTACH_ECHO_ANSWER_H */
