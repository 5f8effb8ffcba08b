/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Peers: programs beside this one that answer each line of their standard
 * input with one number.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "child.h"

#define PEERS_MAX      4
#define ANSWER_SECONDS 30.0

struct peer {
	const char *name;
	pid_t pid; /* -1: could not be started */
	FILE *in, *out;
};

static struct peer peers[PEERS_MAX];

static void
start(struct peer *p, const char *name)
{
	int to[2], from[2];
	char path[PATH_MAX];

	*p = (struct peer){ .name = name, .pid = -1 };
	bench_path_of(name, path, sizeof(path));
	if (access(path, X_OK) != 0 || pipe2(to, O_CLOEXEC) != 0 ||
	    pipe2(from, O_CLOEXEC) != 0)
		return;
	p->pid = bench_fork(-1);
	if (p->pid == 0) {
		(void)dup2(to[0], 0);
		(void)dup2(from[1], 1);
		(void)execl(path, path, (char *)NULL);
		_exit(127);
	}
	(void)close(to[0]);
	(void)close(from[1]);
	p->in = fdopen(to[1], "w");
	p->out = fdopen(from[0], "r");
}

/*
 * A peer's own words come before its answer: what is no answer is skipped. It
 * writes whole lines, one to a question, so none is left in the buffer when we
 * wait for the next.
 */
static bool
await_answer(struct peer *p, double *value)
{
	char line[128];

	while (bench_readable(fileno(p->out), ANSWER_SECONDS) &&
	       fgets(line, sizeof(line), p->out) != NULL)
		if (sscanf(line, "answer %lf", value) == 1)
			return true;
	return false;
}

static bool
ask(const char *name, const char *question, double *value)
{
	struct peer *p = peers;

	while (p < peers + PEERS_MAX && p->name != NULL &&
	       strcmp(p->name, name) != 0)
		p++;
	if (p == peers + PEERS_MAX)
		return false;
	if (p->name == NULL)
		start(p, name);
	return p->pid > 0 && fprintf(p->in, "%s\n", question) > 0 &&
	       fflush(p->in) == 0 && await_answer(p, value);
}

enum bench_result
bench_ask_dpdk(const struct bench_side *side, double *value)
{
	if (ask("peer_dpdk", side->asks, value))
		return BENCH_OK;
	return bench_missing(
	    "DPDK", "peer_dpdk was not built, or does not start here");
}

void
bench_stop_peers(void)
{
	for (struct peer *p = peers; p < peers + PEERS_MAX; p++) {
		if (p->name == NULL || p->pid <= 0)
			continue;
		(void)fclose(p->in);
		bench_end(p->pid);
		(void)fclose(p->out);
	}
}
