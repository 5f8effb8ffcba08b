/* SPDX-License-Identifier: BSD-2-Clause */
/* Moving between vnets, and their end: contract 8.2 and 8.3. */
#include "rig.h"

static void
add_vnet(struct rig *r, const char *name)
{
	assert_int_equal(epair_vnet_add(r->ep, name, NULL, NULL), 0);
}

static int
move(struct epair_if *ifp, const char *vnet)
{
	return epair_if_move(ifp, vnet, NULL);
}

static int
end_vnet(struct rig *r, const char *name)
{
	return epair_vnet_del(r->ep, name, NULL);
}

static void
moved_interface_keeps_what_it_is(void **state)
{
	struct rig *r = *state;
	struct epair_if_info was, is;

	add_vnet(r, "red");
	assert_int_equal(epair_if_set_mtu(r->b, 9000, NULL), 0);
	assert_int_equal(epair_if_set_fib(r->b, 3), 0);
	assert_int_equal(epair_if_describe(r->b, "to red", NULL), 0);
	assert_int_equal(epair_if_set_caps(r->b, 0, EPAIR_CAP_TSO, NULL), 0);
	assert_int_equal(send_one(r->b, 60), 0);
	was = info(r->b);
	assert_int_equal(move(r->b, "red"), 0);
	is = info(r->b);
	assert_string_equal(is.vnet, "red");
	assert_string_equal(is.home, "vnet0");
	assert_string_equal(is.name, "epair0b");
	assert_string_equal(is.descr, "to red");
	assert_int_equal(is.index, was.index);
	assert_memory_equal(is.mac, was.mac, 6);
	assert_int_equal(is.mtu, 9000);
	assert_int_equal(is.fib, 3);
	assert_int_equal(is.caps, was.caps);
	assert_int_equal(is.unit, 0);
	assert_string_equal(is.peer, "epair0a");
	assert_int_equal(is.link, EPAIR_LINK_UP);
	assert_true(is.flags & EPAIR_IFF_RUNNING);
	assert_int_equal(stats(r->b).opackets, 1);
	assert_string_equal(info(r->a).peer_vnet, "red");
}

static void
moved_interface_loses_up_memberships_and_discipline(void **state)
{
	struct rig *r = *state;
	struct epair_if_info is;

	add_vnet(r, "red");
	assert_int_equal(epair_if_multi_add(r->b, mac_group), 0);
	assert_int_equal(epair_if_set_qdisc(r->b, "fifo:limit=8", NULL), 0);
	assert_int_equal(move(r->b, "red"), 0);
	is = info(r->b);
	assert_false(is.flags & EPAIR_IFF_UP);
	assert_int_equal(is.multi_count, 0);
	assert_string_equal(is.qdisc, "");
}

static void
moved_interface_goes_last_in_the_list(void **state)
{
	struct rig *r = *state;

	add_vnet(r, "red");
	(void)make_name(r->ep, "red", "epair5");
	assert_int_equal(move(r->a, "red"), 0);
	assert_string_equal(list(r->ep, NULL), "epair0b");
	assert_string_equal(list(r->ep, "red"), "epair5a epair5b epair0a");
}

static void
stack_attached_by_hand_moves_along(void **state)
{
	struct rig *r = *state;

	add_vnet(r, "red");
	assert_int_equal(move(r->b, "red"), 0);
	assert_int_equal(r->at_b.detached, 0);
	assert_int_equal(epair_if_up(r->b), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_int_equal(r->at_b.count, 1);
}

static void
what_is_queued_is_delivered_where_the_interface_then_is(void **state)
{
	struct rig *r = *state;

	add_vnet(r, "red");
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(move(r->b, "red"), 0);
	assert_int_equal(stats(r->b).queued, 1);
	assert_int_equal(epair_if_up(r->b), 0);
	run(r);
	assert_int_equal(r->at_b.count, 1);
}

static void
what_is_queued_is_lost_on_an_interface_that_is_left_down(void **state)
{
	struct rig *r = *state;

	add_vnet(r, "red");
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(move(r->b, "red"), 0);
	run(r);
	assert_int_equal(r->at_b.count, 0);
	assert_int_equal(stats(r->b).drops[EPAIR_DROP_RX_DOWN], 1);
}

static void
peer_sees_only_a_peer_that_is_down(void **state)
{
	struct rig *r = *state;
	struct epair_if_info was = info(r->a), is;

	add_vnet(r, "red");
	assert_int_equal(move(r->b, "red"), 0);
	is = info(r->a);
	assert_int_equal(is.flags, was.flags);
	assert_int_equal(is.link, was.link);
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_PEER_DOWN], 1);
}

static void
move_to_where_the_name_is_taken_is_refused(void **state)
{
	struct rig *r = *state;

	add_vnet(r, "red");
	(void)make_name(r->ep, "red", "epair0");
	assert_int_equal(move(r->a, "red"), -EEXIST);
	assert_int_equal(move(r->a, "vnet0"), -EEXIST);
	assert_true(info(r->a).flags & EPAIR_IFF_UP);
	assert_string_equal(list(r->ep, NULL), "epair0a epair0b");
}

static void
move_to_nowhere_is_refused(void **state)
{
	struct rig *r = *state;

	assert_int_equal(move(r->a, "red"), -ENOENT);
	assert_string_equal(info(r->a).vnet, "vnet0");
}

static void
both_ends_may_meet_in_another_vnet(void **state)
{
	struct rig *r = *state;

	add_vnet(r, "red");
	assert_int_equal(move(r->b, "red"), 0);
	assert_int_equal(move(r->a, "red"), 0);
	assert_string_equal(list(r->ep, "red"), "epair0b epair0a");
	assert_int_equal(epair_if_up(r->a), 0);
	assert_int_equal(epair_if_up(r->b), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_int_equal(r->at_b.count, 1);
	/* The unit is still that of its home. */
	assert_int_equal(make_error(r->ep, NULL, "epair0"), -EEXIST);
	assert_int_equal(make_error(r->ep, "red", "epair0"), -EEXIST);
}

static void
guests_go_home_when_a_vnet_ends(void **state)
{
	struct rig *r = *state;

	add_vnet(r, "red");
	(void)make_name(r->ep, NULL, "epair1");
	assert_int_equal(move(r->a, "red"), 0);
	assert_int_equal(epair_if_up(r->a), 0);
	assert_int_equal(end_vnet(r, "red"), 0);
	assert_string_equal(info(r->a).vnet, "vnet0");
	assert_false(info(r->a).flags & EPAIR_IFF_UP);
	assert_string_equal(
	    list(r->ep, NULL), "epair0b epair1a epair1b epair0a");
	assert_int_equal(r->at_a.detached, 0);
	assert_int_equal(usage(r->ep).vnets, 1);
}

static void
pairs_of_a_vnet_end_with_it_wherever_they_are(void **state)
{
	struct rig *r = *state;
	struct epair_if *b;

	add_vnet(r, "red");
	add_vnet(r, "blue");
	(void)make_name(r->ep, "red", "epair4");
	(void)make_name(r->ep, "red", "epair5");
	b = find(r->ep, "red", "epair4b");
	assert_int_equal(move(b, "blue"), 0);
	assert_int_equal(end_vnet(r, "red"), 0);
	assert_string_equal(list(r->ep, "blue"), "");
	assert_int_equal(epair_if_up(b), -ENXIO);
	assert_int_equal(usage(r->ep).pairs, 1);
	epair_if_put(b);
}

static void
vnet_begins_anew_after_its_end(void **state)
{
	struct rig *r = *state;

	add_vnet(r, "red");
	(void)make_name(r->ep, "red", "epair0");
	assert_int_equal(end_vnet(r, "red"), 0);
	assert_int_equal(end_vnet(r, "red"), -ENOENT);
	assert_int_equal(epair_if_list(r->ep, "red", NULL, 0), -ENOENT);
	add_vnet(r, "red");
	assert_string_equal(list(r->ep, "red"), "");
	assert_string_equal(make_name(r->ep, "red", "epair"), "epair0a");
}

static void
guest_whose_name_is_taken_at_home_is_renamed_by_its_index(void **state)
{
	struct rig *r = *state;
	struct epair_if *other = make(r->ep, NULL, "epair1");

	add_vnet(r, "red");
	assert_int_equal(move(r->b, "red"), 0);
	assert_int_equal(epair_if_rename(other, "epair0b", NULL), 0);
	assert_int_equal(end_vnet(r, "red"), 0);
	assert_int_equal(info(r->b).index, 2);
	assert_string_equal(info(r->b).name, "dev2");
	assert_string_equal(info(r->b).vnet, "vnet0");
	epair_if_put(other);
}

static void
guest_is_renamed_even_where_that_name_is_taken_too(void **state)
{
	struct rig *r = *state;
	struct epair_if *other = make(r->ep, NULL, "epair1");
	struct epair_if *another = epair_if_peer(other);

	add_vnet(r, "red");
	assert_int_equal(move(r->b, "red"), 0);
	assert_int_equal(epair_if_rename(other, "epair0b", NULL), 0);
	assert_int_equal(epair_if_rename(another, "dev2", NULL), 0);
	assert_int_equal(end_vnet(r, "red"), 0);
	assert_string_equal(info(r->b).vnet, "vnet0");
	assert_string_not_equal(info(r->b).name, "dev2");
	assert_string_not_equal(info(r->b).name, "epair0b");
	assert_int_equal(epair_if_list(r->ep, NULL, NULL, 0), 4);
	epair_if_put(other);
	epair_if_put(another);
}

static void
first_vnet_cannot_be_ended(void **state)
{
	struct rig *r = *state;

	assert_int_equal(end_vnet(r, "vnet0"), -EBUSY);
	assert_int_equal(end_vnet(r, "green"), -ENOENT);
	assert_string_equal(list(r->ep, NULL), "epair0a epair0b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(moved_interface_keeps_what_it_is),
		RIG_TEST(moved_interface_loses_up_memberships_and_discipline),
		RIG_TEST(moved_interface_goes_last_in_the_list),
		RIG_TEST(stack_attached_by_hand_moves_along),
		RIG_TEST(
		    what_is_queued_is_delivered_where_the_interface_then_is),
		RIG_TEST(
		    what_is_queued_is_lost_on_an_interface_that_is_left_down),
		RIG_TEST(peer_sees_only_a_peer_that_is_down),
		RIG_TEST(move_to_where_the_name_is_taken_is_refused),
		RIG_TEST(move_to_nowhere_is_refused),
		RIG_TEST(both_ends_may_meet_in_another_vnet),
		RIG_TEST(guests_go_home_when_a_vnet_ends),
		RIG_TEST(pairs_of_a_vnet_end_with_it_wherever_they_are),
		RIG_TEST(vnet_begins_anew_after_its_end),
		RIG_TEST(
		    guest_whose_name_is_taken_at_home_is_renamed_by_its_index),
		RIG_TEST(guest_is_renamed_even_where_that_name_is_taken_too),
		RIG_TEST(first_vnet_cannot_be_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
