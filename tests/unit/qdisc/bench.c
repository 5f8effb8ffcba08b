/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"

#define POOL 30000u

_Static_assert(POOL < WAITING, "the reference holds what is held");

static void
retire(void *arg, struct ep_thread *thr)
{
	ep_pool_retire(((struct bench *)arg)->pool, thr);
}

void
bench_set_up(struct bench *b, const char *spec)
{
	ep_domain_init(&b->domain, retire, b);
	b->pool = ep_pool_create(&b->domain, POOL, 16);
	assert_non_null(b->pool);
	assert_int_equal(ep_qdisc_create(spec, &b->qd, NULL), 0);
}

void
bench_tear_down(struct bench *b)
{
	struct epair_mbuf *m;

	ep_lock(&b->qd->lock);
	while (ep_qdisc_dequeue(b->qd, &m, 1, UINT64_MAX) == 1)
		ep_mbuf_free1(m);
	ep_unlock(&b->qd->lock);
	ep_qdisc_destroy(b->qd);
	assert_int_equal(ep_pool_used(b->pool), 0);
	ep_domain_fini(&b->domain);
	ep_pool_destroy(b->pool);
}

void
bench_put(struct bench *b, const void *octets, uint32_t len, uint32_t number,
    uint32_t flow, uint64_t now)
{
	struct epair_mbuf *m = ep_mbuf_from(b->pool, octets, len), *victim;
	bool refused;

	assert_non_null(m);
	m->rcvif = number;
	m->hash = flow;
	m->hashtype = EPAIR_HASH_OPAQUE;
	ep_lock(&b->qd->lock);
	assert_int_equal(
	    ep_qdisc_enqueue(b->qd, &m, 1, now, &victim, &refused), 0);
	ep_unlock(&b->qd->lock);
}

struct epair_mbuf *
bench_take(struct bench *b, uint64_t now)
{
	struct epair_mbuf *m;
	unsigned n;

	ep_lock(&b->qd->lock);
	n = ep_qdisc_dequeue(b->qd, &m, 1, now);
	ep_unlock(&b->qd->lock);
	return n == 1 ? m : NULL;
}

void
bench_check_drops(struct bench *b, const struct dropped *d, uint32_t from)
{
	struct epair_mbuf *m;
	uint32_t n = 0;

	ep_lock(&b->qd->lock);
	while (ep_qdisc_given_up(b->qd, &m, 1) == 1) {
		bool found = false;

		for (uint32_t i = from; i < d->count; i++)
			found |= d->numbers[i % WAITING] == m->rcvif;
		assert_true(found);
		ep_mbuf_free1(m);
		n++;
	}
	ep_unlock(&b->qd->lock);
	assert_int_equal(n, d->count - from);
}
