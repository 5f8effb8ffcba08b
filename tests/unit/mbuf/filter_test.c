/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/filter.h"

#include <epair/capture.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ARP who-has, broadcast. */
static const uint8_t arp[60] = { 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1,
	8, 6, 0, 1, 8, 0, 6, 4, 0, 1 };
/* The same with VLAN 7 in front. */
static const uint8_t tagged[64] = { 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0,
	1, 0x81, 0, 0, 7, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1 };

static bool
passes(const char *text, const uint8_t *octets, uint32_t len)
{
	struct ep_filter f;
	bool result;

	assert_int_equal(ep_filter_init(&f, text, NULL), 0);
	result = ep_filter_pass(&f, octets, len, len);
	ep_filter_fini(&f);
	return result;
}

static void
filter_passes_what_it_names(void **state)
{
	(void)state;

	assert_true(passes("arp", arp, sizeof(arp)));
	assert_false(passes("ip", arp, sizeof(arp)));
	assert_true(passes("ether broadcast and len == 60", arp, sizeof(arp)));
	assert_false(passes("arp", arp, 10));
	assert_false(passes("arp", arp, 0));
}

static void
tag_is_looked_for_in_the_frame(void **state)
{
	(void)state;

	assert_true(passes("vlan 7", tagged, sizeof(tagged)));
	assert_true(passes("vlan 7 and arp", tagged, sizeof(tagged)));
	assert_false(passes("vlan 8", tagged, sizeof(tagged)));
	assert_false(passes("vlan", arp, sizeof(arp)));
}

static void
length_is_that_of_the_frame_not_of_what_is_given(void **state)
{
	struct ep_filter f;

	(void)state;
	assert_int_equal(ep_filter_init(&f, "greater 1000", NULL), 0);
	assert_true(ep_filter_pass(&f, arp, sizeof(arp), 1000));
	assert_false(ep_filter_pass(&f, arp, sizeof(arp), 999));
	ep_filter_fini(&f);
}

static void
empty_filter_passes_all(void **state)
{
	struct ep_filter f;

	(void)state;
	assert_int_equal(ep_filter_init(&f, NULL, NULL), 0);
	assert_true(ep_filter_is_all(&f));
	ep_filter_fini(&f);
	assert_int_equal(ep_filter_init(&f, "", NULL), 0);
	assert_true(ep_filter_is_all(&f));
	ep_filter_fini(&f);
}

static void
wrong_filter_is_refused_in_the_words_of_libpcap(void **state)
{
	struct epair_err err = { 0 };

	(void)state;
	assert_int_equal(epair_filter_check("arp and", &err), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	assert_non_null(strstr(err.text, "arp and"));
	assert_non_null(strstr(err.text, "syntax error"));
	assert_int_equal(epair_filter_check("port banana", &err), -EINVAL);
	assert_non_null(strstr(err.text, "banana"));
	assert_int_equal(epair_filter_check("nonsense", NULL), -EINVAL);
}

static void
right_filter_is_accepted_unused(void **state)
{
	(void)state;

	assert_int_equal(epair_filter_check("tcp port 80", NULL), 0);
	assert_int_equal(epair_filter_check("", NULL), 0);
	assert_int_equal(epair_filter_check(NULL, NULL), 0);
}

static void
long_filter_does_not_overrun_the_sentence(void **state)
{
	char text[4000];
	struct epair_err err;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(epair_filter_check(text, &err), -EINVAL);
	assert_true(strlen(err.text) < sizeof(err.text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filter_passes_what_it_names),
		cmocka_unit_test(tag_is_looked_for_in_the_frame),
		cmocka_unit_test(
		    length_is_that_of_the_frame_not_of_what_is_given),
		cmocka_unit_test(empty_filter_passes_all),
		cmocka_unit_test(
		    wrong_filter_is_refused_in_the_words_of_libpcap),
		cmocka_unit_test(right_filter_is_accepted_unused),
		cmocka_unit_test(long_filter_does_not_overrun_the_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
