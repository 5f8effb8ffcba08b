/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CoDel against the pseudocode of its RFC, run on the same arrivals: the same
 * frames must go at the same times and the same be dropped. And marking.
 */
#include "bench.h"
#include "mbuf/line.h"
#include "qdisc/codel_law.h"

static uint8_t octets[1514];

/* A link that takes a frame each gap, and arrivals that vary around it. */
static void
play(uint64_t seed, uint64_t gap)
{
	static struct reference r;
	static struct dropped d;
	struct ep_rng rng;
	struct bench b;
	uint64_t arrival = 0, now = 0;
	uint32_t sent = 0;

	memset(&r, 0, sizeof(r));
	memset(&d, 0, sizeof(d));
	r.dropped = &d;
	ep_rng_init(&rng, seed);
	bench_set_up(&b, "codel:limit=100000");
	while (sent < FRAMES || r.head != r.tail) {
		const struct packet *want;
		struct epair_mbuf *got;
		uint32_t drops = d.count;

		for (; sent < FRAMES && arrival <= now; sent++) {
			uint32_t len = 60 +
				       (uint32_t)(ep_rng_next(&rng) % 1455);

			rfc8289_enqueue(
			    &r, &(struct packet){ arrival, sent, len });
			bench_put(&b, octets, len, sent, 0, arrival);
			/* Phases of overload and of rest. */
			arrival += ep_rng_next(&rng) %
				   (sent / 3000 % 2 != 0 ? 3 * gap : gap);
		}
		want = rfc8289_dequeue(&r, now);
		got = bench_take(&b, now);
		assert_int_equal(want != NULL, got != NULL);
		if (want != NULL && got != NULL) {
			assert_int_equal(got->rcvif, want->number);
			ep_mbuf_free1(got);
		}
		bench_check_drops(&b, &d, drops);
		now += gap;
	}
	assert_in_range(d.count, 50, FRAMES);
	bench_tear_down(&b);
}

static void
drops_are_those_of_the_rfc_at_the_same_times(void **state)
{
	(void)state;
	play(1, 1 * MS);
	play(2, MS / 10);
	play(3, 7 * MS + 1);
	play(4, MS / 3);
}

static void
short_queue_drops_nothing(void **state)
{
	struct bench b;

	(void)state;
	bench_set_up(&b, "codel");
	for (uint32_t i = 0; i < 5000; i++) {
		struct epair_mbuf *m;

		bench_put(&b, octets, 1000, i, 0, i * MS);
		m = bench_take(&b, i * MS + TARGET - 1);
		assert_non_null(m);
		assert_int_equal(m->rcvif, i);
		ep_mbuf_free1(m);
	}
	bench_tear_down(&b);
}

static void
full_queue_refuses_the_frame_that_comes(void **state)
{
	struct bench b;
	struct epair_mbuf *m, *victim;
	bool refused;

	(void)state;
	bench_set_up(&b, "codel:limit=2");
	bench_put(&b, octets, 60, 0, 0, 0);
	bench_put(&b, octets, 60, 1, 0, 0);
	m = ep_mbuf_from(b.pool, octets, 60);
	ep_lock(&b.qd->lock);
	assert_int_equal(
	    ep_qdisc_enqueue(b.qd, &m, 1, 0, &victim, &refused), 1);
	ep_unlock(&b.qd->lock);
	assert_true(refused);
	assert_ptr_equal(victim, m);
	ep_mbuf_free1(m);
	bench_tear_down(&b);
}

/* An IPv4 packet that takes part in ECN, with a right checksum. */
static void
ect_packet(uint8_t *o)
{
	static const uint8_t ip[20] = { 0x45, 0x02, 0x03, 0xda, 0, 0, 0, 0, 64,
		17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2 };
	uint32_t sum = 0;

	memset(o, 0, 1000);
	o[12] = 0x08;
	memcpy(o + 14, ip, sizeof(ip));
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(o[14 + i] << 8 | o[15 + i]);
	sum = (sum & 0xffff) + (sum >> 16);
	o[24] = (uint8_t)(~sum >> 8);
	o[25] = (uint8_t)~sum;
}

static bool
is_marked_right(const struct epair_mbuf *m)
{
	const uint8_t *o = m->data;
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(o[14 + i] << 8 | o[15 + i]);
	sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal(sum, 0xffff);
	return (o[15] & 3) == 3;
}

static void
packet_that_takes_part_in_ecn_is_marked_and_not_dropped(void **state)
{
	uint8_t o[1000];
	struct bench b;
	uint32_t marked = 0;

	(void)state;
	ect_packet(o);
	bench_set_up(&b, "codel:ecn=on");
	for (uint32_t i = 0; i < 500; i++)
		bench_put(&b, o, sizeof(o), i, 0, 0);
	for (uint32_t i = 0; i < 500; i++) {
		struct epair_mbuf *m = bench_take(&b, i * MS);

		assert_non_null(m);
		assert_int_equal(m->rcvif, i);
		marked += is_marked_right(m);
		ep_mbuf_free1(m);
	}
	assert_in_range(marked, 5, 50);
	bench_tear_down(&b);
}

static struct epair_mbuf *
line_take(void *arg)
{
	return ep_line_take(arg);
}

static uint64_t
line_bytes(void *arg)
{
	return ((struct ep_line *)arg)->bytes;
}

/* Hours of a flow that does not heed drops; the law divides by their count. */
static void
drops_beyond_the_count_go_on_at_the_same_pace(void **state)
{
	const struct ep_codel_conf conf = {
		.target_ns = TARGET, .interval_ns = INTERVAL, .mtu = MAXPACKET
	};
	struct ep_codel law = { .count = UINT32_MAX - 2,
		.dropping = true,
		.first_above_ns = 1,
		.drop_next_ns = 1000 * MS };
	struct ep_qdisc qd = { .held = 100 };
	struct ep_line line = { .count = 0 };
	const struct ep_codel_queue q = { line_take, line_bytes, &line, &qd };
	uint64_t pace = INTERVAL / 65536; /* the root of the largest count */
	struct epair_mbuf *m;
	struct bench b;

	(void)state;
	bench_set_up(&b, "fifo");
	for (uint32_t i = 0; i < 100; i++) {
		m = ep_mbuf_from(b.pool, octets, 1000);
		assert_non_null(m);
		m->held_ns = 0;
		ep_line_put(&line, m);
	}
	m = ep_codel_dequeue(&law, &conf, &q, 1000 * MS + 9 * pace);
	assert_non_null(m);
	ep_mbuf_free1(m);
	assert_int_equal(law.count, UINT32_MAX);
	assert_true(law.dropping);
	assert_int_equal(line.count, 100 - 10 - 1);
	while ((m = ep_line_take(&line)) != NULL)
		ep_mbuf_free1(m);
	while ((m = qd.lost) != NULL) {
		qd.lost = (struct epair_mbuf *)(uintptr_t)m->user[0];
		ep_mbuf_free1(m);
	}
	bench_tear_down(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drops_are_those_of_the_rfc_at_the_same_times),
		cmocka_unit_test(short_queue_drops_nothing),
		cmocka_unit_test(full_queue_refuses_the_frame_that_comes),
		cmocka_unit_test(drops_beyond_the_count_go_on_at_the_same_pace),
		cmocka_unit_test(
		    packet_that_takes_part_in_ecn_is_marked_and_not_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
