/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packet.h - TCP and UDP packets of every shape, made and judged octet by
 * octet: nothing here is shared with the code under test.
 */
#ifndef PACKET_H
#define PACKET_H

#include <stdbool.h>
#include <stdint.h>

struct packet {
	int version; /* 4 or 6 */
	bool is_tcp;
	unsigned vlans; /* inline tags, 0 to 2 */
	unsigned ip_words; /* IPv4 options, 0 to 10; IPv6: extension headers */
	unsigned tcp_words; /* TCP options, 0 to 10 */
	uint16_t id; /* IPv4 */
	uint32_t seq;
	uint8_t tcp_flags;
	uint16_t urgent;
	uint32_t payload; /* octets */
	uint64_t seed; /* of the payload's octets */
};

enum { PACKET_HEADERS_MAX = 14 + 8 + 40 + 10 * 16 + 60 };

uint32_t packet_l3(const struct packet *p);
uint32_t packet_l4(const struct packet *p);
uint32_t packet_headers(const struct packet *p);
uint32_t packet_len(const struct packet *p);
uint16_t packet_csum_start(const struct packet *p);
uint16_t packet_csum_offset(const struct packet *p);

/*
 * Write the packet, packet_len() octets, with the pseudo header's sum in the
 * place of the checksum, as virtio wants it.
 */
void packet_write(const struct packet *p, uint8_t *octets);

/* One's-complement sum, big-endian, octet by octet. */
uint16_t packet_sum(const uint8_t *octets, uint32_t len);

/*
 * Is this, headers as of p, a packet in which every length and checksum is
 * right? `none` allows UDP over IPv4 to have no checksum, and only that.
 */
bool packet_is_right(
    const struct packet *p, const uint8_t *octets, uint32_t len, bool none);

#endif /* PACKET_H */
