/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attachment `packet` with its k-th allocation failing, for each k: -ENOMEM
 * or no attachment, and a frame that there is no memory for is counted. At the
 * device lo, which every namespace has; a test that has no rights there skips.
 */
#include <arpa/inet.h>
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
		error = attach_error(w, &err, "packet:dev=lo");
		if (!has_failed())
			break;
		if (error != 0) {
			assert_int_equal(error, -ENOMEM);
			assert_string_not_equal(err.text, "");
		}
		wire_turn(w);
		error = epair_detach(w->a, NULL);
		assert_true(error == 0 || error == -ENOENT);
	}
	assert_int_equal(error, 0);
}

/* A datagram to nobody, on lo. */
static void
say_something(size_t len)
{
	static uint8_t octets[9000];
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(
	    sendto(fd, octets, len, 0, (struct sockaddr *)&in, sizeof(in)),
	    len);
	close(fd);
}

static uint64_t
lost(const struct wire *w)
{
	struct epair_if_stats s = stats(w->a);

	return s.drops[EPAIR_DROP_TX_NO_MBUF];
}

static void
frame_without_an_mbuf_is_counted(void **state)
{
	struct wire *w = *state;
	uint64_t before;

	assert_int_equal(epair_if_set_mtu(w->a, 65535, NULL), 0);
	attach(w, "packet:dev=lo");
	for (long k = 0; k < 4; k++) {
		before = lost(w) + w->at_b.count;
		fail_at(k);
		say_something(9000);
		AWAIT(w, lost(w) + w->at_b.count > before);
		(void)has_failed();
	}
	/* And the next has one. */
	before = w->at_b.count;
	say_something(100);
	AWAIT(w, w->at_b.count > before);
}

static int
can_have_lo(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(attaching_fails_or_is_as_if_nothing_was),
		WIRE_TEST(frame_without_an_mbuf_is_counted),
	};

	if (!can_have_lo()) {
		puts("1..0 # SKIP takes CAP_NET_RAW");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
