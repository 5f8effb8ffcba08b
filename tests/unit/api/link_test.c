/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a cable does to frames: contract 9.3 and the counters of 4.3. What
 * chance does in the long run is tests/unit/impair.
 */
#include "rig.h"

#define MS UINT64_C(1000000)

static void
set(struct epair_if *ifp, const char *words)
{
	struct epair_err err = { .text = "" };
	int error = epair_if_set_link(ifp, words, &err);

	assert_string_equal(err.text, "");
	assert_int_equal(error, 0);
}

static void
assert_link(struct epair_if *ifp, const char *words)
{
	char text[EPAIR_LINK_TEXT_MAX];

	assert_int_equal(
	    epair_if_get_link(ifp, text, sizeof(text)), strlen(words));
	assert_string_equal(text, words);
}

static struct epair_link_stats
link_stats(struct epair_if *ifp)
{
	struct epair_link_stats s = { .size = sizeof(s) };

	assert_int_equal(epair_if_get_link_stats(ifp, &s), 0);
	return s;
}

static void
pass(struct rig *r, uint64_t ns)
{
	assert_int_equal(epair_advance(r->ep, ns), 0);
}

/* Every frame that a sent came to b, or is counted, or is on its way. */
static void
assert_accounted(struct rig *r, uint64_t offered)
{
	const struct epair_if_stats a = stats(r->a), b = stats(r->b);
	const struct epair_link_stats l = link_stats(r->a);
	uint64_t drops = 0;

	for (int i = 0; i < EPAIR_DROP_MAX; i++)
		drops += a.drops[i];
	assert_int_equal(offered + l.duplicated,
	    b.ipackets + drops + l.waiting + l.under_way);
	assert_int_equal(
	    a.opackets + l.duplicated, b.ipackets + l.dropped + l.under_way);
}

/* Delay. */

static void
delayed_frame_arrives_at_its_time(void **state)
{
	struct rig *r = *state;

	set(r->a, "delay 10ms");
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_int_equal(stats(r->a).opackets, 1);
	assert_int_equal(stats(r->a).obytes, 60);
	assert_int_equal(stats(r->b).ipackets, 0);
	assert_int_equal(link_stats(r->a).under_way, 1);
	pass(r, 10 * MS - 1);
	assert_int_equal(r->at_b.count, 0);
	pass(r, 1);
	assert_int_equal(r->at_b.count, 1);
	assert_int_equal(stats(r->a).opackets, 1);
	assert_int_equal(stats(r->b).ipackets, 1);
	assert_int_equal(link_stats(r->a).under_way, 0);
}

static void
other_direction_is_not_delayed(void **state)
{
	struct rig *r = *state;

	set(r->a, "delay 10ms");
	assert_int_equal(send_one(r->b, 60), 0);
	run(r);
	assert_int_equal(r->at_a.count, 1);
}

static void
frame_does_not_overtake_when_the_delay_shrinks(void **state)
{
	struct rig *r = *state;

	set(r->a, "delay 10ms");
	send_many(r->a, 3, 60);
	set(r->a, "delay 1ms");
	send_many(r->a, 1, 61);
	pass(r, 9 * MS);
	assert_int_equal(r->at_b.count, 0);
	pass(r, 1 * MS);
	assert_int_equal(r->at_b.count, 4);
	assert_int_equal(r->at_b.ms[3]->pktlen, 61);
}

static void
jitter_overtakes_unless_it_is_forbidden(void **state)
{
	struct rig *r = *state;

	set(r->a, "delay 10ms 10ms");
	send_many(r->a, 100, 60);
	pass(r, 20 * MS);
	assert_int_equal(r->at_b.count, 100);
	assert_false(in_order(&r->at_b, 0));
	forget(&r->at_b);
	set(r->a, "ordered");
	send_many(r->a, 100, 60);
	pass(r, 20 * MS);
	assert_int_equal(r->at_b.count, 100);
	assert_true(in_order(&r->at_b, 0));
}

static void
reordered_frame_is_sent_ahead(void **state)
{
	struct rig *r = *state;

	set(r->a, "delay 10ms reorder 100% gap 5");
	send_many(r->a, 10, 60);
	run(r);
	assert_int_equal(r->at_b.count, 2);
	assert_int_equal(r->at_b.ms[0]->tstamp_ns, 4);
	assert_int_equal(r->at_b.ms[1]->tstamp_ns, 9);
	assert_int_equal(link_stats(r->a).reordered, 2);
	pass(r, 10 * MS);
	assert_int_equal(r->at_b.count, 10);
}

static void
none_lets_everything_go_at_once(void **state)
{
	struct rig *r = *state;

	set(r->a, "delay 10ms rate 1mbit");
	send_many(r->a, 100, 1000);
	pass(r, 15 * MS);
	set(r->a, "none");
	run(r);
	assert_int_equal(r->at_b.count, 100);
	assert_true(in_order(&r->at_b, 0));
	assert_int_equal(stats(r->a).opackets, 100);
	assert_int_equal(stats(r->b).ipackets, 100);
}

/* Chance. */

static void
lost_frame_was_sent_and_has_a_reason(void **state)
{
	struct rig *r = *state;

	set(r->a, "loss 100%");
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_int_equal(r->at_b.count, 0);
	assert_int_equal(stats(r->a).opackets, 1);
	assert_int_equal(stats(r->a).oerrors, 0);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_IMPAIR_LOSS], 1);
}

static void
every_third_frame_is_lost(void **state)
{
	struct rig *r = *state;

	set(r->a, "loss every 3");
	send_many(r->a, 6, 60);
	run(r);
	assert_int_equal(r->at_b.count, 4);
	assert_int_equal(r->at_b.ms[2]->tstamp_ns, 3);
	assert_int_equal(r->at_b.ms[3]->tstamp_ns, 4);
}

static void
cut_cable_passes_nothing_until_mended(void **state)
{
	struct rig *r = *state;

	set(r->a, "cut");
	send_many(r->a, 3, 60);
	run(r);
	assert_int_equal(r->at_b.count, 0);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_IMPAIR_CUT], 3);
	set(r->a, "cut off");
	send_many(r->a, 2, 60);
	run(r);
	assert_int_equal(r->at_b.count, 2);
}

static void
duplicate_arrives_twice_and_was_sent_once(void **state)
{
	struct rig *r = *state;

	set(r->a, "duplicate 100%");
	assert_int_equal(send_one(r->a, 60), 0);
	run(r);
	assert_int_equal(r->at_b.count, 2);
	assert_int_equal(stats(r->a).opackets, 1);
	assert_int_equal(stats(r->b).ipackets, 2);
	assert_int_equal(link_stats(r->a).duplicated, 1);
	assert_accounted(r, 1);
}

static void
release(void *arg)
{
	(*(unsigned *)arg)++;
}

static unsigned
bits_that_differ(const struct epair_mbuf *m, const uint8_t *octets)
{
	unsigned bits = 0;
	uint8_t got[1514];

	assert_int_equal(epair_mbuf_read(m, 0, got, sizeof(got)), sizeof(got));
	for (size_t i = 0; i < sizeof(got); i++)
		bits += (unsigned)__builtin_popcount(
		    (unsigned)(got[i] ^ octets[i]));
	return bits;
}

/* A frame in a buffer of somebody else's. */
static void
transmit_foreign(
    struct rig *r, uint8_t *octets, uint32_t len, unsigned *released)
{
	struct epair_mbuf *m;

	assert_int_equal(
	    epair_mbuf_foreign(r->ep, octets, len, release, released, &m), 0);
	assert_int_equal(transmit(r->a, m), 0);
}

static void
corruption_turns_one_bit_of_our_own_copy(void **state)
{
	struct rig *r = *state;
	static uint8_t octets[1514], kept[1514];
	unsigned released = 0;
	struct epair_mbuf *m;

	set(r->a, "corrupt 100%");
	m = epair_mbuf_from(r->ep, octets, sizeof(octets));
	m->flags |= EPAIR_M_CSUM_VALID;
	assert_int_equal(transmit(r->a, m), 0);
	transmit_foreign(r, kept, sizeof(kept), &released);
	run(r);
	assert_int_equal(r->at_b.count, 2);
	assert_int_equal(bits_that_differ(r->at_b.ms[0], octets), 1);
	assert_false(r->at_b.ms[0]->flags & EPAIR_M_CSUM_VALID);
	assert_int_equal(bits_that_differ(r->at_b.ms[1], octets), 1);
	/* What is somebody else's was left alone. */
	assert_memory_equal(kept, octets, sizeof(kept));
	assert_int_equal(released, 1);
}

static void
errors_at_a_rate_turn_bits_of_our_own_copy(void **state)
{
	struct rig *r = *state;
	static uint8_t octets[1514], kept[1514];
	unsigned released = 0;
	struct epair_mbuf *m;

	set(r->a, "ber 1 corrupt 100%");
	transmit_foreign(r, kept, sizeof(kept), &released);
	set(r->a, "corrupt 0%");
	m = epair_mbuf_from(r->ep, octets, sizeof(octets));
	assert_int_equal(transmit(r->a, m), 0);
	run(r);
	/* All of them, and one of them back. */
	assert_int_equal(
	    bits_that_differ(r->at_b.ms[0], octets), 8 * sizeof(octets) - 1);
	assert_int_equal(
	    bits_that_differ(r->at_b.ms[1], octets), 8 * sizeof(octets));
	assert_memory_equal(kept, octets, sizeof(kept));
	assert_int_equal(released, 1);
	assert_int_equal(link_stats(r->a).corrupted, 2);
}

/* Rate. */

static void
frames_go_one_after_the_other_at_the_rate(void **state)
{
	struct rig *r = *state;

	set(r->a, "rate 8mbit"); /* an octet in a microsecond */
	send_many(r->a, 3, 1000);
	assert_int_equal(stats(r->a).opackets, 1);
	assert_int_equal(link_stats(r->a).waiting, 2);
	pass(r, 1 * MS - 1);
	assert_int_equal(r->at_b.count, 0);
	pass(r, 1);
	assert_int_equal(r->at_b.count, 1);
	assert_int_equal(stats(r->a).opackets, 2);
	pass(r, 2 * MS);
	assert_int_equal(r->at_b.count, 3);
	assert_true(in_order(&r->at_b, 0));
}

static void
overhead_counts_for_the_rate_only(void **state)
{
	struct rig *r = *state;

	set(r->a, "rate 8mbit overhead 24");
	send_many(r->a, 1, 1000);
	assert_int_equal(stats(r->a).obytes, 1000);
	pass(r, 1 * MS);
	assert_int_equal(r->at_b.count, 0);
	pass(r, 24000);
	assert_int_equal(r->at_b.count, 1);
}

static void
burst_goes_at_once_after_a_pause(void **state)
{
	struct rig *r = *state;

	set(r->a, "rate 8mbit burst 2000");
	pass(r, 10 * MS);
	send_many(r->a, 4, 1000);
	run(r);
	assert_int_equal(r->at_b.count, 2);
	pass(r, 1 * MS);
	assert_int_equal(r->at_b.count, 3);
	pass(r, 1 * MS);
	assert_int_equal(r->at_b.count, 4);
}

static void
full_line_drops_the_newest_or_the_oldest(void **state)
{
	struct rig *r = *state;

	set(r->a, "rate 8mbit limit 2");
	send_many(r->a, 5, 1000);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_IMPAIR_LIMIT], 2);
	assert_int_equal(stats(r->a).oqdrops, 2);
	pass(r, 10 * MS);
	assert_int_equal(r->at_b.count, 3);
	assert_int_equal(r->at_b.ms[2]->tstamp_ns, 2);
	forget(&r->at_b);
	set(r->a, "drop head");
	send_many(r->a, 5, 1000);
	pass(r, 10 * MS);
	assert_int_equal(r->at_b.count, 3);
	assert_int_equal(r->at_b.ms[1]->tstamp_ns, 3);
	assert_int_equal(r->at_b.ms[2]->tstamp_ns, 4);
	assert_accounted(r, 10);
}

static void
limit_counts_octets_too(void **state)
{
	struct rig *r = *state;

	set(r->a, "rate 8mbit limit bytes 1500");
	send_many(r->a, 3, 1000);
	assert_int_equal(link_stats(r->a).waiting, 1);
	assert_int_equal(link_stats(r->a).waiting_bytes, 1000);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_IMPAIR_LIMIT], 1);
}

static void
delay_needs_no_limit_and_obeys_one(void **state)
{
	struct rig *r = *state;

	set(r->a, "delay 1s");
	send_many(r->a, 3000, 60);
	assert_int_equal(link_stats(r->a).under_way, 3000);
	set(r->a, "limit 3001");
	send_many(r->a, 2, 60);
	assert_int_equal(link_stats(r->a).under_way, 3001);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_IMPAIR_LIMIT], 1);
}

static void
what_is_under_way_makes_room_from_its_head(void **state)
{
	struct rig *r = *state;

	set(r->a, "delay 1s limit 2 drop head");
	send_many(r->a, 5, 1000);
	assert_int_equal(link_stats(r->a).under_way, 2);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_IMPAIR_LIMIT], 3);
	set(r->a, "limit 0 limit bytes 2500");
	send_many(r->a, 1, 1000); /* one goes for it */
	set(r->a, "limit bytes 900");
	send_many(r->a, 1, 1000); /* all, and itself */
	pass(r, 2000 * MS);
	assert_int_equal(r->at_b.count, 0);
	set(r->a, "limit 2 limit bytes 0");
	send_many(r->a, 5, 1000);
	pass(r, 2000 * MS);
	assert_int_equal(r->at_b.count, 2);
	assert_int_equal(r->at_b.ms[0]->tstamp_ns, 3);
	assert_int_equal(r->at_b.ms[1]->tstamp_ns, 4);
	assert_accounted(r, 12);
}

/* A frame with an 802.1Q priority, and its number as timestamp. */
static int
send_priority(struct rig *r, unsigned pcp, uint64_t number)
{
	uint8_t octets[1000] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0 };
	struct epair_mbuf *m;

	octets[14] = (uint8_t)(pcp << 5);
	m = epair_mbuf_from(r->ep, octets, sizeof(octets));
	assert_non_null(m);
	m->flags |= EPAIR_M_TSTAMP;
	m->tstamp_ns = number;
	return transmit(r->a, m);
}

static void
discipline_decides_what_goes_next_while_the_link_is_taken(void **state)
{
	struct rig *r = *state;

	set(r->a, "rate 8mbit");
	assert_int_equal(epair_if_set_qdisc(r->a, "priq:limit=3", NULL), 0);
	/* The first is on the link at once, the last finds no room. */
	assert_int_equal(send_priority(r, 0, 0), 0);
	assert_int_equal(send_priority(r, 0, 2), 0);
	assert_int_equal(send_priority(r, 7, 1), 0);
	assert_int_equal(send_priority(r, 0, 3), 0);
	assert_int_equal(send_priority(r, 0, 4), -ENOBUFS);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_QDISC], 1);
	pass(r, 4 * MS);
	assert_int_equal(r->at_b.count, 4);
	assert_true(in_order(&r->at_b, 0));
}

static void
discipline_is_not_left_behind_when_the_rate_goes(void **state)
{
	struct rig *r = *state;

	set(r->a, "rate 8kbit");
	assert_int_equal(epair_if_set_qdisc(r->a, "fifo", NULL), 0);
	send_many(r->a, 5, 1000);
	run(r);
	assert_int_equal(r->at_b.count, 0);
	set(r->a, "none");
	run(r);
	assert_int_equal(r->at_b.count, 5);
	assert_true(in_order(&r->at_b, 0));
}

static void
discipline_taken_away_hands_on_to_the_line(void **state)
{
	struct rig *r = *state;

	set(r->a, "rate 8mbit");
	assert_int_equal(epair_if_set_qdisc(r->a, "fifo", NULL), 0);
	send_many(r->a, 5, 1000);
	assert_int_equal(epair_if_set_qdisc(r->a, NULL, NULL), 0);
	assert_int_equal(link_stats(r->a).waiting, 4);
	pass(r, 5 * MS);
	assert_int_equal(r->at_b.count, 5);
	assert_true(in_order(&r->at_b, 0));
}

static void
codel_keeps_the_line_before_a_slow_link_short(void **state)
{
	struct rig *r = *state;
	uint64_t offered = 0;

	set(r->a, "rate 8mbit");
	assert_int_equal(epair_if_set_qdisc(r->a, "fq-codel:ecn=off", NULL), 0);
	/* Twice as much as the link takes. */
	for (unsigned i = 0; i < 4000; i++) {
		send_many(r->a, 2, 1000);
		offered += 2;
		pass(r, 1 * MS);
	}
	assert_in_range(stats(r->a).drops[EPAIR_DROP_QDISC], 100, offered / 2);
	/* The link was never idle: a frame each millisecond. */
	assert_in_range(r->at_b.count, 3999, 4000);
	assert_int_equal(epair_if_set_qdisc(r->a, NULL, NULL), 0);
	assert_accounted(r, offered);
}

static void
discipline_that_shapes_needs_no_link(void **state)
{
	struct epair_qdisc_stats s = { .size = sizeof(s) };
	struct rig *r = *state;

	assert_int_equal(epair_if_get_qdisc_stats(r->a, &s), -ENOENT);
	/* A frame of 1000 octets each millisecond, the first two at once. */
	assert_int_equal(epair_if_set_qdisc(
			     r->a, "htb:burst=1000,class=1:1mbit:8mbit", NULL),
	    0);
	send_many(r->a, 10, 1000);
	run(r);
	assert_int_equal(r->at_b.count, 2);
	pass(r, 3 * MS);
	assert_int_equal(r->at_b.count, 5);
	assert_int_equal(epair_if_get_qdisc_stats(r->a, &s), 0);
	assert_int_equal(s.sent, 5);
	assert_int_equal(s.of_class[1].waiting, 5);
	pass(r, 5 * MS);
	assert_int_equal(r->at_b.count, 10);
	assert_true(in_order(&r->at_b, 0));
}

static void
discipline_that_shapes_ends_with_frames_in_it(void **state)
{
	struct rig *r = *state;

	assert_int_equal(
	    epair_if_set_qdisc(r->a, "htb:class=1:1kbit:1kbit", NULL), 0);
	send_many(r->a, 10, 1000);
	assert_int_equal(epair_if_set_qdisc(r->a, "priq", NULL), 0);
	run(r);
	assert_int_equal(r->at_b.count, 10);
	assert_int_equal(
	    epair_if_set_qdisc(r->a, "htb:class=1:1kbit:1kbit", NULL), 0);
	send_many(r->a, 10, 1000);
	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_QDISC], 6);
}

/* Life. */

static void
frame_under_way_to_an_end_that_goes_down_is_dropped(void **state)
{
	struct rig *r = *state;

	set(r->a, "delay 10ms");
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(epair_if_down(r->b), 0);
	pass(r, 10 * MS);
	assert_int_equal(stats(r->a).drops[EPAIR_DROP_PEER_DOWN], 1);
	assert_int_equal(stats(r->a).oerrors, 1);
	assert_int_equal(stats(r->a).opackets, 1);
}

static void
frame_under_way_arrives_though_its_sender_goes_down(void **state)
{
	struct rig *r = *state;

	set(r->a, "delay 10ms");
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(epair_if_down(r->a), 0);
	pass(r, 10 * MS);
	assert_int_equal(r->at_b.count, 1);
}

static void
queue_that_is_full_later_counts_on_the_sender(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_queue_limit(r->b, 2, NULL), 0);
	set(r->a, "delay 10ms");
	send_many(r->a, 3, 60);
	pass(r, 10 * MS);
	assert_int_equal(stats(r->a).opackets, 3);
	assert_int_equal(stats(r->a).oqdrops, 1);
	assert_int_equal(stats(r->b).ipackets, 2);
	assert_accounted(r, 3);
}

static void
link_and_what_is_under_way_survive_a_move(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_vnet_add(r->ep, "red", NULL, NULL), 0);
	set(r->a, "delay 10ms");
	set(r->b, "delay 20ms");
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(send_one(r->b, 60), 0);
	assert_int_equal(epair_if_move(r->a, "red", NULL), 0);
	assert_link(r->a, "delay 10ms");
	assert_int_equal(epair_if_up(r->a), 0);
	pass(r, 20 * MS);
	assert_int_equal(r->at_a.count, 1);
	assert_int_equal(r->at_b.count, 1);
}

static void
destroy_frees_what_waits_and_what_is_under_way(void **state)
{
	struct rig *r = *state;

	set(r->a, "delay 10ms 9ms rate 8mbit");
	set(r->b, "rate 8mbit");
	assert_int_equal(epair_if_set_qdisc(r->b, "fifo", NULL), 0);
	send_many(r->a, 20, 1000);
	send_many(r->b, 20, 1000);
	pass(r, 5 * MS);
	forget(&r->at_a);
	forget(&r->at_b);
	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	assert_int_equal(usage(r->ep).mbufs, 0);
	assert_int_not_equal(stats(r->b).drops[EPAIR_DROP_RX_DESTROYED], 0);
	assert_int_not_equal(stats(r->b).drops[EPAIR_DROP_QDISC], 0);
	pass(r, 20 * MS);
	assert_int_equal(r->at_a.count + r->at_b.count, 0);
}

static void
what_is_held_counts_against_the_limit_of_the_pair(void **state)
{
	const struct epair_create how = { .size = sizeof(how),
		.mbufs_max = 200 };
	struct rig *r = *state;
	struct epair_if *a, *b;

	assert_int_equal(
	    epair_if_create(r->ep, NULL, "epair7", &how, &a, NULL), 0);
	b = epair_if_peer(a);
	assert_int_equal(epair_if_up(a), 0);
	assert_int_equal(epair_if_up(b), 0);
	set(a, "delay 10ms");
	send_many(a, 300, 60);
	assert_in_range(stats(a).drops[EPAIR_DROP_LIMIT], 100, 230);
	epair_if_put(b);
	destroy(a);
}

static void
what_a_discipline_holds_counts_against_it_too(void **state)
{
	const struct epair_create how = { .size = sizeof(how),
		.mbufs_max = 200 };
	struct rig *r = *state;
	struct epair_if *a, *b;

	assert_int_equal(
	    epair_if_create(r->ep, NULL, "epair7", &how, &a, NULL), 0);
	b = epair_if_peer(a);
	assert_int_equal(epair_if_up(a), 0);
	assert_int_equal(epair_if_up(b), 0);
	set(a, "rate 8kbit");
	assert_int_equal(epair_if_set_qdisc(a, "fifo:limit=1000", NULL), 0);
	send_many(a, 300, 60);
	assert_in_range(stats(a).drops[EPAIR_DROP_LIMIT], 100, 230);
	assert_in_range(usage(r->ep).mbufs, 1, 200);
	epair_if_put(b);
	destroy(a);
}

/* Changes. */

static void
frames_stay_accounted_for_through_a_thousand_changes(void **state)
{
	static const char *const words[] = { "delay 1ms 1ms", "delay 50us",
		"loss 10%", "loss gemodel 5% 50%", "loss 0%", "rate 100mbit",
		"rate 1gbit burst 9000", "rate 0", "duplicate 20%",
		"duplicate 0%", "ber 1e-4", "ber 0", "corrupt 10%",
		"corrupt 0%", "limit 10", "limit 0", "drop head", "ordered",
		"ordered off", "cut", "cut off", "none" };
	struct rig *r = *state;
	uint64_t offered = 0;

	for (unsigned i = 0; i < 1000; i++) {
		set(r->a, words[(i * 7) % (sizeof(words) / sizeof(words[0]))]);
		send_many(r->a, i % 13, 60 + i);
		offered += i % 13;
		pass(r, (i % 5) * 20000);
		assert_accounted(r, offered);
		forget(&r->at_b);
	}
	set(r->a, "none");
	assert_accounted(r, offered);
	assert_int_equal(link_stats(r->a).under_way, 0);
}

static void
no_change_of_a_delay_reorders(void **state)
{
	struct rig *r = *state;

	for (unsigned i = 0; i < 1000; i++) {
		static const char *const words[] = { "delay 1ms", "delay 3ms",
			"delay 0", "rate 10mbit", "rate 1gbit", "rate 0",
			"burst 3000", "burst 0", "overhead 24", "none" };
		struct epair_mbuf *m = frame(r->ep, 60);

		set(r->a, words[(i * 7) % (sizeof(words) / sizeof(words[0]))]);
		m->flags |= EPAIR_M_TSTAMP;
		m->tstamp_ns = i;
		assert_int_equal(transmit(r->a, m), 0);
		pass(r, (i % 7) * 30000);
	}
	set(r->a, "none");
	run(r);
	assert_int_equal(r->at_b.count, 1000);
	assert_true(in_order(&r->at_b, 0));
}

static const struct CMUnitTest tests[] = {
	RIG_TEST(delayed_frame_arrives_at_its_time),
	RIG_TEST(other_direction_is_not_delayed),
	RIG_TEST(frame_does_not_overtake_when_the_delay_shrinks),
	RIG_TEST(jitter_overtakes_unless_it_is_forbidden),
	RIG_TEST(reordered_frame_is_sent_ahead),
	RIG_TEST(none_lets_everything_go_at_once),
	RIG_TEST(lost_frame_was_sent_and_has_a_reason),
	RIG_TEST(every_third_frame_is_lost),
	RIG_TEST(cut_cable_passes_nothing_until_mended),
	RIG_TEST(duplicate_arrives_twice_and_was_sent_once),
	RIG_TEST(corruption_turns_one_bit_of_our_own_copy),
	RIG_TEST(errors_at_a_rate_turn_bits_of_our_own_copy),
	RIG_TEST(frames_go_one_after_the_other_at_the_rate),
	RIG_TEST(overhead_counts_for_the_rate_only),
	RIG_TEST(burst_goes_at_once_after_a_pause),
	RIG_TEST(full_line_drops_the_newest_or_the_oldest),
	RIG_TEST(limit_counts_octets_too),
	RIG_TEST(delay_needs_no_limit_and_obeys_one),
	RIG_TEST(what_is_under_way_makes_room_from_its_head),
	RIG_TEST(discipline_decides_what_goes_next_while_the_link_is_taken),
	RIG_TEST(discipline_is_not_left_behind_when_the_rate_goes),
	RIG_TEST(discipline_taken_away_hands_on_to_the_line),
	RIG_TEST(discipline_that_shapes_needs_no_link),
	RIG_TEST(discipline_that_shapes_ends_with_frames_in_it),
	RIG_TEST(codel_keeps_the_line_before_a_slow_link_short),
	RIG_TEST(frame_under_way_to_an_end_that_goes_down_is_dropped),
	RIG_TEST(frame_under_way_arrives_though_its_sender_goes_down),
	RIG_TEST(queue_that_is_full_later_counts_on_the_sender),
	RIG_TEST(link_and_what_is_under_way_survive_a_move),
	RIG_TEST(destroy_frees_what_waits_and_what_is_under_way),
	RIG_TEST(what_is_held_counts_against_the_limit_of_the_pair),
	RIG_TEST(what_a_discipline_holds_counts_against_it_too),
	RIG_TEST(frames_stay_accounted_for_through_a_thousand_changes),
	RIG_TEST(no_change_of_a_delay_reorders),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
