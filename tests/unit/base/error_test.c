/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
failing_returns_its_code_and_fills_the_sentence(void **state)
{
	(void)state;

	struct epair_err err;

	assert_int_equal(ep_fail(&err, -EEXIST, "unit %d: in use", 7), -EEXIST);
	assert_int_equal(err.code, -EEXIST);
	assert_string_equal(err.text, "unit 7: in use");
	assert_int_equal(ep_fail(NULL, -EEXIST, "%s", "unseen"), -EEXIST);
}

static void
system_words_follow_the_sentence(void **state)
{
	(void)state;

	struct epair_err err;

	assert_int_equal(
	    ep_fail_sys(&err, -ENOENT, "netns '%s'", "red"), -ENOENT);
	assert_string_equal(err.text, "netns 'red': No such file or directory");
	assert_int_equal(ep_fail_sys(&err, -99999, "odd"), -99999);
	assert_string_equal(err.text, "odd: unknown error");
}

static void
sentence_may_be_made_of_the_one_before(void **state)
{
	(void)state;

	struct epair_err err;

	(void)ep_fail(&err, -EINVAL, "unknown key 'x'");
	(void)ep_fail(&err, -EINVAL, "end a: %s", err.text);
	assert_string_equal(err.text, "end a: unknown key 'x'");
}

static void
control_characters_are_not_passed_on(void **state)
{
	(void)state;

	struct epair_err err;

	(void)ep_fail(&err, -EINVAL, "unknown '%s'", "\033[2J\a\n\177\303\274");
	assert_string_equal(err.text, "unknown '?[2J???\303\274'");
}

static void
long_sentences_are_cut_off(void **state)
{
	(void)state;

	struct epair_err err;
	char text[600];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)ep_fail_sys(&err, -EINVAL, "%s", text);
	assert_int_equal(strlen(err.text), EPAIR_ERR_TEXT_MAX - 1);
}

static void
errors_have_names_for_either_sign(void **state)
{
	(void)state;

	assert_string_equal(epair_err_name(-ENXIO), "ENXIO");
	assert_string_equal(epair_err_name(ENXIO), "ENXIO");
	assert_string_equal(epair_err_name(-EOPNOTSUPP), "EOPNOTSUPP");
	assert_string_equal(epair_err_name(-EDEADLK), "EDEADLK");
	assert_string_equal(epair_err_name(0), "0");
	assert_string_equal(epair_err_name(99999), "E?");
	assert_string_equal(epair_err_name(INT_MIN), "E?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    failing_returns_its_code_and_fills_the_sentence),
		cmocka_unit_test(system_words_follow_the_sentence),
		cmocka_unit_test(sentence_may_be_made_of_the_one_before),
		cmocka_unit_test(control_characters_are_not_passed_on),
		cmocka_unit_test(long_sentences_are_cut_off),
		cmocka_unit_test(errors_have_names_for_either_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
