/* SPDX-License-Identifier: BSD-2-Clause */
#include "link.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "child.h"

#define READY_SECONDS 10.0
#define TRIES         200 /* of 20 ms: until a program made its TAPs */

struct link {
	enum { CLOSED, OPEN, MISSING } state;
	int ns[2];
	int middle; /* the namespace of a relay, or -1 */
	char ns_path[2][64];
	pid_t cable;
	int input[2]; /* of a relay: a pipe that says nothing and stays open */
};

static struct link links[BENCH_LINKS];

static const char *const vde[] = { "vde_switch", "-s", "/mnt/vde", "-tap",
	"bench0", "-tap", "bench1", NULL };
static const char *const socat[] = { "socat",
	"TUN,tun-type=tap,iff-no-pi,tun-name=bench0",
	"TUN,tun-type=tap,iff-no-pi,tun-name=bench1", NULL };
static const char *const qemu[] = { "qemu-system-x86_64", "-M", "none",
	"-nodefaults", "-nographic", "-serial", "none", "-monitor", "none",
	"-netdev", "tap,id=a,ifname=bench0,script=no,downscript=no", "-netdev",
	"tap,id=b,ifname=bench1,script=no,downscript=no", "-netdev",
	"hubport,id=ha,hubid=0,netdev=a", "-netdev",
	"hubport,id=hb,hubid=0,netdev=b", NULL };

static bool
ip(int ns, const char *batch)
{
	static const char *const argv[] = { "ip", "-batch", "-", NULL };
	size_t len = strlen(batch);
	bool done;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return false;
	done = write(fds[1], batch, len) == (ssize_t)len;
	(void)close(fds[1]);
	done = done && bench_run(ns, fds[0], argv);
	(void)close(fds[0]);
	return done;
}

/* Both ends are in their namespaces as bench0 and bench1: address them. */
static bool
address(struct link *l)
{
	return ip(l->ns[0], "addr add " BENCH_ADDR_A "/24 dev bench0\n"
			    "link set lo up\nlink set bench0 up\n") &&
	       ip(l->ns[1], "addr add " BENCH_ADDR_B "/24 dev bench1\n"
			    "link set lo up\nlink set bench1 up\n");
}

static bool
join_veth(struct link *l)
{
	char batch[256];

	(void)snprintf(batch, sizeof(batch),
	    "link add bench0 type veth peer name bench1 netns %.63s\n",
	    l->ns_path[1]);
	return ip(l->ns[0], batch) && address(l);
}

/* A program makes two TAPs in a namespace of its own; we move them. */
static bool
join_relay(struct link *l, const char *const argv[])
{
	char batch[2][256];
	bool moved[2] = { false, false };

	l->middle = bench_new_netns();
	if (l->middle < 0 || pipe2(l->input, O_CLOEXEC) != 0)
		return false;
	l->cable = bench_start(l->middle, l->input[0], -1, argv);
	for (unsigned i = 0; i < 2; i++)
		(void)snprintf(batch[i], sizeof(batch[i]),
		    "link set bench%u netns %.63s\n", i, l->ns_path[i]);
	for (unsigned i = 0; i < TRIES && !(moved[0] && moved[1]); i++) {
		(void)usleep(20000);
		for (unsigned end = 0; end < 2; end++)
			moved[end] = moved[end] || ip(l->middle, batch[end]);
	}
	return moved[0] && moved[1] && address(l);
}

static bool
join_epair(struct link *l, const char *kind, bool captured)
{
	char path[PATH_MAX], spec[2][128], ready[16];
	const char *argv[16] = { path, "run", "--ready-fd", ready, spec[0],
		spec[1] };
	int n = 6, fds[2];
	bool is_ready;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return false;
	bench_path_of("../cli/epair", path, sizeof(path));
	(void)snprintf(ready, sizeof(ready), "%d", fds[1]);
	for (unsigned i = 0; i < 2; i++)
		(void)snprintf(spec[i], sizeof(spec[i]),
		    "%s:netns=%s,addr=%s/24", kind, l->ns_path[i],
		    i == 0 ? BENCH_ADDR_A : BENCH_ADDR_B);
	if (captured) {
		argv[n++] = "--capture";
		argv[n++] = "/dev/null";
		argv[n++] = "--filter";
		argv[n++] = "ether proto 0x88b5";
	}
	l->cable = bench_start(-1, -1, fds[1], argv);
	(void)close(fds[1]);
	is_ready = bench_readable(fds[0], READY_SECONDS) &&
		   read(fds[0], ready, 1) == 1;
	(void)close(fds[0]);
	return is_ready;
}

static bool
join(struct link *l, enum bench_link which)
{
	switch (which) {
	case BENCH_TAP:
	case BENCH_TAP_CAPTURED:
		return join_epair(l, "tap", which == BENCH_TAP_CAPTURED);
	case BENCH_VETH:
		return join_epair(l, "veth", false);
	case BENCH_KERNEL_VETH:
		return join_veth(l);
	case BENCH_VDE:
		return join_relay(l, vde);
	case BENCH_SOCAT:
		return join_relay(l, socat);
	case BENCH_QEMU_HUB:
		return join_relay(l, qemu);
	case BENCH_LINKS:
		break;
	}
	return false;
}

/* What is needed and not there, or NULL. */
static const char *
lacks(enum bench_link which)
{
	static const char *const programs[BENCH_LINKS] = {
		[BENCH_VDE] = "vde_switch",
		[BENCH_SOCAT] = "socat",
		[BENCH_QEMU_HUB] = "qemu-system-x86_64",
	};

	if (geteuid() != 0)
		return "namespaces need root";
	if (!bench_have("ip"))
		return "ip is not installed";
	if (which != BENCH_KERNEL_VETH && which != BENCH_VETH &&
	    access("/dev/net/tun", R_OK | W_OK))
		return "/dev/net/tun cannot be opened";
	if (programs[which] != NULL && !bench_have(programs[which]))
		return "it is not installed";
	return NULL;
}

static void
close_link(struct link *l)
{
	const int fds[] = { l->ns[0], l->ns[1], l->middle, l->input[0],
		l->input[1] };

	bench_end(l->cable);
	for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

static bool
open_link(struct link *l, enum bench_link which)
{
	*l = (struct link){
		.ns = { -1, -1 }, .middle = -1, .cable = -1, .input = { -1, -1 }
	};
	for (unsigned i = 0; i < 2; i++) {
		l->ns[i] = bench_new_netns();
		if (l->ns[i] < 0)
			return false;
		(void)snprintf(l->ns_path[i], sizeof(l->ns_path[i]),
		    "/proc/%d/fd/%d", (int)getpid(), l->ns[i]);
	}
	return join(l, which);
}

enum bench_result
bench_link(enum bench_link which, int ns[2])
{
	static const char *const names[BENCH_LINKS] = { "the TAP cable",
		"the captured TAP cable", "a kernel veth", "vde_switch",
		"socat", "QEMU's hub" };
	struct link *l = &links[which];
	const char *lack = l->state == CLOSED ? lacks(which) : NULL;

	if (lack != NULL) {
		l->state = MISSING;
		return bench_missing(names[which], lack);
	}
	if (l->state == CLOSED) {
		bool opened = open_link(l, which);

		l->state = opened ? OPEN : MISSING;
		if (!opened) {
			close_link(l);
			return bench_missing(
			    names[which], "it could not be set up here");
		}
	}
	ns[0] = l->ns[0];
	ns[1] = l->ns[1];
	return l->state == OPEN ? BENCH_OK : BENCH_MISSING;
}

void
bench_close_links(void)
{
	for (struct link *l = links; l < links + BENCH_LINKS; l++) {
		if (l->state == OPEN)
			close_link(l);
		l->state = CLOSED;
	}
}
