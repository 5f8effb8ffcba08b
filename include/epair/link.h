/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epair/link.h - what a cable does to the frames of one direction: delay, loss,
 * damage, duplication, reordering, a rate.
 *
 * A link belongs to the interface that sends. It is written in the words of
 * tc-netem(8), as far as netem has them:
 *
 *	delay TIME [JITTER [CORRELATION]]
 *	distribution uniform|normal|pareto|paretonormal|FILE
 *	ordered [on|off]         no frame overtakes, whatever the jitter
 *	loss [random] PERCENT [CORRELATION]
 *	loss state P13 [P31 [P32 [P23 [P14]]]]
 *	loss gemodel P [R [1-H [1-K]]]
 *	loss every N
 *	loss filter EXPRESSION [PERCENT]
 *	ecn [on|off]             mark what is to be lost, if it takes part
 *	corrupt PERCENT [CORRELATION]
 *	ber RATE                 of bits in error: 1e-6, 0.00025
 *	duplicate PERCENT [CORRELATION]
 *	reorder PERCENT [CORRELATION]
 *	gap N
 *	slot MIN [MAX]           frames arrive in slots, so far apart
 *	slot distribution NAME TIME JITTER
 *	packets N                of each slot
 *	bytes SIZE               of each slot
 *	rate RATE [OVERHEAD [CELL [CELLOVERHEAD]]]
 *	overhead N               octets more than each frame has, or less
 *	cell SIZE [OVERHEAD]     frames go in whole cells
 *	wire [on|off]            FCS, padding, preamble and gap count
 *	trace FILE|off           deliver when a Mahimahi trace says so
 *	burst SIZE               octets that may go at once
 *	limit FRAMES             what may wait for the link
 *	limit bytes SIZE
 *	drop tail|head           what goes when too much waits
 *	cut [on|off]
 *	per-superframe [on|off]  do not cut frames that are to be segmented
 *	seed N
 *	none                     forget all of it
 *
 * 20ms, 100us, 1.5s; 0.1%; 64kbit, 10mbit, 1.5gbit; 64k, 2m. A FILE has a
 * slash, unless it is a trace; what has blanks stands in quotes, '...' or
 * "...". Files are read by the call, with the rights of the process, or are
 * handed over (epair/state.h).
 *
 * A frame waits for its turn if there is a rate or a trace - in the queue discipline, if
 * the interface has one - then is on the link and counted as sent, then what
 * happens by chance happens, then it is delayed and put in the other end's
 * queue. A delay holds frames and no thread; what is held counts against the
 * pair's limit of frames.
 *
 * Every impairment draws from random numbers of its own, that belong to this
 * direction of this pair: in simulated time the same seed, words and frames
 * give the same arrivals, whatever else the instance does.
 */
#ifndef EPAIR_LINK_H
#define EPAIR_LINK_H

#include <stddef.h>
#include <stdint.h>

#include <epair/err.h>

#ifdef __cplusplus
extern "C" {
#endif

struct epair_if;

#define EPAIR_LINK_TEXT_MAX 2048 /* a link in words, with its NUL */

/*
 * Change what the words name of what this end's frames go through. A word sets
 * all that can stand behind it: "delay 5ms" has no jitter. 0 is none of it. What
 * is not named stays as it is, and so do frames that are held: they arrive at
 * their time, but all at once with "none". Frames do not overtake each other by
 * a change.
 *
 * Returns 0; -EINVAL with a sentence that names the word, or file and line;
 * what the system said of a file; -ENOMEM; -ENXIO.
 */
EPAIR_API int epair_if_set_link(
    struct epair_if *ifp, const char *words, struct epair_err *err);

/*
 * Write the link in words that set it again, at most size octets with the NUL;
 * "none" if there is none.
 * Returns the length of all of it, less than EPAIR_LINK_TEXT_MAX; -ENXIO.
 */
EPAIR_API int epair_if_get_link(struct epair_if *ifp, char *buf, size_t size);

/*
 * Write what epair_if_get_link() would of an interface that had none and was
 * set these. Opens nothing. Returns the length of all of it, less than
 * EPAIR_LINK_TEXT_MAX; -EINVAL as setting them would.
 */
EPAIR_API int epair_link_format(
    const char *words, char *buf, size_t size, struct epair_err *err);

/*
 * What became of this end's frames on the link: those sent and duplicated were
 * put in the other end's queue, dropped, or are under way.
 */
struct epair_link_stats {
	size_t size; /* sizeof(struct epair_link_stats) */
	uint64_t sent; /* frames, or their segments, that went on a link */
	uint64_t duplicated, corrupted, reordered, marked; /* of these */
	uint64_t dropped; /* of these: lost, cut, or no room at the end */
	uint64_t waiting, waiting_bytes; /* for their turn, now */
	uint64_t under_way, under_way_bytes; /* now */
};

/* Returns 0, or -EINVAL for the size. */
EPAIR_API int epair_if_get_link_stats(
    struct epair_if *ifp, struct epair_link_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* EPAIR_LINK_H */
