/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/help.h - what the tool says about itself, from the tables.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

struct cli;
struct verb;

/* The names of all verbs: "run, demo, help". A constant string. */
const char *help_verbs(void);

/* `epair help`, `epair VERB --help`, `epair --version`, to stdout. */
int help_overview(const struct cli *cli);
int help_verb(const struct cli *cli, const struct verb *verb);
int help_version(const struct cli *cli);

#endif /* CLI_HELP_H */
