/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "attach/tap/tap.h"
#include "base/atomic.h"
#include "mbuf/mbuf.h"
#include "pair/pair.h"

/* Frames read for one wake; and mbufs taken at a time to read them into. */
#define READ_MAX 64u
#define TAKE_MAX 32u

/* Pieces of one frame that are written without a copy. */
#define PIECES_MAX 64

/*
 * What a wake reads into. A frame begins in a small mbuf and what does not fit
 * goes on in the large one, which waits for the first that needs it: so a small
 * frame never holds 68 KiB, and nothing is copied twice.
 */
struct reader {
	struct ep_tap_queue *q;
	struct epair_if *ifp;
	struct epair_mbuf *fresh[TAKE_MAX];
	unsigned fresh_count;
	unsigned take; /* how many to take next: doubles as frames come */
	struct epair_mbuf *large;
	int error; /* why READ_END */
};

enum read_end {
	READ_ONE, /* a frame, to be handed on */
	READ_NONE, /* a frame that was counted as dropped */
	READ_END, /* for now (-EAGAIN), or for ever */
};

static enum read_end
ended(struct reader *r)
{
	r->error = -errno;
	return READ_END;
}

/* Without a large one, frames that need none still have room. */
static bool
has_room(struct reader *r)
{
	struct ep_pool *pool = r->ifp->ep->pool;
	int n;

	if (r->large == NULL &&
	    ep_mbuf_alloc(pool, &r->large, 1, EPAIR_MBUF_LARGE) != 1)
		r->large = NULL;
	if (r->fresh_count > 0)
		return true;
	n = ep_mbuf_alloc(pool, r->fresh, r->take, EPAIR_MBUF_SMALL);
	r->fresh_count = n > 0 ? (unsigned)n : 0;
	if (r->take < TAKE_MAX)
		r->take *= 2;
	return r->fresh_count > 0;
}

/* With no mbuf to be had: the frame is read all the same, and counted. */
static enum read_end
read_and_drop(struct reader *r)
{
	uint8_t octets[EP_TAP_HDR_LEN + EP_ETHER_HDR_LEN];

	if (read(r->q->fd, octets, sizeof(octets)) <= 0)
		return ended(r);
	ep_drop_count(r->ifp, 1, EPAIR_DROP_TX_NO_MBUF);
	return READ_NONE;
}

/*
 * Lay len octets that were read out over the frame's one or two mbufs. Returns
 * false if there was but the one, and it was too small.
 */
static bool
set_len(struct reader *r, struct epair_mbuf *m, uint32_t len)
{
	struct epair_mbuf *tail = r->large;

	if (len <= EPAIR_MBUF_SMALL) {
		m->len = m->pktlen = len;
		return true;
	}
	if (tail == NULL)
		return false;
	m->len = m->pktlen = EPAIR_MBUF_SMALL;
	tail->len = tail->pktlen = len - EPAIR_MBUF_SMALL;
	r->large = NULL;
	epair_mbuf_chain(m, tail);
	return true;
}

static enum read_end
read_one(struct reader *r, struct epair_mbuf **mp)
{
	struct ep_tap *tap = r->q->tap;
	struct virtio_net_hdr_v1 hdr;
	struct epair_mbuf *m;
	uint8_t too_much[1];
	struct iovec iov[3];
	ssize_t n;

	if (!has_room(r))
		return read_and_drop(r);
	m = r->fresh[r->fresh_count - 1];
	iov[0] = (struct iovec){ &hdr, tap->hdr_len };
	iov[1] = (struct iovec){ m->data, EPAIR_MBUF_SMALL };
	iov[2] = (struct iovec){ too_much, sizeof(too_much) };
	if (r->large != NULL)
		iov[2] = (struct iovec){ r->large->data, EPAIR_MBUF_LARGE };
	do {
		n = readv(r->q->fd, iov, 3);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return ended(r);
	if ((size_t)n < tap->hdr_len + EP_ETHER_HDR_LEN) {
		ep_drop_count(r->ifp, 1, EPAIR_DROP_TX_BAD);
		return READ_NONE;
	}
	if (!set_len(r, m, (uint32_t)n - tap->hdr_len)) {
		ep_drop_count(r->ifp, 1, EPAIR_DROP_TX_NO_MBUF);
		return READ_NONE;
	}
	r->fresh_count--;
	if (tap->hdr_len > 0 && ep_tap_from_header(m, &hdr) != 0) {
		(void)ep_drop(r->ifp, &m, 1, EPAIR_DROP_TX_BAD, 0);
		return READ_NONE;
	}
	*mp = m;
	return READ_ONE;
}

/*
 * A device that is gone stays readable for ever. It may go between two queues'
 * reading, so either way of learning it will do.
 */
static void
after_end(struct ep_tap_queue *q, int error, uint32_t events)
{
	char why[64];

	if (error == -EAGAIN && (events & (EPOLLERR | EPOLLHUP)) == 0)
		return;
	ep_watch_drain(&q->watch);
	if (error == -EAGAIN || error == -EBADFD) {
		ep_tap_missing(q->tap);
		return;
	}
	(void)snprintf(
	    why, sizeof(why), "cannot read the TAP: %s", epair_err_name(error));
	ep_attach_lost(&q->tap->st, why);
}

void
ep_tap_read(struct ep_watch *watch, uint32_t events)
{
	/* watch is a queue's first member */
	struct ep_tap_queue *q = (struct ep_tap_queue *)(void *)watch;
	struct reader r = { .q = q, .ifp = q->tap->st.ifp, .take = 4 };
	struct epair_mbuf *ms[READ_MAX];
	enum read_end end = READ_NONE;
	unsigned n = 0;

	for (unsigned i = 0; i < READ_MAX; i++) {
		end = read_one(&r, &ms[n]);
		if (end == READ_ONE)
			n++;
		else if (end == READ_END)
			break;
	}
	ep_mbuf_free(r.fresh, r.fresh_count);
	ep_mbuf_free(&r.large, 1);
	if (n > 0) {
		ep_count_add(&q->sent, n);
		(void)ep_pair_transmit(r.ifp, ms, n);
	}
	if (end == READ_END)
		after_end(q, r.error, events);
}

/* More pieces than are written at once: into one. */
static int
write_copied(const struct ep_tap_queue *q, struct virtio_net_hdr_v1 *hdr,
    const struct epair_mbuf *m)
{
	struct ep_tap *tap = q->tap;
	struct epair_mbuf *flat;
	struct iovec iov[2];
	ssize_t n;

	if (m->pktlen > EPAIR_MBUF_LARGE)
		return -EMSGSIZE;
	if (ep_mbuf_alloc(tap->st.ifp->ep->pool, &flat, 1, m->pktlen) != 1)
		return -ENOMEM;
	iov[0] = (struct iovec){ hdr, tap->hdr_len };
	iov[1] = (struct iovec){ flat->data,
		epair_mbuf_read(m, 0, flat->data, m->pktlen) };
	n = writev(q->fd, iov, 2);
	n = n < 0 ? -errno : 0;
	ep_mbuf_free1(flat);
	return (int)n;
}

static int
write_one(const struct ep_tap_queue *q, const struct epair_mbuf *m)
{
	struct virtio_net_hdr_v1 hdr;
	struct iovec iov[PIECES_MAX + 1];
	int count = 1;
	ssize_t n;

	ep_tap_to_header(m, &hdr);
	iov[0] = (struct iovec){ &hdr, q->tap->hdr_len };
	for (const struct epair_mbuf *piece = m; piece != NULL;
	     piece = piece->next) {
		if (count > PIECES_MAX)
			return write_copied(q, &hdr, m);
		iov[count++] = (struct iovec){ piece->data, piece->len };
	}
	do {
		n = writev(q->fd, iov, count);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static enum epair_drop
reason_of(int error)
{
	switch (error) {
	case -EIO: /* the device is not UP in there */
	case -EBADFD: /* there is none */
		return EPAIR_DROP_RX_STACK_DOWN;
	case -EAGAIN:
	case -ENOBUFS:
	case -ENOMEM:
		return EPAIR_DROP_RX_STACK_FULL;
	default:
		return EPAIR_DROP_RX_STACK_ERROR;
	}
}

void
ep_tap_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue)
{
	struct ep_tap *tap = (struct ep_tap *)(void *)st;
	const struct ep_tap_queue *q = &tap->queues[queue % tap->queue_count];
	/* The kernel would let them in: carrier is only a word to it. */
	bool is_listening = ep_load_relaxed(&tap->carrier);

	for (unsigned i = 0; i < n; i++) {
		int error = is_listening ? write_one(q, ms[i]) : -EIO;

		if (error == 0) {
			ep_mbuf_free1(ms[i]);
			continue;
		}
		(void)ep_drop(st->ifp, &ms[i], 1, reason_of(error), 0);
		if (error == -EBADFD)
			ep_tap_missing(tap);
	}
}
