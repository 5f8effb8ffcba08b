/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `epair demo`: two stacks, a cable, ping and a transfer, on whatever this
 * machine allows.
 */
#include "cli/demo.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/help.h"
#include "cli/opts.h"
#include "cli/show.h"
#include "cli/watch.h"

#define PATIENCE_MS 3000

struct demo_opts {
	const char *capture;
	uint64_t time_ns;
	bool is_in_process, is_lwip, json;
};

static const struct opt demo_opts[] = {
	{ .name = "capture",
	    .arg = "FILE",
	    .sentence = "where the capture goes [a new file in $TMPDIR]",
	    .parse = opt_text,
	    .allowed = "a file",
	    .offset = offsetof(struct demo_opts, capture) },
	{ .name = "time",
	    .arg = "S",
	    .sentence = "a stream takes at most so many seconds [3]",
	    .parse = opt_seconds,
	    .min = OPT_NS_PER_S / 10,
	    .max = 3600 * OPT_NS_PER_S,
	    .offset = offsetof(struct demo_opts, time_ns) },
	{ .name = "in-process",
	    .sentence = "two stacks in this process, no namespaces",
	    .parse = opt_flag,
	    .offset = offsetof(struct demo_opts, is_in_process) },
	{ .name = "lwip",
	    .sentence = "two lwIP stacks in this process, no privilege",
	    .parse = opt_flag,
	    .offset = offsetof(struct demo_opts, is_lwip) },
	OPT_JSON(struct demo_opts, json),
	{ NULL },
};

int
demo_wait(struct demo *d, struct pollfd *fds, unsigned n, int ms)
{
	struct signalfd_siginfo si;
	struct pollfd all[3];
	int ready;

	for (unsigned i = 0; i < n; i++)
		all[i] = fds[i];
	all[n] = (struct pollfd){ .fd = d->signal_fd, .events = POLLIN };
	do
		ready = poll(all, n + 1, ms);
	while (ready < 0 && errno == EINTR);
	for (unsigned i = 0; i < n; i++)
		fds[i].revents = all[i].revents;
	if (ready > 0 && all[n].revents != 0) {
		(void)!read(d->signal_fd, &si, sizeof(si));
		cli_complain(d->cli, "interrupted");
		return -EINTR;
	}
	return ready;
}

/* Print for people, at once. */
static void say(struct demo *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(struct demo *d, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (d->cli->json)
		return;
	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start */
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out_print(&d->out, "%s", text);
	(void)out_push(&d->out);
}

static void
print_ping(struct demo *d)
{
	say(d,
	    "ping      %s to %s: %" PRIu64 " sent, %" PRIu64
	    " received; round trip min/avg/max %.3f/%.3f/%.3f ms\n",
	    DEMO_ADDR_A, DEMO_ADDR_B, d->pings_sent, d->pings_received,
	    (double)d->rtt_min_ns / 1e6, (double)d->rtt_avg_ns / 1e6,
	    (double)d->rtt_max_ns / 1e6);
}

static double
bits_per_second(const struct demo_leg *leg)
{
	if (leg->time_ns == 0)
		return 0;
	return (double)leg->received * 8e9 / (double)leg->time_ns;
}

static void
print_leg(struct demo *d, const struct demo_leg *leg)
{
	char rate[OUT_RATE_MAX];

	(void)out_rate(bits_per_second(leg), "b/s", rate);
	say(d, "%-9s %c to %c%s: %.1f MiB in %.2f s, %s; %s\n", d->way->unit,
	    "ab"[leg->from], "ab"[!leg->from],
	    leg -> is_both ? ", both ways at once" : "",
	    (double)leg->received / 1048576.0, (double)leg->time_ns / 1e9, rate,
	    leg->sent == leg->received ? "all arrived" : "NOT ALL ARRIVED");
}

static void
print_opening(struct demo *d)
{
	if (d->why[0] != '\0')
		say(d, "No namespaces with TAP devices here: %s.\n", d->why);
	if (d->way != &demo_way_tap) {
		say(d, "Two %sstacks inside this process, and a cable:\n",
		    d->way == &demo_way_lwip ? "lwIP " : "");
		return;
	}
	say(d, "Two network namespaces%s, and a cable:\n",
	    d->agents[0].has_userns ? " (in user namespaces)" : "");
	for (int i = 0; i < 2; i++)
		say(d, "  %c  %s  process %d\n", "ab"[i],
		    i == 0 ? DEMO_ADDR_A : DEMO_ADDR_B, (int)d->agents[i].pid);
}

static void
print_closing(struct demo *d, int status)
{
	struct out *out = &d->out;

	out_print(out,
	    "capture   %s: %" PRIu64 " frames, %" PRIu64 " lost; the pings "
	    "and a first stream each way\n",
	    d->rec.path, d->rec.stats.read, d->rec.stats.lost);
	for (int i = 0; i < 2; i++)
		show_if(out, &d->view.info[i], &d->view.stats[i]);
	out_print(out, "%s%s%s\n",
	    out_colour(out, status == CLI_OK ? OUT_GREEN : OUT_RED),
	    status == CLI_OK ? "Everything sent arrived."
			     : "Not everything sent arrived.",
	    out_colour(out, OUT_PLAIN));
}

static json_t *
leg_json(const struct demo_leg *leg)
{
	return json_pack("{s:s#,s:s#,s:b,s:I,s:I,s:f,s:f}", "from",
	    &"ab"[leg->from], 1, "to", &"ab"[!leg->from], 1, "both",
	    leg->is_both, "sent", (json_int_t)leg->sent, "received",
	    (json_int_t)leg->received, "seconds", (double)leg->time_ns / 1e9,
	    "bits_per_second", bits_per_second(leg));
}

static void
print_json(struct demo *d, int status)
{
	json_t *streams = json_array();
	json_t *doc;

	for (unsigned i = 0; i < DEMO_LEGS; i++)
		if (d->legs[i].is_done)
			(void)json_array_append_new(
			    streams, leg_json(&d->legs[i]));
	doc = json_pack("{s:s,s:s,s:{s:I,s:I,s:{s:f,s:f,s:f}},s:o,"
			"s:{s:s,s:I,s:I},s:[o,o],s:b}",
	    "stacks", d->way->name, "reason", d->why, "ping", "sent",
	    (json_int_t)d->pings_sent, "received",
	    (json_int_t)d->pings_received, "rtt_ms", "min",
	    (double)d->rtt_min_ns / 1e6, "avg", (double)d->rtt_avg_ns / 1e6,
	    "max", (double)d->rtt_max_ns / 1e6, "streams", streams, "capture",
	    "file", d->rec.path, "frames", (json_int_t)d->rec.stats.read,
	    "lost", (json_int_t)d->rec.stats.lost, "interfaces",
	    show_if_json(&d->view.info[0], &d->view.stats[0]),
	    show_if_json(&d->view.info[1], &d->view.stats[1]), "ok",
	    status == CLI_OK);
	show_json(&d->out, doc);
}

/* Whether everything sent arrived. */
static int
judge(const struct demo *d)
{
	if (d->pings_received != d->pings_sent)
		return CLI_FAILED;
	for (unsigned i = 0; i < DEMO_LEGS; i++)
		if (d->legs[i].sent != d->legs[i].received)
			return CLI_FAILED;
	return CLI_OK;
}

/* Make the cable, with whatever stacks this machine allows behind its ends. */
static int
start(struct demo *d)
{
	struct cable_how how = { .workers = 1, .queues = 1 };
	int status;

	/* Children first: no thread is to be forked, and they need rights. */
	if (d->way == &demo_way_tap && demo_tap_open(d) != 0)
		d->way = &demo_way_stack;
	status = cable_create(d->cli, &d->cable, &how);
	if (status != CLI_OK)
		return status;
	cable_up(&d->cable);
	if (d->way == &demo_way_tap && !demo_tap_attach(d, &status))
		d->way = &demo_way_stack;
	return status;
}

/*
 * What is captured is the pings and a first stream each way: a capture of the
 * measured streams would be large, would lose frames and would be measured
 * itself.
 */
static int
run_captured(struct demo *d)
{
	struct demo_leg first[2] = { { .from = 0 }, { .from = 1 } };
	int status = record_start(d->cli, &d->rec, d->cable.ends[0], NULL);

	if (status == CLI_OK)
		status = record_write(d->cli, &d->rec, false);
	if (status == CLI_OK)
		status = d->way->pings(d);
	if (status == CLI_OK)
		print_ping(d);
	for (unsigned i = 0; i < 2 && status == CLI_OK; i++)
		status = d->way->streams(d, &first[i], 1, d->way->first);
	return status != CLI_OK ? status : record_stop(d->cli, &d->rec);
}

static int
run(struct demo *d)
{
	const uint64_t size = d->way->measured;
	struct demo_leg *legs = d->legs;
	int status = run_captured(d);

	for (unsigned i = 0; i < 2 && status == CLI_OK; i++) {
		status = d->way->streams(d, &legs[i], 1, size);
		if (status == CLI_OK)
			print_leg(d, &legs[i]);
	}
	if (status == CLI_OK)
		status = d->way->streams(d, &legs[2], 2, size);
	for (unsigned i = 2; i < 4 && status == CLI_OK; i++)
		print_leg(d, &legs[i]);
	return status;
}

static int
perform(struct demo *d)
{
	int status = start(d), error;

	if (status != CLI_OK)
		return status;
	print_opening(d);
	status = run(d);
	if (status != CLI_OK)
		return status;
	status = judge(d);
	if (cable_stop(d->cli, &d->cable, 0, &d->view) != CLI_OK)
		status = CLI_FAILED;
	if (d->cli->json)
		print_json(d, status);
	else
		print_closing(d, status);
	d->is_told = true;
	error = out_drain(&d->out, d->signal_fd, PATIENCE_MS);
	if (error != 0) {
		cli_complain(d->cli, "output: %s", strerror(-error));
		status = CLI_FAILED;
	}
	return status;
}

static void
finish(struct demo *d, int status)
{
	(void)record_stop(d->cli, &d->rec);
	/* A capture that no result names is nobody's. */
	if (d->is_told)
		record_close(&d->rec);
	else
		record_undo(&d->rec);
	cable_destroy(&d->cable);
	agent_stop(&d->agents[0]);
	agent_stop(&d->agents[1]);
	if (d->rec.is_stuck)
		_exit(status); /* a thread of ours is in a write */
}

/* The capture's file: the one named, or a new one. */
static int
make_capture(struct demo *d, const char *path, char **made)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	if (path != NULL)
		return record_make(d->cli, &d->rec);
	if (dir == NULL || dir[0] == '\0')
		dir = "/tmp";
	if (asprintf(made, "%s/epair-demo-XXXXXX.pcapng", dir) < 0) {
		*made = NULL;
		cli_complain(d->cli, "%s", strerror(ENOMEM));
		return CLI_FAILED;
	}
	fd = mkostemps(*made, (int)strlen(".pcapng"), O_CLOEXEC);
	if (fd < 0) {
		cli_complain(d->cli, "%s: %s", *made, strerror(errno));
		return CLI_FAILED;
	}
	record_open_fd(&d->rec, *made, fd);
	return CLI_OK;
}

static int
demo(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	struct demo_opts o = { .json = cli->json, .time_ns = 3 * OPT_NS_PER_S };
	struct demo d = { .cli = cli,
		.legs = { { .from = 0 }, { .from = 1 },
		    { .from = 0, .is_both = true },
		    { .from = 1, .is_both = true } } };
	char *made = NULL;
	int first, status;

	switch (opts_parse(cli, self, &o, argc, argv, &first)) {
	case OPTS_OK:
		break;
	case OPTS_HELP:
		return help_verb(cli, self);
	case OPTS_WRONG:
	default:
		return CLI_USAGE;
	}
	cli->json = o.json;
	if (first != argc) {
		cli_complain(cli, "%s: one too many; demo takes no operand",
		    argv[first]);
		return CLI_USAGE;
	}
	if (o.is_lwip && o.is_in_process) {
		cli_complain(cli,
		    "--lwip: is a way of its own; allowed without "
		    "--in-process");
		return CLI_USAGE;
	}
	if (o.capture != NULL && strcmp(o.capture, "-") == 0) {
		cli_complain(cli, "--capture: '-' is for run; allowed: a file");
		return CLI_USAGE;
	}
	d.way = o.is_lwip         ? &demo_way_lwip
		: o.is_in_process ? &demo_way_stack
				  : &demo_way_tap;
	d.time_ns = o.time_ns;
	out_init(&d.out, STDOUT_FILENO);
	status = CLI_OK;
	if (o.capture != NULL)
		status = record_open(cli, &d.rec, o.capture);
	if (status == CLI_OK) {
		d.signal_fd = watch_signals();
		status = d.signal_fd < 0 ? CLI_FAILED
					 : make_capture(&d, o.capture, &made);
	}
	if (status == CLI_OK) {
		status = perform(&d);
		finish(&d, status);
	}
	out_fini(&d.out);
	free(made);
	return status;
}

const struct verb verb_demo = {
	.name = "demo",
	.operands = "",
	.sentence = "two stacks, a cable, ping and a transfer",
	.text = "Makes two network namespaces of its own (in user namespaces "
		"when not root),\njoins them with a cable, pings, moves a TCP "
		"stream each way, writes a capture,\nprints what came of it "
		"and cleans up. Where namespaces or /dev/net/tun are not\nto "
		"be had it says so and joins two stacks inside the process.\n",
	.opts = demo_opts,
	.run = demo,
};
