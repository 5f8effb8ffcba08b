/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any octets with any offload metadata are refused and left alone, or finished:
 * into as many frames as was said, none longer than was said, the same in one
 * piece as in a chain, with all the payload; and if the sender's sum of the
 * pseudo header was right, so is every checksum.
 *
 *	octet 0		1: CSUM_PARTIAL, 2: put the right sum in the field,
 *			4: the array is too small by one
 *	octet 1		gso
 *	octets 2-9	gso_size, csum_start, csum_offset, and how many octets
 *			of 5a to put behind the frame; little-endian
 *	octet 10	n, 0 to 7
 *	n octets	lengths of the pieces in front
 *	the rest	the frame
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "mbuf/mbuf.h"
#include "mbuf/offload.h"
#include "mbuf/pool.h"

#define PIECES_MAX 8
#define FIXED      11

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n);

struct input {
	bool partial, small;
	uint8_t gso;
	uint16_t gso_size, csum_start, csum_offset;
	unsigned cuts;
	const uint8_t *lens;
	uint8_t *frame;
	uint32_t len;
};

static struct ep_domain dom;
static struct ep_pool *pool;

static void
retire(void *arg, struct ep_thread *thr)
{
	(void)arg;
	ep_pool_retire(pool, thr);
}

static uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* Add octets, as big-endian words. */
static uint32_t
sum(uint32_t so_far, const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		so_far = (so_far + (i % 2 ? p[i] : (uint32_t)p[i] << 8)) %
			 0xffff;
	return so_far;
}

/*
 * The pseudo header's sum of what may be a frame to be segmented, as plainly
 * as can be; -1 if there cannot be one.
 */
static int
pseudo_sum(const struct input *in, const uint8_t *frame, uint32_t len)
{
	uint32_t l3 = 14, l4_len, proto = in->gso == EPAIR_GSO_UDP ? 17 : 6;
	uint32_t type;

	if (len < l3 || in->csum_start > len)
		return -1;
	for (int i = 0; i < 2 && l3 + 4 <= len; i++)
		if (get16(frame + l3 - 2) == 0x8100 ||
		    get16(frame + l3 - 2) == 0x88a8)
			l3 += 4;
	type = get16(frame + l3 - 2);
	l4_len = len - in->csum_start;
	if (type == 0x0800 && l3 + 20 <= len)
		return (int)sum(proto + l4_len, frame + l3 + 12, 8);
	if (type == 0x86dd && l3 + 40 <= len)
		return (int)sum(proto + l4_len, frame + l3 + 8, 32);
	return -1;
}

/* Returns whether the field now has the right sum. */
static bool
put_pseudo_sum(struct input *in)
{
	uint32_t field = (uint32_t)in->csum_start + in->csum_offset;
	int seed = pseudo_sum(in, in->frame, in->len);

	if (seed < 0 || field + 2 > in->len)
		return false;
	/* Never 0, which is how UDP says that it wants none. */
	seed = seed == 0 ? 0xffff : seed;
	in->frame[field] = (uint8_t)(seed >> 8);
	in->frame[field + 1] = (uint8_t)seed;
	/* It may have fallen on what it was the sum of. */
	return seed % 0xffff == pseudo_sum(in, in->frame, in->len);
}

static void
release(void *arg)
{
	free(arg);
}

/* The frame in its first `cuts` pieces, in memory that ends where they do. */
static struct epair_mbuf *
chain(const struct input *in, unsigned cuts)
{
	struct epair_mbuf *first = NULL, *m;
	uint32_t off = 0, len;

	for (unsigned i = 0; i <= cuts; i++) {
		uint8_t *copy;

		len = in->len - off;
		if (i < cuts && in->lens[i] < len)
			len = in->lens[i];
		copy = malloc(len > 0 ? len : 1);
		EP_ASSERT(copy != NULL);
		memcpy(copy, in->frame + off, len);
		EP_ASSERT(
		    ep_mbuf_foreign(pool, copy, len, release, copy, &m) == 0);
		if (first == NULL)
			first = m;
		else
			epair_mbuf_chain(first, m);
		off += len;
	}
	first->flags |= in->partial ? EPAIR_M_CSUM_PARTIAL : 0;
	first->gso = in->gso;
	first->gso_size = in->gso_size;
	first->csum_start = in->csum_start;
	first->csum_offset = in->csum_offset;
	return first;
}

static void
check_unchanged(const struct input *in, struct epair_mbuf *m)
{
	static uint8_t octets[1 << 18];

	EP_ASSERT(m->pktlen == in->len);
	EP_ASSERT(epair_mbuf_read(m, 0, octets, in->len) == in->len);
	EP_ASSERT(memcmp(octets, in->frame, in->len) == 0);
	EP_ASSERT(m->gso == in->gso);
	EP_ASSERT(!!(m->flags & EPAIR_M_CSUM_PARTIAL) == in->partial);
}

/* Frames that finish gave: alike for both, and right if they must be. */
static void
check_results(const struct input *in, struct epair_mbuf **flat,
    struct epair_mbuf **ms, unsigned n, bool right)
{
	static uint8_t a[1 << 18], b[1 << 18];
	uint32_t at = 0, hdr = n > 1 ? ms[0]->pktlen - in->gso_size : 0;

	for (unsigned k = 0; k < n; k++) {
		uint32_t len = ms[k]->pktlen;

		EP_ASSERT(!ep_mbuf_needs_finish(ms[k], 0));
		EP_ASSERT(epair_mbuf_read(ms[k], 0, a, sizeof(a)) == len);
		EP_ASSERT(epair_mbuf_read(flat[k], 0, b, sizeof(b)) == len);
		EP_ASSERT(memcmp(a, b, len) == 0);
		if (right)
			EP_ASSERT(
			    sum((uint32_t)pseudo_sum(in, a, len),
				a + in->csum_start, len - in->csum_start) == 0);
		if (n == 1)
			continue;
		EP_ASSERT(len > hdr && len - hdr <= in->gso_size);
		EP_ASSERT(
		    memcmp(a + hdr, in->frame + hdr + at, len - hdr) == 0);
		at += len - hdr;
	}
	EP_ASSERT(n == 1 || hdr + at == in->len);
}

/* Finish one frame and say what finish said. */
static int
finish(const struct input *in, struct epair_mbuf *m, struct epair_mbuf **ms)
{
	int error = ep_mbuf_offload_check(m), n;
	unsigned count = ep_mbuf_segments(m);
	uint32_t longest = ep_mbuf_segment_len(m);
	unsigned max = count > 0 && in->small ? count - 1 : EP_SEGMENTS_MAX;

	EP_ASSERT(error == 0 || error == -EINVAL);
	EP_ASSERT((count == 0) == (error != 0) && count <= EP_SEGMENTS_MAX);
	n = ep_mbuf_finish(m, ms, max);
	if (error != 0)
		EP_ASSERT(n == error);
	else if (max < count)
		EP_ASSERT(n == -ENOBUFS);
	else
		EP_ASSERT(n == (int)count || n == -ENOMEM);
	if (n < 0) {
		check_unchanged(in, m);
		ep_mbuf_free1(m);
	}
	for (int k = 0; k < n; k++)
		EP_ASSERT(ms[k]->pktlen <= longest);
	return n;
}

static void
check_csum(const struct input *in, bool right)
{
	struct epair_mbuf *m = chain(in, in->cuts), *end[1] = { m };
	int error = ep_mbuf_offload_check(m);

	EP_ASSERT(ep_mbuf_csum(m) == error);
	EP_ASSERT(m->pktlen == in->len);
	if (error != 0)
		check_unchanged(in, m);
	else
		check_results(in, end, end, 1, right);
	ep_mbuf_free1(m);
}

static void
run(const struct input *in, bool right)
{
	static struct epair_mbuf *flat[EP_SEGMENTS_MAX], *ms[EP_SEGMENTS_MAX];
	int n = finish(in, chain(in, 0), flat);

	EP_ASSERT(finish(in, chain(in, in->cuts), ms) == n);
	if (n > 0) {
		check_results(in, flat, ms, (unsigned)n, right);
		ep_mbuf_free(flat, (unsigned)n);
		ep_mbuf_free(ms, (unsigned)n);
	}
	check_csum(in, right);
	EP_ASSERT(ep_pool_used(pool) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct input in;
	uint32_t more;

	if (n < FIXED || n - FIXED < octets[10] % PIECES_MAX || n > UINT16_MAX)
		return 0;
	if (pool == NULL) {
		ep_domain_init(&dom, retire, NULL);
		pool = ep_pool_create(&dom, 3 * EP_SEGMENTS_MAX, 256);
		EP_ASSERT(pool != NULL);
	}
	in = (struct input){
		.partial = octets[0] & 1,
		.small = octets[0] & 4,
		.gso = octets[1],
		.gso_size = (uint16_t)(octets[2] | octets[3] << 8),
		.csum_start = (uint16_t)(octets[4] | octets[5] << 8),
		.csum_offset = (uint16_t)(octets[6] | octets[7] << 8),
		.cuts = octets[10] % PIECES_MAX,
		.lens = octets + FIXED,
	};
	more = octets[8] | (uint32_t)octets[9] << 8;
	in.len = (uint32_t)n - FIXED - in.cuts;
	in.frame = malloc((size_t)in.len + more + 1);
	EP_ASSERT(in.frame != NULL);
	memcpy(in.frame, octets + FIXED + in.cuts, in.len);
	memset(in.frame + in.len, 0x5a, more);
	in.len += more;

	run(&in, octets[0] & 2 && in.gso != 0 && put_pseudo_sum(&in));
	free(in.frame);
	return 0;
}
