/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an agent does: ping, receive a TCP stream, send one. Each runs in a
 * process of its own, which is killed if it takes too long: so calls block.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/agent.h"
#include "cli/cable.h"
#include "cli/ping.h"

#define PING_EVERY_US 200000
#define STREAM_CHUNK  (128u << 10)

static char chunk[STREAM_CHUNK];

static void
fail(struct agent_answer *answer, const char *what)
{
	if (answer->error != 0)
		return;
	answer->error = -errno;
	(void)snprintf(answer->what, sizeof(answer->what), "%s", what);
}

/* Wait for the reply to `seq`, at most a second. Returns whether it came. */
static bool
ping_reply(int fd, const struct agent_job *job, uint16_t id, uint16_t seq)
{
	uint8_t packet[512];
	struct sockaddr_in from = { 0 };
	socklen_t len = sizeof(from);
	ssize_t n;

	for (;;) {
		n = recvfrom(fd, packet, sizeof(packet), 0,
		    (struct sockaddr *)&from, &len);
		if (n < 0)
			return false; /* EAGAIN: the time is over */
		if (from.sin_addr.s_addr == job->to.s_addr &&
		    ping_is_reply(packet, (size_t)n, id, seq))
			return true;
	}
}

static void
do_ping(const struct agent_job *job, struct agent_answer *answer)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct timeval second = { .tv_sec = 1 };
	uint8_t request[PING_LEN];
	uint16_t id = (uint16_t)getpid();
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	to.sin_addr = job->to;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second,
			  sizeof(second)) != 0) {
		fail(answer, "socket");
		return;
	}
	for (uint64_t i = 0; i < job->count; i++) {
		uint64_t at, rtt;

		if (i > 0)
			(void)usleep(PING_EVERY_US);
		at = cable_clock();
		ping_make(request, id, (uint16_t)i);
		if (sendto(fd, request, sizeof(request), 0,
			(struct sockaddr *)&to, sizeof(to)) < 0) {
			fail(answer, "ping");
			break;
		}
		if (!ping_reply(fd, job, id, (uint16_t)i))
			continue;
		rtt = cable_clock() - at;
		answer->rtt_sum_ns += rtt;
		if (answer->count++ == 0 || rtt < answer->rtt_min_ns)
			answer->rtt_min_ns = rtt;
		if (rtt > answer->rtt_max_ns)
			answer->rtt_max_ns = rtt;
	}
	(void)close(fd);
}

static void
say(int fd, const struct agent_answer *answer)
{
	(void)send(fd, answer, sizeof(*answer), MSG_NOSIGNAL);
}

/* Listen, say where, and give the first who comes; or -1. */
static int
accept_one(struct agent_answer *answer, int answer_fd)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), conn;

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(fd, 1) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
		fail(answer, "listen");
		return -1;
	}
	answer->is_listening = true;
	answer->port = ntohs(at.sin_port);
	say(answer_fd, answer);
	answer->is_listening = false;
	conn = accept(fd, NULL, NULL);
	if (conn < 0)
		fail(answer, "accept");
	(void)close(fd);
	return conn;
}

static void
do_serve(struct agent_answer *answer, int answer_fd)
{
	int fd = accept_one(answer, answer_fd);
	uint64_t start = cable_clock();
	ssize_t n;

	if (fd < 0)
		return;
	while ((n = recv(fd, chunk, sizeof(chunk), 0)) > 0)
		answer->count += (uint64_t)n;
	if (n < 0)
		fail(answer, "receive");
	answer->time_ns = cable_clock() - start;
	/* Closing tells the sender that we have all of it. */
	(void)close(fd);
}

static void
do_send(const struct agent_job *job, struct agent_answer *answer)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr = job->to,
		.sin_port = htons(job->port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t start, left = job->count;
	ssize_t n = 0, end;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		fail(answer, "connect");
		return;
	}
	start = cable_clock();
	while (left > 0 && cable_clock() - start < job->time_ns) {
		n = send(fd, chunk, left < sizeof(chunk) ? left : sizeof(chunk),
		    MSG_NOSIGNAL);
		if (n < 0)
			break;
		left -= (uint64_t)n;
	}
	answer->count = job->count - left;
	if (n < 0 || shutdown(fd, SHUT_WR) != 0)
		fail(answer, "send");
	end = recv(fd, chunk, 1, 0);
	if (end > 0)
		errno = EPROTO;
	if (end != 0)
		fail(answer, "end of stream");
	answer->time_ns = cable_clock() - start;
	(void)close(fd);
}

void
agent_do(const struct agent_job *job, int fd)
{
	struct agent_answer answer = { .op = job->op };

	switch (job->op) {
	case AGENT_PING:
		do_ping(job, &answer);
		break;
	case AGENT_SERVE:
		do_serve(&answer, fd);
		break;
	case AGENT_SEND:
		do_send(job, &answer);
		break;
	}
	say(fd, &answer);
}
