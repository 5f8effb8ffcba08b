/* SPDX-License-Identifier: BSD-2-Clause */
#include "opener/opener.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Its listening socket; src/keeper looks for it there. */
#define KEEPER_FD 3

static const char *
find_program(void)
{
	static const char *const places[] = { EP_KEEPER_BUILD_PATH,
		EP_KEEPER_PATH };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (*places[i] != '\0' && access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

/* None of ours but the socket, and no right: it needs none. */
static int
become(const char *program, int sock, int failed)
{
	static char name[] = "epair-keeper";
	char *argv[] = { name, NULL };
	int null = open("/dev/null", O_RDWR);

	(void)setsid();
	for (int signum = 1; signum < NSIG; signum++)
		(void)signal(signum, SIG_DFL);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	capng_clear(CAPNG_SELECT_CAPS);
	if (null < 0 || capng_apply(CAPNG_SELECT_CAPS) != 0)
		return -EPERM;
	for (int fd = 0; fd < 3; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	/* Above it, and out of its way. */
	failed = fcntl(failed, F_DUPFD_CLOEXEC, KEEPER_FD + 1);
	sock = fcntl(sock, F_DUPFD_CLOEXEC, KEEPER_FD + 1);
	if (failed < 0 || sock < 0 || dup2(sock, KEEPER_FD) < 0)
		return -errno;
	(void)close_range(KEEPER_FD + 1, ~0u, CLOSE_RANGE_CLOEXEC);
	(void)execve(program, argv, environ);
	return -errno;
}

int
keeper_start(int sock, struct epair_err *err)
{
	const char *program = find_program();
	int failed[2], error = 0;
	pid_t pid;

	if (program == NULL)
		return ep_fail(err, -ENOENT,
		    "there is no epair-keeper (looked for %s)", EP_KEEPER_PATH);
	if (pipe2(failed, O_CLOEXEC) != 0)
		return ep_fail_sys(err, -errno, "cannot start the keeper");
	pid = fork();
	if (pid == 0) {
		error = become(program, sock, failed[1]);
		(void)!write(failed[1], &error, sizeof(error));
		_exit(1);
	}
	if (pid < 0)
		error = -errno;
	(void)close(failed[1]);
	/* Nothing comes from one that has become the program. */
	if (pid > 0 &&
	    read(failed[0], &error, sizeof(error)) != (ssize_t)sizeof(error))
		error = 0;
	(void)close(failed[0]);
	if (error != 0)
		return ep_fail_sys(err, error, "cannot start %.150s", program);
	return 0;
}
