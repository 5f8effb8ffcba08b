/* SPDX-License-Identifier: BSD-2-Clause */
#include "rss/rss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <epair/mbuf.h>

#include "../mbuf/packet.h"
#include "base/rng.h"
#include "naive.h"

#define PIECES_MAX 64

static uint8_t octets[4096];
static uint8_t scattered[sizeof(octets) + PIECES_MAX];
static struct epair_mbuf pieces[PIECES_MAX];

static const struct packet tcp4 = { .version = 4,
	.is_tcp = true,
	.payload = 30 };
static const struct packet udp4 = { .version = 4, .payload = 30 };
static const struct packet tcp6 = { .version = 6,
	.is_tcp = true,
	.payload = 30 };
static const struct packet udp6 = { .version = 6, .payload = 30 };

/* A frame around the first len octets, in one mbuf. */
static struct epair_mbuf *
whole(uint32_t len)
{
	pieces[0] =
	    (struct epair_mbuf){ .data = octets, .len = len, .pktlen = len };
	return &pieces[0];
}

/* The same, in pieces of 0 to max octets and one with the rest. */
static struct epair_mbuf *
split(uint32_t len, uint32_t max, struct ep_rng *rng)
{
	uint32_t off = 0, n;

	/* Something between them, that whoever runs over an end sees. */
	memset(scattered, 0xee, sizeof(scattered));
	for (unsigned i = 0; i < PIECES_MAX; i++) {
		n = (uint32_t)(ep_rng_next(rng) % (max + 1));
		if (n > len - off || i == PIECES_MAX - 1)
			n = len - off;
		pieces[i] = (struct epair_mbuf){ .data = scattered + off + i,
			.len = n };
		memcpy(pieces[i].data, octets + off, n);
		if (i > 0)
			pieces[i - 1].next = &pieces[i];
		off += n;
	}
	pieces[0].pktlen = len;
	return &pieces[0];
}

static struct epair_mbuf *
made(const struct packet *p)
{
	packet_write(p, octets);
	return whole(packet_len(p));
}

/* The hash by definition, of the packet in octets. */
static uint32_t
expected(const struct packet *p, bool ports)
{
	uint8_t input[36];
	unsigned len = p->version == 4 ? 8 : 32;

	memcpy(input, octets + packet_l3(p) + (p->version == 4 ? 12 : 8), len);
	memcpy(input + len, octets + packet_l4(p), 4);
	return naive_toeplitz(input, ports ? len + 4 : len);
}

static void
assert_hash(
    struct epair_mbuf *m, bool udp, enum epair_hashtype type, uint32_t hash)
{
	assert_int_equal(ep_rss_bucket(m, 1024, udp), hash % 1024);
	assert_int_equal(m->hashtype, type);
	assert_int_equal(m->hash, hash);
}

static void
assert_none(struct epair_mbuf *m)
{
	assert_false(ep_rss_hash(m, true));
	assert_int_equal(m->hashtype, EPAIR_HASH_NONE);
	m->hash = 0xffffffff;
	assert_int_equal(ep_rss_bucket(m, 1000, true), 0);
}

static void
tcp_hashes_with_its_ports(void **state)
{
	(void)state;

	struct epair_mbuf *m = made(&tcp4);

	assert_hash(m, false, EPAIR_HASH_RSS_TCP_IPV4, expected(&tcp4, true));
	m = made(&tcp6);
	assert_hash(m, false, EPAIR_HASH_RSS_TCP_IPV6, expected(&tcp6, true));
}

static void
udp_hashes_with_its_ports_only_if_asked(void **state)
{
	(void)state;

	struct epair_mbuf *m = made(&udp4);

	assert_hash(m, false, EPAIR_HASH_RSS_IPV4, expected(&udp4, false));
	m = made(&udp4);
	assert_hash(m, true, EPAIR_HASH_RSS_UDP_IPV4, expected(&udp4, true));
	m = made(&udp6);
	assert_hash(m, false, EPAIR_HASH_RSS_IPV6, expected(&udp6, false));
	m = made(&udp6);
	assert_hash(m, true, EPAIR_HASH_RSS_UDP_IPV6, expected(&udp6, true));
}

static void
other_protocols_hash_on_addresses(void **state)
{
	(void)state;

	struct epair_mbuf *m = made(&tcp4);

	octets[14 + 9] = 1; /* ICMP */
	assert_hash(m, true, EPAIR_HASH_RSS_IPV4, expected(&tcp4, false));
	m = made(&tcp6);
	octets[14 + 6] = 59; /* nothing follows */
	assert_hash(m, true, EPAIR_HASH_RSS_IPV6, expected(&tcp6, false));
}

static void
tags_and_options_are_stepped_over(void **state)
{
	(void)state;

	for (unsigned vlans = 0; vlans <= 2; vlans++)
		for (unsigned words = 0; words <= 8; words++) {
			struct packet p = tcp4, q = tcp6;
			struct epair_mbuf *m;

			p.vlans = q.vlans = vlans;
			p.ip_words = q.ip_words = words;
			m = made(&p);
			assert_hash(m, false, EPAIR_HASH_RSS_TCP_IPV4,
			    expected(&p, true));
			m = made(&q);
			assert_hash(m, false, EPAIR_HASH_RSS_TCP_IPV6,
			    expected(&q, true));
		}
}

static void
fragments_hash_on_addresses(void **state)
{
	(void)state;

	struct packet p = tcp6;
	struct epair_mbuf *m;

	m = made(&tcp4);
	octets[14 + 6] = 0x20; /* the first, which has the ports */
	assert_hash(m, true, EPAIR_HASH_RSS_IPV4, expected(&tcp4, false));
	m = made(&tcp4);
	octets[14 + 6] = 0x00;
	octets[14 + 7] = 0x01; /* a later one */
	assert_hash(m, true, EPAIR_HASH_RSS_IPV4, expected(&tcp4, false));

	p.ip_words = 2;
	m = made(&p);
	octets[14 + 40] = 44; /* fragment header behind hop-by-hop */
	assert_hash(m, true, EPAIR_HASH_RSS_IPV6, expected(&p, false));
	/* Also one that is cut off behind its header. */
	m->len = m->pktlen = 14 + 40 + 16;
	octets[14 + 5] = 16;
	m->hashtype = EPAIR_HASH_NONE;
	assert_hash(m, true, EPAIR_HASH_RSS_IPV6, expected(&p, false));
}

static void
too_many_or_too_long_extensions_hash_on_addresses(void **state)
{
	(void)state;

	struct packet p = tcp6;
	struct epair_mbuf *m;

	p.ip_words = 9;
	m = made(&p);
	assert_hash(m, false, EPAIR_HASH_RSS_IPV6, expected(&p, false));

	/* One of 200 octets, which ends in sight but not the ports behind it. */
	p.ip_words = 0;
	p.payload = 400;
	m = made(&p);
	octets[14 + 6] = 60;
	octets[14 + 40] = 6;
	octets[14 + 41] = 200 / 8 - 1;
	assert_hash(m, false, EPAIR_HASH_RSS_IPV6, expected(&p, false));
	/* And of 192, where they are in sight. */
	octets[14 + 41] = 192 / 8 - 1;
	m->hashtype = EPAIR_HASH_NONE;
	assert_true(ep_rss_hash(m, false));
	assert_int_equal(m->hashtype, EPAIR_HASH_RSS_TCP_IPV6);
}

static void
what_is_not_ip_has_no_hash(void **state)
{
	(void)state;

	struct packet p = tcp4;
	struct epair_mbuf *m = made(&p);

	octets[13] = 0x06; /* ARP */
	assert_none(m);
	octets[12] = 0x01; /* a length: LLC */
	assert_none(m);

	p.vlans = 2;
	made(&p);
	memmove(octets + 26, octets + 22, 100);
	memcpy(octets + 20, "\x81\0\0\0\x08\0", 6);
	assert_none(whole(120)); /* more tags than two */
}

static void
malformed_packet_has_no_hash(void **state)
{
	(void)state;

	struct epair_mbuf *m = made(&tcp4);

	octets[14] = 0x65; /* version 6 in an IPv4 frame */
	assert_none(m);
	m = made(&tcp4);
	octets[14] = 0x44; /* header of 16 octets */
	assert_none(m);
	m = made(&tcp4);
	octets[17]++; /* longer than the frame */
	assert_none(m);
	m = made(&tcp4);
	octets[17] = 19; /* shorter than its header */
	assert_none(m);
	octets[17] = 23; /* without its ports */
	assert_none(m);
	octets[23] = 1; /* ICMP needs none, but a header */
	octets[17] = 19;
	assert_none(m);

	m = made(&tcp6);
	octets[14] = 0x40;
	assert_none(m);
	m = made(&tcp6);
	octets[19]++;
	assert_none(m);
	octets[19] = 3;
	assert_none(m);
	m = made(&tcp6);
	octets[20] = 0;
	octets[55] = 30; /* an extension header longer than the packet */
	assert_none(m);
	octets[19] = 7; /* and one that ends with it */
	assert_none(whole(14 + 40 + 7));
}

static void
frame_that_ends_in_its_headers_has_no_hash(void **state)
{
	(void)state;

	made(&tcp4);
	octets[17] = 20; /* says no more than its header */
	for (uint32_t len = 0; len < 34; len++)
		assert_none(whole(len));
	made(&tcp6);
	octets[19] = 0;
	for (uint32_t len = 0; len < 54; len++)
		assert_none(whole(len));
}

static void
padding_is_no_part_of_the_packet(void **state)
{
	(void)state;

	struct epair_mbuf *m = made(&tcp4);

	m->len = m->pktlen += 6;
	assert_hash(m, false, EPAIR_HASH_RSS_TCP_IPV4, expected(&tcp4, true));
}

static void
segment_and_super_frame_hash_the_same(void **state)
{
	(void)state;

	struct epair_mbuf *m = made(&tcp4);

	m->gso = EPAIR_GSO_TCP4;
	octets[16] = octets[17] = 0;
	assert_hash(m, false, EPAIR_HASH_RSS_TCP_IPV4, expected(&tcp4, true));
}

static void
hash_that_a_frame_carries_is_believed_if_it_is_of_rss(void **state)
{
	(void)state;

	struct epair_mbuf *m = made(&tcp4);

	for (int type = EPAIR_HASH_RSS_IPV4; type <= EPAIR_HASH_RSS_UDP_IPV6;
	     type++) {
		m->hash = 1025;
		m->hashtype = (uint8_t)type;
		assert_hash(m, false, type, 1025);
	}
	m->hashtype = EPAIR_HASH_OPAQUE;
	assert_hash(m, false, EPAIR_HASH_RSS_TCP_IPV4, expected(&tcp4, true));
	m->hashtype = 77;
	m->hash = 5;
	assert_hash(m, false, EPAIR_HASH_RSS_TCP_IPV4, expected(&tcp4, true));
}

static void
opaque_hash_of_what_is_not_ip_is_left_alone(void **state)
{
	(void)state;

	struct epair_mbuf *m = made(&tcp4);

	octets[13] = 0x06;
	m->hash = 5;
	m->hashtype = EPAIR_HASH_OPAQUE;
	assert_int_equal(ep_rss_bucket(m, 8, false), 0);
	assert_int_equal(m->hashtype, EPAIR_HASH_OPAQUE);
	assert_int_equal(m->hash, 5);
}

static void
one_queue_needs_no_hash(void **state)
{
	(void)state;

	struct epair_mbuf *m = made(&tcp4);

	assert_int_equal(ep_rss_bucket(m, 1, false), 0);
	assert_int_equal(ep_rss_bucket(m, 0, false), 0);
	assert_int_equal(m->hashtype, EPAIR_HASH_NONE);
}

static void
chain_hashes_as_the_frame_in_one_piece(void **state)
{
	(void)state;

	struct ep_rng rng;

	ep_rng_init(&rng, 4);
	for (int i = 0; i < 5000; i++) {
		uint64_t r = ep_rng_next(&rng);
		struct packet p = { .version = r & 1 ? 4 : 6,
			.is_tcp = r >> 1 & 1,
			.vlans = (r >> 2 & 3) % 3,
			.ip_words = (r >> 4 & 15) % 11,
			.payload = r >> 8 & 1023 };
		uint32_t len = packet_len(&p);
		struct epair_mbuf *m = made(&p);
		uint32_t hash, bucket;
		uint8_t type;

		if (r >> 60 == 0) /* spoil something */
			octets[12 + (r >> 20) % (len - 12)] = (uint8_t)r;
		bucket = ep_rss_bucket(m, 7, r >> 30 & 1);
		type = m->hashtype;
		hash = m->hash;
		m = split(len, 1 + (r >> 40 & 63), &rng);
		assert_int_equal(ep_rss_bucket(m, 7, r >> 30 & 1), bucket);
		assert_int_equal(m->hashtype, type);
		assert_int_equal(m->hash, hash);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_hashes_with_its_ports),
		cmocka_unit_test(udp_hashes_with_its_ports_only_if_asked),
		cmocka_unit_test(other_protocols_hash_on_addresses),
		cmocka_unit_test(tags_and_options_are_stepped_over),
		cmocka_unit_test(fragments_hash_on_addresses),
		cmocka_unit_test(
		    too_many_or_too_long_extensions_hash_on_addresses),
		cmocka_unit_test(what_is_not_ip_has_no_hash),
		cmocka_unit_test(malformed_packet_has_no_hash),
		cmocka_unit_test(frame_that_ends_in_its_headers_has_no_hash),
		cmocka_unit_test(padding_is_no_part_of_the_packet),
		cmocka_unit_test(segment_and_super_frame_hash_the_same),
		cmocka_unit_test(
		    hash_that_a_frame_carries_is_believed_if_it_is_of_rss),
		cmocka_unit_test(opaque_hash_of_what_is_not_ip_is_left_alone),
		cmocka_unit_test(one_queue_needs_no_hash),
		cmocka_unit_test(chain_hashes_as_the_frame_in_one_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
