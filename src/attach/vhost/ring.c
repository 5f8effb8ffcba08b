/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/vhost/ring.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>

#include "attach/virtio.h"
#include "base/atomic.h"
#include "mbuf/mbuf.h"

/* The layout is the protocol's. */
_Static_assert(sizeof(struct vring_desc) == 16, "descriptor");
_Static_assert(sizeof(struct vring_used_elem) == 8, "used element");

/* In one order that all agree on, see ring.h. */
#define STORE_SEQ_CST(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define LOAD_SEQ_CST(p)     __atomic_load_n((p), __ATOMIC_SEQ_CST)

static int
fail(struct ep_vhost_ring *ring, const char *fault)
{
	ring->fault = fault;
	ring->ahead = 0;
	return -EPROTO;
}

/* Where it is. */

static void *
part_at(const struct ep_vhost_ring_conf *conf, uint64_t uva, uint64_t len,
    unsigned alignment)
{
	uint8_t *at = ep_vhost_memory_at_uva(conf->memory, uva, len);

	return (uintptr_t)at % alignment == 0 ? at : NULL;
}

static int
locate(struct ep_vhost_ring *ring, const char **why)
{
	const struct ep_vhost_ring_conf *conf = &ring->conf;
	uint64_t size = conf->size, event = conf->has_event_idx ? 2 : 0;

	ring->descs = part_at(conf, conf->desc, size * 16, 16);
	ring->avail = part_at(conf, conf->avail, 4 + 2 * size + event, 2);
	ring->used_ring = part_at(conf, conf->used, 4 + 8 * size + event, 4);
	*why = "Ring outside of its memory";
	if (ring->descs == NULL || ring->avail == NULL ||
	    ring->used_ring == NULL)
		return -EPROTO;
	ring->used_event = &ring->avail->ring[size];
	ring->avail_event = (uint16_t *)(void *)&ring->used_ring->ring[size];
	return 0;
}

/* With what a back end before us took first, and behind it what it did not. */
static int
resume(struct ep_vhost_ring *ring, const char **why)
{
	int n;

	if (ring->conf.inflight == NULL)
		return 0;
	ring->again = malloc(ring->conf.size * sizeof(ring->again[0]));
	*why = "No memory";
	if (ring->again == NULL)
		return -ENOMEM;
	n = ep_vhost_inflight_begin(ring->conf.inflight, ring->conf.size,
	    ring->used, ring->again, &ring->counter);
	*why = "Inflight buffer of another ring";
	if (n < 0)
		return n;
	ring->again_count = (unsigned)n;
	ring->next = (uint16_t)(ring->used + n);
	return 0;
}

int
ep_vhost_ring_init(struct ep_vhost_ring *ring,
    const struct ep_vhost_ring_conf *conf, const char **why)
{
	int error;

	memset(ring, 0, sizeof(*ring));
	ring->conf = *conf;
	error = locate(ring, why);
	if (error != 0)
		return error;
	ring->used = ring->next = ep_load_relaxed(&ring->used_ring->idx);
	ring->told = ring->used;
	ring->is_fresh = true;
	error = resume(ring, why);
	if (error != 0)
		ep_vhost_ring_fini(ring);
	return error;
}

void
ep_vhost_ring_fini(struct ep_vhost_ring *ring)
{
	free(ring->again);
	ring->again = NULL;
	ring->again_count = ring->again_at = 0;
}

int
ep_vhost_ring_move(struct ep_vhost_ring *ring,
    const struct ep_vhost_memory *memory, const char **why)
{
	ring->conf.memory = memory;
	return locate(ring, why);
}

int
ep_vhost_ring_look(struct ep_vhost_ring *ring)
{
	uint16_t ahead;

	if (ring->fault != NULL)
		return -EPROTO;
	/*
	 * Acquires what the guest released, and comes behind the store of
	 * ep_vhost_ring_want_kick() in that order which all agree on.
	 */
	ahead = (uint16_t)(LOAD_SEQ_CST(&ring->avail->idx) - ring->next);
	if (ahead > ring->conf.size)
		return fail(ring, "Index out of range");
	ring->ahead = ahead;
	return ep_vhost_ring_seen(ring);
}

/* Chains. */

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/* A table of descriptors: the ring's own, or an indirect one. */
struct table {
	const uint64_t *at;
	unsigned count;
	bool is_indirect;
};

/* In one load a word, for the guest may be at them. */
static struct desc
load_desc(const struct table *table, unsigned i)
{
	uint64_t words[2] = { ep_load_relaxed(&table->at[2 * (size_t)i]),
		ep_load_relaxed(&table->at[2 * (size_t)i + 1]) };
	struct desc desc;

	memcpy(&desc, words, sizeof(desc));
	return desc;
}

/* Go on in the table that a descriptor stands for (V3). */
static int
enter_table(
    struct ep_vhost_ring *ring, const struct desc *desc, struct table *table)
{
	uint64_t len = desc->len;
	uint8_t *at;

	if (!ring->conf.has_indirect || table->is_indirect ||
	    (desc->flags & VRING_DESC_F_NEXT) != 0)
		return fail(ring, "Indirect descriptor that may not be");
	if (len == 0 || len % 16 != 0 || len / 16 > EP_VHOST_TABLE_MAX)
		return fail(ring, "Indirect descriptors of a wrong size");
	at = ep_vhost_memory_piece(ring->conf.memory, desc->addr, &len);
	if (at == NULL || len != desc->len || (uintptr_t)at % 8 != 0)
		return fail(ring, "Indirect descriptors outside of a region");
	*table = (struct table){ (const uint64_t *)(const void *)at,
		(unsigned)(len / 16), true };
	return 0;
}

/* The pieces of a frame, as far as there is room for them. */
struct pieces {
	struct ep_vhost_part *parts; /* EP_VHOST_PARTS_MAX */
	unsigned count;
	unsigned descs; /* that stand for these, or for nothing */
	unsigned slots; /* of the ring's own that they take */
	uint64_t len;
};

/* What one descriptor stands for, region by region (V2). */
static int
add_pieces(
    struct ep_vhost_ring *ring, const struct desc *desc, struct pieces *p)
{
	uint64_t addr = desc->addr, left = desc->len, len;
	uint8_t *at;

	for (; left > 0; left -= len, addr += len) {
		len = left;
		at = ep_vhost_memory_piece(ring->conf.memory, addr, &len);
		if (at == NULL)
			return fail(ring, "Descriptor outside of all regions");
		if (p->count == EP_VHOST_PARTS_MAX)
			return fail(ring, "Chain of too many pieces");
		p->parts[p->count++] = (struct ep_vhost_part){ at,
			(uint32_t)len };
		p->len += len;
	}
	return 0;
}

/* Follow a chain from its head (V2 to V4). */
static int
follow(struct ep_vhost_ring *ring, uint16_t head, uint16_t writable,
    struct pieces *p)
{
	struct table table = { ring->descs, ring->conf.size, false };
	unsigned i = head, steps = 0;
	struct desc desc;
	int error;

	for (;;) {
		if (i >= table.count || steps++ == table.count)
			return fail(ring, "Chain that does not end");
		desc = load_desc(&table, i);
		p->slots += !table.is_indirect;
		if ((desc.flags & VRING_DESC_F_INDIRECT) != 0) {
			error = enter_table(ring, &desc, &table);
			if (error != 0)
				return error;
			i = steps = 0;
			continue;
		}
		if ((desc.flags & VRING_DESC_F_WRITE) != writable)
			return fail(ring, "Descriptor of the wrong direction");
		if (p->descs++ == EP_VHOST_PARTS_MAX)
			return fail(ring, "Chain of too many pieces");
		error = add_pieces(ring, &desc, p);
		if (error != 0)
			return error;
		if ((desc.flags & VRING_DESC_F_NEXT) == 0)
			return 0;
		i = desc.next;
	}
}

/* The head of the next chain; -EAGAIN if there is none. */
static int
next_head(struct ep_vhost_ring *ring, uint16_t *head)
{
	unsigned mask = ring->conf.size - 1;

	if (ring->fault != NULL)
		return -EPROTO;
	if (ring->again_at < ring->again_count) {
		*head = ring->again[ring->again_at++].head;
		return 0;
	}
	if (ring->ahead == 0)
		return -EAGAIN;
	*head = ep_load_relaxed(&ring->avail->ring[ring->next & mask]);
	if (*head >= ring->conf.size)
		return fail(ring, "Head out of range");
	ring->next++;
	ring->ahead--;
	return 0;
}

/* Where we are among the offers, to come back to. */
struct place {
	uint16_t next, ahead;
	unsigned again_at;
};

static struct place
place_of(const struct ep_vhost_ring *ring)
{
	return (struct place){ ring->next, ring->ahead, ring->again_at };
}

static void
go_back(struct ep_vhost_ring *ring, struct place place)
{
	if (ring->fault != NULL)
		return;
	ring->next = place.next;
	ring->ahead = place.ahead;
	ring->again_at = place.again_at;
}

static void
note_taken(struct ep_vhost_ring *ring, uint16_t head)
{
	if (ring->conf.inflight != NULL)
		ep_vhost_inflight_take(
		    ring->conf.inflight, head, &ring->counter);
}

/* Behind those that are given already; seen at publish. */
static void
give(struct ep_vhost_ring *ring, uint16_t head, uint32_t len)
{
	unsigned slot = (uint16_t)(ring->used + ring->given);
	struct vring_used_elem *elem =
	    &ring->used_ring->ring[slot & (ring->conf.size - 1)];

	ep_store_relaxed(&elem->id, head);
	ep_store_relaxed(&elem->len, len);
	ring->batch[ring->given++] = head;
}

/* Reading. */

int
ep_vhost_ring_take(struct ep_vhost_ring *ring, struct ep_vhost_part *parts,
    uint64_t *len, uint16_t *head)
{
	struct pieces p = { .parts = parts };
	int error = next_head(ring, head);

	if (error == 0)
		error = follow(ring, *head, 0, &p);
	if (error != 0)
		return error;
	note_taken(ring, *head);
	*len = p.len;
	return (int)p.count;
}

void
ep_vhost_ring_done(struct ep_vhost_ring *ring, uint16_t head)
{
	give(ring, head, 0);
}

/* Writing. */

/* Chains that hold a frame and its header, and how much of each. */
struct room {
	struct ep_vhost_part parts[EP_VHOST_PARTS_MAX];
	struct pieces p;
	uint16_t heads[EP_VHOST_MERGE_MAX];
	uint32_t lens[EP_VHOST_MERGE_MAX];
	unsigned count;
};

static int
find_room(struct ep_vhost_ring *ring, uint64_t wanted, struct room *room)
{
	unsigned most = ring->conf.is_merging ? EP_VHOST_MERGE_MAX : 1;
	uint64_t before;
	int error;

	room->p = (struct pieces){ .parts = room->parts };
	for (room->count = 0; room->p.len < wanted; room->count++) {
		if (room->count == most)
			return -EMSGSIZE;
		before = room->p.len;
		error = next_head(ring, &room->heads[room->count]);
		/* With all that a ring can hold no more will come. */
		if (error == -EAGAIN)
			return room->p.slots < ring->conf.size ? -ENOBUFS
							       : -EMSGSIZE;
		if (error != 0)
			return error;
		error = follow(ring, room->heads[room->count],
		    VRING_DESC_F_WRITE, &room->p);
		if (error != 0)
			return error;
		/* The header lies in the first, whole. */
		if (room->p.len < ring->conf.hdr_len)
			return fail(ring, "Buffer shorter than a header");
		room->lens[room->count] = (uint32_t)(room->p.len - before);
	}
	return 0;
}

/* The octets of header and frame from `off` on. */
static void
copy_out(const struct virtio_net_hdr_v1 *hdr, uint32_t hdr_len,
    const struct epair_mbuf *m, uint32_t off, const struct ep_vhost_part *part)
{
	uint32_t done = 0;

	if (off < hdr_len) {
		done = hdr_len - off < part->len ? hdr_len - off : part->len;
		memcpy(part->at, (const uint8_t *)hdr + off, done);
		if (done == part->len)
			return;
	}
	(void)epair_mbuf_read(
	    m, off + done - hdr_len, part->at + done, part->len - done);
}

int
ep_vhost_ring_put(struct ep_vhost_ring *ring, const struct epair_mbuf *m)
{
	uint32_t hdr_len = ring->conf.hdr_len, off = 0, left, len;
	struct place place = place_of(ring);
	struct virtio_net_hdr_v1 hdr;
	struct room room;
	int error;

	left = hdr_len + m->pktlen;
	error = find_room(ring, left, &room);
	if (error != 0) {
		go_back(ring, place);
		return error;
	}
	ep_virtio_to_header(m, &hdr);
	if (!ring->conf.takes_csum)
		hdr.flags = 0;
	hdr.num_buffers = (uint16_t)room.count;
	for (unsigned i = 0; i < room.count; i++)
		note_taken(ring, room.heads[i]);
	for (unsigned i = 0; i < room.p.count && off < hdr_len + m->pktlen;
	     i++) {
		copy_out(&hdr, hdr_len, m, off, &room.parts[i]);
		off += room.parts[i].len;
	}
	for (unsigned i = 0; i < room.count; i++) {
		len = room.lens[i] < left ? room.lens[i] : left;
		give(ring, room.heads[i], len);
		left -= len;
	}
	return 0;
}

/* Both. */

void
ep_vhost_ring_publish(struct ep_vhost_ring *ring)
{
	uint16_t now = (uint16_t)(ring->used + ring->given);
	struct ep_vhost_inflight *inflight = ring->conf.inflight;

	if (ring->given == 0)
		return;
	for (unsigned i = 0; i < ring->given && inflight != NULL; i++)
		ep_vhost_inflight_give(inflight, ring->batch[i]);
	/* acquired by the guest */
	STORE_SEQ_CST(&ring->used_ring->idx, now);
	if (inflight != NULL)
		ep_vhost_inflight_given(
		    inflight, ring->batch, ring->given, now);
	ring->used = now;
	ring->given = 0;
}

void
ep_vhost_ring_told(struct ep_vhost_ring *ring)
{
	ring->told = ring->used;
	ring->is_fresh = false;
}

unsigned
ep_vhost_ring_untold(struct ep_vhost_ring *ring)
{
	uint16_t before = ring->told, now = ring->used;
	bool is_wanted;

	if (now == before)
		return 0;
	if (!ring->conf.has_event_idx)
		is_wanted = (LOAD_SEQ_CST(&ring->avail->flags) &
				VRING_AVAIL_F_NO_INTERRUPT) == 0;
	else
		is_wanted = ring->is_fresh ||
			    vring_need_event(
				LOAD_SEQ_CST(ring->used_event), now, before);
	/* It looks by itself before it wants to be told of later ones only. */
	if (!is_wanted)
		ep_vhost_ring_told(ring);
	return is_wanted ? (uint16_t)(now - before) : 0;
}

void
ep_vhost_ring_want_kick(struct ep_vhost_ring *ring, bool wanted)
{
	if (!ring->conf.has_event_idx)
		STORE_SEQ_CST(&ring->used_ring->flags,
		    (uint16_t)(wanted ? 0 : VRING_USED_F_NO_NOTIFY));
	else if (wanted) /* behind all that was seen, used or not */
		STORE_SEQ_CST(
		    ring->avail_event, (uint16_t)(ring->next + ring->ahead));
}
