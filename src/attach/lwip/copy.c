/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/lwip/copy.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "attach/lwip/engine.h"
#include "base/error.h"

static int
open_engine(struct epair_err *err)
{
	static const char *const places[] = { EP_LWIP_BUILD_PATH,
		EP_LWIP_PATH };

	for (unsigned i = 0; i < 2; i++) {
		int fd = places[i][0] != '\0'
			     ? open(places[i], O_RDONLY | O_CLOEXEC)
			     : -1;

		if (fd >= 0)
			return fd;
	}
	return ep_fail(err, -EOPNOTSUPP,
	    "lwIP is not in this build (looked for %s)", EP_LWIP_PATH);
}

/* Copy a file into another, both at their beginning. */
static int
copy_all(int from, int to)
{
	ssize_t n;

	while ((n = sendfile(to, from, NULL, 1u << 24)) != 0)
		if (n < 0 && errno != EINTR)
			return -errno;
	return 0;
}

static int
load(struct ep_lwip_copy *copy, struct epair_err *err)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", copy->fd);
	copy->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (copy->handle == NULL)
		return ep_fail(
		    err, -ENOEXEC, "cannot load lwIP: %s", dlerror());
	copy->engine = dlsym(copy->handle, EP_LWIP_SYMBOL);
	if (copy->engine != NULL)
		return 0;
	(void)dlclose(copy->handle);
	return ep_fail(err, -ENOEXEC, "%s is not lwIP for us", EP_LWIP_PATH);
}

int
ep_lwip_copy_open(struct ep_lwip_copy *copy, struct epair_err *err)
{
	int file = open_engine(err), error;

	if (file < 0)
		return file;
	copy->fd = memfd_create("epair-lwip", MFD_CLOEXEC);
	if (copy->fd < 0) {
		error = ep_fail_sys(err, -errno, "no memory for an lwIP");
		(void)close(file);
		return error;
	}
	error = copy_all(file, copy->fd);
	(void)close(file);
	if (error != 0)
		(void)ep_fail_sys(err, error, "cannot copy lwIP");
	else
		error = load(copy, err);
	if (error != 0)
		(void)close(copy->fd);
	return error;
}

void
ep_lwip_copy_close(struct ep_lwip_copy *copy)
{
	(void)dlclose(copy->handle);
	(void)close(copy->fd);
}
