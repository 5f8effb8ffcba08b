/* SPDX-License-Identifier: BSD-2-Clause */
#include "child.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define RUN_SECONDS 60.0 /* what one program may take */
#define END_SECONDS 3.0

static void
enter(int ns)
{
	if (setns(ns, CLONE_NEWNET) != 0 || unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", "/mnt", "tmpfs", 0, NULL) != 0)
		_exit(1);
}

pid_t
bench_fork(int ns)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it died before */
		_exit(1);
	bench_unpin();
	if (ns >= 0)
		enter(ns);
	return 0;
}

int
bench_new_netns(void)
{
	char path[64], ready;
	int fd = -1, fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	pid = bench_fork(-1);
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) == 0)
			(void)!write(fds[1], "", 1);
		(void)close(fds[1]);
		(void)pause();
		_exit(0);
	}
	(void)close(fds[1]);
	if (pid > 0 && read(fds[0], &ready, 1) == 1) {
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	(void)close(fds[0]);
	if (pid > 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	return fd;
}

pid_t
bench_start(int ns, int input, int keep, const char *const argv[])
{
	pid_t pid = bench_fork(ns);
	int null;

	if (pid != 0)
		return pid;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	(void)dup2(input >= 0 ? input : null, 0);
	(void)dup2(null, 1);
	(void)dup2(null, 2);
	if (keep >= 0)
		(void)fcntl(keep, F_SETFD, 0);
	(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

bool
bench_readable(int fd, double seconds)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, (int)(seconds * 1000)) == 1;
}

bool
bench_wait(pid_t pid, double seconds)
{
	int fd, status = -1;

	if (pid <= 0)
		return false;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (!bench_readable(fd, seconds))
		(void)kill(pid, SIGKILL);
	(void)close(fd);
	(void)waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool
bench_run(int ns, int input, const char *const argv[])
{
	return bench_wait(bench_start(ns, input, -1, argv), RUN_SECONDS);
}

void
bench_end(pid_t pid)
{
	if (pid <= 0)
		return;
	(void)kill(pid, SIGTERM);
	(void)bench_wait(pid, END_SECONDS);
}

bool
bench_have(const char *program)
{
	const char *dirs = getenv("PATH");
	char path[PATH_MAX];

	for (const char *d = dirs != NULL ? dirs : "/usr/bin"; *d != '\0';) {
		size_t len = strcspn(d, ":");

		(void)snprintf(
		    path, sizeof(path), "%.*s/%s", (int)len, d, program);
		if (access(path, X_OK) == 0)
			return true;
		d += len + (d[len] == ':');
	}
	return false;
}

void
bench_path_of(const char *name, char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash != NULL)
		(void)snprintf(
		    slash + 1, size - (size_t)(slash + 1 - path), "%s", name);
}
