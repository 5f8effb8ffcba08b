/* SPDX-License-Identifier: BSD-2-Clause */
#include "hostile.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "attach/memif/message.h"
#include "attach/memif/ring.h"

#define RING_LOG2 6u

void
serve(struct attack *t, const char *keys)
{
	char spec[64];

	(void)snprintf(spec, sizeof(spec), "memif:%s", keys);
	attack_attach(t, t->a, spec);
}

static void
honest(struct attack *t, const char *keys)
{
	struct epair_if *a, *b;
	uint64_t before;
	char spec[64];

	/* What the attackers said last may still be on its way. */
	(void)usleep(20000);
	before = progress(t->b).received;
	up(t->ep, "epair2", &a, &b);
	(void)snprintf(spec, sizeof(spec), "memif:%s", keys);
	attack_attach(t, a, spec);
	assert_int_equal(epair_attach(b, "source:rate=1k", NULL), 0);
	AWAIT_ATTACK(t, progress(t->b).received > before + 10);
	destroy(a);
	epair_if_put(b);
}

void
an_honest_client_is_served(struct attack *t)
{
	honest(t, "role=client,reconnect=5ms");
}

void
an_honest_server_is_found(struct attack *t)
{
	honest(t, "role=server");
}

/* Messages. */

static struct sockaddr_un
un_of(const struct attack *t)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	strcpy(un.sun_path, t->path);
	return un;
}

static int
plain_strike(const struct attack *t)
{
	struct sockaddr_un un = un_of(t);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

int
strike(const struct attack *t)
{
	return plain_strike(t);
}

void
say_with(int sock, const struct ep_memif_msg *msg, int fd, unsigned count)
{
	static _Alignas(
	    struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * 253)];
	uint8_t octets[EP_MEMIF_MSG_LEN];
	struct iovec iov = { octets, sizeof(octets) };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	ep_memif_msg_encode(msg, octets);
	if (count > 0) {
		hdr.msg_control = control;
		hdr.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		cmsg = CMSG_FIRSTHDR(&hdr);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * count);
		for (unsigned i = 0; i < count; i++)
			memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &fd,
			    sizeof(int));
	}
	(void)!sendmsg(sock, &hdr, MSG_NOSIGNAL);
}

void
say(int sock, const struct ep_memif_msg *msg, int fd)
{
	say_with(sock, msg, fd, fd >= 0 ? 1 : 0);
}

/* Wait for a message; false at the end. Gives the descriptor that came. */
static bool
listen_to(int sock, struct ep_memif_msg *msg, int *fd)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	uint8_t octets[EP_MEMIF_MSG_LEN];
	struct iovec iov = { octets, sizeof(octets) };
	struct msghdr hdr = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	const char *why;
	ssize_t n;

	*fd = -1;
	assert_int_equal(poll(&pfd, 1, 30000), 1);
	n = recvmsg(sock, &hdr, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return false;
	assert_int_equal(ep_memif_msg_decode(octets, (size_t)n, msg, &why), 0);
	if (CMSG_FIRSTHDR(&hdr) != NULL)
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&hdr)), sizeof(*fd));
	return true;
}

static bool
hears(int sock, enum ep_memif_type type)
{
	struct ep_memif_msg msg;
	int fd;

	return listen_to(sock, &msg, &fd) && msg.type == type;
}

void
expect_ack(int sock)
{
	assert_true(hears(sock, EP_MEMIF_ACK));
}

void
expect_refusal(int sock, const char *why)
{
	struct ep_memif_msg msg;
	int fd;

	do {
		assert_true(listen_to(sock, &msg, &fd));
	} while (msg.type != EP_MEMIF_DISCONNECT);
	assert_string_equal(msg.u.disconnect.why, why);
}

/* It may be busy with ending the one before. */
int
strike_init(const struct attack *t)
{
	struct ep_memif_msg init = { .type = EP_MEMIF_INIT,
		.u.init.version = EP_MEMIF_VERSION };
	uint64_t since = now_s();
	int fd;

	for (fd = plain_strike(t); !hears(fd, EP_MEMIF_HELLO);
	     fd = plain_strike(t)) {
		close(fd);
		assert_true(now_s() < since + 30);
	}
	say(fd, &init, -1);
	expect_ack(fd);
	return fd;
}

/* Memory. */

static uint32_t
ring_offset(unsigned i)
{
	return i * (uint32_t)ep_memif_ring_octets(1u << RING_LOG2);
}

static void
see(struct evil *e, size_t octets, unsigned size)
{
	e->octets = octets;
	e->size = size;
	e->at = mmap(
	    NULL, octets, PROT_READ | PROT_WRITE, MAP_SHARED, e->mem, 0);
	assert_ptr_not_equal(e->at, MAP_FAILED);
}

void
evil_connect(struct attack *t, struct evil *e, bool is_up)
{
	struct ep_memif_msg msg = { .type = EP_MEMIF_ADD_REGION,
		.u.add_region.size = 1 << 20 };

	e->sock = strike_init(t);
	e->mem = memfd_create("evil", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(e->mem, 1 << 20), 0);
	assert_int_equal(fcntl(e->mem, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	see(e, 1 << 20, 1u << RING_LOG2);
	say(e->sock, &msg, e->mem);
	expect_ack(e->sock);
	for (unsigned i = 0; i < 2; i++) {
		msg = (struct ep_memif_msg){ .type = EP_MEMIF_ADD_RING };
		msg.u.add_ring.is_s2m = i == 0;
		msg.u.add_ring.offset = ring_offset(i);
		msg.u.add_ring.log2 = RING_LOG2;
		e->shared[i] = (void *)(e->at + ring_offset(i));
		e->shared[i]->cookie = EP_MEMIF_COOKIE;
		for (unsigned k = 0; k < e->size; k++) {
			e->shared[i]->descs[2 * k] = (uint64_t)2048 << 32;
			e->shared[i]->descs[2 * k + 1] = 8192 + 2048 * k;
		}
		e->event[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		say(e->sock, &msg, e->event[i]);
		expect_ack(e->sock);
	}
	if (!is_up)
		return;
	msg = (struct ep_memif_msg){ .type = EP_MEMIF_CONNECT };
	say(e->sock, &msg, -1);
	assert_true(hears(e->sock, EP_MEMIF_CONNECTED));
}

int
evil_listen(const struct attack *t)
{
	struct sockaddr_un un = un_of(t);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

/* Understand what the client says of its memory. */
static void
note(struct evil *e, const struct ep_memif_msg *msg, int fd)
{
	const struct ep_memif_add_ring *ring = &msg->u.add_ring;

	if (msg->type == EP_MEMIF_ADD_REGION) {
		e->mem = fd;
		see(e, msg->u.add_region.size, 0);
	} else if (msg->type == EP_MEMIF_ADD_RING) {
		e->event[!ring->is_s2m] = fd;
		e->shared[!ring->is_s2m] = (void *)(e->at + ring->offset);
		e->size = 1u << ring->log2;
	}
}

void
evil_accept(struct attack *t, int listener, struct evil *e)
{
	struct ep_memif_msg msg = { .type = EP_MEMIF_HELLO,
		.u.hello = { .min_version = EP_MEMIF_VERSION,
		    .max_version = EP_MEMIF_VERSION,
		    .max_log2 = 10 } };
	const struct ep_memif_msg ack = { .type = EP_MEMIF_ACK };
	const struct ep_memif_msg connected = { .type = EP_MEMIF_CONNECTED };
	int fd;

	(void)t;
	e->sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(e->sock >= 0);
	say(e->sock, &msg, -1);
	do {
		assert_true(listen_to(e->sock, &msg, &fd));
		note(e, &msg, fd);
		if (msg.type != EP_MEMIF_CONNECT)
			say(e->sock, &ack, -1);
	} while (msg.type != EP_MEMIF_CONNECT);
	say(e->sock, &connected, -1);
}

void
evil_signal(struct evil *e)
{
	uint64_t one = 1;

	for (int i = 0; i < 2; i++)
		(void)!write(e->event[i], &one, sizeof(one));
}

void
evil_close(struct evil *e)
{
	(void)munmap(e->at, e->octets);
	for (int i = 0; i < 2; i++)
		close(e->event[i]);
	close(e->mem);
	close(e->sock);
}
