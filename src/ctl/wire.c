/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/wire.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/stray.h"
#include "ctl/codec.h"

union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(CTL_FDS_MAX * sizeof(int))];
};

ssize_t
ctl_wire_send(
    int sock, const char *data, size_t len, const int *fds, unsigned fd_count)
{
	struct iovec iov = { (char *)(uintptr_t)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control = { 0 };
	ssize_t n;

	if (fd_count > 0) {
		struct cmsghdr *c;

		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
	}
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Those of one control message; what there is no room for is closed. */
static bool
take(struct cmsghdr *c, int *fds, unsigned max, unsigned *fd_count)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	bool fits = true;

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
		if (*fd_count < max) {
			fds[(*fd_count)++] = fd;
		} else {
			ep_stray_close(fd);
			fits = false;
		}
	}
	return fits;
}

ssize_t
/* NOLINTNEXTLINE(readability-non-const-parameter): recvmsg() writes there */
ctl_wire_recv(int sock, char *data, size_t len, int *fds, unsigned max,
    unsigned *fd_count)
{
	struct iovec iov = { data, len };
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	bool fits;
	ssize_t n;

	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	fits = (msg.msg_flags & MSG_CTRUNC) == 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL;
	     c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			fits = take(c, fds, max, fd_count) && fits;
	return fits ? n : -EMSGSIZE;
}

void
ctl_wire_close(int *fds, unsigned *fd_count)
{
	while (*fd_count > 0)
		ep_stray_close(fds[--*fd_count]);
}
