/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buckets: contract 6, with four queues at each end. Which bucket a frame went
 * to shows in how many tasks wait: each queue has one of its own.
 */
#include "rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* From Microsoft's "Verifying the RSS Hash Calculation". */
#define HASH_IPV4 0x323e8fc2u
#define HASH_TCP4 0x51ccc178u
#define HASH_IPV6 0x2cc18cd5u
#define HASH_TCP6 0x40207d3du

/* An Ethernet frame that carries IP, being put together. */
struct packet {
	uint8_t octets[128];
	uint32_t len;
};

static void
put(struct packet *p, const void *octets, uint32_t len)
{
	memcpy(p->octets + p->len, octets, len);
	p->len += len;
}

static void
put16(struct packet *p, uint16_t v)
{
	const uint8_t octets[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	put(p, octets, 2);
}

static void
put_addresses(struct packet *p)
{
	put(p, mac_station, 6);
	put(p, mac_station, 6);
}

/* The ports of the suite, and 16 octets to make a TCP header. */
static void
put_ports(struct packet *p)
{
	static const uint8_t rest[16] = { 0, 0, 0, 1, 0, 0, 0, 1, 0x50 };

	put16(p, 2794);
	put16(p, 1766);
	put(p, rest, sizeof(rest));
}

/* fragment: the IPv4 field of flags and offset. */
static void
put_ipv4(struct packet *p, uint8_t protocol, uint16_t fragment)
{
	static const uint8_t addresses[8] = { 66, 9, 149, 187, 161, 142, 100,
		80 };
	uint8_t head[12] = { 0x45, 0, 0, 40, 0, 1, (uint8_t)(fragment >> 8),
		(uint8_t)fragment, 64, protocol, 0, 0 };

	put16(p, 0x0800);
	put(p, head, sizeof(head));
	put(p, addresses, sizeof(addresses));
	put_ports(p);
}

static void
put_ipv6(struct packet *p, uint8_t protocol)
{
	const uint8_t head[8] = { 0x60, 0, 0, 0, 0, 20, protocol, 64 };
	struct in6_addr from, to;

	assert_int_equal(
	    inet_pton(AF_INET6, "3ffe:2501:200:1fff::7", &from), 1);
	assert_int_equal(inet_pton(AF_INET6, "3ffe:2501:200:3::1", &to), 1);
	put16(p, 0x86dd);
	put(p, head, sizeof(head));
	put(p, &from, 16);
	put(p, &to, 16);
	put_ports(p);
}

/* Send it, and give what arrived. */
static struct epair_mbuf *
cross(struct rig *r, const struct packet *p)
{
	struct epair_mbuf *m = epair_mbuf_from(r->ep, p->octets, p->len);

	assert_non_null(m);
	assert_int_equal(transmit(r->a, m), 0);
	run(r);
	assert_int_equal(r->at_b.count, 1);
	return r->at_b.ms[0];
}

static void
assert_hash(const struct epair_mbuf *m, enum epair_hashtype type, uint32_t hash)
{
	assert_int_equal(m->hashtype, type);
	assert_int_equal(m->hash, hash);
}

static int
send_hashed(struct rig *r, enum epair_hashtype type, uint32_t hash)
{
	struct epair_mbuf *m = frame(r->ep, 60);

	m->hashtype = (uint8_t)type;
	m->hash = hash;
	return transmit(r->a, m);
}

static void
each_bucket_has_a_queue_and_a_task(void **state)
{
	struct rig *r = *state;

	assert_int_equal(info(r->b).queues, 4);
	for (uint32_t hash = 0; hash < 4; hash++) {
		assert_int_equal(
		    send_hashed(r, EPAIR_HASH_RSS_TCP_IPV4, hash), 0);
		assert_int_equal(usage(r->ep).tasks_waiting, hash + 1);
	}
	assert_int_equal(stats(r->b).queued, 4);
	run(r);
	assert_int_equal(r->at_b.count, 4);
}

static void
bucket_is_the_hash_modulo_the_queues(void **state)
{
	struct rig *r = *state;

	assert_int_equal(send_hashed(r, EPAIR_HASH_RSS_IPV4, 5), 0);
	assert_int_equal(send_hashed(r, EPAIR_HASH_RSS_IPV6, 1), 0);
	assert_int_equal(send_hashed(r, EPAIR_HASH_RSS_UDP_IPV6, 9), 0);
	assert_int_equal(usage(r->ep).tasks_waiting, 1);
	assert_int_equal(send_hashed(r, EPAIR_HASH_RSS_IPV4, 6), 0);
	assert_int_equal(usage(r->ep).tasks_waiting, 2);
}

static void
hash_that_is_no_rss_hash_is_not_used(void **state)
{
	struct rig *r = *state;

	/* None of these is IP: bucket 0, all of them. */
	assert_int_equal(send_hashed(r, EPAIR_HASH_OPAQUE, 1), 0);
	assert_int_equal(send_hashed(r, EPAIR_HASH_OPAQUE, 2), 0);
	assert_int_equal(send_hashed(r, EPAIR_HASH_NONE, 3), 0);
	assert_int_equal(send_hashed(r, EPAIR_HASH_RSS_IPV4, 0), 0);
	assert_int_equal(usage(r->ep).tasks_waiting, 1);
}

static void
what_is_not_ip_or_malformed_goes_to_bucket_0(void **state)
{
	static const uint32_t lengths[] = { 1, 13, 14, 20, 33 };
	struct rig *r = *state;
	struct packet p = { .len = 0 };

	put_addresses(&p);
	put_ipv4(&p, IPPROTO_TCP, 0);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
		assert_int_equal(transmit(r->a, epair_mbuf_from(r->ep, p.octets,
						    lengths[i])),
		    0);
	p.octets[14] = 0x41; /* a header of four octets */
	assert_int_equal(
	    transmit(r->a, epair_mbuf_from(r->ep, p.octets, p.len)), 0);
	p.octets[14] = 0x75; /* version 7 */
	assert_int_equal(
	    transmit(r->a, epair_mbuf_from(r->ep, p.octets, p.len)), 0);
	assert_int_equal(send_hashed(r, EPAIR_HASH_RSS_IPV4, 0), 0);
	assert_int_equal(usage(r->ep).tasks_waiting, 1);
}

static void
tcp_over_ipv4_hashes_addresses_and_ports(void **state)
{
	struct packet p = { .len = 0 };

	put_addresses(&p);
	put_ipv4(&p, IPPROTO_TCP, 0);
	assert_hash(cross(*state, &p), EPAIR_HASH_RSS_TCP_IPV4, HASH_TCP4);
}

static void
tcp_over_ipv6_hashes_addresses_and_ports(void **state)
{
	struct packet p = { .len = 0 };

	put_addresses(&p);
	put_ipv6(&p, IPPROTO_TCP);
	assert_hash(cross(*state, &p), EPAIR_HASH_RSS_TCP_IPV6, HASH_TCP6);
}

static void
udp_hashes_addresses_only(void **state)
{
	struct packet p = { .len = 0 };

	put_addresses(&p);
	put_ipv4(&p, IPPROTO_UDP, 0);
	assert_hash(cross(*state, &p), EPAIR_HASH_RSS_IPV4, HASH_IPV4);
}

static void
udp_over_ipv6_hashes_addresses_only(void **state)
{
	struct packet p = { .len = 0 };

	put_addresses(&p);
	put_ipv6(&p, IPPROTO_UDP);
	assert_hash(cross(*state, &p), EPAIR_HASH_RSS_IPV6, HASH_IPV6);
}

static void
first_fragment_hashes_addresses_only(void **state)
{
	struct packet p = { .len = 0 };

	put_addresses(&p);
	put_ipv4(&p, IPPROTO_TCP, 0x2000); /* more to come */
	assert_hash(cross(*state, &p), EPAIR_HASH_RSS_IPV4, HASH_IPV4);
}

static void
later_fragment_hashes_addresses_only(void **state)
{
	struct packet p = { .len = 0 };

	put_addresses(&p);
	put_ipv4(&p, IPPROTO_TCP, 0x0010);
	assert_hash(cross(*state, &p), EPAIR_HASH_RSS_IPV4, HASH_IPV4);
}

static void
tagged_frame_hashes_its_inner_packet(void **state)
{
	struct packet p = { .len = 0 };

	put_addresses(&p);
	put16(&p, 0x88a8);
	put16(&p, 7);
	put16(&p, 0x8100);
	put16(&p, 42);
	put_ipv4(&p, IPPROTO_TCP, 0);
	assert_hash(cross(*state, &p), EPAIR_HASH_RSS_TCP_IPV4, HASH_TCP4);
}

static void
hash_is_found_across_a_chain(void **state)
{
	struct rig *r = *state;
	struct packet p = { .len = 0 };
	struct epair_mbuf *m;

	put_addresses(&p);
	put_ipv4(&p, IPPROTO_TCP, 0);
	m = epair_mbuf_from(r->ep, p.octets, 17);
	for (uint32_t at = 17; at < p.len; at += 3)
		epair_mbuf_chain(m, epair_mbuf_from(r->ep, p.octets + at,
					p.len - at < 3 ? p.len - at : 3));
	assert_int_equal(m->pktlen, p.len);
	assert_int_equal(transmit(r->a, m), 0);
	run(r);
	assert_hash(r->at_b.ms[0], EPAIR_HASH_RSS_TCP_IPV4, HASH_TCP4);
}

static void
frames_own_hash_is_believed(void **state)
{
	struct rig *r = *state;
	struct packet p = { .len = 0 };
	struct epair_mbuf *m;

	put_addresses(&p);
	put_ipv4(&p, IPPROTO_TCP, 0);
	m = epair_mbuf_from(r->ep, p.octets, p.len);
	m->hashtype = EPAIR_HASH_RSS_IPV4;
	m->hash = 77;
	assert_int_equal(transmit(r->a, m), 0);
	run(r);
	assert_hash(r->at_b.ms[0], EPAIR_HASH_RSS_IPV4, 77);
}

static void
frames_of_one_bucket_stay_in_order(void **state)
{
	struct rig *r = *state;
	uint64_t last[4] = { 0 };

	for (uint64_t i = 1; i <= 200; i++) {
		struct epair_mbuf *m = frame(r->ep, 60);

		m->hashtype = EPAIR_HASH_RSS_TCP_IPV4;
		m->hash = (uint32_t)(i * i);
		m->flags |= EPAIR_M_TSTAMP;
		m->tstamp_ns = i;
		assert_int_equal(transmit(r->a, m), 0);
	}
	run(r);
	assert_int_equal(r->at_b.count, 200);
	for (unsigned i = 0; i < 200; i++) {
		const struct epair_mbuf *m = r->at_b.ms[i];

		assert_true(m->tstamp_ns > last[m->hash % 4]);
		last[m->hash % 4] = m->tstamp_ns;
	}
}

static void
each_queue_has_the_limit_for_itself(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_queue_limit(r->b, 2, NULL), 0);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(send_hashed(r, EPAIR_HASH_RSS_IPV4, 1), 0);
		assert_int_equal(send_hashed(r, EPAIR_HASH_RSS_IPV4, 2), 0);
	}
	assert_int_equal(stats(r->b).queued, 4);
	assert_int_equal(stats(r->a).oqdrops, 2);
}

static void
destroy_frees_what_waits_in_every_queue(void **state)
{
	struct rig *r = *state;

	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(send_hashed(r, EPAIR_HASH_RSS_IPV4, i), 0);
	assert_int_equal(epair_if_destroy(r->b, NULL), 0);
	assert_int_equal(usage(r->ep).mbufs, 0);
	assert_int_equal(stats(r->b).drops[EPAIR_DROP_RX_DESTROYED], 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		QUEUES_TEST(each_bucket_has_a_queue_and_a_task),
		QUEUES_TEST(bucket_is_the_hash_modulo_the_queues),
		QUEUES_TEST(hash_that_is_no_rss_hash_is_not_used),
		QUEUES_TEST(what_is_not_ip_or_malformed_goes_to_bucket_0),
		QUEUES_TEST(tcp_over_ipv4_hashes_addresses_and_ports),
		QUEUES_TEST(tcp_over_ipv6_hashes_addresses_and_ports),
		QUEUES_TEST(udp_hashes_addresses_only),
		QUEUES_TEST(udp_over_ipv6_hashes_addresses_only),
		QUEUES_TEST(first_fragment_hashes_addresses_only),
		QUEUES_TEST(later_fragment_hashes_addresses_only),
		QUEUES_TEST(tagged_frame_hashes_its_inner_packet),
		QUEUES_TEST(hash_is_found_across_a_chain),
		QUEUES_TEST(frames_own_hash_is_believed),
		QUEUES_TEST(frames_of_one_bucket_stay_in_order),
		QUEUES_TEST(each_queue_has_the_limit_for_itself),
		QUEUES_TEST(destroy_frees_what_waits_in_every_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
