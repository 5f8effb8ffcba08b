/* SPDX-License-Identifier: BSD-2-Clause */
#include "opener/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the kernel may hold of frames that are not yet read, or not yet sent. */
#define BUFFER (8 << 20)

/* Beyond the system's limit with rights, else up to it. */
static void
set_buffer(int fd, int force, int name)
{
	const int size = BUFFER;

	if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, name, &size, sizeof(size));
}

int
packet_open(int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		/* No protocol: nothing comes in until it is bound. */
		int fd = socket(
		    AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (fd < 0)
			return -errno;
		set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
		set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
		fds[i] = fd;
	}
	return 0;
}

static bool
is_packet(int fd)
{
	int domain = 0, type = 0;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	       domain == AF_PACKET && type == SOCK_RAW;
}

static int
netns_of(int fd, struct epair_err *err)
{
	int netns;

	if (!is_packet(fd))
		return ep_fail(
		    err, -EINVAL, "the descriptor 'queue' is no packet socket");
	netns = ioctl(fd, SIOCGSKNS);
	if (netns < 0)
		return ep_fail_sys(err, -errno,
		    "no rights in the namespace of the packet socket");
	(void)fcntl(netns, F_SETFD, FD_CLOEXEC);
	return netns;
}

int
packet_netns(const int *fds, unsigned count, struct epair_err *err)
{
	int netns = netns_of(fds[0], err), other;

	for (unsigned i = 1; i < count && netns >= 0; i++) {
		other = netns_of(fds[i], err);
		if (other < 0)
			return other;
		if (!netns_is_same(netns, other))
			return ep_fail(err, -EINVAL,
			    "the packet sockets are of several namespaces");
		(void)close(other);
	}
	return netns;
}
