/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * systemd's store of descriptors as keeper: it takes them by the notification
 * socket under names, and the unit's next process is started with them
 * (LISTEN_FDS, LISTEN_FDNAMES). The names of ours are "epair.TOKEN.N.NAME"; see
 * sd_notify(3) and sd_listen_fds(3). Without libsystemd: all of it is a line of
 * text and SCM_RIGHTS.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/fail.h"
#include "ctl/keep.h"
#include "ctl/local.h"
#include "ctl/wire.h"

#define LISTEN_FDS_START 3
#define PREFIX           "epair."

struct store {
	struct ctl_keep keep; /* first */
	int sock;
};

static struct store *
store_of(struct ctl_keep *keep)
{
	return (struct store *)(void *)keep;
}

static void
name_of(const struct ctl_kept *kept, unsigned i, char *name, size_t size)
{
	(void)snprintf(
	    name, size, PREFIX "%s.%u.%s", kept->token, i, kept->fds[i].name);
}

/* Datagrams are taken in order; this one's pipe is closed when it has been. */
static int
await(const struct store *s)
{
	static const char text[] = "BARRIER=1";
	struct pollfd p = { .events = 0 };
	int ends[2], n;
	ssize_t sent;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	sent = ctl_wire_send(s->sock, text, strlen(text), &ends[1], 1);
	(void)close(ends[1]);
	p.fd = ends[0];
	do
		n = sent < 0 ? -1 : poll(&p, 1, CTL_LOCAL_TIMEOUT_MS);
	while (n < 0 && sent >= 0 && errno == EINTR);
	(void)close(ends[0]);
	return sent < 0 ? (int)sent : n > 0 ? 0 : -ETIMEDOUT;
}

static void
store_drop(struct ctl_keep *keep, const struct ctl_kept *kept)
{
	char name[64], text[128];

	for (unsigned i = 0; i < kept->count; i++) {
		name_of(kept, i, name, sizeof(name));
		(void)snprintf(
		    text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
		(void)ctl_wire_send(
		    store_of(keep)->sock, text, strlen(text), NULL, 0);
	}
}

static int
store_put(
    struct ctl_keep *keep, const struct ctl_kept *kept, struct epair_err *err)
{
	struct store *s = store_of(keep);
	char name[64], text[128];
	int error = 0;

	for (unsigned i = 0; i < kept->count && error == 0; i++) {
		ssize_t n;

		name_of(kept, i, name, sizeof(name));
		/* A TAP whose namespace is gone polls with errors for ever. */
		(void)snprintf(
		    text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
		n = ctl_wire_send(
		    s->sock, text, strlen(text), &kept->fds[i].fd, 1);
		error = n < 0 ? (int)n : 0;
	}
	if (error == 0)
		error = await(s);
	if (error == 0)
		return 0;
	store_drop(keep, kept);
	return ctl_fail(err, error, "systemd's store of descriptors: %s",
	    strerrordesc_np(-error));
}

/* Take "epair.TOKEN.N.NAME" apart; false if it is none of ours. */
static bool
read_name(
    const char *text, struct ctl_kept *kept, unsigned *at, const char **name)
{
	const char *token = text + strlen(PREFIX), *dot;
	char *rest;

	if (strncmp(text, PREFIX, strlen(PREFIX)) != 0 ||
	    (dot = strchr(token, '.')) == NULL ||
	    (size_t)(dot - token) >= sizeof(kept->token))
		return false;
	memset(kept->token, 0, sizeof(kept->token));
	memcpy(kept->token, token, (size_t)(dot - token));
	*at = (unsigned)strtoul(dot + 1, &rest, 10);
	if (*rest != '.' || *at >= CTL_KEEP_FDS_MAX)
		return false;
	*name = ctl_kept_name(rest + 1);
	return *name != NULL;
}

/* One of what we were started with: (i) in LISTEN_FDNAMES. */
struct inherited {
	struct ctl_kept kept; /* its token */
	unsigned at;
	const char *name;
	int fd;
};

/* Those of ours, by token and place. */
static int
compare(const void *a, const void *b)
{
	const struct inherited *x = a, *y = b;
	int order = strcmp(x->kept.token, y->kept.token);

	return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static size_t
gather(struct inherited *all, size_t max)
{
	char *names = getenv("LISTEN_FDNAMES"), *copy, *save = NULL, *name;
	size_t n = 0;
	int fd = LISTEN_FDS_START;

	copy = names != NULL ? strdup(names) : NULL;
	if (copy == NULL)
		return 0;
	for (name = strtok_r(copy, ":", &save); name != NULL && n < max;
	     name = strtok_r(NULL, ":", &save), fd++)
		if (read_name(name, &all[n].kept, &all[n].at, &all[n].name)) {
			(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
			all[n++].fd = fd;
		}
	free(copy);
	return n;
}

static int
store_fetch(struct ctl_keep *keep,
    void (*got)(void *arg, struct ctl_kept *kept), void *arg,
    struct epair_err *err)
{
	const char *text = getenv("LISTEN_FDS");
	size_t max = text != NULL ? strtoul(text, NULL, 10) : 0, n;
	struct inherited *all;

	(void)keep;
	if (max == 0 || max > 1u << 20)
		return 0;
	all = calloc(max, sizeof(*all));
	if (all == NULL)
		return ctl_fail(err, -ENOMEM, "no memory for descriptors");
	n = gather(all, max);
	qsort(all, n, sizeof(*all), compare);
	for (size_t i = 0, j; i < n; i = j) {
		struct ctl_kept *kept = &all[i].kept;

		for (j = i; j < n && kept->count < CTL_KEEP_FDS_MAX &&
			    strcmp(all[j].kept.token, kept->token) == 0;
		     j++)
			kept->fds[kept->count++] =
			    (struct epair_fd){ all[j].name, all[j].fd };
		got(arg, kept);
	}
	free(all);
	return 0;
}

/* systemd itself forgets when the unit stops, and keeps when it restarts. */
static void
store_forget(struct ctl_keep *keep)
{
	(void)keep;
}

static int
store_again(struct ctl_keep *keep, struct epair_err *err)
{
	(void)keep;
	(void)err;
	return 0;
}

static void
store_close(struct ctl_keep *keep)
{
	(void)close(store_of(keep)->sock);
	free(keep);
}

static const struct ctl_keep_ops store_ops = {
	.put = store_put,
	.drop = store_drop,
	.fetch = store_fetch,
	.forget = store_forget,
	.again = store_again,
	.close = store_close,
};

static int
connect_to(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int sock, error;

	if ((*path != '/' && *path != '@') || len >= sizeof(sun.sun_path))
		return -EINVAL;
	memcpy(sun.sun_path, path, len);
	if (*path == '@')
		sun.sun_path[0] = '\0';
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	if (connect(sock, (struct sockaddr *)&sun,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0)
		return sock;
	error = -errno;
	(void)close(sock);
	return error;
}

int
ctl_keep_systemd(struct ctl_keep **keep, struct epair_err *err)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct store *s;
	int sock;

	if (path == NULL)
		return ctl_fail(err, -ENOENT,
		    "there is no systemd to keep descriptors "
		    "(NOTIFY_SOCKET is not set)");
	sock = connect_to(path);
	if (sock < 0)
		return ctl_fail(err, sock, "NOTIFY_SOCKET %.100s: %s", path,
		    strerrordesc_np(-sock));
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		(void)close(sock);
		return ctl_fail(err, -ENOMEM, "no memory for the keeper");
	}
	s->keep.ops = &store_ops;
	s->keep.fd = -1;
	s->sock = sock;
	*keep = &s->keep;
	return 0;
}
