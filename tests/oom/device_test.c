/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attachments that make a device, with each of their allocations failing.
 * Takes rights to make namespaces.
 */
#include <stdlib.h>

#include "oom.h"

struct world {
	struct epair *ep;
	struct epair_if *a;
	const char *spec;
	struct epair_err err;
	long allocations;
	unsigned descriptors;
};

static int
attach(void *arg)
{
	struct world *w = arg;

	return epair_attach(w->a, w->spec, &w->err);
}

static void
detach(void *arg)
{
	struct world *w = arg;

	assert_int_equal(epair_detach(w->a, NULL), 0);
}

static void
same(void *arg)
{
	const struct world *w = arg;

	assert_int_equal(oom_allocations(), w->allocations);
	assert_int_equal(oom_descriptors(), w->descriptors);
}

/* Attached once before: what the instance keeps it has. */
static int
begin(struct world *w, const char *spec)
{
	const struct epair_opts opts = { .size = sizeof(opts),
		.way = EPAIR_LOOP };
	int error;

	w->spec = spec;
	assert_int_equal(epair_new(&opts, &w->ep, NULL), 0);
	assert_int_equal(
	    epair_if_create(w->ep, NULL, "epair", NULL, &w->a, NULL), 0);
	assert_int_equal(epair_if_up(w->a), 0);
	error = attach(w);
	if (error == 0)
		detach(w);
	w->allocations = oom_allocations();
	w->descriptors = oom_descriptors();
	return error;
}

static void
end(struct world *w)
{
	assert_int_equal(epair_if_destroy(w->a, NULL), 0);
	epair_if_put(w->a);
	assert_int_equal(epair_free(w->ep), 0);
}

static void
try_all(const char *spec)
{
	const struct oom_case c = { spec, attach, detach, same };
	struct world w;

	assert_int_equal(begin(&w, spec), 0);
	oom_try(&c, &w, &w.err);
	end(&w);
}

static void
tap_comes_to_be_or_nothing_does(void **state)
{
	(void)state;
	try_all("tap:netns=new");
}

static void
veth_comes_to_be_or_nothing_does(void **state)
{
	(void)state;
	try_all("veth:netns=new");
}

static void
skip_without_rights(const char *spec)
{
	struct world w;
	int error = begin(&w, spec);

	end(&w);
	if (error == 0)
		return;
	(void)printf("1..0 # SKIP %s\n", w.err.text);
	exit(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tap_comes_to_be_or_nothing_does),
		cmocka_unit_test(veth_comes_to_be_or_nothing_does),
	};

	skip_without_rights("tap:netns=new");
	skip_without_rights("veth:netns=new");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
