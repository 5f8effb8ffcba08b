/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/mapping.h - a stranger's memory, mapped.
 *
 * Whatever is in there can change at any time: it is read once, into memory of
 * our own, and judged there. What must not happen is that it goes away:
 *
 *	a memfd sealed against shrinking	is as large as it is for ever
 *	another file of memory, huge pages	only under a guard (base/guard.h),
 *						which a program must have asked for
 *	every other file			is not mapped: a page of it may
 *						take as long to come as whoever
 *						made it likes
 *
 * Nor may strangers together use up what the program needs: a sparse file costs
 * whoever has it nothing, and us addresses; a page of it, a mapping. So there
 * are limits for all of a process, in mapping.c; what would go beyond is refused,
 * and nothing else. Nor may some of them use up what the others need: half of it
 * is kept for shares, one for each attachment, and who wants more than his share
 * has to find that in the other half.
 */
#ifndef EP_ATTACH_MAPPING_H
#define EP_ATTACH_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

struct ep_guard;

/* What an attachment maps of its peer's. Zeros but for may_guard. */
struct ep_mapping_share {
	bool may_guard; /* constant: SIGBUS is handled in this program */
	uint64_t count, octets; /* mapping.c's */
};

struct ep_mapping {
	struct ep_mapping_share *share; /* NULL: none, it is ours */
	uint8_t *at;
	uint64_t size;
	uint64_t mapped; /* the same, in whole pages */
	struct ep_guard *guard; /* or NULL */
};

/*
 * Map the first `size` octets of a file, at least one, for reading and writing.
 * Borrows fd. share is the attachment's, which outlives the mapping; NULL for
 * memory of our own making, which is bounded by who makes it. On failure *why is
 * a sentence for the peer.
 * Returns 0; -EPROTO for what the peer did wrong; -ENOMEM, also for what is
 * beyond the limits. Any thread.
 */
int ep_mapping_open(struct ep_mapping *map, struct ep_mapping_share *share,
    int fd, uint64_t size, const char **why);
void ep_mapping_close(struct ep_mapping *map);

/* It has gone away: what was read since is zeros, what was written is lost. */
bool ep_mapping_is_lost(const struct ep_mapping *map);

#endif /* EP_ATTACH_MAPPING_H */
