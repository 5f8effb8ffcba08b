/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/rxring.h - what a packet socket receives, in memory that the kernel
 * shares with us: TPACKET_V2, packet(7).
 *
 * A frame that fits a slot is copied into it by the kernel, and is there to be
 * read without a system call. Of one that does not, the slot says that it is in
 * the socket's queue, where it is received as if there were no ring; slots and
 * queue have one order.
 *
 *	make		a socket that is not bound gets one, by whoever made it
 *	map		before it is bound
 *	peek		the i-th from the head
 *	release		the head goes back to the kernel
 *	close
 *
 * One thread at a time.
 */
#ifndef EP_ATTACH_RXRING_H
#define EP_ATTACH_RXRING_H

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ep_rxring {
	uint8_t *slots; /* NULL: there is no ring */
	uint32_t head;
};

enum ep_rxslot_state {
	EP_RXSLOT_EMPTY,
	EP_RXSLOT_HERE,
	EP_RXSLOT_QUEUED,
	EP_RXSLOT_LOST, /* it fitted neither the slot nor the queue */
};

struct ep_rxslot {
	const uint8_t *frame; /* virtio's header is in front of it */
	uint32_t len;
	uint32_t vlan; /* ep_rxring_tag() */
};

/*
 * Frames have virtio's header. The kernel waits for a grace period of RCU, which
 * takes 10 ms or more. Returns 0, or why there is none: no memory.
 */
int ep_rxring_make(int fd);

/* Returns 0; -EINVAL: the socket has none. */
int ep_rxring_map(struct ep_rxring *ring, int fd);
void ep_rxring_close(struct ep_rxring *ring);

static inline bool
ep_rxring_is_open(const struct ep_rxring *ring)
{
	return ring->slots != NULL;
}

/*
 * Gives the slot of one that is here. Not when i is beyond the first that is
 * empty.
 */
enum ep_rxslot_state ep_rxring_peek(
    const struct ep_rxring *ring, unsigned i, struct ep_rxslot *slot);

void ep_rxring_release(struct ep_rxring *ring, unsigned n);

/* The tag that the kernel took out of a frame: tpid and tci, or 0. */
static inline uint32_t
ep_rxring_tag(uint32_t status, uint16_t tpid, uint16_t tci)
{
	if ((status & TP_STATUS_VLAN_VALID) == 0)
		return 0;
	if ((status & TP_STATUS_VLAN_TPID_VALID) == 0)
		tpid = ETH_P_8021Q;
	return (uint32_t)tpid << 16 | tci;
}

#endif /* EP_ATTACH_RXRING_H */
