/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delivery traces against Mahimahi's own rules, written down here once more:
 * each packet must be delivered in the millisecond in which Mahimahi's link
 * would deliver it.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/rng.h"
#include "lab.h"

#define PACKETS 1000000u
#define FEWER   30000u
#define LINES   2000u
#define HEADER  14u

struct packet {
	uint64_t at_ms; /* when it comes */
	uint32_t len; /* of the frame */
	uint64_t want_ms, got_ns; /* when it is delivered */
};

struct run {
	struct packet packets[PACKETS];
	uint32_t packet_count;
	uint32_t lines[LINES], line_count;
};

static struct run run;

/*
 * Mahimahi's link, one opportunity after the other: 1504 octets, for what came
 * before its millisecond; a packet has four octets more than IP gives it.
 */
static void
mahimahi(struct run *r)
{
	uint64_t base = 0;
	uint32_t line = 0, in_transit = 0, packet = 0;

	while (packet < r->packet_count) {
		uint64_t now = base + r->lines[line];
		uint32_t left = 1504;

		while (left > 0 && packet < r->packet_count) {
			struct packet *p = &r->packets[packet];
			uint32_t part;

			if (in_transit == 0) {
				if (p->at_ms >= now)
					break;
				in_transit = p->len - HEADER + 4;
			}
			part = in_transit < left ? in_transit : left;
			in_transit -= part;
			left -= part;
			if (in_transit == 0) {
				p->want_ms = now;
				packet++;
			}
		}
		if (++line == r->line_count) {
			line = 0;
			base += r->lines[r->line_count - 1];
		}
	}
}

static void
note(struct lab *lab, struct epair_mbuf *m)
{
	struct run *r = lab->arg;

	assert_in_range(m->tstamp_ns, 0, r->packet_count - 1);
	r->packets[m->tstamp_ns].got_ns = lab->last_ns;
}

/* Some milliseconds with many opportunities, some stretches with none. */
static void
make_trace(struct run *r, struct ep_rng *rng, uint32_t count)
{
	uint32_t at = 0;

	r->line_count = count;
	for (uint32_t i = 0; i < count; i++) {
		if (ep_rng_next(rng) % 3 != 0)
			at += (uint32_t)(ep_rng_next(rng) % 4);
		if (ep_rng_next(rng) % 200 == 0)
			at += (uint32_t)(ep_rng_next(rng) % 300);
		r->lines[i] = at;
	}
	r->lines[count - 1]++;
}

/* Bursts, and pauses of more than a round. */
static void
make_packets(struct run *r, struct ep_rng *rng, uint32_t count)
{
	uint64_t at = 0;

	r->packet_count = count;
	for (uint32_t i = 0; i < count; i++) {
		if (ep_rng_next(rng) % 2 == 0)
			at += ep_rng_next(rng) % 4;
		if (ep_rng_next(rng) % 1000 == 0)
			at += ep_rng_next(rng) % 20000;
		r->packets[i] = (struct packet){ .at_ms = at,
			.len = HEADER + 20 +
			       (uint32_t)(ep_rng_next(rng) % 1481) };
	}
}

static void
use_trace(struct lab *lab, const struct run *r)
{
	char path[] = "/tmp/epair-trace-XXXXXX", words[128];
	int fd = mkstemp(path);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	assert_non_null(f);
	for (uint32_t i = 0; i < r->line_count; i++)
		(void)fprintf(f, "%u\n", r->lines[i]);
	assert_int_equal(fclose(f), 0);
	(void)snprintf(words, sizeof(words), "limit 100000 trace %s", path);
	lab_set(lab->a, words);
	(void)unlink(path);
}

static void
play(uint64_t seed, uint32_t packets, uint32_t lines, const char *qdisc)
{
	struct ep_rng rng;
	struct lab lab;

	ep_rng_init(&rng, seed);
	make_trace(&run, &rng, lines);
	make_packets(&run, &rng, packets);
	mahimahi(&run);

	lab_init(&lab, seed, note, &run);
	use_trace(&lab, &run);
	assert_int_equal(epair_if_set_qdisc(lab.a, qdisc, NULL), 0);
	for (uint32_t i = 0; i < packets; i++) {
		uint64_t at = run.packets[i].at_ms * MS;

		if (at > epair_now(lab.ep))
			lab_pass(&lab, at - epair_now(lab.ep));
		lab_send(lab.a, i, run.packets[i].len);
	}
	while (lab.arrived < packets)
		lab_pass(&lab, 1000 * MS);
	for (uint32_t i = 0; i < packets; i++)
		assert_int_equal(
		    run.packets[i].got_ns, run.packets[i].want_ms * MS);
	lab_fini(&lab);
}

static void
each_packet_is_delivered_when_mahimahi_would(void **state)
{
	(void)state;
	play(1, PACKETS, LINES, NULL);
	play(2, FEWER, 137, NULL);
	play(3, FEWER, 2, NULL);
	play(4, FEWER, 1, NULL);
}

static void
discipline_before_a_trace_changes_no_time(void **state)
{
	(void)state;
	play(5, FEWER, LINES, "fifo:limit=100000");
	play(6, FEWER, 7, "fifo:limit=100000");
}

/* A packet of full size each millisecond and a half: 8 Mb/s of IP. */
static void
trace_carries_what_it_says(void **state)
{
	struct lab lab;

	(void)state;
	run.lines[0] = 1;
	run.lines[1] = 3;
	run.line_count = 2;
	lab_init(&lab, 1, NULL, NULL);
	use_trace(&lab, &run);
	for (unsigned i = 0; i < 15000; i++)
		lab_send(lab.a, i, 1514);
	lab_pass(&lab, 15000 * MS);
	assert_int_equal(lab.arrived, 10000);
	lab_pass(&lab, 7500 * MS);
	assert_int_equal(lab.arrived, 15000);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_packet_is_delivered_when_mahimahi_would),
		cmocka_unit_test(discipline_before_a_trace_changes_no_time),
		cmocka_unit_test(trace_carries_what_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
