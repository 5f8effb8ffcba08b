/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `epair show`: interfaces as ifconfig(8) shows them, or as `ip -j`.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/config.h"
#include "cli/detail.h"
#include "cli/out.h"
#include "cli/show.h"
#include "cli/users.h"
#include "ctl/codec_if.h"

struct show_opts {
	bool json, as_config;
	const char *vnet;
};

static const struct opt show_opts[] = {
	{ .name = "vnet",
	    .arg = "V",
	    .sentence = "only the interfaces of this vnet",
	    .parse = opt_text,
	    .allowed = "the name of a vnet",
	    .offset = offsetof(struct show_opts, vnet) },
	{ .name = "as-config",
	    .sentence = "as a file that `epair apply` takes",
	    .parse = opt_flag,
	    .offset = offsetof(struct show_opts, as_config) },
	OPT_JSON(struct show_opts, json),
	{ NULL },
};

/* What is shown of one after the other, for people or as an array. */
struct listing {
	const struct cli *cli;
	struct out out;
	uint64_t count;
};

static int
show_object(struct listing *l, const struct ctl_if *ifc)
{
	json_t *object;
	char *text;

	if (!l->cli->json) {
		detail_show(&l->out, ifc);
		return CLI_OK;
	}
	object = detail_json(ifc);
	text = object != NULL
		   ? json_dumps(object, l->out.is_tty ? JSON_INDENT(2) : 0)
		   : NULL;
	json_decref(object);
	if (text == NULL) {
		cli_complain(l->cli, "no memory");
		return CLI_FAILED;
	}
	out_print(&l->out, "%s%s", l->count++ > 0 ? ", " : "[", text);
	free(text);
	return CLI_OK;
}

/* One page of the answer. */
static int
show_page(struct listing *l, json_t *page)
{
	struct epair_err err = { 0 };
	struct ctl_if ifc;
	json_t *object;
	size_t i;

	json_array_foreach(json_object_get(page, "interfaces"), i, object)
	{
		if (ctl_if_decode(object, &ifc, &err) != 0)
			return cli_fail(l->cli, "the daemon's answer", &err);
		if (show_object(l, &ifc) != CLI_OK)
			return CLI_FAILED;
	}
	return CLI_OK;
}

/*
 * Page by page, so that it never waits for all of ten thousand; the daemon makes
 * the next one while this one is shown.
 */
static int
show_all(struct listing *l, struct ctl_client *c, json_t *params)
{
	json_t *page, *more;
	bool is_last;
	int status = ask_send(l->cli, c, "show", json_incref(params), NULL, 0);

	while (status == CLI_OK) {
		status = ask_answer(l->cli, c, &page);
		if (status != CLI_OK)
			break;
		more = json_object_get(page, "more");
		if (more != NULL) {
			(void)json_object_set(params, "after", more);
			status = ask_send(
			    l->cli, c, "show", json_incref(params), NULL, 0);
		}
		if (status == CLI_OK)
			status = show_page(l, page);
		is_last = more == NULL;
		json_decref(page);
		if (is_last)
			break;
		(void)out_push(&l->out);
	}
	return status;
}

/* Owners by name, as one would write them. */
static void
name_owners(json_t *config)
{
	json_t *vnet, *owner;
	char name[USER_NAME_MAX];
	size_t i;

	json_array_foreach(json_object_get(config, "vnets"), i, vnet)
	{
		owner = json_object_get(vnet, "owner");
		if (owner == NULL)
			continue;
		(void)user_name(json_integer_value(owner), name);
		(void)json_object_set_new(vnet, "owner", json_string(name));
	}
}

static int
show_config(const struct cli *cli)
{
	json_t *config;
	int status = ask(cli, "config", NULL, &config), error;
	struct out out;

	if (status != CLI_OK)
		return status;
	name_owners(config);
	if (cli->json) {
		out_init(&out, STDOUT_FILENO);
		show_json(&out, config);
		return ask_finish(cli, &out);
	}
	error = config_write(stdout, config);
	json_decref(config);
	if (error == 0)
		return CLI_OK;
	cli_complain(cli, "standard output: %s", strerror(-error));
	return CLI_FAILED;
}

static int
show(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	struct show_opts o = { 0 };
	struct listing l = { .cli = cli };
	struct ctl_client c;
	const char *ifname;
	json_t *params;
	int first, status, ended;

	status = ask_begin(cli, self, &o, argc, argv, 0, 1, &first);
	if (status != ASK_GO_ON)
		return status;
	ifname = first < argc ? argv[first] : NULL;
	status = o.vnet == NULL ? CLI_OK : ask_either(cli, "--vnet", ifname);
	if (status == CLI_OK && o.as_config)
		status = ask_either(
		    cli, "--as-config", o.vnet != NULL ? "--vnet" : ifname);
	if (status != CLI_OK)
		return status;
	if (o.as_config)
		return show_config(cli);
	status = ask_open(cli, &c);
	if (status != CLI_OK)
		return status;
	if (ifname != NULL)
		params = json_pack("{s:s,s:b}", "if", ifname, "detail", true);
	else
		params = json_object();
	if (o.vnet != NULL)
		(void)json_object_set_new(params, "vnet", json_string(o.vnet));
	ask_without(&c, "show", params, "detail");
	out_init(&l.out, STDOUT_FILENO);
	status = show_all(&l, &c, params);
	if (cli->json && status == CLI_OK)
		out_print(&l.out, "%s]\n", l.count > 0 ? "" : "[");
	json_decref(params);
	ctl_client_close(&c);
	ended = ask_finish(cli, &l.out);
	return status != CLI_OK ? status : ended;
}

const struct verb verb_show = {
	.name = "show",
	.operands = "[IF]",
	.sentence = "interfaces, and what they counted",
	.text =
	    "Shows an interface, or all of them, as ifconfig(8) does; with "
	    "-j as `ip -j`.\nIF is NAME, or VNET/NAME; of one, what its link "
	    "and discipline have done is shown too.\n",
	.opts = show_opts,
	.run = show,
};
