/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/atomic.h"

enum {
	WRITING = 1,
	READY,
	PAD,
};

#define ALIGN 8u

/* A pad may be no longer than its own size and state. */
_Static_assert(offsetof(struct ep_caprec, rec) == ALIGN, "a pad fits in 8");
_Static_assert(sizeof(struct ep_caprec) % ALIGN == 0, "octets are aligned");

int
ep_capring_init(struct ep_capring *ring, size_t octets) EP_NO_TSA
{
	int fd;

	EP_ASSERT(octets <= EP_CAPRING_MAX);
	if (octets < EP_CAPRING_MIN)
		octets = EP_CAPRING_MIN;
	*ring = (struct ep_capring){
		.size = (octets + ALIGN - 1) & ~(uint64_t)(ALIGN - 1),
		.armed = 1,
	};
	ep_spin_init(&ring->lock);

	/* Not touched before it is used: a large ring costs what it holds. */
	ring->mem = calloc(1, ring->size);
	if (ring->mem == NULL)
		return -ENOMEM;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0) {
		fd = -errno;
		free(ring->mem);
		return fd;
	}
	ring->fd = fd;
	return 0;
}

void
ep_capring_fini(struct ep_capring *ring)
{
	(void)close(ring->fd);
	free(ring->mem);
}

static struct ep_caprec *
at(const struct ep_capring *ring, uint64_t offset)
{
	return (struct ep_caprec *)(void *)(ring->mem + offset);
}

/* Move head by size octets of the ring, which are in one piece. */
static struct ep_caprec *
reserve_locked(struct ep_capring *ring, uint32_t size, uint32_t state)
    EP_REQUIRES(ring->lock)
{
	struct ep_caprec *cr = at(ring, ring->head_at);

	cr->size = size;
	ep_store_relaxed(&cr->state, state);
	ring->head_at += size;
	if (ring->head_at == ring->size)
		ring->head_at = 0;
	/* acquired by ep_capring_take() */
	ep_store_release(&ring->head, ring->head + size);
	return cr;
}

struct ep_caprec *
ep_capring_reserve(struct ep_capring *ring, uint32_t caplen)
{
	uint64_t need = (sizeof(struct ep_caprec) + caplen + ALIGN - 1) &
			~(uint64_t)(ALIGN - 1);
	struct ep_caprec *cr = NULL;
	uint64_t free_bytes, to_end, pad;

	ep_spin_lock(&ring->lock);
	/* acquires what release_taken() released: those octets are read */
	free_bytes = ring->size - (ring->head - ep_load_acquire(&ring->tail));
	to_end = ring->size - ring->head_at;
	pad = to_end < need ? to_end : 0;
	if (need + pad > free_bytes) {
		ring->pending++;
	} else {
		if (pad > 0)
			(void)reserve_locked(ring, (uint32_t)pad, PAD);
		cr = reserve_locked(ring, (uint32_t)need, WRITING);
		cr->rec.data = cr->octets;
		cr->rec.caplen = caplen;
		cr->rec.lost = ring->pending;
		ring->pending = 0;
	}
	ep_spin_unlock(&ring->lock);

	return cr;
}

void
ep_capring_commit(struct ep_caprec *cr)
{
	/* acquired by next_ready() */
	ep_store_release(&cr->state, READY);
}

static void
signal_reader(struct ep_capring *ring)
{
	const uint64_t one = 1;

	/* It fails only when the counter is full: then it is readable. */
	if (write(ring->fd, &one, sizeof(one)) < 0)
		EP_ASSERT(errno == EAGAIN);
}

void
ep_capring_wake(struct ep_capring *ring)
{
	/*
	 * An exchange although a load would be cheaper: it either sees the
	 * reader's arming, or is seen, with the commits before it, by the
	 * reader that arms.
	 */
	if (ep_swap_acq_rel(&ring->armed, 0) != 0)
		signal_reader(ring);
}

static void
advance(struct ep_capring *ring, uint32_t size)
{
	ring->tail_at += size;
	if (ring->tail_at == ring->size)
		ring->tail_at = 0;
	/* acquired by ep_capring_reserve() */
	ep_store_release(&ring->tail, ring->tail + size);
}

static struct ep_caprec *
next_ready(struct ep_capring *ring)
{
	struct ep_caprec *cr;

	/* acquires what reserve_locked() released */
	while (ring->tail != ep_load_acquire(&ring->head)) {
		cr = at(ring, ring->tail_at);
		/* acquires what ep_capring_commit() released */
		switch (ep_load_acquire(&cr->state)) {
		case READY:
			return cr;
		case PAD:
			advance(ring, cr->size);
			break;
		default:
			return NULL;
		}
	}
	return NULL;
}

static void
drain(struct ep_capring *ring)
{
	uint64_t count;

	if (read(ring->fd, &count, sizeof(count)) < 0)
		EP_ASSERT(errno == EAGAIN);
}

/*
 * Nothing waits: have the next record wake us. Drains first, so that it never
 * swallows the wake of a writer that saw the arming; always, for a writer may
 * come late with a wake that is paid already, and the descriptor would stay
 * readable for nothing.
 */
static struct ep_caprec *
arm(struct ep_capring *ring)
{
	struct ep_caprec *cr;

	drain(ring);
	(void)ep_swap_acq_rel(&ring->armed, 1);
	cr = next_ready(ring);
	/* Not asleep after all: others may wait behind this one (G5). */
	if (cr != NULL)
		ep_capring_wake(ring);
	return cr;
}

const struct epair_record *
ep_capring_take(struct ep_capring *ring)
{
	struct ep_caprec *cr;

	if (ring->taken > 0) {
		advance(ring, ring->taken);
		ring->taken = 0;
	}
	cr = next_ready(ring);
	if (cr == NULL)
		cr = arm(ring);
	if (cr == NULL)
		return NULL;
	ring->taken = cr->size;
	return &cr->rec;
}

uint64_t
ep_capring_mark(const struct ep_capring *ring)
{
	return ep_load_relaxed(&ring->head);
}

bool
ep_capring_before(const struct ep_capring *ring, uint64_t mark)
{
	return ring->tail + ring->taken < mark;
}

void
ep_capring_lose(struct ep_capring *ring, uint64_t n)
{
	ep_spin_lock(&ring->lock);
	ring->pending += n;
	ep_spin_unlock(&ring->lock);
}
