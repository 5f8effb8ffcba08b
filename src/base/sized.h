/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/sized.h - structures that may grow, across the API.
 *
 * They begin with a size_t `size` that the caller sets to what sizeof was when
 * the program was built. A program that was built against an older header has
 * a shorter one: what it does not have is the default when it gives, and is
 * left out when it takes. A longer one is a program's that is newer than this
 * library, and 0 is one that forgot: both are refused.
 */
#ifndef EP_BASE_SIZED_H
#define EP_BASE_SIZED_H

#include <stddef.h>

#include <epair/err.h>

/*
 * Lay what the caller gave over *full, a struct of full_size octets that holds
 * the defaults. given may be NULL. Returns 0, or -EINVAL with a sentence that
 * begins with `what`.
 */
int ep_sized_take(void *full, size_t full_size, const void *given,
    const char *what, struct epair_err *err);

/* Give *full to the caller. Returns 0, or -EINVAL. */
int ep_sized_give(void *given, const void *full, size_t full_size);

#endif /* EP_BASE_SIZED_H */
