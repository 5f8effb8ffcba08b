/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/memif/ring.h - one ring in shared memory, seen from our side.
 *
 * The client owns all buffers. On S2M it fills them and moves head, and the
 * server gives them back by moving tail; on M2S it offers empty ones by moving
 * head, and the server fills them and moves tail. So whoever we are, the peer
 * writes one index and we the other:
 *
 *	ring  we are   ours  theirs  we may use        bias  post
 *	S2M   client   head  tail    free slots        size  0
 *	S2M   server   tail  head    filled slots      0     0
 *	M2S   client   head  tail    filled slots      0     size
 *	M2S   server   tail  head    offered slots     0     0
 *
 * `next` is the slot that we come to, free-running: (theirs + bias) - next slots
 * are ours to use, and what we publish is next + post.
 *
 * Nothing that the peer wrote is trusted:
 *	G1  an index is loaded once a look, and one that is more than size ahead
 *	    is a fault
 *	G2  a descriptor is loaded once, and judged as loaded: its octets lie in
 *	    a region, in 64 bits
 *	G3  a client does not read back where its own buffers are; only length
 *	    and NEXT are the server's to say, and a length is at most a buffer
 *	G4  a chain that does not end within what was published, or after
 *	    EP_MEMIF_PARTS_MAX, is a fault
 * A fault is for ever: `fault` says what it was, and every call that follows
 * says it again. So no walk is longer than size, and nothing loops.
 *
 * Waking. The receiver of frames sets MASK_INT while it reads, and else is to be
 * told by an eventfd:
 *	sender		publish index; look at MASK_INT; signal
 *	receiver	clear MASK_INT; look at the index again; sleep
 * Each stores, then loads what the other stores: sequentially consistent on our
 * side, or both could miss. DPDK 22.11 has no fence there, so that its look may
 * overtake its store: whoever sleeps looks once more a little later (io.c).
 * tests/model/memif_wake.pml is the model.
 *
 * Locking: the owner's. One thread at a time.
 */
#ifndef EP_ATTACH_MEMIF_RING_H
#define EP_ATTACH_MEMIF_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "attach/memif/region.h"

struct epair_mbuf;

#define EP_MEMIF_COOKIE    0x3E31F20u
#define EP_MEMIF_MASK_INT  1u
#define EP_MEMIF_PARTS_MAX 256u

/* As it lies in memory. */
struct ep_memif_desc {
	uint16_t flags; /* EP_MEMIF_NEXT */
	uint16_t region;
	uint32_t length;
	uint32_t offset;
	uint32_t metadata;
};
#define EP_MEMIF_NEXT 1u

struct ep_memif_shared {
	uint32_t cookie;
	uint16_t flags; /* the receiver's */
	uint16_t head; /* the client's */
	uint8_t pad0[56];
	uint16_t tail; /* the server's */
	uint8_t pad1[62];
	uint64_t descs[]; /* two words each */
};

/* A piece of a frame, in a region. */
struct ep_memif_part {
	uint8_t *at;
	uint32_t len;
};

/* A client's buffers, all in one region. */
struct ep_memif_buffers {
	uint16_t region;
	uint32_t offset; /* of the first, in it */
	uint32_t size; /* of each */
	uint8_t *at; /* the first */
	const uint32_t *where; /* each slot's, from the first; NULL: in a row */
};

struct ep_memif_ring {
	struct ep_memif_shared *shared;
	const struct ep_memif_regions *regions;
	uint16_t *ours, *theirs; /* into shared */
	const char *fault; /* NULL: none; fit for a DISCONNECT */
	uint16_t size; /* a power of 2 */
	uint16_t bias, post; /* see above */
	uint16_t next;
	uint16_t restored; /* a client's: slots before it hold empty buffers */
	uint16_t ahead; /* slots from next that may be used, as last looked */
	uint16_t fetched; /* slots before it are on their way to our cache */
	bool is_client, is_reading;
	uint32_t was_len; /* octets of the last frame written, or as we care */
	struct ep_memif_buffers buffers; /* a client's */
};

/* Octets that a ring of `size` slots takes. */
static inline uint64_t
ep_memif_ring_octets(unsigned size)
{
	return sizeof(struct ep_memif_shared) +
	       (uint64_t)size * sizeof(struct ep_memif_desc);
}

/*
 * A client's buffers: for each slot one of the size that was asked for, and one
 * to write a short frame to. Neighbours' short ones lie scattered: of no two is
 * the next as far as the one before. A core that reads at a constant stride
 * fetches ahead by itself, and so takes from its peer the lines that are just
 * being written; of long frames that is what it gains most by.
 */
#define EP_MEMIF_SHORT 128u

/* Octets that the buffers of a ring of `size` slots take. */
static inline uint64_t
ep_memif_buffers_octets(unsigned size, uint32_t buffer_size)
{
	return (uint64_t)size * (buffer_size + EP_MEMIF_SHORT);
}

/*
 * See a ring at an offset of a region, all of which is mapped (else -EPROTO).
 * Nothing has passed it yet: all indices are 0.
 */
int ep_memif_ring_init(struct ep_memif_ring *ring,
    const struct ep_memif_regions *regions, unsigned region, uint32_t offset,
    unsigned size);

/*
 * What we are to it. After init, before anything else. is_reading: frames come
 * to us on it. A client's buffers are mapped: those of a ring to write to are in
 * a row, ep_memif_buffers_octets() of them; where those of one to read from are
 * may change between publish and the next take.
 */
void ep_memif_ring_server(struct ep_memif_ring *ring, bool is_reading);
void ep_memif_ring_client(struct ep_memif_ring *ring, bool is_reading,
    const struct ep_memif_buffers *buffers);

/*
 * Look how far the peer is. Returns how many slots may be used from `next`, or
 * -EPROTO (G1).
 */
int ep_memif_ring_look(struct ep_memif_ring *ring);

/*
 * Reading: the pieces of the next frame, in parts, an array of
 * EP_MEMIF_PARTS_MAX; *len is their sum. Its slots stay ours until publish.
 * Returns how many pieces; 0 if none is there; -EPROTO (G2 to G4).
 */
int ep_memif_ring_take(
    struct ep_memif_ring *ring, struct ep_memif_part *parts, uint64_t *len);

/*
 * Writing: copy a frame in. Borrows it. The peer sees it at publish.
 * Returns 0; -ENOBUFS when there is no room now; -EMSGSIZE when there never
 * will be; -EPROTO (G2).
 */
int ep_memif_ring_put(struct ep_memif_ring *ring, const struct epair_mbuf *m);

/*
 * Show the peer how far we are: what was put can be read, what was taken used
 * again. Returns whether the peer, when it reads, wants to be told.
 */
bool ep_memif_ring_publish(struct ep_memif_ring *ring);

/*
 * Reading: do not tell us (true), or do. Look again after unmasking.
 */
void ep_memif_ring_mask(struct ep_memif_ring *ring, bool masked);

#endif /* EP_ATTACH_MEMIF_RING_H */
