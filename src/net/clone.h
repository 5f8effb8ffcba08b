/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/clone.h - the epair cloner of a vnet: names and units (contract 1).
 */
#ifndef EP_NET_CLONE_H
#define EP_NET_CLONE_H

#include <stdint.h>

#include <epair/err.h>

#include "base/index.h"

#define EP_CLONE_NAME "epair"
#define EP_UNIT_MAX   32767u
#define EP_UNIT_ANY   UINT32_MAX

struct ep_cloner {
	struct ep_index units;
};

void ep_cloner_init(struct ep_cloner *cl);
void ep_cloner_fini(struct ep_cloner *cl);

/*
 * What unit does a name ask for: EP_UNIT_ANY for "epair".
 * Returns 0; -EINVAL if the cloner does not take the name; -ENOSPC for a unit
 * above EP_UNIT_MAX.
 */
int ep_clone_parse(const char *name, uint32_t *unit, struct epair_err *err);

#endif /* EP_NET_CLONE_H */
