/* SPDX-License-Identifier: BSD-2-Clause */
/* Two threads and what they keep of a limit: frames are freed on another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/domain.h"
#include "mbuf/account.h"
#include "mbuf/pool.h"
#include "other.h"

#define CHILDREN 4u

struct bank {
	struct ep_domain domain;
	struct ep_pool *pool;
	struct other other;
	struct ep_account *account; /* that the other one gives back to */
};

static void
retire(void *arg, struct ep_thread *thr)
{
	ep_pool_retire(((struct bank *)arg)->pool, thr);
}

static int
setup(void **state)
{
	static struct bank b;

	ep_domain_init(&b.domain, retire, &b);
	b.pool = ep_pool_create(&b.domain, 1024, 1024);
	assert_non_null(b.pool);
	other_start(&b.other);
	*state = &b;
	return 0;
}

static int
teardown(void **state)
{
	struct bank *b = *state;

	other_stop(&b->other);
	ep_domain_fini(&b->domain);
	ep_pool_destroy(b->pool);
	return 0;
}

static void
give_back(void *arg)
{
	struct bank *b = arg;

	ep_account_release(ep_mcache_self(b->pool), b->account, 1);
}

/* A frame is charged here, and freed there. */
static void
pass(struct bank *b, struct ep_account *account)
{
	assert_int_equal(
	    ep_account_charge(ep_mcache_self(b->pool), account, 1), 1);
	b->account = account;
	other_does(&b->other, give_back, b);
}

/* Of so little, nothing was left when whoever frees had its stock. */
static void
frame_after_frame_passes_a_small_limit(void **state)
{
	const uint32_t limits[] = { 1, 2, 63, 64, 128, 255, 256, 1000 };
	struct bank *b = *state;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct ep_account *pair = ep_account_create(
		    b->pool, NULL, limits[i]);

		assert_non_null(pair);
		for (int k = 0; k < 500; k++)
			pass(b, pair);
		ep_account_destroy(b->pool, pair);
	}
}

static void
pairs_of_a_small_vnet_do_not_keep_it_for_themselves(void **state)
{
	const uint32_t limits[] = { 1, CHILDREN * 128, 2048, 5000 };
	struct bank *b = *state;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct ep_account *pairs[CHILDREN],
		    *vnet = ep_account_create(b->pool, NULL, limits[i]);

		assert_non_null(vnet);
		for (unsigned c = 0; c < CHILDREN; c++) {
			pairs[c] = ep_account_create(b->pool, vnet, UINT32_MAX);
			assert_non_null(pairs[c]);
		}
		for (unsigned k = 0; k < 1000; k++)
			pass(b, pairs[k / 250 % CHILDREN]);
		for (unsigned c = 0; c < CHILDREN; c++)
			ep_account_destroy(b->pool, pairs[c]);
		ep_account_destroy(b->pool, vnet);
	}
}

static void
no_more_than_the_limit_is_granted(void **state)
{
	const uint32_t limits[] = { 1, 100, 16384 };
	struct bank *b = *state;
	struct ep_mcache *mc = ep_mcache_self(b->pool);

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct ep_account *pair = ep_account_create(
		    b->pool, NULL, limits[i]);
		uint32_t out = 0, n;

		assert_non_null(pair);
		while ((n = ep_account_charge(mc, pair, 7)) > 0)
			out += n;
		assert_int_equal(out, limits[i]);
		ep_account_release(mc, pair, out);
		ep_account_destroy(b->pool, pair);
	}
}

#define BANK_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BANK_TEST(frame_after_frame_passes_a_small_limit),
		BANK_TEST(pairs_of_a_small_vnet_do_not_keep_it_for_themselves),
		BANK_TEST(no_more_than_the_limit_is_granted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
