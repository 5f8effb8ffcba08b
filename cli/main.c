/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <epair/epair.h>

#include "cli/cli.h"
#include "cli/help.h"
#include "cli/opts.h"

static const struct verb *const verbs[] = {
	&verb_run,
	&verb_demo,
	&verb_create,
	&verb_destroy,
	&verb_attach,
	&verb_detach,
	&verb_move,
	&verb_vnet,
	&verb_set,
	&verb_link,
	&verb_show,
	&verb_stats,
	&verb_top,
	&verb_capture,
	&verb_apply,
	&verb_monitor,
	&verb_wait,
	&verb_exec,
	&verb_metrics,
	&verb_complete,
	&verb_help,
};

struct main_opts {
	bool json, version;
	const char *socket;
};

static const struct opt main_opts[] = {
	{
	    .name = "socket",
	    .arg = "PATH",
	    .sentence = "where the daemon is",
	    .parse = opt_text,
	    .allowed = "the path of epaird's socket",
	    .offset = offsetof(struct main_opts, socket),
	},
	OPT_JSON(struct main_opts, json),
	{
	    .name = "version",
	    .letter = 'V',
	    .sentence = "print the version",
	    .parse = opt_flag,
	    .offset = offsetof(struct main_opts, version),
	},
	{ NULL },
};

/* What stands before the verb, made to look like a verb. */
const struct verb verb_main = {
	.name = NULL,
	.operands = "VERB ...",
	.sentence = "a virtual cross-over Ethernet cable",
	.opts = main_opts,
};

const struct verb *
verb_at(unsigned i)
{
	return i < sizeof(verbs) / sizeof(verbs[0]) ? verbs[i] : NULL;
}

const struct verb *
verb_find(const char *name)
{
	const struct verb *verb;

	for (unsigned i = 0; (verb = verb_at(i)) != NULL; i++)
		if (strcmp(verb->name, name) == 0)
			return verb;
	return NULL;
}

void
cli_complain(const struct cli *cli, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* One write, so that lines of several processes do not mingle. */
	(void)fprintf(stderr, "epair%s%s: %s\n", cli->verb ? " " : "",
	    cli->verb ? cli->verb : "", text);
}

int
cli_fail(const struct cli *cli, const char *what, const struct epair_err *err)
{
	if (err->text[0] != '\0')
		cli_complain(cli, "%s: %s", what, err->text);
	else
		cli_complain(cli, "%s: %s", what, strerror(-err->code));
	return err->code == -EINVAL ? CLI_USAGE : CLI_FAILED;
}

/*
 * A shell starts a background job with SIGINT ignored, and some supervisors
 * ignore SIGTERM: both are asked of us by name, so we always heed them. A
 * reader that went away is an error of the write, not a death.
 */
static void
reset_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t set;

	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGCHLD, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &sa, NULL);

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/*
 * A standard descriptor that is closed would be taken by the next file opened,
 * a capture say, and what is printed would land there. What stands in its
 * place refuses to be used: writing to it fails, as it should.
 */
static void
hold_descriptors(void)
{
	static const int flags[] = { O_WRONLY, O_RDONLY, O_RDONLY };

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", flags[fd]);
}

int
main(int argc, char **argv)
{
	struct main_opts o = { 0 };
	struct cli cli = { 0 };
	const struct verb *verb;
	int first;

	(void)setlocale(LC_CTYPE, "");
	hold_descriptors();
	reset_signals();

	switch (opts_parse(&cli, &verb_main, &o, argc, argv, &first)) {
	case OPTS_OK:
		break;
	case OPTS_HELP:
		return help_overview(&cli);
	case OPTS_WRONG:
	default:
		return CLI_USAGE;
	}
	cli.json = o.json;
	cli.socket = o.socket;
	if (o.version)
		return help_version(&cli);
	if (first == argc) {
		cli_complain(
		    &cli, "a verb is needed; allowed are %s", help_verbs());
		return CLI_USAGE;
	}
	verb = verb_find(argv[first]);
	if (verb == NULL) {
		cli_complain(&cli, "%s: no such verb; allowed are %s",
		    argv[first], help_verbs());
		return CLI_USAGE;
	}
	cli.verb = verb->name;
	return verb->run(&cli, verb, argc - first, argv + first);
}
