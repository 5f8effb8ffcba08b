/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/ask.h - what verbs share that ask a daemon.
 */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include <stdbool.h>

#include <jansson.h>

#include "cli/opts.h"
#include "ctl/client.h"

struct cli;
struct out;
struct verb;

struct ask_opts {
	bool json;
};

/* The options of a verb that has none but -j. */
extern const struct opt ask_opts[];

/* Returned by ask_begin(): do it. */
#define ASK_GO_ON (-1)

/*
 * Read the options of a verb into the struct at `into`; cli->json is set by -j
 * there. At least min and at most max operands (-1: no end) stand from
 * argv[*first] on. Returns ASK_GO_ON, or a cli_status to end with: help was
 * asked for, or it has been complained of.
 */
int ask_begin(struct cli *cli, const struct verb *verb, void *into, int argc,
    char **argv, int min, int max, int *first);

/*
 * Whether an option and something else, NULL if that was not written, stand
 * side by side in vain. Returns a cli_status, having complained.
 */
int ask_either(const struct cli *cli, const char *option, const char *other);

/*
 * Connect to the daemon, and say so if its version is another; c->is_admin and
 * c->is_other are set. Returns a cli_status, having complained.
 */
int ask_open(const struct cli *cli, struct ctl_client *c);

/*
 * Take a parameter out that the daemon does not know, being of another version,
 * and would refuse. For what can be done without.
 */
void ask_without(
    struct ctl_client *c, const char *method, json_t *params, const char *name);

/*
 * Put one request on an open connection. Takes params. Gives *result, unless
 * that is NULL. Returns a cli_status, having complained.
 */
int ask_call(const struct cli *cli, struct ctl_client *c, const char *method,
    json_t *params, json_t **result);

/*
 * The same in two steps, so that something else can be done meanwhile: put a
 * request, with descriptors, which stay the caller's; take the answer to the
 * oldest one.
 */
int ask_send(const struct cli *cli, struct ctl_client *c, const char *method,
    json_t *params, const int *fds, unsigned fd_count);
int ask_answer(const struct cli *cli, struct ctl_client *c, json_t **result);

/* Connect, put one request, and close. As ask_call(). */
int ask(
    const struct cli *cli, const char *method, json_t *params, json_t **result);

/* The same, and print the result if -j asks for JSON. */
int ask_quietly(const struct cli *cli, const char *method, json_t *params);

/* Print a result, which it takes, if -j asks for JSON. */
int ask_print(const struct cli *cli, json_t *result);

/* The object of that name in a list of a result's, or NULL; still the list's. */
json_t *ask_named(json_t *list, const char *name);

/* Write what waits in out, having waited for its reader. Ends out. */
int ask_finish(const struct cli *cli, struct out *out);

/* The same for what has no end but that nobody reads any longer. */
int ask_finish_watch(const struct cli *cli, struct out *out);

#endif /* CLI_ASK_H */
