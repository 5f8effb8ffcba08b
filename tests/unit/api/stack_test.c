/* SPDX-License-Identifier: BSD-2-Clause */
#include "rig.h"

static struct epair_err err;

/* Callbacks that count, and do something once if asked to. */
struct calls {
	unsigned received, changed, detached;
	uint32_t what;
	int settled; /* within changed */
	enum { NOTHING, DETACH, DESTROY, REATTACH, SEND_BACK } then;
	int error; /* of what was done */
};

/* Static: what a test leaves attached is detached after it. */
static struct calls calls, at_a, at_b;

static void
receive(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	struct calls *its = arg;

	its->received += n;
	switch (its->then) {
	case DETACH:
		its->error = epair_detach(ifp, NULL);
		assert_int_equal(its->detached, 0);
		break;
	case DESTROY:
		its->error = epair_if_destroy(ifp, NULL);
		assert_int_equal(its->detached, 0);
		break;
	case REATTACH:
		its->error = epair_detach(ifp, NULL);
		assert_int_equal(its->error, 0);
		its->error = epair_attach(ifp, "sink", NULL);
		break;
	case SEND_BACK:
		its->error = epair_if_transmit(ifp, ms, n);
		n = 0;
		break;
	case NOTHING:
		break;
	}
	its->then = NOTHING;
	epair_mbuf_free(ms, n);
}

static void
changed(void *arg, struct epair_if *ifp, uint32_t what)
{
	struct calls *its = arg;

	its->changed++;
	its->what |= what;
	its->settled = epair_if_settled(ifp);
}

static void
detached(void *arg, struct epair_if *ifp)
{
	struct calls *its = arg;

	assert_non_null(ifp);
	its->detached++;
}

static const struct epair_stack counting = {
	.size = sizeof(counting),
	.receive = receive,
	.changed = changed,
	.detached = detached,
};

static int
set_up(void **state)
{
	struct rig *r;

	if (rig_setup_bare(state) != 0)
		return -1;
	r = *state;
	r->a = make(r->ep, NULL, "epair0");
	r->b = epair_if_peer(r->a);
	calls = at_a = at_b = (struct calls){ .error = -1 };
	assert_int_equal(epair_if_up(r->a), 0);
	assert_int_equal(epair_if_up(r->b), 0);
	run(r);
	return 0;
}

#define STACK_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, rig_teardown)

static void
attach(struct epair_if *ifp, struct calls *its)
{
	assert_int_equal(epair_attach_stack(ifp, &counting, its, &err), 0);
}

static void
frames_are_handed_to_receive(void **state)
{
	struct rig *r = *state;

	attach(r->b, &calls);
	send_many(r->a, 100, 60);
	assert_int_equal(calls.received, 0);
	run(r);
	assert_int_equal(calls.received, 100);
	assert_string_equal(info(r->b).attachment, "callbacks");
}

static void
changes_are_told(void **state)
{
	struct rig *r = *state;

	attach(r->b, &calls);
	run(r);
	calls.what = 0;
	assert_int_equal(epair_if_set_mtu(r->b, 9000, NULL), 0);
	assert_int_equal(epair_if_down(r->b), 0);
	run(r);
	assert_true(calls.what & EPAIR_CHANGED_MTU);
	assert_true(calls.what & EPAIR_CHANGED_FLAGS);
	assert_false(calls.what & EPAIR_CHANGED_MAC);
}

static void
detached_is_the_last_call(void **state)
{
	struct rig *r = *state;

	attach(r->b, &calls);
	send_many(r->a, 5, 60);
	assert_int_equal(epair_if_down(r->b), 0);
	assert_int_equal(epair_if_up(r->b), 0);
	assert_int_equal(epair_detach(r->b, NULL), 0);
	assert_int_equal(calls.detached, 1);
	run(r);
	assert_int_equal(calls.received, 0);
	assert_int_equal(calls.changed, 0);
	assert_int_equal(calls.detached, 1);
	assert_int_equal(stats(r->b).drops[EPAIR_DROP_RX_NO_STACK], 5);
}

static void
detaching_from_receive_ends_it_after_that_call(void **state)
{
	struct rig *r = *state;

	calls.then = DETACH;
	attach(r->b, &calls);
	send_many(r->a, 200, 60);
	run(r);
	assert_int_equal(calls.error, 0);
	assert_int_equal(calls.detached, 1);
	assert_int_equal(
	    calls.received + stats(r->b).drops[EPAIR_DROP_RX_NO_STACK], 200);
}

static void
another_may_be_attached_from_receive(void **state)
{
	struct rig *r = *state;

	calls.then = REATTACH;
	attach(r->b, &calls);
	send_many(r->a, 200, 60);
	run(r);
	assert_int_equal(calls.error, 0);
	assert_int_equal(calls.detached, 1);
	assert_string_equal(info(r->b).attachment, "sink");
	assert_int_equal(stats(r->b).delivered, 200);
}

static void
destroying_from_receive_ends_it_after_that_call(void **state)
{
	struct rig *r = *state;

	calls.then = DESTROY;
	attach(r->b, &calls);
	send_many(r->a, 200, 60);
	run(r);
	assert_int_equal(calls.error, 0);
	assert_int_equal(calls.detached, 1);
	assert_int_equal(
	    calls.received + stats(r->b).drops[EPAIR_DROP_RX_DESTROYED], 200);
	assert_int_equal(epair_if_destroy(r->b, NULL), -ENXIO);
}

static void
receive_may_transmit(void **state)
{
	struct rig *r = *state;

	at_b.then = SEND_BACK;
	attach(r->a, &at_a);
	attach(r->b, &at_b);
	send_many(r->a, 10, 60);
	run(r);
	assert_int_equal(at_b.received, 10);
	assert_int_equal(at_a.received, 10);
}

static void
refused_stack_is_not_told_that_it_was_detached(void **state)
{
	struct rig *r = *state;

	attach(r->b, &at_a);
	assert_int_equal(
	    epair_attach_stack(r->b, &counting, &at_b, &err), -EBUSY);
	assert_int_equal(at_b.detached, 0);
	assert_int_equal(epair_if_destroy(r->b, NULL), 0);
	assert_int_equal(at_a.detached, 1);
	assert_int_equal(
	    epair_attach_stack(r->b, &counting, &at_b, &err), -ENXIO);
	assert_int_equal(at_b.detached, 0);
}

static void
malformed_stacks_are_refused(void **state)
{
	struct rig *r = *state;
	struct epair_stack stack = counting;

	stack.receive = NULL;
	assert_int_equal(epair_attach_stack(r->b, &stack, NULL, &err), -EINVAL);
	assert_string_equal(err.text, "a stack needs a receive function");
	stack = counting;
	stack.accepts = EPAIR_CAP_VLAN_MTU;
	assert_int_equal(epair_attach_stack(r->b, &stack, NULL, &err), -EINVAL);
	stack = counting;
	stack.size = 4;
	assert_int_equal(epair_attach_stack(r->b, &stack, NULL, &err), -EINVAL);
	stack.size = sizeof(stack) + 8;
	assert_int_equal(epair_attach_stack(r->b, &stack, NULL, &err), -EINVAL);
	assert_string_equal(info(r->b).attachment, "");
}

static void
shorter_struct_of_an_older_caller_will_do(void **state)
{
	struct rig *r = *state;
	struct epair_stack stack = counting;

	stack.size = offsetof(struct epair_stack, accepts);
	stack.accepts = UINT32_MAX; /* not covered: not looked at */
	assert_int_equal(epair_attach_stack(r->b, &stack, &calls, &err), 0);
	send_many(r->a, 1, 60);
	run(r);
	assert_int_equal(calls.received, 1);
}

static void
interface_settles_when_its_stack_has_been_told(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_settled(r->a), 1);
	assert_int_equal(epair_attach_stack(r->a, &counting, &calls, &err), 0);
	assert_int_equal(epair_if_settled(r->a), 1);
	assert_int_equal(epair_if_set_mtu(r->a, 9000, &err), 0);
	assert_int_equal(epair_if_settled(r->a), 0);
	assert_int_equal(calls.changed, 0);
	run(r);
	assert_int_equal(calls.changed, 1);
	assert_int_equal(calls.settled, 0);
	assert_int_equal(epair_if_settled(r->a), 1);
	/* Taken away before it was told: nothing is left to tell. */
	assert_int_equal(epair_if_set_mtu(r->a, 1500, &err), 0);
	assert_int_equal(epair_detach(r->a, &err), 0);
	run(r);
	assert_int_equal(epair_if_settled(r->a), 1);
	assert_int_equal(epair_if_destroy(r->a, &err), 0);
	assert_int_equal(epair_if_settled(r->a), -ENXIO);
}

static void
changed_and_detached_need_not_be_set(void **state)
{
	struct rig *r = *state;
	const struct epair_stack stack = {
		.size = sizeof(stack),
		.receive = receive,
	};

	assert_int_equal(epair_attach_stack(r->b, &stack, &calls, NULL), 0);
	assert_int_equal(epair_if_set_mtu(r->b, 9000, NULL), 0);
	run(r);
	assert_int_equal(epair_detach(r->b, NULL), 0);
}

static void
kinds_are_listed_to_the_last(void **state)
{
	unsigned count = 0;

	(void)state;
	while (epair_kind_at(count) != NULL)
		count++;
	assert_in_range(count, 3, 100);
	assert_null(epair_kind_at(count + 1));
	assert_null(epair_kind_at(UINT32_MAX));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STACK_TEST(frames_are_handed_to_receive),
		STACK_TEST(changes_are_told),
		STACK_TEST(detached_is_the_last_call),
		STACK_TEST(detaching_from_receive_ends_it_after_that_call),
		STACK_TEST(another_may_be_attached_from_receive),
		STACK_TEST(destroying_from_receive_ends_it_after_that_call),
		STACK_TEST(receive_may_transmit),
		STACK_TEST(refused_stack_is_not_told_that_it_was_detached),
		STACK_TEST(malformed_stacks_are_refused),
		STACK_TEST(shorter_struct_of_an_older_caller_will_do),
		STACK_TEST(interface_settles_when_its_stack_has_been_told),
		STACK_TEST(changed_and_detached_need_not_be_set),
		cmocka_unit_test(kinds_are_listed_to_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
