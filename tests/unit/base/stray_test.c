/* SPDX-License-Identifier: BSD-2-Clause */
/* Closing what a stranger has passed, whatever it is. */
#include "base/stray.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void
closes_at_once(int fd)
{
	assert_true(fd >= 0);
	ep_stray_close(fd);
	assert_false(is_open(fd));
}

static void
what_cannot_wait_is_closed_at_once(void **state)
{
	int ends[2];

	(void)state;
	closes_at_once(memfd_create("stray", MFD_CLOEXEC));
	closes_at_once(eventfd(0, EFD_CLOEXEC));
	closes_at_once(open("/dev/null", O_RDWR | O_CLOEXEC));
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	closes_at_once(ends[0]);
	closes_at_once(ends[1]);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	closes_at_once(ends[0]);
	closes_at_once(ends[1]);
}

static void
what_has_no_type_is_told_apart(void **state)
{
	int event = eventfd(0, EFD_CLOEXEC);

	(void)state;
	assert_true(ep_stray_has_no_type(event));
	closes_at_once(event);
	assert_false(ep_stray_has_no_type(event));
	assert_false(ep_stray_has_no_type(STDERR_FILENO));
}

/* Connected over TCP, with more to be sent than the other end takes. */
static int
full_connection(int *other)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	static char octets[1 << 16];
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(
	    getsockname(listener, (struct sockaddr *)&in, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, len), 0);
	*other = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(*other >= 0);
	(void)close(listener);
	while (send(fd, octets, sizeof(octets), MSG_DONTWAIT) > 0)
		continue;
	assert_int_equal(errno, EAGAIN);
	return fd;
}

static void
connection_that_lingers_has_nobody_wait(void **state)
{
	const struct linger hour = { 1, 3600 };
	int other, fd = full_connection(&other);

	(void)state;
	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hour, sizeof(hour)), 0);
	ep_stray_close(fd);
	/* By the thread, which goes when the other end does. */
	while (is_open(fd))
		(void)usleep(1000);
	(void)close(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_wait_is_closed_at_once),
		cmocka_unit_test(what_has_no_type_is_told_apart),
		cmocka_unit_test(connection_that_lingers_has_nobody_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
