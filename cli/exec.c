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
#include "cli/netns.h"

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
	const char *text;
	int status = ask(cli, "vnets", NULL, &result);

	if (status != CLI_OK)
		return status;
	*kind = NULL;
	vnet = ask_named(json_object_get(result, "vnets"), name);
	if (vnet != NULL) {
		text = json_string_value(json_object_get(vnet, "kind"));
		*kind = strdup(text != NULL ? text : "");
	} else {
		status = CLI_FAILED;
		cli_complain(cli, "there is no vnet %s", name);
	}
	json_decref(result);
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
    char path[NETNS_PATH_MAX])
{
	char netns[NETNS_TEXT_MAX];

	if (!netns_find(kind, netns)) {
		cli_complain(cli,
		    "vnet %s has no namespace: its kind must have netns=",
		    name);
		return CLI_FAILED;
	}
	(void)snprintf(path, NETNS_PATH_MAX, "vnet %s", name);
	if (strcmp(netns, "new") == 0)
		return ask_netns(cli, name, fd);
	netns_path(netns, path);
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd >= 0)
		return CLI_OK;
	cli_complain(cli, "%s: %s", path, strerror(errno));
	return CLI_FAILED;
}

static int
enter_vnet(const struct cli *cli, const char *name)
{
	char path[NETNS_PATH_MAX];
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
