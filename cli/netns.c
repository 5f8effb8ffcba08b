/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

#define ANSWER_MAX  1024
#define PATIENCE_MS 10000 /* an engine starts a program, and asks a daemon */

/* Asked in this order. */
static char podman[] = "podman", docker[] = "docker";
static char *const engines[] = { podman, docker };

/* The value of a key in a spec; NULL: there is none. *len is as written. */
static const char *
find_value(const char *spec, const char *key, size_t *len)
{
	size_t key_len = strlen(key);
	const char *p = strchr(spec, ':');

	while (p != NULL && *p != '\0') {
		const char *begin = ++p;

		while (*p != '\0' && *p != ',')
			p += *p == '\\' && p[1] != '\0' ? 2 : 1;
		if (strncmp(begin, key, key_len) != 0)
			continue;
		*len = (size_t)(p - begin) - key_len;
		return begin + key_len;
	}
	return NULL;
}

bool
netns_find(const char *spec, char value[NETNS_TEXT_MAX])
{
	size_t len, n = 0;
	const char *p = find_value(spec, "netns=", &len), *end;

	if (p == NULL)
		return false;
	for (end = p + len; p < end; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		if (n == NETNS_TEXT_MAX - 1)
			return false;
		value[n++] = *p;
	}
	value[n] = '\0';
	return n > 0;
}

static bool
is_number(const char *netns)
{
	return netns[strspn(netns, "0123456789")] == '\0';
}

void
netns_path(const char *netns, char path[NETNS_PATH_MAX])
{
	const char *before = "/run/netns/", *behind = "";

	if (*netns == '/') {
		before = "";
	} else if (is_number(netns)) {
		before = "/proc/";
		behind = "/ns/net";
	}
	(void)snprintf(path, NETNS_PATH_MAX, "%s%s%s", before, netns, behind);
}

/* Asking an engine. */

static int
set_up_spawn(posix_spawn_file_actions_t *acts, posix_spawnattr_t *attr, int out)
{
	sigset_t all;
	int error;

	(void)sigfillset(&all);
	if ((error = posix_spawn_file_actions_adddup2(
		 acts, out, STDOUT_FILENO)) != 0 ||
	    (error = posix_spawn_file_actions_addopen(
		 acts, STDIN_FILENO, "/dev/null", O_RDONLY, 0)) != 0 ||
	    (error = posix_spawn_file_actions_addopen(
		 acts, STDERR_FILENO, "/dev/null", O_WRONLY, 0)) != 0 ||
	    (error = posix_spawn_file_actions_addclosefrom_np(
		 acts, STDERR_FILENO + 1)) != 0 ||
	    (error = posix_spawnattr_setsigdefault(attr, &all)) != 0)
		return error;
	return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF);
}

/* `ENGINE container inspect NAME`, printing to out. Returns 0 or an errno. */
static int
start(char *engine, char *name, int out, pid_t *pid)
{
	static char container[] = "container", inspect[] = "inspect",
		    f[] = "-f",
		    format[] = "{{.State.Pid}} "
			       "{{.NetworkSettings.SandboxKey}}";
	char *argv[] = { engine, container, inspect, f, format, name, NULL };
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	int error = posix_spawn_file_actions_init(&acts);

	if (error != 0)
		return error;
	error = posix_spawnattr_init(&attr);
	if (error != 0)
		goto fini_acts;
	error = set_up_spawn(&acts, &attr, out);
	if (error == 0)
		error = posix_spawnp(pid, engine, &acts, &attr, argv, environ);
	(void)posix_spawnattr_destroy(&attr);
fini_acts:
	(void)posix_spawn_file_actions_destroy(&acts);
	return error;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* All that comes until its end. Returns 0; -ETIMEDOUT; what reading said. */
static int
read_answer(int fd, char answer[ANSWER_MAX])
{
	int64_t end = now_ms() + PATIENCE_MS, left;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n = 1;

	while (n != 0 && len < ANSWER_MAX - 1) {
		left = end - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(fd, answer + len, ANSWER_MAX - 1 - len);
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
	}
	answer[len] = '\0';
	return 0;
}

/*
 * Returns 0 with an answer, which is empty where there is no such container;
 * -ENOENT: there is no such program; -ETIMEDOUT; what starting it said.
 */
static int
ask(char *engine, char *name, char answer[ANSWER_MAX])
{
	int ends[2], error;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	error = -start(engine, name, ends[1], &pid);
	(void)close(ends[1]);
	if (error == 0) {
		error = read_answer(ends[0], answer);
		/* It has said all that it will. */
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	(void)close(ends[0]);
	return error;
}

/* What it answered. */

static bool
is_same_file(const char *path, const char *other)
{
	struct stat a, b;

	return stat(path, &a) == 0 && stat(other, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/*
 * The file of a container's namespace: the engine's own, if we see what the
 * container is in (that of a rootless one lies in a mount namespace that we
 * are not in), else that of its first process.
 */
static bool
take_answer(const char *answer, char path[NETNS_PATH_MAX])
{
	char kept[NETNS_TEXT_MAX], *rest;
	long pid = strtol(answer, &rest, 10);

	if (pid <= 0)
		return false;
	(void)snprintf(path, NETNS_PATH_MAX, "/proc/%ld/ns/net", pid);
	rest += *rest == ' ';
	(void)snprintf(
	    kept, sizeof(kept), "%.*s", (int)strcspn(rest, "\n"), rest);
	if (*kept == '/' && is_same_file(path, kept))
		(void)snprintf(path, NETNS_PATH_MAX, "%s", kept);
	return true;
}

/* Gives a path; "" if nobody knows such a container. */
static int
find_container(
    const struct cli *cli, char *name, bool is_later, char path[NETNS_PATH_MAX])
{
	char answer[ANSWER_MAX];
	bool is_asked = false;

	*path = '\0';
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		int error = ask(engines[i], name, answer);

		if (error == -ENOENT)
			continue;
		is_asked = true;
		if (error != 0) {
			cli_complain(cli, "netns=%s: %s: %s", name, engines[i],
			    error == -ETIMEDOUT
				? "has not answered which container that is"
				: strerror(-error));
			return CLI_FAILED;
		}
		if (answer[strspn(answer, " \n")] == '\0')
			continue;
		if (take_answer(answer, path))
			return CLI_OK;
		cli_complain(cli, "netns=%s: that container of %s does not run",
		    name, engines[i]);
		return CLI_FAILED;
	}
	if (!is_asked || is_later)
		return CLI_OK;
	cli_complain(cli,
	    "netns=%s: no network namespace (looked for /run/netns/%s) and no "
	    "container of that name",
	    name, name);
	return CLI_FAILED;
}

/* Of a container, and nothing that the library finds by itself. */
static bool
may_be_container(const char *netns)
{
	char path[NETNS_PATH_MAX];

	if (strcmp(netns, "new") == 0 || is_number(netns) ||
	    netns[strspn(netns,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789_.-")] != '\0' ||
	    strchr("_.-", netns[0]) != NULL)
		return false;
	netns_path(netns, path);
	return access(path, F_OK) != 0;
}

/* The spec with another value of netns=; to be freed. */
static char *
replace(const char *spec, const char *netns)
{
	size_t len, escaped_len = 0;
	const char *value = find_value(spec, "netns=", &len);
	char escaped[2 * NETNS_PATH_MAX], *text;

	for (; *netns != '\0'; netns++) {
		if (*netns == ',' || *netns == '\\')
			escaped[escaped_len++] = '\\';
		escaped[escaped_len++] = *netns;
	}
	escaped[escaped_len] = '\0';
	if (asprintf(&text, "%.*s%s%s", (int)(value - spec), spec, escaped,
		value + len) < 0)
		return NULL;
	return text;
}

int
netns_of_container(
    const struct cli *cli, const char *spec, bool is_later, char **named)
{
	char netns[NETNS_TEXT_MAX], path[NETNS_PATH_MAX];
	int status;

	*named = NULL;
	if (!netns_find(spec, netns) || !may_be_container(netns))
		return CLI_OK;
	status = find_container(cli, netns, is_later, path);
	if (status != CLI_OK || *path == '\0')
		return status;
	*named = replace(spec, path);
	if (*named != NULL)
		return CLI_OK;
	cli_complain(cli, "%s", strerror(ENOMEM));
	return CLI_FAILED;
}

int
netns_in(const struct cli *cli, json_t *object, const char *key, bool is_later)
{
	const char *spec = json_string_value(json_object_get(object, key));
	char *named = NULL;
	int status = CLI_OK;

	if (spec != NULL)
		status = netns_of_container(cli, spec, is_later, &named);
	if (named != NULL)
		(void)json_object_set_new(object, key, json_string(named));
	free(named);
	return status;
}

int
netns_in_pair(const struct cli *cli, json_t *pair, bool is_later)
{
	int status = netns_in(
	    cli, json_object_get(pair, "a"), "attach", is_later);

	if (status == CLI_OK)
		status = netns_in(
		    cli, json_object_get(pair, "b"), "attach", is_later);
	return status;
}
