/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/ask.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <epair/epair.h>

#include "cli/cli.h"
#include "cli/help.h"
#include "cli/out.h"
#include "cli/show.h"

const struct opt ask_opts[] = {
	OPT_JSON(struct ask_opts, json),
	{ NULL },
};

int
/* NOLINTNEXTLINE(readability-function-size): all that a verb begins with */
ask_begin(struct cli *cli, const struct verb *verb, void *into, int argc,
    char **argv, int min, int max, int *first)
{
	switch (opts_parse(cli, verb, into, argc, argv, first)) {
	case OPTS_OK:
		break;
	case OPTS_HELP:
		return help_verb(cli, verb);
	case OPTS_WRONG:
	default:
		return CLI_USAGE;
	}
	for (const struct opt *opt = verb->opts; opt->name != NULL; opt++)
		if (strcmp(opt->name, "json") == 0)
			cli->json |= *(bool *)((char *)into + opt->offset);
	if (argc - *first < min) {
		cli_complain(
		    cli, "too few operands; it takes %s", verb->operands);
		return CLI_USAGE;
	}
	if (max >= 0 && argc - *first > max) {
		cli_complain(cli, "%s: one too many; it takes %s",
		    argv[*first + max],
		    verb->operands[0] ? verb->operands : "no operands");
		return CLI_USAGE;
	}
	return ASK_GO_ON;
}

int
ask_either(const struct cli *cli, const char *option, const char *other)
{
	if (other == NULL)
		return CLI_OK;
	cli_complain(cli, "%s: does not go with %s; allowed is one of the two",
	    option, other);
	return CLI_USAGE;
}

static int
complain(const struct cli *cli, const struct epair_err *err)
{
	cli_complain(
	    cli, "%s", err->text[0] != '\0' ? err->text : strerror(-err->code));
	return err->code == -EINVAL ? CLI_USAGE : CLI_FAILED;
}

/* Tool and daemon of different versions say so and go on. */
static int
greet(const struct cli *cli, struct ctl_client *c)
{
	const char *version;
	json_t *result = NULL;
	int status = ask_call(cli, c, "hello", NULL, &result);

	if (status != CLI_OK)
		return status;
	version = json_string_value(json_object_get(result, "version"));
	c->is_other = version != NULL && strcmp(version, epair_version()) != 0;
	if (c->is_other)
		cli_complain(cli,
		    "the daemon is version %s, and this is %s: what only one "
		    "of them knows is missing",
		    version, epair_version());
	c->is_admin = json_is_true(json_object_get(result, "admin"));
	json_decref(result);
	return CLI_OK;
}

int
ask_open(const struct cli *cli, struct ctl_client *c)
{
	char path[CTL_PATH_MAX];
	struct epair_err err = { 0 };
	int status;

	if (ctl_client_open(c,
		cli->socket != NULL ? cli->socket : ctl_default_path(path),
		&err) != 0) {
		(void)complain(cli, &err);
		return CLI_FAILED;
	}
	status = greet(cli, c);
	if (status != CLI_OK)
		ctl_client_close(c);
	return status;
}

int
ask_send(const struct cli *cli, struct ctl_client *c, const char *method,
    json_t *params, const int *fds, unsigned fd_count)
{
	struct epair_err err = { 0 };

	if (ctl_client_send(c, method, params, fds, fd_count, &err) != 0)
		return complain(cli, &err);
	return CLI_OK;
}

int
ask_answer(const struct cli *cli, struct ctl_client *c, json_t **result)
{
	struct epair_err err = { 0 };
	json_t *got = NULL;

	if (ctl_client_answer(c, &got, NULL, &err) != 0)
		return complain(cli, &err);
	if (result != NULL)
		*result = got;
	else
		json_decref(got);
	return CLI_OK;
}

int
ask_call(const struct cli *cli, struct ctl_client *c, const char *method,
    json_t *params, json_t **result)
{
	int status = ask_send(cli, c, method, params, NULL, 0);

	return status == CLI_OK ? ask_answer(cli, c, result) : status;
}

int
ask(const struct cli *cli, const char *method, json_t *params, json_t **result)
{
	struct ctl_client c;
	int status = ask_open(cli, &c);

	if (status != CLI_OK) {
		json_decref(params);
		return status;
	}
	status = ask_call(cli, &c, method, params, result);
	ctl_client_close(&c);
	return status;
}

json_t *
ask_named(json_t *list, const char *name)
{
	json_t *object;
	size_t i;

	json_array_foreach(list, i, object)
	{
		const char *is = json_string_value(
		    json_object_get(object, "name"));

		if (is != NULL && strcmp(is, name) == 0)
			return object;
	}
	return NULL;
}

void
ask_without(
    struct ctl_client *c, const char *method, json_t *params, const char *name)
{
	json_t *table = NULL, *known;

	if (!c->is_other || json_object_get(params, name) == NULL)
		return;
	/* Where this fails, so does what it is for. */
	(void)ctl_client_call(
	    c, "introspect", NULL, NULL, 0, &table, NULL, NULL);
	known = ask_named(json_object_get(table, "methods"), method);
	if (ask_named(json_object_get(known, "params"), name) == NULL)
		(void)json_object_del(params, name);
	json_decref(table);
}

int
ask_finish(const struct cli *cli, struct out *out)
{
	int error = out_drain(out, -1, -1);

	out_fini(out);
	if (error == 0)
		return CLI_OK;
	cli_complain(cli, "standard output: %s", strerror(-error));
	return CLI_FAILED;
}

int
ask_finish_watch(const struct cli *cli, struct out *out)
{
	if (out->error != EPIPE)
		return ask_finish(cli, out);
	out_fini(out);
	return CLI_OK;
}

int
ask_quietly(const struct cli *cli, const char *method, json_t *params)
{
	json_t *result;
	int status = ask(cli, method, params, &result);

	return status == CLI_OK ? ask_print(cli, result) : status;
}

int
ask_print(const struct cli *cli, json_t *result)
{
	struct out out;

	out_init(&out, STDOUT_FILENO);
	if (cli->json)
		show_json(&out, json_incref(result));
	json_decref(result);
	return ask_finish(cli, &out);
}
