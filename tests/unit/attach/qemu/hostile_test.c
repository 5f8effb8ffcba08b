/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Peers that attack. Each does its worst on a cable of an instance that has one
 * worker, on which a bystander's cable carries frames meanwhile. Afterwards the
 * bystander has lost none, the next honest peer is served, the events were few,
 * and no descriptor or mbuf is left behind.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "unit/attach/attack.h"

#define TIMES 1000

static int socktype; /* of the peers */
static uint8_t garbage[1 << 16];

static void
serve(struct attack *t, const char *type, int as)
{
	char spec[64];

	(void)snprintf(spec, sizeof(spec), "qemu:mode=server,type=%s", type);
	attack_attach(t, t->a, spec);
	socktype = as;
}

static int
strike(const struct attack *t)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, socktype | SOCK_CLOEXEC, 0);

	strcpy(un.sun_path, t->path);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

/* The next that comes is served as if nothing had been. */
static void
an_honest_peer_is_served(struct attack *t)
{
	uint8_t frame[4 + 60] = { 0, 0, 0, 60 };
	uint64_t before;
	int fd = strike(t);

	/* What the attackers said last may still be on its way. */
	(void)usleep(20000);
	before = progress(t->b).received;
	if (socktype == SOCK_STREAM)
		assert_int_equal(send(fd, frame, 64, MSG_NOSIGNAL), 64);
	else
		assert_int_equal(send(fd, frame + 4, 60, MSG_NOSIGNAL), 60);
	AWAIT_ATTACK(t, progress(t->b).received > before);
	close(fd);
}

static void
connecting_and_hanging_up(void **state)
{
	struct attack *t = *state;

	serve(t, "stream", SOCK_STREAM);
	for (int i = 0; i < 10 * TIMES; i++)
		close(strike(t));
	an_honest_peer_is_served(t);
	/* And how it ended is told, if late. */
	AWAIT_ATTACK(t, strstr(t->said, "peer closed") != NULL);
}

static void
connecting_and_hanging_up_with_packets(void **state)
{
	struct attack *t = *state;

	serve(t, "seqpacket", SOCK_SEQPACKET);
	for (int i = 0; i < TIMES; i++)
		close(strike(t));
	an_honest_peer_is_served(t);
}

/* Between our being told of a packet and reading it: the end is no packet. */
static void
sending_a_packet_and_hanging_up(void **state)
{
	struct attack *t = *state;
	uint8_t frame[60] = { 0 };
	int fd;

	serve(t, "seqpacket", SOCK_SEQPACKET);
	for (int i = 0; i < TIMES; i++) {
		fd = strike(t);
		assert_int_equal(send(fd, frame, 60, MSG_NOSIGNAL), 60);
		close(fd);
	}
	an_honest_peer_is_served(t);
	AWAIT_ATTACK(t, progress(t->b).received == TIMES + 1);
	assert_int_equal(stats(t->a).drops[EPAIR_DROP_TX_BAD], 0);
}

static void
half_a_length(void **state)
{
	struct attack *t = *state;
	int fd;

	serve(t, "stream", SOCK_STREAM);
	for (int i = 0; i < TIMES / 4; i++) {
		fd = strike(t);
		assert_int_equal(
		    send(fd, "\0\0\0\0", (size_t)i % 3 + 1, MSG_NOSIGNAL),
		    i % 3 + 1);
		close(fd);
	}
	an_honest_peer_is_served(t);
	assert_int_equal(stats(t->a).drops[EPAIR_DROP_TX_BAD], 0);
}

static void
absurd_lengths(void **state)
{
	struct attack *t = *state;
	uint8_t c;
	int fd;

	serve(t, "stream", SOCK_STREAM);
	for (unsigned i = 0; i < TIMES / 4; i++) {
		uint32_t head = htonl(69633u + i * 17179869u);

		fd = strike(t);
		(void)!send(fd, &head, sizeof(head), MSG_NOSIGNAL);
		(void)!send(fd, garbage, 1000, MSG_NOSIGNAL);
		/* It is closed from there. */
		assert_true(recv(fd, &c, 1, 0) <= 0);
		close(fd);
	}
	assert_int_equal(stats(t->a).drops[EPAIR_DROP_TX_BAD], TIMES / 4);
	AWAIT_ATTACK(t, strstr(t->said, "69632") != NULL);
	an_honest_peer_is_served(t);
}

/* Whatever it is taken for, it is either frames or the end. */
static void
throw_garbage(struct attack *t, size_t total)
{
	int fd = strike(t);

	while (total > 0) {
		size_t n = 1 + (size_t)rand() % 30000;

		n = n < total ? n : total;
		for (size_t i = 0; i < n; i += 1 + (size_t)rand() % 64)
			garbage[i] = (uint8_t)rand();
		if (send(fd, garbage, n, MSG_NOSIGNAL) < 0) {
			close(fd);
			fd = strike(t);
		}
		total -= n;
	}
	close(fd);
}

static void
endless_garbage(void **state)
{
	struct attack *t = *state;

	serve(t, "stream", SOCK_STREAM);
	/* Mostly zero: lengths that pass, and many of them. */
	memset(garbage, 0, sizeof(garbage));
	throw_garbage(t, 8 << 20);
	an_honest_peer_is_served(t);
	assert_true(stats(t->a).drops[EPAIR_DROP_TX_BAD] > 0);
}

static void
endless_garbage_in_packets(void **state)
{
	struct attack *t = *state;

	serve(t, "seqpacket", SOCK_SEQPACKET);
	throw_garbage(t, 8 << 20);
	an_honest_peer_is_served(t);
}

static void
never_reading(void **state)
{
	struct attack *t = *state;
	int fd;

	serve(t, "stream", SOCK_STREAM);
	fd = strike(t);
	AWAIT_ATTACK(t, strstr(t->said, "client connected") != NULL);
	assert_int_equal(epair_detach(t->b, NULL), 0);
	assert_int_equal(
	    epair_attach(t->b, "source:rate=50k,size=1000", NULL), 0);
	AWAIT_ATTACK(t, stats(t->a).drops[EPAIR_DROP_RX_STACK_FULL] > 5000);
	assert_true(usage(t->ep).mbufs < 5000);
	assert_int_equal(epair_detach(t->b, NULL), 0);
	assert_int_equal(epair_attach(t->b, "sink", NULL), 0);
	close(fd);
	an_honest_peer_is_served(t);
}

/* Descriptors that nobody asked for must not stay. */
static void
sending_descriptors(void **state)
{
	union {
		struct cmsghdr hdr;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .hdr = { .cmsg_level = SOL_SOCKET,
			  .cmsg_type = SCM_RIGHTS,
			  .cmsg_len = CMSG_LEN(sizeof(int)) } };
	uint8_t frame[4 + 60] = { 0, 0, 0, 60 };
	struct iovec iov = { frame, sizeof(frame) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct attack *t = *state;
	int zero = 0, fd;

	serve(t, "stream", SOCK_STREAM);
	fd = strike(t);
	memcpy(CMSG_DATA(&control.hdr), &zero, sizeof(zero));
	for (int i = 0; i < TIMES; i++)
		assert_int_equal(sendmsg(fd, &msg, MSG_NOSIGNAL), 64);
	AWAIT_ATTACK(t, progress(t->b).received == TIMES);
	close(fd);
	an_honest_peer_is_served(t);
}

/* Ours is the client here. */
static void
accepting_and_hanging_up(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct attack *t = *state;
	char spec[128];
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

	strcpy(un.sun_path, t->path);
	assert_int_equal(bind(listener, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(listener, 4), 0);
	(void)snprintf(
	    spec, sizeof(spec), "qemu:path=%s,reconnect=1ms", t->path);
	assert_int_equal(epair_attach(t->a, spec, NULL), 0);
	for (int i = 0; i < TIMES; i++) {
		fd = accept(listener, NULL, NULL);
		assert_true(fd >= 0);
		close(fd);
	}
	close(listener);
	AWAIT_ATTACK(t, strstr(t->said, "ECONNREFUSED") != NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ATTACK_TEST(connecting_and_hanging_up),
		ATTACK_TEST(connecting_and_hanging_up_with_packets),
		ATTACK_TEST(sending_a_packet_and_hanging_up),
		ATTACK_TEST(half_a_length),
		ATTACK_TEST(absurd_lengths),
		ATTACK_TEST(endless_garbage),
		ATTACK_TEST(endless_garbage_in_packets),
		ATTACK_TEST(never_reading),
		ATTACK_TEST(sending_descriptors),
		ATTACK_TEST(accepting_and_hanging_up),
	};

	srand(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
