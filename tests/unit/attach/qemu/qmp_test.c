/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

#define GREETING     "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"
#define CAPABILITIES "{\"execute\":\"qmp_capabilities\"}\n"
#define OK           "{\"return\": {}}\r\n"
#define NO           "{\"error\": {\"class\": \"DeviceNotFound\"}}\r\n"
#define EVENT        "{\"timestamp\": {\"seconds\": 1}, \"event\": \"RESET\"}\r\n"

static void
say(int fd, const char *text)
{
	assert_int_equal(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void
expect(struct wire *w, int fd, const char *text)
{
	char got[256] = "";

	assert_true(strlen(text) < sizeof(got));
	peer_read(w, fd, got, strlen(text));
	assert_string_equal(got, text);
}

static void
expect_link(struct wire *w, int fd, int is_up)
{
	expect(w, fd,
	    is_up ? "{\"execute\":\"set_link\",\"arguments\":"
		    "{\"name\":\"n1\",\"up\":true}}\n"
		  : "{\"execute\":\"set_link\",\"arguments\":"
		    "{\"name\":\"n1\",\"up\":false}}\n");
}

/* A monitor that has agreed, and was told of the link as it is. */
static int
monitor(struct wire *w, int listener)
{
	int fd = peer_accept(w, listener);

	say(fd, GREETING);
	expect(w, fd, CAPABILITIES);
	say(fd, OK);
	return fd;
}

static int
attach_with_monitor(struct wire *w)
{
	int listener = peer_listen(w->other, SOCK_STREAM);

	attach(
	    w, "qemu:path=%s,mode=server,qmp=%s,netdev=n1", w->path, w->other);
	return listener;
}

static void
carrier_follows_the_interface(void **state)
{
	struct wire *w = *state;
	int listener = attach_with_monitor(w), fd = monitor(w, listener);

	expect_link(w, fd, 1);
	say(fd, OK);
	AWAIT(w, has_said(w, "guest link set up"));
	assert_int_equal(epair_if_down(w->a), 0);
	expect_link(w, fd, 0);
	say(fd, EVENT OK EVENT);
	AWAIT(w, has_said(w, "guest link set down"));
	assert_int_equal(epair_if_up(w->a), 0);
	expect_link(w, fd, 1);
	close(fd);
	close(listener);
}

static void
what_changes_while_an_answer_is_awaited_is_said_after_it(void **state)
{
	struct wire *w = *state;
	int listener = attach_with_monitor(w), fd = monitor(w, listener);

	expect_link(w, fd, 1);
	assert_int_equal(epair_if_down(w->a), 0);
	for (int i = 0; i < 20; i++)
		wire_turn(w);
	assert_int_equal(recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	say(fd, OK);
	expect_link(w, fd, 0);
	close(fd);
	close(listener);
}

static void
refusal_is_told(void **state)
{
	struct wire *w = *state;
	int listener = attach_with_monitor(w), fd = monitor(w, listener);

	expect_link(w, fd, 1);
	say(fd, NO);
	AWAIT(w, has_said(w, "guest link not set: {\"error\""));
	close(fd);
	close(listener);
}

static void
monitor_that_comes_back_is_told_again(void **state)
{
	struct wire *w = *state;
	int listener, fd;

	attach(w, "qemu:path=%s,reconnect=5ms,qmp=%s,netdev=n1", w->path,
	    w->other);
	AWAIT(w, has_said(w, "no monitor at"));
	assert_int_equal(epair_if_down(w->a), 0);
	listener = peer_listen(w->other, SOCK_STREAM);
	for (int i = 0; i < 3; i++) {
		fd = monitor(w, listener);
		expect_link(w, fd, 0);
		say(fd, OK);
		AWAIT(w, has_said(w, "guest link set down"));
		close(fd);
		AWAIT(w, has_said(w, "no monitor at"));
	}
	close(listener);
}

/* Lines without end, and no line at all. */
static void
monitor_that_talks_nonsense_hurts_nobody(void **state)
{
	static char noise[1000];
	struct wire *w = *state;
	int listener = attach_with_monitor(w), fd = peer_accept(w, listener);

	memset(noise, '{', sizeof(noise));
	for (int i = 0; i < 100; i++) {
		AWAIT(w, send(fd, noise, sizeof(noise), MSG_NOSIGNAL) ==
			     sizeof(noise));
		wire_turn(w);
	}
	say(fd, "\n\r\n\n" OK NO GREETING);
	expect(w, fd, CAPABILITIES);
	say(fd, NO);
	AWAIT(w, has_said(w, "EPROTO"));
	close(fd);
	close(listener);
}

static void
monitor_needs_the_netdevs_id(void **state)
{
	static const char *const wrong[] = {
		"qemu:path=/x,qmp=/y",
		"qemu:path=/x,netdev=n1",
		"qemu:path=/x,qmp=/y,netdev=n\"1",
	};
	struct wire *w = *state;
	struct epair_err err;

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(epair_attach(w->a, wrong[i], &err), -EINVAL);
		assert_non_null(strstr(err.text, "goes with netdev="));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(carrier_follows_the_interface),
		WIRE_TEST(
		    what_changes_while_an_answer_is_awaited_is_said_after_it),
		WIRE_TEST(refusal_is_told),
		WIRE_TEST(monitor_that_comes_back_is_told_again),
		WIRE_TEST(monitor_that_talks_nonsense_hurts_nobody),
		WIRE_TEST(monitor_needs_the_netdevs_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
