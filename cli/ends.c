/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verbs that do one thing to one interface: destroy, attach, detach, move, set,
 * link.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/hand.h"
#include "cli/netns.h"
#include "ctl/codec_if.h"

/* Put the request that the operands make, by its keys. */
static int
with_operands(struct cli *cli, const struct verb *self, int argc, char **argv,
    const char *const *keys, int count)
{
	struct ask_opts o = { 0 };
	int first, status;
	json_t *params;

	status = ask_begin(cli, self, &o, argc, argv, count, count, &first);
	if (status != ASK_GO_ON)
		return status;
	params = json_object();
	for (int i = 0; i < count; i++)
		(void)json_object_set_new(
		    params, keys[i], json_string(argv[first + i]));
	return ask_quietly(cli, self->name, params);
}

static const char *const if_keys[] = { "if" };
static const char *const move_keys[] = { "if", "vnet" };

static int
just_if(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	return with_operands(cli, self, argc, argv, if_keys, 1);
}

/* How the interface is that something is to be attached to. */
static int
look(const struct cli *cli, struct ctl_client *c, const char *name,
    struct ctl_if *ifc)
{
	struct epair_err err = { 0 };
	json_t *result;
	int status = ask_call(cli, c, "show",
	    json_pack("{s:s,s:b}", "if", name, "stats", 0), &result);

	if (status != CLI_OK)
		return status;
	if (ctl_if_decode(
		json_array_get(json_object_get(result, "interfaces"), 0), ifc,
		&err) != 0)
		status = cli_fail(cli, "the daemon's answer", &err);
	json_decref(result);
	return status;
}

/* What the daemon does not open for us is opened here, and handed over. */
static int
hand_over(const struct cli *cli, struct ctl_client *c, const char *name,
    json_t *params, struct hand *hand)
{
	struct ctl_if ifc;
	json_t *names;
	int status = look(cli, c, name, &ifc);

	if (status == CLI_OK)
		status = hand_open(cli, &ifc.info,
		    json_string_value(json_object_get(params, "spec")), hand,
		    &names);
	if (status == CLI_OK)
		(void)json_object_set_new(params, "fds", names);
	return status;
}

static int
attach(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	struct hand hand = { .count = 0 };
	struct ask_opts o = { 0 };
	json_t *params, *result;
	struct ctl_client c;
	const char *spec;
	int first, status;

	status = ask_begin(cli, self, &o, argc, argv, 2, 2, &first);
	if (status != ASK_GO_ON)
		return status;
	status = ask_open(cli, &c);
	if (status != CLI_OK)
		return status;
	params = json_pack(
	    "{s:s,s:s}", "if", argv[first], "spec", argv[first + 1]);
	status = netns_in(cli, params, "spec", false);
	spec = json_string_value(json_object_get(params, "spec"));
	if (status == CLI_OK && !c.is_admin && spec != NULL && hand_can(spec))
		status = hand_over(cli, &c, argv[first], params, &hand);
	if (status == CLI_OK)
		status = hand_call(cli, &c, "attach", params, &hand, &result);
	else
		json_decref(params);
	ctl_client_close(&c);
	return status == CLI_OK ? ask_print(cli, result) : status;
}

static int
move(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	return with_operands(cli, self, argc, argv, move_keys, 2);
}

/* Set words, with the files of a link if these are ours to open. Takes params. */
static int
put_words(const struct cli *cli, json_t *params)
{
	const char *link = json_string_value(
	    json_object_get(json_object_get(params, "words"), "link"));
	struct hand hand = { .count = 0 };
	struct ctl_client c;
	json_t *names, *result;
	int status = ask_open(cli, &c);

	if (status != CLI_OK) {
		json_decref(params);
		return status;
	}
	if (!c.is_admin && link != NULL && hand_can_link(link)) {
		status = hand_open_link(cli, link, &hand, &names);
		if (status == CLI_OK)
			(void)json_object_set_new(params, "fds", names);
	}
	if (status == CLI_OK)
		status = hand_call(cli, &c, "set", params, &hand, &result);
	else
		json_decref(params);
	ctl_client_close(&c);
	return status == CLI_OK ? ask_print(cli, result) : status;
}

/* "up", "down": the words that stand alone. */
static bool
stands_alone(const char *word)
{
	return strcmp(word, "up") == 0 || strcmp(word, "down") == 0;
}

static int
set(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	struct ask_opts o = { 0 };
	int first, status;
	json_t *words, *value;

	status = ask_begin(cli, self, &o, argc, argv, 2, -1, &first);
	if (status != ASK_GO_ON)
		return status;
	words = json_object();
	for (int i = first + 1; i < argc; i++) {
		const char *word = argv[i];

		if (stands_alone(word)) {
			value = json_null();
		} else if (i + 1 == argc) {
			cli_complain(cli, "%s: needs a value", word);
			json_decref(words);
			return CLI_USAGE;
		} else {
			value = json_string(argv[++i]);
		}
		(void)json_object_set_new(words, word, value);
	}
	return put_words(
	    cli, json_pack("{s:s,s:o}", "if", argv[first], "words", words));
}

/* The operands behind the interface, a space between; to be freed. */
static char *
join(char **words, int count)
{
	size_t size = 1;
	char *text, *at;

	for (int i = 0; i < count; i++)
		size += strlen(words[i]) + 1;
	text = at = malloc(size);
	if (text == NULL)
		return NULL;
	*at = '\0';
	for (int i = 0; i < count; i++)
		at += sprintf(at, "%s%s", i > 0 ? " " : "", words[i]);
	return text;
}

static int
set_link(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	struct ask_opts o = { 0 };
	int first, status;
	char *words;

	status = ask_begin(cli, self, &o, argc, argv, 2, -1, &first);
	if (status != ASK_GO_ON)
		return status;
	words = join(argv + first + 1, argc - first - 1);
	if (words == NULL) {
		cli_complain(cli, "no memory");
		return CLI_FAILED;
	}
	status = put_words(cli, json_pack("{s:s,s:{s:s}}", "if", argv[first],
				    "words", "link", words));
	free(words);
	return status;
}

const struct verb verb_destroy = {
	.name = "destroy",
	.operands = "IF",
	.sentence = "destroy the pair that it is an end of",
	.text = "Destroys the pair that IF is an end of. Its other end goes "
		"with it, wherever it is.\n",
	.opts = ask_opts,
	.run = just_if,
};

const struct verb verb_attach = {
	.name = "attach",
	.operands = "IF KIND:...",
	.sentence = "attach something to an interface",
	.text = "Attaches what plays the network stack of IF: a namespace, a "
		"machine, a file.\n`epair help attach` lists the kinds.\n",
	.opts = ask_opts,
	.run = attach,
};

const struct verb verb_detach = {
	.name = "detach",
	.operands = "IF",
	.sentence = "detach it",
	.text = "Detaches what is attached to IF. A device that it had made is "
		"gone then.\n",
	.opts = ask_opts,
	.run = just_if,
};

const struct verb verb_move = {
	.name = "move",
	.operands = "IF VNET",
	.sentence = "move an interface to another vnet",
	.text = "Moves IF to another vnet. It keeps its other end and loses "
		"UP; what its vnet\nattached stays behind, and what the other "
		"vnet attaches it gets.\n",
	.opts = ask_opts,
	.run = move,
};

const struct verb verb_set = {
	.name = "set",
	.operands = "IF WORD [VALUE] ...",
	.sentence = "configure an interface",
	.text = "Sets words of IF, all or none: up, down, mtu N, ether M, name "
		"N, descr TEXT,\nqdisc KIND:..., promisc on|off, ... as in "
		"epair_if_set(3) and epair_qdisc(3).\n",
	.opts = ask_opts,
	.run = set,
};

const struct verb verb_link = {
	.name = "link",
	.operands = "IF WORDS",
	.sentence = "what the cable does to frames that it sends",
	.text = "Says what the cable does to the frames that IF sends: delay "
		"10ms loss 1% rate\n100mbit, or none; the words are those of "
		"epair_link(3). What is not named stays.\n",
	.opts = ask_opts,
	.run = set_link,
};
