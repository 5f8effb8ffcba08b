/* SPDX-License-Identifier: BSD-2-Clause */
/* ctl/state_priv.h - what the files of a daemon's state share. */
#ifndef EP_CTL_STATE_PRIV_H
#define EP_CTL_STATE_PRIV_H

#include "ctl/image.h"
#include "ctl/state.h"

/* Ends whose attachment is another than the journal has; values of touched. */
enum {
	CTL_END_A = 1u << 0,
	CTL_END_B = 1u << 1,
};

/* state_restore.c: the world from the journal, but for its attachments. */
int ctl_state_restore(struct ctl_state *s, struct epair_err *err);

/* state_attach.c: attachments by what was found, then as they can be had. */
void ctl_state_attach_all(struct ctl_state *s);
int ctl_state_fetch(struct ctl_state *s, struct epair_err *err);

/*
 * What is kept under an end's token, all of it; or NULL, also if it has been
 * claimed. It is when its token is null in s->kept.
 */
struct ctl_kept *ctl_state_claim(
    struct ctl_state *s, const struct ctl_image_end *end);

/*
 * What an end had, an attachment or its link, will not come back: whoever
 * watches is told when there may be somebody.
 */
void ctl_state_give_up(struct ctl_state *s, const struct epair_if_info *info,
    const char *what, const char *why);

/* Say a line. */
void ctl_state_log(const struct ctl_state *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Remember that of a pair, by its key, these ends (CTL_END_*) are others. */
void ctl_state_stale(
    struct ctl_state *s, const struct epair_if_info *info, unsigned ends);

#endif /* EP_CTL_STATE_PRIV_H */
