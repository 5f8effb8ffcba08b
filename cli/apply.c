/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `epair apply FILE`: what is wanted, made so, all or nothing.
 *
 * The daemon computes the difference: it alone sees the world stand still.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <epair/err.h>

#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/config.h"
#include "cli/hand.h"
#include "cli/netns.h"
#include "cli/out.h"
#include "cli/show.h"
#include "cli/users.h"

struct apply_opts {
	bool json, dry_run;
};

static const struct opt apply_opts[] = {
	{ .name = "dry-run",
	    .letter = 'n',
	    .sentence = "show what would change, and change nothing",
	    .parse = opt_flag,
	    .offset = offsetof(struct apply_opts, dry_run) },
	OPT_JSON(struct apply_opts, json),
	{ NULL },
};

/* A vnet's owner by number, and its limit as one. */
static int
take_vnet(const struct cli *cli, json_t *vnet)
{
	const char *owner = json_string_value(json_object_get(vnet, "owner"));
	const char *max = json_string_value(json_object_get(vnet, "max-pairs"));
	json_int_t n;
	char *end;

	if (owner != NULL) {
		if (!user_id(owner, &n)) {
			cli_complain(
			    cli, "owner: %s: there is no such user", owner);
			return CLI_USAGE;
		}
		(void)json_object_set_new(vnet, "owner", json_integer(n));
	}
	if (max != NULL) {
		n = strtoll(max, &end, 10);
		if (*max < '0' || *max > '9' || *end != '\0') {
			cli_complain(cli,
			    "max-pairs: %s: must be a number, 0 or more", max);
			return CLI_USAGE;
		}
		(void)json_object_set_new(vnet, "max-pairs", json_integer(n));
	}
	return CLI_OK;
}

static int
check(const struct cli *cli, const char *path, json_t *doc)
{
	json_t *value, *vnet;
	const char *key;
	size_t i;

	if (!json_is_object(doc)) {
		cli_complain(cli, "%s: must have vnets: and pairs:", path);
		return CLI_USAGE;
	}
	json_object_foreach(doc, key, value)
	{
		if (strcmp(key, "vnets") != 0 && strcmp(key, "pairs") != 0) {
			cli_complain(cli,
			    "%s: %s: allowed are vnets: and pairs:", path, key);
			return CLI_USAGE;
		}
		if (!json_is_array(value)) {
			cli_complain(cli, "%s: %s: must be a list", path, key);
			return CLI_USAGE;
		}
	}
	json_array_foreach(json_object_get(doc, "vnets"), i, vnet)
	{
		int status = take_vnet(cli, vnet);

		if (status != CLI_OK)
			return status;
	}
	return CLI_OK;
}

/*
 * Containers that it names. One that is not there may be a namespace yet to be
 * made, which a vnet may name, and an attachment that waits for it.
 */
static int
find_containers(const struct cli *cli, json_t *doc)
{
	int status = CLI_OK;
	json_t *of;
	size_t i;

	json_array_foreach(json_object_get(doc, "vnets"), i, of)
	{
		status = netns_in(cli, of, "kind", true);
		if (status != CLI_OK)
			return status;
	}
	json_array_foreach(json_object_get(doc, "pairs"), i, of)
	{
		status = netns_in_pair(cli, of, true);
		if (status != CLI_OK)
			break;
	}
	return status;
}

static int
read_file(const struct cli *cli, const char *path, json_t **doc)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct epair_err err = { 0 };
	FILE *f = is_stdin ? stdin : fopen(path, "re");
	int error;

	if (f == NULL) {
		cli_complain(cli, "%s: %s", path, strerror(errno));
		return CLI_FAILED;
	}
	error = config_read(f, doc, &err);
	if (!is_stdin)
		(void)fclose(f);
	return error == 0 ? CLI_OK : cli_fail(cli, path, &err);
}

/* "done of steps" on a terminal, while it is being done. */
static void
progress(void *arg, const char *method, json_t *params)
{
	struct out *out = arg;
	char line[64];

	if (strcmp(method, "progress") != 0)
		return;
	(void)snprintf(line, sizeof(line), "%lld of %lld steps",
	    (long long)json_integer_value(json_object_get(params, "done")),
	    (long long)json_integer_value(json_object_get(params, "steps")));
	out_live(out, line);
	(void)out_push(out);
}

/* A step as the command that would do it. */
static void
print_step(struct out *out, json_t *step)
{
	static const char *const keys[] = { "op", "if", "name", "value" };
	const char *op = json_string_value(json_object_get(step, "op"));
	const char *space = "";

	for (size_t i = 0; i < 4; i++) {
		const char *text = json_string_value(
		    json_object_get(step, keys[i]));

		if (text == NULL)
			continue;
		/* Where a pair is made is an option. */
		if (i == 3 && op != NULL && strcmp(op, "create") == 0)
			space = " --vnet ";
		out_print(out, "%s%s", space, text);
		space = " ";
	}
	out_print(out, "\n");
}

static void
print_counts(struct out *out, json_int_t steps, size_t made)
{
	out_print(out, "%lld step%s, %zu pair%s made\n", (long long)steps,
	    steps == 1 ? "" : "s", made, made == 1 ? "" : "s");
}

static void
print_result(const struct cli *cli, struct out *out, json_t *result)
{
	json_t *steps = json_object_get(result, "steps"), *step;
	size_t i;

	if (cli->json)
		show_json(out, json_incref(result));
	else if (json_is_array(steps))
		json_array_foreach(steps, i, step) print_step(out, step);
	else
		print_counts(out, json_integer_value(steps),
		    json_array_size(json_object_get(result, "made")));
}

/* The pair of that name and vnet, if it says which, as it is; or NULL. */
static json_t *
find_pair(json_t *config, json_t *pair)
{
	json_t *vnet = json_object_get(pair, "vnet"), *is;
	size_t i;

	json_array_foreach(json_object_get(config, "pairs"), i, is)
	{
		if (json_equal(json_object_get(is, "name"),
			json_object_get(pair, "name")) &&
		    (vnet == NULL ||
			json_equal(vnet, json_object_get(is, "vnet"))))
			return is;
	}
	return NULL;
}

/* Open what the daemon does not open for us, and what is not there yet. */
static int
hand_over(
    const struct cli *cli, struct ctl_client *c, json_t *doc, struct hand *hand)
{
	json_t *config, *pair;
	int status = ask_call(cli, c, "config", NULL, &config);
	size_t i;

	if (status != CLI_OK)
		return status;
	json_array_foreach(json_object_get(doc, "pairs"), i, pair)
	{
		status = hand_pair(cli, pair, find_pair(config, pair), hand);
		if (status != CLI_OK)
			break;
	}
	json_decref(config);
	return status;
}

/* Takes doc. */
static int
put(const struct cli *cli, const struct apply_opts *o, json_t *doc)
{
	struct hand hand = { .count = 0 };
	struct out out, tty;
	struct ctl_client c;
	json_t *result;
	int status = ask_open(cli, &c);

	if (status != CLI_OK) {
		json_decref(doc);
		return status;
	}
	out_init(&out, STDOUT_FILENO);
	out_init(&tty, STDERR_FILENO);
	(void)json_object_set_new(doc, "dry-run", json_boolean(o->dry_run));
	if (tty.is_tty) {
		(void)json_object_set_new(doc, "progress", json_true());
		c.notified = progress;
		c.arg = &tty;
	}
	if (!c.is_admin)
		status = hand_over(cli, &c, doc, &hand);
	if (status == CLI_OK) {
		status = hand_call(cli, &c, "apply", doc, &hand, &result);
	} else {
		hand_close(&hand);
		json_decref(doc);
	}
	out_live(&tty, "");
	(void)out_push(&tty);
	out_fini(&tty);
	ctl_client_close(&c);
	if (status == CLI_OK) {
		print_result(cli, &out, result);
		json_decref(result);
	}
	return ask_finish(cli, &out) != CLI_OK ? CLI_FAILED : status;
}

static int
apply(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	struct apply_opts o = { 0 };
	json_t *doc;
	int first, status;

	status = ask_begin(cli, self, &o, argc, argv, 1, 1, &first);
	if (status != ASK_GO_ON)
		return status;
	status = read_file(cli, argv[first], &doc);
	if (status != CLI_OK)
		return status;
	status = check(cli, argv[first], doc);
	if (status == CLI_OK)
		status = find_containers(cli, doc);
	if (status == CLI_OK)
		return put(cli, &o, doc);
	json_decref(doc);
	return status;
}

const struct verb verb_apply = {
	.name = "apply",
	.operands = "FILE",
	.sentence = "make what a file says so, changing only what differs",
	.text =
	    "Reads wanted vnets and pairs from a YAML file (- is standard "
	    "input) and makes them\nso, all of them or nothing. What the file "
	    "does not mention stays as it is:\n\n  vnets:\n  - name: red\n    "
	    "kind: tap:netns=red\n  pairs:\n  - name: epair7\n    mtu: 9000\n    "
	    "a: {vnet: red, up: yes}\n    b: {attach: echo, link: delay 10ms, "
	    "up: yes}\n\n`epair show --as-config` writes such a file.\n",
	.opts = apply_opts,
	.run = apply,
};
