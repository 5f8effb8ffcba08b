/* SPDX-License-Identifier: BSD-2-Clause */
/* net/instance_life.h - making and freeing an instance. */
#ifndef EP_NET_INSTANCE_LIFE_H
#define EP_NET_INSTANCE_LIFE_H

#include "net/instance.h"

/* Check options (NULL is the default) and fill the defaults in. */
int ep_instance_opts(const struct epair_opts *opts, struct epair_opts *full,
    struct epair_err *err);

/* Make an instance with full options; its workers run. */
int ep_instance_create(
    const struct epair_opts *opts, struct epair **ep, struct epair_err *err);

/* Stop its workers and free it. No pair, mbuf or subscription may be left. */
void ep_instance_destroy(struct epair *ep);

#endif /* EP_NET_INSTANCE_LIFE_H */
