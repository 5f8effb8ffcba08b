/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/socket.h - where a peer's socket is, a place of our own, and sending.
 *
 * What is bound to a path is removed with it, if it is still that: a path that
 * somebody else has taken over is left alone.
 */
#ifndef EP_ATTACH_SOCKET_H
#define EP_ATTACH_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "attach/attach.h"
#include "base/error.h"

struct ep_socket_addr {
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
		struct sockaddr_storage any;
	} u;
	/* For people. */
	char text[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
};

/* A path that we bound. */
struct ep_socket_own {
	bool is_bound;
	dev_t dev;
	ino_t ino;
};

/*
 * Take a path; "@name" is an abstract one. key is the option's, for the error.
 * Returns 0; -EINVAL; -ENAMETOOLONG.
 */
int ep_socket_path(struct ep_socket_addr *addr, const char *key,
    const char *path, struct epair_err *err);

/*
 * Bind a socket of that type, and have it listen unless it is a datagram's. A
 * dead socket in the way is removed; nothing else is.
 * Gives *fd and *own. Returns 0; -EADDRINUSE if somebody lives there; -EEXIST
 * for a file that is no socket; what the system said otherwise.
 */
int ep_socket_bind(const struct ep_socket_addr *addr, int socktype, int *fd,
    struct ep_socket_own *own, struct epair_err *err);

/* Remove the path, if it is still the one that was bound. */
void ep_socket_unbind(
    const struct ep_socket_addr *addr, struct ep_socket_own *own);

/*
 * Send octets, with a descriptor unless that is -1. Never waits, and says so
 * with the call: O_NONBLOCK belongs to all who share a socket.
 * Returns 0; -EAGAIN if not all had room; a negated errno.
 */
int ep_socket_send(int sock, const void *octets, size_t len, int fd);

/*
 * A connected socket, or a negated errno. Never waits: a Unix socket's listener
 * whose backlog is full is -EAGAIN. TCP may be at it still, until the socket is
 * writable; then ep_socket_outcome() gives 0, or why it is not connected.
 */
int ep_socket_connect(const struct ep_socket_addr *addr, int socktype);
int ep_socket_outcome(int sock);

/* Why it failed, told once, as a negated errno; 0: it did not. */
int ep_socket_error(int sock);

/* Has the peer ended it, so that nothing comes behind what is there? */
bool ep_socket_has_hung_up(int sock);

/* Is a descriptor that a peer passed a Unix socket? */
bool ep_socket_is_unix(int fd);

/*
 * What a socket is that is handed over, and so the name of its descriptor:
 *
 *	listen	it listens, or has a place where datagrams come in
 *	peer	it is connected to the peer, by the name of that
 */
#define EP_SOCKET_LISTEN "listen"
#define EP_SOCKET_PEER   "peer"

/*
 * Open one for somebody else, and give it under that name. Its path stays: who
 * binds it next removes it.
 * Returns 0, or what ep_socket_bind() or ep_socket_connect() does.
 */
int ep_socket_open(const struct ep_socket_addr *addr, int socktype,
    const char *name, struct ep_fds_out *out, struct epair_err *err);

/*
 * The socket of that name that was handed over, if it is what its name says, of
 * that type, and of AF_UNIX or, with AF_INET, of TCP's families. Others hold it,
 * too: what is done with it must not rely on what they can change.
 * Returns a duplicate, or -EINVAL with a sentence.
 */
int ep_socket_handed(const struct ep_fds *with, const char *name, int family,
    int socktype, struct epair_err *err);

#endif /* EP_ATTACH_SOCKET_H */
