/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames under way, against the plainest thing that does the same: a table that
 * is searched for the first by time, then by order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "impair/held.h"

#define FRAMES 2000u

struct entry {
	uint64_t when_ns;
	bool is_held;
};

static struct entry table[FRAMES];
static struct epair_mbuf frames[FRAMES];

/* FRAMES if nothing is held. */
static unsigned
first_of_table(void)
{
	unsigned first = FRAMES;

	for (unsigned i = 0; i < FRAMES; i++)
		if (table[i].is_held &&
		    (first == FRAMES ||
			table[i].when_ns < table[first].when_ns))
			first = i;
	return first;
}

/* Take one that is due, and the same as the table has. */
static bool
take(struct ep_held *held, uint64_t now_ns)
{
	struct epair_mbuf *m = ep_held_take(held, now_ns);
	unsigned first = first_of_table();

	if (first == FRAMES || table[first].when_ns > now_ns) {
		assert_null(m);
		return false;
	}
	assert_ptr_equal(m, &frames[first]);
	table[first].is_held = false;
	return true;
}

static void
play(uint64_t seed, uint64_t jitter_ns)
{
	struct ep_held held = { .heap = NULL };
	uint64_t now_ns = 0;
	struct ep_rng rng;

	ep_rng_init(&rng, seed);
	for (unsigned i = 0; i < FRAMES; i++) {
		uint64_t when_ns =
		    now_ns + 300 +
		    (jitter_ns > 0 ? ep_rng_next(&rng) % jitter_ns : 0);

		frames[i].pktlen = 60 + i % 7;
		table[i] = (struct entry){ when_ns, true };
		assert_true(ep_held_put(&held, &frames[i], when_ns));
		/* Time stands still now and then, and then it leaps. */
		if (ep_rng_next(&rng) % 3 == 0)
			now_ns += ep_rng_next(&rng) % 40;
		if (ep_rng_next(&rng) % 500 == 0)
			now_ns += 1000;
		while (take(&held, now_ns))
			;
	}
	assert_true(ep_held_count(&held) > 0);
	while (take(&held, UINT64_MAX - 1))
		;
	assert_int_equal(ep_held_count(&held), 0);
	assert_int_equal(ep_held_bytes(&held), 0);
	assert_int_equal(ep_held_next(&held), UINT64_MAX);
	ep_held_fini(&held);
}

static void
frames_come_out_by_time_and_then_in_order(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		play(seed, 0);
		play(seed, 2);
		play(seed, 500);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_out_by_time_and_then_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
