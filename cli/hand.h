/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/hand.h - opening with our own rights what the daemon does not open for
 * us, to be handed over.
 *
 * It is opened for an interface in an instance of our own that looks like the
 * daemon's (epair_attach_open(3)): what makes devices and opens files is the
 * library, with our rights and an opener of ours. For a link it is files only.
 */
#ifndef CLI_HAND_H
#define CLI_HAND_H

#include <stdbool.h>

#include <epair/epair.h>

#include "ctl/codec.h"

struct cli;
struct ctl_client;

/* What goes along with a request, in the order in which it names them. */
struct hand {
	int fds[CTL_FDS_MAX];
	unsigned count;
};

/* Whether there is anything to be opened. */
bool hand_can(const char *spec);

/*
 * Open it for an interface of like's name and, unless that is 0, address and
 * MTU, and add it to what there is; *names are theirs, a new reference.
 * Returns a cli_status, having complained.
 */
int hand_open(const struct cli *cli, const struct epair_if_info *like,
    const char *spec, struct hand *hand, json_t **names);

/* The same of a link's words. */
bool hand_can_link(const char *words);
int hand_open_link(const struct cli *cli, const char *words, struct hand *hand,
    json_t **names);

/*
 * Open what the ends of a pair as in `create` attach and what their links read,
 * and put the names into them; not what `is`, the pair as it is or NULL, has
 * already.
 */
int hand_pair(
    const struct cli *cli, json_t *pair, json_t *is, struct hand *hand);

/* Put a request with it; as ask_call(), and closes it, also on failure. */
int hand_call(const struct cli *cli, struct ctl_client *c, const char *method,
    json_t *params, struct hand *hand, json_t **result);

void hand_close(struct hand *hand);

#endif /* CLI_HAND_H */
