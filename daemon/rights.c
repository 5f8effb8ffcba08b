/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <epair/epair.h>

#include "ctl/fail.h"
#include "daemon/daemon.h"

int
rights_name(
    struct rights *r, const char *socket, const char *state, const char *files)
{
	const char *slash = strrchr(socket, '/');
	char *rest = r->folders;
	int n = snprintf(r->folders, sizeof(r->folders), "%.*s:%s%s%s",
	    slash != NULL ? (int)(slash - socket) : 1,
	    slash != NULL ? socket : ".", state, *state != '\0' ? ":" : "",
	    files);

	if (n < 0 || (size_t)n >= sizeof(r->folders))
		return -ENAMETOOLONG;
	r->confine = (struct confine){ .files = true };
	for (unsigned i = 0; rest != NULL; i++) {
		if (i == CONFINE_FOLDERS_MAX)
			return -E2BIG;
		r->confine.folders[i] = strsep(&rest, ":");
	}
	return 0;
}

int
rights_check_files(const char *files, struct epair_err *err)
{
	char path[sizeof(((struct rights *)NULL)->folders)];
	struct stat st;
	size_t len;

	for (;; files += len + 1) {
		len = strcspn(files, ":");
		(void)snprintf(path, sizeof(path), "%.*s", (int)len, files);
		errno = ENOTDIR;
		if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
			return ctl_fail(err, -errno, "--files: %.150s: %s",
			    path, strerror(errno));
		if (files[len] == '\0')
			return 0;
	}
}

struct make {
	const struct epair_opts *opts;
	struct epair *ep;
	struct epair_err *err;
	int error;
};

static void
make(void *arg)
{
	struct make *m = arg;

	m->error = epair_new(m->opts, &m->ep, m->err);
}

int
rights_make_instance(const struct rights *r, const struct epair_opts *opts,
    struct epair **ep, struct epair_err *err)
{
	struct make m = { .opts = opts, .err = err };
	int error = confine_call(&r->confine, make, &m);

	if (error == 0)
		error = m.error;
	if (error != 0)
		return error;
	*ep = m.ep;
	error = epair_opener_start(m.ep, err);
	/* Folders are still to be made, and the state to be read. */
	return error != 0 ? error : confine_rights();
}

int
rights_give_up(const struct rights *r)
{
	return confine_self(&r->confine);
}
