/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `epair metrics`: all that the daemon counts, as Prometheus reads it.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <epair/epair.h>

#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/out.h"

struct metrics_opts {
	bool openmetrics;
};

static const struct opt metrics_opts[] = {
	{ .name = "openmetrics",
	    .sentence = "in the dialect of OpenMetrics",
	    .parse = opt_flag,
	    .offset = offsetof(struct metrics_opts, openmetrics) },
	{ NULL },
};

static int
copy(const struct cli *cli, int from)
{
	char buf[8192];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0)
		for (ssize_t done = 0, m; done < n; done += m) {
			m = write(
			    STDOUT_FILENO, buf + done, (size_t)(n - done));
			if (m < 0) {
				cli_complain(cli, "standard output: %s",
				    strerror(errno));
				return CLI_FAILED;
			}
		}
	return CLI_OK;
}

static int
metrics(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	struct metrics_opts o = { 0 };
	struct epair_err err = { 0 };
	struct ctl_client c;
	json_t *result = NULL;
	int fd = -1, first, status;

	status = ask_begin(cli, self, &o, argc, argv, 0, 0, &first);
	if (status != ASK_GO_ON)
		return status;
	if (cli->json) {
		cli_complain(cli,
		    "--json: this is Prometheus' text; `epair -j stats` has "
		    "the counters");
		return CLI_USAGE;
	}
	status = ask_open(cli, &c);
	if (status != CLI_OK)
		return status;
	if (ctl_client_call(&c, self->name,
		json_pack("{s:b}", "openmetrics", o.openmetrics), NULL, 0,
		&result, &fd, &err) != 0)
		status = cli_fail(cli, "metrics", &err);
	else if (fd < 0)
		status = CLI_FAILED;
	else
		status = copy(cli, fd);
	if (fd >= 0)
		(void)close(fd);
	json_decref(result);
	ctl_client_close(&c);
	return status;
}

const struct verb verb_metrics = {
	.name = "metrics",
	.operands = "",
	.sentence = "all that is counted, for Prometheus",
	.text = "Prints what the daemon counts in the text format of "
		"Prometheus. `epaird --metrics\nPORT` serves the same by "
		"HTTP.\n",
	.opts = metrics_opts,
	.run = metrics,
};
