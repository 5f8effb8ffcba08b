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
taker_gets_what_it_cannot_take_finished(void **state)
{
	(void)state;

	const uint32_t all = EPAIR_CAP_CSUM | EPAIR_CAP_TSO | EPAIR_CAP_USO;
	struct epair_mbuf m = { 0 };

	assert_false(ep_mbuf_needs_finish(&m, 0));
	m.flags = EPAIR_M_CSUM_PARTIAL;
	assert_true(ep_mbuf_needs_finish(&m, all & ~EPAIR_CAP_CSUM));
	assert_false(ep_mbuf_needs_finish(&m, EPAIR_CAP_CSUM));
	m.gso = EPAIR_GSO_TCP6 | EPAIR_GSO_ECN;
	assert_true(ep_mbuf_needs_finish(&m, all & ~EPAIR_CAP_TSO));
	assert_true(ep_mbuf_needs_finish(&m, all & ~EPAIR_CAP_CSUM));
	assert_false(ep_mbuf_needs_finish(&m, all & ~EPAIR_CAP_USO));
	m.gso = EPAIR_GSO_UDP;
	assert_true(ep_mbuf_needs_finish(&m, all & ~EPAIR_CAP_USO));
	assert_false(ep_mbuf_needs_finish(&m, all & ~EPAIR_CAP_TSO));
}

static void
checksum_field_outside_of_the_frame_is_refused(void **state)
{
	(void)state;

	static const uint16_t wrong[][2] = { { 13, 0 }, { 0, 16 }, { 14, 7 },
		{ 0xffff, 0xfffe }, { 0xffff, 0 }, { 14, 0xfffe } };
	struct packet p = tcp4;
	struct epair_mbuf *m;

	p.payload = 10;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		m = partial(&p);
		m->csum_start = wrong[i][0];
		m->csum_offset = wrong[i][1];
		assert_refused(m, 1, -EINVAL);
	}
	m = partial(&p);
	m->csum_offset = 0;
	m->csum_start = (uint16_t)(packet_len(&p) - 1);
	assert_refused(m, 1, -EINVAL);

	m = partial(&p);
	m->csum_offset = 0;
	m->csum_start = (uint16_t)(packet_len(&p) - 2);
	assert_int_equal(ep_mbuf_offload_check(m), 0);
	ep_mbuf_free1(m);
}

static void
largest_frame_is_cut(void **state)
{
	(void)state;

	struct packet p = tcp4, q = udp6;

	p.payload = 65535 - 20 - 32;
	assert_cut(super(&p, 1448), &p, 46);
	/* 16 bits of IPv6 length do not count the first header. */
	q.vlans = 2;
	q.payload = 65535 - 8;
	assert_cut(super(&q, 9000), &q, 8);

	p.payload++;
	assert_refused(super(&p, 1448), EP_SEGMENTS_MAX, -EINVAL);
	q.payload++;
	assert_refused(super(&q, 9000), EP_SEGMENTS_MAX, -EINVAL);
}

static void
too_many_segments_are_refused(void **state)
{
	(void)state;

	struct packet p = udp4;

	p.payload = EP_SEGMENTS_MAX;
	assert_cut(super(&p, 1), &p, EP_SEGMENTS_MAX);
	p.payload++;
	assert_refused(super(&p, 1), EP_SEGMENTS_MAX, -EINVAL);
	assert_refused(super(&p, 0), EP_SEGMENTS_MAX, -EINVAL);
}

static void
lengths_in_the_frame_are_not_believed(void **state)
{
	(void)state;

	static const uint16_t lengths[] = { 0, 1, 40, 0xffff };

	for (unsigned i = 0; i < 4; i++) {
		struct epair_mbuf *m = super(&udp6, 1000);

		memset(m->data + packet_l3(&udp6) + 4, lengths[i] & 0xff, 2);
		memset(m->data + packet_l4(&udp6) + 4, lengths[i] & 0xff, 2);
		assert_cut(m, &udp6, 5);
		m = super(&tcp4, 1000);
		memset(m->data + packet_l3(&tcp4) + 2, lengths[i] & 0xff, 2);
		assert_cut(m, &tcp4, 4);
	}
}

static void
gso_that_the_headers_belie_is_refused(void **state)
{
	(void)state;

	static const uint8_t wrong[] = { EPAIR_GSO_TCP6, EPAIR_GSO_UDP, 4, 5,
		0x7f, 0xff, EPAIR_GSO_ECN, EPAIR_GSO_UDP | EPAIR_GSO_ECN,
		EPAIR_GSO_TCP6 | EPAIR_GSO_ECN };
	struct epair_mbuf *m;

	for (unsigned i = 0; i < sizeof(wrong); i++) {
		m = super(&tcp4, 1000);
		m->gso = wrong[i];
		assert_refused(m, 9, -EINVAL);
	}
	m = super(&tcp4, 1000);
	m->flags &= ~(uint32_t)EPAIR_M_CSUM_PARTIAL;
	assert_refused(m, 9, -EINVAL);
	m = super(&tcp4, 1000);
	m->csum_start += 2;
	assert_refused(m, 9, -EINVAL);
	m = super(&tcp4, 1000);
	m->csum_offset = 6;
	assert_refused(m, 9, -EINVAL);
}

static void
headers_that_cannot_be_cut_are_refused(void **state)
{
	(void)state;

	struct packet p = tcp4;
	struct epair_mbuf *m;

	m = super(&tcp4, 1000); /* more fragments */
	m->data[packet_l3(&p) + 6] = 0x20;
	assert_refused(m, 9, -EINVAL);
	m = super(&tcp4, 1000); /* an offset */
	m->data[packet_l3(&p) + 7] = 1;
	assert_refused(m, 9, -EINVAL);
	m = super(&tcp4, 1000); /* TCP header of 16 octets */
	m->data[packet_l4(&p) + 12] = 0x40;
	assert_refused(m, 9, -EINVAL);
	m = super(&tcp4, 1000); /* ARP */
	m->data[13] = 6;
	assert_refused(m, 9, -EINVAL);

	p.tcp_flags = SYN;
	assert_refused(super(&p, 1000), 9, -EINVAL);
	p.payload = 1000;
	assert_cut(super(&p, 1000), &p, 1);

	p = udp6; /* nine extension headers */
	p.ip_words = 9;
	assert_refused(super(&p, 1000), 9, -EINVAL);
	p.ip_words = 8;
	assert_cut(super(&p, 1000), &p, 5);
}

static void
frame_cut_short_anywhere_in_its_headers_is_refused(void **state)
{
	(void)state;

	for (int version = 4; version <= 6; version += 2)
		for (int tcp = 0; tcp < 2; tcp++) {
			struct packet p = { .version = version,
				.is_tcp = tcp,
				.vlans = 1,
				.ip_words = 2,
				.tcp_words = 3 };
			struct epair_mbuf *m = super(&p, 1000);

			while (m->len-- > 0) {
				m->pktlen = m->len;
				assert_int_equal(
				    ep_mbuf_offload_check(m), -EINVAL);
				assert_int_equal(ep_mbuf_csum(m), -EINVAL);
			}
			m->len = 0;
			ep_mbuf_free1(m);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(taker_gets_what_it_cannot_take_finished),
		TEST(checksum_field_outside_of_the_frame_is_refused),
		TEST(largest_frame_is_cut),
		TEST(too_many_segments_are_refused),
		TEST(lengths_in_the_frame_are_not_believed),
		TEST(gso_that_the_headers_belie_is_refused),
		TEST(headers_that_cannot_be_cut_are_refused),
		TEST(frame_cut_short_anywhere_in_its_headers_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
