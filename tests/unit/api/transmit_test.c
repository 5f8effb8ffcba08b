/* SPDX-License-Identifier: BSD-2-Clause */
/* Transmit: contract 3. */
#include "rig.h"

/* What one end counted, where it should not be all zero. */
static void
assert_refused(struct epair_if *ifp, enum epair_drop reason, uint64_t count)
{
	const struct epair_if_stats s = stats(ifp);

	assert_int_equal(s.oerrors, count);
	assert_int_equal(s.drops[reason], count);
	assert_int_equal(s.opackets, 0);
	assert_int_equal(s.obytes, 0);
	assert_int_equal(s.oqdrops, 0);
}

static void
frame_sent_on_one_end_arrives_at_the_other(void **state)
{
	struct rig *r = *state;

	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(r->at_b.count, 0);
	run(r);
	assert_int_equal(r->at_b.count, 1);
	assert_int_equal(r->at_b.ms[0]->pktlen, 60);
	assert_int_equal(r->at_a.count, 0);
	assert_int_equal(send_one(r->b, 61), 0);
	run(r);
	assert_int_equal(r->at_a.count, 1);
	assert_int_equal(r->at_a.ms[0]->pktlen, 61);
}

static void
every_octet_arrives(void **state)
{
	struct rig *r = *state;
	uint8_t sent[1514], got[1514];

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(i * 7);
	assert_int_equal(
	    transmit(r->a, epair_mbuf_from(r->ep, sent, sizeof(sent))), 0);
	run(r);
	assert_int_equal(
	    epair_mbuf_read(r->at_b.ms[0], 0, got, sizeof(got)), sizeof(got));
	assert_memory_equal(sent, got, sizeof(got));
}

static void
no_frame_is_no_error(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_transmit(r->a, NULL, 0), 0);
	assert_int_equal(stats(r->a).oerrors, 0);
}

static void
frame_may_be_longer_than_the_mtu_by_18(void **state)
{
	struct rig *r = *state;

	assert_int_equal(send_one(r->a, 1518), 0);
	assert_int_equal(epair_if_set_mtu(r->a, 72, NULL), 0);
	assert_int_equal(send_one(r->a, 90), 0);
	assert_int_equal(epair_if_set_mtu(r->a, 65535, NULL), 0);
	assert_int_equal(send_one(r->a, 65553), 0);
	run(r);
	assert_int_equal(r->at_b.count, 3);
	assert_int_equal(r->at_b.ms[2]->pktlen, 65553);
}

static void
longer_frame_is_too_big(void **state)
{
	struct rig *r = *state;

	assert_int_equal(send_one(r->a, 1519), -E2BIG);
	assert_int_equal(epair_if_set_mtu(r->a, 72, NULL), 0);
	assert_int_equal(send_one(r->a, 91), -E2BIG);
	assert_refused(r->a, EPAIR_DROP_TOO_LONG, 2);
	assert_int_equal(usage(r->ep).mbufs, 0);
}

static void
length_is_looked_at_before_the_flags(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_down(r->a), 0);
	assert_int_equal(send_one(r->a, 1519), -E2BIG);
	assert_refused(r->a, EPAIR_DROP_TOO_LONG, 1);
}

static void
chain_is_as_long_as_its_parts(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *m = frame(r->ep, 1000);

	epair_mbuf_chain(m, frame(r->ep, 518));
	assert_int_equal(transmit(r->a, m), 0);
	m = frame(r->ep, 1000);
	epair_mbuf_chain(m, frame(r->ep, 519));
	assert_int_equal(transmit(r->a, m), -E2BIG);
	run(r);
	assert_int_equal(r->at_b.count, 1);
	assert_int_equal(r->at_b.ms[0]->pktlen, 1518);
}

static void
sender_that_is_not_up_refuses(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_down(r->a), 0);
	assert_int_equal(send_one(r->a, 60), -ENETDOWN);
	assert_refused(r->a, EPAIR_DROP_NOT_UP, 1);
	assert_int_equal(stats(r->b).ipackets, 0);
	assert_int_equal(usage(r->ep).mbufs, 0);
}

static void
sender_is_looked_at_before_the_peer(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_down(r->a), 0);
	assert_int_equal(epair_if_down(r->b), 0);
	assert_int_equal(send_one(r->a, 60), -ENETDOWN);
}

static void
peer_that_is_down_swallows_without_an_error(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_down(r->b), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	assert_refused(r->a, EPAIR_DROP_PEER_DOWN, 1);
	assert_int_equal(stats(r->b).ipackets, 0);
	assert_int_equal(usage(r->ep).mbufs, 0);
}

static void
full_queue_is_no_error_of_transmit(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_queue_limit(r->b, 1, NULL), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(stats(r->a).oqdrops, 1);
}

static void
taking_an_end_down_flushes_nothing(void **state)
{
	struct rig *r = *state;

	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(epair_if_down(r->a), 0);
	assert_int_equal(epair_if_down(r->b), 0);
	assert_int_equal(stats(r->b).queued, 1);
	assert_int_equal(epair_if_up(r->b), 0);
	run(r);
	assert_int_equal(r->at_b.count, 1);
	assert_int_equal(stats(r->b).queued, 0);
}

static void
burst_arrives_in_order_by_one_task(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *ms[64];

	for (unsigned i = 0; i < 64; i++) {
		ms[i] = frame(r->ep, 60 + i);
		ms[i]->flags |= EPAIR_M_TSTAMP;
		ms[i]->tstamp_ns = i;
	}
	assert_int_equal(epair_if_transmit(r->a, ms, 64), 0);
	assert_int_equal(usage(r->ep).tasks_waiting, 1);
	run(r);
	assert_int_equal(r->at_b.count, 64);
	assert_true(in_order(&r->at_b, 0));
	assert_int_equal(stats(r->a).obytes, 64 * 60 + 63 * 64 / 2);
	assert_int_equal(stats(r->b).delivered, 64);
}

/* Frames that need more than a plain one does, among those: bits of mask. */
static void
send_mixed(struct rig *r, struct epair_if *a, unsigned mask)
{
	struct epair_mbuf *ms[8];

	for (unsigned i = 0; i < 8; i++) {
		ms[i] = frame_to(
		    r->ep, i % 3 ? mac_station : mac_group, 60 + i);
		if (mask >> i & 1)
			ms[i]->hashtype = EPAIR_HASH_OPAQUE;
	}
	assert_int_equal(epair_if_transmit(a, ms, 8), 0);
}

static void
burst_stays_in_order_whatever_its_frames_are(void **state)
{
	struct rig *r = *state;

	/* A pair for each: its first burst comes from a thread unknown yet. */
	for (unsigned mask = 0; mask < 256; mask++) {
		struct epair_if *a = make(r->ep, NULL, "epair");
		struct epair_if *b = epair_if_peer(a);

		forget(&r->at_b);
		keep(b, &r->at_b);
		assert_int_equal(epair_if_up(a), 0);
		assert_int_equal(epair_if_up(b), 0);
		send_mixed(r, a, mask);
		send_mixed(r, a, mask);
		run(r);
		send_mixed(r, a, mask);
		run(r);
		assert_int_equal(r->at_b.count, 24);
		for (unsigned i = 0; i < 24; i++)
			assert_int_equal(r->at_b.ms[i]->pktlen, 60 + i % 8);
		assert_int_equal(stats(a).opackets, 24);
		assert_int_equal(stats(a).obytes, 3 * (8 * 60 + 28));
		assert_int_equal(stats(a).omcasts, 9);
		assert_int_equal(stats(b).imcasts, 9);
		epair_if_put(b);
		destroy(a);
	}
}

static void
limit_ends_a_burst_on_the_short_way_too(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *ms[64];

	for (unsigned i = 0; i < 64; i++)
		ms[i] = frame_to(r->ep, mac_group, 60);
	assert_int_equal(epair_if_set_queue_limit(r->b, 10, NULL), 0);
	assert_int_equal(epair_if_transmit(r->a, ms, 64), 0);
	assert_int_equal(stats(r->a).opackets, 10);
	assert_int_equal(stats(r->a).obytes, 600);
	assert_int_equal(stats(r->a).omcasts, 10);
	assert_int_equal(stats(r->a).oqdrops, 54);
	run(r);
	assert_int_equal(r->at_b.count, 10);
}

static void
burst_answers_with_the_error_of_the_last_that_was_refused(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *ms[4] = { frame(r->ep, 60), frame(r->ep, 1519),
		frame(r->ep, 1519), frame(r->ep, 61) };

	assert_int_equal(epair_if_transmit(r->a, ms, 4), -E2BIG);
	assert_int_equal(stats(r->a).opackets, 2);
	assert_int_equal(stats(r->a).obytes, 121);
	assert_int_equal(stats(r->a).oerrors, 2);
	run(r);
	assert_int_equal(r->at_b.count, 2);
	assert_int_equal(r->at_b.ms[1]->pktlen, 61);
}

static void
burst_of_a_down_sender_mixes_both_errors(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *ms[3] = { frame(r->ep, 1519), frame(r->ep, 60),
		frame(r->ep, 60) };

	assert_int_equal(epair_if_down(r->a), 0);
	assert_int_equal(epair_if_transmit(r->a, ms, 3), -ENETDOWN);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_TOO_LONG], 1);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_NOT_UP], 2);
	assert_int_equal(stats(r->a).oerrors, 3);
}

static void
discipline_counts_each_frame_once(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_qdisc(r->a, "fifo:limit=8", NULL), 0);
	assert_string_equal(info(r->a).qdisc, "fifo:limit=8");
	assert_int_equal(
	    transmit(r->a, frame_to(r->ep, mac_broadcast, 100)), 0);
	assert_int_equal(stats(r->a).opackets, 1);
	assert_int_equal(stats(r->a).obytes, 100);
	assert_int_equal(stats(r->a).omcasts, 1);
	assert_int_equal(stats(r->b).ipackets, 1);
	run(r);
	assert_int_equal(r->at_b.count, 1);
}

static void
discipline_does_not_hide_a_peer_that_is_down(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_qdisc(r->a, "fifo:limit=8", NULL), 0);
	assert_int_equal(epair_if_down(r->b), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_refused(r->a, EPAIR_DROP_PEER_DOWN, 1);
	assert_int_equal(usage(r->ep).mbufs, 0);
}

static void
discipline_is_behind_the_checks(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_qdisc(r->a, "fifo:limit=8", NULL), 0);
	assert_int_equal(send_one(r->a, 1519), -E2BIG);
	assert_int_equal(epair_if_down(r->a), 0);
	assert_int_equal(send_one(r->a, 60), -ENETDOWN);
	assert_int_equal(stats(r->a).oerrors, 2);
	assert_int_equal(stats(r->a).oqdrops, 0);
}

static void
discipline_is_taken_away_with_none(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_qdisc(r->a, "fifo:limit=8", NULL), 0);
	assert_int_equal(epair_if_set_qdisc(r->a, "none", NULL), 0);
	assert_string_equal(info(r->a).qdisc, "");
	assert_int_equal(epair_if_set_qdisc(r->a, "fifo:limit=8", NULL), 0);
	assert_int_equal(epair_if_set_qdisc(r->a, NULL, NULL), 0);
	assert_string_equal(info(r->a).qdisc, "");
}

static void
bad_discipline_is_refused_by_a_sentence(void **state)
{
	struct rig *r = *state;
	struct epair_err err = { 0 };

	assert_int_equal(epair_if_set_qdisc(r->a, "red", &err), -EINVAL);
	assert_non_null(strstr(err.text, "fifo"));
	assert_int_equal(
	    epair_if_set_qdisc(r->a, "fifo:limit=0x", &err), -EINVAL);
	assert_int_equal(
	    epair_if_set_qdisc(r->a, "fifo:speed=1", &err), -EINVAL);
	assert_non_null(strstr(err.text, "limit"));
	assert_string_equal(info(r->a).qdisc, "");
}

static void
priorities_overtake_within_a_burst(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *ms[2];
	/* 802.1Q tags with PCP 0 and 7, behind the addresses. */
	uint8_t octets[64] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0 };

	octets[14] = 0x00;
	ms[0] = epair_mbuf_from(r->ep, octets, 60);
	octets[14] = 0xe0;
	ms[1] = epair_mbuf_from(r->ep, octets, 64);
	assert_int_equal(
	    epair_if_set_qdisc(r->a, "priq:limit=8,by=pcp", NULL), 0);
	assert_int_equal(epair_if_transmit(r->a, ms, 2), 0);
	run(r);
	assert_int_equal(r->at_b.count, 2);
	assert_int_equal(r->at_b.ms[0]->pktlen, 64);
	assert_int_equal(r->at_b.ms[1]->pktlen, 60);
}

static void
discipline_that_refuses_says_so(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *ms[4];

	for (int i = 0; i < 4; i++)
		ms[i] = frame(r->ep, 60);
	assert_int_equal(epair_if_set_qdisc(r->a, "fifo:limit=2", NULL), 0);
	assert_int_equal(epair_if_transmit(r->a, ms, 4), -ENOBUFS);
	assert_int_equal(stats(r->a).oqdrops, 2);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_QDISC], 2);
	assert_int_equal(stats(r->a).opackets, 2);
	run(r);
	assert_int_equal(r->at_b.count, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(frame_sent_on_one_end_arrives_at_the_other),
		RIG_TEST(every_octet_arrives),
		RIG_TEST(no_frame_is_no_error),
		RIG_TEST(frame_may_be_longer_than_the_mtu_by_18),
		RIG_TEST(longer_frame_is_too_big),
		RIG_TEST(length_is_looked_at_before_the_flags),
		RIG_TEST(chain_is_as_long_as_its_parts),
		RIG_TEST(sender_that_is_not_up_refuses),
		RIG_TEST(sender_is_looked_at_before_the_peer),
		RIG_TEST(peer_that_is_down_swallows_without_an_error),
		RIG_TEST(full_queue_is_no_error_of_transmit),
		RIG_TEST(taking_an_end_down_flushes_nothing),
		RIG_TEST(burst_arrives_in_order_by_one_task),
		RIG_TEST(burst_stays_in_order_whatever_its_frames_are),
		RIG_TEST(limit_ends_a_burst_on_the_short_way_too),
		RIG_TEST(
		    burst_answers_with_the_error_of_the_last_that_was_refused),
		RIG_TEST(burst_of_a_down_sender_mixes_both_errors),
		RIG_TEST(discipline_counts_each_frame_once),
		RIG_TEST(discipline_does_not_hide_a_peer_that_is_down),
		RIG_TEST(discipline_is_behind_the_checks),
		RIG_TEST(discipline_is_taken_away_with_none),
		RIG_TEST(bad_discipline_is_refused_by_a_sentence),
		RIG_TEST(priorities_overtake_within_a_burst),
		RIG_TEST(discipline_that_refuses_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
