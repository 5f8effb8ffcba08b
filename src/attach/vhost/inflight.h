/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/vhost/inflight.h - which heads of a ring we have, beyond our end.
 *
 * A back end that dies has taken buffers and not given them back; the ring alone
 * does not say which. So it notes them in memory that the front end keeps for
 * it: the protocol's "inflight" buffer, a queue after the other, laid out and
 * used as the protocol has it, for the next back end need not be ours.
 *
 *	taken		counter, then inflight = 1
 *	given back	linked as a batch: next, last_batch_head; then the ring's
 *			used index; then inflight = 0, and used_idx
 *
 * If used_idx is not the ring's used index, we died between those two, and the
 * batch that is linked was given back.
 *
 * A front end can write there too. Nothing that is read is used as an index
 * before it was compared with the ring's size, which the area is as large as
 * (checked by whoever hands it over).
 */
#ifndef EP_ATTACH_VHOST_INFLIGHT_H
#define EP_ATTACH_VHOST_INFLIGHT_H

#include <stdint.h>

struct ep_vhost_inflight_head {
	uint8_t inflight;
	uint8_t pad[5];
	uint16_t next;
	uint64_t counter;
};

/* Of one queue, as it lies in memory. */
struct ep_vhost_inflight {
	uint64_t features;
	uint16_t version;
	uint16_t desc_num;
	uint16_t last_batch_head;
	uint16_t used_idx;
	struct ep_vhost_inflight_head heads[];
};

#define EP_VHOST_INFLIGHT_VERSION 1u

/* Octets of a queue's area; the next one begins behind it. */
static inline uint64_t
ep_vhost_inflight_octets(unsigned size)
{
	uint64_t octets = sizeof(struct ep_vhost_inflight) +
			  (uint64_t)size *
			      sizeof(struct ep_vhost_inflight_head);

	return (octets + 63) & ~UINT64_C(63);
}

struct ep_vhost_taken {
	uint64_t counter;
	uint16_t head;
};

/*
 * Begin, with a ring of `size` whose used index is used_idx. Gives, in taken,
 * an array of size, what was taken and not given back, in that order, and in
 * *counter what to count on from.
 * Returns how many; -EPROTO if what is there cannot be.
 */
int ep_vhost_inflight_begin(struct ep_vhost_inflight *area, unsigned size,
    uint16_t used_idx, struct ep_vhost_taken *taken, uint64_t *counter);

void ep_vhost_inflight_take(
    struct ep_vhost_inflight *area, uint16_t head, uint64_t *counter);

/* Before the used index is moved, for each head; and after it, for them all. */
void ep_vhost_inflight_give(struct ep_vhost_inflight *area, uint16_t head);
void ep_vhost_inflight_given(struct ep_vhost_inflight *area,
    const uint16_t *heads, unsigned n, uint16_t used_idx);

#endif /* EP_ATTACH_VHOST_INFLIGHT_H */
