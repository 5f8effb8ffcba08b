/* SPDX-License-Identifier: BSD-2-Clause */
/* What crosses, and what counts it: contract 4.1 and 4.3. */
#include "rig.h"

#define COOKIE 0x65706169u

/* What arrived at b when m was sent on a. */
static struct epair_mbuf *
cross(struct rig *r, struct epair_mbuf *m)
{
	unsigned count = r->at_b.count;

	assert_int_equal(transmit(r->a, m), 0);
	run(r);
	assert_int_equal(r->at_b.count, count + 1);
	return r->at_b.ms[count];
}

static void
rate_limit_tag_is_released(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *m = frame(r->ep, 60);

	m->flags |= EPAIR_M_SNDTAG;
	assert_false(cross(r, m)->flags & EPAIR_M_SNDTAG);
}

static void
vlan_information_out_of_band_is_cleared(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *m = frame(r->ep, 60);

	m->flags |= EPAIR_M_VLANTAG;
	m->vlan_tci = 42;
	m = cross(r, m);
	assert_false(m->flags & EPAIR_M_VLANTAG);
	assert_int_equal(m->pktlen, 60);
}

/* A frame with PCP 7 and VID 42 out of band, with hardware tagging on. */
static struct epair_mbuf *
cross_tagged(struct rig *r)
{
	struct epair_mbuf *m = frame(r->ep, 60);

	assert_int_equal(
	    epair_if_set_caps(r->b, EPAIR_CAP_VLAN_HWTAGGING, 0, NULL), 0);
	m->flags |= EPAIR_M_VLANTAG;
	m->vlan_tci = 0xe02a;
	return cross(r, m);
}

static void
vlan_information_crosses_with_hardware_tagging(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *m;

	assert_int_equal(epair_detach(r->b, NULL), 0);
	keep_accepting(r->b, &r->at_b, EPAIR_CAP_VLAN_HWTAGGING);
	m = cross_tagged(r);
	assert_true(m->flags & EPAIR_M_VLANTAG);
	assert_int_equal(m->vlan_tci, 0xe02a);
	assert_int_equal(m->pktlen, 60);
}

static void
vlan_information_that_a_stack_cannot_take_is_put_in_line(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *m = cross_tagged(r);
	uint8_t octets[18];

	assert_false(m->flags & EPAIR_M_VLANTAG);
	assert_int_equal(m->pktlen, 64);
	assert_int_equal(epair_mbuf_read(m, 0, octets, 18), 18);
	assert_memory_equal(octets, mac_station, 6);
	assert_memory_equal(octets + 12, "\x81\x00\xe0\x2a\x88\xb5", 6);
}

static void
tag_that_is_not_persistent_is_deleted(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *m = frame(r->ep, 60);
	const uint8_t *data;
	uint16_t len = 0;

	assert_int_equal(epair_mbuf_tag_add(m, COOKIE, 1, false, "gone", 4), 0);
	assert_int_equal(epair_mbuf_tag_add(m, COOKIE, 2, true, "stay", 4), 0);
	assert_int_equal(epair_mbuf_tag_add(m, COOKIE, 3, false, "gone", 4), 0);
	m = cross(r, m);
	assert_int_equal(epair_mbuf_tag_count(m), 1);
	assert_null(epair_mbuf_tag_find(m, COOKIE, 1, NULL));
	data = epair_mbuf_tag_find(m, COOKIE, 2, &len);
	assert_non_null(data);
	assert_int_equal(len, 4);
	assert_memory_equal(data, "stay", 4);
}

static void
frame_without_tags_left_has_none(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *m = frame(r->ep, 60);

	assert_int_equal(epair_mbuf_tag_add(m, COOKIE, 1, false, NULL, 0), 0);
	m = cross(r, m);
	assert_int_equal(epair_mbuf_tag_count(m), 0);
	assert_false(m->flags & EPAIR_M_TAGS);
}

static void
receive_interface_is_the_peer(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *m = frame(r->ep, 60);

	m->rcvif = 77;
	assert_int_equal(cross(r, m)->rcvif, info(r->b).index);
}

static void
fib_is_the_receivers_at_delivery(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *m = frame(r->ep, 60);

	m->fib = 9;
	assert_int_equal(epair_if_set_fib(r->a, 5), 0);
	assert_int_equal(epair_if_set_fib(r->b, 2), 0);
	assert_int_equal(transmit(r->a, m), 0);
	assert_int_equal(epair_if_set_fib(r->b, 3), 0);
	run(r);
	assert_int_equal(r->at_b.ms[0]->fib, 3);
}

static void
all_else_crosses_untouched(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *m = frame(r->ep, 60);

	m->flags |= EPAIR_M_CSUM_VALID | EPAIR_M_TSTAMP;
	m->tstamp_ns = 0x123456789abcdef0u;
	m->hash = 0xdeadbeef;
	m->hashtype = EPAIR_HASH_OPAQUE;
	m = cross(r, m);
	assert_true(m->flags & EPAIR_M_CSUM_VALID);
	assert_true(m->flags & EPAIR_M_TSTAMP);
	assert_int_equal(m->tstamp_ns, 0x123456789abcdef0u);
	assert_int_equal(m->hash, 0xdeadbeef);
	assert_int_equal(m->hashtype, EPAIR_HASH_OPAQUE);
}

static void
group_flags_derive_from_the_destination(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *m;

	m = cross(r, frame_to(r->ep, mac_broadcast, 60));
	assert_true(m->flags & EPAIR_M_BCAST);
	assert_false(m->flags & EPAIR_M_MCAST);
	m = cross(r, frame_to(r->ep, mac_group, 60));
	assert_true(m->flags & EPAIR_M_MCAST);
	assert_false(m->flags & EPAIR_M_BCAST);
	m = cross(r, frame_to(r->ep, mac_station, 60));
	assert_false(m->flags & (EPAIR_M_BCAST | EPAIR_M_MCAST));
	assert_int_equal(stats(r->a).omcasts, 2);
	assert_int_equal(stats(r->b).imcasts, 2);
}

static void
group_flag_of_the_sender_is_believed_when_counting(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *m = frame(r->ep, 1);

	m->flags |= EPAIR_M_MCAST;
	assert_int_equal(transmit(r->a, m), 0);
	assert_int_equal(stats(r->a).omcasts, 1);
}

static void
counters_move_at_once(void **state)
{
	struct rig *r = *state;
	struct epair_if_stats s;

	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(transmit(r->a, frame_to(r->ep, mac_group, 100)), 0);
	s = stats(r->a);
	assert_int_equal(s.opackets, 2);
	assert_int_equal(s.obytes, 160);
	assert_int_equal(s.omcasts, 1);
	s = stats(r->b);
	assert_int_equal(s.ipackets, 2);
	assert_int_equal(s.queued, 2);
	assert_int_equal(s.ibytes, 0);
	assert_int_equal(s.imcasts, 0);
	run(r);
	s = stats(r->b);
	assert_int_equal(s.ipackets, 2);
	assert_int_equal(s.ibytes, 160);
	assert_int_equal(s.imcasts, 1);
	assert_int_equal(s.delivered, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(rate_limit_tag_is_released),
		RIG_TEST(vlan_information_out_of_band_is_cleared),
		RIG_TEST(vlan_information_crosses_with_hardware_tagging),
		RIG_TEST(
		    vlan_information_that_a_stack_cannot_take_is_put_in_line),
		RIG_TEST(tag_that_is_not_persistent_is_deleted),
		RIG_TEST(frame_without_tags_left_has_none),
		RIG_TEST(receive_interface_is_the_peer),
		RIG_TEST(fib_is_the_receivers_at_delivery),
		RIG_TEST(all_else_crosses_untouched),
		RIG_TEST(group_flags_derive_from_the_destination),
		RIG_TEST(group_flag_of_the_sender_is_believed_when_counting),
		RIG_TEST(counters_move_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
