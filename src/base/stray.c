/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/stray.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic.h"

#define THREADS_MAX 64u
/* It calls close(), and no more. */
#define STACK_BYTES (64u << 10)

static unsigned threads; /* atomic */

/* What the kernel knows by itself. */
static bool
look(int fd, struct statx *st)
{
	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE,
		   st) == 0;
}

bool
ep_stray_has_no_type(int fd)
{
	struct statx st;

	return look(fd, &st) && (st.stx_mode & S_IFMT) == 0;
}

/* TCP lingers, and so may what we do not know. */
static bool
may_linger(int fd)
{
	int domain = -1;
	socklen_t len = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 ||
	       (domain != AF_UNIX && domain != AF_PACKET);
}

static bool
may_wait(int fd)
{
	struct statx st;

	if (!look(fd, &st))
		return true;
	switch (st.stx_mode & S_IFMT) {
	case S_IFSOCK:
		return may_linger(fd);
	case S_IFREG:
	case S_IFDIR:
		/* Of a disk, or memory; FUSE is of no device. */
		return st.stx_dev_major == 0 && fcntl(fd, F_GET_SEALS) < 0;
	default:
		return false;
	}
}

static void *
close_it(void *arg)
{
	(void)close((int)(intptr_t)arg);
	(void)ep_sub_relaxed(&threads, 1);
	return NULL;
}

static void
close_apart(int fd)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int error;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &before);
	error = pthread_create(
	    &thread, &attr, close_it, (void *)(intptr_t)fd); /* NOLINT */
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	if (error != 0)
		(void)ep_sub_relaxed(&threads, 1);
}

void
ep_stray_close(int fd)
{
	if (!may_wait(fd))
		(void)close(fd);
	else if (ep_add_relaxed(&threads, 1) < THREADS_MAX)
		close_apart(fd);
	else
		(void)ep_sub_relaxed(&threads, 1);
}
