/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP and UDP between two namespaces: a server in one, a client in the other,
 * each a process. One of them takes the time and says what it found; then both
 * are killed.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "link.h"

#define PORT         7777
#define WARM_SECONDS 0.15
#define MOST_SECONDS 10.0 /* that a measurement may take; then it failed */
#define CHUNK        (256u << 10)
#define UDP_OCTETS   22 /* a frame of 64 */
#define UDP_BURST    32
#define TRIPS_MAX    100000

/* What the two processes do; report is a pipe to us. */
struct traffic {
	void (*serve)(int report);
	void (*drive)(int report);
};

static struct sockaddr_in
address(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(PORT) };

	(void)inet_pton(AF_INET, BENCH_ADDR_B, &sin.sin_addr);
	return sin;
}

static void
say_ready(int report)
{
	if (write(report, "", 1) != 1)
		_exit(1);
}

static void
say_value(int report, double value)
{
	if (write(report, &value, sizeof(value)) != sizeof(value))
		_exit(1);
}

/*
 * The congestion control of every Debian, whatever this machine's default is:
 * BBR, for one, believes in 170 Gb/s over a kernel veth, whose timing it cannot
 * make sense of, and paces what goes through a process.
 */
static int
tcp_or_udp(int type)
{
	static const char cubic[] = "cubic";
	int fd = socket(AF_INET, type, 0);

	if (type == SOCK_STREAM)
		(void)setsockopt(
		    fd, IPPROTO_TCP, TCP_CONGESTION, cubic, sizeof(cubic) - 1);
	return fd;
}

static int
bound(int type)
{
	struct sockaddr_in sin = address();
	int fd = tcp_or_udp(type), size = 4 << 20, one = 1;

	/* The connection before may not have ended in full. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (type == SOCK_DGRAM)
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		_exit(1);
	return fd;
}

static int
accepted(int report)
{
	int fd = bound(SOCK_STREAM), one = 1;

	if (listen(fd, 1) != 0)
		_exit(1);
	say_ready(report);
	fd = accept(fd, NULL, NULL);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static int
connected(int type)
{
	struct sockaddr_in sin = address();
	int fd = tcp_or_udp(type), one = 1;

	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		_exit(1);
	if (type == SOCK_STREAM)
		(void)setsockopt(
		    fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static void
tcp_serve(int report)
{
	char *chunk = malloc(CHUNK);
	double start = 0, now, warm;
	int fd = accepted(report);
	uint64_t octets = 0;
	ssize_t n;

	warm = bench_seconds() + WARM_SECONDS;
	do {
		n = read(fd, chunk, CHUNK);
		if (n <= 0)
			_exit(1);
		now = bench_seconds();
		if (start > 0)
			octets += (uint64_t)n;
		else if (now > warm)
			start = now;
	} while (start <= 0 || now < start + BENCH_SECONDS);
	say_value(report, (double)octets * 8 / (now - start) / 1e9);
}

static void
tcp_drive(int report)
{
	char *chunk = calloc(1, CHUNK);
	int fd = connected(SOCK_STREAM);

	(void)report;
	while (write(fd, chunk, CHUNK) > 0)
		;
}

static void
udp_serve(int report)
{
	static char octets[UDP_BURST][UDP_OCTETS];
	static struct mmsghdr msgs[UDP_BURST];
	struct iovec iov[UDP_BURST];
	double start = 0, now, warm = 0;
	int fd = bound(SOCK_DGRAM);
	uint64_t datagrams = 0;

	for (unsigned i = 0; i < UDP_BURST; i++) {
		iov[i] = (struct iovec){ octets[i], UDP_OCTETS };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	say_ready(report);
	do {
		int n = recvmmsg(fd, msgs, UDP_BURST, MSG_WAITFORONE, NULL);

		if (n <= 0)
			_exit(1);
		now = bench_seconds();
		if (warm <= 0)
			warm = now + WARM_SECONDS;
		if (start > 0)
			datagrams += (unsigned)n;
		else if (now > warm)
			start = now;
	} while (start <= 0 || now < start + BENCH_SECONDS);
	say_value(report, (double)datagrams / (now - start) / 1e6);
}

static void
udp_drive(int report)
{
	static char octets[UDP_OCTETS];
	static struct mmsghdr msgs[UDP_BURST];
	struct iovec iov = { octets, UDP_OCTETS };
	int fd = connected(SOCK_DGRAM);

	(void)report;
	for (unsigned i = 0; i < UDP_BURST; i++) {
		msgs[i].msg_hdr.msg_iov = &iov;
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	for (;;)
		(void)sendmmsg(fd, msgs, UDP_BURST, 0);
}

static void
rr_serve(int report)
{
	int fd = accepted(report);
	char octet;

	while (read(fd, &octet, 1) == 1 && write(fd, &octet, 1) == 1)
		;
}

static void
rr_drive(int report)
{
	double *trips = calloc(TRIPS_MAX, sizeof(*trips)), start, now, before;
	int fd = connected(SOCK_STREAM);
	size_t n = 0;
	char octet = 0;

	start = bench_seconds() + WARM_SECONDS;
	for (;;) {
		before = bench_seconds();
		if (write(fd, &octet, 1) != 1 || read(fd, &octet, 1) != 1)
			_exit(1);
		now = bench_seconds();
		if (now > start + BENCH_SECONDS || n == TRIPS_MAX)
			break;
		if (before > start)
			trips[n++] = now - before;
	}
	say_value(report, bench_median(trips, n) * 1e6);
}

static pid_t
start(int ns, void (*work)(int report), int report)
{
	pid_t pid = bench_fork(ns);

	if (pid == 0) {
		work(report);
		(void)pause();
		_exit(0);
	}
	return pid;
}

static void
finish(pid_t pid)
{
	if (pid <= 0)
		return;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static enum bench_result
run(const struct bench_side *side, const struct traffic *traffic, double *value)
{
	enum bench_result result;
	int ns[2], fds[2];
	pid_t server, client = -1;
	char ready;

	result = bench_link(side->link, ns);
	if (result != BENCH_OK)
		return result;
	if (pipe(fds) != 0)
		return BENCH_FAILED;
	result = BENCH_FAILED;
	server = start(ns[1], traffic->serve, fds[1]);
	if (bench_readable(fds[0], MOST_SECONDS) &&
	    read(fds[0], &ready, 1) == 1)
		client = start(ns[0], traffic->drive, fds[1]);
	if (client > 0 && bench_readable(fds[0], MOST_SECONDS) &&
	    read(fds[0], value, sizeof(*value)) == sizeof(*value))
		result = BENCH_OK;
	finish(client);
	finish(server);
	(void)close(fds[0]);
	(void)close(fds[1]);
	return result;
}

enum bench_result
bench_tcp(const struct bench_side *side, double *value)
{
	static const struct traffic tcp = { tcp_serve, tcp_drive };

	return run(side, &tcp, value);
}

enum bench_result
bench_udp(const struct bench_side *side, double *value)
{
	static const struct traffic udp = { udp_serve, udp_drive };

	return run(side, &udp, value);
}

enum bench_result
bench_rr(const struct bench_side *side, double *value)
{
	static const struct traffic rr = { rr_serve, rr_drive };

	return run(side, &rr, value);
}
