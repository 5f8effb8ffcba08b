/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the agent says when its namespace is there, or why it is not. */
struct hello {
	int error;
	bool has_userns;
};

static int
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		error = -errno;
	(void)close(fd);
	return error;
}

/* Be root in the user namespace just made, as the one who made it. */
static int
map_ids(uid_t uid, gid_t gid)
{
	char map[64];
	int error;

	(void)write_file("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "0 %u 1", uid);
	error = write_file("/proc/self/uid_map", map);
	if (error != 0)
		return error;
	(void)snprintf(map, sizeof(map), "0 %u 1", gid);
	return write_file("/proc/self/gid_map", map);
}

static int
enter(struct hello *hello)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return -errno;
	hello->has_userns = true;
	return map_ids(uid, gid);
}

/* Die with the parent; also if it was faster. */
static void
tie_to(pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

/*
 * The agent. A terminal's ^C is for the parent, which ends us when it has
 * cleaned up; jobs are children that nobody waits for.
 */
static _Noreturn void
agent_main(int fd, pid_t parent)
{
	struct hello hello = { 0 };
	struct agent_job job;
	pid_t self;

	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGCHLD, SIG_IGN);
	if (fd > 3)
		(void)close_range(3, (unsigned)fd - 1, 0);
	(void)close_range((unsigned)fd + 1, ~0U, 0);

	hello.error = enter(&hello);
	tie_to(parent); /* a change of rights would undo it */
	if (send(fd, &hello, sizeof(hello), MSG_NOSIGNAL) < 0 || hello.error)
		_exit(1);
	self = getpid();
	while (recv(fd, &job, sizeof(job), 0) == (ssize_t)sizeof(job)) {
		if (fork() == 0) {
			tie_to(self);
			agent_do(&job, fd);
			_exit(0);
		}
	}
	_exit(0);
}

int
agent_start(struct agent *agent, const char **what)
{
	struct hello hello;
	pid_t parent = getpid();
	int sv[2];

	*agent = (struct agent){ 0 };
	*what = "socketpair";
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) != 0)
		return -errno;
	*what = "fork";
	agent->pid = fork();
	if (agent->pid == 0)
		agent_main(sv[1], parent);
	(void)close(sv[1]);
	agent->fd = sv[0];
	if (agent->pid < 0) {
		int error = -errno;

		(void)close(sv[0]);
		*agent = (struct agent){ 0 };
		return error;
	}
	*what = "a network namespace of its own";
	if (recv(agent->fd, &hello, sizeof(hello), 0) != (ssize_t)sizeof(hello))
		hello.error = -ECHILD;
	agent->has_userns = hello.has_userns;
	if (hello.error != 0)
		agent_stop(agent);
	return hello.error;
}

int
agent_ask(const struct agent *agent, const struct agent_job *job)
{
	if (send(agent->fd, job, sizeof(*job), MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

int
agent_answer(const struct agent *agent, struct agent_answer *answer)
{
	ssize_t n = recv(agent->fd, answer, sizeof(*answer), 0);

	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(*answer) ? 0 : -ECHILD;
}

void
agent_stop(struct agent *agent)
{
	if (agent->pid <= 0)
		return;
	(void)kill(agent->pid, SIGKILL);
	while (waitpid(agent->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	(void)close(agent->fd);
	*agent = (struct agent){ 0 };
}
