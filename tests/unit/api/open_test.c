/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An end that leads to another process. Both are in this one here, each an
 * instance of its own, and nothing goes between them but a path.
 */
#include <stdio.h>
#include <unistd.h>

#include "unit/attach/memif/two.h"

static struct epair_err err;

/* Open at side i; what arrives is kept in *seen. */
static struct epair_if *
open_at(struct two *t, int i, const char *more, struct seen *seen)
{
	struct epair_if *ifp;
	char where[128];

	(void)snprintf(where, sizeof(where), "path=%s%s", t->path, more);
	assert_int_equal(
	    epair_if_open(t->side[i].ep, where, NULL, &ifp, &err), 0);
	keep(ifp, seen);
	return ifp;
}

static enum epair_link
link_of(struct epair_if *ifp)
{
	return info(ifp).link;
}

static void
shut(struct epair_if *ifp, struct seen *seen)
{
	assert_int_equal(epair_if_destroy(ifp, NULL), 0);
	epair_if_put(ifp);
	forget(seen);
}

static void
pass(struct two *t, int from, struct epair_if *ifp, struct seen *seen)
{
	unsigned had = seen->count;

	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(
		    transmit(ifp, frame(t->side[from].ep, 60 + i)), 0);
		if (i % 16 == 0)
			two_turn(t);
	}
	AWAIT(t, seen->count == had + 200);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(seen->ms[had + i]->pktlen, 60 + i);
}

static void
two_programs_have_a_cable_and_nobody_else(void **state)
{
	struct two *t = *state;
	static struct seen at[2];
	struct epair_if *ifp[2] = { open_at(t, 0, ",role=server", &at[0]),
		open_at(t, 1, ",reconnect=5ms", &at[1]) };

	for (int i = 0; i < 2; i++) {
		assert_int_equal(link_of(ifp[i]), EPAIR_LINK_DOWN);
		assert_int_equal(epair_if_up(ifp[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		AWAIT(t, link_of(ifp[i]) == EPAIR_LINK_UP);
	pass(t, 0, ifp[0], &at[1]);
	pass(t, 1, ifp[1], &at[0]);
	/* What one does with its end the other sees at its own. */
	assert_int_equal(epair_if_down(ifp[0]), 0);
	AWAIT(t, link_of(ifp[1]) == EPAIR_LINK_DOWN);
	assert_int_equal(epair_if_up(ifp[0]), 0);
	AWAIT(t, link_of(ifp[1]) == EPAIR_LINK_UP);
	pass(t, 0, ifp[0], &at[1]);
	shut(ifp[0], &at[0]);
	AWAIT(t, link_of(ifp[1]) == EPAIR_LINK_DOWN);
	shut(ifp[1], &at[1]);
}

static void
end_of_a_daemons_pair_is_opened(void **state)
{
	struct two *t = *state;
	static struct seen seen;
	struct epair_if *ifp;

	attach(&t->side[0], "memif:path=%s,role=server", t->path);
	ifp = open_at(t, 1, ",reconnect=5ms", &seen);
	assert_int_equal(epair_if_up(ifp), 0);
	AWAIT(t, link_of(ifp) == EPAIR_LINK_UP);
	pass(t, 0, t->side[0].b, &seen);
	pass(t, 1, ifp, &t->side[0].at_b);
	shut(ifp, &seen);
}

static void
what_cannot_be_opened_leaves_nothing(void **state)
{
	struct two *t = *state;
	struct epair_create how = { .size = sizeof(how), .mtu = 9000 };
	struct epair_if *ifp = NULL;
	char longer[5000];

	memset(longer, '/', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(
	    epair_if_open(t->side[0].ep, "role=server", NULL, &ifp, &err),
	    -EINVAL);
	assert_int_equal(epair_if_open(t->side[0].ep, longer, NULL, &ifp, &err),
	    -ENAMETOOLONG);
	assert_null(ifp);
	assert_int_equal(usage(t->side[0].ep).pairs, 1);
	/* A path by itself, and an MTU. */
	assert_int_equal(
	    epair_if_open(t->side[0].ep, t->path, &how, &ifp, &err), 0);
	assert_int_equal(info(ifp).mtu, 9000);
	assert_int_equal(epair_if_destroy(ifp, NULL), 0);
	epair_if_put(ifp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWO_TEST(two_programs_have_a_cable_and_nobody_else),
		TWO_TEST(end_of_a_daemons_pair_is_opened),
		TWO_TEST(what_cannot_be_opened_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
