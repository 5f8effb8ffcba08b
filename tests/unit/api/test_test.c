/* SPDX-License-Identifier: BSD-2-Clause */
#include <epair/test.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <epair/epair.h>

/* What has failed in a test of a test. */
static unsigned failures;
static char last[512];

static void
note(void *arg, const char *sentence)
{
	assert_ptr_equal(arg, &failures);
	failures++;
	(void)snprintf(last, sizeof(last), "%s", sentence);
}

static struct epair_test *
begin(const char *link_a, const char *capture)
{
	struct epair_test_opts opts = {
		.size = sizeof(opts),
		.name = "mine",
		.seed = 5,
		.link_a = link_a,
		.capture = capture,
		.fail = note,
		.arg = &failures,
	};

	failures = 0;
	return epair_test_new(&opts);
}

static const uint8_t frame[60] = { 2, [12] = 0x88, 0xb5, 'x' };

static void
expectation_is_met_where_it_comes_true(void **state)
{
	struct epair_test *t = begin("delay 30ms", NULL);
	uint8_t got[64];
	size_t len = 0;

	(void)state;
	assert_int_equal(epair_test_receive(t, 'b', got, sizeof(got)), 0);
	epair_test_send(t, 'a', frame, sizeof(frame));
	EPAIR_EXPECT(t, EPAIR_TEST_MS(200),
	    (len = epair_test_receive(t, 'b', got, sizeof(got))) > 0);
	assert_int_equal(len, sizeof(frame));
	assert_memory_equal(got, frame, sizeof(frame));
	assert_int_equal(epair_test_now(t), EPAIR_TEST_MS(30));
	assert_int_equal(failures, 0);
	assert_int_equal(epair_test_free(t), 0);
}

static void
expectation_that_is_not_met_fails_when_its_time_is_over(void **state)
{
	struct epair_test *t = begin("delay 30ms", NULL);
	uint8_t got[64];

	(void)state;
	(void)epair_test_receive(t, 'b', got, sizeof(got));
	epair_test_send(t, 'a', frame, sizeof(frame));
	EPAIR_EXPECT(
	    t, EPAIR_TEST_MS(29), epair_test_receive(t, 'b', got, 64) > 0);
	assert_int_equal(failures, 1);
	assert_int_equal(epair_test_now(t), EPAIR_TEST_MS(29));
	assert_non_null(strstr(last, "test_test.c:"));
	assert_non_null(strstr(last, "mine: at 0.029000 s: expected: "));
	assert_non_null(strstr(last, "within EPAIR_TEST_MS(29)"));
	EPAIR_EXPECT(
	    t, EPAIR_TEST_MS(1), epair_test_receive(t, 'b', got, 64) > 0);
	assert_int_equal(failures, 1);
	assert_int_equal(epair_test_free(t), 1);
}

static void
what_is_never_to_be_fails_when_it_comes_true(void **state)
{
	struct epair_test *t = begin("delay 30ms", NULL);
	uint8_t got[64];
	int is_there = 0;

	(void)state;
	(void)epair_test_receive(t, 'b', got, sizeof(got));
	epair_test_send(t, 'a', frame, sizeof(frame));
	EPAIR_EXPECT_NEVER(t, EPAIR_TEST_MS(29),
	    (is_there |= epair_test_receive(t, 'b', got, 64) > 0));
	assert_int_equal(failures, 0);
	EPAIR_EXPECT_NEVER(t, EPAIR_TEST_MS(29),
	    (is_there |= epair_test_receive(t, 'b', got, 64) > 0));
	assert_int_equal(failures, 1);
	assert_int_equal(epair_test_now(t), EPAIR_TEST_MS(30));
	assert_int_equal(epair_test_free(t), 1);
}

static void
count_up(void *arg)
{
	++*(unsigned *)arg;
}

static void
timers_of_a_stack_ring_at_their_times(void **state)
{
	struct epair_test *t = begin(NULL, NULL);
	unsigned rung = 0;

	(void)state;
	epair_test_after(t, EPAIR_TEST_MS(5), count_up, &rung);
	epair_test_after(t, EPAIR_TEST_MS(3), count_up, &rung);
	epair_test_after(t, EPAIR_TEST_S(9), count_up, &rung);
	EPAIR_EXPECT(t, EPAIR_TEST_S(1), rung == 1);
	assert_int_equal(epair_test_now(t), EPAIR_TEST_MS(3));
	epair_test_pass(t, EPAIR_TEST_MS(2));
	assert_int_equal(rung, 2);
	assert_int_equal(epair_test_free(t), 0);
	assert_int_equal(rung, 2);
}

static void
capture_stays_if_the_test_failed(void **state)
{
	char path[] = "/tmp/epair-test-XXXXXX";
	struct epair_test *t;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	t = begin(NULL, path);
	epair_test_send(t, 'a', frame, sizeof(frame));
	EPAIR_EXPECT(t, 0, 1 == 2);
	assert_int_equal(epair_test_free(t), 1);
	/* a section, two interfaces, the frame twice, statistics */
	assert_in_range(lseek(fd, 0, SEEK_END), 400, 4000);
	t = begin(NULL, path);
	epair_test_send(t, 'a', frame, sizeof(frame));
	assert_int_equal(epair_test_free(t), 0);
	assert_int_equal(access(path, F_OK), -1);
	close(fd);
}

static void
keep(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	(void)ifp;
	*(struct epair_mbuf **)arg = ms[0];
	epair_mbuf_free(ms + 1, n - 1);
}

static void
frame_that_is_never_freed_fails_the_test(void **state)
{
	struct epair_stack stack = { .size = sizeof(stack), .receive = keep };
	char path[] = "/tmp/epair-test-XXXXXX";
	struct epair_mbuf *kept = NULL;
	struct epair_test *t;
	struct epair *ep;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	t = begin(NULL, path);
	ep = epair_test_instance(t);
	epair_test_stack(t, 'b', &stack, &kept);
	epair_test_send(t, 'a', frame, sizeof(frame));
	EPAIR_EXPECT(t, 0, kept != NULL);
	assert_int_equal(epair_test_free(t), 1);
	assert_non_null(strstr(last, "no frame"));
	epair_mbuf_free(&kept, 1);
	assert_int_equal(epair_free(ep), 0);
	assert_in_range(lseek(fd, 0, SEEK_END), 400, 4000);
	assert_int_equal(unlink(path), 0);
	close(fd);
}

static void
wrong_spec_fails_with_its_sentence(void **state)
{
	struct epair_test *t = begin(NULL, NULL);

	(void)state;
	epair_test_attach(t, 'a', "ech");
	assert_int_equal(failures, 1);
	assert_non_null(strstr(last, "unknown kind 'ech'"));
	epair_test_attach(t, 'a', "echo");
	assert_int_equal(failures, 1);
	assert_null(epair_test_told(t, 'a', ""));
	assert_int_equal(epair_test_free(t), 1);
}

static void
same_seed_is_the_same_test(void **state)
{
	uint64_t when[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct epair_test_opts opts = { .size = sizeof(opts),
			.seed = i == 1,
			.link_a = "delay 50ms 20ms",
			.scenario = "at 1s down both" };
		struct epair_test *t = epair_test_new(&opts);
		uint8_t got[64];

		(void)epair_test_receive(t, 'b', got, sizeof(got));
		epair_test_send(t, 'a', frame, sizeof(frame));
		EPAIR_EXPECT(t, EPAIR_TEST_MS(70),
		    epair_test_receive(t, 'b', got, 64) > 0);
		when[i] = epair_test_now(t);
		assert_int_equal(epair_test_free(t), 0);
	}
	assert_int_equal(when[0], when[2]);
	assert_int_not_equal(when[0], when[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expectation_is_met_where_it_comes_true),
		cmocka_unit_test(
		    expectation_that_is_not_met_fails_when_its_time_is_over),
		cmocka_unit_test(what_is_never_to_be_fails_when_it_comes_true),
		cmocka_unit_test(timers_of_a_stack_ring_at_their_times),
		cmocka_unit_test(capture_stays_if_the_test_failed),
		cmocka_unit_test(frame_that_is_never_freed_fails_the_test),
		cmocka_unit_test(wrong_spec_fails_with_its_sentence),
		cmocka_unit_test(same_seed_is_the_same_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
