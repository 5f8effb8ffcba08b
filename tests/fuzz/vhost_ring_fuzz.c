/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtqueue in memory that is all the guest's: what it holds, and what changes
 * in it between our calls. No piece that is given lies outside of all regions,
 * none is written outside of them, a fault stays one, and every call comes back.
 *
 *	octet 0		0 and 1 log2 of the size; event indexes, indirect
 *			descriptors, merging, inflight buffer, short header
 *	octet 1		the second region's distance behind the first
 *	2 octets	used, at the beginning, and nothing
 *	then		the first region's octets, half of what is left
 *	the rest	words of 4 octets: what to do, where, and with what
 *
 * The first region begins with the ring: descriptors, avail at 0x80, used at
 * 0xa0, and the inflight buffer at 0x100.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "attach/vhost/ring.h"
#include "base/assert.h"
#include "mbuf/mbuf.h"

#define GPA    0x10000u
#define RINGS  0x200u
#define SECOND 3000u
#define FRAME  4096u

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n);

struct rig {
	struct ep_vhost_memory memory;
	struct ep_vhost_ring ring;
};

static void
check_part(const struct rig *rig, const struct ep_vhost_part *part)
{
	for (unsigned i = 0; i < rig->memory.count; i++) {
		const struct ep_vhost_region *r = &rig->memory.list[i];

		if (part->at >= r->at && part->at < r->at + r->size &&
		    part->len <= (size_t)(r->at + r->size - part->at))
			return;
	}
	EP_ASSERT(!"a piece outside of all regions");
}

static void
take(struct rig *rig)
{
	struct ep_vhost_part parts[EP_VHOST_PARTS_MAX];
	unsigned turns = 0;
	uint64_t len, sum;
	uint16_t head;
	int k;

	while (!ep_vhost_ring_is_full(&rig->ring)) {
		k = ep_vhost_ring_take(&rig->ring, parts, &len, &head);
		if (k < 0)
			return;
		sum = 0;
		for (int i = 0; i < k; i++) {
			check_part(rig, &parts[i]);
			sum += parts[i].len;
		}
		EP_ASSERT(sum == len);
		EP_ASSERT(head < rig->ring.conf.size);
		ep_vhost_ring_done(&rig->ring, head);
		EP_ASSERT(++turns <= 2 * rig->ring.conf.size);
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

	if (!ep_vhost_ring_is_full(&rig->ring))
		(void)ep_vhost_ring_put(&rig->ring, &m);
}

static void
act(struct rig *rig, const uint8_t *word)
{
	struct ep_vhost_ring *ring = &rig->ring;
	uint16_t value = (uint16_t)(word[2] | word[3] << 8);
	bool had_fault = ring->fault != NULL;
	const struct ep_vhost_region *r;

	switch (word[0] & 7) {
	case 0:
		EP_ASSERT(ep_vhost_ring_look(ring) <= 2 * (int)ring->conf.size);
		break;
	case 1:
		take(rig);
		break;
	case 2:
		put(rig, 14 + value % (FRAME - 14));
		break;
	case 3:
		ep_vhost_ring_publish(ring);
		if (ep_vhost_ring_untold(ring) > value % 4)
			ep_vhost_ring_told(ring);
		break;
	case 4:
		ep_vhost_ring_want_kick(ring, value != 0);
		break;
	case 5:
		ring->avail->idx = value;
		break;
	default:
		/* Anywhere. */
		r = &rig->memory.list[word[0] >> 3 & 1];
		r->at[(word[1] | (size_t)(word[0] >> 4) << 8) % r->size] =
		    word[2];
		break;
	}
	EP_ASSERT(!had_fault || ring->fault != NULL);
}

static void
play(struct rig *rig, const uint8_t *in, size_t half, size_t n)
{
	struct ep_vhost_ring_conf conf = { .memory = &rig->memory,
		.desc = GPA,
		.avail = GPA + 0x80,
		.used = GPA + 0xa0,
		.size = 1u << (in[0] & 3),
		.has_event_idx = (in[0] & 8) != 0,
		.has_indirect = (in[0] & 16) != 0,
		.is_merging = (in[0] & 32) != 0,
		.takes_csum = true,
		.hdr_len = (in[0] & 128) != 0 ? 10 : 12 };
	const char *why = NULL;

	if ((in[0] & 64) != 0)
		conf.inflight = (void *)(rig->memory.list[0].at + 0x100);
	if (ep_vhost_ring_init(&rig->ring, &conf, &why) != 0) {
		EP_ASSERT(why != NULL);
		return;
	}
	for (const uint8_t *p = in + 4 + half; p + 4 <= in + n; p += 4)
		act(rig, p);
	ep_vhost_ring_fini(&rig->ring);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	size_t half = n > 4 ? (n - 4) / 2 & ~(size_t)15 : 0;
	struct rig rig = { .memory.count = 2 };
	struct ep_vhost_region *list = rig.memory.list;

	if (half < RINGS || half > 8192)
		return 0;
	/* Each of its own, so that one octet too far is seen. */
	list[0] = (struct ep_vhost_region){ .gpa = GPA,
		.uva = GPA,
		.size = half,
		.at = aligned_alloc(16, half) };
	list[1] = (struct ep_vhost_region){ .gpa = GPA + half + in[1] % 4,
		.uva = GPA + half + in[1] % 4,
		.size = SECOND,
		.at = calloc(1, SECOND) };
	if (list[0].at != NULL && list[1].at != NULL) {
		memcpy(list[0].at, in + 4, half);
		((struct vring_used *)(void *)(list[0].at + 0xa0))->idx = in[2];
		play(&rig, in, half, n);
	}
	free(list[0].at);
	free(list[1].at);
	return 0;
}
