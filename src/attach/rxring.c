/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/rxring.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/atomic.h"

/*
 * What is short fits a slot behind the kernel's 80 octets or so. There are as
 * many as may come while we do not get to run: 3 ms of them at 1.5 million a
 * second.
 */
#define SLOT      256u
#define SLOTS     4096u
#define BLOCK     (64u << 10)
#define FETCH     2u /* slots ahead */
#define RING_SIZE ((size_t)SLOTS * SLOT)

static int
set(int fd, int name, const void *value, socklen_t len)
{
	return setsockopt(fd, SOL_PACKET, name, value, len) == 0 ? 0 : -errno;
}

int
ep_rxring_make(int fd)
{
	const struct tpacket_req req = { .tp_block_size = BLOCK,
		.tp_block_nr = RING_SIZE / BLOCK,
		.tp_frame_size = SLOT,
		.tp_frame_nr = SLOTS };
	const int version = TPACKET_V2, queue_long = 1, virtio = 1;
	int error = set(fd, PACKET_VNET_HDR, &virtio, sizeof(virtio));

	if (error == 0)
		error = set(fd, PACKET_VERSION, &version, sizeof(version));
	if (error == 0)
		error = set(
		    fd, PACKET_COPY_THRESH, &queue_long, sizeof(queue_long));
	if (error == 0)
		error = set(fd, PACKET_RX_RING, &req, sizeof(req));
	return error;
}

int
ep_rxring_map(struct ep_rxring *ring, int fd)
{
	void *at = mmap(
	    NULL, RING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	ring->slots = at;
	ring->head = 0;
	return 0;
}

void
ep_rxring_close(struct ep_rxring *ring)
{
	if (ring->slots != NULL)
		(void)munmap(ring->slots, RING_SIZE);
	ring->slots = NULL;
}

static struct tpacket2_hdr *
slot_at(const struct ep_rxring *ring, unsigned i)
{
	return (
	    void *)(ring->slots + (size_t)((ring->head + i) % SLOTS) * SLOT);
}

/* The sender's CPU has written them: its head, and the frame's. */
static void
fetch(const struct tpacket2_hdr *hdr)
{
	__builtin_prefetch(hdr);
	__builtin_prefetch((const uint8_t *)hdr + EP_LINE);
}

enum ep_rxslot_state
ep_rxring_peek(const struct ep_rxring *ring, unsigned i, struct ep_rxslot *slot)
{
	struct tpacket2_hdr *hdr = slot_at(ring, i);
	uint32_t status = ep_load_acquire(&hdr->tp_status);

	if ((status & TP_STATUS_USER) == 0)
		return EP_RXSLOT_EMPTY;
	if ((status & TP_STATUS_COPY) != 0)
		return EP_RXSLOT_QUEUED;
	if (hdr->tp_snaplen < hdr->tp_len)
		return EP_RXSLOT_LOST;
	fetch(slot_at(ring, i + FETCH));
	slot->frame = (const uint8_t *)hdr + hdr->tp_mac;
	slot->len = hdr->tp_len;
	slot->vlan = ep_rxring_tag(status, hdr->tp_vlan_tpid, hdr->tp_vlan_tci);
	return EP_RXSLOT_HERE;
}

void
ep_rxring_release(struct ep_rxring *ring, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ep_store_release(
		    &slot_at(ring, i)->tp_status, TP_STATUS_KERNEL);
	ring->head = (ring->head + n) % SLOTS;
}
