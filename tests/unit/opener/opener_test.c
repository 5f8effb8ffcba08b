/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The opener as the library sees it: a request, and what comes of it in the
 * namespaces of this machine. The test itself stands in namespaces of its own,
 * with a /run/netns and a /dev/net of its own, so that the machine's are never
 * touched.
 */
#include "attach/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RED "ep-opener-red"

struct world {
	struct epair ep;
	struct ep_opener_call call;
	struct epair_err err;
};

static void
run(const char *command)
{
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static bool
says(const char *command)
{
	return system(command) == 0;
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	ep_mutex_init(&w->ep.lock);
	w->call.req.op = EP_OPENER_OPEN_TAP;
	w->call.req.queues = 1;
	strcpy(w->call.req.ifname, "epair0a");
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	ep_opener_close_got(&w->call);
	ep_opener_stop(&w->ep);
	/* Nothing of it is left to be waited for. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	ep_mutex_fini(&w->ep.lock);
	free(w);
	return 0;
}

static int
ask_with(struct world *w, const int *fds, unsigned fd_count)
{
	ep_opener_close_got(&w->call);
	memcpy(w->call.fds, fds, fd_count * sizeof(*fds));
	w->call.fd_count = fd_count;
	return ep_opener_ask(&w->ep, &w->call, &w->err);
}

static int
ask(struct world *w)
{
	return ask_with(w, w->call.fds, 0);
}

static struct ep_addr
addr4(uint8_t last, uint8_t prefix)
{
	return (struct ep_addr){ .family = AF_INET,
		.prefix = prefix,
		.octets = { 10, 9, 8, last } };
}

static struct ep_addr
addr6(uint8_t last, uint8_t prefix)
{
	struct ep_addr addr = { .family = AF_INET6, .prefix = prefix };

	addr.octets[0] = 0xfd;
	addr.octets[15] = last;
	return addr;
}

static void
hello_is_answered(void **state)
{
	struct world *w = *state;

	assert_int_equal(ep_opener_start(&w->ep, &w->err), 0);
	assert_int_equal(ep_opener_start(&w->ep, &w->err), 0);
}

static void
a_tap_stands_in_its_namespace_as_asked_for(void **state)
{
	struct world *w = *state;

	w->call.req.flags = EP_OPENER_MTU | EP_OPENER_MAC | EP_OPENER_UP;
	w->call.req.mtu = 9000;
	memcpy(w->call.req.mac, "\x02\x11\x22\x33\x44\x0a", 6);
	w->call.req.addrs[0] = addr4(1, 24);
	w->call.req.addrs[1] = addr6(1, 64);
	w->call.req.addr_count = 2;
	w->call.req.gws[0] = addr4(2, 32);
	w->call.req.gws[1] = addr6(2, 128);
	w->call.req.gw_count = 2;
	strcpy(w->call.req.netns, RED);
	assert_int_equal(ask(w), 0);
	assert_int_equal(w->call.got_count, 3);
	assert_int_equal(w->call.answer.mtu, 9000);
	assert_memory_equal(w->call.answer.mac, w->call.req.mac, 6);
	assert_true((w->call.answer.ifflags & IFF_UP) != 0);
	assert_string_equal(w->call.answer.ifname, "epair0a");
	run("ip -n " RED " link show epair0a | "
	    "grep -q '<.*[,<]UP[,>].*mtu 9000 '");
	run("ip -n " RED " link show epair0a | grep -q 02:11:22:33:44:0a");
	run("ip -n " RED " addr show epair0a | "
	    "grep -q 'inet 10.9.8.1/24 brd 10.9.8.255'");
	run("ip -n " RED " addr show epair0a | grep -q 'inet6 fd00::1/64'");
	run("ip -n " RED " route | grep -q 'default via 10.9.8.2'");
	run("ip -n " RED " -6 route | grep -q 'default via fd00::2'");
}

static void
a_tap_is_gone_with_its_descriptors(void **state)
{
	struct world *w = *state;

	strcpy(w->call.req.netns, RED);
	assert_int_equal(ask(w), 0);
	run("ip -n " RED " link show epair0a >/dev/null");
	ep_opener_close_got(&w->call);
	assert_false(says("ip -n " RED " link show epair0a >/dev/null 2>&1"));
}

static void
an_interface_that_is_not_up_gets_a_device_that_is_not(void **state)
{
	struct world *w = *state;

	w->call.req.flags = EP_OPENER_NO_CARRIER;
	w->call.req.addrs[0] = addr4(1, 24);
	w->call.req.addr_count = 1;
	w->call.req.gws[0] = addr4(2, 32);
	w->call.req.gw_count = 1;
	strcpy(w->call.req.netns, RED);
	assert_int_equal(ask(w), 0);
	assert_true((w->call.answer.ifflags & IFF_UP) == 0);

	/* The gateway waits until then. */
	w->call.req.op = EP_OPENER_SET_LINK;
	w->call.req.flags = EP_OPENER_UP | EP_OPENER_NETNS_FD;
	w->call.req.ifindex = w->call.answer.ifindex;
	int kept[3] = { w->call.got[0], w->call.got[1], w->call.got[2] };
	w->call.got_count = 0;
	assert_int_equal(ask_with(w, kept, 1), 0);
	assert_true((w->call.answer.ifflags & IFF_UP) != 0);
	run("ip -n " RED " route | grep -q 'default via 10.9.8.2'");
	run("ip -n " RED " link show epair0a | grep -q NO-CARRIER");
	for (int i = 0; i < 3; i++)
		(void)close(kept[i]);
}

static void
an_unknown_namespace_is_named_and_where_it_was_looked_for(void **state)
{
	struct world *w = *state;

	strcpy(w->call.req.netns, "ep-nowhere");
	assert_int_equal(ask(w), -ENOENT);
	assert_string_equal(w->err.text,
	    "no network namespace named ep-nowhere (looked for "
	    "/run/netns/ep-nowhere)");
	strcpy(w->call.req.netns, "/nowhere/at/all");
	assert_int_equal(ask(w), -ENOENT);
	assert_string_equal(w->err.text,
	    "cannot open /nowhere/at/all: No such file or directory");
}

static void
a_file_that_is_no_namespace_is_refused(void **state)
{
	struct world *w = *state;

	strcpy(w->call.req.netns, "/etc/passwd");
	assert_int_equal(ask(w), -EINVAL);
	assert_string_equal(
	    w->err.text, "namespace /etc/passwd is no network namespace");
}

static void
a_name_that_is_taken_is_left_alone(void **state)
{
	struct world *w = *state;

	run("ip -n " RED " tuntap add dev epair0a mode tap");
	strcpy(w->call.req.netns, RED);
	assert_int_equal(ask(w), -EEXIST);
	assert_string_equal(w->err.text,
	    "there is already an interface epair0a in namespace " RED);
	run("ip -n " RED " link del epair0a");
}

static void
a_tap_that_was_made_to_last_is_taken_when_allowed(void **state)
{
	struct world *w = *state;

	run("ip -n " RED " tuntap add dev epair0a mode tap");
	strcpy(w->call.req.netns, RED);
	w->call.req.flags = EP_OPENER_REUSE | EP_OPENER_MTU;
	w->call.req.mtu = 1400;
	assert_int_equal(ask(w), 0);
	assert_int_equal(w->call.answer.refused, EP_OPENER_REUSE);
	assert_int_equal(w->call.answer.mtu, 1400);

	/* Once. */
	int kept[3] = { w->call.got[0], w->call.got[1], w->call.got[2] };
	w->call.got_count = 0;
	assert_int_equal(ask(w), -EBUSY);
	for (int i = 0; i < 3; i++)
		(void)close(kept[i]);
	run("ip -n " RED " link del epair0a");
}

static void
what_fails_halfway_leaves_nothing(void **state)
{
	struct world *w = *state;

	strcpy(w->call.req.netns, RED);
	w->call.req.flags = EP_OPENER_UP;
	w->call.req.addrs[0] = addr4(1, 24);
	w->call.req.addr_count = 1;
	w->call.req.gws[0] = addr4(2, 32);
	w->call.req.gws[0].octets[0] = 192;
	w->call.req.gw_count = 1;
	assert_int_equal(ask(w), -ENETUNREACH);
	assert_string_equal(
	    w->err.text, "gw=192.9.8.2 is in none of the subnets of addr=");
	assert_false(says("ip -n " RED " link show epair0a >/dev/null 2>&1"));

	/* A device that was there keeps nothing of it either. */
	run("ip -n " RED " tuntap add dev epair0a mode tap");
	w->call.req.flags |= EP_OPENER_REUSE;
	assert_int_equal(ask(w), -ENETUNREACH);
	assert_false(
	    says("ip -n " RED " addr show epair0a | grep -q 10.9.8.1"));
	run("ip -n " RED " link del epair0a");
}

static void
an_mtu_that_no_tap_takes_is_an_error(void **state)
{
	struct world *w = *state;

	strcpy(w->call.req.netns, RED);
	w->call.req.flags = EP_OPENER_MTU;
	w->call.req.mtu = 65535;
	assert_int_equal(ask(w), -EINVAL);
	assert_non_null(
	    strstr(w->err.text, "epair0a cannot have an MTU of 65535"));
}

static void
a_process_names_its_namespace(void **state)
{
	struct world *w = *state;
	int go[2];
	char octet;
	pid_t pid;

	assert_int_equal(pipe(go), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)unshare(CLONE_NEWNET);
		(void)!write(go[1], "x", 1);
		(void)pause();
		_exit(0);
	}
	assert_int_equal(read(go[0], &octet, 1), 1);
	(void)snprintf(
	    w->call.req.netns, sizeof(w->call.req.netns), "%d", (int)pid);
	assert_int_equal(ask(w), 0);
	assert_true((w->call.answer.fds & EP_OPENER_FD_PROCESS) != 0);

	/* The descriptor says when it ends; and then it names nothing. */
	struct pollfd p = { .fd = w->call.got[2], .events = POLLIN };
	assert_int_equal(poll(&p, 1, 0), 0);
	(void)kill(pid, SIGKILL);
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(ask(w), -ESRCH);
	assert_non_null(strstr(w->err.text, "there is no process "));
	(void)close(go[0]);
	(void)close(go[1]);
}

static void
a_new_namespace_lives_by_its_descriptor(void **state)
{
	struct world *w = *state;

	strcpy(w->call.req.netns, "new");
	assert_int_equal(ask(w), 0);
	int kept[3] = { w->call.got[0], w->call.got[1], w->call.got[2] };
	uint32_t ifindex = w->call.answer.ifindex;
	w->call.got_count = 0;

	memset(&w->call.req, 0, sizeof(w->call.req));
	w->call.req.op = EP_OPENER_SET_LINK;
	w->call.req.ifindex = ifindex;
	w->call.req.flags = EP_OPENER_NETNS_FD | EP_OPENER_NAME | EP_OPENER_MTU;
	w->call.req.mtu = 1300;
	strcpy(w->call.req.ifname, "left");
	assert_int_equal(ask_with(w, kept, 1), 0);
	assert_string_equal(w->call.answer.ifname, "left");
	assert_int_equal(w->call.answer.mtu, 1300);

	/* Another in the same one. */
	memset(&w->call.req, 0, sizeof(w->call.req));
	w->call.req.op = EP_OPENER_OPEN_TAP;
	w->call.req.queues = 1;
	w->call.req.flags = EP_OPENER_NETNS_FD;
	strcpy(w->call.req.ifname, "left");
	assert_int_equal(ask_with(w, kept, 1), -EEXIST);
	strcpy(w->call.req.ifname, "right");
	assert_int_equal(ask_with(w, kept, 1), 0);
	for (int i = 0; i < 3; i++)
		(void)close(kept[i]);
}

static void
every_queue_is_a_descriptor_and_none_survives_exec(void **state)
{
	struct world *w = *state;

	w->call.req.queues = 4;
	assert_int_equal(ask(w), 0);
	assert_int_equal(w->call.got_count, 6);
	for (unsigned i = 0; i < w->call.got_count; i++)
		assert_true((fcntl(w->call.got[i], F_GETFD) & FD_CLOEXEC) != 0);
	for (unsigned i = 2; i < w->call.got_count; i++) {
		struct ifreq ifr = { 0 };

		assert_int_equal(ioctl(w->call.got[i], TUNGETIFF, &ifr), 0);
		assert_true((ifr.ifr_flags & IFF_VNET_HDR) != 0);
		assert_true((fcntl(w->call.got[i], F_GETFL) & O_NONBLOCK) != 0);
	}
}

static void
a_tap_handed_over_tells_where_it_is(void **state)
{
	struct world *w = *state;

	strcpy(w->call.req.netns, RED);
	assert_int_equal(ask(w), 0);
	int kept[3] = { w->call.got[0], w->call.got[1], w->call.got[2] };
	uint32_t ifindex = w->call.answer.ifindex;
	w->call.got_count = 0;

	*w->call.req.netns = '\0';
	w->call.req.flags = EP_OPENER_USE_FD | EP_OPENER_MTU;
	w->call.req.mtu = 1234;
	assert_int_equal(ask_with(w, &kept[2], 1), 0);
	assert_int_equal(w->call.answer.ifindex, ifindex);
	assert_int_equal(w->call.answer.mtu, 1234);
	assert_int_equal(w->call.got_count, 3);

	assert_int_equal(ask_with(w, &kept[1], 1), -EINVAL);
	assert_string_equal(w->err.text, "fd= is not the descriptor of a TAP");
	for (int i = 0; i < 3; i++)
		(void)close(kept[i]);
}

/* In there: got[0] is the device's namespace, got[2] that of the far end. */
static bool
says_at(const struct world *w, unsigned got, const char *command)
{
	char line[256];

	(void)snprintf(line, sizeof(line),
	    "nsenter --net=/proc/%d/fd/%d %s >/dev/null 2>&1", (int)getpid(),
	    w->call.got[got], command);
	return says(line);
}

static void
a_veth_has_its_far_end_where_nothing_else_is(void **state)
{
	struct world *w = *state;

	w->call.req.op = EP_OPENER_OPEN_VETH;
	w->call.req.queues = 2;
	w->call.req.flags = EP_OPENER_MTU | EP_OPENER_MAC | EP_OPENER_UP;
	w->call.req.mtu = 9000;
	memcpy(w->call.req.mac, "\x02\x11\x22\x33\x44\x0a", 6);
	w->call.req.addrs[0] = addr4(1, 24);
	w->call.req.addr_count = 1;
	strcpy(w->call.req.netns, RED);
	assert_int_equal(ask(w), 0);
	/* Two namespaces, a route socket in each, two packet sockets. */
	assert_int_equal(w->call.got_count, 6);
	assert_int_equal(w->call.answer.queues, 2);
	assert_int_equal(w->call.answer.mtu, 9000);
	assert_memory_equal(w->call.answer.mac, w->call.req.mac, 6);
	assert_true((w->call.answer.ifflags & IFF_UP) != 0);
	run("ip -n " RED " addr show epair0a | grep -q 10.9.8.1/24");
	run("ip -n " RED " link show epair0a | grep -q LOWER_UP");
	assert_true(says_at(w, 2, "ip link show far"));
	assert_false(says_at(w, 2, "ip addr show far | grep inet"));
	assert_false(says_at(w, 2, "ip link show epair0a"));
	ep_opener_close_got(&w->call);
	/* It goes with the far end's namespace, when the kernel comes to it. */
	while (says("ip -n " RED " link show epair0a >/dev/null 2>&1"))
		(void)usleep(1000);
}

static void
carrier_of_a_veth_is_its_far_end_being_up(void **state)
{
	struct world *w = *state;
	int far;

	w->call.req.op = EP_OPENER_OPEN_VETH;
	w->call.req.flags = EP_OPENER_UP | EP_OPENER_NO_CARRIER;
	strcpy(w->call.req.netns, RED);
	assert_int_equal(ask(w), 0);
	run("ip -n " RED " link show epair0a | grep -q NO-CARRIER");
	far = dup(w->call.got[2]);
	w->call.req.op = EP_OPENER_SET_LINK;
	w->call.req.ifindex = w->call.answer.far_ifindex;
	w->call.req.flags = EP_OPENER_NETNS_FD | EP_OPENER_UP;
	assert_int_equal(ask_with(w, &far, 1), 0);
	assert_true((w->call.answer.ifflags & IFF_UP) != 0);
	w->call.req.flags = EP_OPENER_NETNS_FD | EP_OPENER_DOWN;
	assert_int_equal(ask_with(w, &far, 1), 0);
	assert_true((w->call.answer.ifflags & IFF_UP) == 0);
	w->call.req.flags = EP_OPENER_NETNS_FD | EP_OPENER_DELETE;
	assert_int_equal(ask_with(w, &far, 1), 0);
	assert_false(says("ip -n " RED " link show epair0a >/dev/null 2>&1"));
	(void)close(far);
}

static void
a_veth_takes_no_name_that_is_taken_or_a_pattern(void **state)
{
	struct world *w = *state;

	w->call.req.op = EP_OPENER_OPEN_VETH;
	strcpy(w->call.req.netns, RED);
	strcpy(w->call.req.ifname, "lo");
	assert_int_equal(ask(w), -EEXIST);
	assert_string_equal(
	    w->err.text, "there is already an interface lo in namespace " RED);
	strcpy(w->call.req.ifname, "veth%d");
	assert_int_equal(ask(w), -EINVAL);
}

static void
nonsense_is_refused(void **state)
{
	struct world *w = *state;

	w->call.req.op = 77;
	assert_int_equal(ask(w), -EPROTO);
	w->call.req.op = EP_OPENER_OPEN_TAP;
	w->call.req.queues = EP_OPENER_QUEUES_MAX + 1;
	assert_int_equal(ask(w), -EPROTO);
	w->call.req.queues = 1;
	w->call.req.flags = EP_OPENER_NETNS_FD;
	assert_int_equal(ask(w), -EPROTO);
	w->call.req.flags = 0;
	memset(w->call.req.netns, 'x', sizeof(w->call.req.netns));
	assert_int_equal(ask(w), -EPROTO);
	memset(w->call.req.netns, 0, sizeof(w->call.req.netns));
	strcpy(w->call.req.ifname, "tap%d");
	assert_int_equal(ask(w), -EINVAL);
}

/* The child of ours that is the opener. */
static pid_t
opener_pid(pid_t parent)
{
	char path[64], text[256] = "";
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
	    (int)parent, (int)parent);
	f = fopen(path, "re");
	assert_non_null(f);
	(void)!fgets(text, sizeof(text), f);
	(void)fclose(f);
	return (pid_t)atoi(text);
}

static void
an_opener_that_died_is_started_again(void **state)
{
	struct world *w = *state;
	pid_t pid;

	assert_int_equal(ep_opener_start(&w->ep, &w->err), 0);
	pid = opener_pid(getpid());
	assert_true(pid > 0);
	(void)kill(pid, SIGINT);
	(void)kill(pid, SIGTERM);
	assert_int_equal(ep_opener_start(&w->ep, &w->err), 0);
	assert_int_equal(opener_pid(getpid()), pid);
	(void)kill(pid, SIGSTOP);
	(void)kill(opener_pid(pid), SIGKILL);
	(void)kill(pid, SIGKILL);
	assert_int_equal(ask(w), 0);
	assert_int_not_equal(opener_pid(getpid()), pid);
}

/* So a program that may start no other goes on. */
static void
what_serves_is_replaced_when_it_dies(void **state)
{
	struct world *w = *state;
	pid_t pid, server;

	assert_int_equal(ep_opener_start(&w->ep, &w->err), 0);
	pid = opener_pid(getpid());
	for (int i = 0; i < 3; i++) {
		server = opener_pid(pid);
		assert_true(server > 0);
		(void)kill(server, SIGKILL);
		assert_int_equal(ask(w), 0);
		assert_int_not_equal(opener_pid(pid), server);
		assert_int_equal(opener_pid(getpid()), pid);
	}
	/* The other goes on without the one that waits for it. */
	server = opener_pid(pid);
	(void)kill(pid, SIGKILL);
	assert_int_equal(ask(w), 0);
	assert_int_equal(kill(server, 0), 0);
}

/* A request that never ends: its namespace is a FIFO that nobody writes to. */
static void *
ask_for_long(void *arg)
{
	struct world *w = arg;
	int *error = malloc(sizeof(*error));

	*error = ask(w);
	return error;
}

static void
request_that_it_dies_of_is_refused_at_once(void **state)
{
	struct world *w = *state;
	char path[] = "/tmp/epair-opener-XXXXXX";
	pthread_t thread;
	pid_t server;
	void *error;

	assert_non_null(mkdtemp(path));
	(void)snprintf(
	    w->call.req.netns, sizeof(w->call.req.netns), "%s/fifo", path);
	assert_int_equal(mkfifo(w->call.req.netns, 0600), 0);
	assert_int_equal(ep_opener_start(&w->ep, &w->err), 0);
	server = opener_pid(opener_pid(getpid()));
	assert_int_equal(pthread_create(&thread, NULL, ask_for_long, w), 0);
	while (opener_pid(server) == 0)
		(void)usleep(1000);
	(void)kill(server, SIGKILL);
	assert_int_equal(pthread_join(thread, &error), 0);
	assert_int_equal(*(int *)error, -EPIPE);
	assert_non_null(strstr(w->err.text, "died of this request"));
	free(error);
	(void)unlink(w->call.req.netns);
	(void)rmdir(path);
	memset(w->call.req.netns, 0, sizeof(w->call.req.netns));
	assert_int_equal(ask(w), 0);
}

static void
the_opener_ends_with_the_program_that_started_it(void **state)
{
	struct world *w = *state;
	int tell[2];
	pid_t pid, opener = 0;

	assert_int_equal(pipe(tell), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)ep_opener_start(&w->ep, NULL);
		opener = opener_pid(getpid());
		(void)!write(tell[1], &opener, sizeof(opener));
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(
	    read(tell[0], &opener, sizeof(opener)), sizeof(opener));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	for (int i = 0; i < 5000 && kill(opener, 0) == 0; i++) {
		char path[64], text[256] = "";
		FILE *f;

		/* A zombie is init's to bury. */
		(void)snprintf(
		    path, sizeof(path), "/proc/%d/stat", (int)opener);
		f = fopen(path, "re");
		if (f == NULL)
			break;
		(void)!fgets(text, sizeof(text), f);
		(void)fclose(f);
		if (strstr(text, ") Z ") != NULL)
			break;
		assert_int_not_equal(i, 4999);
		(void)usleep(1000);
	}
	(void)close(tell[0]);
	(void)close(tell[1]);
}

static void
without_rights_the_reason_is_given_and_new_works(void **state)
{
	struct world *w = *state;
	int status = 1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		bool is_good = setgroups(0, NULL) == 0 &&
			       setresgid(65534, 65534, 65534) == 0 &&
			       setresuid(65534, 65534, 65534) == 0;

		is_good = is_good && ask(w) == -EPERM &&
			  strstr(w->err.text, "netns=new takes none") != NULL;
		strcpy(w->call.req.netns, RED);
		is_good = is_good && ask(w) == -EPERM &&
			  strcmp(w->err.text, "may not enter namespace " RED
					      ": Operation not permitted") == 0;
		strcpy(w->call.req.netns, "new");
		is_good = is_good && ask(w) == 0;
		if (is_good) {
			int kept = w->call.got[0];

			w->call.req.op = EP_OPENER_SET_LINK;
			w->call.req.flags = EP_OPENER_NETNS_FD | EP_OPENER_UP;
			w->call.req.ifindex = w->call.answer.ifindex;
			w->call.got_count = 0;
			is_good = ask_with(w, &kept, 1) == 0;
		}
		if (!is_good)
			(void)fprintf(stderr, "# %s\n", w->err.text);
		ep_opener_stop(&w->ep);
		_exit(is_good ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(hello_is_answered),
		T(a_tap_stands_in_its_namespace_as_asked_for),
		T(a_tap_is_gone_with_its_descriptors),
		T(an_interface_that_is_not_up_gets_a_device_that_is_not),
		T(an_unknown_namespace_is_named_and_where_it_was_looked_for),
		T(a_file_that_is_no_namespace_is_refused),
		T(a_name_that_is_taken_is_left_alone),
		T(a_tap_that_was_made_to_last_is_taken_when_allowed),
		T(what_fails_halfway_leaves_nothing),
		T(an_mtu_that_no_tap_takes_is_an_error),
		T(a_process_names_its_namespace),
		T(a_new_namespace_lives_by_its_descriptor),
		T(every_queue_is_a_descriptor_and_none_survives_exec),
		T(a_tap_handed_over_tells_where_it_is),
		T(a_veth_has_its_far_end_where_nothing_else_is),
		T(carrier_of_a_veth_is_its_far_end_being_up),
		T(a_veth_takes_no_name_that_is_taken_or_a_pattern),
		T(nonsense_is_refused),
		T(an_opener_that_died_is_started_again),
		T(what_serves_is_replaced_when_it_dies),
		T(request_that_it_dies_of_is_refused_at_once),
		T(the_opener_ends_with_the_program_that_started_it),
		T(without_rights_the_reason_is_given_and_new_works),
	};

	if (geteuid() != 0 || unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) {
		(void)printf("1..0 # SKIP takes root, for namespaces\n");
		return 0;
	}
	if (access("/dev/net/tun", F_OK) != 0) {
		(void)printf("1..0 # SKIP there is no /dev/net/tun\n");
		return 0;
	}
	run("mount --make-rprivate / && mkdir -p /run/netns && "
	    "mount -t tmpfs none /run/netns && "
	    "mount -t tmpfs none /dev/net && "
	    "mknod -m 666 /dev/net/tun c 10 200 && "
	    "ip netns add " RED);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
