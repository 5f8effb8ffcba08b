/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `epair create`: a pair, with all that is said of it, or nothing.
 */
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/hand.h"
#include "cli/netns.h"
#include "cli/out.h"
#include "cli/show.h"

struct create_opts {
	bool json;
	const char *vnet, *mac_policy;
};

static const struct opt create_opts[] = {
	{ .name = "vnet",
	    .arg = "V",
	    .sentence = "where to make it [vnet0]",
	    .parse = opt_text,
	    .allowed = "the name of a vnet",
	    .offset = offsetof(struct create_opts, vnet) },
	{ .name = "mac-policy",
	    .arg = "original|stable",
	    .sentence = "how MAC addresses are made [original]",
	    .parse = opt_text,
	    .allowed = "original or stable",
	    .offset = offsetof(struct create_opts, mac_policy) },
	OPT_JSON(struct create_opts, json),
	{ NULL },
};

/* The object of an end in params, made if it is not there yet. */
static json_t *
end_of(json_t *params, char side)
{
	char key[] = { side, '\0' };

	if (json_object_get(params, key) == NULL)
		(void)json_object_set_new(params, key, json_object());
	return json_object_get(params, key);
}

/* "a.mtu=9000" into params. Returns what is wrong with it, or NULL. */
static const char *
take_setting(json_t *params, const char *text)
{
	const char *equals = strchr(text, '=');
	json_t *into = params, *value;
	size_t len;

	if (equals == NULL)
		return "must be KEY=VALUE, as up=yes";
	if ((text[0] == 'a' || text[0] == 'b') && text[1] == '.') {
		into = end_of(params, text[0]);
		text += 2;
	}
	len = (size_t)(equals - text);
	if (len == 0)
		return "must be KEY=VALUE";
	value = json_string(equals + 1);
	if (value == NULL)
		return "is no UTF-8";
	return json_object_setn_new(into, text, len, value) != 0 ? "is no UTF-8"
								 : NULL;
}

static int
print_made(const struct cli *cli, json_t *result)
{
	const char *made = json_string_value(
	    json_array_get(json_object_get(result, "made"), 0));
	struct out out;

	out_init(&out, STDOUT_FILENO);
	if (cli->json)
		show_json(&out, json_incref(result));
	/* As one writes it: a name in vnet0 needs no vnet. */
	else if (made != NULL)
		out_print(&out, "%s\n",
		    strncmp(made, "vnet0/", 6) == 0 ? made + 6 : made);
	json_decref(result);
	return ask_finish(cli, &out);
}

/* Takes params. */
static int
put(const struct cli *cli, json_t *params, json_t **result)
{
	struct hand hand = { .count = 0 };
	struct ctl_client c;
	int status = ask_open(cli, &c);

	if (status != CLI_OK) {
		json_decref(params);
		return status;
	}
	status = netns_in_pair(cli, params, false);
	if (status == CLI_OK && !c.is_admin)
		status = hand_pair(cli, params, NULL, &hand);
	if (status == CLI_OK) {
		status = hand_call(cli, &c, "create", params, &hand, result);
	} else {
		hand_close(&hand);
		json_decref(params);
	}
	ctl_client_close(&c);
	return status;
}

static int
create(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	struct create_opts o = { 0 };
	json_t *params, *result;
	const char *wrong;
	int first, status;

	status = ask_begin(cli, self, &o, argc, argv, 0, -1, &first);
	if (status != ASK_GO_ON)
		return status;
	params = json_object();
	if (first < argc && strchr(argv[first], '=') == NULL)
		(void)json_object_set_new(
		    params, "name", json_string(argv[first++]));
	if (o.vnet != NULL)
		(void)json_object_set_new(params, "vnet", json_string(o.vnet));
	if (o.mac_policy != NULL)
		(void)json_object_set_new(
		    params, "mac-policy", json_string(o.mac_policy));
	for (; first < argc; first++) {
		wrong = take_setting(params, argv[first]);
		if (wrong == NULL)
			continue;
		cli_complain(cli, "%s: %s", argv[first], wrong);
		json_decref(params);
		return CLI_USAGE;
	}
	status = put(cli, params, &result);
	return status == CLI_OK ? print_made(cli, result) : status;
}

const struct verb verb_create = {
	.name = "create",
	.operands = "[NAME] [[a.|b.]KEY=VALUE ...]",
	.sentence = "make a pair, and print its a end",
	.text =
	    "Makes a pair, `epair` for the lowest free unit or epairN, with all "
	    "that is said of\nit, or nothing: a.vnet=red moves the a end there, "
	    "b.attach=echo attaches, and\nevery other key is a word of `epair "
	    "set`, for one end or for both: mtu=9000\na.link='delay 10ms' "
	    "up=yes.\n",
	.opts = create_opts,
	.run = create,
};
