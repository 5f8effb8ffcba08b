/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <epair/epair.h>

#include "ctl/fail.h"
#include "ctl/server.h"

/* sd_listen_fds(3): the first descriptor that is handed over. */
#define LISTEN_FDS_START 3

/* Whether systemd handed a socket over; there is no need of its library. */
static int
handed_over(struct epair_err *err)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	int listening = 0;
	socklen_t len = sizeof(listening);

	if (pid == NULL || fds == NULL || atol(pid) != (long)getpid() ||
	    atoi(fds) < 1)
		return -ENOENT;
	if (getsockopt(LISTEN_FDS_START, SOL_SOCKET, SO_ACCEPTCONN, &listening,
		&len) < 0 ||
	    listening == 0)
		return ctl_fail(err, -ENOTSOCK,
		    "LISTEN_FDS: descriptor 3 is no listening socket");
	(void)fcntl(LISTEN_FDS_START, F_SETFD, FD_CLOEXEC);
	(void)fcntl(LISTEN_FDS_START, F_SETFL,
	    fcntl(LISTEN_FDS_START, F_GETFL) | O_NONBLOCK);
	return LISTEN_FDS_START;
}

/* The folder of a socket; its own folder must be there. */
static int
make_folder(const char *path, struct epair_err *err)
{
	char folder[256];
	char *slash;

	(void)snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash == NULL || slash == folder)
		return 0;
	*slash = '\0';
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return ctl_fail(err, -errno, "%s: %s", folder, strerror(errno));
	return 0;
}

int
socket_open(const char *path, int *is_ours, struct epair_err *err)
{
	int sock = handed_over(err), error;

	*is_ours = 0;
	if (sock != -ENOENT)
		return sock;
	error = make_folder(path, err);
	if (error != 0)
		return error;
	*is_ours = 1;
	/* Everybody may connect: who may do what is asked of the kernel. */
	return ctl_listen(path, 0666, err);
}
