/* SPDX-License-Identifier: BSD-2-Clause */
#include <poll.h>
#include <stdio.h>

#include "attach/source/frame.h"
#include "unit/api/rig.h"

#define MS UINT64_C(1000000)

/* The source is at a, once attached; what it sends is kept at b. */
static int
set_up(void **state)
{
	struct rig *r;

	if (rig_setup_bare(state) != 0)
		return -1;
	r = *state;
	r->a = make(r->ep, NULL, "epair0");
	r->b = epair_if_peer(r->a);
	keep(r->b, &r->at_b);
	assert_int_equal(epair_if_up(r->a), 0);
	assert_int_equal(epair_if_up(r->b), 0);
	run(r);
	return 0;
}

#define SOURCE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, rig_teardown)

static void
attach(struct rig *r, const char *spec)
{
	struct epair_err err = { .text = "" };

	if (epair_attach(r->a, spec, &err) != 0)
		fail_msg("%s: %s", spec, err.text);
}

static struct epair_progress
progress(struct rig *r)
{
	struct epair_progress p = { .size = sizeof(p) };

	assert_int_equal(epair_attach_progress(r->a, &p), 0);
	return p;
}

static uint64_t
number(const uint8_t *p, unsigned len)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < len; i++)
		n = n << 8 | p[i];
	return n;
}

/* As RFC 1071 writes it. */
static uint64_t
sum(const uint8_t *p, uint32_t len, uint64_t start)
{
	for (uint32_t i = 0; i < len; i++)
		start += i % 2 == 0 ? (uint64_t)p[i] << 8 : p[i];
	while (start > 0xffff)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

static void
check_udp(const uint8_t *frame, uint32_t len)
{
	const uint8_t *ip = frame + 14, *udp = ip + 20;

	assert_int_equal(number(ip + 2, 2), len - 14);
	assert_int_equal(sum(ip, 20, 0), 0xffff);
	assert_memory_equal(ip + 12, "\xc6\x12\0\1\xc6\x12\0\2", 8);
	assert_int_equal(number(udp + 2, 2), 9);
	assert_int_equal(number(udp + 4, 2), len - 34);
	assert_int_not_equal(number(udp + 6, 2), 0);
	assert_int_equal(
	    sum(udp, len - 34, sum(ip + 12, 8, 17 + len - 34)), 0xffff);
}

static void
count_frames_are_sent_and_no_more(void **state)
{
	struct rig *r = *state;

	attach(r, "source:count=1000");
	run(r);
	assert_int_equal(r->at_b.count, 1000);
	assert_int_equal(progress(r).sent, 1000);
	assert_int_equal(progress(r).done, 1);
	for (unsigned i = 0; i < 1000; i++) {
		const struct epair_mbuf *m = r->at_b.ms[i];
		const uint8_t *frame = m->data;

		assert_int_equal(m->pktlen, 60);
		assert_memory_equal(frame, info(r->b).mac, 6);
		assert_memory_equal(frame + 6, info(r->a).mac, 6);
		assert_int_equal(number(frame + 42, 8), i);
		assert_int_equal(number(frame + 50, 8), epair_now(r->ep));
		check_udp(frame, 60);
	}
}

static void
frames_of_every_size_are_well_formed(void **state)
{
	static const uint32_t sizes[] = { 14, 15, 41, 42, 43, 49, 50, 57, 58,
		59, 60, 1518, 1875, 65549 };
	struct rig *r = *state;

	assert_int_equal(epair_if_set_mtu(r->a, 65535, NULL), 0);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		static uint8_t frame[66000];
		char spec[64];

		(void)snprintf(
		    spec, sizeof(spec), "source:count=3,size=%u", sizes[i]);
		attach(r, spec);
		run(r);
		assert_int_equal(r->at_b.count, 3);
		assert_int_equal(r->at_b.ms[2]->pktlen, sizes[i]);
		(void)epair_mbuf_read(r->at_b.ms[2], 0, frame, sizeof(frame));
		assert_int_equal(
		    number(frame + 12, 2), sizes[i] < 42 ? 0x88b5 : 0x0800);
		if (sizes[i] >= 42)
			check_udp(frame, sizes[i]);
		if (sizes[i] >= 50)
			assert_int_equal(number(frame + 42, 8), 2);
		forget(&r->at_b);
		assert_int_equal(epair_detach(r->a, NULL), 0);
	}
}

static void
checksum_of_0_is_never_sent(void **state)
{
	struct ep_source_head head;
	uint8_t frame[60];

	(void)state;
	ep_source_head_init(&head, 60, mac_station, mac_station);
	for (uint64_t i = 0; i < 70000; i++) {
		ep_source_frame(&head, frame, i, 0, 0);
		assert_int_not_equal(number(frame + 40, 2), 0);
	}
}

static void
rate_is_kept_in_virtual_time(void **state)
{
	struct rig *r = *state;

	attach(r, "source:rate=1000");
	run(r);
	assert_int_equal(r->at_b.count, 1);
	assert_int_equal(epair_advance(r->ep, 10 * MS), 0);
	assert_int_equal(r->at_b.count, 11);
	for (unsigned i = 0; i < 11; i++)
		assert_int_equal(number(r->at_b.ms[i]->data + 50, 8), i * MS);
	assert_int_equal(epair_advance(r->ep, 5000 * MS), 0);
	assert_int_equal(r->at_b.count, 5011);
	assert_int_equal(progress(r).done, 0);
}

static void
rate_that_divides_no_second_is_kept_over_many(void **state)
{
	struct rig *r = *state;

	attach(r, "source:rate=7");
	run(r);
	assert_int_equal(epair_advance(r->ep, 60000 * MS - 1), 0);
	assert_int_equal(r->at_b.count, 7 * 60);
	assert_int_equal(epair_advance(r->ep, 1), 0);
	assert_int_equal(r->at_b.count, 7 * 60 + 1);
	/* Frame 8 is due a seventh of a second on, rounded up. */
	assert_int_equal(
	    number(r->at_b.ms[8]->data + 50, 8), 1000 * MS + 142857143);
}

static void
as_fast_as_it_goes_is_one_burst_a_turn(void **state)
{
	struct rig *r = *state;

	attach(r, "source:burst=5");
	(void)epair_step(r->ep, 1);
	assert_int_equal(stats(r->a).opackets, 5);
	assert_int_equal(stats(r->b).delivered, 0);
	(void)epair_step(r->ep, 1);
	assert_int_equal(stats(r->b).delivered + stats(r->a).opackets, 10);
	(void)epair_step(r->ep, 100);
	assert_int_equal(stats(r->a).oqdrops, 0);
	assert_in_range(stats(r->a).opackets, 200, 300);
	assert_int_equal(epair_detach(r->a, NULL), 0);
}

static void
burst_longer_than_the_queue_is_cut_to_it(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_set_queue_limit(r->b, 5, NULL), 0);
	attach(r, "source:count=100,burst=32");
	assert_int_equal(epair_advance(r->ep, 1000 * MS), 0);
	assert_int_equal(r->at_b.count, 100);
	assert_int_equal(stats(r->a).oqdrops, 0);
}

static void
nothing_is_sent_while_not_up(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_down(r->a), 0);
	run(r);
	attach(r, "source:count=10");
	run(r);
	assert_int_equal(epair_advance(r->ep, 1000 * MS), 0);
	assert_int_equal(progress(r).sent, 0);
	assert_int_equal(epair_if_up(r->a), 0);
	run(r);
	assert_int_equal(r->at_b.count, 10);
	assert_int_equal(stats(r->a).oerrors, 0);
}

static void
rate_goes_on_without_a_flood_after_being_down(void **state)
{
	struct rig *r = *state;

	attach(r, "source:rate=1000");
	assert_int_equal(epair_advance(r->ep, 10 * MS), 0);
	assert_int_equal(r->at_b.count, 11);
	assert_int_equal(epair_if_down(r->a), 0);
	assert_int_equal(epair_advance(r->ep, 10000 * MS), 0);
	assert_int_equal(r->at_b.count, 11);
	assert_int_equal(epair_if_up(r->a), 0);
	run(r);
	assert_int_equal(epair_advance(r->ep, 10 * MS), 0);
	assert_int_equal(r->at_b.count, 22);
}

static void
first_frame_waits_for_the_other_end(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_if_down(r->b), 0);
	attach(r, "source:count=10");
	run(r);
	assert_int_equal(epair_advance(r->ep, 1000 * MS), 0);
	assert_int_equal(progress(r).sent, 0);
	assert_int_equal(epair_if_up(r->b), 0);
	assert_int_equal(epair_advance(r->ep, 1 * MS), 0);
	assert_int_equal(r->at_b.count, 10);
}

static void
flows_are_told_apart_by_their_port(void **state)
{
	struct rig *r = *state;

	attach(r, "source:count=12,flows=3");
	run(r);
	for (unsigned i = 0; i < 12; i++) {
		const uint8_t *frame = r->at_b.ms[i]->data;

		assert_int_equal(number(frame + 34, 2), 49152 + i % 3);
		check_udp(frame, 60);
	}
}

static void
destination_may_be_chosen(void **state)
{
	struct rig *r = *state;

	attach(r, "source:count=1,dst=ff:ff:ff:ff:ff:ff");
	run(r);
	assert_memory_equal(r->at_b.ms[0]->data, mac_broadcast, 6);
	assert_int_equal(stats(r->a).omcasts, 1);
}

static void
new_mac_is_sent_from(void **state)
{
	struct rig *r = *state;

	attach(r, "source:rate=10");
	run(r);
	assert_int_equal(epair_if_set_mac(r->a, mac_station, NULL), 0);
	assert_int_equal(epair_advance(r->ep, 100 * MS), 0);
	assert_int_equal(r->at_b.count, 2);
	assert_memory_equal(r->at_b.ms[1]->data + 6, mac_station, 6);
}

static void
size_beyond_the_mtu_is_refused(void **state)
{
	struct rig *r = *state;
	struct epair_err err;

	assert_int_equal(epair_attach(r->a, "source:size=1519", &err), -EINVAL);
	assert_string_equal(err.text,
	    "size=1519: the interface's MTU lets frames be 1518 octets long");
	assert_int_equal(epair_attach(r->a, "source:size=13", &err), -EINVAL);
	assert_string_equal(err.text, "size=13: must be 14 to 65549");
	attach(r, "source:size=1518,count=1");
	run(r);
	assert_int_equal(r->at_b.count, 1);
}

static void
what_comes_in_is_swallowed(void **state)
{
	struct rig *r = *state;

	attach(r, "source:count=1");
	send_many(r->b, 10, 60);
	run(r);
	assert_int_equal(progress(r).received, 10);
}

static void
detaching_stops_it(void **state)
{
	struct rig *r = *state;

	attach(r, "source:rate=1000");
	assert_int_equal(epair_advance(r->ep, 5 * MS), 0);
	assert_int_equal(epair_detach(r->a, NULL), 0);
	assert_int_equal(epair_next_timer(r->ep) == UINT64_MAX, 1);
	assert_int_equal(usage(r->ep).tasks_waiting, 0);
	assert_int_equal(r->at_b.count, 6);
}

static void
full_pool_is_waited_for(void **state)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = EPAIR_SIM,
		.mbufs_max = 64,
	};
	static struct rig s;

	(void)state;
	assert_int_equal(epair_new(&opts, &s.ep, NULL), 0);
	s.a = make(s.ep, NULL, "epair0");
	s.b = epair_if_peer(s.a);
	assert_int_equal(epair_attach(s.b, "sink", NULL), 0);
	assert_int_equal(epair_if_up(s.a), 0);
	assert_int_equal(epair_if_up(s.b), 0);
	attach(&s, "source:count=500,burst=100");
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(epair_advance(s.ep, 1 * MS), 0);
	assert_int_equal(progress(&s).sent, 500);
	epair_if_put(s.b);
	destroy(s.a);
	(void)epair_run(s.ep, 0);
	assert_int_equal(epair_free(s.ep), 0);
}

/*
 * Threads: two workers, two queues.
 */

static void
set_up_threads(struct rig *r)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.workers = 2,
		.queues = 2,
		.rss_udp = true,
	};

	assert_int_equal(epair_new(&opts, &r->ep, NULL), 0);
	r->a = make(r->ep, NULL, "epair0");
	r->b = epair_if_peer(r->a);
	assert_int_equal(epair_attach(r->b, "sink", NULL), 0);
	assert_int_equal(epair_if_up(r->a), 0);
	assert_int_equal(epair_if_up(r->b), 0);
}

static void
tear_down_threads(struct rig *r)
{
	epair_if_put(r->b);
	destroy(r->a);
	assert_int_equal(epair_free(r->ep), 0);
}

static void
as_fast_as_it_goes_drops_nothing(void **state)
{
	static struct rig r;
	struct epair_progress sink = { .size = sizeof(sink) };

	(void)state;
	set_up_threads(&r);
	attach(&r, "source:count=100k,flows=16");
	while (sink.received < 100000) {
		(void)poll(NULL, 0, 1);
		assert_int_equal(epair_attach_progress(r.b, &sink), 0);
		assert_int_equal(stats(r.a).oqdrops, 0);
	}
	assert_int_equal(progress(&r).done, 1);
	tear_down_threads(&r);
}

static void
detaching_at_any_moment_is_safe(void **state)
{
	static const char *const specs[] = { "source", "source:rate=1M",
		"source:rate=10k,burst=1" };
	static struct rig r;
	struct epair_if_stats a, b;

	(void)state;
	set_up_threads(&r);
	for (unsigned i = 0; i < 200; i++) {
		attach(&r, specs[i % 3]);
		if (i % 4 == 0)
			(void)poll(NULL, 0, 1);
		assert_int_equal(epair_detach(r.a, NULL), 0);
	}
	do {
		a = stats(r.a);
		b = stats(r.b);
	} while (b.delivered < a.opackets);
	assert_int_equal(b.delivered, a.opackets);
	tear_down_threads(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SOURCE_TEST(count_frames_are_sent_and_no_more),
		SOURCE_TEST(frames_of_every_size_are_well_formed),
		cmocka_unit_test(checksum_of_0_is_never_sent),
		SOURCE_TEST(rate_is_kept_in_virtual_time),
		SOURCE_TEST(rate_that_divides_no_second_is_kept_over_many),
		SOURCE_TEST(as_fast_as_it_goes_is_one_burst_a_turn),
		SOURCE_TEST(burst_longer_than_the_queue_is_cut_to_it),
		SOURCE_TEST(nothing_is_sent_while_not_up),
		SOURCE_TEST(rate_goes_on_without_a_flood_after_being_down),
		SOURCE_TEST(first_frame_waits_for_the_other_end),
		SOURCE_TEST(flows_are_told_apart_by_their_port),
		SOURCE_TEST(destination_may_be_chosen),
		SOURCE_TEST(new_mac_is_sent_from),
		SOURCE_TEST(size_beyond_the_mtu_is_refused),
		SOURCE_TEST(what_comes_in_is_swallowed),
		SOURCE_TEST(detaching_stops_it),
		cmocka_unit_test(full_pool_is_waited_for),
		cmocka_unit_test(as_fast_as_it_goes_drops_nothing),
		cmocka_unit_test(detaching_at_any_moment_is_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
