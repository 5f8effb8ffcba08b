/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making an instance, each way, with each allocation, descriptor and thread
 * failing in turn.
 */
#include "oom.h"

struct making {
	struct epair_opts opts;
	struct epair *ep;
	struct epair_err err;
	long allocations;
	unsigned descriptors;
};

static int
make(void *arg)
{
	struct making *m = arg;

	return epair_new(&m->opts, &m->ep, &m->err);
}

/* It is a whole one: frames pass. */
static void
unmake(void *arg)
{
	struct making *m = arg;
	struct catcher at_b = { .arg = NULL };
	struct epair_if *a, *b;

	life_pair(m->ep, &a, &b);
	life_catch(b, &at_b);
	assert_int_equal(life_send(a, life_frame(m->ep)), 0);
	if (m->opts.way == EPAIR_SIM)
		assert_int_equal(epair_run(m->ep, 0), 0);
	if (m->opts.way != EPAIR_LOOP)
		AWAIT(life_caught(&at_b) == 1);
	life_pair_end(a, b);
	assert_int_equal(epair_free(m->ep), 0);
	m->ep = NULL;
	assert_int_equal(oom_allocations(), m->allocations);
}

static void
nothing_left(void *arg)
{
	struct making *m = arg;

	assert_null(m->ep);
	assert_int_equal(oom_allocations(), m->allocations);
	assert_int_equal(oom_descriptors(), m->descriptors);
}

static void
instance_is_made_or_nothing_is_left_of_it(void **state)
{
	static const enum epair_way ways[] = { EPAIR_THREADS, EPAIR_LOOP,
		EPAIR_SIM };
	const struct oom_case c = { "new", make, unmake, nothing_left };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct making m = {
			.opts = { .size = sizeof(m.opts),
			    .way = ways[i],
			    .workers = 3,
			    .queues = 2 },
			.allocations = oom_allocations(),
			.descriptors = oom_descriptors(),
		};

		oom_try(&c, &m, &m.err);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instance_is_made_or_nothing_is_left_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
