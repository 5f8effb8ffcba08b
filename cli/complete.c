/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `epair complete`: what may stand next, for the shells.
 *
 * It is read from the table of verbs: options from theirs, operands from the
 * words with which their help describes them. An operand that no list is known
 * for has no candidates, and the shell offers files.
 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include <epair/epair.h>

#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/help.h"

static const struct opt complete_opts[] = { { NULL } };

/* The words so far; the last is the one to complete. */
struct line {
	const struct cli *cli;
	char *const *words;
	int count;
	const char *current;
	int begun; /* octets of that in front of what is completed */
};

static void
offer(const struct line *l, const char *candidate, const char *end)
{
	const char *rest = l->current + l->begun;

	if (strncmp(candidate, rest, strlen(rest)) == 0)
		(void)printf(
		    "%.*s%s%s\n", l->begun, l->current, candidate, end);
}

/* Each of "in|out". */
static void
offer_words(const struct line *l, const char *words)
{
	char word[64];
	int len;

	for (; *words != '\0'; words += len + (words[len] == '|')) {
		len = (int)strcspn(words, "|");
		(void)snprintf(word, sizeof(word), "%.*s", len, words);
		offer(l, word, "");
	}
}

static void
offer_verbs(const struct line *l)
{
	const struct verb *verb;

	for (unsigned i = 0; (verb = verb_at(i)) != NULL; i++)
		offer(l, verb->name, "");
}

/* Nobody wants complaints while writing a line. */
static json_t *
look(const struct line *l, const char *method, json_t *params)
{
	char path[CTL_PATH_MAX];
	struct epair_err err;
	struct ctl_client c;
	json_t *result = NULL;

	if (ctl_client_open(&c,
		l->cli->socket != NULL ? l->cli->socket
				       : ctl_default_path(path),
		&err) != 0) {
		json_decref(params);
		return NULL;
	}
	if (ctl_client_call(&c, method, params, NULL, 0, &result, NULL, &err) !=
	    0)
		result = NULL;
	ctl_client_close(&c);
	return result;
}

/* VNET/NAME where there may be others of that name. The first page will do. */
static void
offer_interfaces(const struct line *l)
{
	json_t *result = look(l, "show", json_pack("{s:b}", "stats", 0));
	json_t *object;
	size_t i;

	json_array_foreach(json_object_get(result, "interfaces"), i, object)
	{
		char text[2 * EPAIR_NAME_MAX + 1];
		const char *name = json_string_value(
		    json_object_get(object, "name"));
		const char *vnet = json_string_value(
		    json_object_get(object, "vnet"));
		bool is_first = vnet == NULL || strcmp(vnet, "vnet0") == 0;

		if (name == NULL)
			continue;
		(void)snprintf(text, sizeof(text), "%s%s%s",
		    is_first ? "" : vnet, is_first ? "" : "/", name);
		offer(l, text, "");
	}
	json_decref(result);
}

static void
offer_vnets(const struct line *l)
{
	json_t *result = look(l, "vnets", NULL), *object;
	size_t i;

	json_array_foreach(json_object_get(result, "vnets"), i, object)
	{
		const char *name = json_string_value(
		    json_object_get(object, "name"));

		if (name != NULL)
			offer(l, name, "");
	}
	json_decref(result);
}

/* "tap:"; and behind that, or a comma, its keys. */
static void
offer_kinds(const struct line *l)
{
	const char *rest = l->current + l->begun;
	const char *colon = strchr(rest, ':');
	const char *comma = strrchr(rest, ',');
	const struct epair_kind *kind;

	for (unsigned i = 0; (kind = epair_kind_at(i)) != NULL; i++) {
		size_t len = strlen(kind->name);

		if (colon == NULL) {
			offer(l, kind->name, kind->keys != NULL ? ":" : "");
			continue;
		}
		if (strncmp(rest, kind->name, len) != 0 || rest[len] != ':')
			continue;
		for (const char *const *key = kind->keys; key && *key; key++) {
			char text[512];

			(void)snprintf(text, sizeof(text), "%.*s%.*s=",
			    (int)((comma != NULL ? comma : colon) + 1 - rest),
			    rest, (int)strcspn(*key, "="), *key);
			offer(l, text, "");
		}
	}
}

/* The words of `set`; of `create`, each with its value, for an end or both. */
static void
offer_settings(const struct line *l, const char *end)
{
	const char *word;

	for (unsigned i = 0; (word = epair_if_word_at(i)) != NULL; i++)
		offer(l, word, end);
}

static void
offer_create(const struct line *l)
{
	const char *text = l->current;
	struct line of = *l;

	if ((text[0] != 'a' && text[0] != 'b') || text[1] != '.') {
		offer(l, "a", ".");
		offer(l, "b", ".");
		offer_settings(l, "=");
		return;
	}
	of.begun = 2;
	offer(&of, "attach", "=");
	offer(&of, "vnet", "=");
	offer_settings(&of, "=");
	if (strncmp(text + 2, "attach=", 7) == 0) {
		of.begun = 9;
		offer_kinds(&of);
	}
}

static void
offer_options(const struct line *l, const struct verb *verb)
{
	char text[64];

	for (const struct opt *opt = verb->opts; opt->name != NULL; opt++) {
		(void)snprintf(text, sizeof(text), "--%s", opt->name);
		offer(l, text, "");
	}
	offer(l, "--help", "");
}

static const struct opt *
find_option(const struct verb *verb, const char *word)
{
	for (const struct opt *opt = verb->opts; opt->name != NULL; opt++)
		if ((strncmp(word, "--", 2) == 0 &&
			strcmp(word + 2, opt->name) == 0) ||
		    (opt->letter != 0 && word[0] == '-' &&
			word[1] == opt->letter && word[2] == '\0'))
			return opt;
	return NULL;
}

/* What an operand is called, "IF" of "[IF] ..."; the last one repeats. */
static bool
name_operand(const char *operands, int number, char *name, size_t size)
{
	static const char skip[] = " [].";
	const char *at = operands + strspn(operands, skip);
	size_t len = 0;

	for (int i = 0; *at != '\0' && i <= number; i++) {
		len = strcspn(at, skip);
		(void)snprintf(name, size, "%.*s", (int)len, at);
		at += len;
		at += strspn(at, skip);
	}
	return len > 0;
}

/*
 * Of "add V | del V" the part that begins with the word, or NULL. Without one,
 * the first words are offered.
 */
static const char *
choose(const struct line *l, const char *operands, const char *word)
{
	static char part[256];

	for (const char *at = operands; at != NULL; at = strchr(at, '|')) {
		size_t len;

		at += strspn(at, "| ");
		len = strcspn(at, " ");
		(void)snprintf(part, sizeof(part), "%.*s", (int)len, at);
		if (word == NULL) {
			offer(l, part, "");
		} else if (strcmp(part, word) == 0) {
			(void)snprintf(part, sizeof(part), "%.*s",
			    (int)strcspn(at + len, "|"), at + len);
			return part;
		}
	}
	return NULL;
}

static void
offer_operand(const struct line *l, const struct verb *verb, const char *first,
    int number)
{
	const char *operands = verb->operands;
	char name[64];

	if (strcmp(verb->name, "help") == 0) {
		offer_verbs(l);
		offer(l, "attach", "");
		return;
	}
	if (strcmp(verb->name, "create") == 0) {
		offer_create(l);
		return;
	}
	if (strstr(operands, " | ") != NULL) {
		operands = choose(l, operands, number > 0 ? first : NULL);
		number--;
	}
	if (operands == NULL || !name_operand(operands, number, name, 64))
		return;
	if (strcmp(name, "IF") == 0)
		offer_interfaces(l);
	else if (strcmp(name, "V") == 0 || strcmp(name, "VNET") == 0)
		offer_vnets(l);
	else if (strcmp(name, "A") == 0 || strcmp(name, "B") == 0 ||
		 strcmp(name, "KIND:") == 0)
		offer_kinds(l);
	else if (strcmp(name, "WORD") == 0 && strcmp(verb->name, "set") == 0)
		offer_settings(l, "");
	else if (strchr(name, '|') != NULL)
		offer_words(l, name);
}

static void
offer_value(const struct line *l, const struct opt *opt)
{
	if (strcmp(opt->name, "vnet") == 0)
		offer_vnets(l);
	for (unsigned i = 0; opt->words != NULL && opt->words[i] != NULL; i++)
		offer(l, opt->words[i], "");
	if (strchr(opt->arg, '|') != NULL)
		offer_words(l, opt->arg);
}

/* The words behind the verb: which operand is it, or is it an option's? */
static void
offer_behind(const struct line *l, const struct verb *verb, int from)
{
	const char *first = NULL;
	const struct opt *opt;
	int number = 0;

	for (int i = from; i < l->count - 1; i++) {
		opt = find_option(verb, l->words[i]);
		if (opt != NULL && opt->arg != NULL && ++i == l->count - 1) {
			offer_value(l, opt);
			return;
		}
		if (opt != NULL || l->words[i][0] == '-')
			continue;
		if (number++ == 0)
			first = l->words[i];
	}
	if (l->current[0] == '-')
		offer_options(l, verb);
	else
		offer_operand(l, verb, first, number);
}

static int
complete(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	struct cli at = *cli;
	struct line l = { .cli = &at };
	const struct verb *verb;
	int first, i = 0, status;

	status = ask_begin(cli, self, NULL, argc, argv, 1, -1, &first);
	if (status != ASK_GO_ON)
		return status;
	l.words = argv + first;
	l.count = argc - first;
	l.current = l.words[l.count - 1];
	for (; i < l.count - 1 && l.words[i][0] == '-'; i++)
		if (strcmp(l.words[i], "--socket") == 0)
			at.socket = l.words[++i];
	verb = i < l.count - 1 ? verb_find(l.words[i]) : NULL;
	if (verb != NULL)
		offer_behind(&l, verb, i + 1);
	else if (i == l.count - 1 && l.current[0] == '-')
		offer_options(&l, &verb_main);
	else if (i == l.count - 1)
		offer_verbs(&l);
	return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

const struct verb verb_complete = {
	.name = "complete",
	.operands = "-- WORD ...",
	.sentence = "what may stand next, for shells",
	.text = "Prints what the last WORD, which may be empty, may become "
		"behind the others.\nThe completions of bash and zsh ask it.\n",
	.opts = complete_opts,
	.run = complete,
};
