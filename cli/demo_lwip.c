/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The demo with an lwIP stack behind each end: ping and TCP, and no privilege.
 *
 * What came of it is what the stacks tell by events, as epair-attach(7) has it.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/demo.h"

#define STREAM_BYTES (64u << 20)

static const char *const addrs[2] = { DEMO_ADDR_A, DEMO_ADDR_B };

/*
 * The next event by which a stack tells something that begins so. Returns the
 * end, or -1, having complained.
 */
static int
await_told(struct demo *d, const char *begin, struct epair_event *ev)
{
	uint64_t limit = cable_clock() + d->time_ns +
			 DEMO_WAIT_MS * UINT64_C(1000000);
	struct epair_if_info info = { .size = sizeof(info) };
	struct pollfd pfd = { .fd = epair_event_fd(d->cable.sub),
		.events = POLLIN };

	(void)epair_if_get_info(d->cable.ends[0], &info);
	while (cable_clock() < limit) {
		while (epair_event_next(d->cable.sub, ev) == 1)
			if (ev->type == EPAIR_EVENT_ATTACHMENT &&
			    strncmp(ev->detail, begin, strlen(begin)) == 0)
				return ev->index != info.index;
		if (demo_wait(d, &pfd, 1, 100) < 0)
			return -1;
	}
	cli_complain(d->cli, "no stack told of its %s", begin);
	return -1;
}

/* The numbers behind a word, in order; returns how many there are, at most n. */
static unsigned
take_numbers(const char *text, const char *word, uint64_t *numbers, unsigned n)
{
	const char *at = strstr(text, word);
	unsigned count = 0;
	char *end;

	while (at != NULL && count < n) {
		at = strpbrk(at, "0123456789");
		if (at == NULL)
			break;
		numbers[count++] = strtoull(at, &end, 10);
		at = end;
	}
	return count;
}

/* A stack with what it has to do ("" is nothing). */
static int
attach(struct demo *d, int end, const char *jobs)
{
	struct epair_err err = { 0 };
	char spec[256];

	(void)snprintf(
	    spec, sizeof(spec), "lwip:addr=%s/24%s", addrs[end], jobs);
	if (epair_attach(d->cable.ends[end], spec, &err) != 0)
		return cli_fail(d->cli, "--lwip", &err);
	return CLI_OK;
}

static void
detach(struct demo *d)
{
	for (int i = 0; i < 2; i++)
		(void)epair_detach(d->cable.ends[i], NULL);
}

static int
run_pings(struct demo *d)
{
	uint64_t told[5];
	struct epair_event ev;
	char jobs[96];
	int status;

	(void)snprintf(jobs, sizeof(jobs), ",ping=%s,count=%u,interval=200ms",
	    DEMO_ADDR_B, DEMO_PINGS);
	status = attach(d, 1, "");
	if (status == CLI_OK)
		status = attach(d, 0, jobs);
	if (status == CLI_OK && await_told(d, "ping ", &ev) < 0)
		status = CLI_FAILED;
	detach(d);
	if (status != CLI_OK)
		return status;
	if (take_numbers(ev.detail, ": ", told, 5) != 5)
		return CLI_FAILED;
	d->pings_sent = told[0];
	d->pings_received = told[1];
	d->rtt_min_ns = told[2] * 1000;
	d->rtt_avg_ns = told[3] * 1000;
	d->rtt_max_ns = told[4] * 1000;
	return CLI_OK;
}

/* The next stream that is through, by what a discard service has got. */
static int
finish_leg(struct demo *d, struct demo_leg *legs, unsigned n, uint64_t start)
{
	struct epair_event ev;
	struct demo_leg *leg = &legs[0];
	int end = await_told(d, "discard: ", &ev);

	if (end < 0)
		return CLI_FAILED;
	if (n > 1 && leg->from == end)
		leg = &legs[1];
	leg->time_ns = cable_clock() - start;
	leg->is_done = true;
	return take_numbers(ev.detail, ": ", &leg->received, 1) == 1
		   ? CLI_OK
		   : CLI_FAILED;
}

/* Move n streams at once: of two, one each way. */
static int
run_streams(struct demo *d, struct demo_leg *legs, unsigned n, uint64_t bytes)
{
	uint64_t start = cable_clock();
	int status = CLI_OK;
	char jobs[2][96] = { "", "" };

	for (unsigned i = 0; i < n; i++) {
		legs[i].sent = bytes;
		(void)snprintf(jobs[legs[i].from], sizeof(jobs[0]),
		    ",send=%s,port=9,bytes=%" PRIu64, addrs[!legs[i].from],
		    bytes);
	}
	for (int end = 0; end < 2 && status == CLI_OK; end++)
		status = attach(d, end, jobs[end]);
	for (unsigned i = 0; i < n && status == CLI_OK; i++)
		status = finish_leg(d, legs, n, start);
	detach(d);
	return status;
}

const struct demo_way demo_way_lwip = {
	.name = "lwip",
	.unit = "TCP",
	.first = DEMO_FIRST_BYTES,
	.measured = STREAM_BYTES,
	.pings = run_pings,
	.streams = run_streams,
};
