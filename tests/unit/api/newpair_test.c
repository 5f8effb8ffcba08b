/* SPDX-License-Identifier: BSD-2-Clause */
/* What a new pair looks like: contract 2.1 and 2.2. */
#include "rig.h"

#define FLAGS_NEW \
	(EPAIR_IFF_BROADCAST | EPAIR_IFF_RUNNING | EPAIR_IFF_SIMPLEX | \
	    EPAIR_IFF_MULTICAST)

static void
assert_new(struct epair_if *ifp)
{
	const struct epair_if_info i = info(ifp);

	assert_int_equal(i.mtu, 1500);
	assert_int_equal(i.flags, FLAGS_NEW);
	assert_int_equal(i.caps, EPAIR_CAP_DEFAULT);
	assert_int_equal(i.link, EPAIR_LINK_UP);
	assert_int_equal(i.baudrate, 10000000000u);
	assert_int_equal(i.media_current, EPAIR_MEDIA_10GBASE_T);
	assert_int_equal(
	    i.media_active, EPAIR_MEDIA_10GBASE_T | EPAIR_MEDIA_FDX);
	assert_int_equal(
	    i.media_status, EPAIR_MEDIA_AVALID | EPAIR_MEDIA_ACTIVE);
	assert_int_equal(i.queues, 1);
	assert_int_equal(i.queue_limit, 4096);
	assert_int_equal(i.fib, 0);
	assert_int_equal(i.multi_count, 0);
	assert_string_equal(i.vnet, "vnet0");
	assert_string_equal(i.home, "vnet0");
	assert_string_equal(i.descr, "");
	assert_string_equal(i.attachment, "");
	assert_string_equal(i.qdisc, "");
}

static void
new_ends_look_as_the_originals(void **state)
{
	struct rig *r = *state;
	struct epair_if *a = make(r->ep, NULL, "epair"), *b = epair_if_peer(a);

	assert_new(a);
	assert_new(b);
	assert_int_equal(stats(a).opackets + stats(b).ipackets, 0);
	epair_if_put(a);
	epair_if_put(b);
}

static void
ends_know_each_other(void **state)
{
	struct rig *r = *state;
	struct epair_if *a = make(r->ep, NULL, "epair3");
	struct epair_if *b = epair_if_peer(a), *again = epair_if_peer(b);

	assert_string_equal(info(a).name, "epair3a");
	assert_string_equal(info(a).peer, "epair3b");
	assert_string_equal(info(b).peer, "epair3a");
	assert_string_equal(info(b).peer_vnet, "vnet0");
	assert_int_equal(info(a).peer_index, info(b).index);
	assert_int_equal(info(a).side, 'a');
	assert_int_equal(info(b).side, 'b');
	assert_int_equal(info(b).unit, 3);
	assert_int_equal(info(again).index, info(a).index);
	assert_ptr_equal(epair_if_instance(a), r->ep);
	epair_if_put(again);
	epair_if_put(b);
	epair_if_put(a);
}

static void
indexes_are_the_lowest_free_from_one(void **state)
{
	struct rig *r = *state;
	struct epair_if *first = make(r->ep, NULL, "epair0");
	struct epair_if *second, *third, *peer;

	assert_int_equal(epair_vnet_add(r->ep, "red", NULL, NULL), 0);
	second = make(r->ep, "red", "epair0");
	assert_int_equal(info(first).index, 1);
	assert_int_equal(info(first).peer_index, 2);
	assert_int_equal(info(second).index, 3);
	assert_int_equal(info(second).peer_index, 4);
	destroy(first);
	third = make(r->ep, NULL, "epair9");
	assert_int_equal(info(third).index, 1);
	assert_int_equal(info(third).peer_index, 2);
	assert_int_equal(epair_if_get_index(r->ep, 2, &peer), 0);
	assert_string_equal(info(peer).name, "epair9b");
	epair_if_put(peer);
	epair_if_put(second);
	epair_if_put(third);
}

static void
options_of_another_size_are_invalid(void **state)
{
	struct epair_create how = { .size = 0, .mtu = 9000 };
	struct rig *r = *state;

	assert_int_equal(
	    epair_if_create(r->ep, NULL, "epair", &how, NULL, NULL), -EINVAL);
	how.size = sizeof(how) + 1;
	assert_int_equal(
	    epair_if_create(r->ep, NULL, "epair", &how, NULL, NULL), -EINVAL);
	assert_int_equal(usage(r->ep).pairs, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BARE_TEST(new_ends_look_as_the_originals),
		BARE_TEST(ends_know_each_other),
		BARE_TEST(indexes_are_the_lowest_free_from_one),
		BARE_TEST(options_of_another_size_are_invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
