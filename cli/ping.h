/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/ping.h - ICMP echo requests and their replies, as octets.
 */
#ifndef CLI_PING_H
#define CLI_PING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PING_DATA 56u
#define PING_LEN  (8u + PING_DATA) /* of the ICMP message */

/* The Internet checksum (RFC 1071), in network order when stored as it is. */
uint16_t ping_checksum(const void *octets, size_t len);

/* Write an echo request. */
void ping_make(uint8_t message[PING_LEN], uint16_t id, uint16_t seq);

/*
 * Whether an IPv4 packet, from its header on, is the echo reply with our data
 * to that request.
 */
bool ping_is_reply(
    const uint8_t *packet, size_t len, uint16_t id, uint16_t seq);

#endif /* CLI_PING_H */
