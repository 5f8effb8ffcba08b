/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/local.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int
make_socket(void)
{
	const struct timeval patience = { .tv_sec = CTL_LOCAL_TIMEOUT_MS / 1000,
		.tv_usec = CTL_LOCAL_TIMEOUT_MS % 1000 * 1000L };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return -errno;
	(void)setsockopt(
	    sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(
	    sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return sock;
}

static void
address(int folder, const char *name, struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	(void)snprintf(sun->sun_path, sizeof(sun->sun_path),
	    "/proc/self/fd/%d/%s", folder, name);
}

/* The socket, or close it and return the error that there was. */
static int
socket_if(bool is_good, int sock)
{
	int error = -errno;

	if (is_good)
		return sock;
	(void)close(sock);
	return error;
}

int
ctl_local_connect(int folder, const char *name)
{
	struct sockaddr_un sun;
	int sock = make_socket();

	if (sock < 0)
		return sock;
	address(folder, name, &sun);
	return socket_if(
	    connect(sock, (struct sockaddr *)&sun, sizeof(sun)) == 0, sock);
}

int
ctl_local_listen(int folder, const char *name)
{
	struct sockaddr_un sun;
	int sock = make_socket();

	if (sock < 0)
		return sock;
	address(folder, name, &sun);
	(void)unlinkat(folder, name, 0);
	return socket_if(
	    bind(sock, (struct sockaddr *)&sun, sizeof(sun)) == 0 &&
		listen(sock, 4) == 0,
	    sock);
}

int
ctl_local_accept(int listener)
{
	struct ucred who;
	socklen_t len = sizeof(who);
	int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (sock < 0)
		return -errno;
	errno = EPERM;
	return socket_if(
	    getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
		who.uid == geteuid(),
	    sock);
}
