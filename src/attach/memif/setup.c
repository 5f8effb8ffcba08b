/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a connection consists of: a client makes it and tells it, message by
 * message; a server understands it from those messages. Both keep it in the
 * queues, where nothing looks until ep_memif_io_begin().
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "attach/memif/memif.h"
#include "base/atomic.h"

/* Buffers begin on a line of the cache. */
#define ALIGN(n) (((n) + 63) & ~UINT64_C(63))

static unsigned
at_most(unsigned wanted, unsigned max_index)
{
	return wanted <= max_index ? wanted : max_index + 1;
}

/* Client. */

/* Where the k-th ring begins, S2M rings first; k may be one too many. */
static uint64_t
ring_offset(const struct ep_memif *memif, unsigned k)
{
	return k * ep_memif_ring_octets(1u << memif->run_log2);
}

/* The buffers of the i-th ring to read from are a region of their own. */
static int
lend(struct ep_memif *memif, unsigned i, struct ep_memif_buffers *buffers)
{
	struct ep_memif_queue *q = &memif->queues[i];
	int error = ep_memif_lender_make(
	    1u << memif->run_log2, buffers->size, &q->lender, &q->lender_fd);

	if (error != 0)
		return error;
	buffers->region = (uint16_t)(1 + i);
	buffers->at = ep_memif_lender_at(q->lender);
	buffers->where = ep_memif_lender_where(q->lender);
	return 0;
}

static int
make_ring(struct ep_memif *memif, bool is_s2m, unsigned i) EP_NO_TSA
{
	unsigned size = 1u << memif->run_log2;
	unsigned all = memif->s2m_count + memif->m2s_count;
	unsigned k = is_s2m ? i : memif->s2m_count + i;
	struct ep_memif_queue *q = &memif->queues[i];
	struct ep_memif_ring *ring = is_s2m ? &q->tx : &q->rx;
	struct ep_memif_buffers buffers = { .size = memif->buffer };
	int fd, error;

	error = ep_memif_ring_init(
	    ring, &memif->regions, 0, (uint32_t)ring_offset(memif, k), size);
	if (error != 0)
		return error;
	if (!is_s2m && memif->is_trusting) {
		error = lend(memif, i, &buffers);
		if (error != 0)
			return error;
	} else {
		buffers.offset = (uint32_t)(ALIGN(ring_offset(memif, all)) +
					    k * ep_memif_buffers_octets(
						    size, memif->buffer));
		buffers.at = memif->regions.list[0].at + buffers.offset;
	}
	ep_memif_ring_client(ring, !is_s2m, &buffers);
	ring->shared->cookie = EP_MEMIF_COOKIE;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	*(is_s2m ? &q->tx_fd : &q->rx_fd) = fd;
	return 0;
}

int
ep_memif_lay_out(struct ep_memif *memif, const struct ep_memif_hello *hello)
{
	unsigned size, all;
	uint64_t octets;
	int error;

	memif->s2m_count = at_most(memif->queue_count, hello->max_s2m_ring);
	memif->m2s_count = at_most(memif->queue_count, hello->max_m2s_ring);
	memif->run_log2 = memif->log2 < hello->max_log2 ? memif->log2
							: hello->max_log2;
	size = 1u << memif->run_log2;
	all = memif->s2m_count + memif->m2s_count;
	octets = ALIGN(ring_offset(memif, all)) +
		 all * ep_memif_buffers_octets(size, memif->buffer);
	/* Offsets have 32 bits. */
	if (octets > UINT32_MAX)
		return -EFBIG;
	error = ep_memif_region_make(&memif->regions, octets, &memif->memfd);
	for (unsigned i = 0; i < memif->s2m_count && error == 0; i++)
		error = make_ring(memif, true, i);
	for (unsigned i = 0; i < memif->m2s_count && error == 0; i++)
		error = make_ring(memif, false, i);
	return error;
}

static void
init_message(const struct ep_memif *memif, struct ep_memif_msg *msg)
{
	struct ep_memif_init *init = &msg->u.init;

	msg->type = EP_MEMIF_INIT;
	init->version = EP_MEMIF_VERSION;
	init->id = memif->id;
	init->mode = EP_MEMIF_MODE_ETH;
	memcpy(init->secret, memif->secret, sizeof(init->secret));
	(void)snprintf(init->name, sizeof(init->name), "epair");
}

/* The k-th region. */
static void
region_message(
    const struct ep_memif *memif, unsigned k, struct ep_memif_msg *msg, int *fd)
{
	struct ep_memif_add_region *add = &msg->u.add_region;
	const struct ep_memif_queue *q;

	msg->type = EP_MEMIF_ADD_REGION;
	add->index = (uint16_t)k;
	add->size = memif->regions.list[0].size;
	*fd = memif->memfd;
	if (k > 0) {
		q = &memif->queues[k - 1];
		add->size = ep_memif_lender_octets(q->lender);
		*fd = q->lender_fd;
	}
}

/* The k-th ring, S2M rings first. */
static void
ring_message(const struct ep_memif *memif, unsigned k, struct ep_memif_msg *msg,
    int *fd) EP_NO_TSA
{
	struct ep_memif_add_ring *add = &msg->u.add_ring;

	msg->type = EP_MEMIF_ADD_RING;
	add->is_s2m = k < memif->s2m_count;
	add->index = (uint16_t)(add->is_s2m ? k : k - memif->s2m_count);
	add->offset = (uint32_t)ring_offset(memif, k);
	add->log2 = memif->run_log2;
	*fd = add->is_s2m ? memif->queues[add->index].tx_fd
			  : memif->queues[add->index].rx_fd;
}

void
ep_memif_step(
    struct ep_memif *memif, unsigned step, struct ep_memif_msg *msg, int *fd)
{
	unsigned regions = 1 + (memif->is_trusting ? memif->m2s_count : 0);
	unsigned rings = memif->s2m_count + memif->m2s_count;

	memset(msg, 0, sizeof(*msg));
	*fd = -1;
	if (step == 0) {
		init_message(memif, msg);
	} else if (step < 1 + regions) {
		region_message(memif, step - 1, msg, fd);
	} else if (step < 1 + regions + rings) {
		ring_message(memif, step - 1 - regions, msg, fd);
	} else {
		msg->type = EP_MEMIF_CONNECT;
		(void)snprintf(msg->u.if_name, sizeof(msg->u.if_name), "epair");
	}
}

/* Server. */

const char *
ep_memif_add_region(
    struct ep_memif *memif, const struct ep_memif_add_region *region, int fd)
{
	const char *why;

	if (region->index != memif->regions.count)
		return "Invalid region index";
	if (ep_memif_region_map(
		&memif->regions, &memif->share, fd, region->size, &why) != 0)
		return why;
	return NULL;
}

const char *
ep_memif_add_ring(struct ep_memif *memif, const struct ep_memif_add_ring *add,
    int fd) EP_NO_TSA
{
	unsigned *count = add->is_s2m ? &memif->s2m_count : &memif->m2s_count;
	struct ep_memif_queue *q = &memif->queues[*count];
	struct ep_memif_ring *ring;

	if (add->index != *count)
		return "Invalid ring index";
	if (*count == memif->queue_count)
		return "Too many rings";
	if (!ep_bell_check(&memif->bell, fd))
		return "Interrupt is no eventfd";
	ring = add->is_s2m ? &q->rx : &q->tx;
	if (ep_memif_ring_init(ring, &memif->regions, add->region, add->offset,
		1u << add->log2) != 0)
		return "Ring outside of its region";
	ep_memif_ring_server(ring, add->is_s2m);
	*(add->is_s2m ? &q->rx_fd : &q->tx_fd) = fd;
	(*count)++;
	return NULL;
}

const char *
ep_memif_complete(struct ep_memif *memif) EP_NO_TSA
{
	if (memif->s2m_count == 0 || memif->m2s_count == 0)
		return "Rings missing";
	for (unsigned i = 0; i < memif->s2m_count; i++)
		if (ep_load_relaxed(&memif->queues[i].rx.shared->cookie) !=
		    EP_MEMIF_COOKIE)
			return "Invalid cookie";
	for (unsigned i = 0; i < memif->m2s_count; i++)
		if (ep_load_relaxed(&memif->queues[i].tx.shared->cookie) !=
		    EP_MEMIF_COOKIE)
			return "Invalid cookie";
	return NULL;
}

/* Both. */

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void
ep_memif_tear_down(struct ep_memif *memif) EP_NO_TSA
{
	for (unsigned i = 0; i < memif->queue_count; i++) {
		close_fd(&memif->queues[i].rx_fd);
		close_fd(&memif->queues[i].tx_fd);
		close_fd(&memif->queues[i].lender_fd);
		ep_memif_lender_leave(memif->queues[i].lender);
		memif->queues[i].lender = NULL;
	}
	close_fd(&memif->memfd);
	ep_memif_regions_fini(&memif->regions);
	memif->s2m_count = memif->m2s_count = 0;
	memif->step = 0;
}
