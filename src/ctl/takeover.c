/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/takeover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/fail.h"
#include "ctl/local.h"
#include "ctl/state_priv.h"
#include "ctl/wire.h"

#define SOCKET  "takeover"
#define WAIT_NS UINT64_C(2000000)

/* What is said; unlinks goes with HELD. */
enum { TAKE = 1, HELD, GO, STAY };

struct message {
	unsigned char version, what, unlinks;
};

#define VERSION 1

static int
say(int sock, unsigned char what, bool unlinks, const int *fds, unsigned count)
{
	const struct message msg = { VERSION, what, unlinks };
	ssize_t n = ctl_wire_send(
	    sock, (const char *)&msg, sizeof(msg), fds, count);

	return n < 0 ? (int)n : 0;
}

/* What comes, or 0 at the end, or an error. */
static int
hear(int sock, struct message *msg, int *fds, unsigned max, unsigned *count)
{
	ssize_t n = ctl_wire_recv(
	    sock, (char *)msg, sizeof(*msg), fds, max, count);

	if (n <= 0)
		return (int)n;
	return n == (ssize_t)sizeof(*msg) && msg->version == VERSION ? msg->what
								     : -EPROTO;
}

/* The old one's side. */

static void
resume(struct ctl_takeover *t)
{
	ctl_timer_cancel(t->loop, &t->wait);
	ctl_timer_cancel(t->loop, &t->patience);
	ctl_watch_del(t->loop, &t->heir);
	(void)close(t->heir.fd);
	t->heir.fd = -1;
	ctl_state_hold(t->state, false);
	ctl_changes_hold(t->changes, false);
}

/* Say that we hold, as soon as no change is being made. */
static void
wait_for_changes(struct ctl_timer *timer)
{
	struct ctl_takeover *t = EP_CONTAINER_OF(
	    timer, struct ctl_takeover, wait);
	const int fds[] = { ctl_journal_lock(t->state->journal), t->listener };

	if (!ctl_changes_hold(t->changes, true)) {
		ctl_timer_set(t->loop, &t->wait, WAIT_NS);
		return;
	}
	ctl_state_hold(t->state, true);
	if (say(t->heir.fd, HELD, t->unlinks, fds, 2) != 0)
		resume(t);
}

/* It has had its time. But what it has said by now counts. */
static void
lose_patience(struct ctl_timer *timer)
{
	struct ctl_takeover *t = EP_CONTAINER_OF(
	    timer, struct ctl_takeover, patience);
	char any;

	if (recv(t->heir.fd, &any, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) {
		ctl_timer_set(t->loop, &t->patience, WAIT_NS);
		return;
	}
	ctl_state_log(t->state,
	    "takeover: the daemon that asked for it has not come in %" PRIu64
	    " s: this one goes on",
	    t->patience_ns / UINT64_C(1000000000));
	(void)say(t->heir.fd, STAY, false, NULL, 0);
	resume(t);
}

static void
on_heir(struct ctl_watch *w, uint32_t events)
{
	struct ctl_takeover *t = EP_CONTAINER_OF(w, struct ctl_takeover, heir);
	struct message msg;
	unsigned count = 0;

	(void)events;
	switch (hear(w->fd, &msg, NULL, 0, &count)) {
	case TAKE:
		if (t->patience.is_set) { /* once */
			resume(t);
			break;
		}
		ctl_timer_set(t->loop, &t->patience, t->patience_ns);
		wait_for_changes(&t->wait);
		break;
	case GO:
		t->go(t->arg);
		break;
	default:
		resume(t);
	}
}

static void
on_door(struct ctl_watch *w, uint32_t events)
{
	struct ctl_takeover *t = EP_CONTAINER_OF(w, struct ctl_takeover, door);
	int sock = ctl_local_accept(w->fd);

	(void)events;
	if (sock < 0)
		return;
	if (t->heir.fd >= 0) { /* one at a time */
		(void)close(sock);
		return;
	}
	t->heir = (struct ctl_watch){ sock, EPOLLIN, on_heir };
	if (ctl_watch_add(t->loop, &t->heir) != 0) {
		(void)close(sock);
		t->heir.fd = -1;
	}
}

int
ctl_takeover_start(struct ctl_takeover *t)
{
	int error;

	t->heir.fd = -1;
	t->wait = (struct ctl_timer){ .fire = wait_for_changes };
	t->patience = (struct ctl_timer){ .fire = lose_patience };
	t->door = (struct ctl_watch){ ctl_local_listen(t->folder, SOCKET),
		EPOLLIN, on_door };
	if (t->door.fd < 0)
		return t->door.fd;
	error = ctl_watch_add(t->loop, &t->door);
	if (error != 0) {
		(void)close(t->door.fd);
		t->door.fd = -1;
	}
	return error;
}

void
ctl_takeover_stop(struct ctl_takeover *t)
{
	if (t->heir.fd >= 0)
		resume(t);
	ctl_watch_del(t->loop, &t->door);
	(void)close(t->door.fd);
	(void)unlinkat(t->folder, SOCKET, 0);
}

/* The new one's side. */

static int
take(struct ctl_heritage *h)
{
	struct message msg;
	unsigned count = 0;
	int fds[2], what, error = say(h->sock, TAKE, false, NULL, 0);

	if (error != 0)
		return error;
	what = hear(h->sock, &msg, fds, 2, &count);
	if (what != HELD || count != 2) {
		ctl_wire_close(fds, &count);
		return what < 0 ? what : -EPROTO;
	}
	h->lock = fds[0];
	h->listener = fds[1];
	h->unlinks = msg.unlinks != 0;
	return 0;
}

int
ctl_heritage_take(
    const char *folder, struct ctl_heritage *h, struct epair_err *err)
{
	int error, fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	*h = (struct ctl_heritage){ -1, -1, -1, false };
	if (fd < 0)
		return 0; /* nobody has been there yet */
	h->sock = ctl_local_connect(fd, SOCKET);
	(void)close(fd);
	error = h->sock < 0 ? h->sock : take(h);
	if (error == -ENOENT || error == -ECONNREFUSED)
		return 0;
	if (error == 0)
		return 0;
	if (h->sock >= 0)
		(void)close(h->sock);
	if (error == -EAGAIN)
		error = -ETIMEDOUT;
	return ctl_fail(err, error,
	    "the daemon that uses %.150s does not hand over: %s", folder,
	    strerrordesc_np(-error));
}

int
ctl_heritage_go(struct ctl_heritage *h, struct epair_err *err)
{
	struct message msg;
	unsigned count = 0;
	int what;

	if (h->sock < 0)
		return 0;
	/* It ends, by which the socket does; we wait no longer than we must. */
	(void)say(h->sock, GO, false, NULL, 0);
	do
		what = hear(h->sock, &msg, NULL, 0, &count);
	while (
	    what == -ECONNRESET); /* it had not read that: what had it said? */
	(void)close(h->sock);
	h->sock = -1;
	if (what != STAY)
		return 0;
	return ctl_fail(err, -ETIMEDOUT,
	    "the daemon that was to hand over has not waited that long, and "
	    "goes on");
}
