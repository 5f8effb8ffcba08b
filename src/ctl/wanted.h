/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/wanted.h - steps towards one wanted pair or vnet; their form is in
 * plan.h.
 */
#ifndef EP_CTL_WANTED_H
#define EP_CTL_WANTED_H

#include "ctl/change.h"

#define CTL_VALUE_MAX EPAIR_LINK_TEXT_MAX
#define CTL_SPEC_MAX  4096 /* an attachment, with its NUL */

/*
 * Add the steps that make it so to c. is_new: one that is there already is
 * -EEXIST.
 */
int ctl_want_pair(struct ctl_world *w, struct ctl_change *c, json_t *pair,
    bool is_new, struct epair_err *err);
int ctl_want_vnet(struct ctl_world *w, struct ctl_change *c, json_t *want,
    bool is_new, struct epair_err *err);

/*
 * The text of a value: a string, a number, or on and off. Returns 0, or
 * -EINVAL.
 */
int ctl_want_value(const char *word, json_t *value, char text[CTL_VALUE_MAX],
    struct epair_err *err);

/*
 * That a word is to be set, in the last step: a link takes from handed what it
 * uses. -EPERM if it would have the daemon open a file for somebody who is no
 * admin.
 */
int ctl_want_set(struct ctl_change *c, const char *word, const char *text,
    struct ctl_handed *handed, struct epair_err *err);

#endif /* EP_CTL_WANTED_H */
