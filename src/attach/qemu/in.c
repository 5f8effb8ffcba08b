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
#include <sys/ioctl.h>
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
bad(const struct burst *b, unsigned n)
{
	if (n > 0)
		ep_drop_count(b->q->st.ifp, n, EPAIR_DROP_TX_BAD);
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
			bad(b, 1);
			break;
		case EP_FRAMED_LONG:
			bad(b, 1);
			return -EMSGSIZE;
		default:
			return 0;
		}
}

/* The peer has closed, and all that it sent has been read. */
static bool
is_over(int fd)
{
	int left = 0;

	return ep_socket_has_hung_up(fd) && ioctl(fd, FIONREAD, &left) == 0 &&
	       left == 0;
}

/* Where the i-th packet is read to. */
static uint8_t *
place_of(const struct burst *b, unsigned i)
{
	return b->q->in + (size_t)i * PACKET_SIZE;
}

/* Returns how many at the end were empty. */
static unsigned
put_packets(struct burst *b, const struct mmsghdr *msgs, unsigned n)
{
	unsigned empty = 0;

	for (unsigned i = 0; i < n; i++) {
		uint32_t len = msgs[i].msg_len;

		if (len == 0) {
			empty++;
			continue;
		}
		bad(b, empty);
		empty = 0;
		if (len < EP_FRAMING_MIN || len > EP_FRAMING_MAX ||
		    (msgs[i].msg_hdr.msg_flags & MSG_TRUNC) != 0)
			bad(b, 1);
		else
			put(b, place_of(b, i), len);
	}
	return empty;
}

/* Returns how many; 0 if there are none now; a negated errno. */
static int
recv_packets(struct burst *b, int fd, struct mmsghdr msgs[PACKETS_MAX])
{
	struct iovec iov[PACKETS_MAX];
	int n;

	memset(msgs, 0, PACKETS_MAX * sizeof(*msgs));
	for (unsigned i = 0; i < PACKETS_MAX; i++) {
		iov[i].iov_base = place_of(b, i);
		iov[i].iov_len = PACKET_SIZE;
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	/*
	 * One that closed before it had read all gives that as an error, once,
	 * ahead of what it sent.
	 */
	do {
		n = recvmmsg(fd, msgs, PACKETS_MAX, MSG_DONTWAIT, NULL);
	} while (n < 0 && (errno == ECONNRESET || errno == EINTR));
	return n >= 0 ? n : errno == EAGAIN ? 0 : -errno;
}

/*
 * An empty packet is read as the end of a connection is, flags and all. The end
 * alone is read again and again, so that it fills the array; and at the end
 * alone nothing is left behind it. Empty packets that nothing was sent behind
 * are part of the end.
 */
static int
read_packets(struct burst *b, int fd)
{
	struct mmsghdr msgs[PACKETS_MAX];
	unsigned empty;
	int n;

	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		n = recv_packets(b, fd, msgs);
		if (n < 0)
			return n;
		empty = put_packets(b, msgs, (unsigned)n);
		if (n == PACKETS_MAX && empty > 0 && is_over(fd))
			return -EPIPE;
		bad(b, empty);
		if (n < (int)PACKETS_MAX)
			break;
	}
	return 0;
}

int
ep_qemu_read(struct ep_qemu *q, int fd)
{
	struct burst b;
	int error;

	b.q = q;
	b.count = b.fresh_count = 0;
	b.take = 4;
	if (q->type == EP_QEMU_STREAM)
		error = read_stream(&b, fd);
	else
		error = read_packets(&b, fd);
	ep_mbuf_free(b.fresh, b.fresh_count);
	hand_on(&b);
	return error;
}
