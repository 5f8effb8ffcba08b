/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attachment `memif` with its k-th allocation failing, for each k: -ENOMEM
 * or no attachment, and the next connection is one.
 */
#include <unistd.h>

#include "kth.h"
#include "unit/attach/memif/two.h"

static void
attaching_fails_or_is_as_if_nothing_was(void **state)
{
	struct two *t = *state;
	struct epair_err err;
	int error;

	for (long k = 0;; k++) {
		fail_at(k);
		error = attach_error(
		    &t->side[0], &err, "memif:path=%s,role=server", t->path);
		if (!has_failed())
			break;
		if (error != 0)
			assert_int_equal(error, -ENOMEM);
		two_turn(t);
		error = epair_detach(t->side[0].a, NULL);
		assert_true(error == 0 || error == -ENOENT);
		assert_int_equal(access(t->path, F_OK), -1);
	}
	assert_int_equal(error, 0);
}

/* Whatever fails while they connect: they try again, and then they do. */
static void
connection_is_made_after_one_that_met_want(void **state)
{
	struct two *t = *state;
	bool failed = true;

	attach(&t->side[0], "memif:path=%s,role=server", t->path);
	for (long k = 0; failed; k++) {
		unsigned had = t->side[1].at_b.count;

		attach(&t->side[1], "memif:path=%s,reconnect=1ms,trust=yes",
		    t->path);
		fail_at(k);
		for (int i = 0; i < 40; i++)
			for (int s = 0; s < 2; s++)
				(void)epair_dispatch(t->side[s].ep, 0, 0);
		failed = has_failed();
		for (uint32_t i = 0; t->side[1].at_b.count == had; i++) {
			send_numbered(&t->side[0], 9000, i);
			two_turn(t);
		}
		assert_int_equal(epair_detach(t->side[1].a, NULL), 0);
		two_turn(t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWO_TEST(attaching_fails_or_is_as_if_nothing_was),
		TWO_TEST(connection_is_made_after_one_that_met_want),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
