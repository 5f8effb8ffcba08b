/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/keep.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <epair/attach.h>

void
ctl_kept_close(struct ctl_kept *kept)
{
	while (kept->count > 0)
		(void)close(kept->fds[--kept->count].fd);
}

void
ctl_kept_token(char token[CTL_KEEP_TOKEN_MAX])
{
	struct timespec now;
	uint64_t bits;

	if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits)) {
		(void)clock_gettime(CLOCK_REALTIME, &now);
		bits = (uint64_t)now.tv_sec * 1000000000u +
		       (uint64_t)now.tv_nsec;
	}
	memset(token, 0, CTL_KEEP_TOKEN_MAX);
	(void)snprintf(
	    token, CTL_KEEP_TOKEN_MAX, "%016llx", (unsigned long long)bits);
}

static const char *
link_name(const char *name)
{
	const char *known;

	for (unsigned i = 0; (known = epair_link_fd_at(i)) != NULL; i++)
		if (strcmp(known, name) == 0)
			break;
	return known;
}

unsigned
ctl_kept_attached(const struct ctl_kept *kept)
{
	unsigned n = 0;

	while (n < kept->count && (kept->fds[n].name == NULL ||
				      link_name(kept->fds[n].name) == NULL))
		n++;
	return n;
}

const char *
ctl_kept_name(const char *name)
{
	const struct epair_kind *kind;

	for (unsigned i = 0; (kind = epair_kind_at(i)) != NULL; i++)
		for (unsigned k = 0; kind->fds != NULL && kind->fds[k] != NULL;
		     k++)
			if (strcmp(kind->fds[k], name) == 0)
				return kind->fds[k];
	return link_name(name);
}
