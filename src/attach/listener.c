/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/listener.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

void
ep_listener_init(struct ep_listener *l)
{
	*l = (struct ep_listener){ .fd = -1 };
}

void
ep_listener_own(struct ep_listener *l, int fd)
{
	*l = (struct ep_listener){ .fd = fd };
}

int
ep_listener_share(struct ep_listener *l, int fd, struct epair_err *err)
{
	int error;

	ep_listener_own(l, fd);
	error = ep_accept_ring_create(fd, &l->ring);
	if (error == 0)
		return 0;
	ep_listener_close(l);
	if (error == -ENOMEM)
		return ep_fail(err, error, "no memory for a listening socket");
	return ep_fail(err, -EOPNOTSUPP,
	    "a listening socket that others may hold takes an io_uring, and "
	    "there is none to be had: %s",
	    epair_err_name(error));
}

int
ep_listener_fd(const struct ep_listener *l)
{
	return l->ring != NULL ? ep_accept_ring_fd(l->ring) : l->fd;
}

int
ep_listener_await(struct ep_listener *l)
{
	return l->ring != NULL ? ep_accept_ring_await(l->ring) : 0;
}

int
ep_listener_accept(struct ep_listener *l)
{
	int fd;

	if (l->ring != NULL)
		return ep_accept_ring_take(l->ring);
	fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		return fd;
	return errno == EINTR || errno == ECONNABORTED ? -EAGAIN : -errno;
}

void
ep_listener_close(struct ep_listener *l)
{
	if (l->ring != NULL)
		ep_accept_ring_destroy(l->ring);
	if (l->fd >= 0)
		(void)close(l->fd);
	ep_listener_init(l);
}
