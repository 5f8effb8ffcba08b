/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Order (R1) without links. Requests are begun in the order in which they were
 * put, and with RWF_NOWAIT each is carried out as it is begun, or fails: the
 * kernel may not put it off. Linked, each would begin only when the one before
 * has been put away, which costs more than a system call for each.
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>

#include "attach/tap/ring.h"

struct ep_tap_ring {
	struct io_uring ring;
};

/* The one file that it has; see confine(). */
#define THE_TAP 0

/*
 * A ring is a way around a filter of system calls. This one can read and write
 * the one file that it is given now, and forget it, and nothing else (R3).
 */
static int
confine(struct io_uring *ring, int fd)
{
	struct io_uring_restriction only[] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP,
		    .sqe_op = IORING_OP_READV },
		{ .opcode = IORING_RESTRICTION_SQE_OP,
		    .sqe_op = IORING_OP_WRITEV },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED,
		    .sqe_flags = IOSQE_FIXED_FILE },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP,
		    .register_op = IORING_UNREGISTER_FILES },
	};
	int error;

	error = io_uring_register_files(ring, &fd, 1);
	/* liburing 2.3 declares functions for these, and does not export them. */
	if (error == 0)
		error = io_uring_register((unsigned)ring->ring_fd,
		    IORING_REGISTER_RESTRICTIONS, only,
		    sizeof(only) / sizeof(only[0]));
	if (error == 0)
		error = io_uring_register((unsigned)ring->ring_fd,
		    IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	return error;
}

int
ep_tap_ring_create(int fd, struct ep_tap_ring **ringp)
{
	struct ep_tap_ring *r = calloc(1, sizeof(*r));
	int error;

	if (r == NULL)
		return -ENOMEM;
	error = io_uring_queue_init(EP_TAP_OPS_MAX, &r->ring,
	    IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL |
		IORING_SETUP_COOP_TASKRUN);
	if (error != 0) {
		free(r);
		return error;
	}
	error = confine(&r->ring, fd);
	if (error != 0) {
		ep_tap_ring_destroy(r);
		return error;
	}
	*ringp = r;
	return 0;
}

void
ep_tap_ring_destroy(struct ep_tap_ring *r)
{
	if (r == NULL)
		return;
	/* The kernel ends a ring when it comes to it; the device goes now. */
	(void)io_uring_unregister_files(&r->ring);
	io_uring_queue_exit(&r->ring);
	free(r);
}

static void
put(struct io_uring *ring, enum ep_tap_way way, const struct ep_tap_op *op,
    unsigned i)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_rw(
	    way == EP_TAP_READ ? IORING_OP_READV : IORING_OP_WRITEV, sqe,
	    THE_TAP, op->iov, op->count, 0);
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->rw_flags = RWF_NOWAIT;
	sqe->user_data = i;
}

/* Take what has been done: in order, and from the first on (R1). */
static unsigned
take(struct io_uring *ring, struct ep_tap_op *ops)
{
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;

	io_uring_for_each_cqe(ring, head, cqe)
	{
		ops[cqe->user_data].res = cqe->res;
		n++;
	}
	io_uring_cq_advance(ring, n);
	return n;
}

int
ep_tap_ring_do(struct ep_tap_ring *r, enum ep_tap_way way,
    struct ep_tap_op *ops, unsigned n, unsigned *done)
{
	struct io_uring_cqe *cqe;
	int begun;

	for (unsigned i = 0; i < n; i++)
		put(&r->ring, way, &ops[i], i);
	begun = io_uring_submit(&r->ring);
	*done = take(&r->ring, ops);
	/* There are none such; but if there were, R2 has to hold. */
	while (begun > 0 && *done < (unsigned)begun) {
		(void)io_uring_wait_cqe(&r->ring, &cqe);
		*done += take(&r->ring, ops);
	}
	if (begun < 0)
		return begun;
	return *done == n ? 0 : -EIO;
}
