/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any frames are put to an lwIP, with time passing between: it must not read or
 * write what is not its own, nor come to an assertion of its own, which would
 * cost a user his stack, nor hold memory for good.
 *
 * Input: pieces of two octets of length, the highest bit of which says whether
 * checksums are made right first, which a fuzzer never would; one octet of time
 * behind it, in 100 ms; and the frame.
 *
 * lwIP cannot begin anew: its variables are linked into this program. So it is
 * given so much time behind each input that it forgets all about it.
 */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/lwip/engine.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/rng.h"
#include "mbuf/csum.h"
#include "mbuf/headers.h"

/* Longer than its services let a connection idle, and than 2 MSL. */
#define FORGET_NS (300 * EP_NS_PER_S)
#define FRAME_MAX 2048u

static const struct ep_lwip_conf conf = {
	.addr_count = 2,
	.addrs = {
		{ AF_INET, 24, { 10, 0, 0, 2 } },
		{ AF_INET6, 64, { 0xfd, [15] = 2 } },
	},
	.services = EP_LWIP_SERVICES,
	.mac = { 2, 0, 0, 0, 0, 0xb },
	.mtu = 1500,
	.ping = { AF_INET, 32, { 10, 0, 0, 1 } },
	.ping_count = 3,
	.ping_interval_ns = EP_NS_PER_S,
	.send = { AF_INET6, 128, { 0xfd, [15] = 1 } },
	.send_port = 7,
	.send_octets = 100000,
};

static struct {
	uint64_t now_ns;
	struct ep_rng rng;
	uint8_t frame[FRAME_MAX];
	uint32_t len;
} world;

static uint64_t
now_ns(void *arg)
{
	(void)arg;
	return world.now_ns;
}

static uint64_t
random_number(void *arg)
{
	(void)arg;
	return ep_rng_next(&world.rng);
}

static uint8_t *
frame(void *arg, uint32_t len)
{
	(void)arg;
	EP_ASSERT(len <= sizeof(world.frame));
	world.len = len;
	return world.frame;
}

static void
transmit(void *arg)
{
	(void)arg;
	EP_ASSERT(
	    world.len >= EP_ETHER_LEN && world.len <= conf.mtu + EP_ETHER_LEN);
	EP_ASSERT(memcmp(world.frame + 6, conf.mac, 6) == 0);
}

/* Now and then not, and then nobody says when. */
static bool
may_send(void *arg)
{
	(void)arg;
	return ep_rng_next(&world.rng) % 8 != 0;
}

static void
tell(void *arg, const char *sentence)
{
	(void)arg;
	EP_ASSERT(strlen(sentence) < EP_LWIP_TELL_MAX);
}

static void
failed(void *arg, const char *what)
{
	(void)arg;
	fprintf(stderr, "lwIP: %s\n", what);
	abort();
}

static const struct ep_lwip_host host = {
	.now_ns = now_ns,
	.random = random_number,
	.frame = frame,
	.transmit = transmit,
	.may_send = may_send,
	.tell = tell,
	.failed = failed,
};

/* Let time pass, with every timer at its time. */
static void
pass(uint64_t ns)
{
	uint64_t end = world.now_ns + ns, next;

	while ((next = ep_lwip_engine.next()) <= end) {
		world.now_ns = next > world.now_ns ? next : world.now_ns;
		(void)ep_lwip_engine.run();
	}
	world.now_ns = end;
}

static void
put_sum(uint8_t *field, uint16_t start, const uint8_t *from, uint32_t len)
{
	uint16_t sum;

	memset(field, 0, 2);
	sum = (uint16_t)~ep_csum_add(start, ep_csum_octets(from, len));
	memcpy(field, &sum, 2);
}

/* Of the transport header at l4, whose pseudo header has these addresses. */
static void
seal_l4(uint8_t *l4, uint32_t len, uint8_t proto, const uint8_t *addrs,
    uint32_t addrs_len)
{
	uint16_t pseudo = ep_csum_add(ep_csum_octets(addrs, addrs_len),
	    ep_csum_add(htons((uint16_t)len), htons(proto)));

	if (proto == 6 && len >= 20)
		put_sum(l4 + 16, pseudo, l4, len);
	else if (proto == 17 && len >= 8)
		put_sum(l4 + 6, pseudo, l4, len);
	else if (proto == 58 && len >= 4)
		put_sum(l4 + 2, pseudo, l4, len);
	else if (proto == 1 && len >= 4)
		put_sum(l4 + 2, 0, l4, len);
}

static void
seal(uint8_t *eth, uint32_t len)
{
	uint8_t *ip = eth + EP_ETHER_LEN;
	uint32_t hlen, total;

	if (len < EP_ETHER_LEN + EP_IPV4_LEN)
		return;
	len -= EP_ETHER_LEN;
	if (ep_be16(eth + 12) == 0x0800) {
		hlen = (uint32_t)(ip[0] & 15) * 4;
		total = ep_be16(ip + 2);
		if (hlen < EP_IPV4_LEN || total < hlen || total > len)
			return;
		put_sum(ip + 10, 0, ip, hlen);
		if ((ep_be16(ip + 6) & 0x3fff) == 0)
			seal_l4(ip + hlen, total - hlen, ip[9], ip + 12, 8);
	} else if (ep_be16(eth + 12) == 0x86dd && len >= EP_IPV6_LEN) {
		total = ep_be16(ip + 4);
		if (total <= len - EP_IPV6_LEN)
			seal_l4(ip + EP_IPV6_LEN, total, ip[6], ip + 8, 32);
	}
}

static void
put(const uint8_t *octets, uint32_t len, bool is_sealed)
{
	uint8_t *to = ep_lwip_engine.room(len);

	if (to == NULL)
		return;
	memcpy(to, octets, len);
	if (is_sealed)
		seal(to, len);
	ep_lwip_engine.input();
}

/* Returns whether it runs: it does, unless there is no memory. */
static bool
begin(void)
{
	static bool has_begun, is_running;

	if (has_begun)
		return is_running;
	has_begun = true;
	ep_rng_init(&world.rng, 1);
	is_running = ep_lwip_engine.start(&conf, &host, NULL);
	if (!is_running) {
		ep_lwip_engine.stop();
		return false;
	}
	ep_lwip_engine.set_link(true);
	ep_lwip_engine.begin();
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!begin())
		return 0;
	while (size >= 3) {
		uint32_t word = (uint32_t)(data[0] << 8 | data[1]);
		uint32_t len = word & 0x7fff;
		uint64_t ns = data[2] * 100 * EP_NS_PER_MS;

		data += 3;
		size -= 3;
		if (len > size)
			len = (uint32_t)size;
		put(data, len, (word & 0x8000) != 0);
		pass(ns);
		data += len;
		size -= len;
	}
	pass(FORGET_NS);
	return 0;
}
