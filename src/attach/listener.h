/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/listener.h - taking connections from a listening socket, never waiting
 * for one.
 *
 * accept() has no flag that keeps it from waiting: that is O_NONBLOCK of the
 * socket's open file, and belongs to all who share it. One of them could take it
 * away, and with it the connection of which we were told, and our worker would
 * wait for the next. So a socket that others may hold is accepted from by an
 * io_uring, which waits in the kernel and not on our thread.
 *
 *	kind	made by			connections by
 *	none	init
 *	own	ep_listener_own()	accept4()
 *	shared	ep_listener_share()	an io_uring, which can do nothing else;
 *					one may be taken ahead of being asked
 *
 * One thread at a time; of a shared one, await and accept always the same: the
 * kernel finishes there what that has begun.
 */
#ifndef EP_ATTACH_LISTENER_H
#define EP_ATTACH_LISTENER_H

#include "base/error.h"

struct ep_accept_ring;

struct ep_listener {
	int fd; /* -1: none */
	struct ep_accept_ring *ring; /* of a shared one, or NULL */
};

void ep_listener_init(struct ep_listener *l);

/* Takes a socket that is ours alone, and has O_NONBLOCK. */
void ep_listener_own(struct ep_listener *l, int fd);

/*
 * Takes, also on failure, a socket that others may hold. Returns 0; -ENOMEM;
 * -EOPNOTSUPP where there is no io_uring to be had.
 */
int ep_listener_share(struct ep_listener *l, int fd, struct epair_err *err);

/* What is to be watched: readable when there is a connection to be taken. */
int ep_listener_fd(const struct ep_listener *l);

/* Be told of connections from now on. Returns 0 or a negated errno. */
int ep_listener_await(struct ep_listener *l);

/*
 * Take one. Returns its socket, which is ours alone and has O_NONBLOCK; -EAGAIN
 * if there is none, or no longer; other errors of accept(2).
 */
int ep_listener_accept(struct ep_listener *l);

void ep_listener_close(struct ep_listener *l);

/*
 * accept_ring.c, or no_accept_ring.c in a build without io_uring. The socket
 * stays the caller's.
 */
int ep_accept_ring_create(int fd, struct ep_accept_ring **ringp);
void ep_accept_ring_destroy(struct ep_accept_ring *ring);
int ep_accept_ring_fd(const struct ep_accept_ring *ring);
int ep_accept_ring_await(struct ep_accept_ring *ring);
int ep_accept_ring_take(struct ep_accept_ring *ring);

#endif /* EP_ATTACH_LISTENER_H */
