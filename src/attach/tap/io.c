/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "attach/tap/ring.h"
#include "attach/tap/tap.h"
#include "base/atomic.h"
#include "mbuf/mbuf.h"
#include "pair/pair.h"

/* Frames read for one wake, and with one call. */
#define READ_MAX  64u
#define BATCH_MIN 2u
#define BATCH_MAX 32u

/* Fewer are dearer through a ring than by a system call each. */
#define RING_MIN 4u

/* Written with one call: frames, and pieces of them all. */
#define WRITE_MAX  EP_TAP_OPS_MAX
#define PIECES_MAX 192u

/* Each by a system call of its own. What cannot be had for now ends a read. */
static void
do_singly(int fd, enum ep_tap_way way, struct ep_tap_op *ops, unsigned n)
{
	bool is_dry = false;

	for (unsigned i = 0; i < n; i++) {
		struct ep_tap_op *op = &ops[i];
		ssize_t len = -1;

		if (is_dry) {
			op->res = ops[i - 1].res;
			continue;
		}
		do {
			len = way == EP_TAP_READ
				  ? readv(fd, op->iov, (int)op->count)
				  : writev(fd, op->iov, (int)op->count);
		} while (len < 0 && errno == EINTR);
		op->res = len < 0 ? -errno : (int)len;
		is_dry = len < 0 && way == EP_TAP_READ;
	}
}

static void
do_ops(struct ep_tap_queue *q, enum ep_tap_way way, struct ep_tap_op *ops,
    unsigned n)
{
	unsigned done = 0;

	if (q->ring != NULL && n >= RING_MIN &&
	    ep_tap_ring_do(q->ring, way, ops, n, &done) != 0) {
		ep_tap_ring_destroy(q->ring);
		q->ring = NULL;
		ep_attach_event(
		    &q->tap->st, "io_uring refused: system calls from now on");
	}
	do_singly(q->fd, way, ops + done, n - done);
}

/*
 * What a wake reads into. A frame begins in a small mbuf and what does not fit
 * goes on in a large one, which waits for the first that needs it: so a small
 * frame never holds 68 KiB, and nothing is copied twice.
 */
struct reader {
	struct ep_tap_queue *q;
	struct epair_if *ifp;
	struct epair_mbuf *small[BATCH_MAX], *large[BATCH_MAX];
	unsigned small_count, large_count;
	struct virtio_net_hdr_v1 hdrs[BATCH_MAX];
	struct iovec iov[BATCH_MAX][3];
	struct ep_tap_op ops[BATCH_MAX];
	int error; /* that ended it */
};

static void
top_up(struct ep_pool *pool, struct epair_mbuf **ms, unsigned *count,
    unsigned want, uint32_t size)
{
	int n;

	if (*count >= want)
		return;
	n = ep_mbuf_alloc(pool, ms + *count, want - *count, size);
	if (n > 0)
		*count += (unsigned)n;
}

/*
 * Have room for `want` frames. Without large ones, frames that need none still
 * have it. Returns for how many there is.
 */
static unsigned
make_room(struct reader *r, unsigned want)
{
	struct ep_pool *pool = r->ifp->ep->pool;

	top_up(pool, r->small, &r->small_count, want, EPAIR_MBUF_SMALL);
	if (want > r->small_count)
		want = r->small_count;
	top_up(pool, r->large, &r->large_count, want, EPAIR_MBUF_LARGE);
	if (r->large_count > 0 && want > r->large_count)
		want = r->large_count;
	return want;
}

/* The i-th frame of a batch was read, len octets with its header. */
static bool
take_one(struct reader *r, unsigned i, uint32_t len, struct epair_mbuf **mp)
{
	struct ep_tap *tap = r->q->tap;
	struct epair_mbuf *m = r->small[i];

	if (len < tap->hdr_len + EP_ETHER_HDR_LEN) {
		ep_drop_count(r->ifp, 1, EPAIR_DROP_TX_BAD);
		return false;
	}
	len -= tap->hdr_len;
	if (len > EPAIR_MBUF_SMALL && r->large_count == 0) {
		ep_drop_count(r->ifp, 1, EPAIR_DROP_TX_NO_MBUF);
		return false;
	}
	r->small[i] = NULL;
	m->len = m->pktlen = len;
	if (len > EPAIR_MBUF_SMALL) {
		struct epair_mbuf *tail = r->large[i];

		r->large[i] = NULL;
		m->len = m->pktlen = EPAIR_MBUF_SMALL;
		tail->len = tail->pktlen = len - EPAIR_MBUF_SMALL;
		epair_mbuf_chain(m, tail);
	}
	if (tap->hdr_len > 0 && ep_virtio_from_header(m, &r->hdrs[i]) != 0) {
		(void)ep_drop(r->ifp, &m, 1, EPAIR_DROP_TX_BAD, 0);
		return false;
	}
	*mp = m;
	return true;
}

static void
close_gaps(struct epair_mbuf **ms, unsigned *count)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < *count; i++)
		if (ms[i] != NULL)
			ms[kept++] = ms[i];
	*count = kept;
}

/* With no mbuf to be had: a frame is read all the same, and counted. */
static unsigned
read_and_drop(struct reader *r)
{
	uint8_t octets[EP_VIRTIO_HDR_LEN + EP_ETHER_HDR_LEN];

	if (read(r->q->fd, octets, sizeof(octets)) <= 0) {
		r->error = -errno;
		return 0;
	}
	ep_drop_count(r->ifp, 1, EPAIR_DROP_TX_NO_MBUF);
	return 1;
}

/*
 * Read up to `want` frames, and give those that are to be handed on: *n more
 * in ms. Returns how many were read; r->error is set when there are no more.
 */
static unsigned
read_batch(struct reader *r, unsigned want, struct epair_mbuf **ms, unsigned *n)
{
	uint8_t too_much[1];
	unsigned came = 0;

	want = make_room(r, want);
	if (want == 0)
		return read_and_drop(r);
	for (unsigned i = 0; i < want; i++) {
		struct iovec *iov = r->iov[i];

		iov[0] = (struct iovec){ &r->hdrs[i], r->q->tap->hdr_len };
		iov[1] = (struct iovec){ r->small[i]->data, EPAIR_MBUF_SMALL };
		iov[2] = (struct iovec){ too_much, sizeof(too_much) };
		if (r->large_count > 0)
			iov[2] = (struct iovec){ r->large[i]->data,
				EPAIR_MBUF_LARGE };
		r->ops[i] = (struct ep_tap_op){ .iov = iov, .count = 3 };
	}
	do_ops(r->q, EP_TAP_READ, r->ops, want);
	/* One may have come just behind a read that found none. */
	for (unsigned i = 0; i < want; i++) {
		int res = r->ops[i].res;

		if (res < 0) {
			r->error = res;
			continue;
		}
		came++;
		if (take_one(r, i, (uint32_t)res, &ms[*n]))
			++*n;
	}
	close_gaps(r->small, &r->small_count);
	close_gaps(r->large, &r->large_count);
	return came;
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

static unsigned
smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * A batch is as large as what came for the wake before, so that one who waits
 * for single frames pays for few reads that find none, and doubles while it is
 * filled.
 */
void
ep_tap_read(struct ep_watch *watch, uint32_t events)
{
	/* watch is a queue's first member */
	struct ep_tap_queue *q = (struct ep_tap_queue *)(void *)watch;
	struct reader r;
	struct epair_mbuf *ms[READ_MAX];
	unsigned n = 0, came = 0, batch = q->batch;

	r.q = q;
	r.ifp = q->tap->st.ifp;
	r.small_count = r.large_count = 0;
	r.error = 0;
	while (came < READ_MAX && r.error == 0) {
		came += read_batch(&r, smaller(batch, READ_MAX - came), ms, &n);
		batch = smaller(2 * batch, BATCH_MAX);
	}
	q->batch = came < BATCH_MIN ? BATCH_MIN : smaller(came, BATCH_MAX);
	ep_mbuf_free(r.small, r.small_count);
	ep_mbuf_free(r.large, r.large_count);
	if (n > 0) {
		ep_count_add(&q->sent, n);
		(void)ep_pair_transmit(r.ifp, ms, n);
	}
	if (r.error != 0)
		after_end(q, r.error, events);
}

/* Writing. */

struct writer {
	struct virtio_net_hdr_v1 hdrs[WRITE_MAX];
	struct ep_tap_op ops[WRITE_MAX];
	struct iovec iov[PIECES_MAX];
	unsigned pieces; /* of iov that are used */
};

/* More pieces than are written at once: into one. */
static int
flatten(struct ep_pool *pool, struct epair_mbuf **mp)
{
	struct epair_mbuf *m = *mp, *flat;

	if (m->pktlen > EPAIR_MBUF_LARGE)
		return -EMSGSIZE;
	if (ep_mbuf_alloc(pool, &flat, 1, m->pktlen) != 1)
		return -ENOMEM;
	ep_mbuf_copy_meta(flat, m);
	flat->len = flat->pktlen = epair_mbuf_read(m, 0, flat->data, m->pktlen);
	ep_mbuf_free1(m);
	*mp = flat;
	return 0;
}

static unsigned
count_pieces(const struct epair_mbuf *m)
{
	unsigned n = 1; /* the header */

	for (; m != NULL; m = m->next)
		n++;
	return n;
}

static void
put_op(
    struct writer *w, unsigned i, uint32_t hdr_len, const struct epair_mbuf *m)
{
	struct iovec *iov = &w->iov[w->pieces];
	unsigned n = 1;

	ep_virtio_to_header(m, &w->hdrs[i]);
	iov[0] = (struct iovec){ &w->hdrs[i], hdr_len };
	for (; m != NULL; m = m->next)
		iov[n++] = (struct iovec){ m->data, m->len };
	w->ops[i] = (struct ep_tap_op){ .iov = iov, .count = n };
	w->pieces += n;
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

/*
 * Write what can be written at once: one frame at least. Returns how many.
 */
static unsigned
write_batch(struct ep_tap_queue *q, struct epair_mbuf **ms, unsigned n)
{
	struct ep_tap *tap = q->tap;
	struct epair_if *ifp = tap->st.ifp;
	unsigned count = 0, kept = 0;
	bool is_gone = false;
	struct writer w;

	w.pieces = 0;
	for (; count < n && count < WRITE_MAX; count++) {
		unsigned pieces = count_pieces(ms[count]);

		if (w.pieces + pieces > PIECES_MAX)
			break;
		put_op(&w, count, tap->hdr_len, ms[count]);
	}
	do_ops(q, EP_TAP_WRITE, w.ops, count);
	for (unsigned i = 0; i < count; i++) {
		int res = w.ops[i].res;

		if (res >= 0) {
			ms[kept++] = ms[i];
			continue;
		}
		is_gone |= res == -EBADFD;
		(void)ep_drop(ifp, &ms[i], 1, reason_of(res), 0);
	}
	ep_mbuf_free(ms, kept);
	if (is_gone)
		ep_tap_missing(tap);
	return count;
}

void
ep_tap_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue)
{
	struct ep_tap *tap = (struct ep_tap *)(void *)st;
	struct ep_tap_queue *q = &tap->queues[queue % tap->lane_count];

	/* The kernel would let them in: carrier is only a word to it. */
	if (!ep_load_relaxed(&tap->carrier)) {
		(void)ep_drop(st->ifp, ms, n, reason_of(-EIO), 0);
		return;
	}
	while (n > 0) {
		unsigned done;

		if (count_pieces(ms[0]) > PIECES_MAX) {
			int error = flatten(st->ifp->ep->pool, &ms[0]);

			if (error != 0)
				(void)ep_drop(
				    st->ifp, ms, 1, reason_of(error), 0);
			done = error != 0;
		} else {
			done = write_batch(q, ms, n);
		}
		ms += done;
		n -= done;
	}
}
