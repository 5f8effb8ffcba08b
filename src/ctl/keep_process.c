/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keeper as a process of our own (src/keeper). Whoever finds none has the
 * opener start one, with the listening socket; it goes on when we end: in a
 * session of its own, with nothing of ours but that.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <epair/epair.h>

#include "ctl/fail.h"
#include "ctl/keep.h"
#include "ctl/keep_protocol.h"
#include "ctl/local.h"
#include "ctl/wire.h"

_Static_assert(CTL_KEEPER_TOKEN == CTL_KEEP_TOKEN_MAX, "one token");

struct process {
	struct ctl_keep keep; /* first */
	int folder;
	struct epair *ep; /* whose opener starts it, or NULL */
	char *path; /* for sentences */
};

static struct process *
process_of(struct ctl_keep *keep)
{
	return (struct process *)(void *)keep;
}

static int
fail_sys(const struct process *p, int code, struct epair_err *err)
{
	/* What takes longer than its time ends so. */
	if (code == -EAGAIN)
		code = -ETIMEDOUT;
	return ctl_fail(err, code, "the keeper of %.150s: %s", p->path,
	    strerrordesc_np(-code));
}

/* Reaching it. */

static int
reach(struct process *p)
{
	p->keep.fd = ctl_local_connect(p->folder, CTL_KEEPER_SOCKET);
	return p->keep.fd < 0 ? p->keep.fd : 0;
}

static int
start(struct process *p, struct epair_err *err)
{
	int error, sock = ctl_local_listen(p->folder, CTL_KEEPER_SOCKET);

	if (sock < 0)
		return fail_sys(p, sock, err);
	error = epair_opener_start_keeper(p->ep, sock, err);
	/* Connected before we let go: it may be slow to come. */
	if (error == 0 && (error = reach(p)) != 0)
		error = fail_sys(p, error, err);
	(void)close(sock);
	return error;
}

/* Talking. */

static int
say(const struct process *p, uint32_t op, const struct ctl_kept *kept)
{
	struct ctl_keeper_message msg = { .version = CTL_KEEPER_VERSION,
		.op = op };
	int fds[CTL_KEEP_FDS_MAX] = { 0 };
	ssize_t n;

	if (kept != NULL)
		memcpy(msg.token, kept->token, sizeof(msg.token));
	if (kept != NULL && op == CTL_KEEPER_PUT) {
		msg.count = kept->count;
		for (unsigned i = 0; i < kept->count; i++) {
			fds[i] = kept->fds[i].fd;
			(void)snprintf(msg.names[i], sizeof(msg.names[i]), "%s",
			    kept->fds[i].name);
		}
	}
	n = ctl_wire_send(
	    p->keep.fd, (const char *)&msg, sizeof(msg), fds, msg.count);
	return n < 0 ? (int)n : 0;
}

/* What it answers, with descriptors in kept. */
static int
hear(const struct process *p, uint32_t *op, struct ctl_kept *kept)
{
	struct ctl_keeper_message msg;
	int fds[CTL_KEEP_FDS_MAX];
	unsigned count = 0;
	ssize_t n = ctl_wire_recv(p->keep.fd, (char *)&msg, sizeof(msg), fds,
	    CTL_KEEP_FDS_MAX, &count);

	kept->count = 0;
	if (n != (ssize_t)sizeof(msg) || msg.version != CTL_KEEPER_VERSION ||
	    msg.count != count) {
		ctl_wire_close(fds, &count);
		return n < 0 ? (int)n : n == 0 ? -EPIPE : -EPROTO;
	}
	*op = msg.op;
	memcpy(kept->token, msg.token, sizeof(kept->token));
	kept->token[sizeof(kept->token) - 1] = '\0';
	for (; kept->count < count; kept->count++) {
		struct epair_fd *fd = &kept->fds[kept->count];

		msg.names[kept->count][CTL_KEEPER_NAME_MAX - 1] = '\0';
		fd->name = ctl_kept_name(msg.names[kept->count]);
		fd->fd = fds[kept->count];
	}
	return 0;
}

/*
 * Answers that nobody waited for any more. The keeper cannot go on while there
 * is no room for them.
 */
static void
hear_late(const struct process *p)
{
	struct ctl_keeper_message msg;

	while (recv(p->keep.fd, &msg, sizeof(msg), MSG_DONTWAIT) > 0)
		;
}

/* Whether it answers something else than was asked, as a late one does. */
static bool
is_late(const struct ctl_kept *answer, const struct ctl_kept *asked)
{
	return *answer->token != '\0' &&
	       strcmp(answer->token, asked != NULL ? asked->token : "") != 0;
}

static int
ask(const struct process *p, uint32_t op, const struct ctl_kept *kept)
{
	struct ctl_kept answer;
	uint32_t said = 0;
	int error;

	hear_late(p);
	error = say(p, op, kept);
	while (error == 0 && (error = hear(p, &said, &answer)) == 0) {
		ctl_kept_close(&answer);
		if (!is_late(&answer, kept))
			return said == CTL_KEEPER_OK ? 0 : -EPROTO;
	}
	return error;
}

static int
process_put(
    struct ctl_keep *keep, const struct ctl_kept *kept, struct epair_err *err)
{
	struct process *p = process_of(keep);
	int error = ask(p, CTL_KEEPER_PUT, kept);

	if (error == 0)
		return 0;
	/* It may do it yet, and then nobody would name it. */
	(void)say(p, CTL_KEEPER_DROP, kept);
	return fail_sys(p, error, err);
}

static void
process_drop(struct ctl_keep *keep, const struct ctl_kept *kept)
{
	(void)ask(process_of(keep), CTL_KEEPER_DROP, kept);
}

static int
process_fetch(struct ctl_keep *keep,
    void (*got)(void *arg, struct ctl_kept *kept), void *arg,
    struct epair_err *err)
{
	struct process *p = process_of(keep);
	int error = say(p, CTL_KEEPER_FETCH, NULL);
	struct ctl_kept kept;
	uint32_t op = 0;

	while (error == 0 && (error = hear(p, &op, &kept)) == 0) {
		if (op == CTL_KEEPER_HAVE) {
			got(arg, &kept);
			continue;
		}
		ctl_kept_close(&kept);
		if (op == CTL_KEEPER_OK)
			return 0;
		error = -EPROTO;
	}
	return fail_sys(p, error, err);
}

static void
process_forget(struct ctl_keep *keep)
{
	struct process *p = process_of(keep);

	struct ctl_kept none;
	uint32_t op;

	/* Behind its answer it ends, and hangs up. */
	if (ask(p, CTL_KEEPER_END, NULL) == 0 && hear(p, &op, &none) == 0)
		ctl_kept_close(&none);
}

/* Find the process, or start one. */
static int
find(struct process *p, struct epair_err *err)
{
	int error = reach(p);

	if (error == -ENOENT || error == -ECONNREFUSED)
		return start(p, err);
	return error != 0 ? fail_sys(p, error, err) : 0;
}

static int
process_again(struct ctl_keep *keep, struct epair_err *err)
{
	struct process *p = process_of(keep);

	(void)close(keep->fd);
	keep->fd = -1;
	return find(p, err);
}

static void
close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

static void
process_close(struct ctl_keep *keep)
{
	struct process *p = process_of(keep);

	close_fd(p->keep.fd);
	close_fd(p->folder);
	free(p->path);
	free(p);
}

static const struct ctl_keep_ops process_ops = {
	.put = process_put,
	.drop = process_drop,
	.fetch = process_fetch,
	.forget = process_forget,
	.again = process_again,
	.close = process_close,
};

/* Life. */

static int
create(const char *folder, struct epair *ep, struct process **pp,
    struct epair_err *err)
{
	struct process *p = calloc(1, sizeof(*p));
	int error = 0;

	if (p == NULL)
		return ctl_fail(err, -ENOMEM, "no memory for the keeper");
	p->keep.ops = &process_ops;
	p->ep = ep;
	p->keep.fd = -1;
	p->path = strdup(folder);
	p->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->folder < 0)
		error = ctl_fail(err, -errno, "cannot open %.150s: %s", folder,
		    strerrordesc_np(errno));
	else if (p->path == NULL)
		error = ctl_fail(err, -ENOMEM, "no memory for the keeper");
	if (error != 0)
		process_close(&p->keep);
	else
		*pp = p;
	return error;
}

int
ctl_keep_process(const char *folder, struct epair *ep, struct ctl_keep **keep,
    struct epair_err *err)
{
	struct process *p = NULL;
	int error = create(folder, ep, &p, err);

	if (error != 0 || p == NULL)
		return error;
	error = find(p, err);
	if (error != 0) {
		process_close(&p->keep);
		return error;
	}
	*keep = &p->keep;
	return 0;
}

int
ctl_keep_end_process(const char *folder, struct epair_err *err)
{
	struct process *p = NULL;
	int error = create(folder, NULL, &p, err);

	if (error != 0 || p == NULL)
		return error;
	error = reach(p);
	if (error == 0)
		error = ask(p, CTL_KEEPER_END, NULL);
	if (error == -ENOENT || error == -ECONNREFUSED)
		error = ctl_fail(
		    err, -ENOENT, "nothing is kept for %.150s", folder);
	else if (error != 0)
		error = fail_sys(p, error, err);
	process_close(&p->keep);
	return error;
}
