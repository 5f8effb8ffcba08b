/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attachment `vhost` and a guest of the tests' own: frames both ways, what
 * is agreed on, and what becomes of it when either of them goes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest.h"

#define HDR 12u

struct rest {
	struct wire *w;
	struct guest g;
};

static struct rest *
begin(void **state)
{
	static struct rest rest;

	rest.w = *state;
	guest_init(&rest.g, rest.w);
	attach(rest.w, "vhost:path=%s", rest.w->path);
	AWAIT(rest.w, access(rest.w->path, F_OK) == 0);
	return &rest;
}

static void
fill(uint8_t *octets, uint32_t len, uint8_t seed)
{
	memset(octets, 0, len < 14 ? len : 14);
	octets[0] = 2;
	for (uint32_t i = 14; i < len; i++)
		octets[i] = (uint8_t)(seed + i * 7 + (i >> 8));
}

/* Transmit at b, so that the guest receives it. */
static void
to_guest(struct wire *w, uint32_t len, uint8_t seed)
{
	uint8_t *octets = malloc(len);
	struct epair_mbuf *m;

	assert_non_null(octets);
	fill(octets, len, seed);
	m = epair_mbuf_from(w->ep, octets, len);
	free(octets);
	assert_non_null(m);
	(void)transmit(w->b, m);
}

static int
is_filled(const uint8_t *octets, uint32_t len, uint8_t seed)
{
	uint8_t *wanted = malloc(len);
	int same;

	assert_non_null(wanted);
	fill(wanted, len, seed);
	same = memcmp(octets, wanted, len) == 0;
	free(wanted);
	return same;
}

static void
kept_is(struct wire *w, unsigned i, uint32_t len, uint8_t seed)
{
	uint8_t *octets = malloc(len);

	assert_non_null(octets);
	assert_int_equal(w->at_b.ms[i]->pktlen, len);
	assert_int_equal(epair_mbuf_read(w->at_b.ms[i], 0, octets, len), len);
	assert_true(is_filled(octets, len, seed));
	free(octets);
}

/* Frames. */

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

/* Queues. */

static void
disabled_queue_is_emptied_and_counted(void **state)
{
	struct rest *t = begin(state);
	uint8_t octets[60] = { 2 };

	guest_run(&t->g, FEATURES);
	guest_say_state(&t->g, EP_VHOST_SET_VRING_ENABLE, 1, 0);
	guest_send(&t->g, 1, 0, NULL, octets, sizeof(octets));
	assert_int_equal(guest_take(&t->g, 1).id, 0);
	assert_int_equal(stats(t->w->a).drops[EPAIR_DROP_TX_DISABLED], 1);
	guest_say_state(&t->g, EP_VHOST_SET_VRING_ENABLE, 1, 1);
	AWAIT(t->w, (guest_send(&t->g, 1, 1, NULL, octets, sizeof(octets)),
			wire_turn(t->w), t->w->at_b.count > 0));
	guest_say_state(&t->g, EP_VHOST_SET_VRING_ENABLE, 0, 0);
	AWAIT(t->w, has_said(t->w, "guest stopped"));
	to_guest(t->w, 60, 0);
	AWAIT(t->w, stats(t->w->a).drops[EPAIR_DROP_RX_STACK_DOWN] == 1);
	guest_fini(&t->g);
}

static void
stopped_queue_says_how_far_it_came(void **state)
{
	const uint32_t one[2] = { 1, 0 };
	struct rest *t = begin(state);
	uint8_t octets[60] = { 2 };
	uint32_t state_[2];

	guest_run(&t->g, FEATURES);
	for (unsigned i = 0; i < 70; i++) {
		guest_send(&t->g, 1, i % RING, NULL, octets, sizeof(octets));
		(void)guest_take(&t->g, 1);
	}
	AWAIT(t->w, t->w->at_b.count == 70);
	(void)guest_ask(
	    &t->g, EP_VHOST_GET_VRING_BASE, one, 8, state_, 8, NULL);
	assert_int_equal(state_[0], 1);
	assert_int_equal(state_[1], 70);
	/* Nobody looks there, until it is told again. */
	guest_send(&t->g, 1, 6, NULL, octets, sizeof(octets));
	for (int i = 0; i < 5; i++)
		wire_turn(t->w);
	assert_false(guest_has_used(&t->g, 1));
	guest_say_ring(&t->g, 1, 70);
	AWAIT(t->w, t->w->at_b.count == 71);
	guest_fini(&t->g);
}

static void
memory_may_be_told_anew_while_queues_run(void **state)
{
	struct rest *t = begin(state);
	uint8_t octets[60] = { 2 };

	guest_run(&t->g, FEATURES);
	guest_post(&t->g, 0, 0, RING, 2048);
	for (unsigned i = 0; i < 50; i++) {
		guest_say_memory(&t->g);
		guest_send(&t->g, 1, i, NULL, octets, sizeof(octets));
		to_guest(t->w, 60, 1);
		(void)guest_take(&t->g, 0);
	}
	AWAIT(t->w, t->w->at_b.count == 50);
	guest_fini(&t->g);
}

static void
guest_that_comes_back_loses_and_repeats_nothing(void **state)
{
	struct rest *t = begin(state);
	uint8_t octets[60];
	uint16_t bases[2];

	guest_run(&t->g, FEATURES);
	for (unsigned i = 0; i < 40; i++) {
		fill(octets, sizeof(octets), (uint8_t)i);
		guest_send(&t->g, 1, i, NULL, octets, sizeof(octets));
		if (i % 10 != 5)
			continue;
		/* What QEMU does when its back end is gone. */
		guest_hang_up(&t->g);
		AWAIT(t->w, has_said(t->w, "front end closed"));
		bases[0] = t->g.rings[0].used->idx;
		bases[1] = t->g.rings[1].used->idx;
		guest_connect(&t->g, FEATURES, PROTOCOL);
		guest_start(&t->g, 1, bases);
	}
	AWAIT(t->w, t->w->at_b.count == 40);
	for (unsigned i = 0; i < 40; i++)
		kept_is(t->w, i, 60, (uint8_t)i);
	guest_fini(&t->g);
}

static void
what_a_dead_back_end_had_taken_is_done_first(void **state)
{
	const uint32_t head = 16;
	struct rest *t = begin(state);
	struct ep_vhost_inflight_desc ask = { .queues = 2, .queue_size = RING };
	uint8_t octets[60], answer[64] = { 0 };
	uint64_t size;
	uint8_t *area;
	int fd = -1;

	guest_connect(&t->g, FEATURES, PROTOCOL | EP_VHOST_PROTOCOL_INFLIGHT);
	assert_int_equal(guest_ask(&t->g, EP_VHOST_GET_INFLIGHT_FD, &ask, 24,
			     answer, sizeof(answer), &fd),
	    24);
	assert_true(fd >= 0);
	memcpy(&size, answer, sizeof(size));
	area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(area, MAP_FAILED);
	area += size / 2; /* of ring 1 */
	*(uint16_t *)(void *)(area + 8) = 1; /* version */
	*(uint16_t *)(void *)(area + 10) = RING;
	/* It gave 2 back and died; and had taken 1 before 0. */
	for (unsigned i = 0; i < 3; i++) {
		area[head + i * 16] = 1;
		*(uint64_t *)(void *)(area + head + i * 16 + 8) = 10 - i;
	}
	*(uint16_t *)(void *)(area + 12) = 2; /* last_batch_head */
	t->g.rings[1].used->idx = 1;
	t->g.rings[1].seen = 1;
	t->g.rings[1].next = t->g.rings[1].avail->idx = 3;
	for (unsigned i = 0; i < 2; i++) {
		fill(octets, sizeof(octets), (uint8_t)i);
		memcpy(buffer(&t->g, 1, i) + HDR, octets, 60);
		guest_desc(&t->g, 1, i, buffer_gpa(1, i), HDR + 60, 0, 0);
	}
	memcpy(answer + 8, &(uint64_t){ 0 }, 8);
	guest_say(&t->g, EP_VHOST_SET_INFLIGHT_FD, answer, 24, &fd, 1);
	guest_start(&t->g, 1, NULL);
	fill(octets, sizeof(octets), 7);
	guest_send(&t->g, 1, 7, NULL, octets, sizeof(octets));
	AWAIT(t->w, t->w->at_b.count == 3);
	kept_is(t->w, 0, 60, 1);
	kept_is(t->w, 1, 60, 0);
	kept_is(t->w, 2, 60, 7);
	assert_int_equal(guest_take(&t->g, 1).id, 1);
	assert_int_equal(guest_take(&t->g, 1).id, 0);
	assert_int_equal(guest_take(&t->g, 1).id, 7);
	/* Nothing is noted any more. */
	for (unsigned i = 0; i < RING; i++)
		assert_int_equal(area[head + i * 16], 0);
	assert_int_equal(*(uint16_t *)(void *)(area + 14), 4);
	(void)munmap(area - size / 2, size);
	close(fd);
	guest_fini(&t->g);
}

/* The device's configuration. */

static void
mtu_and_unknown_requests_are_answered(void **state)
{
	struct rest *t = begin(state);
	uint64_t mtu = 1500;

	guest_connect(&t->g, FEATURES, PROTOCOL | EP_VHOST_PROTOCOL_NET_MTU);
	assert_true(guest_is_done(&t->g, EP_VHOST_NET_SET_MTU, &mtu, 8, -1));
	mtu = 67;
	assert_false(guest_is_done(&t->g, EP_VHOST_NET_SET_MTU, &mtu, 8, -1));
	mtu = 9000;
	assert_true(guest_is_done(&t->g, EP_VHOST_NET_SET_MTU, &mtu, 8, -1));
	assert_true(has_said(t->w, "is given an MTU of 9000"));
	assert_false(guest_is_done(&t->g, 99, &mtu, 8, -1));
	assert_false(guest_is_done(&t->g, 0, NULL, 0, -1));
	assert_int_equal(guest_ask_u64(&t->g, EP_VHOST_GET_QUEUE_NUM), 1);
	guest_fini(&t->g);
}

static struct virtio_net_config
config_of(struct rest *t)
{
	const uint32_t size = sizeof(struct virtio_net_config);
	uint8_t ask[12 + sizeof(struct virtio_net_config)] = { 0 };
	uint8_t answer[sizeof(ask)];
	struct virtio_net_config config;

	memcpy(ask + 4, &size, sizeof(size));
	assert_int_equal(guest_ask(&t->g, EP_VHOST_GET_CONFIG, ask, sizeof(ask),
			     answer, sizeof(answer), NULL),
	    sizeof(ask));
	memcpy(&config, answer + 12, sizeof(config));
	return config;
}

static void
guest_is_told_of_link_and_mtu(void **state)
{
	struct rest *t = begin(state);
	struct virtio_net_config config;
	uint32_t head[3];
	int ends[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	guest_connect(&t->g, FEATURES,
	    PROTOCOL | EP_VHOST_PROTOCOL_CONFIG |
		EP_VHOST_PROTOCOL_BACKEND_REQ);
	assert_true(guest_is_done(
	    &t->g, EP_VHOST_SET_BACKEND_REQ_FD, NULL, 0, ends[1]));
	close(ends[1]);
	guest_start(&t->g, 1, NULL);
	config = config_of(t);
	assert_int_equal(config.status, VIRTIO_NET_S_LINK_UP);
	assert_int_equal(config.mtu, 1500);
	assert_memory_equal(config.mac, info(t->w->a).mac, 6);

	assert_int_equal(epair_if_down(t->w->a), 0);
	assert_int_equal(epair_if_set_mtu(t->w->a, 1400, NULL), 0);
	AWAIT(t->w, recv(ends[0], head, sizeof(head), 0) == sizeof(head));
	assert_int_equal(head[0], EP_VHOST_BACKEND_CONFIG_CHANGE);
	AWAIT(t->w, config_of(t).status == 0 && config_of(t).mtu == 1400);
	assert_int_equal(epair_if_up(t->w->a), 0);
	AWAIT(t->w, config_of(t).status == VIRTIO_NET_S_LINK_UP);
	/* It is the same connection. */
	guest_post(&t->g, 0, 0, 1, 2048);
	AWAIT(t->w,
	    (to_guest(t->w, 60, 1), wire_turn(t->w), guest_has_used(&t->g, 0)));
	close(ends[0]);
	guest_fini(&t->g);
}

static void
without_link_nobody_is_connected(void **state)
{
	struct rest *t = begin(state);

	for (int i = 0; i < 3; i++) {
		guest_run(&t->g, FEATURES);
		assert_int_equal(epair_if_down(t->w->a), 0);
		guest_await_end(&t->g);
		AWAIT(
		    t->w, has_said(t->w, "closed: the interface has no link"));
		AWAIT(t->w, access(t->w->path, F_OK) != 0);
		guest_hang_up(&t->g);
		assert_int_equal(epair_if_up(t->w->a), 0);
		AWAIT(t->w, access(t->w->path, F_OK) == 0);
		memset(t->g.at, 0, RINGS_MAX * RING_AREA);
	}
	guest_fini(&t->g);
}

static void
guest_without_a_driver_is_nobody(void **state)
{
	struct rest *t = begin(state);
	const uint32_t zero[2] = { 0, 0 };
	uint32_t base[2];

	assert_int_equal(epair_if_set(t->w->a, "carrier", "follow", NULL), 0);
	AWAIT(t->w, info(t->w->b).link == EPAIR_LINK_DOWN);
	guest_connect(&t->g, FEATURES, PROTOCOL);
	AWAIT(t->w, has_said(t->w, "connected to a front end"));
	assert_int_equal(info(t->w->b).link, EPAIR_LINK_DOWN);
	guest_start(&t->g, 1, NULL);
	AWAIT(t->w, info(t->w->b).link == EPAIR_LINK_UP);
	(void)guest_ask(&t->g, EP_VHOST_GET_VRING_BASE, zero, 8, base, 8, NULL);
	AWAIT(t->w, info(t->w->b).link == EPAIR_LINK_DOWN);
	guest_fini(&t->g);
}

/* The connection. */

static void
message_may_come_octet_by_octet(void **state)
{
	const uint32_t ask[3] = { EP_VHOST_GET_FEATURES, 1, 0 };
	struct rest *t = begin(state);
	uint64_t answer[3];

	t->g.sock = peer_connect(t->w->path, SOCK_STREAM);
	for (unsigned i = 0; i < sizeof(ask); i++) {
		assert_int_equal(
		    send(t->g.sock, (const uint8_t *)ask + i, 1, 0), 1);
		for (int k = 0; k < 3; k++)
			wire_turn(t->w);
	}
	AWAIT(t->w, recv(t->g.sock, answer, sizeof(answer), 0) == 20);
	guest_fini(&t->g);
}

static void
second_front_end_is_hung_up_on(void **state)
{
	struct rest *t = begin(state);
	char octet;
	int fd;

	guest_run(&t->g, FEATURES);
	fd = peer_connect(t->w->path, SOCK_STREAM);
	AWAIT(t->w, recv(fd, &octet, 1, 0) == 0);
	close(fd);
	guest_post(&t->g, 0, 0, 1, 2048);
	to_guest(t->w, 60, 1);
	(void)guest_take(&t->g, 0);
	/* One that came before we heard that the first had gone. */
	guest_hang_up(&t->g);
	memset(t->g.at, 0, RINGS_MAX * RING_AREA);
	t->g.rings[0].next = t->g.rings[0].seen = 0;
	guest_run(&t->g, FEATURES);
	guest_fini(&t->g);
}

static void
client_finds_a_front_end_and_finds_it_again(void **state)
{
	struct wire *w = *state;
	struct guest g;
	int listener;

	guest_init(&g, w);
	attach(w, "vhost:path=%s,mode=client,reconnect=5ms", w->path);
	AWAIT(w, has_said(w, "cannot connect to "));
	listener = peer_listen(w->path, SOCK_STREAM);
	for (int i = 0; i < 3; i++) {
		g.sock = peer_accept(w, listener);
		(void)guest_ask_u64(&g, EP_VHOST_GET_FEATURES);
		g.features = FEATURES;
		guest_say(&g, EP_VHOST_SET_OWNER, NULL, 0, NULL, 0);
		guest_say_u64(&g, EP_VHOST_SET_FEATURES, FEATURES);
		guest_start(&g, 1, NULL);
		guest_hang_up(&g);
		AWAIT(w, has_said(w, "front end closed"));
	}
	close(listener);
	guest_fini(&g);
}

static void
spec_that_cannot_be_is_refused(void **state)
{
	struct wire *w = *state;
	struct epair_err err;

	assert_int_equal(attach_error(w, &err, "vhost"), -EINVAL);
	assert_non_null(strstr(err.text, "path="));
	assert_int_equal(
	    attach_error(w, &err, "vhost:path=/x,reconnect=1s"), -EINVAL);
	assert_string_equal(
	    err.text, "reconnect= is for mode=client; a server waits");
	assert_int_equal(
	    attach_error(w, &err, "vhost:path=/x,queues=65"), -EINVAL);
	assert_int_equal(
	    attach_error(w, &err, "vhost:path=/no/such/folder/x"), -ENOENT);
	assert_int_equal(
	    attach_error(w, &err, "vhost:path=%s,mode=none", w->path), -EINVAL);
	assert_int_equal(
	    attach_error(w, &err, "vhost:path=/dev/null"), -EEXIST);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(frames_cross_both_ways),
		WIRE_TEST(long_frame_is_merged_over_several_buffers),
		WIRE_TEST(frame_that_no_chain_can_hold_is_dropped),
		WIRE_TEST(frame_may_lie_in_many_pieces),
		WIRE_TEST(descriptors_may_be_in_a_table),
		WIRE_TEST(old_guest_has_a_shorter_header),
		WIRE_TEST(frame_that_is_none_is_counted),
		WIRE_TEST(what_a_guest_leaves_open_crosses_untouched),
		WIRE_TEST(guest_that_takes_nothing_open_is_given_segments),
		WIRE_TEST(checksum_that_a_guest_says_is_right_is_not_believed),
		WIRE_TEST(interface_without_offloads_offers_none),
		WIRE_TEST(burst_is_one_interrupt_and_none_if_none_is_wanted),
		WIRE_TEST(event_indexes_say_when_to_wake),
		WIRE_TEST(what_finds_no_room_waits_for_it_in_order),
		WIRE_TEST(what_waits_has_a_limit_and_ends_with_the_guest),
		WIRE_TEST(queue_without_kicks_is_looked_at),
		WIRE_TEST(disabled_queue_is_emptied_and_counted),
		WIRE_TEST(stopped_queue_says_how_far_it_came),
		WIRE_TEST(memory_may_be_told_anew_while_queues_run),
		WIRE_TEST(guest_that_comes_back_loses_and_repeats_nothing),
		WIRE_TEST(what_a_dead_back_end_had_taken_is_done_first),
		WIRE_TEST(mtu_and_unknown_requests_are_answered),
		WIRE_TEST(guest_is_told_of_link_and_mtu),
		WIRE_TEST(without_link_nobody_is_connected),
		WIRE_TEST(guest_without_a_driver_is_nobody),
		WIRE_TEST(message_may_come_octet_by_octet),
		WIRE_TEST(second_front_end_is_hung_up_on),
		WIRE_TEST(client_finds_a_front_end_and_finds_it_again),
		WIRE_TEST(spec_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
