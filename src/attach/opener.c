/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/opener_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "sched/sched.h"

/* Life. */

static struct ep_opener *
create(struct epair *ep) EP_NO_TSA
{
	struct ep_opener *op = calloc(1, sizeof(*op));

	if (op == NULL)
		return NULL;
	op->ep = ep;
	op->sock = -1;
	op->inotify = -1;
	ep_mutex_init(&op->ask);
	ep_mutex_init(&op->list);
	LIST_INIT(&op->names);
	return op;
}

/*
 * It ends by itself when its socket does. One that does not, because its child
 * hangs in the kernel, is no reason for us to hang.
 */
static void
end_process(struct ep_opener *op) EP_REQUIRES(op->ask)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	if (op->sock < 0)
		return;
	(void)close(op->sock);
	op->sock = -1;
	for (int i = 0; i < 1000; i++) {
		if (waitpid(op->pid, NULL, WNOHANG) != 0)
			return;
		(void)nanosleep(&moment, NULL);
	}
	(void)kill(op->pid, SIGKILL);
	(void)waitpid(op->pid, NULL, 0);
}

static void
destroy(struct ep_opener *op) EP_NO_TSA
{
	ep_lock(&op->ask);
	end_process(op);
	ep_unlock(&op->ask);
	EP_ASSERT(LIST_EMPTY(&op->names));
	if (op->inotify >= 0) {
		ep_watch_drain(&op->watch);
		(void)close(op->inotify);
	}
	ep_mutex_fini(&op->list);
	ep_mutex_fini(&op->ask);
	free(op);
}

int
ep_opener_get(struct epair *ep, struct ep_opener **op, struct epair_err *err)
{
	struct ep_opener *mine = NULL;

	ep_lock(&ep->lock);
	*op = ep->opener;
	ep_unlock(&ep->lock);
	if (*op != NULL)
		return 0;
	mine = create(ep);
	if (mine == NULL)
		return ep_fail(err, -ENOMEM, "no memory for the opener");
	ep_lock(&ep->lock);
	if (ep->opener == NULL)
		ep->opener = mine;
	*op = ep->opener;
	ep_unlock(&ep->lock);
	if (*op != mine)
		destroy(mine);
	return 0;
}

void
ep_opener_stop(struct epair *ep)
{
	struct ep_opener *op;

	ep_lock(&ep->lock);
	op = ep->opener;
	ep->opener = NULL;
	ep_unlock(&ep->lock);
	if (op != NULL)
		destroy(op);
}

/*
 * Uninstalled first: a library in its build folder belongs to the opener beside
 * it, whatever else is installed. Packages know no such folder.
 */
static const char *
find_program(void)
{
	static const char *const places[] = { EP_OPENER_BUILD_PATH,
		EP_OPENER_PATH };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (*places[i] != '\0' && access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

/*
 * Nothing of ours goes along but stderr and the socket, whatever descriptors
 * the program keeps open; and no signal mask of a worker's.
 */
static int
set_up_spawn(
    posix_spawn_file_actions_t *acts, posix_spawnattr_t *attr, int sock)
{
	sigset_t none, all;
	int error;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	if ((error = posix_spawn_file_actions_adddup2(
		 acts, sock, EP_OPENER_FD)) != 0 ||
	    (error = posix_spawn_file_actions_addopen(
		 acts, 0, "/dev/null", O_RDONLY, 0)) != 0 ||
	    (error = posix_spawn_file_actions_addopen(
		 acts, 1, "/dev/null", O_WRONLY, 0)) != 0 ||
	    (error = posix_spawn_file_actions_addclosefrom_np(
		 acts, EP_OPENER_FD + 1)) != 0 ||
	    (error = posix_spawnattr_setsigmask(attr, &none)) != 0 ||
	    (error = posix_spawnattr_setsigdefault(attr, &all)) != 0)
		return -error;
	return -posix_spawnattr_setflags(
	    attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int
spawn(const char *program, int sock, pid_t *pid)
{
	static char name[] = "epair-opener";
	char *argv[] = { name, NULL };
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	int error;

	error = -posix_spawn_file_actions_init(&acts);
	if (error != 0)
		return error;
	error = -posix_spawnattr_init(&attr);
	if (error != 0)
		goto fini_acts;
	error = set_up_spawn(&acts, &attr, sock);
	if (error == 0)
		error = -posix_spawn(pid, program, &acts, &attr, argv, environ);
	(void)posix_spawnattr_destroy(&attr);
fini_acts:
	(void)posix_spawn_file_actions_destroy(&acts);
	return error;
}

static int
start_process(struct ep_opener *op, struct epair_err *err) EP_REQUIRES(op->ask)
{
	const char *program = find_program();
	int error, socks[2];

	if (program == NULL)
		return ep_fail(err, -ENOENT,
		    "there is no epair-opener (looked for %s)", EP_OPENER_PATH);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) != 0)
		return ep_fail_sys(
		    err, -errno, "cannot make a socket for the opener");
	error = spawn(program, socks[1], &op->pid);
	(void)close(socks[1]);
	if (error != 0) {
		(void)close(socks[0]);
		return ep_fail_sys(err, error, "cannot start %s", program);
	}
	op->sock = socks[0];
	return 0;
}

/* Data. */

static int
send_request(int sock, const struct ep_opener_call *call)
{
	union {
		char octets[CMSG_SPACE(EP_OPENER_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct ep_opener_request copy = call->req;
	struct iovec iov = { .iov_base = &copy, .iov_len = sizeof(copy) };
	size_t fds_bytes = call->fd_count * sizeof(int);
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	memset(&control, 0, sizeof(control));
	if (call->fd_count > 0) {
		struct cmsghdr *c;

		msg.msg_control = control.octets;
		msg.msg_controllen = CMSG_SPACE(fds_bytes);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fds_bytes);
		memcpy(CMSG_DATA(c), call->fds, fds_bytes);
	}
	for (;;) {
		if (sendmsg(sock, &msg, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

static void
close_all(const int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		(void)close(fds[i]);
}

/*
 * One datagram with its descriptors. Returns its octets; or a negated errno
 * and no descriptor.
 */
static ssize_t
take_datagram(
    int sock, void *octets, size_t size, int *got, unsigned *got_count)
{
	union {
		char octets[CMSG_SPACE(EP_OPENER_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = octets, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.octets,
		.msg_controllen = sizeof(control) };
	ssize_t n;

	*got_count = 0;
	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -EPIPE;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL;
	     c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		*got_count = (unsigned)((c->cmsg_len - CMSG_LEN(0)) /
					sizeof(int));
		memcpy(got, CMSG_DATA(c), *got_count * sizeof(int));
	}
	if ((msg.msg_flags & MSG_CTRUNC) == 0)
		return n;
	close_all(got, *got_count);
	*got_count = 0;
	return -EMFILE;
}

static int
wait_readable(int sock)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int n;

	do {
		n = poll(&p, 1, EP_OPENER_TIMEOUT_MS + 2000);
	} while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

static unsigned
fds_promised(const struct ep_opener_answer *answer)
{
	unsigned n = 0;

	n += (answer->fds & EP_OPENER_FD_NETNS) != 0;
	n += (answer->fds & EP_OPENER_FD_ROUTE) != 0;
	n += (answer->fds & EP_OPENER_FD_PROCESS) != 0;
	n += (answer->fds & EP_OPENER_FD_FAR) != 0 ? 2 : 0;
	return n +
	       ((answer->fds & EP_OPENER_FD_QUEUES) != 0 ? answer->queues : 0);
}

/* Wait for the answer to this request; older ones were given up on. */
static int
await_answer(struct ep_opener *op, struct ep_opener_call *call)
    EP_REQUIRES(op->ask)
{
	struct ep_opener_answer *answer = &call->answer;

	for (;;) {
		int error = wait_readable(op->sock);
		ssize_t n;

		if (error != 0)
			return error;
		n = take_datagram(op->sock, answer, sizeof(*answer), call->got,
		    &call->got_count);
		if (n < 0)
			return (int)n;
		if (n == (ssize_t)sizeof(*answer) &&
		    answer->version == EP_OPENER_VERSION &&
		    answer->serial == op->serial &&
		    call->got_count == fds_promised(answer))
			return 0;
		ep_opener_close_got(call);
		if (answer->version != EP_OPENER_VERSION ||
		    answer->serial == op->serial)
			return -EPROTO;
	}
}

static int
await_end(struct ep_opener *op) EP_REQUIRES(op->ask)
{
	struct ep_opener_end end;
	int none[EP_OPENER_FDS_MAX];
	unsigned none_count;
	int error = wait_readable(op->sock);
	ssize_t n;

	if (error != 0)
		return error;
	n = take_datagram(op->sock, &end, sizeof(end), none, &none_count);
	close_all(none, none_count);
	if (n < 0)
		return (int)n;
	return n == (ssize_t)sizeof(end) && end.serial == op->serial ? 0
								     : -EPROTO;
}

/* Put the request to a running opener; an error is one of the way there. */
static int
exchange(struct ep_opener *op, struct ep_opener_call *call) EP_REQUIRES(op->ask)
{
	int error;

	call->got_count = 0;
	call->req.version = EP_OPENER_VERSION;
	call->req.serial = ++op->serial;
	error = send_request(op->sock, call);
	if (error == 0)
		error = await_answer(op, call);
	if (error == 0)
		error = await_end(op);
	if (error != 0)
		ep_opener_close_got(call);
	return error;
}

static int
ask_locked(struct ep_opener *op, struct ep_opener_call *call,
    struct epair_err *err) EP_REQUIRES(op->ask)
{
	struct ep_opener_answer *answer = &call->answer;
	bool is_new = op->sock < 0;
	int error;

	if (is_new && (error = start_process(op, err)) != 0)
		return error;
	error = exchange(op, call);
	if ((error == -EPIPE || error == -ECONNRESET) && !is_new) {
		/* It had died while nobody looked: once more, with another. */
		end_process(op);
		if ((error = start_process(op, err)) != 0)
			return error;
		error = exchange(op, call);
	}
	if (error == -EMFILE)
		return ep_fail(err, error,
		    "no room for the opener's descriptors (ulimit -n)");
	if (error != 0) {
		end_process(op);
		return ep_fail_sys(err, error, "the opener does not answer");
	}
	answer->text[sizeof(answer->text) - 1] = '\0';
	answer->ifname[sizeof(answer->ifname) - 1] = '\0';
	answer->entry[sizeof(answer->entry) - 1] = '\0';
	if (answer->code != 0)
		return ep_fail(err, answer->code, "%s", answer->text);
	return 0;
}

int
ep_opener_ask(
    struct epair *ep, struct ep_opener_call *call, struct epair_err *err)
{
	struct ep_opener *op;
	int error;

	call->got_count = 0;
	error = ep_opener_get(ep, &op, err);
	if (error != 0)
		return error;
	ep_lock(&op->ask);
	error = ask_locked(op, call, err);
	ep_unlock(&op->ask);
	return error;
}

void
ep_opener_close_got(struct ep_opener_call *call)
{
	close_all(call->got, call->got_count);
	call->got_count = 0;
}

int
ep_opener_start(struct epair *ep, struct epair_err *err)
{
	struct ep_opener_call call = { .req.op = EP_OPENER_HELLO };

	return ep_opener_ask(ep, &call, err);
}

int
ep_opener_start_keeper(struct epair *ep, int sock, struct epair_err *err)
{
	struct ep_opener_call call = {
		.req.op = EP_OPENER_KEEP,
		.fds = { sock },
		.fd_count = 1,
	};

	return ep_opener_ask(ep, &call, err);
}
