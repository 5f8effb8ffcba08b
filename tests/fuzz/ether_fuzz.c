/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ethernet input, and all of the cable before it: frames of any octets, with
 * any metadata, chained anyhow, cross a pair in any configuration. Every one of
 * them arrives or is counted under a reason, and what arrives is what the
 * stack said that it takes.
 *
 * Input: five octets of configuration, then frames, each of ten octets of
 * metadata, a length, and that many octets or as many as are left.
 */
#include <epair/epair.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define FRAMES_MAX 64u

struct rig {
	struct epair *ep;
	struct epair_if *a, *b;
	uint32_t accepts;
	uint64_t sent, received;
	const uint8_t *data;
	size_t left;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t
octet(struct rig *rig)
{
	if (rig->left == 0)
		return 0;
	rig->left--;
	return *rig->data++;
}

static uint16_t
word(struct rig *rig)
{
	uint16_t high = octet(rig);

	return (uint16_t)(high << 8 | octet(rig));
}

static void
receive(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	struct rig *rig = arg;

	(void)ifp;
	for (unsigned i = 0; i < n; i++) {
		const struct epair_mbuf *m = ms[i];
		uint32_t len = 0;

		for (const struct epair_mbuf *p = m; p != NULL; p = p->next)
			len += p->len;
		EP_ASSERT(len == m->pktlen && len >= 14);
		if (!(rig->accepts & EPAIR_CAP_CSUM))
			EP_ASSERT(!(m->flags & EPAIR_M_CSUM_PARTIAL));
		if (!(rig->accepts & (EPAIR_CAP_TSO | EPAIR_CAP_USO)))
			EP_ASSERT(m->gso == EPAIR_GSO_NONE);
		if (!(rig->accepts & EPAIR_CAP_VLAN_HWTAGGING))
			EP_ASSERT(!(m->flags & EPAIR_M_VLANTAG));
	}
	rig->received += n;
	epair_mbuf_free(ms, n);
}

/* One frame of a chain of pieces; NULL when the input is at its end. */
static struct epair_mbuf *
frame(struct rig *rig)
{
	struct epair_mbuf *m = NULL, *piece;
	uint8_t flags = octet(rig), gso = octet(rig), pieces = octet(rig);
	uint16_t start = word(rig), offset = octet(rig), size = word(rig),
		 tci = word(rig);
	uint32_t len = word(rig);

	if (rig->left == 0)
		return NULL;
	if (len > rig->left)
		len = (uint32_t)rig->left;
	for (uint32_t done = 0; done < len || m == NULL;) {
		uint32_t n = pieces > 0 && len - done > pieces ? pieces
							       : len - done;

		piece = epair_mbuf_from(rig->ep, rig->data + done, n);
		EP_ASSERT(piece != NULL);
		done += n;
		if (m == NULL)
			m = piece;
		else
			epair_mbuf_chain(m, piece);
	}
	rig->data += len;
	rig->left -= len;
	m->flags |= flags & (EPAIR_M_BCAST | EPAIR_M_MCAST | EPAIR_M_VLANTAG |
				EPAIR_M_CSUM_PARTIAL | EPAIR_M_CSUM_VALID);
	m->gso = gso;
	m->csum_start = start;
	m->csum_offset = offset;
	m->gso_size = size;
	m->vlan_tci = tci;
	return m;
}

static void
configure(struct rig *rig)
{
	static const char *const qdiscs[] = { "none", "fifo:limit=3",
		"priq:limit=3", "priq:by=dscp" };
	uint8_t bits = octet(rig), caps = octet(rig), accepts = octet(rig);
	uint32_t mtu = 72u + octet(rig) * 256u;

	(void)epair_if_set_qdisc(rig->a, qdiscs[octet(rig) % 4], NULL);
	(void)epair_if_set_mtu(rig->a, mtu, NULL);
	(void)epair_if_set_caps(rig->a, caps & EPAIR_CAP_VLAN_HWTAGGING,
	    (uint32_t)~caps & (EPAIR_CAP_CSUM | EPAIR_CAP_TSO), NULL);
	rig->accepts = accepts & (EPAIR_CAP_CSUM | EPAIR_CAP_TSO |
				     EPAIR_CAP_USO | EPAIR_CAP_VLAN_HWTAGGING);
	(void)epair_if_up(rig->a);
	if (bits & 1)
		(void)epair_if_set_flags(rig->b, EPAIR_IFF_MONITOR, 0, NULL);
	if (!(bits & 2))
		(void)epair_if_up(rig->b);
}

/* Everything sent arrived or was dropped; a super-frame may become many. */
static void
account(struct rig *rig)
{
	struct epair_if_stats a = { .size = sizeof(a) };
	struct epair_if_stats b = { .size = sizeof(b) };
	uint64_t dropped = 0;

	EP_ASSERT(epair_if_get_stats(rig->a, &a) == 0);
	EP_ASSERT(epair_if_get_stats(rig->b, &b) == 0);
	for (int r = 0; r < EPAIR_DROP_MAX; r++)
		dropped += a.drops[r] + b.drops[r];
	EP_ASSERT(rig->sent == b.delivered + dropped);
	EP_ASSERT(rig->received >= b.delivered && b.queued == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = EPAIR_SIM,
		.queues = 3,
	};
	struct rig rig = { .data = data, .left = size };
	struct epair_stack stack = { .size = sizeof(stack) };
	struct epair_mbuf *m;

	if (epair_new(&opts, &rig.ep, NULL) != 0)
		return 0;
	EP_ASSERT(
	    epair_if_create(rig.ep, NULL, "epair", NULL, &rig.a, NULL) == 0);
	rig.b = epair_if_peer(rig.a);
	configure(&rig);
	stack.receive = receive;
	stack.accepts = rig.accepts;
	EP_ASSERT(epair_attach_stack(rig.b, &stack, &rig, NULL) == 0);
	while (rig.sent < FRAMES_MAX && (m = frame(&rig)) != NULL) {
		(void)epair_if_transmit(rig.a, &m, 1);
		rig.sent++;
	}
	EP_ASSERT(epair_run(rig.ep, 0) == 0);
	account(&rig);
	epair_if_put(rig.a);
	epair_if_put(rig.b);
	EP_ASSERT(epair_free(rig.ep) == 0);
	return 0;
}
