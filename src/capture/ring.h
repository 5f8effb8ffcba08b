/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture/ring.h - records on their way from the data path to a reader.
 *
 * Bounded octets, any number of writers, one reader. A writer reserves room
 * under a short lock, fills it with no lock held, and commits it. The reader
 * takes records in the order of their reservation and stops at one that is not
 * committed yet.
 *
 *	record state  meaning                              left by
 *	WRITING       reserved, being filled               ep_capring_commit
 *	READY         waits for the reader                 the take after its own
 *	PAD           the ring's end, where the record     the take that meets it
 *	              behind it did not fit
 *
 * Invariants:
 *	G1  tail <= head, head - tail <= size; both run freely
 *	G2  a record begins at a multiple of 8 and never wraps
 *	G3  a record's octets are the writer's until commit, then the reader's
 *	    until the take after its own
 *	G4  records that found no room are said by `lost` of the next that did
 *	G5  while a READY record waits for the reader, the descriptor is
 *	    readable, or the ep_capring_wake() that makes it so is still to come
 *
 * Waking: `armed` is 1 when the reader found nothing and slept. A writer that
 * has committed exchanges it for 0 and, if it was 1, pays the system call; so
 * a burst costs one exchange, and a busy reader no system call. The reader
 * drains the descriptor, then arms, then looks again. tests/model/capring.pml
 * is this, and says what goes wrong in another order.
 *
 * Locking: `lock` guards the fields said so below. The reader takes it only to
 * report losses of its own.
 */
#ifndef EP_CAPTURE_RING_H
#define EP_CAPTURE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <epair/capture.h>

#include "base/lock.h"

#define EP_CAPRING_MIN 4096u
#define EP_CAPRING_MAX (UINT64_C(1) << 30)

struct ep_caprec {
	uint32_t size; /* of it all; a multiple of 8 */
	uint32_t state; /* atomic */
	struct epair_record rec; /* data points to octets */
	uint8_t octets[];
};

struct ep_capring {
	uint8_t *mem;
	uint64_t size; /* constant, a multiple of 8 */
	int fd; /* eventfd; constant */

	struct ep_spin lock;
	uint64_t head; /* atomic; written under lock */
	uint64_t head_at EP_GUARDED; /* head, as an offset in mem */
	uint64_t pending EP_GUARDED; /* lost since the last reservation */

	uint32_t armed __attribute__((aligned(64))); /* atomic */

	/* The reader's. */
	uint64_t tail __attribute__((aligned(64))); /* atomic */
	uint64_t tail_at; /* tail, as an offset in mem */
	uint32_t taken; /* size of the record it holds, 0 if none */
};

/*
 * Make a ring of `octets` (rounded up to EP_CAPRING_MIN and a multiple of 8;
 * at most EP_CAPRING_MAX). Returns 0; -ENOMEM; -EMFILE, -ENFILE.
 */
int ep_capring_init(struct ep_capring *ring, size_t octets);

/* Free it. No writer may be left. */
void ep_capring_fini(struct ep_capring *ring);

/*
 * Reserve a record of caplen octets, with `lost` and `data` of rec set.
 * A record that takes more than half of the ring may never find room.
 *
 * Gives the record, to be filled and committed soon: the reader waits for it.
 * Returns NULL, counted, when the reader is that far behind.
 */
struct ep_caprec *ep_capring_reserve(struct ep_capring *ring, uint32_t caplen);

/* It is filled. Takes it. */
void ep_capring_commit(struct ep_caprec *cr);

/* Wake the reader, if it sleeps; after the last commit of a burst. */
void ep_capring_wake(struct ep_capring *ring);

/*
 * Reader: give the record taken before back, take the next. The record and
 * its octets may be read until the next take.
 * Returns it, or NULL if none waits: the descriptor then tells of the next.
 */
const struct epair_record *ep_capring_take(struct ep_capring *ring);

/*
 * Reader: a mark behind the last record there is now, and whether a take
 * would still be in front of it.
 */
uint64_t ep_capring_mark(const struct ep_capring *ring);
bool ep_capring_before(const struct ep_capring *ring, uint64_t mark);

/* Reader: n records were taken and lost all the same. */
void ep_capring_lose(struct ep_capring *ring, uint64_t n);

#endif /* EP_CAPTURE_RING_H */
