/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/tap/ring.h - many reads or writes of frames by one system call.
 *
 * A ring is an io_uring for one queue of a TAP (uring.c), used by one thread at
 * a time. Where it cannot be had (no_uring.c, an old kernel, a sandbox) frames
 * are read and written by a system call each, as io.c does.
 *
 * Invariants:
 *	R1  what is done at once is done in order
 *	R2  nothing waits, and nothing is left to be done later: when
 *	    ep_tap_ring_do() returns, the kernel has no more business with the
 *	    memory that it was given
 *	R3  a ring can read and write its own file, and nothing else
 */
#ifndef EP_ATTACH_TAP_RING_H
#define EP_ATTACH_TAP_RING_H

#include <sys/uio.h>

#define EP_TAP_OPS_MAX 64u

enum ep_tap_way { EP_TAP_READ, EP_TAP_WRITE };

/* One readv() or writev(); res is what it returned, or a negated errno. */
struct ep_tap_op {
	struct iovec *iov;
	unsigned count;
	int res;
};

struct ep_tap_ring;

/*
 * Make one for a descriptor whose reads and writes RWF_NOWAIT keeps from
 * waiting (R2); it stays the caller's. Returns 0, or why there can be none:
 * -ENOSYS, -EPERM, ...
 */
int ep_tap_ring_create(int fd, struct ep_tap_ring **ringp);

/* NULL is ignored. */
void ep_tap_ring_destroy(struct ep_tap_ring *ring);

/*
 * Do up to EP_TAP_OPS_MAX. One that fails does not keep those behind it from
 * being tried. Returns 0; or, with the first *done done, why the ring can do no
 * more, and never will.
 */
int ep_tap_ring_do(struct ep_tap_ring *ring, enum ep_tap_way way,
    struct ep_tap_op *ops, unsigned n, unsigned *done);

#endif /* EP_ATTACH_TAP_RING_H */
