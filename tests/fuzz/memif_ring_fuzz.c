/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring in memory that is all the peer's: what it holds, and what changes in it
 * between our calls. No piece that is given lies outside of its region, none is
 * written outside of it, a fault stays one, and every call comes back.
 *
 *	octet 0		bit 0 we are the client, bit 1 we read; 4 to 7 log2
 *	octet 1		size of the second region, in 16 octets
 *	2 octets	where the ring is
 *	then		the first region's octets, half of what is left
 *	the rest	words of 4 octets: what to do, where, and with what
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "attach/memif/ring.h"
#include "base/assert.h"
#include "mbuf/mbuf.h"

#define BUFFER 64u
#define FRAME  4096u

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n);

struct rig {
	struct ep_mapping list[2];
	struct ep_memif_regions regions;
	struct ep_memif_ring ring;
};

static void
check_part(const struct rig *rig, const struct ep_memif_part *part)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct ep_mapping *region = &rig->list[i];

		if (part->at >= region->at &&
		    part->at <= region->at + region->size &&
		    part->len <= (size_t)(region->at + region->size - part->at))
			return;
	}
	EP_ASSERT(!"a piece outside of all regions");
}

static void
take(struct rig *rig)
{
	struct ep_memif_part parts[EP_MEMIF_PARTS_MAX];
	uint64_t len, sum;
	int k, turns = 0;

	while ((k = ep_memif_ring_take(&rig->ring, parts, &len)) > 0) {
		sum = 0;
		for (int i = 0; i < k; i++) {
			check_part(rig, &parts[i]);
			sum += parts[i].len;
		}
		EP_ASSERT(sum == len);
		EP_ASSERT(++turns <= rig->ring.size);
	}
}

static void
put(struct rig *rig, uint32_t len)
{
	static uint8_t data[FRAME];
	struct epair_mbuf second = { .data = data, .len = len / 2 };
	struct epair_mbuf m = { .data = data,
		.next = &second,
		.len = len - len / 2,
		.pktlen = len };

	(void)ep_memif_ring_put(&rig->ring, &m);
}

static void
act(struct rig *rig, const uint8_t *word)
{
	struct ep_memif_ring *ring = &rig->ring;
	uint16_t value = (uint16_t)(word[2] | word[3] << 8);
	bool had_fault = ring->fault != NULL;
	size_t at;

	switch (word[0] & 7) {
	case 0:
		EP_ASSERT(ep_memif_ring_look(ring) <= (int)ring->size);
		break;
	case 1:
		take(rig);
		break;
	case 2:
		put(rig, value % FRAME);
		break;
	case 3:
		(void)ep_memif_ring_publish(ring);
		break;
	case 4:
		ep_memif_ring_mask(ring, value != 0);
		break;
	case 5:
		*ring->theirs = value;
		break;
	default:
		/* Anywhere in the ring. */
		at = (word[1] | (size_t)(word[0] & 0xf8) << 5) %
		     ep_memif_ring_octets(ring->size);
		*((uint8_t *)ring->shared + at) = word[2];
		break;
	}
	EP_ASSERT(!had_fault || ring->fault != NULL);
}

/* Room for a client's buffers is there: that is its own doing. */
static bool
set_up(struct rig *rig, const uint8_t *in)
{
	unsigned size = 1u << (in[0] >> 4);
	uint32_t offset = (uint32_t)(in[2] | in[3] << 8) & ~7u;
	struct ep_memif_buffers buffers = { .region = 1, .size = BUFFER };

	if (size > 64)
		return false;
	if (ep_memif_ring_init(&rig->ring, &rig->regions, 0, offset, size) != 0)
		return false;
	if ((in[0] & 1) == 0) {
		ep_memif_ring_server(&rig->ring, (in[0] & 2) != 0);
		return true;
	}
	if (rig->list[1].size < ep_memif_buffers_octets(size, BUFFER))
		return false;
	buffers.at = rig->list[1].at;
	ep_memif_ring_client(&rig->ring, (in[0] & 2) != 0, &buffers);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	size_t half = n > 4 ? (n - 4) / 2 & ~(size_t)7 : 0;
	struct rig rig = { .regions = { .list = rig.list, .count = 2 } };

	if (half < sizeof(struct ep_memif_shared) || half > 8192)
		return 0;
	/* Each of its own, so that one octet too far is seen. */
	rig.list[0] = (struct ep_mapping){ .at = malloc(half), .size = half };
	rig.list[1].size = in[1] * (size_t)16 + 16;
	rig.list[1].at = calloc(1, rig.list[1].size);
	if (rig.list[0].at != NULL && rig.list[1].at != NULL) {
		memcpy(rig.list[0].at, in + 4, half);
		if (set_up(&rig, in))
			for (const uint8_t *p = in + 4 + half; p + 4 <= in + n;
			     p += 4)
				act(&rig, p);
	}
	free(rig.list[0].at);
	free(rig.list[1].at);
	return 0;
}
