/* SPDX-License-Identifier: BSD-2-Clause */
/* Receive: contract 5. */
#include "rig.h"

static void
frame_for_an_end_that_went_down_vanishes(void **state)
{
	struct rig *r = *state;
	struct epair_if_stats s;

	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(epair_if_down(r->b), 0);
	run(r);
	s = stats(r->b);
	assert_int_equal(r->at_b.count, 0);
	assert_int_equal(s.ipackets, 1);
	assert_int_equal(s.ibytes, 0);
	assert_int_equal(s.ierrors, 0);
	assert_int_equal(s.delivered, 0);
	assert_int_equal(s.drops[EPAIR_DROP_RX_DOWN], 1);
	assert_int_equal(usage(r->ep).mbufs, 0);
}

static void
frame_shorter_than_a_header_is_an_error(void **state)
{
	struct rig *r = *state;
	struct epair_if_stats s;

	assert_int_equal(send_one(r->a, 13), 0);
	assert_int_equal(send_one(r->a, 1), 0);
	assert_int_equal(stats(r->a).obytes, 14);
	run(r);
	s = stats(r->b);
	assert_int_equal(r->at_b.count, 0);
	assert_int_equal(s.ipackets, 2);
	assert_int_equal(s.ierrors, 2);
	assert_int_equal(s.ibytes, 0);
	assert_int_equal(s.drops[EPAIR_DROP_RX_SHORT], 2);
}

static void
down_is_looked_at_before_the_length(void **state)
{
	struct rig *r = *state;

	assert_int_equal(send_one(r->a, 13), 0);
	assert_int_equal(epair_if_down(r->b), 0);
	run(r);
	assert_int_equal(stats(r->b).ierrors, 0);
}

static void
header_alone_is_a_frame(void **state)
{
	struct rig *r = *state;

	assert_int_equal(send_one(r->a, 14), 0);
	run(r);
	assert_int_equal(r->at_b.count, 1);
	assert_int_equal(stats(r->b).ibytes, 14);
}

static void
short_frame_to_a_group_is_no_multicast_received(void **state)
{
	struct rig *r = *state;

	assert_int_equal(transmit(r->a, frame_to(r->ep, mac_group, 13)), 0);
	run(r);
	assert_int_equal(stats(r->a).omcasts, 1);
	assert_int_equal(stats(r->b).imcasts, 0);
}

static void
frame_to_anybody_is_received(void **state)
{
	static const uint8_t stranger[6] = { 0x02, 9, 9, 9, 9, 9 };
	struct rig *r = *state;

	assert_int_equal(transmit(r->a, frame_to(r->ep, stranger, 60)), 0);
	assert_int_equal(transmit(r->a, frame_to(r->ep, mac_group, 60)), 0);
	run(r);
	assert_int_equal(r->at_b.count, 2);
}

static void
mtu_of_the_receiver_does_not_matter(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_mtu(r->a, 9000, NULL), 0);
	assert_int_equal(epair_if_set_mtu(r->b, 72, NULL), 0);
	assert_int_equal(send_one(r->a, 9018), 0);
	run(r);
	assert_int_equal(r->at_b.count, 1);
	assert_int_equal(stats(r->b).ibytes, 9018);
}

static void
inline_vlan_tag_stays(void **state)
{
	static const uint8_t octets[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2,
		0x81, 0x00, 0x00, 0x2a, 0x88, 0xb5 };
	struct rig *r = *state;

	assert_int_equal(transmit(r->a, epair_mbuf_from(r->ep, octets, 60)), 0);
	run(r);
	assert_int_equal(r->at_b.ms[0]->pktlen, 60);
	assert_memory_equal(r->at_b.ms[0]->data, octets, 60);
}

static void
monitor_stops_frames_after_counting(void **state)
{
	struct rig *r = *state;
	struct epair_if_stats s;

	assert_int_equal(
	    epair_if_set_flags(r->b, EPAIR_IFF_MONITOR, 0, NULL), 0);
	assert_int_equal(transmit(r->a, frame_to(r->ep, mac_group, 60)), 0);
	run(r);
	s = stats(r->b);
	assert_int_equal(r->at_b.count, 0);
	assert_int_equal(s.ipackets, 1);
	assert_int_equal(s.ibytes, 60);
	assert_int_equal(s.imcasts, 1);
	assert_int_equal(s.delivered, 0);
	assert_int_equal(s.drops[EPAIR_DROP_RX_MONITOR], 1);
	assert_int_equal(usage(r->ep).mbufs, 0);
}

static void
monitor_does_not_keep_from_sending(void **state)
{
	struct rig *r = *state;

	assert_int_equal(
	    epair_if_set_flags(r->a, EPAIR_IFF_MONITOR, 0, NULL), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_int_equal(r->at_b.count, 1);
}

static void
promiscuous_end_receives_as_before(void **state)
{
	struct rig *r = *state;

	assert_int_equal(
	    epair_if_set_flags(r->b, EPAIR_IFF_PROMISC, 0, NULL), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_int_equal(r->at_b.count, 1);
}

static void
nobody_behind_the_interface_is_a_reason(void **state)
{
	struct rig *r = *state;
	struct epair_if_stats s;

	assert_int_equal(epair_detach(r->b, NULL), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	s = stats(r->b);
	assert_int_equal(s.ipackets, 1);
	assert_int_equal(s.ibytes, 60);
	assert_int_equal(s.delivered, 0);
	assert_int_equal(s.drops[EPAIR_DROP_RX_NO_STACK], 1);
	assert_int_equal(usage(r->ep).mbufs, 0);
}

static void
stack_that_comes_later_gets_what_waits(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_detach(r->b, NULL), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	keep(r->b, &r->at_b);
	run(r);
	assert_int_equal(r->at_b.count, 1);
}

static void
frames_accounted_for_at_both_ends(void **state)
{
	struct rig *r = *state;
	struct epair_if_stats a, b;
	uint64_t told = 0;

	assert_int_equal(epair_if_set_queue_limit(r->b, 3, NULL), 0);
	assert_int_equal(send_one(r->a, 1519), -E2BIG);
	send_many(r->a, 4, 60);
	run(r);
	assert_int_equal(send_one(r->a, 13), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(epair_if_down(r->b), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);

	/* Nine were handed over: each was delivered or has its one reason. */
	a = stats(r->a);
	b = stats(r->b);
	for (int i = 0; i < EPAIR_DROP_MAX; i++)
		told += a.drops[i] + b.drops[i];
	assert_int_equal(b.delivered + told, 9);
	assert_int_equal(b.delivered, r->at_b.count);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(frame_for_an_end_that_went_down_vanishes),
		RIG_TEST(frame_shorter_than_a_header_is_an_error),
		RIG_TEST(down_is_looked_at_before_the_length),
		RIG_TEST(header_alone_is_a_frame),
		RIG_TEST(short_frame_to_a_group_is_no_multicast_received),
		RIG_TEST(frame_to_anybody_is_received),
		RIG_TEST(mtu_of_the_receiver_does_not_matter),
		RIG_TEST(inline_vlan_tag_stays),
		RIG_TEST(monitor_stops_frames_after_counting),
		RIG_TEST(monitor_does_not_keep_from_sending),
		RIG_TEST(promiscuous_end_receives_as_before),
		RIG_TEST(nobody_behind_the_interface_is_a_reason),
		RIG_TEST(stack_that_comes_later_gets_what_waits),
		RIG_TEST(frames_accounted_for_at_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
