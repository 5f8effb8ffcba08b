/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach/listener.h"

struct ep_accept_ring {
	struct io_uring ring;
	int fd; /* the listening socket */
	bool
	    is_waiting; /* an accept is with the kernel, or done and not taken */
};

/* A ring is a way around a filter of system calls: this one can accept only. */
static int
confine(struct io_uring *ring)
{
	struct io_uring_restriction only[] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP,
		    .sqe_op = IORING_OP_ACCEPT },
	};
	int error;

	/* liburing 2.3 declares functions for these, and does not export them. */
	error = io_uring_register(
	    (unsigned)ring->ring_fd, IORING_REGISTER_RESTRICTIONS, only, 1);
	if (error == 0)
		error = io_uring_register((unsigned)ring->ring_fd,
		    IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	return error;
}

int
ep_accept_ring_create(int fd, struct ep_accept_ring **ringp)
{
	struct ep_accept_ring *r = calloc(1, sizeof(*r));
	int error;

	if (r == NULL)
		return -ENOMEM;
	r->fd = fd;
	error = io_uring_queue_init(1, &r->ring, IORING_SETUP_R_DISABLED);
	if (error != 0) {
		free(r);
		return error;
	}
	error = confine(&r->ring);
	if (error != 0) {
		ep_accept_ring_destroy(r);
		return error;
	}
	*ringp = r;
	return 0;
}

int
ep_accept_ring_fd(const struct ep_accept_ring *r)
{
	return r->ring.ring_fd;
}

int
ep_accept_ring_await(struct ep_accept_ring *r)
{
	struct io_uring_sqe *sqe;
	int n;

	if (r->is_waiting)
		return 0;
	sqe = io_uring_get_sqe(&r->ring);
	io_uring_prep_accept(
	    sqe, r->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	do {
		n = io_uring_submit(&r->ring);
	} while (n == -EINTR);
	r->is_waiting = n == 1;
	return n == 1 ? 0 : n < 0 ? n : -EIO;
}

int
ep_accept_ring_take(struct ep_accept_ring *r)
{
	struct io_uring_cqe *cqe;
	int error, fd;

	if (!r->is_waiting || io_uring_peek_cqe(&r->ring, &cqe) != 0)
		return -EAGAIN;
	fd = cqe->res;
	io_uring_cqe_seen(&r->ring, cqe);
	r->is_waiting = false;
	error = ep_accept_ring_await(r);
	/* What failed for now is tried again; what cannot go on says so. */
	if (fd == -EINTR || fd == -ECONNABORTED || fd == -EAGAIN)
		return error != 0 ? error : -EAGAIN;
	return fd;
}

void
ep_accept_ring_destroy(struct ep_accept_ring *r)
{
	struct io_uring_cqe *cqe;

	/* One that was accepted, and that nobody has asked for. */
	if (r->is_waiting && io_uring_peek_cqe(&r->ring, &cqe) == 0 &&
	    cqe->res >= 0)
		(void)close(cqe->res);
	io_uring_queue_exit(&r->ring);
	free(r);
}
