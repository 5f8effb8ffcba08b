/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a pair: contract 8.1. */
#include "rig.h"

/* Both ends are gone by name, and their stacks know. */
static void
assert_gone(struct rig *r)
{
	assert_null(find(r->ep, NULL, "epair0a"));
	assert_null(find(r->ep, NULL, "epair0b"));
	assert_string_equal(list(r->ep, NULL), "");
	assert_int_equal(usage(r->ep).pairs, 0);
	assert_int_equal(r->at_a.detached, 1);
	assert_int_equal(r->at_b.detached, 1);
}

static void
destroying_the_a_end_destroys_both(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	assert_gone(r);
}

static void
destroying_the_b_end_destroys_both(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_destroy(r->b, NULL), 0);
	assert_gone(r);
}

static void
second_destroy_finds_nothing(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	assert_int_equal(epair_if_destroy(r->a, NULL), -ENXIO);
	assert_int_equal(epair_if_destroy(r->b, NULL), -ENXIO);
}

static void
unit_and_indexes_are_free_again(void **state)
{
	struct rig *r = *state;
	struct epair_if *a;

	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	a = make(r->ep, NULL, "epair0");
	assert_int_equal(info(a).index, 1);
	assert_int_equal(info(a).peer_index, 2);
	epair_if_put(a);
}

static void
frames_still_queued_are_freed_and_counted(void **state)
{
	struct rig *r = *state;

	send_many(r->a, 5, 60);
	assert_int_equal(send_one(r->b, 60), 0);
	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	assert_int_equal(usage(r->ep).mbufs, 0);
	assert_int_equal(usage(r->ep).tasks_waiting, 0);
	run(r);
	assert_int_equal(r->at_a.count + r->at_b.count, 0);
	assert_int_equal(stats(r->b).drops[EPAIR_DROP_RX_DESTROYED], 5);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_RX_DESTROYED], 1);
	assert_int_equal(stats(r->b).ipackets, 5);
	assert_int_equal(stats(r->b).queued, 0);
}

static void
pair_with_its_ends_in_two_vnets_is_destroyed_whole(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_vnet_add(r->ep, "red", NULL, NULL), 0);
	assert_int_equal(epair_if_move(r->b, "red", NULL), 0);
	assert_int_equal(epair_if_destroy(r->b, NULL), 0);
	assert_string_equal(list(r->ep, "red"), "");
	assert_gone(r);
	assert_string_equal(make_name(r->ep, NULL, "epair"), "epair0a");
}

static void
transmit_afterwards_frees_the_frame(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *ms[3] = { frame(r->ep, 60), frame(r->ep, 60),
		frame(r->ep, 60) };

	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	assert_int_equal(send_one(r->a, 60), -ENXIO);
	assert_int_equal(epair_if_transmit(r->b, ms, 3), -ENXIO);
	assert_int_equal(usage(r->ep).mbufs, 0);
}

static void
reference_to_what_is_destroyed_answers_enxio(void **state)
{
	struct epair_if_info i = { .size = sizeof(i) };
	struct epair_mbuf *m;
	struct rig *r = *state;

	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	assert_int_equal(epair_if_get_info(r->a, &i), -ENXIO);
	assert_int_equal(epair_if_up(r->a), -ENXIO);
	assert_int_equal(epair_if_down(r->a), -ENXIO);
	assert_int_equal(epair_if_set_mtu(r->a, 1500, NULL), -ENXIO);
	assert_int_equal(epair_if_set_fib(r->a, 1), -ENXIO);
	assert_int_equal(epair_if_set_mac(r->a, mac_station, NULL), -ENXIO);
	assert_int_equal(epair_if_set_queue_limit(r->a, 9, NULL), -ENXIO);
	assert_int_equal(epair_if_set_qdisc(r->a, NULL, NULL), -ENXIO);
	assert_int_equal(
	    epair_if_set_caps(r->a, 0, EPAIR_CAP_TSO, NULL), -ENXIO);
	assert_int_equal(epair_if_move(r->a, "vnet0", NULL), -ENXIO);
	assert_int_equal(epair_if_rename(r->a, "x", NULL), -ENXIO);
	assert_int_equal(epair_if_describe(r->a, "x", NULL), -ENXIO);
	assert_int_equal(epair_if_multi_add(r->a, mac_group), -ENXIO);
	assert_int_equal(epair_if_multi_del(r->a, mac_group), -ENXIO);
	assert_int_equal(epair_if_set(r->a, "up", NULL, NULL), -ENXIO);
	assert_int_equal(epair_attach_pull(r->a, 0, NULL), -ENXIO);
	assert_int_equal(epair_detach(r->a, NULL), -ENXIO);
	assert_int_equal(epair_if_recv(r->a, &m, 1), -ENXIO);
	assert_int_equal(epair_if_recv_fd(r->a), -ENXIO);
}

static void
counters_can_be_read_afterwards(void **state)
{
	struct rig *r = *state;
	struct epair_if *b;

	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	assert_int_equal(stats(r->a).opackets, 1);
	b = epair_if_peer(r->a);
	assert_int_equal(stats(b).ipackets, 1);
	epair_if_put(b);
}

static void
put_and_destroyed_interface_is_no_more(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	assert_int_not_equal(usage(r->ep).interfaces, 0);
	epair_if_put(r->a);
	r->a = NULL;
	assert_int_not_equal(usage(r->ep).interfaces, 0);
	epair_if_put(r->b);
	r->b = NULL;
	run(r);
	assert_int_equal(usage(r->ep).interfaces, 0);
}

/* Destroy the pair in arg. */
static void
destroy_that(struct seen *seen, struct epair_if *ifp)
{
	struct epair_if *which = seen->arg;

	(void)ifp;
	seen->then = NULL;
	assert_int_equal(epair_if_destroy(which, NULL), 0);
	assert_int_equal(epair_if_destroy(which, NULL), -ENXIO);
	assert_int_equal(send_one(which, 60), -ENXIO);
}

static void
pair_is_destroyed_from_its_own_callback(void **state)
{
	struct rig *r = *state;

	r->at_b.then = destroy_that;
	r->at_b.arg = r->b;
	send_many(r->a, 3, 60);
	assert_int_equal(send_one(r->b, 60), 0);
	run(r);
	assert_int_equal(r->at_b.calls, 1);
	assert_int_equal(r->at_b.count, 3);
	assert_int_equal(r->at_a.count, 0);
	assert_gone(r);
}

static void
pair_is_destroyed_from_the_peers_callback(void **state)
{
	struct rig *r = *state;

	r->at_b.then = destroy_that;
	r->at_b.arg = r->a;
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_int_equal(r->at_b.count, 1);
	assert_gone(r);
}

static void
frames_that_wait_while_a_callback_destroys_are_freed(void **state)
{
	struct rig *r = *state;

	r->at_b.then = destroy_that;
	r->at_b.arg = r->a;
	send_many(r->b, 3, 60);
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(epair_step(r->ep, 1), 1);
	assert_int_equal(r->at_a.count, 3);
	send_many(r->b, 2, 60);
	run(r);
	assert_int_equal(r->at_a.count, 3);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_RX_DESTROYED], 2);
	assert_gone(r);
}

static void
another_pair_is_destroyed_from_a_callback(void **state)
{
	struct rig *r = *state;
	struct epair_if *other = make(r->ep, NULL, "epair1");

	r->at_b.then = destroy_that;
	r->at_b.arg = other;
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_string_equal(list(r->ep, NULL), "epair0a epair0b");
	epair_if_put(other);
}

/* End the vnet named by arg. */
static void
end_vnet(struct seen *seen, struct epair_if *ifp)
{
	struct epair *ep = epair_if_instance(ifp);

	seen->then = NULL;
	assert_int_equal(epair_vnet_del(ep, seen->arg, NULL), 0);
}

static void
vnet_is_ended_from_a_callback_in_it(void **state)
{
	static char red[] = "red";
	struct rig *r = *state;
	struct epair_if *a, *b;
	static struct seen seen;

	assert_int_equal(epair_vnet_add(r->ep, red, NULL, NULL), 0);
	a = make(r->ep, red, "epair7");
	b = epair_if_peer(a);
	assert_int_equal(epair_if_up(a), 0);
	assert_int_equal(epair_if_up(b), 0);
	seen.then = end_vnet;
	seen.arg = red;
	keep(b, &seen);
	assert_int_equal(send_one(a, 60), 0);
	run(r);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.detached, 1);
	assert_int_equal(usage(r->ep).vnets, 1);
	forget(&seen);
	epair_if_put(a);
	epair_if_put(b);
}

/* Called while red ends. */
static void
make_namesake(void *arg, struct epair_if *ifp)
{
	struct epair *ep = epair_if_instance(ifp);
	char names[3][EPAIR_NAME_MAX];
	struct epair_vnet_info info = { .size = sizeof(info) };

	++*(int *)arg;
	assert_int_equal(epair_vnet_add(ep, "red", NULL, NULL), -EEXIST);
	assert_int_equal(epair_vnet_get_info(ep, "red", &info), -ENOENT);
	assert_int_equal(epair_vnet_list(ep, names, 3), 2);
}

static void
free_frames(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	(void)arg;
	(void)ifp;
	epair_mbuf_free(ms, n);
}

static void
name_of_a_vnet_is_free_when_it_has_ended(void **state)
{
	static const struct epair_stack stack = {
		.size = sizeof(stack),
		.receive = free_frames,
		.detached = make_namesake,
	};
	struct rig *r = *state;
	struct epair_if *a;
	int detached = 0;

	assert_int_equal(epair_vnet_add(r->ep, "red", NULL, NULL), 0);
	a = make(r->ep, "red", "epair7");
	assert_int_equal(epair_attach_stack(a, &stack, &detached, NULL), 0);
	assert_int_equal(epair_vnet_del(r->ep, "red", NULL), 0);
	assert_int_equal(detached, 1);
	assert_int_equal(epair_vnet_add(r->ep, "red", NULL, NULL), 0);
	assert_int_equal(epair_vnet_del(r->ep, "red", NULL), 0);
	epair_if_put(a);
}

/* Take the stack away that is being called. */
static void
detach_self(struct seen *seen, struct epair_if *ifp)
{
	seen->then = NULL;
	assert_int_equal(epair_detach(ifp, NULL), 0);
}

static void
stack_is_detached_from_its_own_callback(void **state)
{
	struct rig *r = *state;

	r->at_b.then = detach_self;
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_int_equal(r->at_b.detached, 1);
	assert_int_equal(epair_detach(r->b, NULL), -ENOENT);
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_int_equal(r->at_b.count, 1);
	keep(r->b, &r->at_b);
}

static void
one_thing_is_attached_at_a_time(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_attach_pull(r->a, 0, NULL), -EBUSY);
	assert_int_equal(epair_detach(r->a, NULL), 0);
	assert_int_equal(r->at_a.detached, 1);
	assert_int_equal(epair_attach_pull(r->a, 0, NULL), 0);
}

static void
unload_destroys_what_is_left(void **state)
{
	struct epair *ep = instance();
	struct epair_if *a = make(ep, NULL, "epair"), *b = epair_if_peer(a);

	(void)state;
	(void)make_name(ep, NULL, "epair");
	assert_int_equal(epair_vnet_add(ep, "red", NULL, NULL), 0);
	(void)make_name(ep, "red", "epair");
	assert_int_equal(epair_if_up(a), 0);
	assert_int_equal(epair_if_up(b), 0);
	send_many(a, 10, 60);
	epair_if_put(a);
	epair_if_put(b);
	assert_int_equal(epair_free(ep), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(destroying_the_a_end_destroys_both),
		RIG_TEST(destroying_the_b_end_destroys_both),
		RIG_TEST(second_destroy_finds_nothing),
		RIG_TEST(unit_and_indexes_are_free_again),
		RIG_TEST(frames_still_queued_are_freed_and_counted),
		RIG_TEST(pair_with_its_ends_in_two_vnets_is_destroyed_whole),
		RIG_TEST(transmit_afterwards_frees_the_frame),
		RIG_TEST(reference_to_what_is_destroyed_answers_enxio),
		RIG_TEST(counters_can_be_read_afterwards),
		RIG_TEST(put_and_destroyed_interface_is_no_more),
		RIG_TEST(pair_is_destroyed_from_its_own_callback),
		RIG_TEST(pair_is_destroyed_from_the_peers_callback),
		RIG_TEST(frames_that_wait_while_a_callback_destroys_are_freed),
		RIG_TEST(another_pair_is_destroyed_from_a_callback),
		RIG_TEST(vnet_is_ended_from_a_callback_in_it),
		RIG_TEST(name_of_a_vnet_is_free_when_it_has_ended),
		RIG_TEST(stack_is_detached_from_its_own_callback),
		RIG_TEST(one_thing_is_attached_at_a_time),
		cmocka_unit_test(unload_destroys_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
