/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/run.h - the command line of `epair run`.
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/cable.h"
#include "cli/opts.h"

struct cli;

struct run_opts {
	struct cable_how how;
	const char *capture, *filter, *scenario;
	uint64_t count, time_ns;
	uint64_t ready_fd; /* UINT64_MAX: none */
	bool json;
};

extern const struct opt run_opts[];

/*
 * What can be said of it without doing anything. Returns a cli_status, having
 * complained.
 */
int run_check(const struct cli *cli, const struct run_opts *o, int argc,
    char *const *ends);

/* Whether an attachment is of the kind that --count is for. */
bool run_is_source(const char *spec);

#endif /* CLI_RUN_H */
