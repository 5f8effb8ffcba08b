/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSG_DONTWAIT is said with every call, for O_NONBLOCK belongs to all who share
 * a socket.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "attach/vhost/vhost.h"
#include "base/stray.h"

/* Room for descriptors, aligned as the system wants it. */
union control {
	struct cmsghdr align;
	char octets[CMSG_SPACE(sizeof(int) * EP_VHOST_FDS_MAX)];
};

/* Put those that came with a piece behind those that there are. */
static int
gather_fds(struct msghdr *hdr, struct ep_vhost_in *in)
{
	int error = (hdr->msg_flags & MSG_CTRUNC) != 0 ? -EPROTO : 0, fd;
	size_t count;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(hdr); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(hdr, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int),
			    sizeof(int));
			if (in->fd_count < EP_VHOST_FDS_MAX) {
				in->fds[in->fd_count++] = fd;
				continue;
			}
			ep_stray_close(fd);
			error = -EPROTO;
		}
	}
	return error;
}

int
ep_vhost_recv(int sock, struct ep_vhost_in *in, const char **why)
{
	union control control;
	int missing;
	ssize_t n;

	while ((missing = ep_vhost_in_missing(in, why)) > 0) {
		struct iovec iov = { in->octets + in->have, (size_t)missing };
		struct msghdr hdr = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control.octets,
			.msg_controllen = sizeof(control.octets),
		};

		n = recvmsg(sock, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n < 0)
			return errno == EINTR ? -EAGAIN : -errno;
		*why = "Too many descriptors";
		if (gather_fds(&hdr, in) != 0)
			return -EPROTO;
		if (n == 0)
			return -EPIPE;
		in->have += (uint32_t)n;
	}
	return missing;
}

void
ep_vhost_in_reset(struct ep_vhost_in *in)
{
	for (unsigned i = 0; i < in->fd_count; i++)
		ep_stray_close(in->fds[i]);
	in->have = 0;
	in->fd_count = 0;
}
