/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attachment `vhost` with its k-th allocation failing, for each k: -ENOMEM
 * or no attachment, no path left behind, and the next guest is served.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kth.h"
#include "unit/attach/vhost/guest.h"

static void
attaching_fails_or_is_as_if_nothing_was(void **state)
{
	struct wire *w = *state;
	struct epair_err err;
	int error;

	for (long k = 0;; k++) {
		fail_at(k);
		error = attach_error(w, &err, "vhost:path=%s", w->path);
		if (!has_failed())
			break;
		if (error != 0)
			assert_int_equal(error, -ENOMEM);
		/* If its timer was not to be had, it is lost by itself. */
		wire_turn(w);
		error = epair_detach(w->a, NULL);
		assert_true(error == 0 || error == -ENOENT);
		assert_int_equal(access(w->path, F_OK), -1);
	}
	assert_int_equal(error, 0);
	AWAIT(w, access(w->path, F_OK) == 0);
	close(peer_connect(w->path, SOCK_STREAM));
	AWAIT(w, has_said(w, "front end closed"));
}

/*
 * Whatever fails while a guest comes, runs and goes: the next one is served,
 * and each of its frames arrives or is counted.
 */
static void
guest_is_served_after_one_that_met_want(void **state)
{
	struct wire *w = *state;
	uint8_t octets[60] = { 2 };
	unsigned asked = 1;
	struct guest g;

	guest_init(&g, w);
	attach(w, "vhost:path=%s", w->path);
	AWAIT(w, access(w->path, F_OK) == 0);
	for (long k = 0; asked && k < 60; k++) {
		unsigned count = w->at_b.count;

		memset(g.at, 0, RINGS_MAX * RING_AREA);
		g.rings[0].next = g.rings[1].next = 0;
		g.rings[0].seen = g.rings[1].seen = 0;
		fail_at(k);
		g.sock = peer_connect(w->path, SOCK_STREAM);
		g.features = FEATURES;
		guest_say(&g, EP_VHOST_GET_FEATURES, NULL, 0, NULL, 0);
		guest_say(&g, EP_VHOST_SET_OWNER, NULL, 0, NULL, 0);
		guest_say_u64(&g, EP_VHOST_SET_FEATURES, FEATURES);
		guest_say_memory(&g);
		for (unsigned r = 0; r < 2; r++) {
			guest_say_ring(&g, r, 0);
			guest_say_state(&g, EP_VHOST_SET_VRING_ENABLE, r, 1);
		}
		guest_send(&g, 1, 0, NULL, octets, sizeof(octets));
		for (int i = 0; i < 10; i++)
			(void)epair_dispatch(w->ep, 0, 0);
		asked = has_failed();
		guest_hang_up(&g);
		for (int i = 0; i < 5; i++)
			wire_turn(w);

		memset(g.at, 0, RINGS_MAX * RING_AREA);
		g.rings[0].next = g.rings[1].next = 0;
		AWAIT(w, access(w->path, F_OK) == 0);
		guest_run(&g, FEATURES);
		count = w->at_b.count;
		guest_send(&g, 1, 0, NULL, octets, sizeof(octets));
		AWAIT(w, w->at_b.count > count);
		guest_hang_up(&g);
		for (int i = 0; i < 5; i++)
			wire_turn(w);
	}
	assert_int_equal(asked, 0);
	guest_fini(&g);
}

static void
frame_without_an_mbuf_is_counted(void **state)
{
	static uint8_t octets[60000] = { 2 };
	struct wire *w = *state;
	struct guest g;

	assert_int_equal(epair_if_set_mtu(w->a, 65535, NULL), 0);
	assert_int_equal(epair_if_set_mtu(w->b, 65535, NULL), 0);
	guest_init(&g, w);
	attach(w, "vhost:path=%s", w->path);
	AWAIT(w, access(w->path, F_OK) == 0);
	guest_run(&g, FEATURES);
	/* One that takes memory of its own. */
	guest_send(&g, 1, 0, NULL, octets, sizeof(octets));
	fail_at(0);
	AWAIT(w, stats(w->a).drops[EPAIR_DROP_TX_NO_MBUF] + w->at_b.count == 1);
	(void)has_failed();
	assert_int_equal(guest_take(&g, 1).id, 0);
	guest_send(&g, 1, 1, NULL, octets, 60);
	AWAIT(w, stats(w->a).drops[EPAIR_DROP_TX_NO_MBUF] + w->at_b.count == 2);
	guest_fini(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(attaching_fails_or_is_as_if_nothing_was),
		WIRE_TEST(guest_is_served_after_one_that_met_want),
		WIRE_TEST(frame_without_an_mbuf_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
