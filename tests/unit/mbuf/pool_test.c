/* SPDX-License-Identifier: BSD-2-Clause */
/* A pool that is small, of which another thread has what it freed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/domain.h"
#include "mbuf/mbuf.h"
#include "mbuf/pool.h"
#include "other.h"

#define BURST 64u

struct rig {
	struct ep_domain domain;
	struct ep_pool *pool;
	struct epair_mbuf *ms[BURST];
	unsigned n;
};

static void
retire(void *arg, struct ep_thread *thr)
{
	ep_pool_retire(((struct rig *)arg)->pool, thr);
}

static void
free_burst(void *arg)
{
	struct rig *r = arg;

	ep_mbuf_free(r->ms, r->n);
}

/* Taken here and freed there, a burst after the other; all can be had. */
static void
pass(struct rig *r, uint32_t size, uint32_t max)
{
	const unsigned bursts[] = { 1, 2, 3, BURST };
	struct other other;

	other_start(&other);
	for (unsigned i = 0; i < 1000; i++) {
		r->n = bursts[i % 4] < max ? bursts[i % 4] : 1;
		assert_int_equal(
		    ep_mbuf_alloc(r->pool, r->ms, r->n, size), r->n);
		other_does(&other, free_burst, r);
	}
	other_stop(&other);
	assert_int_equal(ep_pool_used(r->pool), 0);
}

/* Magazines had places for as many as there were, and more. */
static void
small_pool_is_not_kept_by_who_frees(void **state)
{
	const uint32_t max[] = { 8, 100, 256, 511, 512, 1000 };
	static struct rig r;

	(void)state;
	for (size_t i = 0; i < sizeof(max) / sizeof(max[0]); i++) {
		ep_domain_init(&r.domain, retire, &r);
		r.pool = ep_pool_create(&r.domain, max[i], max[i]);
		assert_non_null(r.pool);
		pass(&r, EPAIR_MBUF_SMALL, max[i] - 8);
		if (max[i] < 256)
			pass(&r, EPAIR_MBUF_LARGE, max[i] - 8);
		ep_domain_fini(&r.domain);
		ep_pool_destroy(r.pool);
	}
}

/* All that there may be, at once: each buffer has a value of its own. */
static void
buffers_do_not_overlap(void **state)
{
	static const uint32_t max[] = { 1, 7, 64, 1000, 16384, 3 * 5000 };
	static struct epair_mbuf *ms[16385];
	struct rig r;

	(void)state;
	for (size_t i = 0; i < sizeof(max) / sizeof(max[0]); i++) {
		ep_domain_init(&r.domain, retire, &r);
		r.pool = ep_pool_create(&r.domain, max[i], 0);
		assert_non_null(r.pool);
		assert_int_equal(
		    ep_mbuf_alloc(r.pool, ms, max[i] + 1, EPAIR_MBUF_SMALL),
		    max[i]);
		for (uint32_t n = 0; n < max[i]; n++)
			memset(ms[n]->buf, (int)(n % 251),
			    EPAIR_MBUF_HEADROOM + EPAIR_MBUF_SMALL);
		for (uint32_t n = 0; n < max[i]; n++) {
			assert_int_equal(ms[n]->buf[0], n % 251);
			assert_memory_equal(ms[n]->buf, ms[n]->buf + 1,
			    EPAIR_MBUF_HEADROOM + EPAIR_MBUF_SMALL - 1);
		}
		ep_mbuf_free(ms, max[i]);
		ep_domain_fini(&r.domain);
		ep_pool_destroy(r.pool);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_pool_is_not_kept_by_who_frees),
		cmocka_unit_test(buffers_do_not_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
