/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/spec_priv.h - one value of an option: text to what it means.
 *
 * No locale, no floating point: a decimal fraction is a whole number of what
 * the unit divides into, or it is refused.
 */
#ifndef EP_BASE_SPEC_PRIV_H
#define EP_BASE_SPEC_PRIV_H

#include "base/spec.h"

/* How much room a value of this option takes where it is laid down. */
size_t ep_spec_value_size(const struct ep_opt *opt);

/*
 * Lay one value down at `to`. Returns false if it is none, with nothing
 * written and what it must be in why: "a number, 72 to 65535".
 */
bool ep_spec_value(const struct ep_opt *opt, const char *value, void *to,
    char *why, size_t why_size);

#endif /* EP_BASE_SPEC_PRIV_H */
