/* SPDX-License-Identifier: BSD-2-Clause */
/* Names and units: contract 1. */
#include "rig.h"

static void
add_vnet(struct rig *r, const char *name)
{
	assert_int_equal(epair_vnet_add(r->ep, name, NULL, NULL), 0);
}

static int
rename_to(struct epair_if *ifp, const char *name)
{
	return epair_if_rename(ifp, name, NULL);
}

static void
two_vnets_hold_the_same_names(void **state)
{
	struct rig *r = *state;

	add_vnet(r, "red");
	assert_string_equal(make_name(r->ep, NULL, "epair"), "epair0a");
	assert_string_equal(make_name(r->ep, "red", "epair"), "epair0a");
	assert_string_equal(list(r->ep, "red"), "epair0a epair0b");
}

static void
create_in_a_vnet_that_is_not_there_is_refused(void **state)
{
	struct rig *r = *state;

	assert_int_equal(make_error(r->ep, "red", "epair"), -ENOENT);
}

static void
names_of_another_form_are_invalid(void **state)
{
	static const char *const names[] = { "", "e", "epai", "Epair",
		"epair0a", "epair1b", "epairx", "epair-1", "epair+1", "epair 1",
		"epair1 ", " epair1", "epair0x1", "xepair", "epair.1", "tap0",
		"epair1\n" };
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(make_error(r->ep, NULL, names[i]), -EINVAL);
	assert_int_equal(usage(r->ep).pairs, 0);
}

static void
leading_zero_is_invalid(void **state)
{
	struct rig *r = *state;

	assert_int_equal(make_error(r->ep, NULL, "epair01"), -EINVAL);
	assert_int_equal(make_error(r->ep, NULL, "epair00"), -EINVAL);
	assert_int_equal(make_error(r->ep, NULL, "epair007"), -EINVAL);
	assert_string_equal(make_name(r->ep, NULL, "epair0"), "epair0a");
}

static void
number_above_int_max_is_invalid(void **state)
{
	static const char *const names[] = { "epair2147483648",
		"epair4294967295", "epair4294967296", "epair4294967297",
		"epair9999999999", "epair18446744073709551616",
		"epair18446744073709551617",
		"epair340282366920938463463374607431768211457" };
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(make_error(r->ep, NULL, names[i]), -EINVAL);
}

static void
unit_above_32767_is_no_space(void **state)
{
	struct rig *r = *state;

	assert_int_equal(make_error(r->ep, NULL, "epair32768"), -ENOSPC);
	assert_int_equal(make_error(r->ep, NULL, "epair999999999"), -ENOSPC);
	assert_int_equal(make_error(r->ep, NULL, "epair2147483647"), -ENOSPC);
	assert_string_equal(
	    make_name(r->ep, NULL, "epair32767"), "epair32767a");
}

static void
wildcard_takes_the_lowest_free_unit(void **state)
{
	struct rig *r = *state;

	assert_string_equal(make_name(r->ep, NULL, "epair1"), "epair1a");
	assert_string_equal(make_name(r->ep, NULL, "epair"), "epair0a");
	assert_string_equal(make_name(r->ep, NULL, "epair"), "epair2a");
}

static void
unit_in_use_exists(void **state)
{
	struct rig *r = *state;

	(void)make_name(r->ep, NULL, "epair5");
	assert_int_equal(make_error(r->ep, NULL, "epair5"), -EEXIST);
}

static void
destroyed_units_are_used_again_lowest_first(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < 4; i++)
		(void)make_name(r->ep, NULL, "epair");
	destroy(find(r->ep, NULL, "epair2a"));
	destroy(find(r->ep, NULL, "epair1b"));
	assert_string_equal(make_name(r->ep, NULL, "epair"), "epair1a");
	assert_string_equal(make_name(r->ep, NULL, "epair"), "epair2a");
	assert_string_equal(make_name(r->ep, NULL, "epair"), "epair4a");
}

/* Give `name` to an interface, and see what that does to `epair5`. */
static void
squat(struct rig *r, const char *name)
{
	struct epair_if *ifp = make(r->ep, NULL, "epair0");

	assert_int_equal(rename_to(ifp, name), 0);
	assert_int_equal(make_error(r->ep, NULL, "epair5"), -EEXIST);
	assert_int_equal(rename_to(ifp, "other"), 0);
	assert_string_equal(make_name(r->ep, NULL, "epair5"), "epair5a");
	destroy(find(r->ep, NULL, "epair5a"));
	destroy(ifp);
}

static void
unit_whose_name_is_taken_exists_and_stays_free(void **state)
{
	struct rig *r = *state;

	squat(r, "epair5");
	squat(r, "epair5a");
	squat(r, "epair5b");
}

static void
wildcard_skips_a_unit_whose_name_is_taken(void **state)
{
	struct rig *r = *state;
	struct epair_if *a = make(r->ep, NULL, "epair9");
	struct epair_if *b = epair_if_peer(a);

	assert_int_equal(rename_to(a, "epair0b"), 0);
	assert_int_equal(rename_to(b, "epair1"), 0);
	assert_string_equal(make_name(r->ep, NULL, "epair"), "epair2a");
	assert_int_equal(rename_to(a, "x"), 0);
	assert_string_equal(make_name(r->ep, NULL, "epair"), "epair0a");
	epair_if_put(a);
	epair_if_put(b);
}

static void
interface_moved_in_takes_its_name_from_the_cloner(void **state)
{
	struct rig *r = *state;
	struct epair_if *b;

	add_vnet(r, "red");
	(void)make_name(r->ep, "red", "epair0");
	b = find(r->ep, "red", "epair0b");
	assert_int_equal(epair_if_move(b, "vnet0", NULL), 0);
	assert_int_equal(make_error(r->ep, NULL, "epair0"), -EEXIST);
	assert_string_equal(make_name(r->ep, NULL, "epair"), "epair1a");
	epair_if_put(b);
}

static void
list_is_in_order_of_arrival(void **state)
{
	struct rig *r = *state;
	struct epair_if *b;

	add_vnet(r, "red");
	(void)make_name(r->ep, NULL, "epair7");
	(void)make_name(r->ep, NULL, "epair1");
	assert_string_equal(
	    list(r->ep, NULL), "epair7a epair7b epair1a epair1b");
	b = find(r->ep, NULL, "epair7a");
	assert_int_equal(epair_if_move(b, "red", NULL), 0);
	assert_int_equal(epair_if_move(b, "vnet0", NULL), 0);
	assert_string_equal(
	    list(r->ep, NULL), "epair7b epair1a epair1b epair7a");
	epair_if_put(b);
}

static void
list_says_how_many_there_are_beyond_the_room(void **state)
{
	struct rig *r = *state;
	char names[1][EPAIR_NAME_MAX];

	(void)make_name(r->ep, NULL, "epair");
	assert_int_equal(epair_if_list(r->ep, NULL, names, 1), 2);
	assert_string_equal(names[0], "epair0a");
	assert_int_equal(epair_if_list(r->ep, NULL, NULL, 0), 2);
	assert_int_equal(epair_if_list(r->ep, "red", NULL, 0), -ENOENT);
}

static void
renamed_interface_is_found_by_its_new_name_only(void **state)
{
	struct rig *r = *state;
	struct epair_if *a = make(r->ep, NULL, "epair0"), *again;

	assert_int_equal(rename_to(a, "abcdefghijklmno"), 0);
	assert_null(find(r->ep, NULL, "epair0a"));
	again = find(r->ep, NULL, "abcdefghijklmno");
	assert_non_null(again);
	assert_int_equal(info(again).index, info(a).index);
	epair_if_put(again);
	epair_if_put(a);
}

static void
name_is_unique_in_its_vnet(void **state)
{
	struct rig *r = *state;
	struct epair_if *a = make(r->ep, NULL, "epair0");

	assert_int_equal(rename_to(a, "epair0b"), -EEXIST);
	assert_int_equal(rename_to(a, "epair0a"), -EEXIST);
	assert_string_equal(info(a).name, "epair0a");
	epair_if_put(a);
}

static const char *const bad_names[] = { "", ".", "..", "abcdefghijklmnop",
	"a/b", "a:b", "a b", " a", "a\t", "a\n", "a\177", "\001" };

static void
bad_interface_name_is_invalid(void **state)
{
	struct rig *r = *state;
	struct epair_if *a = make(r->ep, NULL, "epair0");

	for (size_t i = 0; i < sizeof(bad_names) / sizeof(*bad_names); i++)
		assert_int_equal(rename_to(a, bad_names[i]), -EINVAL);
	assert_int_equal(rename_to(a, "..."), 0);
	epair_if_put(a);
}

static void
bad_vnet_name_is_invalid(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(bad_names) / sizeof(*bad_names); i++)
		assert_int_equal(
		    epair_vnet_add(r->ep, bad_names[i], NULL, NULL), -EINVAL);
	assert_int_equal(usage(r->ep).vnets, 1);
}

static void
vnet_name_is_unique(void **state)
{
	struct rig *r = *state;

	add_vnet(r, "red");
	assert_int_equal(epair_vnet_add(r->ep, "red", NULL, NULL), -EEXIST);
	assert_int_equal(epair_vnet_add(r->ep, "vnet0", NULL, NULL), -EEXIST);
	assert_int_equal(usage(r->ep).vnets, 2);
}

static void
vnets_are_listed_oldest_first(void **state)
{
	struct rig *r = *state;
	char names[3][EPAIR_NAME_MAX];

	add_vnet(r, "red");
	add_vnet(r, "blue");
	assert_int_equal(epair_vnet_list(r->ep, names, 3), 3);
	assert_string_equal(names[0], "vnet0");
	assert_string_equal(names[1], "red");
	assert_string_equal(names[2], "blue");
	assert_int_equal(epair_vnet_list(r->ep, names, 1), 3);
}

static void
renamed_pair_keeps_its_unit(void **state)
{
	struct rig *r = *state;
	struct epair_if *a = make(r->ep, NULL, "epair0");
	struct epair_if *b = epair_if_peer(a);

	assert_int_equal(rename_to(a, "left"), 0);
	assert_int_equal(rename_to(b, "right"), 0);
	assert_int_equal(info(a).unit, 0);
	assert_int_equal(make_error(r->ep, NULL, "epair0"), -EEXIST);
	assert_string_equal(make_name(r->ep, NULL, "epair"), "epair1a");
	destroy(b);
	assert_string_equal(make_name(r->ep, NULL, "epair"), "epair0a");
	epair_if_put(a);
}

static void
what_is_not_there_is_enxio_and_its_vnet_enoent(void **state)
{
	struct rig *r = *state;
	struct epair_if *ifp = NULL;

	assert_int_equal(
	    epair_if_get(r->ep, NULL, "epair0a", &ifp, NULL), -ENXIO);
	assert_int_equal(
	    epair_if_get(r->ep, "red", "epair0a", &ifp, NULL), -ENOENT);
	assert_int_equal(epair_if_get_index(r->ep, 1, &ifp), -ENXIO);
}

static void
failure_says_why(void **state)
{
	struct rig *r = *state;
	struct epair_err err = { 0 };

	assert_int_equal(
	    epair_if_create(r->ep, NULL, "epair01", NULL, NULL, &err), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	assert_non_null(strstr(err.text, "epair01"));
	assert_null(strchr(err.text, '\n'));
}

static void
descriptions_are_kept_and_bounded(void **state)
{
	struct rig *r = *state;
	struct epair_if *a = make(r->ep, NULL, "epair0");
	char text[EPAIR_DESCR_MAX + 1];

	assert_int_equal(epair_if_describe(a, "to the lab", NULL), 0);
	assert_string_equal(info(a).descr, "to the lab");
	memset(text, 'x', sizeof(text));
	text[EPAIR_DESCR_MAX] = '\0';
	assert_int_equal(epair_if_describe(a, text, NULL), -ENAMETOOLONG);
	assert_string_equal(info(a).descr, "to the lab");
	text[EPAIR_DESCR_MAX - 1] = '\0';
	assert_int_equal(epair_if_describe(a, text, NULL), 0);
	assert_int_equal(epair_if_describe(a, "", NULL), 0);
	assert_string_equal(info(a).descr, "");
	epair_if_put(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BARE_TEST(two_vnets_hold_the_same_names),
		BARE_TEST(create_in_a_vnet_that_is_not_there_is_refused),
		BARE_TEST(names_of_another_form_are_invalid),
		BARE_TEST(leading_zero_is_invalid),
		BARE_TEST(number_above_int_max_is_invalid),
		BARE_TEST(unit_above_32767_is_no_space),
		BARE_TEST(wildcard_takes_the_lowest_free_unit),
		BARE_TEST(unit_in_use_exists),
		BARE_TEST(destroyed_units_are_used_again_lowest_first),
		BARE_TEST(unit_whose_name_is_taken_exists_and_stays_free),
		BARE_TEST(wildcard_skips_a_unit_whose_name_is_taken),
		BARE_TEST(interface_moved_in_takes_its_name_from_the_cloner),
		BARE_TEST(list_is_in_order_of_arrival),
		BARE_TEST(list_says_how_many_there_are_beyond_the_room),
		BARE_TEST(renamed_interface_is_found_by_its_new_name_only),
		BARE_TEST(name_is_unique_in_its_vnet),
		BARE_TEST(bad_interface_name_is_invalid),
		BARE_TEST(bad_vnet_name_is_invalid),
		BARE_TEST(vnet_name_is_unique),
		BARE_TEST(vnets_are_listed_oldest_first),
		BARE_TEST(renamed_pair_keeps_its_unit),
		BARE_TEST(what_is_not_there_is_enxio_and_its_vnet_enoent),
		BARE_TEST(failure_says_why),
		BARE_TEST(descriptions_are_kept_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
