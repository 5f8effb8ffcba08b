/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/help.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include <epair/epair.h>

#include "cli/cli.h"
#include "cli/opts.h"

static const char main_usage[] = "usage: epair [-j] [--socket PATH] VERB ...";

/* stdout is buffered: whether all of it arrived shows only now. */
static int
finish(const struct cli *cli)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return CLI_OK;
	cli_complain(cli, "standard output: %s", strerror(errno));
	return CLI_FAILED;
}

/* Takes doc. */
static int
print_json(const struct cli *cli, json_t *doc)
{
	if (doc == NULL || json_dumpf(doc, stdout, JSON_INDENT(1)) != 0) {
		cli_complain(cli, "standard output: %s", strerror(errno));
		json_decref(doc);
		return CLI_FAILED;
	}
	json_decref(doc);
	(void)putchar('\n');
	return finish(cli);
}

const char *
help_verbs(void)
{
	static char names[256];
	const struct verb *verb;
	size_t len = 0;

	for (unsigned i = 0; (verb = verb_at(i)) != NULL; i++) {
		int n = snprintf(names + len, sizeof(names) - len, "%s%s",
		    i > 0 ? ", " : "", verb->name);

		if (n < 0 || (size_t)n >= sizeof(names) - len)
			break;
		len += (size_t)n;
	}
	return names;
}

int
help_version(const struct cli *cli)
{
	if (cli->json)
		return print_json(
		    cli, json_pack("{s:s}", "version", epair_version()));
	(void)printf("epair %s\n", epair_version());
	return finish(cli);
}

static int
overview_json(const struct cli *cli)
{
	json_t *verbs = json_array();
	const struct verb *verb;

	for (unsigned i = 0; (verb = verb_at(i)) != NULL; i++)
		(void)json_array_append_new(verbs,
		    json_pack("{s:s, s:s, s:s}", "verb", verb->name, "operands",
			verb->operands, "sentence", verb->sentence));
	return print_json(cli, json_pack("{s:o}", "verbs", verbs));
}

int
help_overview(const struct cli *cli)
{
	const struct verb *verb;

	if (cli->json)
		return overview_json(cli);
	(void)printf("%s\n\n"
		     "A virtual cross-over Ethernet cable between any two "
		     "network stacks.\n\n",
	    main_usage);
	for (unsigned i = 0; (verb = verb_at(i)) != NULL; i++)
		(void)printf("  %-8s %s\n", verb->name, verb->sentence);
	(void)printf(
	    "\n  -j, --json     print JSON; before or after the verb\n"
	    "  --socket PATH  where the daemon is; before the verb\n"
	    "  -V, --version  print the version\n"
	    "  -h, --help     print this, or what the verb is\n\n"
	    "`epair help VERB` explains a verb, `epair help attach` lists "
	    "what can be\nattached. Exit status: 0 done; 1 it could not be "
	    "done; 2 wrong usage.\n");
	return finish(cli);
}

static json_t *
option_json(const struct opt *opt)
{
	json_t *object = json_pack(
	    "{s:s, s:s}", "option", opt->name, "sentence", opt->sentence);

	if (opt->letter != 0)
		(void)json_object_set_new(
		    object, "letter", json_stringn(&opt->letter, 1));
	if (opt->arg != NULL)
		(void)json_object_set_new(object, "arg", json_string(opt->arg));
	return object;
}

static int
verb_json(const struct cli *cli, const struct verb *verb)
{
	json_t *opts = json_array();

	for (const struct opt *opt = verb->opts; opt->name != NULL; opt++)
		(void)json_array_append_new(opts, option_json(opt));
	return print_json(
	    cli, json_pack("{s:s, s:s, s:s, s:s, s:o}", "verb", verb->name,
		     "operands", verb->operands, "sentence", verb->sentence,
		     "text", verb->text, "options", opts));
}

int
help_verb(const struct cli *cli, const struct verb *verb)
{
	if (cli->json)
		return verb_json(cli, verb);
	(void)printf("usage: epair %s [OPTION ...]%s%s\n\n%s\n", verb->name,
	    verb->operands[0] ? " " : "", verb->operands, verb->text);
	opts_help(verb->opts, stdout);
	return finish(cli);
}

static json_t *
kind_json(const struct epair_kind *kind)
{
	json_t *keys = json_array();

	for (const char *const *key = kind->keys; key && *key; key++)
		(void)json_array_append_new(keys, json_string(*key));
	return json_pack("{s:s, s:s, s:o, s:b}", "kind", kind->name, "sentence",
	    kind->sentence, "keys", keys, "sim", kind->sim);
}

static int
help_attach_json(const struct cli *cli)
{
	json_t *kinds = json_array();
	const struct epair_kind *kind;

	for (unsigned i = 0; (kind = epair_kind_at(i)) != NULL; i++)
		(void)json_array_append_new(kinds, kind_json(kind));
	return print_json(cli, json_pack("{s:o}", "kinds", kinds));
}

/* What this build can attach: the library's table, not a copy of it. */
static int
help_attach(const struct cli *cli)
{
	const struct epair_kind *kind;

	if (cli->json)
		return help_attach_json(cli);
	(void)printf(
	    "An attachment is what stands behind an end of a pair and plays "
	    "its stack.\nIt is written KIND or KIND:KEY=VALUE,KEY=VALUE ...; "
	    "a comma in a value is\nwritten \\, and a backslash \\\\.\n");
	for (unsigned i = 0; (kind = epair_kind_at(i)) != NULL; i++) {
		(void)printf("\n  %-8s %s\n", kind->name, kind->sentence);
		for (const char *const *key = kind->keys; key && *key; key++)
			(void)printf("           %s\n", *key);
	}
	return finish(cli);
}

struct help_opts {
	bool json;
};

static const struct opt help_opts[] = {
	OPT_JSON(struct help_opts, json),
	{ NULL },
};

static int
help(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	struct help_opts o = { .json = cli->json };
	const struct verb *verb;
	int first;

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
	if (first == argc)
		return help_overview(cli);
	if (argc - first > 1) {
		cli_complain(cli, "%s: one topic at a time", argv[first + 1]);
		return CLI_USAGE;
	}
	if (strcmp(argv[first], "attach") == 0)
		return help_attach(cli);
	verb = verb_find(argv[first]);
	if (verb == NULL) {
		cli_complain(cli, "%s: no such topic; allowed are attach, %s",
		    argv[first], help_verbs());
		return CLI_USAGE;
	}
	return help_verb(cli, verb);
}

const struct verb verb_help = {
	.name = "help",
	.operands = "[VERB | attach]",
	.sentence = "explain a verb, or list what can be attached",
	.text = "Explains a verb. `epair help attach` lists the kinds of "
		"attachments of this\nbuild and their keys.\n",
	.opts = help_opts,
	.run = help,
};
