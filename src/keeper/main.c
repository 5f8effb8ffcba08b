/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epair-keeper: holds the descriptors of a daemon that may be killed, and gives
 * them to the one that comes after it (ctl/keep.h).
 *
 * It is a process of its own so that little can go wrong in it: it reads fixed
 * datagrams of its own user's from a socket in a closed folder, looks at no
 * descriptor that it holds, and ends when it holds none and nobody is
 * connected.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/keep_protocol.h"
#include "ctl/local.h"
#include "ctl/wire.h"

/* A daemon, the one that takes over from it, and who says --forget. */
#define CLIENTS_MAX 4
#define TOKENS_HASH 1024u

struct entry {
	LIST_ENTRY(entry) link;
	int *fds;
	struct ctl_keeper_message have;
};

LIST_HEAD(bucket, entry);

static struct bucket buckets[TOKENS_HASH];
static size_t entry_count;
static bool is_over;

static struct bucket *
bucket_of(const char *token)
{
	uint32_t hash = 2166136261u;

	for (; *token != '\0'; token++)
		hash = (hash ^ (unsigned char)*token) * 16777619u;
	return &buckets[hash % TOKENS_HASH];
}

static void
forget(struct entry *e)
{
	LIST_REMOVE(e, link);
	entry_count--;
	ctl_wire_close(e->fds, &e->have.count);
	free(e->fds);
	free(e);
}

static void
drop(const char *token)
{
	struct entry *e = LIST_FIRST(bucket_of(token)), *next;

	for (; e != NULL; e = next) {
		next = LIST_NEXT(e, link);
		if (strcmp(e->have.token, token) == 0)
			forget(e);
	}
}

static void
forget_all(void)
{
	for (unsigned i = 0; i < TOKENS_HASH; i++)
		while (!LIST_EMPTY(&buckets[i]))
			forget(LIST_FIRST(&buckets[i]));
}

/* Takes the descriptors if it can. */
static bool
put(const struct ctl_keeper_message *msg, const int *fds)
{
	struct entry *e = malloc(sizeof(*e));

	if (e == NULL)
		return false;
	e->fds = malloc((msg->count + 1) * sizeof(int));
	if (e->fds == NULL) {
		free(e);
		return false;
	}
	drop(msg->token);
	e->have = *msg;
	e->have.op = CTL_KEEPER_HAVE;
	memcpy(e->fds, fds, msg->count * sizeof(int));
	LIST_INSERT_HEAD(bucket_of(msg->token), e, link);
	entry_count++;
	return true;
}

static bool
answer(int sock, uint32_t op, const char *token)
{
	struct ctl_keeper_message msg = { .version = CTL_KEEPER_VERSION,
		.op = op };

	(void)snprintf(msg.token, sizeof(msg.token), "%s", token);
	return ctl_wire_send(sock, (const char *)&msg, sizeof(msg), NULL, 0) >
	       0;
}

static bool
give_all(int sock)
{
	const struct entry *e;

	for (unsigned i = 0; i < TOKENS_HASH; i++)
		LIST_FOREACH(e, &buckets[i], link)
			if (ctl_wire_send(sock, (const char *)&e->have,
				sizeof(e->have), e->fds, e->have.count) <= 0)
				return false;
	return answer(sock, CTL_KEEPER_OK, "");
}

/* Do what is asked; false if the client is of no use any more. */
static bool
serve(int sock, struct ctl_keeper_message *msg, int *fds, unsigned *count)
{
	if (msg->version != CTL_KEEPER_VERSION || msg->count != *count)
		return answer(sock, CTL_KEEPER_BAD, msg->token);
	switch (msg->op) {
	case CTL_KEEPER_PUT:
		if (!put(msg, fds))
			return answer(sock, CTL_KEEPER_BAD, msg->token);
		*count = 0;
		break;
	case CTL_KEEPER_DROP:
		drop(msg->token);
		break;
	case CTL_KEEPER_FETCH:
		return give_all(sock);
	case CTL_KEEPER_END:
		forget_all();
		is_over = true;
		break;
	default:
		return answer(sock, CTL_KEEPER_BAD, msg->token);
	}
	return answer(sock, CTL_KEEPER_OK, msg->token);
}

/* One datagram. */
static bool
hear(int sock)
{
	struct ctl_keeper_message msg = { 0 };
	int fds[CTL_KEEP_FDS_MAX];
	unsigned count = 0;
	ssize_t n = ctl_wire_recv(
	    sock, (char *)&msg, sizeof(msg), fds, CTL_KEEP_FDS_MAX, &count);
	bool is_good;

	msg.token[CTL_KEEPER_TOKEN - 1] = '\0';
	if (n == (ssize_t)sizeof(msg))
		is_good = serve(sock, &msg, fds, &count);
	else
		is_good = n > 0 || n == -EMSGSIZE
			      ? answer(sock, CTL_KEEPER_BAD, msg.token)
			      : false;
	ctl_wire_close(fds, &count);
	return is_good;
}

static void
keep(int listener)
{
	struct pollfd p[1 + CLIENTS_MAX] = { { .fd = listener,
	    .events = POLLIN } };
	nfds_t count = 1;

	/* The one that started us is connected already, or has gone. */
	do {
		p[0].events = count <= CLIENTS_MAX ? POLLIN : 0;
		if (poll(p, count, -1) < 0 && errno != EINTR)
			return;
		for (nfds_t i = count; i-- > 1;) {
			if (p[i].revents == 0 || hear(p[i].fd))
				continue;
			(void)close(p[i].fd);
			p[i] = p[--count];
		}
		if (p[0].revents != 0 && count <= CLIENTS_MAX) {
			p[count] = (struct pollfd){ .fd = ctl_local_accept(
							listener),
				.events = POLLIN };
			count += p[count].fd >= 0;
		}
	} while (!is_over && (count > 1 || entry_count > 0));
}

int
main(void)
{
	const int ignored[] = { SIGINT, SIGHUP, SIGQUIT, SIGPIPE };
	struct rlimit files;
	int is_listening = 0;
	socklen_t len = sizeof(is_listening);

	if (getsockopt(CTL_KEEPER_FD, SOL_SOCKET, SO_ACCEPTCONN, &is_listening,
		&len) != 0 ||
	    !is_listening) {
		(void)fprintf(
		    stderr, "epair-keeper: started by epaird, never by hand\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	keep(CTL_KEEPER_FD);
	return 0;
}
