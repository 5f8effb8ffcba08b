/* SPDX-License-Identifier: BSD-2-Clause */
/* ctl/state_priv.h - what the files of a daemon's state share. */
#ifndef EP_CTL_STATE_PRIV_H
#define EP_CTL_STATE_PRIV_H

#include "ctl/image.h"
#include "ctl/state.h"

/* How the keys of the journal begin that are no pair's, nor the numbers'. */
#define CTL_STATE_VNET "vnet/"

/* Ends whose attachment is another than the journal has; values of touched. */
enum {
	CTL_END_A = 1u << 0,
	CTL_END_B = 1u << 1,
};

/* state_restore.c: the world from the journal, but for its attachments. */
int ctl_state_restore(struct ctl_state *s, struct epair_err *err);

/*
 * state_attach.c: attachments by what was found, then as they can be had.
 * Return 0; -ENOMEM; errors of the keeper.
 */
int ctl_state_attach_all(struct ctl_state *s, struct epair_err *err);
int ctl_state_fetch(struct ctl_state *s, struct epair_err *err);

/* What the keeper had, and whether it is in use again. */
struct ctl_found {
	struct ctl_kept kept;
	bool is_claimed;
};

/*
 * What is kept under an end's token, all of it; or NULL, also if it has been
 * claimed.
 */
struct ctl_found *ctl_state_find(
    struct ctl_state *s, const struct ctl_image_end *end);

/* Close and forget what was found; the keeper has it still. */
void ctl_state_found_fini(struct ctl_state *s);

/*
 * What an end had, an attachment or its link, will not come back: whoever
 * watches is told when there may be somebody. Returns 0 or -ENOMEM.
 */
int ctl_state_give_up(struct ctl_state *s, struct epair_if *ifp,
    const char *what, const char *why);

/* Say a line. */
void ctl_state_log(const struct ctl_state *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* state_touch.c: add to touched what a step is about. Returns 0 or -ENOMEM. */
int ctl_state_touch(struct ctl_state *s, const struct ctl_step *step);

/*
 * Have what changed by itself written: an interface, with attachments (CTL_END_*,
 * as of an a end) that are others; what is touched. They need no memory: without,
 * everything is stale.
 */
void ctl_state_stale(struct ctl_state *s, struct epair_if *ifp, unsigned ends);
void ctl_state_stale_touched(struct ctl_state *s);

/* Name all that the journal has in stale. Returns 0 or -ENOMEM. */
int ctl_state_stale_all(struct ctl_state *s);

#endif /* EP_CTL_STATE_PRIV_H */
