/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings, on a socket of packets in the place of a TAP. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "attach/tap/ring.h"
#include "attach/tap/tap.h"

#define ENABLE_RINGS 12 /* of io_uring_register(2) */
#define ADD_FILES    2
#define DROP_FILES   3

struct world {
	int fds[2];
	struct ep_tap_ring *ring; /* on fds[0] */
	uint32_t octets[EP_TAP_OPS_MAX];
	struct iovec iov[EP_TAP_OPS_MAX];
	struct ep_tap_op ops[EP_TAP_OPS_MAX];
};

static int
set_up(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0, w.fds),
	    0);
	assert_int_equal(ep_tap_ring_create(w.fds[0], &w.ring), 0);
	for (unsigned i = 0; i < EP_TAP_OPS_MAX; i++) {
		w.iov[i] = (struct iovec){ &w.octets[i], sizeof(w.octets[i]) };
		w.ops[i] = (struct ep_tap_op){ .iov = &w.iov[i], .count = 1 };
	}
	*state = &w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	ep_tap_ring_destroy(w->ring);
	(void)close(w->fds[0]);
	(void)close(w->fds[1]);
	return 0;
}

static void
send_numbers(const struct world *w, uint32_t first, unsigned n)
{
	for (uint32_t i = first; i < first + n; i++)
		assert_int_equal(write(w->fds[1], &i, sizeof(i)), sizeof(i));
}

static void
reads_are_in_order(void **state)
{
	struct world *w = *state;
	unsigned done;

	for (uint32_t first = 0; first < 64000; first += 64) {
		send_numbers(w, first, 64);
		assert_int_equal(
		    ep_tap_ring_do(w->ring, EP_TAP_READ, w->ops, 64, &done), 0);
		assert_int_equal(done, 64);
		for (uint32_t i = 0; i < 64; i++) {
			assert_int_equal(w->ops[i].res, 4);
			assert_int_equal(w->octets[i], first + i);
		}
	}
}

static void
writes_are_in_order(void **state)
{
	struct world *w = *state;
	unsigned done;
	uint32_t got;

	for (uint32_t first = 0; first < 64000; first += 64) {
		for (uint32_t i = 0; i < 64; i++)
			w->octets[i] = first + i;
		assert_int_equal(
		    ep_tap_ring_do(w->ring, EP_TAP_WRITE, w->ops, 64, &done),
		    0);
		for (uint32_t i = 0; i < 64; i++) {
			assert_int_equal(w->ops[i].res, 4);
			assert_int_equal(read(w->fds[1], &got, 4), 4);
			assert_int_equal(got, first + i);
		}
	}
}

static void
a_read_that_finds_nothing_does_not_wait(void **state)
{
	struct world *w = *state;
	unsigned done;

	send_numbers(w, 7, 2);
	assert_int_equal(
	    ep_tap_ring_do(w->ring, EP_TAP_READ, w->ops, 4, &done), 0);
	assert_int_equal(done, 4);
	assert_int_equal(w->octets[0], 7);
	assert_int_equal(w->octets[1], 8);
	assert_int_equal(w->ops[2].res, -EAGAIN);
	assert_int_equal(w->ops[3].res, -EAGAIN);
}

static void
nor_does_it_come_later_into_memory_that_is_not_its_own(void **state)
{
	struct world *w = *state;
	unsigned done;

	assert_int_equal(
	    ep_tap_ring_do(w->ring, EP_TAP_READ, w->ops, 8, &done), 0);
	memset(w->octets, 0xaa, sizeof(w->octets));
	send_numbers(w, 1, 1);
	assert_int_equal(
	    ep_tap_ring_do(w->ring, EP_TAP_READ, w->ops + 1, 1, &done), 0);
	assert_int_equal(w->octets[0], 0xaaaaaaaa);
	assert_int_equal(w->octets[1], 1);
}

/* The device is to go when we say so, not when the kernel ends the ring. */
static void
a_ring_that_is_destroyed_has_let_go_of_its_file(void **state)
{
	struct world *w = *state;
	char octet;

	ep_tap_ring_destroy(w->ring);
	w->ring = NULL;
	assert_int_equal(close(w->fds[0]), 0);
	w->fds[0] = -1;
	assert_int_equal(read(w->fds[1], &octet, 1), 0);
}

static int
ring_fd(void)
{
	char path[32], what[64];

	for (int fd = 0; fd < 64; fd++) {
		ssize_t n;

		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, what, sizeof(what) - 1);
		if (n <= 0)
			continue;
		what[n] = '\0';
		if (strstr(what, "io_uring") != NULL)
			return fd;
	}
	return -1;
}

static void
a_ring_takes_no_other_file(void **state)
{
	struct world *w = *state;
	int fd = ring_fd();

	assert_true(fd >= 0);
	assert_int_equal(
	    syscall(SYS_io_uring_register, fd, ADD_FILES, &w->fds[1], 1), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(
	    syscall(SYS_io_uring_register, fd, ENABLE_RINGS, NULL, 0), -1);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	/* Not even when it has forgotten its own. */
	assert_int_equal(
	    syscall(SYS_io_uring_register, fd, DROP_FILES, NULL, 0), 0);
	assert_int_equal(
	    syscall(SYS_io_uring_register, fd, ADD_FILES, &w->fds[1], 1), -1);
	assert_int_equal(errno, EACCES);
}

static void
a_file_that_might_wait_is_told_from_one_that_need_not(void **state)
{
	struct world *w = *state;
	int fd = open("/proc/self/comm", O_RDWR | O_CLOEXEC);
	char probe;

	assert_true(fd >= 0);
	assert_false(ep_tap_knows_nowait(fd));
	assert_int_equal(close(fd), 0);
	assert_true(ep_tap_knows_nowait(w->fds[0]));
	/* What a TAP refuses, a socket has sent. */
	assert_int_equal(read(w->fds[1], &probe, 1), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(reads_are_in_order),
		T(writes_are_in_order),
		T(a_read_that_finds_nothing_does_not_wait),
		T(nor_does_it_come_later_into_memory_that_is_not_its_own),
		T(a_ring_that_is_destroyed_has_let_go_of_its_file),
		T(a_ring_takes_no_other_file),
		T(a_file_that_might_wait_is_told_from_one_that_need_not),
	};
	struct ep_tap_ring *ring;
	int fds[2], error;

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	error = ep_tap_ring_create(fds[0], &ring);
	if (error == 0)
		ep_tap_ring_destroy(ring);
	(void)close(fds[0]);
	(void)close(fds[1]);
	if (error == -ENOSYS || error == -EPERM) {
		(void)printf("1..0 # SKIP there is no io_uring here\n");
		return 0;
	}
	return cmocka_run_group_tests_name(
	    "attach/tap/ring", tests, NULL, NULL);
}
