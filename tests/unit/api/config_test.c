/* SPDX-License-Identifier: BSD-2-Clause */
/* Configuration: contract 7. */
#include "rig.h"

static void
settable_flags_are_set_and_cleared(void **state)
{
	static const uint32_t flags[] = { EPAIR_IFF_UP, EPAIR_IFF_DEBUG,
		EPAIR_IFF_PROMISC, EPAIR_IFF_ALLMULTI, EPAIR_IFF_MONITOR };
	struct rig *r = *state;
	uint32_t was;

	assert_int_equal(epair_if_down(r->a), 0);
	was = info(r->a).flags;
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		assert_int_equal(
		    epair_if_set_flags(r->a, flags[i], 0, NULL), 0);
		assert_int_equal(info(r->a).flags, was | flags[i]);
		assert_int_equal(
		    epair_if_set_flags(r->a, 0, flags[i], NULL), 0);
		assert_int_equal(info(r->a).flags, was);
	}
}

static void
flags_of_the_driver_are_not_settable(void **state)
{
	static const uint32_t flags[] = { EPAIR_IFF_RUNNING,
		EPAIR_IFF_BROADCAST, EPAIR_IFF_SIMPLEX, EPAIR_IFF_MULTICAST,
		1u << 31 };
	struct rig *r = *state;
	uint32_t was = info(r->a).flags;

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		assert_int_equal(epair_if_set_flags(
				     r->a, flags[i] | EPAIR_IFF_DEBUG, 0, NULL),
		    -EINVAL);
		assert_int_equal(
		    epair_if_set_flags(r->a, 0, flags[i], NULL), -EINVAL);
	}
	assert_int_equal(info(r->a).flags, was);
}

static void
up_and_down_may_be_repeated(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_up(r->a), 0);
	assert_true(info(r->a).flags & EPAIR_IFF_UP);
	assert_int_equal(epair_if_down(r->a), 0);
	assert_int_equal(epair_if_down(r->a), 0);
	assert_false(info(r->a).flags & EPAIR_IFF_UP);
	assert_true(info(r->a).flags & EPAIR_IFF_RUNNING);
}

static void
mtu_is_from_72_to_65535(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_mtu(r->a, 72, NULL), 0);
	assert_int_equal(info(r->a).mtu, 72);
	assert_int_equal(epair_if_set_mtu(r->a, 65535, NULL), 0);
	assert_int_equal(epair_if_set_mtu(r->a, 71, NULL), -EINVAL);
	assert_int_equal(epair_if_set_mtu(r->a, 0, NULL), -EINVAL);
	assert_int_equal(epair_if_set_mtu(r->a, 65536, NULL), -EINVAL);
	assert_int_equal(epair_if_set_mtu(r->a, UINT32_MAX, NULL), -EINVAL);
	assert_int_equal(info(r->a).mtu, 65535);
	assert_int_equal(info(r->b).mtu, 1500);
}

static const uint8_t mac_group_two[6] = { 0x33, 0x33, 0, 0, 0, 1 };

static void
memberships_are_counted(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_multi_add(r->a, mac_group), 0);
	assert_int_equal(epair_if_multi_add(r->a, mac_group), 0);
	assert_int_equal(epair_if_multi_add(r->a, mac_group_two), 0);
	assert_int_equal(info(r->a).multi_count, 2);
	assert_int_equal(epair_if_multi_del(r->a, mac_group), 0);
	assert_int_equal(info(r->a).multi_count, 2);
	assert_int_equal(epair_if_multi_del(r->a, mac_group), 0);
	assert_int_equal(info(r->a).multi_count, 1);
	assert_int_equal(epair_if_multi_del(r->a, mac_group), -ENOENT);
}

static void
membership_of_a_station_is_invalid(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_multi_add(r->a, mac_station), -EINVAL);
	assert_int_equal(info(r->a).multi_count, 0);
}

static void
memberships_are_1024_at_most(void **state)
{
	struct rig *r = *state;
	uint8_t mac[6] = { 0x01, 0, 0x5e, 0, 0, 0 };

	for (unsigned i = 0; i < 1024; i++) {
		mac[4] = (uint8_t)(i >> 8);
		mac[5] = (uint8_t)i;
		assert_int_equal(epair_if_multi_add(r->a, mac), 0);
	}
	mac[4] = 0x7f;
	assert_int_equal(epair_if_multi_add(r->a, mac), -ENOBUFS);
	mac[4] = 0;
	assert_int_equal(epair_if_multi_add(r->a, mac), 0);
	assert_int_equal(info(r->a).multi_count, 1024);
}

static void
only_10gbase_t_may_be_set_as_media(void **state)
{
	struct rig *r = *state;

	assert_int_equal(
	    epair_if_set_media(r->a, EPAIR_MEDIA_10GBASE_T, NULL), 0);
	assert_int_equal(
	    epair_if_set_media(r->a, EPAIR_MEDIA_NONE, NULL), -ENXIO);
	assert_int_equal(epair_if_set_media(r->a, 6, NULL), -ENXIO);
	assert_int_equal(info(r->a).media_current, EPAIR_MEDIA_10GBASE_T);
}

static void
capabilities_are_a_pairs(void **state)
{
	struct rig *r = *state;

	assert_int_equal(
	    epair_if_set_caps(r->a, EPAIR_CAP_VLAN_HWTAGGING, 0, NULL), 0);
	assert_true(info(r->b).caps & EPAIR_CAP_VLAN_HWTAGGING);
	assert_int_equal(
	    epair_if_set_caps(r->b, 0, EPAIR_CAP_VLAN_HWTAGGING, NULL), 0);
	assert_int_equal(info(r->a).caps, EPAIR_CAP_DEFAULT);
}

static void
segmentation_needs_checksums(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_caps(r->a, 0, EPAIR_CAP_CSUM, NULL), 0);
	assert_int_equal(info(r->a).caps, EPAIR_CAP_VLAN_MTU);
	assert_int_equal(info(r->b).caps, EPAIR_CAP_VLAN_MTU);
}

static void
vlan_mtu_stays_and_unknown_capabilities_are_invalid(void **state)
{
	struct rig *r = *state;

	assert_int_equal(
	    epair_if_set_caps(r->a, 0, EPAIR_CAP_VLAN_MTU, NULL), -EINVAL);
	assert_int_equal(epair_if_set_caps(r->a, 1u << 31, 0, NULL), -EINVAL);
	assert_int_equal(info(r->a).caps, EPAIR_CAP_DEFAULT);
}

static void
queue_limit_is_from_1_to_1048576(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_queue_limit(r->a, 0, NULL), -EINVAL);
	assert_int_equal(
	    epair_if_set_queue_limit(r->a, 1048577, NULL), -EINVAL);
	assert_int_equal(epair_if_set_queue_limit(r->a, 1048576, NULL), 0);
	assert_int_equal(info(r->a).queue_limit, 1048576);
	assert_int_equal(info(r->b).queue_limit, 4096);
}

static void
link_follows_the_peer_when_asked(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_down(r->b), 0);
	assert_int_equal(info(r->a).link, EPAIR_LINK_UP);
	assert_int_equal(
	    epair_if_set_caps(r->a, EPAIR_CAP_LINK_FOLLOW, 0, NULL), 0);
	assert_int_equal(info(r->a).link, EPAIR_LINK_DOWN);
	assert_int_equal(info(r->b).link, EPAIR_LINK_UP);
	assert_int_equal(epair_if_up(r->b), 0);
	assert_int_equal(info(r->a).link, EPAIR_LINK_UP);
	assert_int_equal(epair_if_down(r->a), 0);
	assert_int_equal(info(r->b).link, EPAIR_LINK_DOWN);
	assert_int_equal(
	    epair_if_set_caps(r->a, 0, EPAIR_CAP_LINK_FOLLOW, NULL), 0);
	assert_int_equal(info(r->b).link, EPAIR_LINK_UP);
}

/* What leads away from an end is what the other does not hear. */
static void
cable_that_is_cut_takes_the_link_of_who_hears_nothing(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_link(r->a, "cut", NULL), 0);
	assert_int_equal(info(r->b).link, EPAIR_LINK_UP);
	assert_int_equal(epair_if_set(r->b, "carrier", "follow", NULL), 0);
	assert_int_equal(info(r->b).link, EPAIR_LINK_DOWN);
	assert_int_equal(info(r->a).link, EPAIR_LINK_UP);
	assert_int_equal(epair_if_set_link(r->b, "cut", NULL), 0);
	assert_int_equal(info(r->a).link, EPAIR_LINK_DOWN);
	assert_int_equal(epair_if_set_link(r->a, "cut off", NULL), 0);
	assert_int_equal(info(r->b).link, EPAIR_LINK_UP);
	assert_int_equal(epair_if_set_link(r->b, "none", NULL), 0);
	assert_int_equal(info(r->a).link, EPAIR_LINK_UP);
}

static void
pair_can_be_made_to_follow_at_once(void **state)
{
	struct epair_create how = { .size = sizeof(how),
		.carrier = EPAIR_CARRIER_FOLLOW };
	struct rig *r = *state;
	struct epair_if *a, *b;

	assert_int_equal(
	    epair_if_create(r->ep, NULL, "epair7", &how, &a, NULL), 0);
	b = epair_if_peer(a);
	assert_int_equal(info(a).link, EPAIR_LINK_DOWN);
	assert_int_equal(epair_if_up(b), 0);
	assert_int_equal(info(a).link, EPAIR_LINK_UP);
	assert_int_equal(info(b).link, EPAIR_LINK_DOWN);
	assert_int_equal(epair_if_set(a, "carrier", "always", NULL), 0);
	assert_int_equal(info(b).link, EPAIR_LINK_UP);
	epair_if_put(b);
	destroy(a);
	how.carrier = 2;
	assert_int_equal(
	    epair_if_create(r->ep, NULL, "epair7", &how, &a, NULL), -EINVAL);
}

static int
set(struct rig *r, const char *word, const char *value)
{
	return epair_if_set(r->a, word, value, NULL);
}

static void
words_set_what_their_calls_set(void **state)
{
	static const uint8_t mac[6] = { 0x52, 0x54, 0, 0, 0, 1 };
	struct rig *r = *state;
	struct epair_if_info i;

	assert_int_equal(set(r, "down", NULL), 0);
	assert_false(info(r->a).flags & EPAIR_IFF_UP);
	assert_int_equal(set(r, "up", NULL), 0);
	assert_int_equal(set(r, "mtu", "9000"), 0);
	assert_int_equal(set(r, "ether", "52:54:00:00:00:01"), 0);
	assert_int_equal(set(r, "descr", "lab"), 0);
	assert_int_equal(set(r, "fib", "3"), 0);
	assert_int_equal(set(r, "promisc", "on"), 0);
	assert_int_equal(set(r, "txqueuelen", "17"), 0);
	assert_int_equal(set(r, "tso", "off"), 0);
	assert_int_equal(set(r, "carrier", "follow"), 0);
	assert_int_equal(set(r, "qdisc", "fifo:limit=8"), 0);
	assert_int_equal(set(r, "name", "left"), 0);
	i = info(r->a);
	assert_true(i.flags & EPAIR_IFF_UP);
	assert_true(i.flags & EPAIR_IFF_PROMISC);
	assert_int_equal(i.mtu, 9000);
	assert_memory_equal(i.mac, mac, 6);
	assert_string_equal(i.descr, "lab");
	assert_int_equal(i.fib, 3);
	assert_int_equal(i.queue_limit, 17);
	assert_false(i.caps & EPAIR_CAP_TSO);
	assert_true(i.caps & EPAIR_CAP_LINK_FOLLOW);
	assert_string_equal(i.qdisc, "fifo:limit=8");
	assert_string_equal(i.name, "left");
}

static void
bad_values_of_words_are_invalid(void **state)
{
	static const struct {
		const char *word, *value;
	} bad[] = { { "mtu", "" }, { "mtu", "1500x" }, { "mtu", "-1500" },
		{ "mtu", "4294968796" }, { "mtu", NULL }, { "mtu", "71" },
		{ "ether", "52:54:00:00:00" }, { "ether", "nonsense" },
		{ "ether", "52:54:00:00:00:01:02" }, { "fib", "65536" },
		{ "promisc", "maybe" }, { "promisc", NULL },
		{ "carrier", "on" }, { "carrier", NULL }, { "name", "." },
		{ "txqueuelen", "0" }, { "qdisc", "nonsense" } };
	struct rig *r = *state;
	struct epair_if_info was = info(r->a), is;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(set(r, bad[i].word, bad[i].value), -EINVAL);
	is = info(r->a);
	assert_int_equal(is.mtu, was.mtu);
	assert_int_equal(is.flags, was.flags);
	assert_memory_equal(is.mac, was.mac, 6);
}

static void
unknown_word_is_invalid_and_the_known_ones_are_named(void **state)
{
	struct rig *r = *state;
	struct epair_err err = { 0 };

	assert_int_equal(epair_if_set(r->a, "colour", "red", &err), -EINVAL);
	assert_non_null(strstr(err.text, "colour"));
	assert_non_null(strstr(err.text, "mtu"));
}

/* It was what the type of the number can hold. */
static void
word_that_is_no_number_is_told_what_may_be(void **state)
{
	static const struct {
		const char *word, *text;
	} told[] = { { "mtu", "mtu 'nine': must be 72 to 65535" },
		{ "fib", "fib 'nine': must be 0 to 65535" },
		{ "queue-limit", "queue-limit 'nine': must be 1 to 1048576" } };
	struct rig *r = *state;
	struct epair_err err;

	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++) {
		assert_int_equal(
		    epair_if_set(r->a, told[i].word, "nine", &err), -EINVAL);
		assert_string_equal(err.text, told[i].text);
	}
}

/* Whether setting a word to what it is set to is right and changes nothing. */
static void
check_word(struct rig *r, const char *word)
{
	char before[EPAIR_LINK_TEXT_MAX], after[EPAIR_LINK_TEXT_MAX];
	int n = epair_if_get_word(r->a, word, before, sizeof(before), NULL);

	assert_in_range(n, 0, sizeof(before) - 1);
	/* A name that is taken is taken by itself, too. */
	if (strcmp(word, "name") != 0)
		assert_int_equal(epair_if_set(r->a, word, before, NULL), 0);
	assert_int_equal(
	    epair_if_get_word(r->a, word, after, sizeof(after), NULL), n);
	assert_string_equal(before, after);
}

static void
words_say_what_sets_them_again(void **state)
{
	struct rig *r = *state;
	const char *word;

	for (unsigned i = 0; (word = epair_if_word_at(i)) != NULL; i++)
		check_word(r, word);
	assert_int_equal(epair_if_set(r->a, "up", "off", NULL), 0);
	assert_int_equal(epair_if_set(r->a, "mtu", "9000", NULL), 0);
	assert_int_equal(epair_if_set(r->a, "monitor", "on", NULL), 0);
	assert_int_equal(epair_if_set(r->a, "tso", "off", NULL), 0);
	assert_int_equal(epair_if_set(r->a, "descr", "to the lab", NULL), 0);
	assert_int_equal(epair_if_set(r->a, "fib", "7", NULL), 0);
	assert_int_equal(epair_if_set(r->a, "link", "delay 5ms", NULL), 0);
	assert_int_equal(epair_if_set(r->a, "qdisc", "fifo:limit=10", NULL), 0);
	for (unsigned i = 0; (word = epair_if_word_at(i)) != NULL; i++)
		check_word(r, word);
}

static void
word_is_cut_off_where_there_is_no_room(void **state)
{
	struct rig *r = *state;
	char buf[3];

	assert_int_equal(
	    epair_if_get_word(r->a, "mtu", buf, sizeof(buf), NULL), 4);
	assert_string_equal(buf, "15");
	assert_int_equal(
	    epair_if_get_word(r->a, "colour", buf, sizeof(buf), NULL), -EINVAL);
}

static void
structures_of_another_size_are_invalid(void **state)
{
	struct rig *r = *state;
	struct epair_if_info i = { .size = 0 };
	struct epair_usage u = { .size = 3 };

	assert_int_equal(epair_if_get_info(r->a, &i), -EINVAL);
	assert_int_equal(epair_get_usage(r->ep, &u), -EINVAL);
}

static void
errors_have_names(void **state)
{
	(void)state;
	assert_string_equal(epair_err_name(0), "0");
	assert_string_equal(epair_err_name(-ENXIO), "ENXIO");
	assert_string_equal(epair_err_name(ENXIO), "ENXIO");
	assert_string_equal(epair_err_name(-E2BIG), "E2BIG");
	assert_string_equal(epair_err_name(-ENETDOWN), "ENETDOWN");
	assert_string_equal(epair_err_name(123456), "E?");
}

static void
drops_have_words(void **state)
{
	(void)state;
	assert_string_equal(
	    epair_drop_word(EPAIR_DROP_QUEUE_FULL), "queue-full");
	assert_non_null(epair_drop_sentence(EPAIR_DROP_QUEUE_FULL));
	assert_null(epair_drop_word(EPAIR_DROP_MAX));
	assert_null(epair_drop_sentence((enum epair_drop)1000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(settable_flags_are_set_and_cleared),
		RIG_TEST(flags_of_the_driver_are_not_settable),
		RIG_TEST(up_and_down_may_be_repeated),
		RIG_TEST(mtu_is_from_72_to_65535),
		RIG_TEST(memberships_are_counted),
		RIG_TEST(membership_of_a_station_is_invalid),
		RIG_TEST(memberships_are_1024_at_most),
		RIG_TEST(only_10gbase_t_may_be_set_as_media),
		RIG_TEST(capabilities_are_a_pairs),
		RIG_TEST(segmentation_needs_checksums),
		RIG_TEST(vlan_mtu_stays_and_unknown_capabilities_are_invalid),
		RIG_TEST(queue_limit_is_from_1_to_1048576),
		RIG_TEST(link_follows_the_peer_when_asked),
		RIG_TEST(cable_that_is_cut_takes_the_link_of_who_hears_nothing),
		RIG_TEST(pair_can_be_made_to_follow_at_once),
		RIG_TEST(words_set_what_their_calls_set),
		RIG_TEST(bad_values_of_words_are_invalid),
		RIG_TEST(unknown_word_is_invalid_and_the_known_ones_are_named),
		RIG_TEST(word_that_is_no_number_is_told_what_may_be),
		RIG_TEST(words_say_what_sets_them_again),
		RIG_TEST(word_is_cut_off_where_there_is_no_room),
		RIG_TEST(structures_of_another_size_are_invalid),
		cmocka_unit_test(errors_have_names),
		cmocka_unit_test(drops_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
