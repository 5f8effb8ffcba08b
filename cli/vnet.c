/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `epair vnet`: add, del, list.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/netns.h"
#include "cli/out.h"
#include "cli/show.h"
#include "cli/users.h"

/* "owner=alice", which no kind looks like: that has a colon before any '='. */
static bool
is_setting(const char *word)
{
	return word[strcspn(word, "=:")] == '=';
}

/* "owner=alice", "max-pairs=100" into params. */
static int
take_setting(const struct cli *cli, json_t *params, const char *text)
{
	json_int_t n;
	char *end;

	if (strncmp(text, "owner=", 6) == 0) {
		if (!user_id(text + 6, &n)) {
			cli_complain(cli, "%s: there is no such user", text);
			return CLI_USAGE;
		}
		(void)json_object_set_new(params, "owner", json_integer(n));
		return CLI_OK;
	}
	if (strncmp(text, "max-pairs=", 10) == 0) {
		n = strtoll(text + 10, &end, 10);
		if (end == text + 10 || *end != '\0' || n < 0) {
			cli_complain(
			    cli, "%s: must be a number, 0 or more", text);
			return CLI_USAGE;
		}
		(void)json_object_set_new(params, "max-pairs", json_integer(n));
		return CLI_OK;
	}
	cli_complain(cli, "%s: allowed are owner=USER and max-pairs=N", text);
	return CLI_USAGE;
}

/* "red [KIND:...] [owner=USER] [max-pairs=N]" */
static int
change(const struct cli *cli, const char *method, int count, char **words)
{
	json_t *params;
	int i = 1, status = CLI_OK;

	if (count < 1) {
		cli_complain(cli, "the name of a vnet is missing");
		return CLI_USAGE;
	}
	if (count < 2 && strcmp(method, "vnet-set") == 0) {
		cli_complain(cli,
		    "%s: nothing is set; allowed are owner=USER and "
		    "max-pairs=N",
		    words[0]);
		return CLI_USAGE;
	}
	params = json_pack("{s:s}", "name", words[0]);
	if (strcmp(method, "vnet-add") == 0 && i < count &&
	    !is_setting(words[i]))
		(void)json_object_set_new(
		    params, "kind", json_string(words[i++]));
	for (; i < count && status == CLI_OK; i++)
		status = take_setting(cli, params, words[i]);
	if (status == CLI_OK)
		status = netns_in(cli, params, "kind", true);
	if (status == CLI_OK)
		return ask_quietly(cli, method, params);
	json_decref(params);
	return status;
}

static void
print_vnet(struct out *out, json_t *vnet)
{
	const char *kind = json_string_value(json_object_get(vnet, "kind"));
	json_t *owner = json_object_get(vnet, "owner");
	json_t *max = json_object_get(vnet, "max-pairs");
	char name[USER_NAME_MAX];

	out_print(out, "%s: pairs %lld",
	    json_string_value(json_object_get(vnet, "name")),
	    (long long)json_integer_value(json_object_get(vnet, "pairs")));
	if (max != NULL)
		out_print(out, " of %lld", (long long)json_integer_value(max));
	if (owner != NULL)
		out_print(out, " owner %s",
		    user_name(json_integer_value(owner), name));
	if (kind != NULL)
		out_print(out, " gives %s", kind);
	out_print(out, "\n");
}

static int
list(const struct cli *cli)
{
	json_t *result, *vnet;
	struct out out;
	size_t i;
	int status = ask(cli, "vnets", NULL, &result);

	if (status != CLI_OK)
		return status;
	out_init(&out, STDOUT_FILENO);
	if (cli->json)
		show_json(&out, json_incref(json_object_get(result, "vnets")));
	else
		json_array_foreach(json_object_get(result, "vnets"), i, vnet)
		    print_vnet(&out, vnet);
	json_decref(result);
	return ask_finish(cli, &out);
}

static int
vnet(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	struct ask_opts o = { 0 };
	const char *what;
	int first, status, count;

	status = ask_begin(cli, self, &o, argc, argv, 0, -1, &first);
	if (status != ASK_GO_ON)
		return status;
	if (first == argc)
		return list(cli);
	what = argv[first++];
	count = argc - first;
	if (strcmp(what, "add") == 0)
		return change(cli, "vnet-add", count, argv + first);
	if (strcmp(what, "set") == 0)
		return change(cli, "vnet-set", count, argv + first);
	if (strcmp(what, "list") == 0 && count == 0)
		return list(cli);
	if (strcmp(what, "del") == 0 && count == 1)
		return change(cli, "vnet-del", 1, argv + first);
	cli_complain(cli, "%s: allowed are %s", what, self->operands);
	return CLI_USAGE;
}

const struct verb verb_vnet = {
	.name = "vnet",
	.operands = "add V [KIND:...] | set V ... | del V | list",
	.sentence = "virtual network stack instances",
	.text =
	    "A vnet is a space of interface names. One with a KIND attaches that "
	    "to every\ninterface in it: tap:netns=red. `add` and `set` take "
	    "owner=USER, who may then do\nall in it, and max-pairs=N. `del` "
	    "destroys the pairs that were made in it; others\ngo home.\n",
	.opts = ask_opts,
	.run = vnet,
};
