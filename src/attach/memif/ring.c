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

/*
 * Slots whose buffers, and whose descriptors, are on their way; of a long frame
 * that will be written, so many lines.
 */
#define FETCH       16u
#define FETCH_LONG  2u
#define FETCH_DESCS 48u
#define DESCS_LINE  4u
#define LINE        64u
#define LINES_MAX   32u

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
ep_memif_ring_server(struct ep_memif_ring *ring, bool is_reading)
{
	ring->is_client = false;
	ring->is_reading = is_reading;
	ring->ours = &ring->shared->tail;
	ring->theirs = &ring->shared->head;
	ring->bias = ring->post = 0;
}

static struct ep_memif_desc *
desc_at(const struct ep_memif_ring *ring, uint16_t slot)
{
	size_t at = 2 * (size_t)(slot & (ring->size - 1u));

	return (struct ep_memif_desc *)(void *)&ring->shared->descs[at];
}

/* A word at a time, for the peer may be at it. */
static struct ep_memif_desc
load_desc(const struct ep_memif_ring *ring, uint16_t slot)
{
	const uint64_t *at = (const void *)desc_at(ring, slot);
	uint64_t words[2] = { ep_load_relaxed(&at[0]),
		ep_load_relaxed(&at[1]) };
	struct ep_memif_desc desc;

	memcpy(&desc, words, sizeof(desc));
	return desc;
}

/*
 * What changes in a descriptor; where it points is a client's to say. A line
 * that says so already stays in the peer's cache. And nothing is put together in
 * memory to be loaded again as a word: that waits for every store before it, and
 * so for the lines of a buffer that the peer's core has.
 */
static void
set_desc(struct ep_memif_ring *ring, uint16_t slot, uint16_t flags,
    uint32_t len, uint32_t at)
{
	struct ep_memif_desc *desc = desc_at(ring, slot);
	uint32_t offset = ring->buffers.offset + at;

	if (ep_load_relaxed(&desc->flags) != flags)
		ep_store_relaxed(&desc->flags, flags);
	if (ep_load_relaxed(&desc->length) != len)
		ep_store_relaxed(&desc->length, len);
	if (ring->is_client && ep_load_relaxed(&desc->offset) != offset)
		ep_store_relaxed(&desc->offset, offset);
}

/* A client's own word for where a slot's buffers are, from the first (G3). */

static uint32_t
long_at(const struct ep_memif_ring *ring, uint16_t slot)
{
	uint32_t i = slot & (ring->size - 1u);

	return ring->buffers.where != NULL ? ring->buffers.where[i]
					   : i * ring->buffers.size;
}

/* Triangular numbers come to every place of a power of 2 once. */
static uint32_t
short_at(const struct ep_memif_ring *ring, uint16_t slot)
{
	uint32_t i = slot & (ring->size - 1u);

	return ring->size * ring->buffers.size +
	       (i * (i + 1) / 2 & (ring->size - 1u)) * EP_MEMIF_SHORT;
}

void
ep_memif_ring_client(struct ep_memif_ring *ring, bool is_reading,
    const struct ep_memif_buffers *buffers)
{
	ring->is_client = true;
	ring->is_reading = is_reading;
	ring->ours = &ring->shared->head;
	ring->theirs = &ring->shared->tail;
	ring->bias = is_reading ? 0 : ring->size;
	ring->post = is_reading ? ring->size : 0;
	ring->buffers = *buffers;
	for (unsigned i = 0; i < ring->size; i++)
		*desc_at(ring, (uint16_t)i) = (struct ep_memif_desc){
			.region = buffers->region,
			.length = buffers->size,
			.offset = buffers->offset + long_at(ring, (uint16_t)i),
		};
}

/* What a slot holds or has room for, judged (G2, G3); NULL is a fault. */
static uint8_t *
judge(struct ep_memif_ring *ring, uint16_t slot, struct ep_memif_desc *desc)
{
	uint8_t *at;

	*desc = load_desc(ring, slot);
	if (ring->is_client) {
		if (desc->length <= ring->buffers.size)
			return ring->buffers.at + long_at(ring, slot);
		(void)fail(ring, "Descriptor longer than its buffer");
		return NULL;
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

/* Frames like the last one are written to the short buffers. */
static inline bool
writes_short(const struct ep_memif_ring *ring)
{
	return !ring->is_reading && ring->was_len <= EP_MEMIF_SHORT;
}

/*
 * The peer's core has the lines of a frame that it wrote, or read; fetched one
 * after the other each costs the way there and back. So those of the frames
 * behind it are asked for while one is copied: the descriptors first, for they
 * say where a server's buffers are. To be written, all lines of a long frame,
 * since stores wait for each other; to be read, the first: the others come by
 * themselves.
 */
static void
fetch(const struct ep_memif_ring *ring, uint16_t slot)
{
	bool is_short = writes_short(ring);
	uint32_t octets = is_short ? 1 : ring->was_len;
	struct ep_memif_desc desc;
	uint8_t *at;

	if (slot % DESCS_LINE == 0)
		__builtin_prefetch(
		    desc_at(ring, (uint16_t)(slot + FETCH_DESCS)));
	if (ring->is_client) {
		at = ring->buffers.at +
		     (is_short ? short_at(ring, slot) : long_at(ring, slot));
	} else {
		desc = load_desc(ring, slot);
		at = ep_memif_region_at(
		    ring->regions, desc.region, desc.offset, 1);
	}
	if (at == NULL)
		return; /* judged when it is come to */
	if (ring->is_reading) {
		__builtin_prefetch(at);
		return;
	}
	for (uint32_t off = 0; off < octets; off += LINE)
		ep_fetch_own(at + off);
}

static inline void
fetch_ahead(struct ep_memif_ring *ring)
{
	uint16_t most = ring->is_reading || writes_short(ring) ? FETCH
							       : FETCH_LONG;
	uint16_t until;

	most = ring->ahead < most ? ring->ahead : most;
	until = (uint16_t)(ring->next + most);

	if ((uint16_t)(until - ring->fetched) > most)
		ring->fetched = ring->next;
	for (; ring->fetched != until; ring->fetched++)
		fetch(ring, ring->fetched);
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
	fetch_ahead(ring);
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

/* One slot to write to. */
struct room {
	uint8_t *at;
	uint32_t len;
	uint32_t offset; /* a client's, from its first buffer */
};

static struct room
own_room(const struct ep_memif_ring *ring, uint16_t slot, uint32_t want)
{
	bool is_short = want <= EP_MEMIF_SHORT;
	uint32_t at = is_short ? short_at(ring, slot) : long_at(ring, slot);

	return (struct room){ ring->buffers.at + at,
		is_short ? EP_MEMIF_SHORT : ring->buffers.size, at };
}

/* Room in the n-th slot for what is left of a frame, or its beginning. */
static int
find_room(
    struct ep_memif_ring *ring, unsigned n, uint32_t left, struct room *room)
{
	uint16_t slot = (uint16_t)(ring->next + n);
	struct ep_memif_desc desc;

	if (n == EP_MEMIF_PARTS_MAX || n == ring->size)
		return -EMSGSIZE;
	if (n == ring->ahead)
		return -ENOBUFS;
	if (ring->is_client) {
		*room = own_room(ring, slot, left);
		return 0;
	}
	*room = (struct room){ .at = judge(ring, slot, &desc) };
	if (room->at == NULL)
		return -EPROTO;
	if (desc.length == 0)
		return fail(ring, "Empty buffer offered");
	room->len = desc.length;
	return 0;
}

/* Where in a frame we are. */
struct cursor {
	const struct epair_mbuf *m;
	uint32_t off;
};

static void
copy_out(uint8_t *to, uint32_t want, struct cursor *from)
{
	while (want > 0) {
		uint32_t run = from->m->len - from->off;

		run = run < want ? run : want;
		memcpy(to, from->m->data + from->off, run);
		to += run;
		want -= run;
		from->off += run;
		if (from->off == from->m->len && from->m->next != NULL)
			*from = (struct cursor){ from->m->next, 0 };
	}
}

int
ep_memif_ring_put(struct ep_memif_ring *ring, const struct epair_mbuf *m)
{
	struct cursor from = { m, 0 };
	uint32_t want, left = m->pktlen;
	struct room room;
	unsigned n = 0;
	int error;

	if (ring->fault != NULL)
		return -EPROTO;
	fetch_ahead(ring);
	ring->was_len = left < LINES_MAX * LINE ? left : LINES_MAX * LINE;
	do {
		error = find_room(ring, n, left, &room);
		if (error != 0)
			return error; /* what was written is not published */
		want = left < room.len ? left : room.len;
		copy_out(room.at, want, &from);
		left -= want;
		set_desc(ring, (uint16_t)(ring->next + n),
		    left > 0 ? EP_MEMIF_NEXT : 0, want, room.offset);
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
	for (; ring->restored != until; ring->restored++)
		set_desc(ring, ring->restored, 0, ring->buffers.size,
		    long_at(ring, ring->restored));
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
