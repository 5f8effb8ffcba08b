/* SPDX-License-Identifier: BSD-2-Clause */
#include "opener/opener.h"

#include <errno.h>
#include <linux/if_packet.h>
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
