/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/qemu/qemu.h"

/* Who waits while another is connected. */
#define BACKLOG 8

#define HOST_MAX 256

int
ep_qemu_socktype(enum ep_qemu_type type)
{
	switch (type) {
	case EP_QEMU_DGRAM:
		return SOCK_DGRAM;
	case EP_QEMU_SEQPACKET:
		return SOCK_SEQPACKET;
	default:
		return SOCK_STREAM;
	}
}

int
ep_qemu_addr_path(struct ep_qemu_addr *addr, const char *key, const char *path,
    struct epair_err *err)
{
	struct sockaddr_un *un = &addr->u.un;
	size_t len = strlen(path);

	if (len == 0 || strcmp(path, "@") == 0)
		return ep_fail(err, -EINVAL, "%s= takes a path", key);
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

/* Take HOST:PORT or [HOST]:PORT apart. Returns whether it is that. */
static bool
split(const char *text, bool is_passive, char host[HOST_MAX], const char **port)
{
	const char *colon = strrchr(text, ':');
	size_t len;
	long number;

	if (colon == NULL)
		return false;
	*port = colon + 1;
	if ((*port)[strspn(*port, "0123456789")] != '\0' || strlen(*port) > 5)
		return false;
	number = strtol(*port, NULL, 10);
	if (number < 1 || number > UINT16_MAX)
		return false;
	len = (size_t)(colon - text);
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (memchr(text, ':', len) != NULL) {
		return false; /* an IPv6 address, or half of one */
	}
	if (len >= HOST_MAX || (len == 0 && !is_passive))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	return true;
}

static int
no_tcp(const char *text, struct epair_err *err)
{
	return ep_fail(err, -EINVAL,
	    "tcp=%.64s is no HOST:PORT; an IPv6 address stands in brackets",
	    text);
}

int
ep_qemu_check_tcp(const char *text, bool is_passive, struct epair_err *err)
{
	char host[HOST_MAX];
	const char *port;

	return split(text, is_passive, host, &port) ? 0 : no_tcp(text, err);
}

int
ep_qemu_addr_tcp(struct ep_qemu_addr *addrs, unsigned max, const char *text,
    bool is_passive, struct epair_err *err)
{
	struct addrinfo *found, hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | (is_passive ? AI_PASSIVE : 0),
	};
	char host[HOST_MAX];
	const char *port;
	int error, count = 0;

	if (!split(text, is_passive, host, &port))
		return no_tcp(text, err);
	error = getaddrinfo(*host != '\0' ? host : NULL, port, &hints, &found);
	if (error != 0)
		return ep_fail(err, error == EAI_MEMORY ? -ENOMEM : -ENOENT,
		    "tcp=%.64s: %s", text, gai_strerror(error));
	for (const struct addrinfo *ai = found;
	     ai != NULL && (unsigned)count < max; ai = ai->ai_next, count++) {
		struct ep_qemu_addr *addr = &addrs[count];

		memset(addr, 0, sizeof(*addr));
		memcpy(&addr->u, ai->ai_addr, ai->ai_addrlen);
		addr->len = ai->ai_addrlen;
		(void)snprintf(addr->text, sizeof(addr->text), "%s", text);
	}
	freeaddrinfo(found);
	return count;
}

/*
 * Is the socket at this path nobody's any more? Only then does the kernel
 * refuse: one that is busy, or of another type, it says otherwise of.
 */
static bool
is_dead(const struct ep_qemu_addr *addr, int socktype)
{
	int fd = socket(AF_UNIX, socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool is_refused;

	if (fd < 0)
		return false;
	is_refused = connect(fd, &addr->u.sa, addr->len) != 0 &&
		     errno == ECONNREFUSED;
	(void)close(fd);
	return is_refused;
}

/* Make room for a path of ours. */
static int
clear_path(const struct ep_qemu_addr *addr, int socktype, struct epair_err *err)
{
	const char *path = addr->u.un.sun_path;
	struct stat st;

	if (path[0] == '\0' || lstat(path, &st) != 0)
		return 0; /* what bind() has to say is better */
	if (!S_ISSOCK(st.st_mode))
		return ep_fail(err, -EEXIST,
		    "%s is there and is no socket; it is left alone", path);
	if (!is_dead(addr, socktype))
		return ep_fail(
		    err, -EADDRINUSE, "somebody listens at %s already", path);
	if (unlink(path) != 0)
		return ep_fail_sys(err, -errno, "cannot remove %s", path);
	return 0;
}

void
ep_qemu_unbind(const struct ep_qemu_addr *addr, const struct ep_qemu_own *own)
{
	struct stat st;

	if (own->is_bound && lstat(addr->u.un.sun_path, &st) == 0 &&
	    st.st_dev == own->dev && st.st_ino == own->ino)
		(void)unlink(addr->u.un.sun_path);
}

static int
bind_and_listen(const struct ep_qemu_addr *addr, int fd, int socktype,
    struct ep_qemu_own *own, struct epair_err *err)
{
	const char *path = addr->u.un.sun_path;
	struct stat st;
	int on = 1, error;

	if (addr->u.sa.sa_family != AF_UNIX)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &addr->u.sa, addr->len) != 0)
		return ep_fail_sys(err, -errno, "cannot bind %s", addr->text);
	if (addr->u.sa.sa_family == AF_UNIX && *path != '\0' &&
	    lstat(path, &st) == 0)
		*own = (struct ep_qemu_own){ true, st.st_dev, st.st_ino };
	if (socktype == SOCK_DGRAM || listen(fd, BACKLOG) == 0)
		return 0;
	error = -errno;
	ep_qemu_unbind(addr, own);
	own->is_bound = false;
	return ep_fail_sys(err, error, "cannot listen at %s", addr->text);
}

int
ep_qemu_bind(const struct ep_qemu_addr *addr, int socktype, int *fdp,
    struct ep_qemu_own *own, struct epair_err *err)
{
	int error = 0, fd;

	if (addr->u.sa.sa_family == AF_UNIX)
		error = clear_path(addr, socktype, err);
	if (error != 0)
		return error;
	fd = socket(
	    addr->u.sa.sa_family, socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ep_fail_sys(err, -errno, "no socket to be had");
	error = bind_and_listen(addr, fd, socktype, own, err);
	if (error != 0)
		(void)close(fd);
	else
		*fdp = fd;
	return error;
}
