/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/source/frame.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/assert.h"
#include "mbuf/csum.h"
#include "mbuf/headers.h"

enum {
	IP = EP_ETHER_LEN,
	UDP = IP + EP_IPV4_LEN,
	PAYLOAD = UDP + EP_UDP_LEN,
	NUMBER = PAYLOAD,
	TIME = NUMBER + 8,
};

static void
put_be64(uint8_t *p, uint64_t value)
{
	ep_put_be32(p, (uint32_t)(value >> 32));
	ep_put_be32(p + 4, (uint32_t)value);
}

static void
init_ip(struct ep_source_head *head)
{
	static const uint8_t addrs[] = { 198, 18, 0, 1, 198, 18, 0, 2 };
	uint8_t *ip = head->octets + IP, *udp = head->octets + UDP;
	uint16_t sum;

	ip[0] = 0x45;
	ep_put_be16(ip + 2, head->size - IP);
	ip[6] = 0x40; /* DF */
	ip[8] = 64;
	ip[9] = EP_PROTO_UDP;
	memcpy(ip + 12, addrs, sizeof(addrs));
	sum = (uint16_t)~ep_csum_octets(ip, EP_IPV4_LEN);
	memcpy(ip + 10, &sum, 2);

	ep_put_be16(udp + 2, 9);
	ep_put_be16(udp + 4, head->size - UDP);
	head->sum = ep_csum_add(ep_csum_octets(addrs, sizeof(addrs)),
	    ep_csum_octets(udp, EP_UDP_LEN));
	head->sum = ep_csum_add(head->sum, htons(EP_PROTO_UDP));
	head->sum = ep_csum_add(head->sum, htons((uint16_t)(head->size - UDP)));
}

void
ep_source_head_init(struct ep_source_head *head, uint32_t size,
    const uint8_t *dst, const uint8_t *src)
{
	EP_ASSERT(size >= EP_SOURCE_SIZE_MIN && size <= EP_SOURCE_SIZE_MAX);
	memset(head, 0, sizeof(*head));
	head->size = size;
	memcpy(head->octets, dst, 6);
	memcpy(head->octets + 6, src, 6);
	ep_put_be16(head->octets + 12, size < PAYLOAD ? 0x88b5 : 0x0800);
	if (size < PAYLOAD)
		head->len = EP_ETHER_LEN;
	else if (size < TIME)
		head->len = size < NUMBER + 8 ? PAYLOAD : NUMBER + 8;
	else
		head->len = size < TIME + 8 ? TIME : TIME + 8;
	if (size >= PAYLOAD)
		init_ip(head);
}

void
ep_source_frame(const struct ep_source_head *head, uint8_t *frame,
    uint64_t number, uint32_t flow, uint64_t now_ns)
{
	uint8_t *udp = frame + UDP;
	uint16_t sum = head->sum;

	memcpy(frame, head->octets, head->len);
	memset(frame + head->len, 0, head->size - head->len);
	if (head->len < PAYLOAD)
		return;

	ep_put_be16(udp, EP_SOURCE_PORT + flow);
	sum = ep_csum_add(sum, htons((uint16_t)(EP_SOURCE_PORT + flow)));
	if (head->len >= NUMBER + 8)
		put_be64(frame + NUMBER, number);
	if (head->len >= TIME + 8)
		put_be64(frame + TIME, now_ns);
	sum = ep_csum_add(
	    sum, ep_csum_octets(frame + PAYLOAD, head->len - PAYLOAD));
	sum = (uint16_t)~sum;
	if (sum == 0)
		sum = 0xffff; /* 0 would say that there is none */
	memcpy(udp + 6, &sum, 2);
}
