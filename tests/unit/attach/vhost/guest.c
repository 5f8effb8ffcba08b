/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define NEED_REPLY 8u

uint64_t
buffer_gpa(unsigned r, unsigned i)
{
	return GPA + BUFFERS + (uint64_t)(r * RING + i) * BUFFER;
}

uint8_t *
buffer(struct guest *g, unsigned r, unsigned i)
{
	return g->at + (buffer_gpa(r, i) - GPA);
}

void
guest_init(struct guest *g, struct wire *w)
{
	memset(g, 0, sizeof(*g));
	g->w = w;
	g->sock = -1;
	g->mem = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(g->mem >= 0);
	assert_int_equal(ftruncate(g->mem, MEMORY), 0);
	assert_int_equal(fcntl(g->mem, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	g->at = mmap(
	    NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, g->mem, 0);
	assert_ptr_not_equal(g->at, MAP_FAILED);
	for (unsigned r = 0; r < RINGS_MAX; r++) {
		uint8_t *at = g->at + r * RING_AREA;

		g->rings[r] = (struct ring){ .desc = (void *)at,
			.avail = (void *)(at + 0x1000),
			.used = (void *)(at + 0x2000),
			.kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
			.call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
	}
}

void
guest_fini(struct guest *g)
{
	guest_hang_up(g);
	for (unsigned r = 0; r < RINGS_MAX; r++) {
		close(g->rings[r].kick);
		close(g->rings[r].call);
	}
	assert_int_equal(munmap(g->at, MEMORY), 0);
	close(g->mem);
}

void
guest_hang_up(struct guest *g)
{
	if (g->sock >= 0)
		close(g->sock);
	g->sock = -1;
}

/* Messages. */

static void
say(struct guest *g, uint32_t request, uint32_t flags, const void *payload,
    uint32_t size, const int *fds, unsigned count)
{
	_Alignas(
	    struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * 64)] = { 0 };
	uint32_t head[3] = { request, 1 | flags, size };
	struct iovec iov[2] = { { head, sizeof(head) },
		{ (void *)(uintptr_t)payload, size } };
	struct msghdr hdr = { .msg_iov = iov, .msg_iovlen = 2 };
	struct cmsghdr *cmsg;

	if (count > 0) {
		hdr.msg_control = control;
		hdr.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		cmsg = CMSG_FIRSTHDR(&hdr);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
	}
	(void)!sendmsg(g->sock, &hdr, MSG_NOSIGNAL);
}

void
guest_say(struct guest *g, uint32_t request, const void *payload, uint32_t size,
    const int *fds, unsigned count)
{
	say(g, request, 0, payload, size, fds, count);
}

void
guest_say_u64(struct guest *g, uint32_t request, uint64_t value)
{
	guest_say(g, request, &value, sizeof(value), NULL, 0);
}

void
guest_say_state(struct guest *g, uint32_t request, uint32_t index, uint32_t num)
{
	const uint32_t state[2] = { index, num };

	guest_say(g, request, state, sizeof(state), NULL, 0);
}

static void
receive(struct guest *g, void *buf, size_t n, int *fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { buf, n };
	struct msghdr hdr = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	ssize_t got = -1;

	AWAIT(g->w, (got = recvmsg(
			 g->sock, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) >= 0);
	assert_int_equal(got, n);
	if (fd != NULL && CMSG_FIRSTHDR(&hdr) != NULL)
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&hdr)), sizeof(*fd));
}

static uint32_t
hear(struct guest *g, uint32_t request, void *answer, uint32_t most, int *fd)
{
	uint32_t head[3];

	receive(g, head, sizeof(head), fd);
	assert_int_equal(head[0], request);
	assert_int_equal(head[1], 5); /* version 1, a reply */
	assert_true(head[2] <= most);
	receive(g, answer, head[2], NULL);
	return head[2];
}

uint32_t
guest_ask(struct guest *g, uint32_t request, const void *payload, uint32_t size,
    void *answer, uint32_t most, int *fd)
{
	say(g, request, 0, payload, size, NULL, 0);
	return hear(g, request, answer, most, fd);
}

uint64_t
guest_ask_u64(struct guest *g, uint32_t request)
{
	uint64_t value;

	assert_int_equal(
	    guest_ask(g, request, NULL, 0, &value, sizeof(value), NULL), 8);
	return value;
}

int
guest_is_done(struct guest *g, uint32_t request, const void *payload,
    uint32_t size, int fd)
{
	uint64_t value;

	say(g, request, NEED_REPLY, payload, size, &fd, fd >= 0);
	assert_int_equal(hear(g, request, &value, sizeof(value), NULL), 8);
	return value == 0;
}

void
guest_await_end(struct guest *g)
{
	char octets[64];

	AWAIT(g->w, recv(g->sock, octets, sizeof(octets), MSG_DONTWAIT) == 0 ||
			errno == ECONNRESET);
}

/* A connection. */

void
guest_connect(struct guest *g, uint64_t features, uint64_t protocol)
{
	g->sock = peer_connect(g->w->path, SOCK_STREAM);
	g->features = features;
	assert_int_equal(
	    guest_ask_u64(g, EP_VHOST_GET_FEATURES) & features, features);
	if ((features & BIT(EP_VHOST_F_PROTOCOL)) != 0) {
		assert_int_equal(
		    guest_ask_u64(g, EP_VHOST_GET_PROTOCOL_FEATURES) & protocol,
		    protocol);
		guest_say_u64(g, EP_VHOST_SET_PROTOCOL_FEATURES, protocol);
	}
	guest_say(g, EP_VHOST_SET_OWNER, NULL, 0, NULL, 0);
	guest_say_u64(g, EP_VHOST_SET_FEATURES, features);
}

/* As two regions, side by side, that a test may have a buffer across. */
void
guest_say_memory(struct guest *g)
{
	const uint64_t half = MEMORY / 2 / 4096 * 4096 + 4096;
	const uint64_t table[9] = { 2, GPA, half, UVA, 0, GPA + half,
		MEMORY - half, UVA + half, half };
	const int fds[2] = { g->mem, g->mem };

	guest_say(g, EP_VHOST_SET_MEM_TABLE, table, sizeof(table), fds, 2);
}

void
guest_say_ring(struct guest *g, unsigned r, uint16_t base)
{
	const uint64_t at = UVA + r * RING_AREA;
	const uint64_t addr[5] = { r, at, at + 0x2000, at + 0x1000, 0 };
	const uint64_t index = r;

	guest_say_state(g, EP_VHOST_SET_VRING_NUM, r, RING);
	guest_say_state(g, EP_VHOST_SET_VRING_BASE, r, base);
	guest_say(g, EP_VHOST_SET_VRING_ADDR, addr, sizeof(addr), NULL, 0);
	guest_say(g, EP_VHOST_SET_VRING_KICK, &index, sizeof(index),
	    &g->rings[r].kick, 1);
	guest_say(g, EP_VHOST_SET_VRING_CALL, &index, sizeof(index),
	    &g->rings[r].call, 1);
}

void
guest_start(struct guest *g, unsigned pairs, const uint16_t *bases)
{
	g->pairs = pairs;
	guest_say_memory(g);
	for (unsigned r = 0; r < 2 * pairs; r++) {
		guest_say_ring(g, r, bases != NULL ? bases[r] : 0);
		if ((g->features & BIT(EP_VHOST_F_PROTOCOL)) != 0)
			guest_say_state(g, EP_VHOST_SET_VRING_ENABLE, r, 1);
	}
	/* Messages are heard in order. */
	(void)guest_ask_u64(g, EP_VHOST_GET_QUEUE_NUM);
	/* That the descriptors are eventfds was found out by signalling them. */
	for (unsigned r = 0; r < 2 * pairs; r++)
		(void)guest_interrupts(g, r);
}

void
guest_run(struct guest *g, uint64_t features)
{
	guest_connect(g, features, PROTOCOL);
	guest_start(g, 1, NULL);
}

/* Rings. */

void
guest_desc(struct guest *g, unsigned r, unsigned i, uint64_t addr, uint32_t len,
    uint16_t flags, uint16_t next)
{
	g->rings[r].desc[i] = (struct vring_desc){ addr, len, flags, next };
}

void
guest_offer(struct guest *g, unsigned r, uint16_t head)
{
	struct ring *ring = &g->rings[r];

	ring->avail->ring[ring->next++ % RING] = head;
	__atomic_store_n(&ring->avail->idx, ring->next, __ATOMIC_RELEASE);
}

void
guest_kick(struct guest *g, unsigned r)
{
	const uint64_t one = 1;

	assert_int_equal(write(g->rings[r].kick, &one, sizeof(one)), 8);
}

void
guest_send(struct guest *g, unsigned r, unsigned i,
    const struct virtio_net_hdr_v1 *hdr, const void *frame, uint32_t len)
{
	static const struct virtio_net_hdr_v1 none;
	unsigned hdr_len = ep_vhost_hdr_len(g->features);

	memcpy(buffer(g, r, i), hdr != NULL ? hdr : &none, hdr_len);
	memcpy(buffer(g, r, i) + hdr_len, frame, len);
	guest_desc(g, r, i, buffer_gpa(r, i), hdr_len + len, 0, 0);
	guest_offer(g, r, (uint16_t)i);
	guest_kick(g, r);
}

void
guest_post(struct guest *g, unsigned r, unsigned i, unsigned n, uint32_t len)
{
	for (; n > 0; n--, i++) {
		guest_desc(g, r, i % RING, buffer_gpa(r, i % RING), len,
		    VRING_DESC_F_WRITE, 0);
		guest_offer(g, r, (uint16_t)(i % RING));
	}
}

int
guest_has_used(const struct guest *g, unsigned r)
{
	const struct ring *ring = &g->rings[r];

	return __atomic_load_n(&ring->used->idx, __ATOMIC_ACQUIRE) !=
	       ring->seen;
}

struct vring_used_elem
guest_take(struct guest *g, unsigned r)
{
	AWAIT(g->w, guest_has_used(g, r));
	return g->rings[r].used->ring[g->rings[r].seen++ % RING];
}

uint64_t
guest_interrupts(struct guest *g, unsigned r)
{
	uint64_t count = 0;

	return read(g->rings[r].call, &count, sizeof(count)) == 8 ? count : 0;
}

/* A test's. */

struct rest *
begin(void **state)
{
	static struct rest rest;

	rest.w = *state;
	guest_init(&rest.g, rest.w);
	attach(rest.w, "vhost:path=%s", rest.w->path);
	AWAIT(rest.w, access(rest.w->path, F_OK) == 0);
	return &rest;
}

void
fill(uint8_t *octets, uint32_t len, uint8_t seed)
{
	memset(octets, 0, len < 14 ? len : 14);
	octets[0] = 2;
	for (uint32_t i = 14; i < len; i++)
		octets[i] = (uint8_t)(seed + i * 7 + (i >> 8));
}

void
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

int
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

void
kept_is(struct wire *w, unsigned i, uint32_t len, uint8_t seed)
{
	uint8_t *octets = malloc(len);

	assert_non_null(octets);
	assert_int_equal(w->at_b.ms[i]->pktlen, len);
	assert_int_equal(epair_mbuf_read(w->at_b.ms[i], 0, octets, len), len);
	assert_true(is_filled(octets, len, seed));
	free(octets);
}
