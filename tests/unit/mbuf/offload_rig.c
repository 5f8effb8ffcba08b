/* SPDX-License-Identifier: BSD-2-Clause */
#include "offload_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/domain.h"

static struct ep_domain dom;
struct ep_pool *pool;
uint8_t octets[FRAME_MAX], got[FRAME_MAX];
struct epair_mbuf *out[EP_SEGMENTS_MAX];

static void
retire(void *arg, struct ep_thread *thr)
{
	(void)arg;
	ep_pool_retire(pool, thr);
}

/* More than a thread keeps to itself, and large ones for 2 frames or so. */
int
setup(void **state)
{
	(void)state;
	ep_domain_init(&dom, retire, NULL);
	pool = ep_pool_create(&dom, 4096, 256);
	return pool == NULL;
}

int
teardown(void **state)
{
	uint64_t used = ep_pool_used(pool);

	(void)state;
	ep_domain_fini(&dom);
	ep_pool_destroy(pool);
	return used != 0;
}

static uint8_t
gso_of(const struct packet *p)
{
	if (!p->is_tcp)
		return EPAIR_GSO_UDP;
	return p->version == 4 ? EPAIR_GSO_TCP4 : EPAIR_GSO_TCP6;
}

void
open_csum(struct epair_mbuf *m, const struct packet *p)
{
	m->flags |= EPAIR_M_CSUM_PARTIAL;
	m->csum_start = packet_csum_start(p);
	m->csum_offset = packet_csum_offset(p);
}

struct epair_mbuf *
partial(const struct packet *p)
{
	struct epair_mbuf *m;

	packet_write(p, octets);
	m = ep_mbuf_from(pool, octets, packet_len(p));
	assert_non_null(m);
	open_csum(m, p);
	return m;
}

struct epair_mbuf *
super(const struct packet *p, uint16_t gso_size)
{
	struct epair_mbuf *m = partial(p);

	m->gso = gso_of(p);
	m->gso_size = gso_size;
	return m;
}

struct epair_mbuf *
chained(struct epair_mbuf *m, uint32_t max, struct ep_rng *rng)
{
	struct epair_mbuf *chain = NULL, *piece;
	uint32_t n;

	for (uint32_t off = 0; off < m->pktlen; off += n) {
		n = 1 + (uint32_t)(ep_rng_next(rng) % max);
		n = epair_mbuf_read(m, off, got, n);
		piece = ep_mbuf_from(pool, got, n);
		assert_non_null(piece);
		if (chain == NULL)
			chain = piece;
		else
			epair_mbuf_chain(chain, piece);
	}
	ep_mbuf_copy_meta(chain, m);
	ep_mbuf_free1(m);
	return chain;
}

uint32_t
flatten(const struct epair_mbuf *m)
{
	uint32_t len = epair_mbuf_read(m, 0, got, sizeof(got));

	assert_int_equal(len, m->pktlen);
	return len;
}

void
assert_nothing_open(const struct epair_mbuf *m)
{
	assert_int_equal(
	    m->flags & (EPAIR_M_CSUM_PARTIAL | EPAIR_M_CSUM_VALID), 0);
	assert_int_equal(m->gso, EPAIR_GSO_NONE);
	assert_int_equal(m->gso_size, 0);
	assert_false(ep_mbuf_needs_finish(m, 0));
}

void
assert_refused(struct epair_mbuf *m, unsigned max, int error)
{
	struct epair_mbuf before = *m;
	uint32_t len = flatten(m);
	uint8_t *was = malloc(len);

	assert_non_null(was);
	memcpy(was, got, len);
	assert_int_equal(ep_mbuf_finish(m, out, max), error);
	if (error == -EINVAL) {
		assert_int_equal(ep_mbuf_offload_check(m), -EINVAL);
		assert_int_equal(ep_mbuf_segments(m), 0);
		assert_int_equal(ep_mbuf_segment_len(m), m->pktlen);
		assert_int_equal(ep_mbuf_csum(m), -EINVAL);
	}
	assert_memory_equal(m, &before, sizeof(before));
	assert_int_equal(flatten(m), len);
	assert_memory_equal(got, was, len);
	free(was);
	ep_mbuf_free1(m);
}

void
assert_cut(struct epair_mbuf *m, const struct packet *p, unsigned n)
{
	uint32_t size = m->gso_size, at = packet_headers(p);
	uint32_t hdr = at;

	assert_int_equal(ep_mbuf_offload_check(m), 0);
	assert_int_equal(ep_mbuf_segments(m), n);
	assert_int_equal(ep_mbuf_segment_len(m),
	    hdr + (p->payload < size ? p->payload : size));
	assert_int_equal(ep_mbuf_finish(m, out, EP_SEGMENTS_MAX), n);
	for (unsigned k = 0; k < n; k++) {
		uint32_t len = flatten(out[k]);

		assert_nothing_open(out[k]);
		assert_true(packet_is_right(p, got, len, false));
		assert_int_equal(
		    len - hdr, k + 1 < n ? size : p->payload - (n - 1) * size);
		assert_memory_equal(got + hdr, octets + at, len - hdr);
		at += len - hdr;
	}
	assert_int_equal(at, packet_len(p));
	ep_mbuf_free(out, n);
}
