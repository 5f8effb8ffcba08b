/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * impair/impair_priv.h - what is done to single frames (frame.c).
 */
#ifndef EP_IMPAIR_IMPAIR_PRIV_H
#define EP_IMPAIR_IMPAIR_PRIV_H

#include "impair/impair.h"

/* What the frame would take on a wire, segments and overhead and all. */
uint64_t ep_impair_wire_bytes(
    const struct epair_mbuf *m, const struct ep_link_conf *conf);

/*
 * Turn over what bits of it chance says; *mp may be another frame then. Returns
 * false when there was no memory for a copy of a buffer that is not ours.
 */
bool ep_impair_damage(struct ep_impair *imp, struct epair_mbuf **mp)
    EP_REQUIRES(imp->lock);

/* A copy, charged to the pair; NULL if that is not to be had. */
struct epair_mbuf *ep_impair_twin(
    struct ep_impair *imp, const struct epair_mbuf *m) EP_REQUIRES(imp->lock);

#endif /* EP_IMPAIR_IMPAIR_PRIV_H */
