/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/hand.h - opening with our own rights what the daemon does not open for
 * us, to be handed over.
 *
 * It is attached here first, to an interface in an instance of our own that
 * looks like the daemon's: what makes devices and opens files is the library,
 * with our rights and an opener of ours. Of that the descriptors are taken, and
 * the attachment is taken away again: a TAP stays while somebody holds it.
 */
#ifndef CLI_HAND_H
#define CLI_HAND_H

#include <stdbool.h>

#include <epair/epair.h>

struct cli;
struct ctl_if;

struct hand {
	struct epair_fd fds[EPAIR_ATTACH_FDS_MAX]; /* by what they are */
	unsigned count;
};

/* Whether a kind can be handed over: it has descriptors. */
bool hand_can(const char *spec);

/* Returns a cli_status, having complained; then there is nothing to close. */
int hand_open(const struct cli *cli, const struct ctl_if *like,
    const char *spec, struct hand *hand);
void hand_close(struct hand *hand);

#endif /* CLI_HAND_H */
