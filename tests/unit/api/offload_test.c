/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offload as a pair passes it on: contract 3.2 and 9.1. How segments and
 * checksums are made is tests/unit/mbuf.
 */
#include "rig.h"

#define HEADERS 54u /* Ethernet, IPv4, TCP */
#define ALL     (EPAIR_CAP_CSUM | EPAIR_CAP_TSO)

/* The sum of 16-bit words, not yet complemented. */
static uint16_t
sum(const uint8_t *octets, uint32_t len, uint32_t total)
{
	for (uint32_t i = 0; i + 1 < len; i += 2)
		total += (uint32_t)(octets[i] << 8 | octets[i + 1]);
	if (len % 2 != 0)
		total += (uint32_t)octets[len - 1] << 8;
	while (total > 0xffff)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)total;
}

/* The pseudo header of TCP over IPv4. */
static uint16_t
pseudo(const uint8_t *ip, uint32_t tcp_len)
{
	return sum(ip + 12, 8, 6 + tcp_len);
}

static void
store16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* A TCP segment whose checksum is still to be computed. */
static struct epair_mbuf *
partial(struct epair *ep, uint32_t payload)
{
	static const uint8_t addresses[8] = { 10, 0, 0, 1, 10, 0, 0, 2 };
	static uint8_t o[HEADERS + 60000];
	uint8_t *ip = o + 14, *tcp = o + 34;
	struct epair_mbuf *m;

	assert_in_range(payload, 0, sizeof(o) - HEADERS);
	memset(o, 0, HEADERS);
	memcpy(o, mac_station, 6);
	store16(o + 12, 0x0800);
	ip[0] = 0x45;
	store16(ip + 2, 40 + payload);
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, addresses, 8);
	store16(ip + 10, 0xffffu & ~sum(ip, 20, 0));
	store16(tcp, 1000);
	store16(tcp + 2, 2000);
	tcp[12] = 0x50;
	tcp[13] = 0x10; /* ACK */
	store16(tcp + 16, pseudo(ip, 20 + payload));
	for (uint32_t i = 0; i < payload; i++)
		o[HEADERS + i] = (uint8_t)(i * 31);
	m = epair_mbuf_from(ep, o, HEADERS + payload);
	assert_non_null(m);
	m->flags |= EPAIR_M_CSUM_PARTIAL;
	m->csum_start = 34;
	m->csum_offset = 16;
	return m;
}

/* The same, to be segmented. */
static struct epair_mbuf *
super(struct epair *ep, uint32_t payload, uint16_t mss)
{
	struct epair_mbuf *m = partial(ep, payload);

	m->gso = EPAIR_GSO_TCP4;
	m->gso_size = mss;
	m->hdr_len = HEADERS;
	return m;
}

/* A whole frame with nothing left open and right checksums. */
static void
assert_finished(const struct epair_mbuf *m)
{
	uint8_t o[2048], *ip = o + 14, *tcp = o + 34;
	uint32_t len = m->pktlen;

	assert_int_equal(m->gso, EPAIR_GSO_NONE);
	assert_false(m->flags & EPAIR_M_CSUM_PARTIAL);
	assert_in_range(len, HEADERS, sizeof(o));
	assert_int_equal(epair_mbuf_read(m, 0, o, len), len);
	assert_int_equal(ip[2] << 8 | ip[3], len - 14);
	assert_int_equal(sum(ip, 20, 0), 0xffff);
	assert_int_equal(sum(tcp, len - 34, pseudo(ip, len - 34)), 0xffff);
}

static void
accept_all(struct rig *r)
{
	assert_int_equal(epair_detach(r->b, NULL), 0);
	keep_accepting(r->b, &r->at_b, ALL);
}

static void
checksum_is_finished_for_a_stack_that_cannot(void **state)
{
	struct rig *r = *state;

	assert_int_equal(transmit(r->a, partial(r->ep, 101)), 0);
	run(r);
	assert_int_equal(r->at_b.count, 1);
	assert_finished(r->at_b.ms[0]);
}

static void
checksum_is_left_to_a_stack_that_can(void **state)
{
	struct rig *r = *state;
	const struct epair_mbuf *m;

	accept_all(r);
	assert_int_equal(transmit(r->a, partial(r->ep, 101)), 0);
	run(r);
	m = r->at_b.ms[0];
	assert_true(m->flags & EPAIR_M_CSUM_PARTIAL);
	assert_int_equal(m->csum_start, 34);
	assert_int_equal(m->csum_offset, 16);
}

static void
capability_that_is_off_finishes_for_everybody(void **state)
{
	struct rig *r = *state;

	accept_all(r);
	assert_int_equal(epair_if_set_caps(r->a, 0, EPAIR_CAP_CSUM, NULL), 0);
	assert_int_equal(transmit(r->a, partial(r->ep, 101)), 0);
	assert_int_equal(transmit(r->a, super(r->ep, 3000, 1448)), 0);
	run(r);
	assert_int_equal(r->at_b.count, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_finished(r->at_b.ms[i]);
}

static void
frame_is_segmented_for_a_stack_that_cannot(void **state)
{
	struct rig *r = *state;

	assert_int_equal(transmit(r->a, super(r->ep, 3000, 1448)), 0);
	run(r);
	assert_int_equal(r->at_b.count, 3);
	assert_int_equal(r->at_b.ms[0]->pktlen, HEADERS + 1448);
	assert_int_equal(r->at_b.ms[1]->pktlen, HEADERS + 1448);
	assert_int_equal(r->at_b.ms[2]->pktlen, HEADERS + 104);
	for (unsigned i = 0; i < 3; i++)
		assert_finished(r->at_b.ms[i]);
}

static void
frame_arrives_whole_at_a_stack_that_can(void **state)
{
	struct rig *r = *state;

	accept_all(r);
	assert_int_equal(transmit(r->a, super(r->ep, 60000, 1448)), 0);
	run(r);
	assert_int_equal(r->at_b.count, 1);
	assert_int_equal(r->at_b.ms[0]->pktlen, HEADERS + 60000);
	assert_int_equal(r->at_b.ms[0]->gso, EPAIR_GSO_TCP4);
	assert_int_equal(r->at_b.ms[0]->gso_size, 1448);
}

static void
frame_to_be_segmented_is_measured_per_segment(void **state)
{
	struct rig *r = *state;

	assert_int_equal(transmit(r->a, super(r->ep, 3000, 1464)), 0);
	assert_int_equal(transmit(r->a, super(r->ep, 3000, 1465)), -E2BIG);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_TOO_LONG], 1);
	run(r);
}

static void
frames_are_counted_as_they_were_sent(void **state)
{
	struct rig *r = *state;

	assert_int_equal(transmit(r->a, super(r->ep, 3000, 1448)), 0);
	run(r);
	assert_int_equal(stats(r->a).opackets, 1);
	assert_int_equal(stats(r->a).obytes, HEADERS + 3000);
	assert_int_equal(stats(r->b).ipackets, 1);
	assert_int_equal(stats(r->b).ibytes, HEADERS + 3000);
}

static void
request_that_makes_no_sense_is_dropped(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *m = partial(r->ep, 101);

	m->csum_start = 5000;
	assert_int_equal(transmit(r->a, m), 0);
	m = super(r->ep, 101, 0);
	assert_int_equal(transmit(r->a, m), 0);
	run(r);
	assert_int_equal(r->at_b.count, 0);
	assert_int_equal(stats(r->b).drops[EPAIR_DROP_RX_OFFLOAD], 2);
	assert_int_equal(usage(r->ep).mbufs, 0);
}

static void
captured_frame_is_whole_with_its_checksum_done(void **state)
{
	const struct epair_capture_opts opts = { .size = sizeof(opts) };
	struct rig *r = *state;
	struct epair_capture *cap;
	struct epair_record rec;

	assert_int_equal(epair_capture_open(r->a, &opts, &cap, NULL), 0);
	assert_int_equal(transmit(r->a, super(r->ep, 3000, 1448)), 0);
	run(r);
	assert_int_equal(epair_capture_next(cap, &rec), 1);
	assert_int_equal(rec.len, HEADERS + 3000);
	assert_int_equal(
	    sum(rec.data + 34, 3020, pseudo(rec.data + 14, 3020)), 0xffff);
	epair_capture_close(cap);
	assert_int_equal(r->at_b.count, 3);
	assert_finished(r->at_b.ms[0]);
}

/*
 * Over a link: super-frames of ten segments to a stack that takes them whole.
 */

#define PER_SUPER 10u
#define MSS       1000u
#define MS        UINT64_C(1000000)

static void
link_up(struct rig *r, const char *words)
{
	accept_all(r);
	assert_int_equal(epair_if_set_link(r->a, words, NULL), 0);
}

static void
send_supers(struct rig *r, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(
		    transmit(r->a, super(r->ep, PER_SUPER * MSS, MSS)), 0);
	assert_int_equal(epair_advance(r->ep, 1000 * MS), 0);
}

static void
link_loses_single_segments(void **state)
{
	struct rig *r = *state;

	link_up(r, "loss every 3");
	send_supers(r, 3);
	assert_int_equal(r->at_b.count, 20);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(r->at_b.ms[i]->gso, EPAIR_GSO_NONE);
		assert_int_equal(r->at_b.ms[i]->pktlen, HEADERS + MSS);
	}
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_IMPAIR_LOSS], 10);
	assert_int_equal(stats(r->a).opackets, 30);
}

static void
link_loses_whole_super_frames_if_it_is_told_to(void **state)
{
	struct rig *r = *state;

	link_up(r, "loss every 3 per-superframe");
	send_supers(r, 3);
	assert_int_equal(r->at_b.count, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
		    r->at_b.ms[i]->pktlen, HEADERS + PER_SUPER * MSS);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_IMPAIR_LOSS], 1);
}

/* By no chance and no turn: nothing tells segments apart. */
static void
link_that_only_delays_leaves_super_frames_whole(void **state)
{
	struct rig *r = *state;

	link_up(r, "delay 5ms");
	send_supers(r, 3);
	assert_int_equal(r->at_b.count, 3);
	assert_int_equal(r->at_b.ms[2]->gso, EPAIR_GSO_TCP4);
}

static void
note_time(struct seen *seen, struct epair_if *ifp)
{
	*(uint64_t *)seen->arg = epair_now(epair_if_instance(ifp));
}

/* A whole one takes as long as its segments: an octet in a microsecond. */
static void
rate_counts_what_segments_are_on_the_wire(void **state)
{
	static const char *const words[] = { "rate 8mbit wire",
		"rate 8mbit wire per-superframe" };
	struct rig *r = *state;
	uint64_t began, last = 0;

	accept_all(r);
	r->at_b.then = note_time;
	r->at_b.arg = &last;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(epair_if_set_link(r->a, words[i], NULL), 0);
		began = epair_now(r->ep);
		send_supers(r, 1);
		assert_int_equal(last - began,
		    UINT64_C(1000) * PER_SUPER * (HEADERS + MSS + 24));
	}
	assert_int_equal(r->at_b.count, PER_SUPER + 1);
}

/* What a discipline has let go has found its room there. */
static void
segments_of_a_discipline_need_no_room_in_line(void **state)
{
	struct rig *r = *state;

	link_up(r, "rate 8mbit limit 3");
	assert_int_equal(epair_if_set_qdisc(r->a, "fifo", NULL), 0);
	send_supers(r, 3);
	assert_int_equal(r->at_b.count, 3 * PER_SUPER);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_IMPAIR_LIMIT], 0);
}

static unsigned
wrong_bits(const struct epair_mbuf *m, const struct epair_mbuf *right)
{
	uint8_t a[2048], b[2048];
	unsigned wrong = 0;

	assert_int_equal(m->pktlen, right->pktlen);
	assert_int_equal(epair_mbuf_read(m, 0, a, sizeof(a)), m->pktlen);
	assert_int_equal(epair_mbuf_read(right, 0, b, sizeof(b)), m->pktlen);
	for (uint32_t i = 0; i < m->pktlen; i++)
		wrong += (unsigned)__builtin_popcount(a[i] ^ b[i]);
	return wrong;
}

/* Or the receiver would finish the checksum over what is wrong. */
static void
bit_is_turned_in_a_segment_whose_checksum_is_finished(void **state)
{
	struct rig *r = *state;

	assert_int_equal(transmit(r->a, super(r->ep, 10 * MSS, MSS)), 0);
	run(r);
	/* The stack that cannot take it whole has seen what is right. */
	link_up(r, "corrupt 100%");
	send_supers(r, 1);
	assert_int_equal(r->at_b.count, 2 * PER_SUPER);
	for (unsigned i = 0; i < PER_SUPER; i++) {
		const struct epair_mbuf *m = r->at_b.ms[PER_SUPER + i];

		assert_false(m->flags & EPAIR_M_CSUM_PARTIAL);
		assert_false(m->flags & EPAIR_M_CSUM_VALID);
		assert_int_equal(wrong_bits(m, r->at_b.ms[i]), 1);
	}
}

/* It stood in line, its checksum open, when frames began to be damaged. */
static void
checksum_is_finished_before_a_bit_is_turned_late(void **state)
{
	struct rig *r = *state;

	assert_int_equal(transmit(r->a, partial(r->ep, MSS)), 0);
	run(r);
	link_up(r, "rate 8mbit");
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(transmit(r->a, partial(r->ep, MSS)), 0);
	link_up(r, "corrupt 100%");
	assert_int_equal(epair_advance(r->ep, 1000 * MS), 0);
	assert_int_equal(r->at_b.count, 3);
	assert_true(r->at_b.ms[1]->flags & EPAIR_M_CSUM_PARTIAL);
	assert_false(r->at_b.ms[2]->flags & EPAIR_M_CSUM_PARTIAL);
	assert_int_equal(wrong_bits(r->at_b.ms[2], r->at_b.ms[0]), 1);
}

static void
slot_holds_so_many_segments(void **state)
{
	struct rig *r = *state;

	link_up(r, "slot distribution uniform 5ms packets 3");
	send_supers(r, 1);
	assert_int_equal(r->at_b.count, PER_SUPER);
}

static void
bit_errors_are_of_segments_too(void **state)
{
	struct rig *r = *state;

	link_up(r, "ber 1 per-superframe");
	send_supers(r, 1);
	assert_int_equal(r->at_b.count, PER_SUPER);
	for (unsigned i = 0; i < PER_SUPER; i++)
		assert_int_equal(r->at_b.ms[i]->flags & (EPAIR_M_CSUM_PARTIAL |
							    EPAIR_M_CSUM_VALID),
		    0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(checksum_is_finished_for_a_stack_that_cannot),
		RIG_TEST(checksum_is_left_to_a_stack_that_can),
		RIG_TEST(capability_that_is_off_finishes_for_everybody),
		RIG_TEST(frame_is_segmented_for_a_stack_that_cannot),
		RIG_TEST(frame_arrives_whole_at_a_stack_that_can),
		RIG_TEST(frame_to_be_segmented_is_measured_per_segment),
		RIG_TEST(frames_are_counted_as_they_were_sent),
		RIG_TEST(request_that_makes_no_sense_is_dropped),
		RIG_TEST(captured_frame_is_whole_with_its_checksum_done),
		RIG_TEST(link_loses_single_segments),
		RIG_TEST(link_loses_whole_super_frames_if_it_is_told_to),
		RIG_TEST(link_that_only_delays_leaves_super_frames_whole),
		RIG_TEST(rate_counts_what_segments_are_on_the_wire),
		RIG_TEST(segments_of_a_discipline_need_no_room_in_line),
		RIG_TEST(bit_is_turned_in_a_segment_whose_checksum_is_finished),
		RIG_TEST(checksum_is_finished_before_a_bit_is_turned_late),
		RIG_TEST(slot_holds_so_many_segments),
		RIG_TEST(bit_errors_are_of_segments_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
