/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attachment `vhost` and a guest of the tests' own: its queues, its
 * configuration and its connection, and what is kept when one of them goes.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest.h"

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
		/* DPDK says 0 whatever was. */
		guest_start(&t->g, 1, i % 20 == 5 ? bases : NULL);
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
