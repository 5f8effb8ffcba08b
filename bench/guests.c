/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP that a guest sends: to a namespace of the host, or to another guest. What
 * has arrived is counted at the receiver, twice, some time apart. Guests are
 * booted when they are first asked for and kept: one that sends nothing sleeps.
 */
#include "guests.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "child.h"
#include "link.h"
#include "machine.h"

#define PORT          7777
#define WARM_USEC     500000
#define GUEST_SECONDS 2.0 /* of one measurement: TCG is slow and unsteady */
#define TRIES         200 /* of 20 ms */

struct setup {
	enum { CLOSED, OPEN, MISSING } state;
	int ns; /* of the host's end; -1: another guest has it */
	pid_t cable, sink;
	struct machine sender, receiver;
	char folder[32], path[2][64];
};

static struct setup setups[BENCH_GUESTS_MAX];
static uint64_t *received; /* octets; shared with the process that counts */

/* The host's end: whoever connects is read dry. */
static void
swallow(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(PORT) };
	static char chunk[256 << 10];
	int fd = socket(AF_INET, SOCK_STREAM, 0), conn, one = 1;
	ssize_t n;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    listen(fd, 4) != 0)
		_exit(1);
	while ((conn = accept(fd, NULL, NULL)) >= 0) {
		while ((n = read(conn, chunk, sizeof(chunk))) > 0)
			__atomic_fetch_add(
			    received, (uint64_t)n, __ATOMIC_RELAXED);
		(void)close(conn);
	}
	_exit(1);
}

static bool
start_epair(struct setup *s, const char *a, const char *b)
{
	char path[PATH_MAX], ready[16], octet;
	const char *argv[] = { path, "run", "--ready-fd", ready, a, b, NULL };
	bool is_ready;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return false;
	bench_path_of("../cli/epair", path, sizeof(path));
	(void)snprintf(ready, sizeof(ready), "%d", fds[1]);
	s->cable = bench_start(-1, -1, fds[1], argv);
	(void)close(fds[1]);
	is_ready = bench_readable(fds[0], 10) && read(fds[0], &octet, 1) == 1;
	(void)close(fds[0]);
	return is_ready;
}

static bool
await_path(const char *path)
{
	for (int i = 0; i < TRIES && access(path, F_OK) != 0; i++)
		(void)usleep(20000);
	return access(path, F_OK) == 0;
}

static bool
address(struct machine *m, const char *addr)
{
	char line[128];

	(void)snprintf(line, sizeof(line),
	    "ip addr add %s/24 dev eth0 && ip link set eth0 up", addr);
	return bench_machine_do(m, line, NULL, 0);
}

#define DEVICE "virtio-net-pci,netdev=n,mac=52:54:00:00:00:0"

static bool
join_vhost(struct setup *s)
{
	char a[128], b[128], chardev[128];
	const char *words[] = { "-object",
		"memory-backend-memfd,id=mem,size=160M,share=on", "-numa",
		"node,memdev=mem", "-chardev", chardev, "-netdev",
		"vhost-user,id=n,chardev=c", "-device", DEVICE "1,vectors=0",
		NULL };

	(void)snprintf(a, sizeof(a), "vhost:path=%s", s->path[0]);
	(void)snprintf(b, sizeof(b), "tap:netns=/proc/%d/fd/%d,addr=%s/24",
	    (int)getpid(), s->ns, BENCH_ADDR_B);
	(void)snprintf(
	    chardev, sizeof(chardev), "socket,id=c,path=%s", s->path[0]);
	return start_epair(s, a, b) && await_path(s->path[0]) &&
	       bench_machine_start(&s->sender, -1, words);
}

/* QEMU makes its TAP where it runs. */
static bool
join_tap(struct setup *s)
{
	static const char *const words[] = { "-netdev",
		"tap,id=n,ifname=bench0,script=no,downscript=no", "-device",
		DEVICE "1,vectors=0", NULL };
	static const char *const ip[][8] = {
		{ "ip", "addr", "add", BENCH_ADDR_B "/24", "dev", "bench0" },
		{ "ip", "link", "set", "bench0", "up" },
	};

	return bench_machine_start(&s->sender, s->ns, words) &&
	       bench_run(s->ns, -1, ip[0]) && bench_run(s->ns, -1, ip[1]);
}

/* Each guest's QEMU a server, and we between them; or one the other's client. */
static bool
join_stream(struct setup *s, bool directly)
{
	static const char receive[] = "nc -ll -p 7777 -e sh -c "
				      "'cat >/dev/null' >/dev/null 2>&1 &";
	char netdev[2][192], a[128], b[128];
	const char *words[2][5] = { { "-netdev", netdev[0], "-device",
					DEVICE "1" },
		{ "-netdev", netdev[1], "-device", DEVICE "2" } };

	for (int i = 0; i < 2; i++)
		(void)snprintf(netdev[i], sizeof(netdev[i]),
		    "stream,id=n,server=%s,addr.type=unix,addr.path=%s",
		    directly && i == 1 ? "off" : "on",
		    s->path[directly ? 0 : i]);
	(void)snprintf(a, sizeof(a), "qemu:path=%s,reconnect=50ms", s->path[0]);
	(void)snprintf(b, sizeof(b), "qemu:path=%s,reconnect=50ms", s->path[1]);
	return bench_machine_start(&s->sender, -1, words[0]) &&
	       bench_machine_start(&s->receiver, -1, words[1]) &&
	       (directly || start_epair(s, a, b)) &&
	       address(&s->receiver, BENCH_ADDR_B) &&
	       bench_machine_do(&s->receiver, receive, NULL, 0);
}

static bool
open_setup(struct setup *s, enum bench_guests which)
{
	bool is_host = which == BENCH_GUEST_VHOST || which == BENCH_GUEST_TAP;
	char folder[] = "/tmp/epair-bench-XXXXXX";
	bool joined;

	s->ns = is_host ? bench_new_netns() : -1;
	if ((is_host && s->ns < 0) || mkdtemp(folder) == NULL)
		return false;
	memcpy(s->folder, folder, sizeof(folder));
	for (int i = 0; i < 2; i++)
		(void)snprintf(
		    s->path[i], sizeof(s->path[i]), "%s/%d", folder, i);
	if (received == NULL)
		received = mmap(NULL, sizeof(*received), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (is_host && (s->sink = bench_fork(s->ns)) == 0)
		swallow();
	if (is_host)
		joined = which == BENCH_GUEST_VHOST ? join_vhost(s)
						    : join_tap(s);
	else
		joined = join_stream(s, which == BENCH_GUESTS_DIRECT);
	return joined && address(&s->sender, BENCH_ADDR_A);
}

static void
close_setup(struct setup *s)
{
	bench_machine_end(&s->sender);
	bench_machine_end(&s->receiver);
	if (s->cable > 0)
		bench_end(s->cable);
	if (s->sink > 0)
		bench_end(s->sink);
	if (s->ns >= 0)
		(void)close(s->ns);
	for (int i = 0; i < 2; i++)
		(void)unlink(s->path[i]);
	(void)rmdir(s->folder);
}

void
bench_close_guests(void)
{
	for (struct setup *s = setups; s < setups + BENCH_GUESTS_MAX; s++) {
		if (s->state == OPEN)
			close_setup(s);
		s->state = CLOSED;
	}
}

static const char *
lacks(void)
{
	if (geteuid() != 0)
		return "namespaces need root";
	if (!bench_have("qemu-system-x86_64"))
		return "QEMU is not installed";
	return bench_have_machines() ? NULL : "no kernel for a guest";
}

static struct setup *
setup_of(enum bench_guests which)
{
	static const char *const names[BENCH_GUESTS_MAX] = {
		[BENCH_GUEST_VHOST] = "a guest on a vhost",
		[BENCH_GUEST_TAP] = "a guest on QEMU's own tap",
		[BENCH_GUESTS_EPAIR] = "guests joined by us",
		[BENCH_GUESTS_DIRECT] = "guests joined directly",
	};
	struct setup *s = &setups[which];
	const char *lack;

	if (s->state == CLOSED) {
		lack = lacks();
		s->state = lack == NULL && open_setup(s, which) ? OPEN
								: MISSING;
		if (s->state == MISSING) {
			if (lack == NULL)
				close_setup(s);
			(void)bench_missing(names[which],
			    lack != NULL ? lack
					 : "it could not be set up here");
		}
	}
	return s->state == OPEN ? s : NULL;
}

static bool
count(struct setup *s, double *octets)
{
	char reply[128];

	if (s->receiver.pid <= 0) {
		*octets = (double)__atomic_load_n(received, __ATOMIC_RELAXED);
		return true;
	}
	if (!bench_machine_do(&s->receiver,
		"cat /sys/class/net/eth0/statistics/rx_bytes", reply,
		sizeof(reply)))
		return false;
	*octets = strtod(reply, NULL);
	return true;
}

enum bench_result
bench_guest_tcp(const struct bench_side *side, double *value)
{
	static const char send[] = "nc " BENCH_ADDR_B
				   " 7777 </dev/zero >/dev/null 2>&1 &";
	struct setup *s = setup_of(side->guests);
	double before, after, start, now;
	bool done;

	if (s == NULL)
		return BENCH_MISSING;
	done = bench_machine_do(&s->sender, send, NULL, 0);
	(void)usleep(WARM_USEC);
	done = done && count(s, &before);
	start = bench_seconds();
	(void)usleep((useconds_t)(GUEST_SECONDS * 1e6));
	done = done && count(s, &after);
	now = bench_seconds();
	(void)bench_machine_do(&s->sender, "killall nc", NULL, 0);
	if (!done || after <= before)
		return BENCH_FAILED;
	*value = (after - before) * 8 / (now - start) / 1e6;
	return BENCH_OK;
}
