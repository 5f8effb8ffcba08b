/* SPDX-License-Identifier: BSD-2-Clause */
/* The reader of traces, and the lists of runs. */
#include "trace.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define BOOT "boot hostid=0x2a\n= 0\n"

/* Read the only exchange behind a boot. */
static struct trace_exchange
read_one(const char *text)
{
	struct trace_exchange x = { 0 };
	struct trace t;

	trace_init(&t, text, strlen(text));
	assert_int_equal(trace_next(&t, &x), 1);
	assert_int_equal(x.verb, TRACE_BOOT);
	assert_int_equal(trace_next(&t, &x), 1);
	return x;
}

/* That text is refused in that line. */
static void
assert_refused(const char *text, size_t size, unsigned line)
{
	struct trace_exchange x = { 0 };
	struct trace t;
	int more;

	trace_init(&t, text, size);
	while ((more = trace_next(&t, &x)) > 0)
		;
	assert_int_equal(more, -1);
	assert_int_equal(t.line, line);
	assert_non_null(t.error);
	runs_fini(&x.runs);
}

static void
host_id_is_read_to_its_last_bit(void **state)
{
	static const char text[] =
	    "# comment\n\nboot hostid=0x91b7584A2265b1f5\r\n= 0\r\n";
	struct trace_exchange x = { 0 };
	struct trace t;

	(void)state;
	trace_init(&t, text, strlen(text));
	assert_int_equal(trace_next(&t, &x), 1);
	assert_int_equal(x.verb, TRACE_BOOT);
	assert_true(x.number == 0x91b7584a2265b1f5u);
	assert_int_equal(x.line, 3);
	assert_int_equal(x.answer_line, 4);
	assert_int_equal(x.answer_len, 1);
	assert_int_equal(trace_next(&t, &x), 0);
}

static void
tx_has_count_length_and_metadata(void **state)
{
	struct trace_exchange x = read_one(
	    BOOT "tx v0:epair0a 6000 9019 mcast ntag vlantag\n= E2BIG\n");

	(void)state;
	assert_int_equal(x.verb, TRACE_TX);
	assert_string_equal(x.ifp.vnet, "v0");
	assert_string_equal(x.ifp.name, "epair0a");
	assert_int_equal(x.number, 6000);
	assert_int_equal(x.len, 9019);
	assert_int_equal(x.meta, TRACE_MCAST | TRACE_NTAG | TRACE_VLANTAG);
	assert_int_equal(x.answer_len, 5);
	assert_memory_equal(x.answer, "E2BIG", 5);
}

static void
forward_is_to_an_interface_or_to_nobody(void **state)
{
	struct trace_exchange x = read_one(
	    BOOT "forward v0:epair0a v1:epair1b\n= 0\n");

	(void)state;
	assert_string_equal(x.to.vnet, "v1");
	assert_string_equal(x.to.name, "epair1b");
	x = read_one(BOOT "forward v0:epair0a -\n= 0\n");
	assert_string_equal(x.to.name, "");
}

static void
deliveries_are_runs_however_they_are_cut(void **state)
{
	struct trace_exchange x = read_one(
	    BOOT "run\n| v0:e 3-4 5 7\n| v0:e 8 fib=1 tags=2\n| v1:e 9\n= 0\n");
	struct trace_exchange y = read_one(
	    BOOT "run\n| v0:e 3\n| v0:e 4-5 7\n| v0:e 8 tags=2 fib=1\n"
		 "| v1:e 9 fib=0 tags=0\n= 0\n");
	char text[64];

	(void)state;
	assert_int_equal(x.runs.count, 4);
	assert_int_equal(y.runs.count, 4);
	assert_int_equal(runs_same(&x.runs, &y.runs), 4);
	assert_int_equal(x.runs.v[2].line, 5);
	runs_format(&x.runs, 0, text, sizeof(text));
	assert_string_equal(text, "| v0:e 3-5");
	runs_format(&x.runs, 2, text, sizeof(text));
	assert_string_equal(text, "| v0:e 8 fib=1 tags=2");
	runs_format(&x.runs, 4, text, sizeof(text));
	assert_string_equal(text, "nothing");
	runs_fini(&x.runs);
	runs_fini(&y.runs);
}

static void
runs_that_differ_in_anything_are_not_the_same(void **state)
{
	static const char *const others[] = { "| v1:e 3-5\n", "| v0:f 3-5\n",
		"| v0:e 3-4\n", "| v0:e 3-5 fib=1\n", "| v0:e 3-5 tags=1\n",
		"| v0:e 4-5\n" };
	struct trace_exchange x = read_one(BOOT "run\n| v0:e 3-5\n= 0\n");
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct trace_exchange y;

		strcpy(text, BOOT "run\n");
		strcat(text, others[i]);
		strcat(text, "= 0\n");
		y = read_one(text);
		assert_int_equal(runs_same(&x.runs, &y.runs), 0);
		runs_fini(&y.runs);
	}
	runs_fini(&x.runs);
}

static void
answer_may_be_empty_and_a_last_line_unended(void **state)
{
	struct trace_exchange x = read_one(BOOT "list v0\n=");

	(void)state;
	assert_int_equal(x.answer_len, 0);
	x = read_one(BOOT "list v0\n=  a b  ");
	assert_int_equal(x.answer_len, 3);
}

static void
malformed_line_is_named(void **state)
{
	static const char *const bad[] = {
		"jump v0", "vnet", "vnet a b", "up epair0a",
		"up v0:", "up :epair0a", "up v0:e x", "mtu v0:e",
		"mtu v0:e 15x", "mtu v0:e -1", "mtu v0:e 4294967296",
		"fib v0:e 65536", "forward v0:e", "forward v0:e e",
		"tx v0:e 1 60", "tx v0:e 1 60 cast", "tx v0:e 1 60 ucast bcast",
		"tx v0:e 1048577 60 ucast", "tx v0:e 1 1048577 ucast",
		"tx v0:e 99999999999999999999 60 ucast", "step", "step 0x",
		"run 1", "boot", "boot hostid=", "boot hostid=0x",
		"boot hostid=0x10000000000000000", "= 0", "| v0:e 1",
		"create v0 a_name_with_more_octets_than_anybody_ever_gave_to_one"
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		strcpy(text, BOOT);
		strcat(text, bad[i]);
		strcat(text, "\n= 0\n");
		assert_refused(text, strlen(text), 3);
	}
}

static void
malformed_delivery_is_named(void **state)
{
	static const char *const bad[] = { "|", "| 3", "| v0:e", "| v0:e 0",
		"| v0:e 4-3", "| v0:e 3-", "| v0:e -3", "| v0:e x",
		"| v0:e 4294967296", "| v0:e fib=1 tags=0", "run" };
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		strcpy(text, BOOT "run\n");
		strcat(text, bad[i]);
		strcat(text, "\n= 0\n");
		assert_refused(text, strlen(text), 4);
	}
}

static void
dialogue_without_its_begin_or_end_is_refused(void **state)
{
	static const char nul[] = BOOT "vnet a\0b\n= 0\n";

	(void)state;
	assert_refused("run\n= 0\n", 8, 1);
	assert_refused("= 0\n", 4, 1);
	assert_refused(BOOT "run\n", strlen(BOOT) + 4, 3);
	assert_refused(BOOT "run\n| v0:e 1\n", strlen(BOOT) + 13, 4);
	assert_refused(nul, sizeof(nul) - 1, 3);
}

static void
nothing_is_a_trace_of_nothing(void **state)
{
	struct trace_exchange x = { 0 };
	struct trace t;

	(void)state;
	trace_init(&t, "", 0);
	assert_int_equal(trace_next(&t, &x), 0);
	trace_init(&t, "\n\n# x", 5);
	assert_int_equal(trace_next(&t, &x), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_id_is_read_to_its_last_bit),
		cmocka_unit_test(tx_has_count_length_and_metadata),
		cmocka_unit_test(forward_is_to_an_interface_or_to_nobody),
		cmocka_unit_test(deliveries_are_runs_however_they_are_cut),
		cmocka_unit_test(runs_that_differ_in_anything_are_not_the_same),
		cmocka_unit_test(answer_may_be_empty_and_a_last_line_unended),
		cmocka_unit_test(malformed_line_is_named),
		cmocka_unit_test(malformed_delivery_is_named),
		cmocka_unit_test(dialogue_without_its_begin_or_end_is_refused),
		cmocka_unit_test(nothing_is_a_trace_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
