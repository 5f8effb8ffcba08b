/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>

#include "attach/listener.h"

int
ep_accept_ring_create(int fd, struct ep_accept_ring **ringp)
{
	(void)fd;
	(void)ringp;
	return -EOPNOTSUPP;
}

/* There is none that these could be called for. */

void
ep_accept_ring_destroy(struct ep_accept_ring *ring)
{
	(void)ring;
}

int
ep_accept_ring_fd(const struct ep_accept_ring *ring)
{
	(void)ring;
	return -1;
}

int
ep_accept_ring_await(struct ep_accept_ring *ring)
{
	(void)ring;
	return -EOPNOTSUPP;
}

int
ep_accept_ring_take(struct ep_accept_ring *ring)
{
	(void)ring;
	return -EOPNOTSUPP;
}
