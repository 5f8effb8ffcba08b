/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSG_DONTWAIT is said with every call, for O_NONBLOCK belongs to all who share
 * a socket.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "attach/memif/memif.h"
#include "base/stray.h"

/* Descriptors that are taken in, to be closed, if more come than may. */
#define FDS_MAX 8u

/* Room for descriptors, aligned as the system wants it. */
union control {
	struct cmsghdr align;
	char octets[CMSG_SPACE(sizeof(int) * FDS_MAX)];
};

int
ep_memif_send(int sock, const struct ep_memif_msg *msg, int fd)
{
	uint8_t octets[EP_MEMIF_MSG_LEN];

	ep_memif_msg_encode(msg, octets);
	return ep_socket_send(sock, octets, sizeof(octets), fd);
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
		ep_stray_close(fds[--count]);
	return error;
}
