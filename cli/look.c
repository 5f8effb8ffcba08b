/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `epair show`: interfaces as ifconfig(8) shows them, or as `ip -j`.
 */
#include <unistd.h>

#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/out.h"
#include "cli/show.h"
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
	OPT_JSON(struct show_opts, json),
	{ NULL },
};

/* One page of the answer. */
static int
show_page(const struct cli *cli, struct out *out, json_t *page, json_t *doc)
{
	struct epair_err err = { 0 };
	struct ctl_if ifc;
	json_t *object;
	size_t i;

	json_array_foreach(json_object_get(page, "interfaces"), i, object)
	{
		if (ctl_if_decode(object, &ifc, &err) != 0)
			return cli_fail(cli, "the daemon's answer", &err);
		if (doc != NULL)
			(void)json_array_append_new(
			    doc, show_if_json(&ifc.info, &ifc.stats));
		else
			show_if(out, &ifc.info, &ifc.stats);
	}
	return CLI_OK;
}

/* Page by page, so that it never waits for all of ten thousand. */
static int
show_all(const struct cli *cli, struct ctl_client *c, json_t *params,
    struct out *out, json_t *doc)
{
	json_t *page, *more;
	int status;

	for (;;) {
		status = ask_call(cli, c, "show", json_incref(params), &page);
		if (status != CLI_OK)
			return status;
		status = show_page(cli, out, page, doc);
		more = json_incref(json_object_get(page, "more"));
		json_decref(page);
		if (status != CLI_OK || more == NULL) {
			json_decref(more);
			return status;
		}
		(void)json_object_set_new(params, "after", more);
		(void)out_push(out);
	}
}

static int
show(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	struct show_opts o = { 0 };
	struct ctl_client c;
	struct out out;
	json_t *params, *doc;
	int first, status, ended;

	status = ask_begin(cli, self, &o, argc, argv, 0, 1, &first);
	if (status == ASK_GO_ON)
		status = ask_open(cli, &c);
	else
		return status;
	if (status != CLI_OK)
		return status;
	params = json_object();
	if (first < argc)
		(void)json_object_set_new(
		    params, "if", json_string(argv[first]));
	if (o.vnet != NULL)
		(void)json_object_set_new(params, "vnet", json_string(o.vnet));
	out_init(&out, STDOUT_FILENO);
	doc = cli->json ? json_array() : NULL;
	status = show_all(cli, &c, params, &out, doc);
	if (doc != NULL && status == CLI_OK)
		show_json(&out, doc);
	else
		json_decref(doc);
	json_decref(params);
	ctl_client_close(&c);
	ended = ask_finish(cli, &out);
	return status != CLI_OK ? status : ended;
}

const struct verb verb_show = {
	.name = "show",
	.operands = "[IF]",
	.sentence = "interfaces, and what they counted",
	.text = "Shows an interface, or all of them, as ifconfig(8) does; with "
		"-j as `ip -j`.\nIF is NAME, or VNET/NAME.\n",
	.opts = show_opts,
	.run = show,
};
