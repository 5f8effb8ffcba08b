/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/fds.h - descriptors by name, as struct epair_fd has them: those that were
 * handed over, and those that are given out.
 */
#ifndef EP_BASE_FDS_H
#define EP_BASE_FDS_H

#include <epair/state.h>

/* Handed over: the caller's, to be duplicated. */
struct ep_fds {
	const struct epair_fd *fds;
	unsigned count;
};

/* The n-th of that name, or -1 behind the last. with may be NULL. */
int ep_fds_find(const struct ep_fds *with, const char *name, unsigned n);

/* Giving them out: duplicates, all or none. end returns how many, or the error. */
struct ep_fds_out {
	struct epair_fd *fds;
	unsigned count, max;
	int error;
};

void ep_fds_give(struct ep_fds_out *out, const char *name, int fd);
int ep_fds_end(struct ep_fds_out *out);

#endif /* EP_BASE_FDS_H */
