/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Who waits while another is served. */
#define BACKLOG 16

int
ep_socket_path(struct ep_socket_addr *addr, const char *key, const char *path,
    struct epair_err *err)
{
	struct sockaddr_un *un = &addr->u.un;
	size_t len = strlen(path);

	if (len == 0 || strcmp(path, "@") == 0)
		return ep_fail(err, -EINVAL, "%s= takes a path, or @name", key);
	if (len >= sizeof(un->sun_path))
		return ep_fail(err, -ENAMETOOLONG,
		    "%s= is %zu octets long; a socket's path can be %zu", key,
		    len, sizeof(un->sun_path) - 1);
	memset(addr, 0, sizeof(*addr));
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, len);
	addr->len = sizeof(*un);
	if (path[0] == '@') {
		/* Abstract: a NUL, and no octet behind the name. */
		un->sun_path[0] = '\0';
		addr->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
					len);
	}
	(void)snprintf(addr->text, sizeof(addr->text), "%s", path);
	return 0;
}

static int
make(const struct ep_socket_addr *addr, int socktype)
{
	return socket(
	    addr->u.sa.sa_family, socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int
ep_socket_connect(const struct ep_socket_addr *addr, int socktype)
{
	int fd = make(addr, socktype), error;

	if (fd < 0)
		return -errno;
	if (connect(fd, &addr->u.sa, addr->len) == 0 || errno == EINPROGRESS)
		return fd;
	error = -errno;
	(void)close(fd);
	return error;
}

/*
 * A port that nobody listens on may, once in some ten thousand times, be the
 * one that the kernel chose for our own end: TCP then connects us to ourselves.
 */
static bool
is_ourselves(int sock)
{
	struct sockaddr_storage own, other;
	socklen_t own_len = sizeof(own), other_len = sizeof(other);

	memset(&own, 0, sizeof(own));
	memset(&other, 0, sizeof(other));
	return getsockname(sock, (struct sockaddr *)&own, &own_len) == 0 &&
	       getpeername(sock, (struct sockaddr *)&other, &other_len) == 0 &&
	       own_len == other_len && memcmp(&own, &other, own_len) == 0;
}

int
ep_socket_error(int sock)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(sock, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return -errno;
	return -error;
}

int
ep_socket_outcome(int sock)
{
	int error = ep_socket_error(sock);

	return error == 0 && is_ourselves(sock) ? -ECONNREFUSED : error;
}

bool
ep_socket_has_hung_up(int sock)
{
	struct pollfd pfd = { .fd = sock, .events = POLLRDHUP };

	return poll(&pfd, 1, 0) == 1 &&
	       (pfd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/*
 * Make room for a path of ours: only a socket that is nobody's any more goes.
 * Only of such a one does the kernel say that it refuses; one that is busy, or
 * of another type, it says otherwise of.
 */
static int
clear_path(
    const struct ep_socket_addr *addr, int socktype, struct epair_err *err)
{
	const char *path = addr->u.un.sun_path;
	struct stat st;
	int fd;

	if (path[0] == '\0' || lstat(path, &st) != 0)
		return 0; /* what bind() has to say is better */
	if (!S_ISSOCK(st.st_mode))
		return ep_fail(err, -EEXIST,
		    "%s is there and is no socket; it is left alone", path);
	fd = ep_socket_connect(addr, socktype);
	if (fd >= 0)
		(void)close(fd);
	if (fd != -ECONNREFUSED)
		return ep_fail(
		    err, -EADDRINUSE, "somebody listens at %s already", path);
	if (unlink(path) != 0)
		return ep_fail_sys(err, -errno, "cannot remove %s", path);
	return 0;
}

void
ep_socket_unbind(const struct ep_socket_addr *addr, struct ep_socket_own *own)
{
	struct stat st;

	if (own->is_bound && lstat(addr->u.un.sun_path, &st) == 0 &&
	    st.st_dev == own->dev && st.st_ino == own->ino)
		(void)unlink(addr->u.un.sun_path);
	own->is_bound = false;
}

static int
bind_and_listen(const struct ep_socket_addr *addr, int fd, int socktype,
    struct ep_socket_own *own, struct epair_err *err)
{
	bool is_unix = addr->u.sa.sa_family == AF_UNIX;
	const char *path = addr->u.un.sun_path;
	struct stat st;
	int on = 1, error;

	if (!is_unix)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &addr->u.sa, addr->len) != 0)
		return ep_fail_sys(err, -errno, "cannot bind %s", addr->text);
	if (is_unix && *path != '\0' && lstat(path, &st) == 0)
		*own = (struct ep_socket_own){ true, st.st_dev, st.st_ino };
	if (socktype == SOCK_DGRAM || listen(fd, BACKLOG) == 0)
		return 0;
	error = -errno;
	ep_socket_unbind(addr, own);
	return ep_fail_sys(err, error, "cannot listen at %s", addr->text);
}

int
ep_socket_bind(const struct ep_socket_addr *addr, int socktype, int *fdp,
    struct ep_socket_own *own, struct epair_err *err)
{
	int error = 0, fd;

	if (addr->u.sa.sa_family == AF_UNIX)
		error = clear_path(addr, socktype, err);
	if (error != 0)
		return error;
	fd = make(addr, socktype);
	if (fd < 0)
		return ep_fail_sys(err, -errno, "no socket to be had");
	error = bind_and_listen(addr, fd, socktype, own, err);
	if (error != 0)
		(void)close(fd);
	else
		*fdp = fd;
	return error;
}

int
ep_socket_send(int sock, const void *octets, size_t len, int fd)
{
	union {
		struct cmsghdr align; /* as the system wants it */
		char octets[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { (void *)(uintptr_t)octets, len };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	ssize_t n;

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		hdr.msg_control = control.octets;
		hdr.msg_controllen = sizeof(control.octets);
		cmsg = CMSG_FIRSTHDR(&hdr);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	n = sendmsg(sock, &hdr, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EAGAIN;
}

/* Whoever opens for somebody else may wait. */
static int
connect_waiting(const struct ep_socket_addr *addr, int socktype)
{
	int fd = socket(addr->u.sa.sa_family, socktype | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, &addr->u.sa, addr->len) != 0 ||
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0)
		error = -errno;
	if (error == 0)
		return fd;
	(void)close(fd);
	return error;
}

int
ep_socket_open(const struct ep_socket_addr *addr, int socktype,
    const char *name, struct ep_fds_out *out, struct epair_err *err)
{
	struct ep_socket_own own = { false, 0, 0 };
	int error = 0, fd = -1;

	if (strcmp(name, EP_SOCKET_LISTEN) == 0)
		error = ep_socket_bind(addr, socktype, &fd, &own, err);
	else if ((fd = connect_waiting(addr, socktype)) < 0)
		error = ep_fail_sys(
		    err, fd, "cannot connect to %s", addr->text);
	if (error != 0)
		return error;
	ep_fds_give(out, name, fd);
	(void)close(fd);
	return 0;
}

static int
option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

bool
ep_socket_is_unix(int fd)
{
	return option(fd, SO_DOMAIN) == AF_UNIX;
}

/* Both ends of a socket pair, and a socket that was not bound, have no name. */
static bool
has_name(int fd, int (*ask)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	return ask(fd, (struct sockaddr *)&addr, &len) == 0 &&
	       len > sizeof(sa_family_t);
}

static bool
is_family(int fd, int family)
{
	int is = option(fd, SO_DOMAIN);

	return is == family || (family == AF_INET && is == AF_INET6);
}

int
ep_socket_handed(const struct ep_fds *with, const char *name, int family,
    int socktype, struct epair_err *err)
{
	bool listens = strcmp(name, EP_SOCKET_LISTEN) == 0;
	int copy, fd = ep_fds_find(with, name, 0);
	bool is_good;

	if (fd < 0)
		return ep_fail(
		    err, -EINVAL, "a descriptor '%s' is missing", name);
	if (!is_family(fd, family) || option(fd, SO_TYPE) != socktype)
		return ep_fail(err, -EINVAL,
		    "the descriptor '%s' is no %s socket of type %s", name,
		    family == AF_UNIX ? "Unix" : "TCP",
		    socktype == SOCK_STREAM  ? "stream"
		    : socktype == SOCK_DGRAM ? "dgram"
					     : "seqpacket");
	if (!listens)
		is_good = has_name(fd, getpeername);
	else if (socktype == SOCK_DGRAM)
		is_good = has_name(fd, getsockname);
	else
		is_good = option(fd, SO_ACCEPTCONN) == 1;
	if (!is_good)
		return ep_fail(err, -EINVAL, "the descriptor '%s' %s", name,
		    !listens ? "is connected to nobody that has a name"
		    : socktype == SOCK_DGRAM ? "has no name of its own"
					     : "does not listen");
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return copy >= 0 ? copy : ep_fail_sys(err, -errno, "'%s'", name);
}
