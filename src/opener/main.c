/* SPDX-License-Identifier: BSD-2-Clause */
#include "opener/opener.h"

#include <cap-ng.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The rights that opening takes; all others are given up at the start. */
static const unsigned needed[] = {
	CAP_SYS_ADMIN, /* setns, unshare */
	CAP_NET_ADMIN, /* TAPs, links, addresses, routes */
	CAP_NET_RAW, /* packet sockets */
	CAP_SYS_PTRACE, /* /proc/PID/ns of somebody else's process */
	CAP_DAC_OVERRIDE, /* /dev/net/tun, and names in a closed folder */
	CAP_DAC_READ_SEARCH, CAP_SETPCAP, /* lowering the bounding set itself */
};

static void
keep_needed_rights(void)
{
	/* Failing here leaves us with what we had: no worse than before. */
	if (capng_get_caps_process() != 0)
		return;
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++) {
		bool is_needed = false;

		for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
			is_needed |= needed[i] == cap;
		if (!is_needed)
			(void)capng_update(CAPNG_DROP,
			    CAPNG_EFFECTIVE | CAPNG_PERMITTED |
				CAPNG_INHERITABLE | CAPNG_BOUNDING_SET,
			    cap);
	}
	(void)capng_apply(
	    capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 1
		? CAPNG_SELECT_BOTH
		: CAPNG_SELECT_CAPS);
}

/*
 * A terminal's ^C is for the program that started us: it detaches what it has,
 * in order, and may need us for that.
 */
static void
stand_apart(void)
{
	const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };

	(void)setsid();
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void
close_fds(struct job *job)
{
	while (job->fd_count > 0)
		(void)close(job->fds[--job->fd_count]);
}

/* Returns octets; 0 at the end of the socket. */
static ssize_t
receive(struct ep_opener_request *req, struct job *job)
{
	union {
		char octets[CMSG_SPACE(EP_OPENER_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = req, .iov_len = sizeof(*req) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.octets,
		.msg_controllen = sizeof(control) };
	ssize_t n;

	job->fd_count = 0;
	do {
		n = recvmsg(EP_OPENER_FD, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL;
	     c = CMSG_NXTHDR(&msg, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		/* One message of that size has no room for more. */
		memcpy(job->fds + job->fd_count, CMSG_DATA(c),
		    count * sizeof(int));
		job->fd_count += (unsigned)count;
	}
	return n;
}

int
opener_send(int sock, struct ep_opener_answer *answer, const int *fds,
    unsigned fd_count)
{
	union {
		char octets[CMSG_SPACE(EP_OPENER_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = answer, .iov_len = sizeof(*answer) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	memset(&control, 0, sizeof(control));
	if (fd_count > 0) {
		struct cmsghdr *c;

		msg.msg_control = control.octets;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
	}
	for (;;) {
		if (sendmsg(sock, &msg, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

static void
refuse(uint32_t serial, int code, const char *text)
{
	static struct ep_opener_answer answer;

	memset(&answer, 0, sizeof(answer));
	answer.version = EP_OPENER_VERSION;
	answer.serial = serial;
	answer.wd = -1;
	answer.code = code;
	(void)snprintf(answer.text, sizeof(answer.text), "%s", text);
	(void)opener_send(EP_OPENER_FD, &answer, NULL, 0);
}

/* Nothing of the request is held here any more. */
static void
say_end(uint32_t serial)
{
	struct ep_opener_end end = { .version = EP_OPENER_VERSION,
		.serial = serial };

	(void)send(EP_OPENER_FD, &end, sizeof(end), MSG_NOSIGNAL);
}

/*
 * Wait until the child has ended, or until that makes no sense any more.
 * Returns its status, or -1 if it had to be killed.
 */
static int
wait_for(pid_t pid)
{
	int process = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p[2] = {
		{ .fd = process, .events = POLLIN },
		{ .fd = EP_OPENER_FD, .events = 0 }, /* POLLHUP comes unasked */
	};
	int n, status = -1;

	do {
		n = poll(p, 2, EP_OPENER_TIMEOUT_MS);
	} while (n < 0 && errno == EINTR);
	if (n <= 0 || (p[0].revents & POLLIN) == 0)
		(void)kill(pid, SIGKILL);
	if (process >= 0)
		(void)close(process);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void
serve(struct job *job)
{
	pid_t self = getpid(), pid = fork();

	if (pid == 0) {
		/* Our end has one thread, so this means what it says. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(getppid() == self ? job_run(job, EP_OPENER_FD) : 1);
	}
	if (pid < 0)
		refuse(job->req->serial, -errno, "the opener cannot fork");
	else if (wait_for(pid) != 0)
		refuse(job->req->serial, -ETIMEDOUT,
		    "the opener's child did not come to an end");
}

/* Which request is being done; of all processes of ours. */
struct current {
	bool is_any;
	uint32_t serial;
};

/*
 * Wait for the next one and say which it is before it is taken: who dies in
 * between leaves it to another, who dies after that has it refused. Whoever
 * waits skips a second answer. Returns as receive().
 */
static ssize_t
next(struct current *current)
{
	struct ep_opener_end head = { .serial = 0 }; /* as requests begin */
	ssize_t n;

	do {
		n = recv(EP_OPENER_FD, &head, sizeof(head), MSG_PEEK);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		*current = (struct current){ true, head.serial };
	return n;
}

/* Until the socket ends. Returns our exit status. */
static int
serve_all(struct current *current)
{
	static struct ep_opener_request req;
	static struct job job = { .req = &req };
	ssize_t n;

	while ((n = next(current)) > 0 && (n = receive(&req, &job)) > 0) {
		if (n < (ssize_t)(2 * sizeof(uint32_t)) ||
		    req.version != EP_OPENER_VERSION)
			refuse(req.serial, -EPROTO,
			    "the opener is of another version than the "
			    "library");
		else if (n != (ssize_t)sizeof(req))
			refuse(req.serial, -EPROTO,
			    "the opener was sent something that is no "
			    "request");
		else
			serve(&job);
		close_fds(&job);
		say_end(req.serial);
		current->is_any = false;
	}
	return n < 0;
}

/*
 * Serve in a child, and in another one if that dies: the program that started
 * us may have given up the right to start another opener. Whoever waits for what
 * the child was doing is told. If we are killed the child goes on.
 */
static int
serve_by_child(struct current *current)
{
	int status = 0;
	pid_t pid;

	for (;;) {
		pid = fork();
		if (pid <= 0)
			return serve_all(current);
		if (waitpid(pid, &status, 0) != pid || WIFEXITED(status))
			return WEXITSTATUS(status);
		if (current->is_any) {
			refuse(current->serial, -EPIPE,
			    "the opener died of this request");
			say_end(current->serial);
			current->is_any = false;
		}
	}
}

int
main(void)
{
	struct current alone = { false, 0 }, *current;
	int type = 0;
	socklen_t len = sizeof(type);

	if (getsockopt(EP_OPENER_FD, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
	    type != SOCK_SEQPACKET) {
		(void)fprintf(stderr,
		    "epair-opener: started by libepair, never by hand\n");
		return 2;
	}
	stand_apart();
	keep_needed_rights();
	current = mmap(NULL, sizeof(*current), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return current != MAP_FAILED ? serve_by_child(current)
				     : serve_all(&alone);
}
