/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The demo in two network namespaces:
 *
 *	agent 0 -- its TAP -- a ==== b -- its TAP -- agent 1
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/demo.h"

static const char *const addrs[2] = { DEMO_ADDR_A, DEMO_ADDR_B };

static struct in_addr
address(int end)
{
	struct in_addr in = { 0 };

	(void)inet_pton(AF_INET, addrs[end], &in);
	return in;
}

int
demo_tap_open(struct demo *d)
{
	const char *what = "";
	int error = 0;

	for (int i = 0; i < 2 && error == 0; i++)
		error = agent_start(&d->agents[i], &what);
	if (error == 0)
		return 0;
	agent_stop(&d->agents[0]);
	(void)snprintf(d->why, sizeof(d->why), "%s: %s", what,
	    error == -EPERM || error == -EACCES
		? "not allowed here, neither as root nor in a user namespace"
		: strerror(-error));
	return error;
}

/* Whether an error says what a machine does not allow, and not what we did. */
static bool
is_refusal(int error)
{
	switch (-error) {
	case EPERM:
	case EACCES:
	case ENOENT:
	case ENODEV:
	case ENXIO:
	case ENOTTY:
	case ENOSYS:
	case EOPNOTSUPP:
	case ENOSPC:
	case EMFILE:
	case EUSERS:
		return true;
	default:
		return false;
	}
}

bool
demo_tap_attach(struct demo *d, int *status)
{
	struct epair_err err = { 0 };
	char spec[64];

	*status = CLI_OK;
	for (int i = 0; i < 2; i++) {
		(void)snprintf(spec, sizeof(spec), "tap:netns=%d,addr=%s/24",
		    (int)d->agents[i].pid, addrs[i]);
		if (epair_attach(d->cable.ends[i], spec, &err) == 0)
			continue;
		(void)epair_detach(d->cable.ends[0], NULL);
		if (!is_refusal(err.code)) {
			(void)cli_fail(d->cli, spec, &err);
			*status = CLI_FAILED;
		}
		(void)snprintf(d->why, sizeof(d->why), "%.200s%s", err.text,
		    access("/dev/net/tun", R_OK | W_OK) != 0 && errno == EACCES
			? "; as root: chmod 666 /dev/net/tun"
			: "");
		return false;
	}
	return true;
}

/*
 * The next answer of either agent, at most that long from now. Returns the
 * agent's number; or a negated errno, having complained.
 */
static int
next_answer(struct demo *d, int ms, struct agent_answer *answer)
{
	struct pollfd fds[2] = {
		{ .fd = d->agents[0].fd, .events = POLLIN },
		{ .fd = d->agents[1].fd, .events = POLLIN },
	};
	int i, error = demo_wait(d, fds, 2, ms);

	if (error == -EINTR)
		return error;
	if (error == 0) {
		cli_complain(
		    d->cli, "no answer from the namespaces in %d s", ms / 1000);
		return -ETIMEDOUT;
	}
	i = fds[0].revents != 0 ? 0 : 1;
	error = agent_answer(&d->agents[i], answer);
	if (error != 0)
		cli_complain(d->cli, "the namespace of %c is gone", "ab"[i]);
	return error != 0 ? error : i;
}

static int
ping(struct demo *d, uint64_t count, struct agent_answer *answer)
{
	struct agent_job job = {
		.op = AGENT_PING,
		.to = address(1),
		.count = count,
	};
	int error = agent_ask(&d->agents[0], &job);

	return error != 0 ? error : next_answer(d, DEMO_WAIT_MS, answer);
}

/* The kernel says when a link is usable only by using it. */
static int
await_link(struct demo *d)
{
	uint64_t end = cable_clock() + DEMO_WAIT_MS * UINT64_C(1000000);
	struct agent_answer answer = { 0 };

	while (cable_clock() < end) {
		if (ping(d, 1, &answer) < 0)
			return CLI_FAILED;
		if (answer.error == 0 && answer.count == 1)
			return CLI_OK;
		if (answer.error != 0 && demo_wait(d, NULL, 0, 10) < 0)
			return CLI_FAILED;
	}
	cli_complain(d->cli, "%s does not answer %s: %s", addrs[1], addrs[0],
	    answer.error ? strerror(-answer.error) : "no reply");
	return CLI_FAILED;
}

static int
run_pings(struct demo *d)
{
	struct agent_answer answer = { 0 };

	if (await_link(d) != CLI_OK || ping(d, DEMO_PINGS, &answer) < 0)
		return CLI_FAILED;
	if (answer.error != 0) {
		cli_complain(
		    d->cli, "%s: %s", answer.what, strerror(-answer.error));
		return CLI_FAILED;
	}
	d->pings_sent = DEMO_PINGS;
	d->pings_received = answer.count;
	if (answer.count > 0)
		d->rtt_avg_ns = answer.rtt_sum_ns / answer.count;
	d->rtt_min_ns = answer.rtt_min_ns;
	d->rtt_max_ns = answer.rtt_max_ns;
	return CLI_OK;
}

/* An answer in the course of streams: leg by leg, each end sends one at most */
static int
on_answer(struct demo *d, struct demo_leg *legs, unsigned n, int agent,
    const struct agent_answer *answer, uint64_t bytes)
{
	struct demo_leg *leg = &legs[0];
	int from = answer->op == AGENT_SEND ? agent : !agent;

	if (answer->error != 0) {
		cli_complain(d->cli, "stream at %c: %s: %s", "ab"[agent],
		    answer -> what, strerror(-answer->error));
		return answer->error;
	}
	if (n > 1 && leg->from != from)
		leg = &legs[1];
	if (answer->is_listening) {
		struct agent_job job = {
			.op = AGENT_SEND,
			.to = address(agent),
			.port = answer->port,
			.count = bytes,
			.time_ns = d->time_ns,
		};

		return agent_ask(&d->agents[from], &job);
	}
	if (answer->op == AGENT_SEND) {
		leg->sent = answer->count;
		leg->time_ns = answer->time_ns;
	} else {
		leg->received = answer->count;
	}
	return 0;
}

/* Move n streams at once, and wait for both ends of each. */
static int
run_streams(struct demo *d, struct demo_leg *legs, unsigned n, uint64_t bytes)
{
	int limit_ms = DEMO_WAIT_MS + (int)(d->time_ns / 1000000);
	unsigned waiting = 3 * n; /* listening, sent, received */

	for (unsigned i = 0; i < n; i++) {
		struct agent_job job = { .op = AGENT_SERVE };

		if (agent_ask(&d->agents[!legs[i].from], &job) != 0)
			return CLI_FAILED;
	}
	for (; waiting > 0; waiting--) {
		struct agent_answer answer;
		int agent = next_answer(d, limit_ms, &answer);

		if (agent < 0 ||
		    on_answer(d, legs, n, agent, &answer, bytes) != 0)
			return CLI_FAILED;
	}
	for (unsigned i = 0; i < n; i++)
		legs[i].is_done = true;
	return CLI_OK;
}

const struct demo_way demo_way_tap = {
	.name = "namespaces",
	.unit = "TCP",
	.first = DEMO_FIRST_BYTES,
	.measured = DEMO_BYTES,
	.pings = run_pings,
	.streams = run_streams,
};
