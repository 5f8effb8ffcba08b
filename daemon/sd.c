/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling systemd, or whoever set NOTIFY_SOCKET: a datagram for each thing, as
 * sd_notify(3) says. That is all of it, so its library is not needed.
 */
#include "daemon/daemon.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/loop.h"

static int sock = -1;
static uint64_t watchdog_ns; /* how often it wants to hear; 0: not */
static struct ctl_loop *loop;
static struct ctl_timer timer;

void
sd_tell(const char *what)
{
	if (sock >= 0)
		(void)send(sock, what, strlen(what), MSG_NOSIGNAL);
}

static void
alive(struct ctl_timer *t)
{
	sd_tell("WATCHDOG=1");
	ctl_timer_set(loop, t, watchdog_ns / 2);
}

/* WATCHDOG_USEC, if it is meant for us. */
static uint64_t
find_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"),
		   *pid = getenv("WATCHDOG_PID");

	if (usec == NULL ||
	    (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	return strtoull(usec, NULL, 10) * 1000;
}

void
sd_begin(struct ctl_loop *l)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char ready[48];
	size_t len;

	if (path == NULL || strlen(path) >= sizeof(sun.sun_path) ||
	    (*path != '/' && *path != '@'))
		return;
	len = strlen(path);
	memcpy(sun.sun_path, path, len);
	/* An abstract one is written with an @. */
	if (*path == '@')
		sun.sun_path[0] = '\0';
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return;
	if (connect(sock, (struct sockaddr *)&sun,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) !=
	    0) {
		(void)close(sock);
		sock = -1;
		return;
	}
	/* Who has taken over from another is the one to be looked after now. */
	(void)snprintf(
	    ready, sizeof(ready), "MAINPID=%ld\nREADY=1", (long)getpid());
	sd_tell(ready);
	loop = l;
	watchdog_ns = find_watchdog();
	timer.fire = alive;
	if (watchdog_ns > 0)
		alive(&timer);
}

void
sd_end(void)
{
	sd_tell("STOPPING=1");
	if (loop != NULL)
		ctl_timer_cancel(loop, &timer);
}
