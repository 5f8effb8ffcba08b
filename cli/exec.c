/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `epair exec VNET CMD`: a command in the network namespace of a vnet, entered
 * with the rights of whoever calls; the daemon only says which it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/cli.h"

#define WHERE_MAX 512

/*
 * The value of netns= in "tap:netns=red,addr=...", unescaped. Returns whether
 * there is one.
 */
static bool
find_netns(const char *kind, char value[WHERE_MAX])
{
	const char *p = strstr(kind, "netns=");
	size_t len = 0;

	if (p == NULL || (p[-1] != ':' && p[-1] != ','))
		return false;
	for (p += strlen("netns="); *p != '\0' && *p != ','; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		if (len == WHERE_MAX - 1)
			return false;
		value[len++] = *p;
	}
	value[len] = '\0';
	return len > 0;
}

/* The file of a namespace, as epair-attach(7) names them. */
static void
path_of(const char *netns, char path[WHERE_MAX + 32])
{
	const char *before = "/run/netns/", *behind = "";

	if (*netns == '/') {
		before = "";
	} else if (netns[strspn(netns, "0123456789")] == '\0') {
		before = "/proc/";
		behind = "/ns/net";
	}
	(void)snprintf(path, WHERE_MAX + 32, "%s%s%s", before, netns, behind);
}

/* Enter it, by way of its user namespace where that is not ours. */
static int
enter(int fd)
{
	int userns;

	if (setns(fd, CLONE_NEWNET) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	userns = ioctl(fd, NS_GET_USERNS);
	if (userns < 0)
		return -EPERM;
	if (setns(userns, CLONE_NEWUSER) != 0)
		return -errno;
	(void)close(userns);
	return setns(fd, CLONE_NEWNET) == 0 ? 0 : -errno;
}

/* The kind of a vnet; to be freed. Returns a cli_status, having complained. */
static int
ask_kind(const struct cli *cli, const char *name, char **kind)
{
	json_t *result = NULL, *vnet;
	size_t i;
	int status = ask(cli, "vnets", NULL, &result);

	if (status != CLI_OK)
		return status;
	*kind = NULL;
	status = CLI_FAILED;
	json_array_foreach(json_object_get(result, "vnets"), i, vnet)
	{
		const char *text = json_string_value(
		    json_object_get(vnet, "kind"));

		if (strcmp(json_string_value(json_object_get(vnet, "name")),
			name) != 0)
			continue;
		*kind = strdup(text != NULL ? text : "");
		status = CLI_OK;
		break;
	}
	json_decref(result);
	if (status != CLI_OK)
		cli_complain(cli, "there is no vnet %s", name);
	return status;
}

/* The namespace that netns=new made; a descriptor in *fd. */
static int
ask_netns(const struct cli *cli, const char *name, int *fd)
{
	struct epair_err err = { 0 };
	json_t *result = NULL;
	struct ctl_client c;
	int error, status = ask_open(cli, &c);

	if (status != CLI_OK)
		return status;
	error = ctl_client_call(&c, "netns", json_pack("{s:s}", "name", name),
	    NULL, 0, &result, fd, &err);
	json_decref(result);
	ctl_client_close(&c);
	return error != 0 ? cli_fail(cli, name, &err) : CLI_OK;
}

/* Gives a descriptor of the namespace, and the words for it. */
static int
open_vnet(const struct cli *cli, const char *name, const char *kind, int *fd,
    char path[WHERE_MAX + 32])
{
	char netns[WHERE_MAX];

	if (!find_netns(kind, netns)) {
		cli_complain(cli,
		    "vnet %s has no namespace: its kind must have netns=",
		    name);
		return CLI_FAILED;
	}
	(void)snprintf(path, WHERE_MAX + 32, "vnet %s", name);
	if (strcmp(netns, "new") == 0)
		return ask_netns(cli, name, fd);
	path_of(netns, path);
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd >= 0)
		return CLI_OK;
	cli_complain(cli, "%s: %s", path, strerror(errno));
	return CLI_FAILED;
}

static int
enter_vnet(const struct cli *cli, const char *name)
{
	char path[WHERE_MAX + 32];
	char *kind;
	int error, fd = -1, status = ask_kind(cli, name, &kind);

	if (status != CLI_OK)
		return status;
	status = open_vnet(cli, name, kind, &fd, path);
	free(kind);
	if (status != CLI_OK)
		return status;
	error = enter(fd);
	(void)close(fd);
	if (error == 0)
		return CLI_OK;
	cli_complain(cli, "%s: %s", path, strerror(-error));
	return CLI_FAILED;
}

/* What stands behind the vnet is the command's, options too. */
static int
run(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	struct ask_opts o = { 0 };
	int own = argc, first, status;

	for (int i = 1; i < argc && own == argc; i++)
		if (argv[i][0] != '-')
			own = i + 1;
	status = ask_begin(cli, self, &o, own, argv, 1, 1, &first);
	if (status != ASK_GO_ON)
		return status;
	if (own == argc) {
		cli_complain(cli, "a command is missing");
		return CLI_USAGE;
	}
	status = enter_vnet(cli, argv[first]);
	if (status != CLI_OK)
		return status;
	(void)execvp(argv[own], argv + own);
	/* As env(1) and the shells have it. */
	status = errno == ENOENT ? 127 : 126;
	cli_complain(cli, "%s: %s", argv[own], strerror(errno));
	return status;
}

const struct verb verb_exec = {
	.name = "exec",
	.operands = "VNET CMD ...",
	.sentence = "run a command in the namespace of a vnet",
	.text = "Runs CMD in the network namespace into which VNET puts its "
		"interfaces, as its kind\nsays: tap:netns=NAME; or that was "
		"made for it: tap:netns=new.\n",
	.opts = ask_opts,
	.run = run,
};
