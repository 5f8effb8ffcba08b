/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/vhost/ring.h - one split virtqueue in a guest's memory, from the
 * device's side.
 *
 * The driver lays down descriptors, chained, and offers the head of each chain
 * by moving avail->idx; we use the chain and give the head back by moving
 * used->idx. On a ring that the guest transmits on, chains are to be read; on
 * one that it receives on, to be written, each a frame behind a virtio header -
 * or several for one frame, if buffers may be merged.
 *
 *	next	the offer that we come to; free-running, as all indexes
 *	used	how many were given back, as the guest can see
 *	given	how many are written into the used ring behind that: the guest
 *		sees them at publish, and until then they can be taken back
 *
 * Nothing that the guest wrote is trusted:
 *	V1  avail->idx is loaded once a look, and one that is more than size
 *	    ahead is a fault
 *	V2  a descriptor is loaded once, and judged as loaded: every octet of it
 *	    lies in some region, in 64 bits, and it is to be read or to be
 *	    written as its ring is
 *	V3  a table of indirect descriptors is one for a chain, of at most
 *	    EP_VHOST_TABLE_MAX, and in it is no other
 *	V4  a chain has at most as many descriptors as its table, and those of a
 *	    frame are at most EP_VHOST_PARTS_MAX, also if they are empty, and
 *	    as many pieces, or it is a fault
 * A fault is for ever: `fault` says what it was, and every call that follows
 * says it again. So nothing loops.
 *
 * Waking. With event indexes each side says how far the other may go without a
 * word, else by a flag:
 *	driver		move avail->idx; look at avail_event or NO_NOTIFY; kick
 *	we		set avail_event or NO_NOTIFY; look at avail->idx; sleep
 * and the same the other way round for the guest's interrupt. Each stores, then
 * loads what the other stores: sequentially consistent, or both could miss.
 *
 * What is in memory is little-endian from VIRTIO 1 on, and before that in the
 * order of the machine; we offer VIRTIO 1 only where that is the same.
 *
 * Locking: the owner's. One thread at a time.
 */
#ifndef EP_ATTACH_VHOST_RING_H
#define EP_ATTACH_VHOST_RING_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>

#include "attach/vhost/inflight.h"
#include "attach/vhost/memory.h"

struct epair_mbuf;

#define EP_VHOST_RING_MAX  32768u
#define EP_VHOST_TABLE_MAX 1024u
#define EP_VHOST_PARTS_MAX 256u
#define EP_VHOST_MERGE_MAX 64u /* chains that a frame is laid down in */
#define EP_VHOST_BATCH_MAX 128u /* heads that are given back together */

/* Where a ring is, and what was agreed on. */
struct ep_vhost_ring_conf {
	const struct ep_vhost_memory *memory;
	uint64_t desc, avail, used; /* the front end's addresses */
	unsigned size;
	bool has_event_idx, has_indirect, is_merging;
	bool takes_csum; /* else a header says nothing of checksums */
	unsigned hdr_len; /* in front of a frame: 10 or 12 */
	struct ep_vhost_inflight *inflight; /* or NULL */
};

/* A piece of a frame, in a region. */
struct ep_vhost_part {
	uint8_t *at;
	uint32_t len;
};

struct ep_vhost_ring {
	struct ep_vhost_ring_conf conf;
	const uint64_t *descs; /* two words each */
	struct vring_avail *avail;
	struct vring_used *used_ring;
	uint16_t *used_event, *avail_event;
	const char *fault; /* NULL: none */
	uint16_t next, used, given;
	uint16_t told; /* of used: that the guest need not be told of again */
	bool is_fresh; /* nobody knows what it was told before */
	uint16_t ahead; /* offers from next, as last looked */
	uint16_t batch[EP_VHOST_BATCH_MAX]; /* the heads that are given */
	/* Taken by a back end before us: to be used first. */
	struct ep_vhost_taken *again;
	unsigned again_count, again_at;
	uint64_t counter; /* of inflight */
};

/*
 * Begin to use a ring where conf says, from the first offer that was not given
 * back. (The front end has a word for where to begin, too. It is the same, or it
 * is wrong: DPDK's virtio_user says 0 of a ring that it goes on with.)
 * Returns 0; -EPROTO with *why a sentence; -ENOMEM.
 */
int ep_vhost_ring_init(struct ep_vhost_ring *ring,
    const struct ep_vhost_ring_conf *conf, const char **why);
void ep_vhost_ring_fini(struct ep_vhost_ring *ring);

/* Its memory is another one, in which the front end has it at the same place. */
int ep_vhost_ring_move(struct ep_vhost_ring *ring,
    const struct ep_vhost_memory *memory, const char **why);

/*
 * Look how many offers there are. Returns that, or -EPROTO (V1). And how many
 * there still are of those that were seen when we last looked.
 */
int ep_vhost_ring_look(struct ep_vhost_ring *ring);

static inline int
ep_vhost_ring_seen(const struct ep_vhost_ring *ring)
{
	return (int)(ring->ahead + ring->again_count - ring->again_at);
}

/*
 * Reading: the pieces of the next chain, in parts, an array of
 * EP_VHOST_PARTS_MAX; *len is their sum, with the header. To be given back by
 * done when they were read, in the same order.
 * Returns how many pieces, 0 for a chain that is empty; -EAGAIN if there is
 * none; -EPROTO (V2 to V4).
 */
int ep_vhost_ring_take(struct ep_vhost_ring *ring, struct ep_vhost_part *parts,
    uint64_t *len, uint16_t *head);
void ep_vhost_ring_done(struct ep_vhost_ring *ring, uint16_t head);

/*
 * Writing: lay a frame down behind its header. Borrows it. The guest sees it at
 * publish.
 * Returns 0; -ENOBUFS when there is no room now; -EMSGSIZE when the chains that
 * are there will never do; -EPROTO (V2 to V4).
 */
int ep_vhost_ring_put(struct ep_vhost_ring *ring, const struct epair_mbuf *m);

/* Publish before more is done or put: another frame may not fit the batch. */
static inline bool
ep_vhost_ring_is_full(const struct ep_vhost_ring *ring)
{
	return ring->given > EP_VHOST_BATCH_MAX - EP_VHOST_MERGE_MAX;
}

/* Show the guest what was given back. Nothing if nothing was. */
void ep_vhost_ring_publish(struct ep_vhost_ring *ring);

/*
 * How much of what was shown the guest wants to be interrupted for: until
 * told() says that it was, or it wants that no more.
 */
unsigned ep_vhost_ring_untold(struct ep_vhost_ring *ring);
void ep_vhost_ring_told(struct ep_vhost_ring *ring);

/* Do not kick us for offers (false), or do. Look again after that. */
void ep_vhost_ring_want_kick(struct ep_vhost_ring *ring, bool wanted);

#endif /* EP_ATTACH_VHOST_RING_H */
