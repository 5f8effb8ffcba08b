/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/api/rig.h"

static int
set_up(void **state)
{
	struct rig *r;

	if (rig_setup_bare(state) != 0)
		return -1;
	r = *state;
	r->a = make(r->ep, NULL, "epair0");
	r->b = epair_if_peer(r->a);
	assert_int_equal(epair_attach(r->b, "sink", NULL), 0);
	assert_int_equal(epair_if_up(r->a), 0);
	assert_int_equal(epair_if_up(r->b), 0);
	run(r);
	return 0;
}

#define SINK_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, rig_teardown)

static void
frames_are_swallowed_and_counted(void **state)
{
	struct epair_progress progress = { .size = sizeof(progress) };
	struct rig *r = *state;

	send_many(r->a, 500, 60);
	run(r);
	assert_int_equal(usage(r->ep).mbufs, 0);
	assert_int_equal(epair_attach_progress(r->b, &progress), 0);
	assert_int_equal(progress.received, 500);
	assert_int_equal(progress.sent, 0);
	assert_int_equal(stats(r->b).delivered, 500);
}

static void
nothing_is_finished_for_it(void **state)
{
	struct epair_progress progress = { .size = sizeof(progress) };
	struct rig *r = *state;
	struct epair_mbuf *m = frame(r->ep, 1000);

	/* Nonsense that finishing would refuse. */
	m->flags |= EPAIR_M_CSUM_PARTIAL;
	m->csum_start = 14;
	m->csum_offset = 16;
	m->gso = EPAIR_GSO_TCP4;
	m->gso_size = 100;
	assert_int_equal(transmit(r->a, m), 0);
	run(r);
	assert_int_equal(epair_attach_progress(r->b, &progress), 0);
	assert_int_equal(progress.received, 1);
	assert_int_equal(stats(r->b).drops[EPAIR_DROP_RX_OFFLOAD], 0);
}

static void
no_key_is_known(void **state)
{
	struct rig *r = *state;
	struct epair_err err;

	assert_int_equal(epair_attach(r->a, "sink:rate=1", &err), -EINVAL);
	assert_string_equal(
	    err.text, "unknown key 'rate'; there are none here");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SINK_TEST(frames_are_swallowed_and_counted),
		SINK_TEST(nothing_is_finished_for_it),
		SINK_TEST(no_key_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
