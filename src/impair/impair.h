/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * impair/impair.h - one direction of a cable that does something to its frames
 * (contract 9.3).
 *
 * The way of a frame, in the order of a real link:
 *
 *	in line     with a rate or a trace: waits for the link; a full line
 *	            drops it
 *	on the link is taken up as turn.h says; here the sender counts it
 *	by chance   cut, lost, damaged, doubled
 *	under way   held until its time and slot, then given to `arrive`
 *
 * Without a rate or trace there is no line; without a delay a frame goes all of the way
 * within ep_impair_put(). What waits is linked and sorted in held.h; no thread
 * waits for it, but one timer, of the worker of the receiver.
 *
 * A discipline takes the place of the line: its owner (pair/cable.c) asks
 * ep_impair_is_free() before it lets the next frame go, and says with `waits`
 * that the timer shall come when the link is free again. `ready` is called when
 * it has come.
 *
 *	I1  each frame given to put goes to `arrive` or to ep_drop() once; a
 *	    doubled one twice
 *	I2  while frames are held the timer is armed for the next of them at
 *	    the latest
 *	I3  the same seed, words and frames at the same times give the same
 *	    arrivals
 *	I4  unless it was asked for, no frame arrives before one put earlier,
 *	    whatever is changed meanwhile
 *
 * Locking: lock guards all below it. Order: a discipline's lock, ours, then a
 * queue's or worker's.
 */
#ifndef EP_IMPAIR_IMPAIR_H
#define EP_IMPAIR_IMPAIR_H

#include "base/lock.h"
#include "impair/conf.h"
#include "impair/dice.h"
#include "impair/held.h"
#include "impair/parts.h"
#include "impair/turn.h"
#include "mbuf/line.h"
#include "net/ifnet.h"

#define EP_LINE_LIMIT 1000u /* frames in line, unless told otherwise */

/* When frames are cut into segments before anything happens to them. */
enum ep_impair_cuts {
	EP_CUTS_NOTHING,
	EP_CUTS_SEGMENTS,
	EP_CUTS_ALL, /* checksums finished too: frames may be damaged */
};

/* The slot that frames arrive in (netem's `slot`). */
struct ep_slot {
	uint64_t at_ns;
	uint64_t packets; /* that still fit; 0: the next slot */
	int64_t bytes; /* below 1: the next slot */
};

/* What the link has taken up, and the sender has not counted yet. */
struct ep_impair_taken {
	uint64_t packets, bytes, mcasts;
};

struct ep_impair {
	struct epair_if *ifp; /* the sender; constant, as all before lock */
	void (*arrive)(
	    struct epair_if *ifp, struct epair_mbuf **ms, unsigned n);
	void (*ready)(struct ep_impair *imp);
	void (*made_room)(struct epair_if *ifp);
	uint64_t seed;
	unsigned cuts; /* atomic: enum ep_impair_cuts */
	struct ep_mutex lock;
	struct ep_link_conf conf;
	struct ep_link_parts parts; /* of conf */
	struct ep_dice dice;
	struct ep_line line;
	struct ep_held held;
	struct ep_impair_taken taken; /* nothing, while nobody has the lock */
	struct ep_timer timer;
	uint64_t armed_ns; /* for when; UINT64_MAX: not */
	struct ep_turn turn;
	struct ep_slot slot;
	uint64_t last_ns; /* when the last frame in order arrives */
	bool waits; /* a discipline holds frames for us ... */
	bool woken; /* ... and is being told that it need not */
};

/*
 * Make one that does nothing yet. `ready` is called on the receiver's worker
 * with no lock held, `made_room` with ours when frames have gone and others
 * have room. Returns it, or NULL.
 */
struct ep_impair *ep_impair_create(struct epair_if *ifp, uint64_t seed,
    void (*arrive)(struct epair_if *, struct epair_mbuf **, unsigned),
    void (*ready)(struct ep_impair *imp),
    void (*made_room)(struct epair_if *ifp));

/* Free it. It holds nothing, and its timer was drained. */
void ep_impair_destroy(struct ep_impair *imp);

/*
 * From now on do this. What is held stays held until its time. `named` is that
 * of ep_link_parse(). Takes the parts that are new.
 */
void ep_impair_set(struct ep_impair *imp, const struct ep_link_conf *conf,
    unsigned named, struct ep_link_parts *parts, uint64_t now_ns)
    EP_REQUIRES(imp->lock);

/*
 * Take n frames that came at came_ns, charged to the pair, and let go what may
 * go now. In an epoch section. has_waited: in a discipline, which has let go
 * what it may; of a frame that was cut since there may be more than one, which
 * the line takes whatever its limit.
 */
void ep_impair_put(struct ep_impair *imp, struct epair_mbuf **ms, unsigned n,
    uint64_t came_ns, bool has_waited, uint64_t now_ns) EP_REQUIRES(imp->lock);

/* Is there room in line, or under way if that is limited? */
bool ep_impair_has_room(const struct ep_impair *imp) EP_REQUIRES(imp->lock);

/* May the next frame of a discipline be put? */
bool ep_impair_is_free(struct ep_impair *imp, uint64_t now_ns)
    EP_REQUIRES(imp->lock);

/* A discipline has frames for us: come back when the link is free. */
void ep_impair_wait(struct ep_impair *imp) EP_REQUIRES(imp->lock);

/* Give up everything that is held: to `arrive`, at once, in order. */
void ep_impair_flush(struct ep_impair *imp) EP_REQUIRES(imp->lock);

/* Drop everything that is held, on ifp. */
void ep_impair_drop(struct ep_impair *imp, struct epair_if *ifp,
    enum epair_drop why) EP_REQUIRES(imp->lock);

#endif /* EP_IMPAIR_IMPAIR_H */
