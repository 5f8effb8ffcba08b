/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSG_DONTWAIT is said with every call, for O_NONBLOCK belongs to all who share
 * a socket.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/memif/memif.h"

/* Who waits while another is served. */
#define BACKLOG 16

/* Descriptors that are taken in, to be closed, if more come than may. */
#define FDS_MAX 8u

#define SOCKTYPE (SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK)

/* The path. */

int
ep_memif_addr_init(
    struct ep_memif_addr *addr, const char *path, struct epair_err *err)
{
	size_t len = strlen(path);

	memset(addr, 0, sizeof(*addr));
	if (len == 0 || strcmp(path, "@") == 0)
		return ep_fail(err, -EINVAL, "path= takes a path, or @name");
	if (len >= sizeof(addr->un.sun_path))
		return ep_fail(err, -ENAMETOOLONG,
		    "path= is %zu octets long; a socket's path can be %zu", len,
		    sizeof(addr->un.sun_path) - 1);
	addr->un.sun_family = AF_UNIX;
	memcpy(addr->un.sun_path, path, len);
	memcpy(addr->text, path, len);
	addr->len = sizeof(addr->un);
	if (path[0] == '@') {
		/* Abstract: a NUL, and no octet behind the name. */
		addr->un.sun_path[0] = '\0';
		addr->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
					len);
	}
	return 0;
}

int
ep_memif_connect(const struct ep_memif_addr *addr)
{
	int fd = socket(AF_UNIX, SOCKTYPE, 0), error;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&addr->un, addr->len) == 0)
		return fd;
	error = -errno;
	(void)close(fd);
	return error;
}

/* Make room for a path of ours: only a socket that nobody has goes. */
static int
clear_path(const struct ep_memif_addr *addr, struct epair_err *err)
{
	const char *path = addr->un.sun_path;
	struct stat st;
	int fd;

	if (path[0] == '\0' || lstat(path, &st) != 0)
		return 0; /* what bind() has to say is better */
	if (!S_ISSOCK(st.st_mode))
		return ep_fail(err, -EEXIST,
		    "%s is there and is no socket; it is left alone", path);
	fd = ep_memif_connect(addr);
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
ep_memif_unbind(const struct ep_memif_addr *addr)
{
	struct stat st;

	if (addr->is_bound && lstat(addr->un.sun_path, &st) == 0 &&
	    st.st_dev == addr->dev && st.st_ino == addr->ino)
		(void)unlink(addr->un.sun_path);
}

static int
bind_and_listen(struct ep_memif_addr *addr, int fd, struct epair_err *err)
{
	struct stat st;
	int error;

	if (bind(fd, (const struct sockaddr *)&addr->un, addr->len) != 0)
		return ep_fail_sys(err, -errno, "cannot bind %s", addr->text);
	if (addr->un.sun_path[0] != '\0' &&
	    lstat(addr->un.sun_path, &st) == 0) {
		addr->is_bound = true;
		addr->dev = st.st_dev;
		addr->ino = st.st_ino;
	}
	if (listen(fd, BACKLOG) == 0)
		return 0;
	error = -errno;
	ep_memif_unbind(addr);
	addr->is_bound = false;
	return ep_fail_sys(err, error, "cannot listen at %s", addr->text);
}

int
ep_memif_bind(struct ep_memif_addr *addr, int *fdp, struct epair_err *err)
{
	int error = clear_path(addr, err), fd;

	if (error != 0)
		return error;
	fd = socket(AF_UNIX, SOCKTYPE, 0);
	if (fd < 0)
		return ep_fail_sys(err, -errno, "no socket to be had");
	error = bind_and_listen(addr, fd, err);
	if (error != 0)
		(void)close(fd);
	else
		*fdp = fd;
	return error;
}

/* Messages. */

/* Room for descriptors, aligned as the system wants it. */
union control {
	struct cmsghdr align;
	char octets[CMSG_SPACE(sizeof(int) * FDS_MAX)];
};

int
ep_memif_send(int sock, const struct ep_memif_msg *msg, int fd)
{
	uint8_t octets[EP_MEMIF_MSG_LEN];
	struct iovec iov = { octets, sizeof(octets) };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;
	struct cmsghdr *cmsg;

	ep_memif_msg_encode(msg, octets);
	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		hdr.msg_control = control.octets;
		hdr.msg_controllen = CMSG_SPACE(sizeof(int));
		cmsg = CMSG_FIRSTHDR(&hdr);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	if (sendmsg(sock, &hdr, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

void
ep_memif_send_disconnect(int sock, const char *why)
{
	struct ep_memif_msg msg = { .type = EP_MEMIF_DISCONNECT };

	(void)snprintf(
	    msg.u.disconnect.why, sizeof(msg.u.disconnect.why), "%s", why);
	(void)ep_memif_send(sock, &msg, -1);
}

/* The descriptors that came, in fds[FDS_MAX]. Returns how many. */
static unsigned
gather_fds(struct msghdr *hdr, int *fds)
{
	unsigned n = 0;
	size_t len;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(hdr); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(hdr, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		len = cmsg->cmsg_len - CMSG_LEN(0);
		for (size_t i = 0; i < len / sizeof(int) && n < FDS_MAX; i++)
			memcpy(&fds[n++], CMSG_DATA(cmsg) + i * sizeof(int),
			    sizeof(int));
	}
	return n;
}

static bool
carries_fd(const struct ep_memif_msg *msg)
{
	return msg->type == EP_MEMIF_ADD_REGION ||
	       msg->type == EP_MEMIF_ADD_RING;
}

int
ep_memif_recv(int sock, struct ep_memif_msg *msg, int *fd, const char **why)
{
	uint8_t octets[EP_MEMIF_MSG_LEN + 1];
	struct iovec iov = { octets, sizeof(octets) };
	union control control;
	struct msghdr hdr = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.octets,
		.msg_controllen = sizeof(control.octets),
	};
	int fds[FDS_MAX], error;
	unsigned count;
	ssize_t n;

	*fd = -1;
	n = recvmsg(sock, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	count = gather_fds(&hdr, fds);
	/* An empty packet, and the end, are the same to recvmsg(). */
	if (n == 0 && count == 0)
		return -EPIPE;
	error = ep_memif_msg_decode(octets, (size_t)n, msg, why);
	if (error == 0 && ((hdr.msg_flags & MSG_CTRUNC) != 0 ||
			      count != (carries_fd(msg) ? 1 : 0))) {
		*why = "Wrong number of descriptors";
		error = -EPROTO;
	}
	if (error == 0 && count == 1) {
		*fd = fds[0];
		return 0;
	}
	while (count > 0)
		(void)close(fds[--count]);
	return error;
}
