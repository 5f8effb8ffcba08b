/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/offload.h"

#include <errno.h>
#include <string.h>

#include "offload_rig.h"

static const struct packet tcp4 = {
	.version = 4,
	.is_tcp = true,
	.id = 0xfffe,
	.seq = 0xfffffff0,
	.tcp_flags = ACK,
	.tcp_words = 3,
	.payload = 4000,
	.seed = 1,
};
static const struct packet udp4 = {
	.version = 4,
	.id = 7,
	.payload = 5000,
	.seed = 2,
};
static const struct packet udp6 = {
	.version = 6,
	.payload = 5000,
	.seed = 3,
};

static void
frame_that_leaves_nothing_open_is_given_back(void **state)
{
	(void)state;

	struct epair_mbuf *m = partial(&tcp4);

	m->flags = (m->flags & ~(uint32_t)EPAIR_M_CSUM_PARTIAL) |
		   EPAIR_M_CSUM_VALID;
	assert_int_equal(ep_mbuf_segments(m), 1);
	assert_int_equal(ep_mbuf_finish(m, out, 1), 1);
	assert_ptr_equal(out[0], m);
	assert_true(m->flags & EPAIR_M_CSUM_VALID);
	assert_int_equal(flatten(m), packet_len(&tcp4));
	assert_memory_equal(got, octets, packet_len(&tcp4));
	ep_mbuf_free1(m);
}

static void
open_checksum_is_finished_across_any_chain(void **state)
{
	(void)state;

	struct packet p = udp6;
	struct ep_rng rng;

	p.payload = 333;
	ep_rng_init(&rng, 5);
	for (uint32_t max = 1; max < 64; max++) {
		struct epair_mbuf *m = chained(partial(&p), max, &rng);

		assert_int_equal(ep_mbuf_finish(m, out, 1), 1);
		assert_ptr_equal(out[0], m);
		assert_nothing_open(m);
		assert_true(packet_is_right(&p, got, flatten(m), false));
		ep_mbuf_free1(m);
	}
}

static void
count_release(void *arg)
{
	(*(unsigned *)arg)++;
}

/*
 * The sum was put into the program's buffer: one that it sends again and again
 * had a wrong checksum from the second time on.
 */
static void
foreign_buffer_is_finished_in_a_copy(void **state)
{
	uint32_t len = packet_len(&tcp4);
	static uint8_t buf[FRAME_MAX];
	unsigned released = 0;
	struct epair_mbuf *m;

	(void)state;
	packet_write(&tcp4, buf);
	memcpy(octets, buf, len);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(ep_mbuf_foreign(pool, buf, len, count_release,
				     &released, &m),
		    0);
		open_csum(m, &tcp4);
		if (i == 1) { /* in one segment */
			m->gso = EPAIR_GSO_TCP4;
			m->gso_size = UINT16_MAX;
		}
		assert_int_equal(ep_mbuf_finish(m, out, 1), 1);
		assert_int_equal(released, i + 1);
		assert_nothing_open(out[0]);
		assert_true(
		    packet_is_right(&tcp4, got, flatten(out[0]), false));
		assert_memory_equal(buf, octets, len);
		ep_mbuf_free1(out[0]);
	}
}

static void
open_checksum_needs_no_packet_that_we_know(void **state)
{
	(void)state;

	/* 14 octets of Ethernet, a field of 0, and 00ff. */
	static const uint8_t frame[18] = { [17] = 0xff };
	struct epair_mbuf *m = ep_mbuf_from(pool, frame, sizeof(frame));

	m->flags = EPAIR_M_CSUM_PARTIAL;
	m->csum_start = 14;
	assert_int_equal(ep_mbuf_finish(m, out, 1), 1);
	flatten(m);
	assert_memory_equal(got + 14, "\xff\0\0\xff", 4);
	ep_mbuf_free1(m);
}

/* A payload word which brings the checksum to 0. */
static struct epair_mbuf *
partial_with_sum_of_ffff(struct packet *p)
{
	struct epair_mbuf *m;
	uint32_t l4, sum;

	p->payload = 2;
	packet_write(p, octets);
	l4 = packet_l4(p);
	memset(octets + packet_headers(p), 0, 2);
	sum = 0xffffu - packet_sum(octets + l4, packet_len(p) - l4);
	octets[packet_headers(p)] = (uint8_t)(sum >> 8);
	octets[packet_headers(p) + 1] = (uint8_t)sum;
	m = ep_mbuf_from(pool, octets, packet_len(p));
	open_csum(m, p);
	return m;
}

static void
checksum_of_0_becomes_ffff_in_udp_only(void **state)
{
	(void)state;

	struct packet udp = udp4, tcp = tcp4;
	struct epair_mbuf *m = partial_with_sum_of_ffff(&udp);

	assert_int_equal(ep_mbuf_csum(m), 0);
	flatten(m);
	assert_memory_equal(got + packet_l4(&udp) + 6, "\xff\xff", 2);
	ep_mbuf_free1(m);

	m = partial_with_sum_of_ffff(&tcp);
	assert_int_equal(ep_mbuf_csum(m), 0);
	flatten(m);
	assert_memory_equal(got + packet_l4(&tcp) + 16, "\0\0", 2);
	ep_mbuf_free1(m);
}

static void
exact_multiple_gives_no_empty_segment(void **state)
{
	(void)state;

	struct packet p = tcp4;

	p.payload = 4000;
	assert_cut(super(&p, 1000), &p, 4);
	assert_cut(super(&p, 1001), &p, 4);
	assert_cut(super(&p, 999), &p, 5);
}

static void
payload_that_fits_is_one_segment_and_the_same_mbuf(void **state)
{
	(void)state;

	struct packet p = tcp4;
	struct epair_mbuf *m;

	p.tcp_flags = ACK | PSH | FIN | CWR;
	for (p.payload = 0; p.payload <= 100; p.payload += 50) {
		m = super(&p, 100);
		assert_int_equal(ep_mbuf_finish(m, out, 1), 1);
		assert_ptr_equal(out[0], m);
		assert_nothing_open(m);
		assert_true(packet_is_right(&p, got, flatten(m), false));
		assert_int_equal(got[packet_l4(&p) + 13], p.tcp_flags);
		ep_mbuf_free1(m);
	}
}

/* Wraps included: the id is 0xfffe and the sequence number 0xfffffff0. */
static void
ids_and_sequence_numbers_count_on(void **state)
{
	(void)state;

	struct packet p = tcp4, q;
	uint8_t want[PACKET_HEADERS_MAX + 1000];

	p.payload = 4000;
	assert_int_equal(ep_mbuf_finish(super(&p, 1000), out, 4), 4);
	for (unsigned k = 0; k < 4; k++) {
		q = p;
		q.payload = 1000;
		q.id = (uint16_t)(p.id + k);
		q.seq = p.seq + 1000 * k;
		packet_write(&q, want);
		flatten(out[k]);
		/* All up to the checksum, and the options behind it. */
		assert_memory_equal(got, want, packet_l4(&q) + 16);
		assert_memory_equal(got + packet_l4(&q) + 18,
		    want + packet_l4(&q) + 18, 2 + 4 * q.tcp_words);
	}
	ep_mbuf_free(out, 4);
}

static void
assert_flags(struct epair_mbuf *m, const struct packet *p, uint8_t first,
    uint8_t middle, uint8_t last)
{
	assert_int_equal(ep_mbuf_finish(m, out, 3), 3);
	flatten(out[0]);
	assert_int_equal(got[packet_l4(p) + 13], first);
	flatten(out[1]);
	assert_int_equal(got[packet_l4(p) + 13], middle);
	flatten(out[2]);
	assert_int_equal(got[packet_l4(p) + 13], last);
	ep_mbuf_free(out, 3);
}

static void
fin_and_psh_are_on_the_last_and_cwr_on_the_first_if_asked(void **state)
{
	(void)state;

	struct packet p = tcp4;
	struct epair_mbuf *m;

	p.payload = 300;
	p.tcp_flags = ACK | PSH | FIN | CWR;
	m = super(&p, 100);
	m->gso |= EPAIR_GSO_ECN;
	assert_flags(m, &p, ACK | CWR, ACK, ACK | PSH | FIN);
	assert_flags(
	    super(&p, 100), &p, ACK | CWR, ACK | CWR, ACK | CWR | PSH | FIN);
}

static void
urgent_pointer_is_from_each_segments_own_start(void **state)
{
	(void)state;

	static const uint8_t pointers[3] = { 200, 100, 0 };
	struct packet p = tcp4;

	p.payload = 300;
	p.tcp_flags = ACK | URG;
	p.urgent = 200; /* the first octet of the last is not urgent any more */
	assert_flags(super(&p, 100), &p, ACK | URG, ACK | URG, ACK);
	assert_int_equal(ep_mbuf_finish(super(&p, 100), out, 3), 3);
	for (int k = 0; k < 3; k++) {
		assert_true(packet_is_right(&p, got, flatten(out[k]), false));
		assert_int_equal(got[packet_l4(&p) + 18], 0);
		assert_int_equal(got[packet_l4(&p) + 19], pointers[k]);
	}
	ep_mbuf_free(out, 3);
}

static void
datagram_without_checksum_is_cut_without(void **state)
{
	(void)state;

	for (uint16_t size = 1000; size <= 6000; size += 5000) {
		struct epair_mbuf *m = super(&udp4, size);
		int n;

		memset(m->data + packet_l4(&udp4) + 6, 0, 2);
		n = ep_mbuf_finish(m, out, 5);
		assert_int_equal(n, size == 1000 ? 5 : 1);
		for (int k = 0; k < n; k++)
			assert_true(
			    packet_is_right(&udp4, got, flatten(out[k]), true));
		ep_mbuf_free(out, (unsigned)n);
	}
}

/* There 0 is no way to say it, so it is only a wrong seed. */
static void
datagram_over_ipv6_always_has_a_checksum(void **state)
{
	(void)state;

	struct epair_mbuf *m = super(&udp6, 1000);

	memset(m->data + packet_l4(&udp6) + 6, 0, 2);
	assert_int_equal(ep_mbuf_finish(m, out, 5), 5);
	for (int k = 0; k < 5; k++) {
		flatten(out[k]);
		assert_memory_not_equal(got + packet_l4(&udp6) + 6, "\0", 2);
	}
	ep_mbuf_free(out, 5);
}

/* Whoever damages a frame on the way must not have it blessed. */
static void
wrong_address_or_seed_stays_wrong(void **state)
{
	(void)state;

	struct epair_mbuf *m = super(&tcp4, 1000);

	m->data[packet_l3(&tcp4) + 17] ^= 4;
	assert_int_equal(ep_mbuf_finish(m, out, 4), 4);
	for (int k = 0; k < 4; k++)
		assert_false(
		    packet_is_right(&tcp4, got, flatten(out[k]), false));
	ep_mbuf_free(out, 4);

	m = super(&tcp4, 1000);
	m->data[packet_l4(&tcp4) + 17] ^= 4;
	assert_int_equal(ep_mbuf_finish(m, out, 4), 4);
	for (int k = 0; k < 4; k++)
		assert_false(
		    packet_is_right(&tcp4, got, flatten(out[k]), false));
	ep_mbuf_free(out, 4);
}

static void
super_frame_becomes_one_big_right_packet_for_a_capture(void **state)
{
	(void)state;

	const struct packet *ps[] = { &tcp4, &udp4, &udp6 };
	struct ep_rng rng;

	ep_rng_init(&rng, 11);
	for (unsigned i = 0; i < 3; i++) {
		struct epair_mbuf *m = super(ps[i], 1000), *copy;

		memset(m->data + packet_l3(ps[i]) + 2, 0, 2); /* IPv4 length */
		m = chained(m, 50, &rng);
		copy = epair_mbuf_copy(m);
		assert_non_null(copy);
		assert_int_equal(ep_mbuf_csum(copy), 0);
		assert_nothing_open(copy);
		assert_true(packet_is_right(ps[i], got, flatten(copy), false));
		assert_int_equal(copy->pktlen, packet_len(ps[i]));
		ep_mbuf_free1(copy);
		ep_mbuf_free1(m);
	}
}

static void
too_small_an_array_leaves_the_frame_with_its_caller(void **state)
{
	(void)state;

	assert_refused(super(&tcp4, 1000), 3, -ENOBUFS);
	assert_refused(super(&tcp4, 1000), 0, -ENOBUFS);
	assert_refused(partial(&tcp4), 0, -ENOBUFS);
}

static void
no_mbufs_leave_the_frame_with_its_caller(void **state)
{
	(void)state;

	/* The pool has 256 large ones, and each segment takes one. */
	struct packet p = udp4;
	struct epair_mbuf *held[256];
	int n;

	p.payload = 20000;
	struct epair_mbuf *m = super(&p, 2000);

	n = ep_mbuf_alloc(pool, held, 256, EPAIR_MBUF_LARGE);
	assert_true(n > 9);
	ep_mbuf_free(held, 9);
	assert_refused(m, EP_SEGMENTS_MAX, -ENOMEM);
	assert_int_equal(
	    ep_pool_used(pool), (unsigned)n - 9); /* none was lost */
	ep_mbuf_free(held + 9, (unsigned)n - 9);
}

static void
every_segment_has_the_metadata_and_tags_of_the_frame(void **state)
{
	(void)state;

	const uint32_t flags = EPAIR_M_MCAST | EPAIR_M_VLANTAG |
			       EPAIR_M_TSTAMP | EPAIR_M_PKTID;
	struct epair_mbuf *m = super(&tcp4, 1000);
	const void *tag;
	uint32_t data = 77;
	uint16_t len;

	m->flags |= flags | EPAIR_M_CSUM_VALID;
	m->vlan_tci = 5;
	m->tstamp_ns = 123456789;
	m->pktid = 42;
	m->hash = 0xdeadbeef;
	m->hashtype = EPAIR_HASH_RSS_TCP_IPV4;
	m->rcvif = 3;
	m->fib = 4;
	assert_int_equal(
	    epair_mbuf_tag_add(m, 1, 2, true, &data, sizeof(data)), 0);
	assert_int_equal(ep_mbuf_finish(m, out, 4), 4);
	for (int k = 0; k < 4; k++) {
		assert_nothing_open(out[k]);
		assert_int_equal(out[k]->flags & flags, flags);
		assert_int_equal(out[k]->vlan_tci, 5);
		assert_int_equal(out[k]->tstamp_ns, 123456789);
		assert_int_equal(out[k]->pktid, 42);
		assert_int_equal(out[k]->hash, 0xdeadbeef);
		assert_int_equal(out[k]->hashtype, EPAIR_HASH_RSS_TCP_IPV4);
		assert_int_equal(out[k]->rcvif, 3);
		assert_int_equal(out[k]->fib, 4);
		assert_int_equal(epair_mbuf_tag_count(out[k]), 1);
		tag = epair_mbuf_tag_find(out[k], 1, 2, &len);
		assert_non_null(tag);
		memcpy(&data, tag, sizeof(data));
		assert_int_equal(data, 77);
	}
	ep_mbuf_free(out, 4);
}

static struct packet
random_packet(struct ep_rng *rng)
{
	uint64_t r = ep_rng_next(rng);

	return (struct packet){
		.version = r & 1 ? 4 : 6,
		.is_tcp = r >> 1 & 1,
		.vlans = (r >> 2 & 3) % 3,
		.ip_words = (r >> 4 & 15) % 9,
		.tcp_words = (r >> 8 & 15) % 11,
		.id = (uint16_t)(r >> 12),
		.seq = (uint32_t)(r >> 28),
		.tcp_flags = ACK | (r >> 60 & 1 ? PSH : 0),
		.payload = (uint32_t)(ep_rng_next(rng) %
				      (r >> 61 ? 3000 : 65000)),
		.seed = r,
	};
}

/* assert_cut() puts the payload together again. */
static void
random_frames_are_cut_into_right_segments(void **state)
{
	(void)state;

	struct ep_rng rng;

	ep_rng_init(&rng, 20240229);
	for (int i = 0; i < 3000; i++) {
		struct packet p = random_packet(&rng);
		uint32_t size = 1 + (uint32_t)ep_rng_next(&rng) %
					(p.payload + 10 < 3000 ? p.payload + 10
							       : 3000);
		unsigned n = (p.payload + size - 1) / size;
		struct epair_mbuf *m = super(&p, (uint16_t)size);

		if (ep_rng_next(&rng) % 4 != 0)
			m = chained(m, p.payload > 5000 ? 3000 : 90, &rng);
		if (n > EP_SEGMENTS_MAX)
			assert_refused(m, EP_SEGMENTS_MAX, -EINVAL);
		else
			assert_cut(m, &p, n == 0 ? 1 : n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(frame_that_leaves_nothing_open_is_given_back),
		TEST(open_checksum_is_finished_across_any_chain),
		TEST(foreign_buffer_is_finished_in_a_copy),
		TEST(open_checksum_needs_no_packet_that_we_know),
		TEST(checksum_of_0_becomes_ffff_in_udp_only),
		TEST(exact_multiple_gives_no_empty_segment),
		TEST(payload_that_fits_is_one_segment_and_the_same_mbuf),
		TEST(ids_and_sequence_numbers_count_on),
		TEST(fin_and_psh_are_on_the_last_and_cwr_on_the_first_if_asked),
		TEST(urgent_pointer_is_from_each_segments_own_start),
		TEST(datagram_without_checksum_is_cut_without),
		TEST(datagram_over_ipv6_always_has_a_checksum),
		TEST(wrong_address_or_seed_stays_wrong),
		TEST(super_frame_becomes_one_big_right_packet_for_a_capture),
		TEST(too_small_an_array_leaves_the_frame_with_its_caller),
		TEST(no_mbufs_leave_the_frame_with_its_caller),
		TEST(every_segment_has_the_metadata_and_tags_of_the_frame),
		TEST(random_frames_are_cut_into_right_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
