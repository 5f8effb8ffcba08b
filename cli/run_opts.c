/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/run.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <epair/epair.h>

#include "cli/cli.h"

static const char *const carriers[] = {
	[EPAIR_CARRIER_ALWAYS] = "always",
	[EPAIR_CARRIER_FOLLOW] = "follow",
	NULL,
};

static const char *const fulls[] = {
	[EPAIR_FULL_DROP] = "drop",
	[EPAIR_FULL_WAIT] = "wait",
	NULL,
};

const struct opt run_opts[] = {
	{ .name = "mtu",
	    .arg = "N",
	    .sentence = "MTU of both ends [1500]",
	    .parse = opt_number,
	    .min = 72,
	    .max = 65535,
	    .offset = offsetof(struct run_opts, how.mtu) },
	{ .name = "mac-a",
	    .arg = "M",
	    .sentence = "MAC address of the a end",
	    .parse = opt_mac,
	    .allowed = "six octets as 02:00:00:00:00:0a, neither a group "
		       "address nor zero",
	    .offset = offsetof(struct run_opts, how.mac[0]) },
	{ .name = "mac-b",
	    .arg = "M",
	    .sentence = "MAC address of the b end",
	    .parse = opt_mac,
	    .allowed = "six octets as 02:00:00:00:00:0b, neither a group "
		       "address nor zero",
	    .offset = offsetof(struct run_opts, how.mac[1]) },
	{ .name = "carrier",
	    .arg = "WAY",
	    .sentence = "follow: an end has link while somebody hears it "
			"[always]",
	    .parse = opt_word,
	    .words = carriers,
	    .allowed = "follow or always",
	    .offset = offsetof(struct run_opts, how.carrier) },
	{ .name = "link-a",
	    .arg = "WORDS",
	    .sentence = "what the cable does to frames of A: 'delay 20ms "
			"loss 1%'",
	    .parse = opt_text,
	    .allowed = "words of epair_link(3), as 'delay 20ms 5ms loss 1%'",
	    .offset = offsetof(struct run_opts, how.link[0]) },
	{ .name = "link-b",
	    .arg = "WORDS",
	    .sentence = "the same to frames of B",
	    .parse = opt_text,
	    .allowed = "words of epair_link(3), as 'rate 10mbit'",
	    .offset = offsetof(struct run_opts, how.link[1]) },
	{ .name = "qdisc-a",
	    .arg = "KIND:...",
	    .sentence = "what orders the frames of A that wait for a rate",
	    .parse = opt_text,
	    .allowed = "fifo, priq, drr, htb, codel or fq-codel, with keys",
	    .offset = offsetof(struct run_opts, how.qdisc[0]) },
	{ .name = "qdisc-b",
	    .arg = "KIND:...",
	    .sentence = "the same of B",
	    .parse = opt_text,
	    .allowed = "fifo, priq, drr, htb, codel or fq-codel, with keys",
	    .offset = offsetof(struct run_opts, how.qdisc[1]) },
	{ .name = "scenario",
	    .arg = "FILE",
	    .sentence = "changes, each at its time: epair-scenario(5)",
	    .parse = opt_text,
	    .allowed = "a file in the format of epair-scenario(5)",
	    .offset = offsetof(struct run_opts, scenario) },
	{ .name = "sim",
	    .sentence = "in simulated time, as fast as it goes",
	    .parse = opt_flag,
	    .offset = offsetof(struct run_opts, how.sim) },
	{ .name = "seed",
	    .arg = "N",
	    .sentence = "of all that happens by chance in simulated time [0]",
	    .parse = opt_number,
	    .max = INT64_MAX,
	    .offset = offsetof(struct run_opts, how.seed) },
	{ .name = "full",
	    .arg = "WAY",
	    .sentence = "wait: who sends is held back where there is no room "
			"[drop]",
	    .parse = opt_word,
	    .words = fulls,
	    .allowed = "drop or wait",
	    .offset = offsetof(struct run_opts, how.full) },
	{ .name = "capture",
	    .arg = "FILE",
	    .sentence = "capture both ends as pcapng; - is standard output",
	    .parse = opt_text,
	    .allowed = "a file, or -",
	    .offset = offsetof(struct run_opts, capture) },
	{ .name = "filter",
	    .arg = "EXPR",
	    .sentence = "capture only this: pcap-filter(7)",
	    .parse = opt_text,
	    .allowed = "an expression of pcap-filter(7)",
	    .offset = offsetof(struct run_opts, filter) },
	{ .name = "count",
	    .arg = "N",
	    .sentence = "every source sends N frames, then end",
	    .parse = opt_number,
	    .min = 1,
	    .max = INT64_MAX,
	    .offset = offsetof(struct run_opts, count) },
	{ .name = "time",
	    .arg = "S",
	    .sentence = "end after S seconds",
	    .parse = opt_seconds,
	    .min = OPT_NS_PER_S / 1000,
	    .max = 31536000 * OPT_NS_PER_S,
	    .offset = offsetof(struct run_opts, time_ns) },
	{ .name = "ready-fd",
	    .arg = "N",
	    .sentence = "write a newline here when both ends are up",
	    .parse = opt_number,
	    .max = INT32_MAX,
	    .allowed = "the number of a descriptor open for writing",
	    .offset = offsetof(struct run_opts, ready_fd) },
	{ .name = "workers",
	    .arg = "N",
	    .sentence = "threads that move frames; with 2 one an end [1]",
	    .parse = opt_number,
	    .min = 1,
	    .max = EPAIR_WORKERS_MAX,
	    .offset = offsetof(struct run_opts, how.workers) },
	{ .name = "queues",
	    .arg = "N",
	    .sentence = "queues of each end, by flow hash [1]",
	    .parse = opt_number,
	    .min = 1,
	    .max = EPAIR_WORKERS_MAX,
	    .offset = offsetof(struct run_opts, how.queues) },
	{ .name = "poll-us",
	    .arg = "N",
	    .sentence = "poll so long before sleeping [0]",
	    .parse = opt_number,
	    .max = 1000000,
	    .offset = offsetof(struct run_opts, how.poll_us) },
	OPT_JSON(struct run_opts, json),
	{ NULL },
};

bool
run_is_source(const char *spec)
{
	return strncmp(spec, "source", 6) == 0 &&
	       (spec[6] == '\0' || spec[6] == ':');
}

/* Whether a spec has that key; a comma behind a backslash is a value's. */
static bool
has_key(const char *spec, const char *key)
{
	size_t n = strlen(key);
	const char *p = strchr(spec, ':');

	while (p != NULL && *p != '\0') {
		p++;
		if (strncmp(p, key, n) == 0 && p[n] == '=')
			return true;
		while (*p != '\0' && *p != ',')
			p += *p == '\\' && p[1] != '\0' ? 2 : 1;
	}
	return false;
}

static int
check_count(const struct cli *cli, const struct run_opts *o, char *const *ends)
{
	if (o->count == 0)
		return CLI_OK;
	if (!run_is_source(ends[0]) && !run_is_source(ends[1])) {
		cli_complain(cli,
		    "--count: neither A nor B is a source; allowed with an "
		    "end that is source:...");
		return CLI_USAGE;
	}
	for (int i = 0; i < 2; i++)
		if (run_is_source(ends[i]) && has_key(ends[i], "count")) {
			cli_complain(cli,
			    "--count: %s has a count= already; allowed is "
			    "one of the two",
			    ends[i]);
			return CLI_USAGE;
		}
	return CLI_OK;
}

/* Take the descriptor out of the reach of what we exec. */
static int
check_ready_fd(const struct cli *cli, const struct run_opts *o)
{
	int fd = (int)o->ready_fd, flags;

	if (o->ready_fd == UINT64_MAX)
		return CLI_OK;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
		cli_complain(cli,
		    "--ready-fd: %d is not %s; allowed: the number of a "
		    "descriptor open for writing",
		    fd, flags < 0 ? "open" : "open for writing");
		return CLI_USAGE;
	}
	if (fd > STDERR_FILENO)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return CLI_OK;
}

/* Simulated time has one worker, that never sleeps. */
static int
check_sim(const struct cli *cli, const struct run_opts *o)
{
	const char *wrong = NULL;

	if (!o->how.sim && o->how.seed != 0) {
		cli_complain(cli,
		    "--seed: time is real here; allowed with --sim, and in "
		    "the words of --link-a and --link-b");
		return CLI_USAGE;
	}
	if (o->how.sim && o->how.workers > 1)
		wrong = "--workers";
	if (o->how.sim && o->how.poll_us > 0)
		wrong = "--poll-us";
	if (wrong == NULL)
		return CLI_OK;
	cli_complain(cli,
	    "%s: simulated time has one worker that never sleeps; allowed "
	    "without --sim",
	    wrong);
	return CLI_USAGE;
}

int
run_check(const struct cli *cli, const struct run_opts *o, int argc,
    char *const *ends)
{
	const struct opt_mac *mac = o->how.mac;
	struct epair_err err = { 0 };
	int status;

	if (argc != 2) {
		cli_complain(cli,
		    "%s%s; needed are two attachments, A and B: "
		    "`epair help attach` lists them",
		    argc > 2    ? ends[2]
		    : argc == 1 ? "B"
				: "A and B",
		    argc > 2 ? ": one too many" : " missing");
		return CLI_USAGE;
	}
	if (mac[0].is_set && mac[1].is_set &&
	    memcmp(mac[0].octets, mac[1].octets, 6) == 0) {
		cli_complain(cli,
		    "--mac-b: is the same as --mac-a; allowed: one that "
		    "differs");
		return CLI_USAGE;
	}
	if (o->filter != NULL && o->capture == NULL) {
		cli_complain(cli,
		    "--filter: there is no capture; allowed with --capture");
		return CLI_USAGE;
	}
	if (o->filter != NULL && epair_filter_check(o->filter, &err) != 0) {
		cli_complain(cli,
		    "--filter: '%s': %s; allowed: an expression of "
		    "pcap-filter(7)",
		    o->filter, err.text);
		return CLI_USAGE;
	}
	status = check_sim(cli, o);
	if (status == CLI_OK)
		status = check_ready_fd(cli, o);
	return status != CLI_OK ? status : check_count(cli, o, ends);
}
