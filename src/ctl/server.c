/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/capture.h"
#include "ctl/conn_priv.h"
#include "ctl/fail.h"

#define BACKLOG 128

static const struct {
	const char *word, *sentence;
} ends[] = {
#define END(NAME, word, sentence) [CTL_END_##NAME] = { word, sentence },
	CTL_ENDS(END)
#undef END
};

const char *
ctl_end_word(enum ctl_end end)
{
	return (unsigned)end < CTL_END_MAX ? ends[end].word : NULL;
}

const char *
ctl_end_sentence(enum ctl_end end)
{
	return (unsigned)end < CTL_END_MAX ? ends[end].sentence : NULL;
}

/* Connections of one user, and of all who are no admins. */
static void
count(const struct ctl_server *s, uid_t uid, unsigned *of_user, unsigned *all)
{
	const struct ctl_conn *c;

	*of_user = *all = 0;
	TAILQ_FOREACH(c, &s->conns, link) {
		*of_user += c->who.uid == uid;
		*all += !c->who.is_admin;
	}
}

static void
turn_away(struct ctl_server *s, int sock, uid_t uid, enum ctl_end end)
{
	char line[160];

	s->ended[end]++;
	(void)close(sock);
	(void)snprintf(line, sizeof(line),
	    "user %u was refused a connection: %s", uid, ctl_end_sentence(end));
	s->log(line);
}

static void
greet(struct ctl_server *s, int sock)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);
	struct ctl_who who;
	unsigned of_user, all;

	s->accepted++;
	(void)getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	who.uid = cred.uid;
	who.is_admin = cred.uid == 0 || cred.uid == geteuid();
	count(s, who.uid, &of_user, &all);
	if (!who.is_admin && all >= s->limits.conns)
		turn_away(s, sock, who.uid, CTL_END_TOO_MANY);
	else if (!who.is_admin && of_user >= s->limits.conns_user)
		turn_away(s, sock, who.uid, CTL_END_TOO_MANY_USER);
	else if (ctl_conn_open(s, sock, &who, cred.pid) != 0)
		s->ended[CTL_END_NO_MEMORY]++;
}

static void
accept_one(struct ctl_watch *w, uint32_t events)
{
	struct ctl_server *s = EP_CONTAINER_OF(w, struct ctl_server, listener);
	int sock = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (sock >= 0) {
		greet(s, sock);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
		/* It would be ready again at once: look later. */
		ctl_watch_set(s->loop, w, 0);
		ctl_timer_set(s->loop, &s->pause, UINT64_C(100000000));
		s->log("no connection can be taken: too many open files");
	}
}

static void
accept_again(struct ctl_timer *t)
{
	struct ctl_server *s = EP_CONTAINER_OF(t, struct ctl_server, pause);

	ctl_watch_set(s->loop, &s->listener, EPOLLIN);
}

int
ctl_server_start(struct ctl_server *s, int listener)
{
	TAILQ_INIT(&s->conns);
	LIST_INIT(&s->captures);
	s->pause.fire = accept_again;
	s->listener = (struct ctl_watch){ listener, EPOLLIN, accept_one };
	return ctl_watch_add(s->loop, &s->listener);
}

void
ctl_server_push(struct ctl_server *s)
{
	struct ctl_conn *c;

	TAILQ_FOREACH(c, &s->conns, link)
		if (!c->is_broken)
			ctl_conn_push(c);
}

void
ctl_server_stop(struct ctl_server *s)
{
	struct ctl_conn *c;

	ctl_server_push(s);
	ctl_timer_cancel(s->loop, &s->pause);
	ctl_watch_del(s->loop, &s->listener);
	(void)close(s->listener.fd);
	while ((c = TAILQ_FIRST(&s->conns)) != NULL)
		ctl_conn_close(c, CTL_END_SHUTDOWN);
	ctl_captures_stop(s);
}

int
ctl_stream_may(const struct ctl_conn *c, struct epair_err *err)
{
	const struct ctl_conn *other;
	unsigned n = ctl_captures_of(c->server, c->who.uid);

	if (c->who.is_admin)
		return 0;
	TAILQ_FOREACH(other, &c->server->conns, link)
		n += other->who.uid == c->who.uid && other->monitor != NULL;
	if (n < c->server->limits.streams)
		return 0;
	return ctl_fail(err, -EDQUOT,
	    "you have %u captures and monitors; more you may not have", n);
}

/* Whether somebody listens at the address. */
static bool
is_alive(const struct sockaddr_un *sun)
{
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is;

	if (sock < 0)
		return true;
	is = connect(sock, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ||
	     (errno != ECONNREFUSED && errno != ENOENT);
	(void)close(sock);
	return is;
}

int
ctl_listen(const char *path, unsigned mode, struct epair_err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct stat st;
	int sock, error;

	if (strlen(path) >= sizeof(sun.sun_path))
		return ctl_fail(err, -ENAMETOOLONG,
		    "%s: a socket's path has at most %zu octets", path,
		    sizeof(sun.sun_path) - 1);
	strcpy(sun.sun_path, path);
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
		if (is_alive(&sun))
			return ctl_fail(err, -EADDRINUSE,
			    "%s: a daemon is there already", path);
		(void)unlink(path);
	}
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return ctl_fail(err, -errno, "socket: %s", strerror(errno));
	if (bind(sock, (struct sockaddr *)&sun, sizeof(sun)) == 0 &&
	    chmod(path, mode) == 0 && listen(sock, BACKLOG) == 0)
		return sock;
	error = -errno;
	(void)close(sock);
	return ctl_fail(err, error, "%s: %s", path, strerror(-error));
}
