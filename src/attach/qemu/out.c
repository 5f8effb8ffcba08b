/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames go to the peer many with one call and without a copy. What the socket
 * does not take waits in the ring, up to EP_QEMU_OUT_FRAMES and _OCTETS, until
 * EPOLLOUT: a guest that reads slowly holds up nobody but itself. MSG_DONTWAIT
 * is said with every call, for O_NONBLOCK belongs to all who share a socket.
 */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "attach/qemu/qemu.h"
#include "base/atomic.h"
#include "mbuf/mbuf.h"

/* Pieces of frames, and frames, that are sent with one call. */
#define PIECES_MAX  128u
#define PACKETS_MAX 32u

#define HERE(i) ((i) & (EP_QEMU_OUT_FRAMES - 1))

/* Free the n oldest. */
static void
forget(struct ep_qemu_out *out, uint32_t n)
{
	while (n > 0) {
		uint32_t at = HERE(out->first);
		uint32_t run = EP_QEMU_OUT_FRAMES - at;

		run = run < n ? run : n;
		for (uint32_t i = 0; i < run; i++)
			out->octets -= out->ring[at + i]->pktlen;
		ep_mbuf_free(&out->ring[at], run);
		out->first += run;
		out->count -= run;
		n -= run;
	}
}

static void
drop_oldest(
    struct epair_if *ifp, struct ep_qemu_out *out, enum epair_drop reason)
{
	struct epair_mbuf *m = out->ring[HERE(out->first++)];

	out->count--;
	out->octets -= m->pktlen;
	(void)ep_drop(ifp, &m, 1, reason, 0);
}

/* Add a piece, but for what of it was sent before. */
static void
add_piece(
    struct iovec *iov, unsigned *n, void *at, uint32_t len, uint32_t *sent)
{
	uint32_t skip = *sent < len ? *sent : len;

	*sent -= skip;
	if (len == skip)
		return;
	iov[*n].iov_base = (uint8_t *)at + skip;
	iov[(*n)++].iov_len = len - skip;
}

/* As much of the stream as goes into one call; a frame may be cut. */
static unsigned
gather_stream(const struct ep_qemu_out *out, struct iovec *iov, uint32_t *heads)
{
	uint32_t sent = out->done;
	unsigned n = 0;

	for (uint32_t i = 0; i < out->count && n + 1 < PIECES_MAX; i++) {
		struct epair_mbuf *m = out->ring[HERE(out->first + i)];

		heads[i] = ep_framing_head(m->pktlen);
		add_piece(iov, &n, &heads[i], EP_FRAMING_HEAD, &sent);
		for (; m != NULL && n < PIECES_MAX; m = m->next)
			add_piece(iov, &n, m->data, m->len, &sent);
	}
	return n;
}

static int
send_stream(struct ep_qemu_out *out)
{
	/* Each head is one piece at least, but for the first frame's. */
	uint32_t heads[PIECES_MAX + 1], left, whole = 0;
	struct iovec iov[PIECES_MAX];
	struct msghdr msg = { .msg_iov = iov };
	ssize_t n;

	msg.msg_iovlen = gather_stream(out, iov, heads);
	n = sendmsg(out->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return -errno;
	for (uint64_t k = (uint64_t)n; k > 0; whole++) {
		const struct epair_mbuf *m =
		    out->ring[HERE(out->first + whole)];

		left = EP_FRAMING_HEAD + m->pktlen - out->done;
		if (k < left) {
			out->done += (uint32_t)k;
			break;
		}
		k -= left;
		out->done = 0;
	}
	forget(out, whole);
	return 0;
}

static unsigned
gather_packets(
    const struct ep_qemu_out *out, struct mmsghdr *msgs, struct iovec *iov)
{
	uint32_t sent = 0;
	unsigned n = 0, i;

	memset(msgs, 0, PACKETS_MAX * sizeof(*msgs));
	for (i = 0; i < out->count && i < PACKETS_MAX; i++) {
		struct epair_mbuf *m = out->ring[HERE(out->first + i)];
		unsigned begin = n;

		for (; m != NULL && n < PIECES_MAX; m = m->next)
			add_piece(iov, &n, m->data, m->len, &sent);
		if (m != NULL)
			break; /* not all of it: next time */
		msgs[i].msg_hdr.msg_iov = &iov[begin];
		msgs[i].msg_hdr.msg_iovlen = n - begin;
	}
	return i;
}

static int
send_packets(const struct ep_qemu *q, struct ep_qemu_out *out)
{
	struct mmsghdr msgs[PACKETS_MAX];
	struct iovec iov[PIECES_MAX];
	int n;

	n = sendmmsg(out->fd, msgs, gather_packets(out, msgs, iov),
	    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n >= 0) {
		forget(out, (uint32_t)n);
		return 0;
	}
	if (errno != EMSGSIZE)
		return -errno;
	/* This one the socket will never take. */
	drop_oldest(q->st.ifp, out, EPAIR_DROP_RX_STACK_ERROR);
	return 0;
}

static void
flush(struct ep_qemu *q) EP_REQUIRES(q->lock)
{
	struct ep_qemu_out *out = &q->out;
	int error = 0;

	while (out->count > 0 && error == 0) {
		if (q->type == EP_QEMU_STREAM)
			error = send_stream(out);
		else
			error = send_packets(q, out);
		if (error == -EINTR)
			error = 0;
	}
	out->is_blocked = error == -EAGAIN || error == -ENOBUFS ||
			  error == -ENOMEM;
	if (error == 0 || out->is_blocked)
		return;
	out->fd = -1;
	out->error = error;
	ep_conn_lose(&q->conn, "Writing failed");
}

/* Put in what there is room for. Returns how many that was. */
static unsigned
append(struct ep_qemu_out *out, struct epair_mbuf **ms, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (out->count == EP_QEMU_OUT_FRAMES ||
		    out->octets + ms[i]->pktlen > EP_QEMU_OUT_OCTETS)
			break;
		out->ring[HERE(out->first + out->count++)] = ms[i];
		out->octets += ms[i]->pktlen;
	}
	return i;
}

void
ep_qemu_out_begin(struct ep_qemu *q, int fd)
{
	ep_lock(&q->lock);
	q->out.fd = fd;
	q->out.is_blocked = false;
	q->out.error = 0;
	ep_unlock(&q->lock);
}

void
ep_qemu_out_end(struct ep_qemu *q)
{
	ep_lock(&q->lock);
	q->out.fd = -1;
	q->is_held = false;
	q->out.done = 0;
	while (q->out.count > 0)
		drop_oldest(q->st.ifp, &q->out, EPAIR_DROP_RX_STACK_DOWN);
	ep_unlock(&q->lock);
}

void
ep_qemu_out_flush(struct ep_qemu *q)
{
	ep_lock(&q->lock);
	if (q->out.fd >= 0 && q->out.is_blocked) {
		flush(q);
		if (!q->out.is_blocked)
			ep_qemu_await_room(q, false);
	}
	ep_unlock(&q->lock);
}

/* A chain of more pieces than are sent with one call: into one piece. */
static bool
straighten(struct ep_qemu *q, struct epair_mbuf **mp)
{
	struct epair_mbuf *m = *mp, *flat;
	unsigned pieces = 0;

	for (const struct epair_mbuf *p = m; p != NULL; p = p->next)
		pieces++;
	if (pieces <= PIECES_MAX / 2)
		return true;
	if (ep_mbuf_alloc(q->st.ifp->ep->pool, &flat, 1, m->pktlen) != 1)
		return false;
	flat->len = flat->pktlen = epair_mbuf_read(m, 0, flat->data, m->pktlen);
	ep_mbuf_free1(m);
	*mp = flat;
	return true;
}

/* Drop what may not be sent (N3). Returns how many are left, in order. */
static unsigned
keep_sendable(struct ep_qemu *q, struct epair_mbuf **ms, unsigned n)
{
	struct epair_if *ifp = q->st.ifp;
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++)
		if (ms[i]->pktlen < EP_FRAMING_MIN ||
		    ms[i]->pktlen > EP_FRAMING_MAX)
			(void)ep_drop(
			    ifp, &ms[i], 1, EPAIR_DROP_RX_STACK_ERROR, 0);
		else if (!straighten(q, &ms[i]))
			(void)ep_drop(
			    ifp, &ms[i], 1, EPAIR_DROP_RX_STACK_FULL, 0);
		else
			ms[kept++] = ms[i];
	return kept;
}

void
ep_qemu_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue)
{
	struct ep_qemu *q = (struct ep_qemu *)(void *)st;
	enum epair_drop reason = EPAIR_DROP_RX_STACK_FULL;
	unsigned taken = 0;
	bool was_blocked;

	(void)queue;
	n = keep_sendable(q, ms, n);
	ep_lock(&q->lock);
	was_blocked = q->out.is_blocked;
	while (taken < n && q->out.fd >= 0) {
		taken += append(&q->out, ms + taken, n - taken);
		if (q->out.is_blocked)
			break;
		flush(q);
	}
	if (q->out.fd < 0)
		reason = EPAIR_DROP_RX_STACK_DOWN;
	else if (q->out.is_blocked && !was_blocked)
		ep_qemu_await_room(q, true);
	ep_unlock(&q->lock);
	(void)ep_drop(st->ifp, ms + taken, n - taken, reason, 0);
}
