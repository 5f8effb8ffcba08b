/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.h - does what a trace says, to an instance of libepair.
 *
 * A world is one `boot`: an instance in simulated time, and behind every
 * interface a stack that notes what it was handed and then consumes it or
 * transmits it on another interface (`forward`).
 *
 * The number of a frame must arrive with it, whatever its length, so it
 * travels as the frame's timestamp: that crosses a cable untouched.
 *
 * Uses the public interface only.
 */
#ifndef WORLD_H
#define WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <epair/epair.h>

#include "runs.h"
#include "trace.h"

struct end;

struct world {
	struct epair *ep;
	struct end *ends; /* one for each interface there is */
	struct runs got; /* delivered since the caller cleared it */
	uint32_t frames; /* transmitted so far; the number of the last */
	uint8_t *octets; /* what frames are made of */
	/*
	 * What the world may still do, in frames handled and tasks run. Two
	 * stacks that forward to each other would otherwise run for ever.
	 */
	uint64_t budget;
	const char *error; /* why world_do() failed */
};

/* Make an instance with that host id. Returns 0, or a negated errno. */
int world_init(struct world *w, uint64_t host_id, uint64_t budget);

/* End it. Returns 0; or what epair_free() says, and the instance stays. */
int world_fini(struct world *w);

/*
 * Do what x says, which is not `boot`, and write the answer. Delivered frames
 * are added to w->got.
 * Returns 0; or, with w->error set, -ELOOP out of budget, -ENOMEM.
 */
int world_do(struct world *w, const struct trace_exchange *x, char **answer);

/*
 * Take a price from the budget; false, with w->error set, if there is not so
 * much left. And the price of a frame: the more the longer it is.
 */
bool world_pay(struct world *w, uint64_t price);
uint64_t world_price(uint32_t len);

#endif /* WORLD_H */
