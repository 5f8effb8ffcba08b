/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/pcap/pace.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct ep_pace pace;

/* The next frame is sent when it is due, which is said. */
static uint64_t
send_at(uint64_t now, uint64_t time_ns)
{
	uint64_t due = ep_pace_due(&pace, time_ns, now);

	ep_pace_sent(&pace, time_ns, due);
	return due;
}

static void
recorded_gaps_are_kept(void **state)
{
	(void)state;

	assert_int_equal(ep_pace_init(&pace, NULL, NULL), 0);
	assert_int_equal(send_at(1000, 5000), 1000);
	assert_int_equal(send_at(1000, 5700), 1700);
	/* Late is made up for. */
	assert_int_equal(send_at(1900, 5800), 1800);
	/* Back in time, or no time at all, is at once. */
	assert_int_equal(send_at(1900, 5000), 1800);
	assert_int_equal(send_at(1900, 5001), 1801);
	assert_int_equal(send_at(1900, EP_READER_NO_TIME), 1801);
	assert_int_equal(send_at(1900, 5002), 1802);
	/* The file begins again. */
	ep_pace_rewind(&pace);
	assert_int_equal(send_at(1900, 1), 1802);
	assert_int_equal(send_at(1900, 11), 1812);
}

static void
rate_holds_in_the_long_run(void **state)
{
	uint64_t due = 0;

	(void)state;
	assert_int_equal(ep_pace_init(&pace, "3", NULL), 0);
	for (unsigned i = 0; i <= 30; i++)
		due = send_at(due, 0);
	assert_int_equal(due, 10 * EP_NS_PER_S);

	assert_int_equal(ep_pace_init(&pace, "10k", NULL), 0);
	(void)send_at(0, 0);
	assert_int_equal(send_at(0, 999), 100000);
}

static void
gap_is_the_time_between_two(void **state)
{
	(void)state;

	assert_int_equal(ep_pace_init(&pace, "1.5ms", NULL), 0);
	assert_int_equal(send_at(7, 0), 7);
	assert_int_equal(send_at(7, 0), 1500007);
}

static void
full_pace_is_now(void **state)
{
	(void)state;

	assert_int_equal(ep_pace_init(&pace, "full", NULL), 0);
	assert_int_equal(send_at(7, 100), 7);
	assert_int_equal(send_at(8, 200), 8);
}

static void
long_pause_is_not_made_up_for(void **state)
{
	(void)state;

	assert_int_equal(ep_pace_init(&pace, "1ms", NULL), 0);
	assert_int_equal(send_at(0, 0), 0);
	assert_int_equal(
	    send_at(EP_NS_PER_MS + EP_PACE_LAG_NS, 0), EP_NS_PER_MS);
	assert_int_equal(send_at(10 * EP_NS_PER_S, 0), 10 * EP_NS_PER_S);
	assert_int_equal(
	    send_at(10 * EP_NS_PER_S, 0), 10 * EP_NS_PER_S + EP_NS_PER_MS);
}

static void
gap_that_nobody_waits_for_overflows_nothing(void **state)
{
	uint64_t now = 0;

	(void)state;
	assert_int_equal(ep_pace_init(&pace, "recorded", NULL), 0);
	(void)send_at(now, 1);
	for (unsigned i = 0; i < 100; i++) {
		uint64_t due = send_at(now, i % 2 == 0 ? UINT64_MAX - 1 : 1);

		assert_true(due >= now);
		now = due;
	}
}

static void
wrong_pace_is_refused(void **state)
{
	static const char *const wrong[] = { "", "fast", "0", "-1", "1x", "0s",
		"2G", "1000y" };
	struct epair_err err;

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(ep_pace_init(&pace, wrong[i], &err), -EINVAL);
		assert_non_null(strstr(err.text, "pace="));
		assert_non_null(strstr(err.text, "recorded"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_gaps_are_kept),
		cmocka_unit_test(rate_holds_in_the_long_run),
		cmocka_unit_test(gap_is_the_time_between_two),
		cmocka_unit_test(full_pace_is_now),
		cmocka_unit_test(long_pause_is_not_made_up_for),
		cmocka_unit_test(gap_that_nobody_waits_for_overflows_nothing),
		cmocka_unit_test(wrong_pace_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
