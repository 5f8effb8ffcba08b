/* SPDX-License-Identifier: BSD-2-Clause */
#include "impair/dist.h"

#include "impair/parts.h"

#define CELL_BITS 10

_Static_assert(EP_DIST_CELLS == 1 << CELL_BITS, "a cell for each number");

/* A place in a table by 10 bits, and one between its entries by 32. */
static int64_t
look_up(const int32_t *table, uint64_t bits)
{
	uint64_t cell = bits >> 32 & (EP_DIST_CELLS - 1);
	int64_t low = table[cell], high = table[cell + 1];
	int64_t part = (int64_t)(bits & UINT32_MAX);

	return low + (high - low) * part / (INT64_C(1) << 32);
}

static int64_t
normal(uint64_t bits)
{
	int64_t value = look_up(ep_dist_normal, bits);

	return bits >> 63 ? -value : value;
}

int64_t
ep_dist_draw(struct ep_rng *rng, enum ep_distribution dist, uint64_t jitter_ns,
    const struct ep_samples *table)
{
	uint64_t bits = ep_rng_next(rng);
	int64_t value = 0, jitter = (int64_t)jitter_ns;

	switch (dist) {
	case EP_DIST_UNIFORM:
		return (int64_t)(bits % (2 * jitter_ns + 1)) - jitter;
	case EP_DIST_NORMAL:
		value = normal(bits);
		break;
	case EP_DIST_PARETO:
		value = look_up(ep_dist_pareto, bits);
		break;
	case EP_DIST_PARETONORMAL:
		value = (normal(bits) +
			    3 * look_up(ep_dist_pareto, ep_rng_next(rng))) /
			4;
		break;
	case EP_DIST_TABLE:
		value = table->values[bits % table->count];
		return jitter * value / EP_SAMPLES_SCALE;
	}
	/* The tables end below 32 and jitter at an hour: less than 2^63. */
	return jitter * value / EP_DIST_ONE;
}
