/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/ping.h"

#include <arpa/inet.h>
#include <netinet/ip_icmp.h>
#include <string.h>

uint16_t
ping_checksum(const void *octets, size_t len)
{
	const uint8_t *p = octets;
	uint32_t sum = 0;
	uint16_t word;

	for (; len > 1; p += 2, len -= 2) {
		memcpy(&word, p, 2);
		sum += word;
	}
	if (len == 1) {
		word = 0;
		memcpy(&word, p, 1);
		sum += word;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void
make(uint8_t message[PING_LEN], uint8_t type, uint16_t id, uint16_t seq)
{
	struct icmphdr icmp = { .type = type };

	icmp.un.echo.id = htons(id);
	icmp.un.echo.sequence = htons(seq);
	memcpy(message, &icmp, sizeof(icmp));
	for (unsigned i = 0; i < PING_DATA; i++)
		message[sizeof(icmp) + i] = (uint8_t)i;
	icmp.checksum = ping_checksum(message, PING_LEN);
	memcpy(message, &icmp, sizeof(icmp));
}

void
ping_make(uint8_t message[PING_LEN], uint16_t id, uint16_t seq)
{
	make(message, ICMP_ECHO, id, seq);
}

bool
ping_is_reply(const uint8_t *packet, size_t len, uint16_t id, uint16_t seq)
{
	uint8_t expected[PING_LEN];
	size_t header;

	if (len < 20)
		return false;
	header = (size_t)(packet[0] & 0xf) * 4;
	if (header < 20 || len < header + PING_LEN)
		return false;
	make(expected, ICMP_ECHOREPLY, id, seq);
	return memcmp(packet + header, expected, PING_LEN) == 0;
}
