/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any octets have a bucket, the same in one piece as in a chain, and are left
 * as they were.
 *
 *	octet 0		1: ports of UDP, 2: to be segmented
 *	octet 1		queues
 *	octet 2		hashtype that the frame carries
 *	octet 3		n, 0 to 7
 *	n octets	lengths of the pieces in front
 *	the rest	the frame
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <epair/mbuf.h>

#include "base/assert.h"
#include "rss/rss.h"

#define PIECES_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n);

struct input {
	bool udp;
	uint8_t queues, gso, hashtype;
	unsigned cuts;
	const uint8_t *lens, *frame;
	uint32_t len;
};

/* In memory that ends where the piece does. */
static void
piece(struct epair_mbuf *m, const uint8_t *octets, uint32_t len)
{
	*m = (struct epair_mbuf){ .data = malloc(len > 0 ? len : 1),
		.len = len };
	EP_ASSERT(m->data != NULL);
	if (len > 0)
		memcpy(m->data, octets, len);
}

/* The frame in its first `cuts` pieces and one with the rest. */
static void
chain(const struct input *in, unsigned cuts, struct epair_mbuf *ms)
{
	uint32_t off = 0, len;

	for (unsigned i = 0; i <= cuts; i++) {
		len = in->len - off;
		if (i < cuts && in->lens[i] < len)
			len = in->lens[i];
		piece(&ms[i], in->frame + off, len);
		ms[i].next = i < cuts ? &ms[i + 1] : NULL;
		off += len;
	}
	ms->pktlen = in->len;
	ms->gso = in->gso;
	ms->hash = 0x12345678;
	ms->hashtype = in->hashtype;
}

static void
unchain(const struct input *in, struct epair_mbuf *ms)
{
	uint32_t off = 0;

	for (; ms != NULL; ms = ms->next) {
		EP_ASSERT(ms->len == 0 ||
			  memcmp(ms->data, in->frame + off, ms->len) == 0);
		off += ms->len;
		free(ms->data);
	}
	EP_ASSERT(off == in->len);
}

static uint32_t
bucket(const struct input *in, unsigned cuts, struct epair_mbuf *ms)
{
	uint32_t result;

	chain(in, cuts, ms);
	result = ep_rss_bucket(ms, in->queues, in->udp);
	EP_ASSERT(in->queues == 0 || result < in->queues);
	if (in->queues > 1) {
		EP_ASSERT(ms->hashtype <= EPAIR_HASH_OPAQUE);
		if (ms->hashtype == EPAIR_HASH_NONE ||
		    ms->hashtype == EPAIR_HASH_OPAQUE)
			EP_ASSERT(result == 0);
		else
			EP_ASSERT(result == ms->hash % in->queues);
	} else {
		EP_ASSERT(result == 0 && ms->hashtype == in->hashtype);
	}
	unchain(in, ms);
	return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct epair_mbuf flat[PIECES_MAX], ms[PIECES_MAX];
	struct input in;

	if (n < 4 || n - 4 < octets[3] % PIECES_MAX)
		return 0;
	in = (struct input){
		.udp = octets[0] & 1,
		.gso = octets[0] & 2 ? EPAIR_GSO_TCP4 : EPAIR_GSO_NONE,
		.queues = octets[1],
		.hashtype = octets[2],
		.cuts = octets[3] % PIECES_MAX,
		.lens = octets + 4,
	};
	in.frame = in.lens + in.cuts;
	in.len = (uint32_t)(octets + n - in.frame);

	EP_ASSERT(bucket(&in, 0, flat) == bucket(&in, in.cuts, ms));
	EP_ASSERT(flat->hashtype == ms->hashtype && flat->hash == ms->hash);
	return 0;
}
