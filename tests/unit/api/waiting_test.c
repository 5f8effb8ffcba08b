/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames that wait, and the tasks that come for them: contract 4.2 to 4.5. */
#include "rig.h"

static void
queue_holds_4096_and_drops_the_newest(void **state)
{
	struct rig *r = *state;
	struct epair_if_stats s;

	send_many(r->a, 4098, 60);
	s = stats(r->a);
	assert_int_equal(s.opackets, 4096);
	assert_int_equal(s.obytes, 4096 * 60);
	assert_int_equal(s.oqdrops, 2);
	assert_int_equal(s.oerrors, 0);
	assert_int_equal(s.drops[EPAIR_DROP_QUEUE_FULL], 2);
	assert_int_equal(stats(r->b).ipackets, 4096);
	assert_int_equal(stats(r->b).ierrors, 0);
	run(r);
	assert_int_equal(r->at_b.count, 4096);
	assert_true(in_order(&r->at_b, 0));
}

static void
queue_limit_can_be_set(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_queue_limit(r->b, 2, NULL), 0);
	send_many(r->a, 3, 60);
	assert_int_equal(stats(r->a).oqdrops, 1);
	assert_int_equal(epair_if_set_queue_limit(r->b, 5000, NULL), 0);
	send_many(r->a, 4999, 60);
	assert_int_equal(stats(r->a).oqdrops, 2);
	assert_int_equal(stats(r->b).ipackets, 5000);
}

static void
send_4096_more(struct seen *seen, struct epair_if *ifp)
{
	struct rig *r = seen->arg;

	(void)ifp;
	seen->then = NULL;
	send_many(r->a, 4096, 60);
}

static void
frames_that_a_task_has_taken_no_longer_count(void **state)
{
	struct rig *r = *state;

	r->at_b.then = send_4096_more;
	r->at_b.arg = r;
	send_many(r->a, 4096, 60);
	run(r);
	assert_int_equal(stats(r->a).oqdrops, 0);
	assert_int_equal(r->at_b.count, 8192);
}

static void
task_is_scheduled_once(void **state)
{
	struct rig *r = *state;

	assert_int_equal(usage(r->ep).tasks_waiting, 0);
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(usage(r->ep).tasks_waiting, 1);
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(usage(r->ep).tasks_waiting, 1);
	assert_int_equal(send_one(r->b, 60), 0);
	assert_int_equal(usage(r->ep).tasks_waiting, 2);
	assert_int_equal(epair_step(r->ep, 1), 1);
	assert_int_equal(r->at_b.count, 2);
	assert_int_equal(r->at_a.count, 0);
}

/* Send another frame to where this one came from. */
static void
send_one_more(struct seen *seen, struct epair_if *ifp)
{
	struct epair_if *peer = epair_if_peer(ifp);

	assert_int_equal(send_one(peer, 60), 0);
	epair_if_put(peer);
	if (seen->count >= 3)
		seen->then = NULL;
}

static void
task_takes_the_queue_once_and_lines_up_again(void **state)
{
	struct rig *r = *state;

	r->at_b.then = send_one_more;
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(epair_step(r->ep, 1), 1);
	assert_int_equal(r->at_b.count, 1);
	assert_int_equal(epair_step(r->ep, 1), 1);
	assert_int_equal(r->at_b.count, 2);
	run(r);
	assert_int_equal(r->at_b.count, 4);
}

static void
task_lines_up_behind_those_that_wait(void **state)
{
	struct rig *r = *state;

	r->at_b.then = send_one_more;
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(send_one(r->b, 60), 0);
	assert_int_equal(epair_step(r->ep, 1), 2);
	assert_int_equal(r->at_b.count, 1);
	assert_int_equal(epair_step(r->ep, 1), 1);
	assert_int_equal(r->at_a.count, 1);
	assert_int_equal(r->at_b.count, 1);
	run(r);
}

static void
step_with_nothing_to_do_ends(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_step(r->ep, 1000000000), 0);
	assert_int_equal(epair_step(r->ep, 0), 0);
}

static void
run_is_bounded_when_asked(void **state)
{
	struct rig *r = *state;

	r->at_b.then = send_one_more;
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(epair_run(r->ep, 2), 1);
	assert_int_equal(r->at_b.count, 2);
	run(r);
}

static void
pair_at_its_limit_takes_no_more(void **state)
{
	const struct epair_create how = { .size = sizeof(how), .mbufs_max = 3 };
	struct rig *r = *state;
	struct epair_if *a, *b;

	assert_int_equal(
	    epair_if_create(r->ep, NULL, "epair1", &how, &a, NULL), 0);
	b = epair_if_peer(a);
	assert_int_equal(epair_if_up(a), 0);
	assert_int_equal(epair_if_up(b), 0);
	send_many(a, 5, 60);
	assert_int_equal(stats(a).drops[EPAIR_DROP_LIMIT], 2);
	assert_int_equal(stats(a).oqdrops, 2);
	assert_int_equal(stats(b).ipackets, 3);
	/* No other pair is poorer by it. */
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(stats(r->a).opackets, 1);
	epair_if_put(a);
	epair_if_put(b);
}

static void
vnet_at_its_limit_takes_no_more(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_vnet_set_limit(r->ep, "red", 2, NULL), -ENOENT);
	assert_int_equal(epair_vnet_set_limit(r->ep, "vnet0", 2, NULL), 0);
	send_many(r->a, 3, 60);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_LIMIT], 1);
	run(r);
	forget(&r->at_b);
	send_many(r->a, 2, 60);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_LIMIT], 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(queue_holds_4096_and_drops_the_newest),
		RIG_TEST(queue_limit_can_be_set),
		RIG_TEST(frames_that_a_task_has_taken_no_longer_count),
		RIG_TEST(task_is_scheduled_once),
		RIG_TEST(task_takes_the_queue_once_and_lines_up_again),
		RIG_TEST(task_lines_up_behind_those_that_wait),
		RIG_TEST(step_with_nothing_to_do_ends),
		RIG_TEST(run_is_bounded_when_asked),
		RIG_TEST(pair_at_its_limit_takes_no_more),
		RIG_TEST(vnet_at_its_limit_takes_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
