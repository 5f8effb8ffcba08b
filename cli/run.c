/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `epair run A B`: one pair in the foreground.
 *
 * The order matters. The capture file is opened and the opener started with
 * the rights of whoever called; then there are none (cable_create), and what
 * is attached goes through the opener. Everything that can fail comes first:
 * a run that comes to nothing has touched nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cable.h"
#include "cli/cli.h"
#include "cli/help.h"
#include "cli/netns.h"
#include "cli/opts.h"
#include "cli/out.h"
#include "cli/record.h"
#include "cli/run.h"
#include "cli/show.h"
#include "cli/watch.h"

#define PATIENCE_MS 3000

struct run {
	const struct cli *cli;
	struct run_opts o;
	char *specs[2]; /* as attached: with the count */
	struct cable cable;
	struct record rec;
	struct out out;
	struct watch watch;
	struct cable_view view;
};

/* As it is attached: a source gets the count, a container its namespace. */
static int
make_spec(struct run *r, int i, const char *spec)
{
	r->watch.is_source[i] = run_is_source(spec);
	if (r->o.count > 0 && run_is_source(spec)) {
		if (asprintf(&r->specs[i], "%s%ccount=%" PRIu64, spec,
			strchr(spec, ':') != NULL ? ',' : ':', r->o.count) < 0)
			r->specs[i] = NULL;
	} else {
		int status = netns_of_container(
		    r->cli, spec, false, &r->specs[i]);

		if (status != CLI_OK)
			return status;
		if (r->specs[i] == NULL)
			r->specs[i] = strdup(spec);
	}
	if (r->specs[i] != NULL)
		return CLI_OK;
	cli_complain(r->cli, "%s", strerror(ENOMEM));
	return CLI_FAILED;
}

/*
 * The ends are UP before, so that what is attached is ready when we say that
 * it is; and what only receives goes first, since what a source sends to an
 * end with nothing attached would be dropped. Of two sources neither is to be
 * the first: they begin when both ends are UP.
 */
static int
attach(struct run *r)
{
	static const char *const names[] = { "A", "B" };
	const bool *is_source = r->watch.is_source;
	bool is_late = is_source[0] && is_source[1];
	int first = is_source[0] && !is_source[1];
	struct epair_err err = { 0 };

	if (!is_late)
		cable_up(&r->cable);
	for (int i = 0; i < 2; i++) {
		int end = i == 0 ? first : !first;

		if (epair_attach(r->cable.ends[end], r->specs[end], &err) != 0)
			return cli_fail(r->cli, names[end], &err);
	}
	if (is_late)
		cable_up(&r->cable);
	return CLI_OK;
}

static int
say_ready(const struct run *r)
{
	struct pollfd pfd = { .fd = (int)r->o.ready_fd, .events = POLLOUT };
	int status = CLI_OK;

	if (r->o.ready_fd == UINT64_MAX)
		return CLI_OK;
	if (poll(&pfd, 1, 1000) != 1 || write(pfd.fd, "\n", 1) != 1) {
		cli_complain(r->cli, "--ready-fd: %d: nobody reads", pfd.fd);
		status = CLI_FAILED;
	}
	/* Whoever reads to the end is not to wait until ours. */
	if (pfd.fd > STDERR_FILENO)
		(void)close(pfd.fd);
	return status;
}

static void
print_human(struct run *r)
{
	struct out *out = &r->out;

	for (int i = 0; i < 2; i++) {
		show_if(out, &r->view.info[i], &r->view.stats[i]);
		show_cable(out, &r->view.cable[i]);
	}
	if (r->o.capture != NULL && r->rec.stats.size > 0)
		out_print(out,
		    "capture %s: %" PRIu64 " frames, %" PRIu64 " lost\n",
		    r->rec.path, r->rec.stats.read, r->rec.stats.lost);
}

static json_t *
end_json(const struct run *r, int end)
{
	json_t *object = show_if_json(&r->view.info[end], &r->view.stats[end]);

	if (object != NULL)
		show_cable_json(object, &r->view.cable[end]);
	return object;
}

static void
print_json(struct run *r, int status)
{
	json_t *doc = json_pack("{s:[o,o],s:o,s:I,s:s,s:b}", "interfaces",
	    end_json(r, 0), end_json(r, 1), "events", r->watch.events,
	    "events_missing", (json_int_t)r->watch.missing, "ended",
	    watch_end_word(r->watch.end), "ok", status == CLI_OK);

	r->watch.events = NULL; /* json_pack took it, also if it failed */
	if (doc != NULL && r->o.capture != NULL && r->rec.stats.size > 0)
		(void)json_object_set_new(doc, "capture",
		    json_pack("{s:s,s:I,s:I}", "file", r->rec.path, "frames",
			(json_int_t)r->rec.stats.read, "lost",
			(json_int_t)r->rec.stats.lost));
	show_json(&r->out, doc);
}

/* Both ends are attached: watch, stop, and say how it was. */
static int
attend(struct run *r)
{
	int status = say_ready(r), error;

	watch(&r->watch);
	epair_scenario_free(r->watch.scenario);
	r->watch.scenario = NULL;
	if (r->watch.status != CLI_OK)
		status = r->watch.status;
	if (r->o.count > 0 && r->watch.end != WATCH_COUNT) {
		cli_complain(r->cli,
		    "--count: the run ended before %" PRIu64
		    " frames were sent and received",
		    r->o.count);
		status = CLI_FAILED;
	}
	if (cable_stop(r->cli, &r->cable,
		r->watch.is_source[1] && !r->watch.is_source[0],
		&r->view) != CLI_OK)
		status = CLI_FAILED;
	watch_rest(&r->watch, r->view.detached);
	if (record_stop(r->cli, &r->rec) != CLI_OK)
		status = CLI_FAILED;
	if (r->cli->json)
		print_json(r, status);
	else
		print_human(r);
	/* Whoever sent a signal wants no waiting for a reader. */
	error = out_drain(&r->out,
	    r->watch.end == WATCH_SIGNAL ? -1 : r->watch.signal_fd,
	    PATIENCE_MS);
	if (error != 0) {
		cli_complain(r->cli, "output: %s",
		    error == -EAGAIN ? "nobody reads" : strerror(-error));
		status = CLI_FAILED;
	}
	return status;
}

static int
read_scenario(struct run *r)
{
	struct epair_err err = { 0 };

	if (epair_scenario_read(r->o.scenario, &r->watch.scenario, &err) == 0)
		return CLI_OK;
	return cli_fail(r->cli, "--scenario", &err);
}

static int
start_scenario(struct run *r)
{
	struct epair_err err = { 0 };

	if (epair_scenario_start(r->watch.scenario, r->cable.ends[0], &err) ==
	    0)
		return CLI_OK;
	return cli_fail(r->cli, "--scenario", &err);
}

static int
start(struct run *r)
{
	int status = CLI_OK;

	if (r->o.scenario != NULL)
		status = read_scenario(r);
	if (status == CLI_OK && r->o.capture != NULL)
		status = record_open(r->cli, &r->rec, r->o.capture);
	if (status != CLI_OK)
		return status;
	r->watch.signal_fd = watch_signals();
	if (r->watch.signal_fd < 0) {
		cli_complain(
		    r->cli, "signals: %s", strerror(-r->watch.signal_fd));
		return CLI_FAILED;
	}
	if (r->o.capture != NULL)
		status = record_make(r->cli, &r->rec);
	if (status == CLI_OK)
		status = cable_create(r->cli, &r->cable, &r->o.how);
	if (status == CLI_OK && r->o.capture != NULL)
		status = record_start(
		    r->cli, &r->rec, r->cable.ends[0], r->o.filter);
	if (status == CLI_OK)
		status = attach(r);
	if (status == CLI_OK && r->o.scenario != NULL)
		status = start_scenario(r);
	if (status == CLI_OK && r->o.capture != NULL)
		status = record_write(r->cli, &r->rec, r->o.how.sim);
	return status;
}

static int
run_pair(struct run *r)
{
	int status = start(r);

	if (status == CLI_OK) {
		status = attend(r);
	} else {
		epair_scenario_free(r->watch.scenario);
		(void)record_stop(r->cli, &r->rec);
		record_undo(&r->rec);
	}
	if (r->rec.is_stuck) {
		/* Its thread is in a write that nobody ends but _exit(). */
		(void)epair_if_destroy(r->cable.ends[0], NULL);
		_exit(status);
	}
	record_close(&r->rec);
	cable_destroy(&r->cable);
	return status;
}

static int
run(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	struct run r = {
		.cli = cli,
		.o = { .how = { .workers = 1, .queues = 1 },
		    .ready_fd = UINT64_MAX,
		    .json = cli->json },
	};
	int first, status;

	switch (opts_parse(cli, self, &r.o, argc, argv, &first)) {
	case OPTS_OK:
		break;
	case OPTS_HELP:
		return help_verb(cli, self);
	case OPTS_WRONG:
	default:
		return CLI_USAGE;
	}
	cli->json = r.o.json;
	status = run_check(cli, &r.o, argc - first, argv + first);
	if (status != CLI_OK)
		return status;

	out_init(&r.out, r.o.capture != NULL && strcmp(r.o.capture, "-") == 0
			     ? STDERR_FILENO
			     : STDOUT_FILENO);
	r.watch.cli = cli;
	r.watch.cable = &r.cable;
	r.watch.rec = &r.rec;
	r.watch.out = &r.out;
	r.watch.time_ns = r.o.time_ns;
	r.watch.count = r.o.count;
	r.watch.events = cli->json ? json_array() : NULL;
	for (int i = 0; i < 2 && status == CLI_OK; i++)
		status = make_spec(&r, i, argv[first + i]);
	if (status == CLI_OK)
		status = run_pair(&r);
	free(r.specs[0]);
	free(r.specs[1]);
	json_decref(r.watch.events);
	out_fini(&r.out);
	return status;
}

const struct verb verb_run = {
	.name = "run",
	.operands = "A B",
	.sentence = "one pair in the foreground, with A and B attached",
	.text = "Makes a pair, sets both ends UP, attaches A to the a end "
		"and B to the b end, and\nprints events and counters until "
		"SIGINT, SIGTERM, --count or --time end it.\n",
	.opts = run_opts,
	.run = run,
};
