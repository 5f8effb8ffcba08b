/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/cli.h - what the verbs of the tool share.
 *
 * Each verb is a file that ends with its struct verb; main.c has the table.
 *
 * Exit statuses are those of enum cli_status: a verb returns one and leaves
 * nothing half made behind when it is not CLI_OK.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

struct epair_err;
struct opt;

enum cli_status {
	CLI_OK = 0,
	CLI_FAILED = 1, /* it could not be done, or something went wrong */
	CLI_USAGE = 2, /* what was written is wrong */
};

struct cli {
	const char *verb; /* "run", or NULL before there is one */
	bool json; /* -j */
	const char *socket; /* --socket, or NULL */
};

struct verb {
	const char *name;
	const char *operands; /* "A B", or "" */
	const char *sentence; /* for the list of verbs */
	const char *text; /* for `epair help VERB` */
	const struct opt *opts; /* opts.h; ended by a name of NULL */
	int (*run)(struct cli *cli, const struct verb *verb, int argc,
	    char **argv); /* argv[0] is the verb */
};

extern const struct verb verb_main; /* what stands before one; no name */
extern const struct verb verb_run;
extern const struct verb verb_demo;
extern const struct verb verb_create;
extern const struct verb verb_destroy;
extern const struct verb verb_attach;
extern const struct verb verb_detach;
extern const struct verb verb_move;
extern const struct verb verb_vnet;
extern const struct verb verb_set;
extern const struct verb verb_link;
extern const struct verb verb_show;
extern const struct verb verb_apply;
extern const struct verb verb_monitor;
extern const struct verb verb_wait;
extern const struct verb verb_capture;
extern const struct verb verb_stats;
extern const struct verb verb_top;
extern const struct verb verb_exec;
extern const struct verb verb_metrics;
extern const struct verb verb_complete;
extern const struct verb verb_help;

/* The i-th verb of the tool, or NULL behind the last. */
const struct verb *verb_at(unsigned i);

/* The verb of that name, or NULL. */
const struct verb *verb_find(const char *name);

/*
 * Say on stderr what is wrong: "epair run: ...". The sentence has no newline
 * and no full stop.
 */
void cli_complain(const struct cli *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Complain of a library call: "epair run: WHAT: what err says". Returns the
 * status for it: what was written is wrong if the error is EINVAL, which is
 * all that the library says of a text that it cannot make sense of.
 */
int cli_fail(
    const struct cli *cli, const char *what, const struct epair_err *err);

#endif /* CLI_CLI_H */
