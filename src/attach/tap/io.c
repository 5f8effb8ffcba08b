/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include "attach/tap/ring.h"
#include "attach/tap/tap.h"
#include "attach/vector.h"
#include "base/atomic.h"
#include "pair/pair.h"

/* Frames read for one wake, and with one call. */
#define READ_MAX  64u
#define BATCH_MIN 2u
#define BATCH_MAX EP_READER_MAX

/* Fewer are dearer through a ring than by a system call each. */
#define RING_MIN 4u

_Static_assert(EP_WRITER_MAX <= EP_TAP_OPS_MAX, "a ring takes them all");

/* Each by a system call of its own. What cannot be had for now ends a read. */
static void
do_singly(const struct ep_tap_queue *q, enum ep_tap_way way,
    struct ep_tap_op *ops, unsigned n)
{
	int flags = q->tap->rw_flags;
	int dry = 0; /* what said so */

	for (unsigned i = 0; i < n; i++) {
		struct ep_tap_op *op = &ops[i];
		ssize_t len = -1;

		if (dry != 0) {
			op->res = dry;
			continue;
		}
		do {
			len = way == EP_TAP_READ
				  ? preadv2(q->fd, op->iov, (int)op->count, -1,
					flags)
				  : pwritev2(q->fd, op->iov, (int)op->count, -1,
					flags);
		} while (len < 0 && errno == EINTR);
		op->res = len < 0 ? -errno : (int)len;
		if (len < 0 && way == EP_TAP_READ)
			dry = op->res;
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
	do_singly(q, way, ops + done, n - done);
}

/* With no mbuf to be had: a frame is read all the same, and counted. */
static unsigned
read_and_drop(struct ep_tap_queue *q, int *error)
{
	struct epair_if *ifp = q->tap->st.ifp;
	uint8_t octets[EP_VIRTIO_HDR_LEN + EP_ETHER_HDR_LEN];
	struct iovec iov = { octets, sizeof(octets) };
	struct ep_tap_op op = { .iov = &iov, .count = 1 };

	do_singly(q, EP_TAP_READ, &op, 1);
	if (op.res <= 0) {
		*error = op.res < 0 ? op.res : -EIO;
		return 0;
	}
	ep_drop_count(ifp, 1, EPAIR_DROP_TX_NO_MBUF);
	return 1;
}

/*
 * Read up to `want` frames, and give those that are to be handed on: *n more
 * in ms. Returns how many were read; *error is set when there are no more.
 */
static unsigned
read_batch(struct ep_tap_queue *q, struct ep_reader *r, unsigned want,
    struct epair_mbuf **ms, unsigned *n, int *error)
{
	struct ep_tap_op ops[EP_READER_MAX];
	unsigned came = 0;

	want = ep_reader_room(r, want);
	if (want == 0)
		return read_and_drop(q, error);
	for (unsigned i = 0; i < want; i++)
		ops[i] = (struct ep_tap_op){ .iov = r->iov[i],
			.count = EP_READER_PIECES };
	do_ops(q, EP_TAP_READ, ops, want);
	/* One may have come just behind a read that found none. */
	for (unsigned i = 0; i < want; i++) {
		int res = ops[i].res;

		if (res < 0) {
			*error = res;
			continue;
		}
		came++;
		if (ep_reader_take(r, i, (uint32_t)res, 0, &ms[*n]))
			++*n;
	}
	ep_reader_settle(r);
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
		ep_device_missing(&q->tap->device);
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
	struct epair_if *ifp = q->tap->st.ifp;
	struct ep_reader r;
	struct epair_mbuf *ms[READ_MAX];
	unsigned n = 0, came = 0, batch = q->batch;
	int error = 0;

	if (ep_attach_is_held(&q->tap->st, watch, events))
		return;
	ep_reader_init(&r, ifp, q->tap->hdr_len, &q->headers);
	while (came < READ_MAX && error == 0) {
		came += read_batch(
		    q, &r, smaller(batch, READ_MAX - came), ms, &n, &error);
		batch = smaller(2 * batch, BATCH_MAX);
	}
	q->batch = came < BATCH_MIN ? BATCH_MIN : smaller(came, BATCH_MAX);
	ep_reader_fini(&r);
	if (n > 0) {
		ep_count_add(&q->sent, n);
		(void)ep_pair_transmit(ifp, ms, n);
	}
	if (error != 0)
		after_end(q, error, events);
}

/* Writing. */

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
 * Write what can be written at once. Returns how many; 0: the first is in too
 * many pieces.
 */
static unsigned
write_batch(struct ep_tap_queue *q, struct epair_mbuf **ms, unsigned n)
{
	struct ep_tap *tap = q->tap;
	struct ep_tap_op ops[EP_WRITER_MAX];
	unsigned count = 0, kept = 0;
	bool is_gone = false;
	struct ep_writer w;

	ep_writer_init(&w);
	for (; count < n; count++) {
		struct ep_tap_op *op = &ops[count];
		struct iovec *iov;

		iov = ep_writer_put(&w, tap->hdr_len, ms[count], &op->count);
		if (iov == NULL)
			break;
		op->iov = iov;
	}
	do_ops(q, EP_TAP_WRITE, ops, count);
	for (unsigned i = 0; i < count; i++) {
		int res = ops[i].res;

		if (res >= 0) {
			ms[kept++] = ms[i];
			continue;
		}
		is_gone |= res == -EBADFD;
		(void)ep_drop(tap->st.ifp, &ms[i], 1, reason_of(res), 0);
	}
	ep_mbuf_free(ms, kept);
	if (is_gone)
		ep_device_missing(&tap->device);
	return count;
}

void
ep_tap_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue)
{
	struct ep_tap *tap = (struct ep_tap *)(void *)st;
	struct ep_tap_queue *q = &tap->queues[queue % tap->lane_count];

	/* The kernel would let them in: carrier is only a word to it. */
	if (!ep_load_relaxed(&tap->device.carrier)) {
		(void)ep_drop(st->ifp, ms, n, reason_of(-EIO), 0);
		return;
	}
	while (n > 0) {
		unsigned done = write_batch(q, ms, n);
		int error;

		if (done == 0) {
			error = ep_writer_flatten(st->ifp->ep->pool, &ms[0]);
			if (error != 0)
				(void)ep_drop(
				    st->ifp, ms, 1, reason_of(error), 0);
			done = error != 0;
		}
		ms += done;
		n -= done;
	}
}
