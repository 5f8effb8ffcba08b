/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/handed.h - what may be attached for whom, which links they may set, and
 * descriptors that are handed over for it.
 *
 * The daemon opens nothing that a stranger names. What a kind or a link would
 * open - a file, a namespace, a device - comes from whoever is no admin as
 * descriptors, opened with the rights of that user; and they must be all that it
 * would open.
 */
#ifndef EP_CTL_HANDED_H
#define EP_CTL_HANDED_H

#include "ctl/world.h"

/* Descriptors by what they are to the attachment or link (struct epair_fd). */
struct ctl_handed {
	struct epair_fd *fds; /* names too are this struct's */
	unsigned count;
};

/*
 * Name n descriptors by an array of strings. Takes the descriptors, also on
 * failure. Returns 0, or -EINVAL, -ENOMEM.
 */
int ctl_handed_init(struct ctl_handed *h, json_t *names, const int *fds,
    unsigned n, struct epair_err *err);
void ctl_handed_fini(struct ctl_handed *h);

/* Duplicates of what is attached. Returns 0, or as epair_attach_get_fds(). */
int ctl_handed_of(struct ctl_handed *h, struct epair_if *ifp);

/* The same of a link: what was handed over for it, or nothing. */
int ctl_handed_of_link(struct ctl_handed *h, struct epair_if *ifp);

/*
 * Whether somebody may have that attached, with these descriptors. Returns 0;
 * -EPERM; -EINVAL for a key that names a descriptor of the daemon's own.
 */
int ctl_handed_may(const struct ctl_who *who, const char *spec,
    const struct ctl_handed *h, struct epair_err *err);

/* The same for the words of a link, which are not otherwise looked at. */
int ctl_handed_may_link(const struct ctl_who *who, const char *words,
    const struct ctl_handed *h, struct epair_err *err);

#endif /* EP_CTL_HANDED_H */
