/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Peers: programs beside this one that answer each line of their standard
 * input with one number.
 */
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define PEERS_MAX 4

struct peer {
	const char *name;
	pid_t pid; /* -1: could not be started */
	FILE *in, *out;
};

static struct peer peers[PEERS_MAX];
extern char **environ;

/* The peer's program lies beside this one. */
static void
path_of(const char *name, char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash != NULL)
		(void)snprintf(
		    slash + 1, size - (size_t)(slash + 1 - path), "%s", name);
}

static void
start(struct peer *p, const char *name)
{
	posix_spawn_file_actions_t actions;
	char path[PATH_MAX];
	char *argv[] = { path, NULL };
	int to[2], from[2];

	*p = (struct peer){ .name = name, .pid = -1 };
	path_of(name, path, sizeof(path));
	if (access(path, X_OK) != 0 || pipe(to) != 0 || pipe(from) != 0)
		return;
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, to[0], 0);
	(void)posix_spawn_file_actions_adddup2(&actions, from[1], 1);
	(void)posix_spawn_file_actions_addclose(&actions, to[1]);
	(void)posix_spawn_file_actions_addclose(&actions, from[0]);
	if (posix_spawn(&p->pid, path, &actions, NULL, argv, environ) != 0)
		p->pid = -1;
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(to[0]);
	(void)close(from[1]);
	p->in = fdopen(to[1], "w");
	p->out = fdopen(from[0], "r");
}

bool
bench_ask_peer(const char *name, const char *question, double *value)
{
	struct peer *p = peers;
	char line[128];

	while (p < peers + PEERS_MAX && p->name != NULL &&
	       strcmp(p->name, name) != 0)
		p++;
	if (p == peers + PEERS_MAX)
		return false;
	if (p->name == NULL)
		start(p, name);
	if (p->pid < 0 || fprintf(p->in, "%s\n", question) < 0 ||
	    fflush(p->in) != 0)
		return false;
	/* A peer's own words come before its answer: skip what is no number. */
	while (fgets(line, sizeof(line), p->out) != NULL)
		if (sscanf(line, "answer %lf", value) == 1)
			return true;
	return false;
}

void
bench_stop_peers(void)
{
	for (struct peer *p = peers; p < peers + PEERS_MAX; p++) {
		if (p->name == NULL || p->pid < 0)
			continue;
		(void)fclose(p->in);
		(void)fclose(p->out);
		(void)waitpid(p->pid, NULL, 0);
	}
}
