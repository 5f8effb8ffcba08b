/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verbs that wait for events: monitor, wait.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/cable.h"
#include "cli/cli.h"
#include "cli/out.h"
#include "cli/show.h"
#include "ctl/codec_if.h"

struct monitor {
	const struct cli *cli;
	struct out out;
	uint64_t seen, count; /* count 0: without end */
};

struct monitor_opts {
	bool json;
	uint64_t count;
};

static const struct opt monitor_opts[] = {
	{ .name = "count",
	    .letter = 'c',
	    .arg = "N",
	    .sentence = "end after so many events",
	    .parse = opt_number,
	    .min = 1,
	    .max = UINT64_MAX,
	    .offset = offsetof(struct monitor_opts, count) },
	OPT_JSON(struct monitor_opts, json),
	{ NULL },
};

/* A line each; it waits for its reader, and the daemon then for us. */
static void
on_event(void *arg, const char *method, json_t *params)
{
	struct monitor *m = arg;
	struct epair_event ev;
	char *line;

	if (strcmp(method, "event") != 0 ||
	    ctl_event_decode(params, &ev, NULL) != 0 ||
	    (m->count > 0 && m->seen == m->count))
		return;
	m->seen++;
	if (m->cli->json) {
		json_t *object = show_event_json(&ev);

		line = json_dumps(object, JSON_COMPACT);
		out_print(&m->out, "%s\n", line != NULL ? line : "{}");
		free(line);
		json_decref(object);
	} else {
		show_event(&m->out, &ev);
	}
	(void)out_drain(&m->out, -1, -1);
}

static int
listen_on(struct monitor *m, struct ctl_client *c)
{
	struct epair_err err = { 0 };
	int error = 0;

	while (m->out.error == 0 && (m->count == 0 || m->seen < m->count) &&
	       error == 0)
		error = ctl_client_listen(c, -1, &err);
	if (error == 0)
		return ask_finish_watch(m->cli, &m->out);
	cli_complain(m->cli, "%s", err.text);
	return CLI_FAILED;
}

static int
monitor(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	struct monitor_opts o = { 0 };
	struct monitor m = { .cli = cli };
	struct ctl_client c;
	int first, status;

	status = ask_begin(cli, self, &o, argc, argv, 0, 0, &first);
	if (status != ASK_GO_ON)
		return status;
	m.count = o.count;
	status = ask_open(cli, &c);
	if (status != CLI_OK)
		return status;
	out_init(&m.out, STDOUT_FILENO);
	c.notified = on_event;
	c.arg = &m;
	status = ask_call(cli, &c, "monitor", NULL, NULL);
	if (status == CLI_OK)
		status = listen_on(&m, &c);
	ctl_client_close(&c);
	out_fini(&m.out);
	return status;
}

const struct verb verb_monitor = {
	.name = "monitor",
	.operands = "",
	.sentence = "print what happens to interfaces",
	.text =
	    "Prints an event a line, with -j an object a line, until it is "
	    "interrupted. None\nis lost while they are read; where some were, "
	    "the next says how many.\n",
	.opts = monitor_opts,
	.run = monitor,
};

/* wait */

struct wait_opts {
	bool json;
	uint64_t timeout_ns; /* UINT64_MAX: none */
};

static const struct opt wait_opts[] = {
	{ .name = "timeout",
	    .arg = "S",
	    .sentence = "give up after S seconds",
	    .parse = opt_seconds,
	    .min = 0,
	    .max = 31536000 * OPT_NS_PER_S,
	    .offset = offsetof(struct wait_opts, timeout_ns) },
	OPT_JSON(struct wait_opts, json),
	{ NULL },
};

static bool
is_up(const struct ctl_if *ifc)
{
	return (ifc->info.flags & EPAIR_IFF_UP) != 0 &&
	       ifc->info.link == EPAIR_LINK_UP;
}

static bool
is_attached(const struct ctl_if *ifc)
{
	return ifc->info.attachment[0] != '\0';
}

static bool
is_gone(const struct ctl_if *ifc)
{
	return ifc == NULL;
}

static const struct state {
	const char *word;
	bool (*is)(const struct ctl_if *ifc); /* NULL: there is none */
	bool takes_none;
} states[] = {
	{ "up", is_up, false },
	{ "attached", is_attached, false },
	{ "gone", is_gone, true },
};

/* Ask how it is now. Returns 1 if that is what is awaited, 0, or an error. */
static int
look(struct ctl_client *c, const char *name, const struct state *state,
    struct epair_err *err)
{
	json_t *result;
	struct ctl_if ifc;
	int error = ctl_client_call(c, "show",
	    json_pack("{s:s,s:b}", "if", name, "stats", 0), NULL, 0, &result,
	    NULL, err);

	if (error == -ENXIO || error == -ENOENT)
		return state->takes_none;
	if (error != 0)
		return error;
	error = ctl_if_decode(
	    json_array_get(json_object_get(result, "interfaces"), 0), &ifc,
	    err);
	json_decref(result);
	return error != 0 ? error : state->is(&ifc);
}

/* Look, and again after each event, until it is so or the time is over. */
static int
wait_until(struct ctl_client *c, const char *name, const struct state *state,
    uint64_t timeout_ns, struct epair_err *err)
{
	uint64_t begin = cable_clock(), passed;
	int is = look(c, name, state, err), error, ms;

	while (is == 0) {
		passed = cable_clock() - begin;
		if (timeout_ns != UINT64_MAX && passed >= timeout_ns)
			return -ETIMEDOUT;
		ms = timeout_ns == UINT64_MAX
			 ? -1
			 : (int)((timeout_ns - passed) / 1000000 % INT32_MAX) +
			       1;
		error = ctl_client_listen(c, ms, err);
		if (error != 0 && error != -ETIMEDOUT)
			return error;
		is = look(c, name, state, err);
	}
	return is > 0 ? 0 : is;
}

static const struct state *
find_state(const char *word)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].word, word) == 0)
			return &states[i];
	return NULL;
}

static int
wait_for(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	struct wait_opts o = { .timeout_ns = UINT64_MAX };
	const struct state *state;
	struct epair_err err = { 0 };
	struct ctl_client c;
	int first, status, error;

	status = ask_begin(cli, self, &o, argc, argv, 2, 2, &first);
	if (status != ASK_GO_ON)
		return status;
	state = find_state(argv[first + 1]);
	if (state == NULL) {
		cli_complain(cli, "%s: allowed are up, attached and gone",
		    argv[first + 1]);
		return CLI_USAGE;
	}
	status = ask_open(cli, &c);
	if (status != CLI_OK)
		return status;
	/* From before we look: nothing is missed between. */
	status = ask_call(cli, &c, "monitor", NULL, NULL);
	if (status == CLI_OK) {
		error = wait_until(&c, argv[first], state, o.timeout_ns, &err);
		if (error == -ETIMEDOUT)
			cli_complain(cli, "%s: is not %s in time", argv[first],
			    state->word);
		else if (error != 0)
			cli_complain(cli, "%s", err.text);
		status = error == 0 ? CLI_OK : CLI_FAILED;
	}
	ctl_client_close(&c);
	return status;
}

const struct verb verb_wait = {
	.name = "wait",
	.operands = "IF up|attached|gone",
	.sentence = "wait until an interface is in some state",
	.text = "Waits until IF is UP and has a link, has something attached, "
		"or is not there any\nmore. An interface that is yet to be "
		"made is waited for, too.\n",
	.opts = wait_opts,
	.run = wait_for,
};
