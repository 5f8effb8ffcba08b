/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the peer sends is read into one large buffer, many frames with one call,
 * and copied from there into mbufs of the right size: before a frame is there,
 * nobody knows how long it is.
 *
 * The buffer is mapped memory: what no frame was long enough for is never
 * touched and takes none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/qemu/qemu.h"
#include "base/atomic.h"
#include "mbuf/mbuf.h"

/* Octets read for one wake from a stream: less than 4096 frames. */
#define READ_MAX (64u << 10)

/* Packets read at a time, and how often for one wake. */
#define PACKETS_MAX 16u
#define ROUNDS_MAX  4u

/* Room for each: one octet more tells what is too long. */
#define PACKET_SIZE (EP_FRAMING_MAX + 1)

/* Frames handed on at once, and mbufs taken at a time. */
#define BURST_MAX 64u
#define TAKE_MAX  32u

struct burst {
	struct ep_qemu *q;
	struct epair_mbuf *ms[BURST_MAX];
	unsigned count;
	struct epair_mbuf *fresh[TAKE_MAX]; /* small ones */
	unsigned fresh_count;
	unsigned take; /* how many next: doubles as frames come */
};

uint8_t *
ep_qemu_in_create(enum ep_qemu_type type)
{
	return malloc(type == EP_QEMU_STREAM
			  ? EP_FRAMING_SIZE
			  : (size_t)PACKETS_MAX * PACKET_SIZE);
}

static void
hand_on(struct burst *b)
{
	if (b->count == 0)
		return;
	ep_count_add(&b->q->sent, b->count);
	(void)ep_pair_transmit(b->q->st.ifp, b->ms, b->count);
	b->count = 0;
}

static struct epair_mbuf *
take_mbuf(struct burst *b, uint32_t len)
{
	struct ep_pool *pool = b->q->st.ifp->ep->pool;
	struct epair_mbuf *m;
	int n;

	if (len > EPAIR_MBUF_SMALL)
		return ep_mbuf_alloc(pool, &m, 1, len) == 1 ? m : NULL;
	if (b->fresh_count == 0) {
		n = ep_mbuf_alloc(pool, b->fresh, b->take, EPAIR_MBUF_SMALL);
		b->fresh_count = n > 0 ? (unsigned)n : 0;
		if (b->take < TAKE_MAX)
			b->take *= 2;
	}
	return b->fresh_count > 0 ? b->fresh[--b->fresh_count] : NULL;
}

static void
put(struct burst *b, const uint8_t *frame, uint32_t len)
{
	struct epair_mbuf *m = take_mbuf(b, len);

	if (m == NULL) {
		ep_drop_count(b->q->st.ifp, 1, EPAIR_DROP_TX_NO_MBUF);
		return;
	}
	memcpy(m->data, frame, len);
	m->len = m->pktlen = len;
	b->ms[b->count++] = m;
	if (b->count == BURST_MAX)
		hand_on(b);
}

static void
bad(const struct burst *b)
{
	ep_drop_count(b->q->st.ifp, 1, EPAIR_DROP_TX_BAD);
}

static int
read_stream(struct burst *b, int fd)
{
	struct ep_framing *f = &b->q->framing;
	const uint8_t *frame;
	size_t room;
	uint8_t *at;
	uint32_t len;
	ssize_t n;

	room = ep_framing_room(f, &at);
	do {
		n = recv(
		    fd, at, room < READ_MAX ? room : READ_MAX, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	ep_framing_filled(f, (size_t)n);
	for (;;)
		switch (ep_framing_next(f, &frame, &len)) {
		case EP_FRAMED_ONE:
			put(b, frame, len);
			break;
		case EP_FRAMED_SHORT:
			bad(b);
			break;
		case EP_FRAMED_LONG:
			bad(b);
			return -EMSGSIZE;
		default:
			return 0;
		}
}

/*
 * An empty packet is read as the end of a connection is; only what epoll said
 * before tells them apart.
 */
static int
take_packets(struct burst *b, const struct mmsghdr *msgs, int n, bool has_ended)
{
	for (int i = 0; i < n; i++) {
		uint32_t len = msgs[i].msg_len;

		if (len == 0 && has_ended)
			return -EPIPE;
		if (len < EP_FRAMING_MIN || len > EP_FRAMING_MAX ||
		    (msgs[i].msg_hdr.msg_flags & MSG_TRUNC) != 0)
			bad(b);
		else
			put(b, msgs[i].msg_hdr.msg_iov->iov_base, len);
	}
	return 0;
}

static int
read_packets(struct burst *b, int fd, bool has_ended)
{
	struct mmsghdr msgs[PACKETS_MAX];
	struct iovec iov[PACKETS_MAX];
	int n, error = 0;

	for (unsigned round = 0; round < ROUNDS_MAX && error == 0; round++) {
		memset(msgs, 0, sizeof(msgs));
		for (unsigned i = 0; i < PACKETS_MAX; i++) {
			iov[i].iov_base = b->q->in + (size_t)i * PACKET_SIZE;
			iov[i].iov_len = PACKET_SIZE;
			msgs[i].msg_hdr.msg_iov = &iov[i];
			msgs[i].msg_hdr.msg_iovlen = 1;
		}
		n = recvmmsg(fd, msgs, PACKETS_MAX, MSG_DONTWAIT, NULL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		error = take_packets(b, msgs, n, has_ended);
		if (n < (int)PACKETS_MAX)
			break;
	}
	return error;
}

int
ep_qemu_read(struct ep_qemu *q, int fd, bool has_ended)
{
	struct burst b;
	int error;

	b.q = q;
	b.count = b.fresh_count = 0;
	b.take = 4;
	if (q->type == EP_QEMU_STREAM)
		error = read_stream(&b, fd);
	else
		error = read_packets(&b, fd, has_ended);
	ep_mbuf_free(b.fresh, b.fresh_count);
	hand_on(&b);
	return error;
}
