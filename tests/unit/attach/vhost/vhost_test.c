/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attachment `vhost` and a guest of the tests' own: frames both ways, what of
 * them is left open, and who wakes whom.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest.h"

static void
frames_cross_both_ways(void **state)
{
	struct rest *t = begin(state);
	struct vring_used_elem used;
	uint8_t octets[1514];

	guest_run(&t->g, FEATURES);
	for (unsigned i = 0; i < 200; i++) {
		fill(octets, 60 + i, (uint8_t)i);
		guest_send(&t->g, 1, i % RING, NULL, octets, 60 + i);
		used = guest_take(&t->g, 1);
		assert_int_equal(used.id, i % RING);
		assert_int_equal(used.len, 0);
		AWAIT(t->w, t->w->at_b.count == i + 1);
		kept_is(t->w, i, 60 + i, (uint8_t)i);

		guest_post(&t->g, 0, i, 1, 2048);
		to_guest(t->w, 60 + i, (uint8_t)i);
		used = guest_take(&t->g, 0);
		assert_int_equal(used.id, i % RING);
		assert_int_equal(used.len, HDR + 60 + i);
		assert_true(is_filled(
		    buffer(&t->g, 0, used.id) + HDR, 60 + i, (uint8_t)i));
		assert_int_equal(buffer(&t->g, 0, used.id)[10], 1);
	}
	guest_fini(&t->g);
}

static void
long_frame_is_merged_over_several_buffers(void **state)
{
	struct rest *t = begin(state);
	uint8_t got[9000 + HDR];
	struct vring_used_elem used;
	uint32_t len = 0;

	assert_int_equal(epair_if_set_mtu(t->w->b, 9000, NULL), 0);
	guest_run(&t->g, FEATURES);
	guest_post(&t->g, 0, 0, 10, 1000);
	to_guest(t->w, 9000, 5);
	for (unsigned i = 0; i < 10; i++) {
		used = guest_take(&t->g, 0);
		assert_int_equal(used.id, i);
		assert_int_equal(used.len, i < 9 ? 1000 : HDR + 9000 - 9000);
		memcpy(got + len, buffer(&t->g, 0, i), used.len);
		len += used.len;
	}
	assert_int_equal(got[10], 10);
	assert_true(is_filled(got + HDR, 9000, 5));
	guest_fini(&t->g);
}

static void
frame_that_no_chain_can_hold_is_dropped(void **state)
{
	struct rest *t = begin(state);

	guest_run(&t->g, FEATURES & ~BIT(VIRTIO_NET_F_MRG_RXBUF));
	guest_post(&t->g, 0, 0, 2, 500);
	to_guest(t->w, 1000, 1);
	to_guest(t->w, 400, 2);
	assert_int_equal(guest_take(&t->g, 0).len, HDR + 400);
	assert_int_equal(stats(t->w->a).drops[EPAIR_DROP_RX_STACK_ERROR], 1);
	guest_fini(&t->g);
}

/* It would be in the way of all that come behind it, for ever. */
static void
frame_that_no_ring_can_hold_is_dropped(void **state)
{
	const uint64_t at = UVA, addr[5] = { 0, at, at + 0x2000, at + 0x1000 };
	struct rest *t = begin(state);
	const uint64_t index = 0;

	assert_int_equal(epair_if_set_mtu(t->w->b, 65535, NULL), 0);
	guest_connect(&t->g, FEATURES, PROTOCOL);
	guest_say_memory(&t->g);
	guest_say_state(&t->g, EP_VHOST_SET_VRING_NUM, 0, 16);
	guest_say(&t->g, EP_VHOST_SET_VRING_ADDR, addr, 40, NULL, 0);
	guest_say(
	    &t->g, EP_VHOST_SET_VRING_KICK, &index, 8, &t->g.rings[0].kick, 1);
	guest_say_state(&t->g, EP_VHOST_SET_VRING_ENABLE, 0, 1);
	(void)guest_ask_u64(&t->g, EP_VHOST_GET_QUEUE_NUM);
	/* One waits for room that may come, and does. */
	guest_post(&t->g, 0, 0, 15, 1000);
	to_guest(t->w, 15900, 1);
	for (int i = 0; i < 5; i++)
		wire_turn(t->w);
	assert_false(guest_has_used(&t->g, 0));
	guest_post(&t->g, 0, 15, 1, 1000);
	guest_kick(&t->g, 0);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(guest_take(&t->g, 0).id, i);
	guest_post(&t->g, 0, 0, 16, 1000);
	to_guest(t->w, 20000, 1);
	to_guest(t->w, 400, 2);
	AWAIT(t->w, t->g.rings[0].used->idx == 17);
	assert_int_equal(stats(t->w->a).drops[EPAIR_DROP_RX_STACK_ERROR], 1);
	guest_fini(&t->g);
}

/* Its header by itself, then pieces, one across the end of a region. */
static void
frame_may_lie_in_many_pieces(void **state)
{
	const uint64_t half = MEMORY / 2 / 4096 * 4096 + 4096;
	struct rest *t = begin(state);
	uint8_t octets[1000];

	guest_run(&t->g, FEATURES);
	fill(octets, sizeof(octets), 9);
	memset(buffer(&t->g, 1, 0), 0, HDR);
	memcpy(buffer(&t->g, 1, 1), octets, 100);
	memcpy(t->g.at + half - 450, octets + 100, 900);
	guest_desc(&t->g, 1, 3, buffer_gpa(1, 0), HDR, VRING_DESC_F_NEXT, 7);
	guest_desc(&t->g, 1, 7, buffer_gpa(1, 1), 100, VRING_DESC_F_NEXT, 5);
	guest_desc(&t->g, 1, 5, GPA + half - 450, 900, 0, 0);
	guest_offer(&t->g, 1, 3);
	guest_kick(&t->g, 1);
	AWAIT(t->w, t->w->at_b.count == 1);
	kept_is(t->w, 0, 1000, 9);

	/* And the other way, the header across two. */
	guest_desc(&t->g, 0, 0, buffer_gpa(0, 0), 13,
	    VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1);
	guest_desc(&t->g, 0, 1, GPA + half - 500, 1200, VRING_DESC_F_WRITE, 0);
	guest_offer(&t->g, 0, 0);
	to_guest(t->w, 1000, 10);
	assert_int_equal(guest_take(&t->g, 0).len, HDR + 1000);
	fill(octets, sizeof(octets), 10);
	assert_int_equal(buffer(&t->g, 0, 0)[12], octets[0]);
	assert_memory_equal(t->g.at + half - 500, octets + 1, 999);
	guest_fini(&t->g);
}

static void
descriptors_may_be_in_a_table(void **state)
{
	struct rest *t = begin(state);
	struct vring_desc *table;
	uint8_t octets[700];

	guest_run(&t->g, FEATURES);
	table = (struct vring_desc *)(void *)buffer(&t->g, 2, 0);
	fill(octets, sizeof(octets), 3);
	memset(buffer(&t->g, 1, 0), 0, HDR);
	memcpy(buffer(&t->g, 1, 1), octets, sizeof(octets));
	table[0] = (struct vring_desc){ buffer_gpa(1, 0), HDR,
		VRING_DESC_F_NEXT, 2 };
	table[2] = (struct vring_desc){ buffer_gpa(1, 1), sizeof(octets), 0,
		0 };
	guest_desc(
	    &t->g, 1, 0, buffer_gpa(2, 0), 3 * 16, VRING_DESC_F_INDIRECT, 0);
	guest_offer(&t->g, 1, 0);
	guest_kick(&t->g, 1);
	AWAIT(t->w, t->w->at_b.count == 1);
	kept_is(t->w, 0, sizeof(octets), 3);
	guest_fini(&t->g);
}

static void
old_guest_has_a_shorter_header(void **state)
{
	struct rest *t = begin(state);
	uint8_t octets[60];

	guest_connect(&t->g, 0, 0);
	guest_start(&t->g, 1, NULL); /* enabled from the beginning */
	fill(octets, sizeof(octets), 1);
	guest_send(&t->g, 1, 0, NULL, octets, sizeof(octets));
	AWAIT(t->w, t->w->at_b.count == 1);
	kept_is(t->w, 0, 60, 1);
	guest_post(&t->g, 0, 0, 1, 100);
	to_guest(t->w, 60, 2);
	assert_int_equal(guest_take(&t->g, 0).len, 10 + 60);
	assert_true(is_filled(buffer(&t->g, 0, 0) + 10, 60, 2));
	guest_fini(&t->g);
}

static void
frame_that_is_none_is_counted(void **state)
{
	struct rest *t = begin(state);
	struct virtio_net_hdr_v1 hdr = { .flags = 1, .csum_start = 2000 };
	uint8_t octets[60] = { 2 };

	guest_run(&t->g, FEATURES);
	guest_send(&t->g, 1, 0, NULL, octets, 13);
	guest_send(&t->g, 1, 1, &hdr, octets, 60); /* no such place */
	guest_desc(&t->g, 1, 2, buffer_gpa(1, 2), 5, 0, 0);
	guest_offer(&t->g, 1, 2);
	guest_desc(&t->g, 1, 3, buffer_gpa(1, 3), 0, 0, 0);
	guest_offer(&t->g, 1, 3);
	guest_send(&t->g, 1, 4, NULL, octets, 60);
	AWAIT(t->w, t->w->at_b.count == 1);
	assert_int_equal(stats(t->w->a).drops[EPAIR_DROP_TX_BAD], 4);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(guest_take(&t->g, 1).id, i);
	guest_fini(&t->g);
}

/* Offload. */

/* A TCP segment over IPv4 of `len`, to be cut at 1000, its checksum open. */
static struct virtio_net_hdr_v1
tcp(uint8_t *octets, uint32_t len)
{
	fill(octets, len, 0);
	octets[12] = 8;
	octets[13] = 0;
	memset(octets + 14, 0, 52);
	octets[14] = 0x45;
	octets[16] = (uint8_t)((len - 14) >> 8);
	octets[17] = (uint8_t)(len - 14);
	octets[22] = 64;
	octets[23] = 6;
	octets[46] = 8 << 4;
	return (struct virtio_net_hdr_v1){ .flags = 1,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = 66,
		.gso_size = 1000,
		.csum_start = 34,
		.csum_offset = 16 };
}

static void
what_a_guest_leaves_open_crosses_untouched(void **state)
{
	static uint8_t octets[60000];
	struct rest *t = begin(state);
	struct virtio_net_hdr_v1 hdr = tcp(octets, sizeof(octets)), got;
	struct epair_mbuf *m;

	assert_int_equal(epair_detach(t->w->b, NULL), 0);
	keep_accepting(t->w->b, &t->w->at_b, EPAIR_CAP_CSUM | EPAIR_CAP_TSO);
	guest_run(&t->g, FEATURES);
	guest_send(&t->g, 1, 0, &hdr, octets, sizeof(octets));
	AWAIT(t->w, t->w->at_b.count == 1);
	m = t->w->at_b.ms[0];
	assert_int_equal(m->pktlen, sizeof(octets));
	assert_int_equal(m->flags & EPAIR_M_CSUM_PARTIAL, EPAIR_M_CSUM_PARTIAL);
	assert_int_equal(m->csum_start, 34);
	assert_int_equal(m->csum_offset, 16);
	assert_int_equal(m->gso, EPAIR_GSO_TCP4);
	assert_int_equal(m->gso_size, 1000);

	/* And back, as it is. */
	guest_post(&t->g, 0, 0, 1, BUFFER);
	m = epair_mbuf_copy(m);
	assert_non_null(m);
	(void)transmit(t->w->b, m);
	assert_int_equal(guest_take(&t->g, 0).len, HDR + sizeof(octets));
	memcpy(&got, buffer(&t->g, 0, 0), sizeof(got));
	hdr.num_buffers = 1;
	assert_memory_equal(&got, &hdr, sizeof(hdr));
	assert_memory_equal(buffer(&t->g, 0, 0) + HDR, octets, sizeof(octets));
	guest_fini(&t->g);
}

static void
guest_that_takes_nothing_open_is_given_segments(void **state)
{
	static uint8_t octets[3066];
	struct rest *t = begin(state);
	struct virtio_net_hdr_v1 got;
	struct epair_mbuf *m;

	guest_run(&t->g, FEATURES & ~FEATURES_OFFLOAD);
	guest_post(&t->g, 0, 0, 4, 2048);
	(void)tcp(octets, sizeof(octets));
	m = epair_mbuf_from(t->w->ep, octets, sizeof(octets));
	assert_non_null(m);
	m->flags |= EPAIR_M_CSUM_PARTIAL;
	m->csum_start = 34;
	m->csum_offset = 16;
	m->gso = EPAIR_GSO_TCP4;
	m->gso_size = 1000;
	(void)transmit(t->w->b, m);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(guest_take(&t->g, 0).len, HDR + 1066);
		memcpy(&got, buffer(&t->g, 0, i), sizeof(got));
		assert_int_equal(got.flags, 0);
		assert_int_equal(got.gso_type, 0);
	}
	guest_fini(&t->g);
}

static void
checksum_that_a_guest_says_is_right_is_not_believed(void **state)
{
	struct virtio_net_hdr_v1 hdr = { .flags = VIRTIO_NET_HDR_F_DATA_VALID };
	struct rest *t = begin(state);
	uint8_t octets[60] = { 2 };

	guest_run(&t->g, FEATURES);
	guest_send(&t->g, 1, 0, &hdr, octets, sizeof(octets));
	AWAIT(t->w, t->w->at_b.count == 1);
	assert_int_equal(t->w->at_b.ms[0]->flags & EPAIR_M_CSUM_VALID, 0);
	guest_fini(&t->g);
}

static void
interface_without_offloads_offers_none(void **state)
{
	struct rest *t = begin(state);
	uint64_t features;

	assert_int_equal(
	    epair_if_set_caps(t->w->a, 0, EPAIR_CAP_CSUM, NULL), 0);
	t->g.sock = peer_connect(t->w->path, SOCK_STREAM);
	features = guest_ask_u64(&t->g, EP_VHOST_GET_FEATURES);
	assert_int_equal(features & FEATURES_OFFLOAD, 0);
	assert_int_equal(features & BIT(VIRTIO_NET_F_MQ), 0);
	guest_fini(&t->g);
}

/* Waking. */

static void
burst_is_one_interrupt_and_none_if_none_is_wanted(void **state)
{
	struct rest *t = begin(state);

	guest_run(&t->g, FEATURES);
	guest_post(&t->g, 0, 0, RING, 2048);
	for (int i = 0; i < 10; i++)
		to_guest(t->w, 60, 1);
	AWAIT(t->w, t->g.rings[0].used->idx == 10);
	assert_int_equal(guest_interrupts(&t->g, 0), 1);
	t->g.rings[0].avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	to_guest(t->w, 60, 1);
	AWAIT(t->w, t->g.rings[0].used->idx == 11);
	assert_int_equal(guest_interrupts(&t->g, 0), 0);
	guest_fini(&t->g);
}

/* Of what it sent it is told a little later, of much of it at once. */
static void
guest_is_told_of_what_it_has_back(void **state)
{
	struct rest *t = begin(state);
	const uint32_t one[2] = { 1, 0 };
	struct ring *ring = &t->g.rings[1];
	uint8_t octets[60] = { 2 };
	uint16_t sent = 0;
	uint32_t base[2];

	guest_run(&t->g, FEATURES);
	for (unsigned few = 1; few <= RING / 4; few *= 4) {
		for (unsigned i = 0; i < few; i++)
			guest_send(&t->g, 1, sent++ % RING, NULL, octets,
			    sizeof(octets));
		AWAIT(t->w, ring->used->idx == sent);
		AWAIT(t->w, guest_interrupts(&t->g, 1) == 1);
	}
	/* Nothing to tell, nobody to be told. */
	ring->avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	guest_send(&t->g, 1, sent++ % RING, NULL, octets, sizeof(octets));
	AWAIT(t->w, ring->used->idx == sent);
	ring->avail->flags = 0;
	assert_int_equal(guest_interrupts(&t->g, 1), 0);
	/* Not later than that its ring is stopped. */
	guest_send(&t->g, 1, sent++ % RING, NULL, octets, sizeof(octets));
	(void)guest_ask(&t->g, EP_VHOST_GET_VRING_BASE, one, 8, base, 8, NULL);
	assert_int_equal(
	    guest_interrupts(&t->g, 1), ring->used->idx == sent ? 1 : 0);
	guest_fini(&t->g);
}

static void
event_indexes_say_when_to_wake(void **state)
{
	struct rest *t = begin(state);
	uint16_t *used_event, *avail_event;
	uint8_t octets[60] = { 2 };

	guest_run(&t->g, FEATURES | BIT(VIRTIO_RING_F_EVENT_IDX));
	used_event = &t->g.rings[0].avail->ring[RING];
	avail_event = (uint16_t *)(void *)&t->g.rings[1].used->ring[RING];

	/* Once it is known what the guest was told: by its word only. */
	guest_post(&t->g, 0, 0, RING, 2048);
	to_guest(t->w, 60, 1);
	AWAIT(t->w, t->g.rings[0].used->idx == 1);
	(void)guest_interrupts(&t->g, 0);
	*used_event = 3;
	to_guest(t->w, 60, 1);
	to_guest(t->w, 60, 1);
	AWAIT(t->w, t->g.rings[0].used->idx == 3);
	assert_int_equal(guest_interrupts(&t->g, 0), 0);
	to_guest(t->w, 60, 1);
	AWAIT(t->w, t->g.rings[0].used->idx == 4);
	assert_int_equal(guest_interrupts(&t->g, 0), 1);

	/* We wait for the next one, and behind it for the one that follows. */
	for (unsigned i = 0; i < 5; i++) {
		AWAIT(t->w, *avail_event == i);
		guest_send(&t->g, 1, i, NULL, octets, sizeof(octets));
		AWAIT(t->w, t->w->at_b.count == i + 1);
	}
	/* Those that it receives on are only waited for when they lack. */
	avail_event = (uint16_t *)(void *)&t->g.rings[0].used->ring[RING];
	assert_int_equal(*avail_event, 0);
	for (unsigned i = 4; i < RING + 3; i++)
		to_guest(t->w, 60, 1);
	AWAIT(t->w, *avail_event == RING);
	guest_fini(&t->g);
}

static void
what_finds_no_room_waits_for_it_in_order(void **state)
{
	struct rest *t = begin(state);
	struct vring_used_elem used;

	guest_run(&t->g, FEATURES);
	for (unsigned i = 0; i < 1000; i++)
		to_guest(t->w, 60, (uint8_t)i);
	for (int i = 0; i < 5; i++)
		wire_turn(t->w);
	assert_false(guest_has_used(&t->g, 0));
	for (unsigned i = 0; i < 1000; i++) {
		if (i % 50 == 0) {
			guest_post(&t->g, 0, i, 50, 2048);
			guest_kick(&t->g, 0);
		}
		used = guest_take(&t->g, 0);
		assert_true(
		    is_filled(buffer(&t->g, 0, used.id) + HDR, 60, (uint8_t)i));
	}
	assert_int_equal(stats(t->w->a).drops[EPAIR_DROP_RX_STACK_FULL], 0);
	guest_fini(&t->g);
}

static void
what_waits_has_a_limit_and_ends_with_the_guest(void **state)
{
	struct rest *t = begin(state);

	guest_run(&t->g, FEATURES);
	for (unsigned i = 0; i < 1500; i++) {
		to_guest(t->w, 60, 0);
		wire_turn(t->w);
	}
	AWAIT(t->w, stats(t->w->a).drops[EPAIR_DROP_RX_STACK_FULL] == 476);
	guest_hang_up(&t->g);
	AWAIT(t->w, has_said(t->w, "front end closed"));
	assert_int_equal(stats(t->w->a).drops[EPAIR_DROP_RX_STACK_DOWN], 1024);
	to_guest(t->w, 60, 0);
	AWAIT(t->w, stats(t->w->a).drops[EPAIR_DROP_RX_STACK_DOWN] == 1025);
	guest_fini(&t->g);
}

static void
queue_without_kicks_is_looked_at(void **state)
{
	const uint64_t no_fd = 1 | 0x100;
	struct rest *t = begin(state);
	uint8_t octets[60] = { 2 };

	guest_run(&t->g, FEATURES);
	guest_say(&t->g, EP_VHOST_SET_VRING_KICK, &no_fd, 8, NULL, 0);
	for (unsigned i = 0; i < 10; i++) {
		memset(buffer(&t->g, 1, i), 0, HDR);
		memcpy(buffer(&t->g, 1, i) + HDR, octets, 60);
		guest_desc(&t->g, 1, i, buffer_gpa(1, i), HDR + 60, 0, 0);
		guest_offer(&t->g, 1, (uint16_t)i);
		AWAIT(t->w, t->w->at_b.count == i + 1);
	}
	guest_fini(&t->g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(frames_cross_both_ways),
		WIRE_TEST(long_frame_is_merged_over_several_buffers),
		WIRE_TEST(frame_that_no_chain_can_hold_is_dropped),
		WIRE_TEST(frame_that_no_ring_can_hold_is_dropped),
		WIRE_TEST(frame_may_lie_in_many_pieces),
		WIRE_TEST(descriptors_may_be_in_a_table),
		WIRE_TEST(old_guest_has_a_shorter_header),
		WIRE_TEST(frame_that_is_none_is_counted),
		WIRE_TEST(what_a_guest_leaves_open_crosses_untouched),
		WIRE_TEST(guest_that_takes_nothing_open_is_given_segments),
		WIRE_TEST(checksum_that_a_guest_says_is_right_is_not_believed),
		WIRE_TEST(interface_without_offloads_offers_none),
		WIRE_TEST(burst_is_one_interrupt_and_none_if_none_is_wanted),
		WIRE_TEST(guest_is_told_of_what_it_has_back),
		WIRE_TEST(event_indexes_say_when_to_wake),
		WIRE_TEST(what_finds_no_room_waits_for_it_in_order),
		WIRE_TEST(what_waits_has_a_limit_and_ends_with_the_guest),
		WIRE_TEST(queue_without_kicks_is_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
