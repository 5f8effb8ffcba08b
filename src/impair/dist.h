/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * impair/dist.h - how jitter is distributed: integers only.
 */
#ifndef EP_IMPAIR_DIST_H
#define EP_IMPAIR_DIST_H

#include <stdint.h>

#include "base/rng.h"
#include "impair/conf.h"

struct ep_samples;

#define EP_DIST_CELLS 1024
#define EP_DIST_ONE   65536 /* of the tables' numbers */

/* tools/dist_table.py says what these are. */
extern const int32_t ep_dist_normal[EP_DIST_CELLS + 1];
extern const int32_t ep_dist_pareto[EP_DIST_CELLS + 1];

/*
 * Draw by how much a delay differs from its mean: within jitter_ns for UNIFORM,
 * with the deviation jitter_ns for NORMAL, and as netem scales them for the
 * other two (epair_link(3)). table is that of EP_DIST_TABLE, else NULL.
 */
int64_t ep_dist_draw(struct ep_rng *rng, enum ep_distribution dist,
    uint64_t jitter_ns, const struct ep_samples *table);

#endif /* EP_IMPAIR_DIST_H */
