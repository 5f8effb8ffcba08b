/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What single words of a link do, in virtual time: what counts for the rate,
 * loss by a filter, slots.
 */
#include <stdlib.h>
#include <unistd.h>

#include "lab.h"

/* How long a link of 8 Mb/s - an octet in a microsecond - takes for one. */
static uint64_t
takes_us(const char *words, uint32_t len)
{
	struct lab lab;
	uint64_t took;

	lab_init(&lab, 1, NULL, NULL);
	lab_set(lab.a, words);
	lab_send(lab.a, 0, len);
	lab_pass(&lab, 1000 * MS);
	assert_int_equal(lab.arrived, 1);
	took = lab.last_ns / 1000;
	lab_fini(&lab);
	return took;
}

static void
rate_counts_overhead_cells_and_the_wire(void **state)
{
	(void)state;
	assert_int_equal(takes_us("rate 8mbit", 60), 60);
	assert_int_equal(takes_us("rate 8mbit 20", 60), 80);
	assert_int_equal(takes_us("rate 8mbit -14", 60), 46);
	assert_int_equal(takes_us("rate 8mbit -1000", 60), 1);
	/* ATM: cells of 48 octets and a header of five for each. */
	assert_int_equal(takes_us("rate 8mbit 0 48 5", 48), 53);
	assert_int_equal(takes_us("rate 8mbit 0 48 5", 49), 106);
	assert_int_equal(takes_us("rate 8mbit 8 48 5", 1514), 32 * 53);
	/* FCS, preamble and gap; and no frame is shorter than 60. */
	assert_int_equal(takes_us("rate 8mbit wire", 1514), 1538);
	assert_int_equal(takes_us("rate 8mbit wire", 20), 84);
	assert_int_equal(takes_us("rate 8mbit wire overhead 4", 20), 88);
}

static void
tag_out_of_band_counts_for_the_rate(void **state)
{
	struct epair_mbuf *m;
	struct lab lab;

	(void)state;
	lab_init(&lab, 1, NULL, NULL);
	assert_int_equal(
	    epair_if_set_caps(lab.a, EPAIR_CAP_VLAN_HWTAGGING, 0, NULL), 0);
	lab_set(lab.a, "rate 8mbit");
	m = epair_mbuf_from(lab.ep, lab_octets, 1000);
	assert_non_null(m);
	m->flags |= EPAIR_M_VLANTAG;
	m->vlan_tci = 7;
	assert_int_equal(epair_if_transmit(lab.a, &m, 1), 0);
	lab_pass(&lab, 1000 * MS);
	assert_int_equal(lab.last_ns, 1004 * 1000);
	lab_fini(&lab);
}

static void
send_type(struct epair_if *ifp, uint64_t number, unsigned type)
{
	uint8_t octets[60] = { 2, 0, 0, 0, 0, 1, 2 };
	struct epair_mbuf *m;

	octets[12] = (uint8_t)(type >> 8);
	octets[13] = (uint8_t)type;
	m = epair_mbuf_from(epair_if_instance(ifp), octets, sizeof(octets));
	assert_non_null(m);
	m->flags |= EPAIR_M_TSTAMP;
	m->tstamp_ns = number;
	(void)epair_if_transmit(ifp, &m, 1);
}

static void
only_even_ones(struct lab *lab, struct epair_mbuf *m)
{
	(void)lab;
	assert_int_equal(m->tstamp_ns % 2, 0);
}

static void
filter_loses_what_it_passes_and_nothing_else(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab, 1, only_even_ones, NULL);
	lab_set(lab.a, "loss filter 'ether proto 0x88b5'");
	for (unsigned i = 0; i < 1000; i++)
		send_type(lab.a, i, i % 2 == 0 ? 0x88b6 : 0x88b5);
	lab_pass(&lab, MS);
	assert_int_equal(lab.arrived, 500);
	assert_int_equal(lab_stats(lab.a).drops[EPAIR_DROP_IMPAIR_LOSS], 500);
	lab_fini(&lab);
}

static void
filter_with_a_share_loses_so_much_of_it(void **state)
{
	struct lab lab;
	uint64_t lost;

	(void)state;
	lab_init(&lab, 2, NULL, NULL);
	lab_set(lab.a, "loss filter 'ether proto 0x88b5' 25%");
	for (unsigned i = 0; i < 1000000; i++) {
		send_type(lab.a, i, i % 2 == 0 ? 0x88b6 : 0x88b5);
		if (i % 100 == 0)
			lab_pass(&lab, 1);
	}
	lab_pass(&lab, MS);
	lost = lab_stats(lab.a).drops[EPAIR_DROP_IMPAIR_LOSS];
	/* 125000, and three times the root of 500000 x 1/4 x 3/4. */
	assert_in_range(lost, 125000 - 918, 125000 + 918);
	assert_int_equal(lab.arrived, 1000000 - lost);
	lab_fini(&lab);
}

static void
all_are_marked(struct lab *lab, struct epair_mbuf *m)
{
	uint8_t octet;

	(void)lab;
	assert_int_equal(epair_mbuf_read(m, 15, &octet, 1), 1);
	assert_int_equal(octet >> 4 & 3, 3);
}

static void
send_ip6(struct epair_if *ifp, unsigned ecn)
{
	uint8_t octets[60] = { 2, 0, 0, 0, 0, 1, 2, [12] = 0x86, 0xdd, 0x60 };
	struct epair_mbuf *m;

	octets[15] = (uint8_t)(ecn << 4);
	m = epair_mbuf_from(epair_if_instance(ifp), octets, sizeof(octets));
	assert_non_null(m);
	(void)epair_if_transmit(ifp, &m, 1);
}

static void
what_takes_part_in_ecn_is_marked_instead_of_lost(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab, 1, all_are_marked, NULL);
	lab_set(lab.a, "loss 100% ecn");
	send_ip6(lab.a, 0); /* takes no part */
	send_ip6(lab.a, 1);
	send_ip6(lab.a, 2);
	send_ip6(lab.a, 3);
	lab_pass(&lab, MS);
	assert_int_equal(lab.arrived, 3);
	assert_int_equal(lab_link_stats(lab.a).marked, 3);
	assert_int_equal(lab_stats(lab.a).drops[EPAIR_DROP_IMPAIR_LOSS], 1);
	lab_fini(&lab);
}

struct arrivals {
	uint64_t at_ns[100];
	unsigned count;
};

static void
note_time(struct lab *lab, struct epair_mbuf *m)
{
	struct arrivals *a = lab->arg;

	assert_int_equal(m->tstamp_ns, a->count); /* in order */
	assert_in_range(a->count, 0, 99);
	a->at_ns[a->count++] = lab->last_ns;
}

static void
frames_arrive_in_slots_of_so_many(void **state)
{
	struct arrivals a = { .count = 0 };
	struct lab lab;

	(void)state;
	lab_init(&lab, 1, note_time, &a);
	lab_set(lab.a, "slot 10ms packets 3");
	for (unsigned i = 0; i < 10; i++)
		lab_send(lab.a, i, 100);
	lab_pass(&lab, 100 * MS);
	assert_int_equal(a.count, 10);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(a.at_ns[i], (i / 3 + 1) * 10 * MS);
	/* A slot that is over takes nobody: the next is as far from now. */
	lab_send(lab.a, 10, 100);
	lab_pass(&lab, 10 * MS);
	assert_int_equal(a.at_ns[10], 110 * MS);
	lab_fini(&lab);
}

static void
slot_holds_so_many_octets_and_comes_after_the_delay(void **state)
{
	struct arrivals a = { .count = 0 };
	struct lab lab;

	(void)state;
	lab_init(&lab, 1, note_time, &a);
	lab_set(lab.a, "delay 5ms slot 10ms bytes 150");
	for (unsigned i = 0; i < 4; i++)
		lab_send(lab.a, i, 100);
	lab_pass(&lab, 100 * MS);
	/* The second begins in it, as netem has it. */
	assert_int_equal(a.at_ns[0], 15 * MS);
	assert_int_equal(a.at_ns[1], 15 * MS);
	assert_int_equal(a.at_ns[2], 25 * MS);
	assert_int_equal(a.at_ns[3], 25 * MS);
	lab_fini(&lab);
}

/* All numbers of the file are the same: no chance is left. */
static void
slots_of_a_file_are_as_far_apart_as_it_says(void **state)
{
	struct arrivals a = { .count = 0 };
	char path[] = "/tmp/epair-slots-XXXXXX", words[128];
	struct lab lab;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "8192 8192\n", 10), 10);
	(void)close(fd);
	lab_init(&lab, 1, note_time, &a);
	(void)snprintf(words, sizeof(words),
	    "slot distribution %s 10ms 2ms packets 2", path);
	lab_set(lab.a, words);
	/* Nor does the delay's, in the same words, change it. */
	(void)snprintf(words, sizeof(words), "distribution %s", path);
	lab_set(lab.a, words);
	(void)unlink(path);
	lab_set(lab.a, "distribution normal");
	for (unsigned i = 0; i < 10; i++)
		lab_send(lab.a, i, 100);
	lab_pass(&lab, 100 * MS);
	assert_int_equal(a.count, 10);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(a.at_ns[i], (i / 2 + 1) * 12 * MS);
	lab_fini(&lab);
}

/*
 * A frame of 1000 octets each 8 ms, the first two at once; 80 us on the link,
 * and 20 ms under way.
 */
static void
arrives_when_it_should(struct lab *lab, struct epair_mbuf *m)
{
	uint64_t k = m->tstamp_ns, begins_us = k < 2 ? 80 * k : 8000 * (k - 1);

	assert_int_equal(lab->last_ns, 1000 * (begins_us + 80 + 20000));
}

static void
what_a_discipline_has_held_back_is_delayed_all_the_same(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab, 1, arrives_when_it_should, NULL);
	lab_set(lab.a, "rate 100mbit delay 20ms");
	assert_int_equal(epair_if_set_qdisc(
			     lab.a, "htb:burst=1000,class=1:1mbit:1mbit", NULL),
	    0);
	for (unsigned i = 0; i < 50; i++)
		lab_send(lab.a, i, 1000);
	lab_pass(&lab, 1000 * MS);
	assert_int_equal(lab.arrived, 50);
	lab_fini(&lab);
}

static void
note_number(struct lab *lab, struct epair_mbuf *m)
{
	*(uint64_t *)lab->arg |= UINT64_C(1) << m->tstamp_ns;
}

static void
seed_that_is_said_again_begins_anew(void **state)
{
	uint64_t first = 0, again = 0;
	struct lab lab;

	(void)state;
	lab_init(&lab, 1, note_number, &first);
	lab_set(lab.a, "loss 50% seed 5");
	for (unsigned i = 0; i < 64; i++)
		lab_send(lab.a, i, 60);
	lab_pass(&lab, MS);
	lab.arg = &again;
	lab_set(lab.a, "seed 5");
	for (unsigned i = 0; i < 64; i++)
		lab_send(lab.a, i, 60);
	lab_pass(&lab, MS);
	assert_true(first != 0);
	assert_int_equal(again, first);
	lab_fini(&lab);
}

static void
cut_is_of_one_direction(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab, 1, NULL, NULL);
	lab_set(lab.b, "cut");
	lab_send(lab.a, 0, 60);
	lab_send(lab.b, 0, 60);
	lab_pass(&lab, MS);
	assert_int_equal(lab.arrived, 1);
	assert_int_equal(lab_stats(lab.a).ipackets, 0);
	assert_int_equal(lab_stats(lab.b).drops[EPAIR_DROP_IMPAIR_CUT], 1);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_counts_overhead_cells_and_the_wire),
		cmocka_unit_test(tag_out_of_band_counts_for_the_rate),
		cmocka_unit_test(filter_loses_what_it_passes_and_nothing_else),
		cmocka_unit_test(filter_with_a_share_loses_so_much_of_it),
		cmocka_unit_test(
		    what_takes_part_in_ecn_is_marked_instead_of_lost),
		cmocka_unit_test(frames_arrive_in_slots_of_so_many),
		cmocka_unit_test(
		    slot_holds_so_many_octets_and_comes_after_the_delay),
		cmocka_unit_test(slots_of_a_file_are_as_far_apart_as_it_says),
		cmocka_unit_test(
		    what_a_discipline_has_held_back_is_delayed_all_the_same),
		cmocka_unit_test(seed_that_is_said_again_begins_anew),
		cmocka_unit_test(cut_is_of_one_direction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
