/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/memif/ring.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/atomic.h"
#include "mbuf/mbuf.h"

/* The layout is the protocol's. */
_Static_assert(sizeof(struct ep_memif_desc) == 16, "descriptor");
_Static_assert(offsetof(struct ep_memif_shared, head) == 6, "head");
_Static_assert(offsetof(struct ep_memif_shared, tail) == 64, "tail");
_Static_assert(offsetof(struct ep_memif_shared, descs) == 128, "desc");

/* A store that no later load of the same thread overtakes, see ring.h. */
#define STORE_SEQ_CST(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define LOAD_SEQ_CST(p)     __atomic_load_n((p), __ATOMIC_SEQ_CST)

static int
fail(struct ep_memif_ring *ring, const char *fault)
{
	ring->fault = fault;
	ring->ahead = 0;
	return -EPROTO;
}

int
ep_memif_ring_init(struct ep_memif_ring *ring,
    const struct ep_memif_regions *regions, unsigned region, uint32_t offset,
    unsigned size)
{
	uint8_t *at = ep_memif_region_at(
	    regions, region, offset, ep_memif_ring_octets(size));

	memset(ring, 0, sizeof(*ring));
	if (at == NULL || offset % 8 != 0)
		return -EPROTO;
	ring->shared = (struct ep_memif_shared *)(void *)at;
	ring->regions = regions;
	ring->size = (uint16_t)size;
	return 0;
}

void
ep_memif_ring_server(struct ep_memif_ring *ring)
{
	ring->is_client = false;
	ring->ours = &ring->shared->tail;
	ring->theirs = &ring->shared->head;
	ring->bias = ring->post = 0;
}

void
ep_memif_ring_client(struct ep_memif_ring *ring, bool is_reading,
    unsigned region, uint32_t first_offset, uint32_t buffer_size)
{
	ring->is_client = true;
	ring->ours = &ring->shared->head;
	ring->theirs = &ring->shared->tail;
	ring->bias = is_reading ? 0 : ring->size;
	ring->post = is_reading ? ring->size : 0;
	ring->region = (uint16_t)region;
	ring->first_offset = first_offset;
	ring->buffer_size = buffer_size;
}

/* Descriptors: in one load or store a word, for the peer may be at them. */

static struct ep_memif_desc
load_desc(const struct ep_memif_ring *ring, uint16_t slot)
{
	const uint64_t *at =
	    &ring->shared->descs[2 * (size_t)(slot & (ring->size - 1))];
	uint64_t words[2] = { ep_load_relaxed(&at[0]),
		ep_load_relaxed(&at[1]) };
	struct ep_memif_desc desc;

	memcpy(&desc, words, sizeof(desc));
	return desc;
}

static void
store_desc(
    struct ep_memif_ring *ring, uint16_t slot, const struct ep_memif_desc *desc)
{
	uint64_t *at =
	    &ring->shared->descs[2 * (size_t)(slot & (ring->size - 1))];
	uint64_t words[2];

	memcpy(words, desc, sizeof(words));
	ep_store_relaxed(&at[0], words[0]);
	ep_store_relaxed(&at[1], words[1]);
}

/* A client's own word for a slot (G3). */
static struct ep_memif_desc
own_desc(const struct ep_memif_ring *ring, uint16_t slot)
{
	return (struct ep_memif_desc){
		.region = ring->region,
		.length = ring->buffer_size,
		.offset = ring->first_offset +
			  (uint32_t)(slot & (ring->size - 1)) *
			      ring->buffer_size,
	};
}

/* What a slot holds or has room for, judged (G2, G3); NULL is a fault. */
static uint8_t *
judge(struct ep_memif_ring *ring, uint16_t slot, struct ep_memif_desc *desc)
{
	struct ep_memif_desc own;
	uint8_t *at;

	*desc = load_desc(ring, slot);
	if (ring->is_client) {
		own = own_desc(ring, slot);
		if (desc->length > own.length) {
			(void)fail(ring, "Descriptor longer than its buffer");
			return NULL;
		}
		desc->region = own.region;
		desc->offset = own.offset;
	}
	at = ep_memif_region_at(
	    ring->regions, desc->region, desc->offset, desc->length);
	if (at == NULL)
		(void)fail(ring, "Descriptor outside of its region");
	return at;
}

int
ep_memif_ring_look(struct ep_memif_ring *ring)
{
	uint16_t theirs, ahead;

	if (ring->fault != NULL)
		return -EPROTO;
	/*
	 * Acquires what the peer's publish released, and comes behind the store
	 * of ep_memif_ring_mask() in that order which all agree on.
	 */
	theirs = LOAD_SEQ_CST(ring->theirs);
	ahead = (uint16_t)(theirs + ring->bias - ring->next);
	if (ahead > ring->size)
		return fail(ring, "Index out of range");
	ring->ahead = ahead;
	return ahead;
}

/* Reading. */

int
ep_memif_ring_take(
    struct ep_memif_ring *ring, struct ep_memif_part *parts, uint64_t *len)
{
	struct ep_memif_desc desc;
	unsigned n = 0;
	uint8_t *at;

	*len = 0;
	if (ring->fault != NULL)
		return -EPROTO;
	if (ring->ahead == 0)
		return 0;
	do {
		if (n == ring->ahead || n == EP_MEMIF_PARTS_MAX)
			return fail(ring, "Chain does not end");
		at = judge(ring, (uint16_t)(ring->next + n), &desc);
		if (at == NULL)
			return -EPROTO;
		parts[n++] = (struct ep_memif_part){ at, desc.length };
		*len += desc.length;
	} while ((desc.flags & EP_MEMIF_NEXT) != 0);
	ring->next += (uint16_t)n;
	ring->ahead -= (uint16_t)n;
	return (int)n;
}

/* Writing. */

/* One slot to write to: its descriptor and where its buffer is. */
struct room {
	struct ep_memif_desc desc;
	uint8_t *at;
};

static int
find_room(struct ep_memif_ring *ring, unsigned n, struct room *room)
{
	uint16_t slot = (uint16_t)(ring->next + n);

	if (n == EP_MEMIF_PARTS_MAX || n == ring->size)
		return -EMSGSIZE;
	if (n == ring->ahead)
		return -ENOBUFS;
	if (ring->is_client) {
		room->desc = own_desc(ring, slot);
		room->at = ep_memif_region_at(ring->regions, room->desc.region,
		    room->desc.offset, room->desc.length);
		return 0;
	}
	room->at = judge(ring, slot, &room->desc);
	if (room->at == NULL)
		return -EPROTO;
	if (room->desc.length == 0)
		return fail(ring, "Empty buffer offered");
	return 0;
}

int
ep_memif_ring_put(struct ep_memif_ring *ring, const struct epair_mbuf *m)
{
	uint32_t off = 0, want, left = m->pktlen;
	struct room room;
	unsigned n = 0;
	int error;

	if (ring->fault != NULL)
		return -EPROTO;
	do {
		error = find_room(ring, n, &room);
		if (error != 0)
			return error; /* what was written is not published */
		want = left < room.desc.length ? left : room.desc.length;
		for (uint32_t done = 0; done < want;) {
			uint32_t run = m->len - off;

			run = run < want - done ? run : want - done;
			memcpy(room.at + done, m->data + off, run);
			done += run;
			off += run;
			if (off == m->len && m->next != NULL) {
				m = m->next;
				off = 0;
			}
		}
		left -= want;
		room.desc.length = want;
		room.desc.flags = left > 0 ? EP_MEMIF_NEXT : 0;
		store_desc(ring, (uint16_t)(ring->next + n), &room.desc);
		n++;
	} while (left > 0);
	ring->next += (uint16_t)n;
	ring->ahead -= (uint16_t)n;
	return 0;
}

/* Both. */

/* A client's buffers go back as they were: empty, and of their whole size. */
static void
restore(struct ep_memif_ring *ring, uint16_t until)
{
	struct ep_memif_desc desc;

	for (; ring->restored != until; ring->restored++) {
		desc = own_desc(ring, ring->restored);
		store_desc(ring, ring->restored, &desc);
	}
}

bool
ep_memif_ring_publish(struct ep_memif_ring *ring)
{
	uint16_t now = (uint16_t)(ring->next + ring->post);

	if (ring->is_client && ring->post != 0)
		restore(ring, now);
	/* acquired by the peer's look */
	STORE_SEQ_CST(ring->ours, now);
	return (LOAD_SEQ_CST(&ring->shared->flags) & EP_MEMIF_MASK_INT) == 0;
}

void
ep_memif_ring_mask(struct ep_memif_ring *ring, bool masked)
{
	STORE_SEQ_CST(
	    &ring->shared->flags, (uint16_t)(masked ? EP_MEMIF_MASK_INT : 0));
}
