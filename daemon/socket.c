/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
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

static bool
is_listening(int fd)
{
	int listening = 0;
	socklen_t len = sizeof(listening);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) ==
		   0 &&
	       listening != 0;
}

/*
 * The socket that systemd handed over, if it did: what it keeps for us may be
 * among the descriptors, too (ctl/keep_systemd.c). There is no need of its
 * library.
 */
static int
handed_over(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	long count = fds != NULL ? strtol(fds, NULL, 10) : 0;

	if (pid == NULL || strtol(pid, NULL, 10) != (long)getpid())
		return -ENOENT;
	for (int fd = LISTEN_FDS_START; fd < LISTEN_FDS_START + count; fd++)
		if (is_listening(fd)) {
			(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
			(void)fcntl(
			    fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
			return fd;
		}
	return -ENOENT;
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
	int sock = handed_over(), error;

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
