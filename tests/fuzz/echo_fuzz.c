/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any octets are put to an echo stack. First octet: bit 0, whether it has
 * addresses of its own; bit 1, whether checksums are made right first, which a
 * fuzzer never would; bits 2 to 6, room behind the frame.
 *
 * An answer goes back to who asked, fits, and would not be answered in turn.
 */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "attach/echo/answer.h"
#include "base/assert.h"
#include "mbuf/csum.h"
#include "mbuf/headers.h"

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0xb };
static const struct ep_echo_addrs any;
static const struct ep_echo_addrs own = {
	.count = 2,
	.list = {
		{ AF_INET, 32, { 10, 0, 0, 2 } },
		{ AF_INET6, 128, { 0xfd, [15] = 2 } },
	},
};

static void
put_sum(uint8_t *field, uint16_t start, const uint8_t *from, uint32_t len)
{
	uint16_t sum;

	memset(field, 0, 2);
	sum = (uint16_t)~ep_csum_add(start, ep_csum_octets(from, len));
	memcpy(field, &sum, 2);
}

/* Untagged packets of full length only: the tagged ones are in the corpus. */
static void
seal(uint8_t *frame, uint32_t len)
{
	uint8_t *ip = frame + EP_ETHER_LEN;
	uint32_t total;
	uint16_t sum;

	if (len >= EP_ETHER_LEN + 28 && ep_be16(frame + 12) == 0x0800) {
		total = ep_be16(ip + 2);
		put_sum(ip + 10, 0, ip, EP_IPV4_LEN);
		if (total >= 28 && total <= len - EP_ETHER_LEN)
			put_sum(
			    ip + 22, 0, ip + EP_IPV4_LEN, total - EP_IPV4_LEN);
	} else if (len >= EP_ETHER_LEN + 48 && ep_be16(frame + 12) == 0x86dd) {
		total = ep_be16(ip + 4);
		if (total < 8 || total > len - EP_ETHER_LEN - EP_IPV6_LEN)
			return;
		sum = ep_csum_add(ep_csum_octets(ip + 8, 32),
		    ep_csum_add(htons((uint16_t)total), htons(58)));
		put_sum(ip + 42, sum, ip + EP_IPV6_LEN, total);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *frame, asker[6], is_probe[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	uint32_t len, room, answer;

	if (size < 1 || size > 70000)
		return 0;
	len = (uint32_t)size - 1;
	room = len + (data[0] >> 2 & 31);
	frame = malloc(room > 0 ? room : 1);
	if (frame == NULL)
		return 0;
	memcpy(frame, data + 1, len);
	if (data[0] & 2)
		seal(frame, len);
	if (len >= 12)
		memcpy(asker, frame + 6, 6);

	answer = ep_echo_answer(
	    mac, data[0] & 1 ? &own : &any, frame, len, room);
	EP_ASSERT(answer <= room);
	if (answer > 0) {
		EP_ASSERT(answer >= EP_ETHER_LEN);
		EP_ASSERT(memcmp(frame + 6, mac, 6) == 0);
		EP_ASSERT(memcmp(frame, asker, 6) == 0 ||
			  memcmp(frame, is_probe, 6) == 0);
		EP_ASSERT(
		    ep_echo_answer(frame, &any, frame, answer, room) == 0);
	}
	free(frame);
	return 0;
}
