/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attachment `qemu` with its k-th allocation failing, for each k: -ENOMEM
 * or no attachment, no path left behind, and the next try succeeds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kth.h"
#include "unit/attach/qemu/wire.h"

static void
attaching_fails_or_is_as_if_nothing_was(void **state)
{
	struct wire *w = *state;
	struct epair_err err;
	int error;

	for (long k = 0;; k++) {
		fail_at(k);
		error = attach_error(w, &err,
		    "qemu:mode=server,path=%s,qmp=%s,netdev=n1", w->path,
		    w->other);
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
	close(peer_connect(w->path, SOCK_STREAM));
	AWAIT(w, has_said(w, "peer closed"));
}

/*
 * Whatever fails while a client comes, says something and goes: the next one
 * is served, and each frame was received or is counted.
 */
static void
client_is_served_after_one_that_met_want(void **state)
{
	struct wire *w = *state;
	unsigned asked = 1;
	int fd;

	attach(w, "qemu:mode=server,path=%s", w->path);
	/* It listens for them: else it would try again in a while. */
	for (int i = 0; i < 5; i++)
		wire_turn(w);
	for (long k = 0; asked && k < 100; k++) {
		unsigned count = w->at_b.count;

		fail_at(k);
		fd = peer_connect(w->path, SOCK_STREAM);
		for (int i = 0; i < 5; i++)
			(void)epair_dispatch(w->ep, 0, 0);
		asked = has_failed();
		close(fd);
		fd = peer_connect(w->path, SOCK_STREAM);
		AWAIT(w, (peer_send(fd, 1000, 'x', 1), wire_turn(w),
			     w->at_b.count > count));
		close(fd);
		for (int i = 0; i < 5; i++)
			wire_turn(w);
	}
}

static void
frame_without_an_mbuf_is_counted(void **state)
{
	struct wire *w = *state;
	uint64_t lost;
	int fd;

	assert_int_equal(epair_if_set_mtu(w->a, 65535, NULL), 0);
	assert_int_equal(epair_if_set_mtu(w->b, 65535, NULL), 0);
	attach(w, "qemu:mode=server,path=%s", w->path);
	fd = peer_connect(w->path, SOCK_STREAM);
	AWAIT(w, has_said(w, "client connected"));
	/* One that takes memory of its own. */
	peer_send(fd, 60000, 'x', 1);
	fail_at(0);
	AWAIT(w,
	    (lost = stats(w->a).drops[EPAIR_DROP_TX_NO_MBUF]) + w->at_b.count ==
		1);
	(void)has_failed();
	lost += w->at_b.count;
	peer_send(fd, 1000, 'y', 1);
	AWAIT(w, stats(w->a).drops[EPAIR_DROP_TX_NO_MBUF] + w->at_b.count ==
		     lost + 1);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(attaching_fails_or_is_as_if_nothing_was),
		WIRE_TEST(client_is_served_after_one_that_met_want),
		WIRE_TEST(frame_without_an_mbuf_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
