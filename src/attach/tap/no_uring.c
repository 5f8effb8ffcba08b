/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of uring.c, where the library was built without liburing. */
#include <errno.h>

#include "attach/tap/ring.h"

int
ep_tap_ring_create(int fd, struct ep_tap_ring **ringp)
{
	(void)fd;
	(void)ringp;
	return -ENOSYS;
}

void
ep_tap_ring_destroy(struct ep_tap_ring *ring)
{
	(void)ring;
}

int
ep_tap_ring_do(struct ep_tap_ring *ring, enum ep_tap_way way,
    struct ep_tap_op *ops, unsigned n, unsigned *done)
{
	(void)ring;
	(void)way;
	(void)ops;
	(void)n;
	*done = 0;
	return -ENOSYS;
}
