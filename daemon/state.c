/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/fail.h"
#include "daemon/daemon.h"

/* The folders above a user's state may not be there yet. */
static void
make_parents(const char *path)
{
	char folder[STATE_PATH_MAX];

	(void)snprintf(folder, sizeof(folder), "%s", path);
	for (char *slash = strchr(folder + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(folder, 0700);
		*slash = '/';
	}
}

int
state_own_path(char path[STATE_PATH_MAX])
{
	const char *unit = getenv("STATE_DIRECTORY");
	const char *user = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int len;

	if (unit != NULL && *unit == '/')
		len = snprintf(path, STATE_PATH_MAX, "%s", unit);
	else if (geteuid() == 0)
		len = snprintf(path, STATE_PATH_MAX, "/var/lib/epair");
	else if (user != NULL && *user == '/')
		len = snprintf(path, STATE_PATH_MAX, "%s/epair", user);
	else if (home != NULL && *home == '/')
		len = snprintf(
		    path, STATE_PATH_MAX, "%s/.local/state/epair", home);
	else
		return -ENOENT;
	return len < STATE_PATH_MAX ? 0 : -ENAMETOOLONG;
}

int
state_open(struct ctl_state *s, const char *folder, int lock, bool in_systemd,
    struct epair_err *err)
{
	int error;

	make_parents(folder);
	error = ctl_journal_open(folder, lock, &s->journal, err);
	if (error == 0)
		error = in_systemd ? ctl_keep_systemd(&s->keep, err)
				   : ctl_keep_process(
					 folder, s->world->ep, &s->keep, err);
	if (error == 0)
		error = ctl_state_open(s, err);
	return error;
}
