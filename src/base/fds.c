/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int
ep_fds_find(const struct ep_fds *with, const char *name, unsigned n)
{
	for (unsigned i = 0; with != NULL && i < with->count; i++)
		if (strcmp(with->fds[i].name, name) == 0 && n-- == 0)
			return with->fds[i].fd;
	return -1;
}

void
ep_fds_give(struct ep_fds_out *out, const char *name, int fd)
{
	int copy;

	if (out->error == 0 && out->count == out->max)
		out->error = -ENOSPC;
	if (out->error != 0)
		return;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		out->error = -errno;
	else
		out->fds[out->count++] = (struct epair_fd){ name, copy };
}

int
ep_fds_end(struct ep_fds_out *out)
{
	if (out->error == 0)
		return (int)out->count;
	while (out->count > 0)
		(void)close(out->fds[--out->count].fd);
	return out->error;
}
