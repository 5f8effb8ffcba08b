/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * confine/confine_priv.h - the three parts of confine_self(), in the order in
 * which they are done. Each returns 0 or -errno.
 */
#ifndef EP_CONFINE_CONFINE_PRIV_H
#define EP_CONFINE_CONFINE_PRIV_H

#include "confine/confine.h"

/* Needed by the others, which a process without rights may do only after. */
int confine_caps(void);

int confine_files(const char *const *folders, unsigned count);

int confine_calls(void);

#endif /* EP_CONFINE_CONFINE_PRIV_H */
