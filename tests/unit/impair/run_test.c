/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A link in virtual time, through the public interface: the rate over a million
 * frames, and that the same seed gives the same arrivals, to the nanosecond and
 * the octet, on every run, machine and build.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <epair/epair.h>

#define MS UINT64_C(1000000)

struct lab {
	struct epair *ep;
	struct epair_if *a, *b;
	uint64_t arrived, first_ns, last_ns;
	uint64_t digest; /* of when, which and what */
};

static void
digest(struct lab *lab, const void *octets, size_t n)
{
	const uint8_t *o = octets;

	for (size_t i = 0; i < n; i++)
		lab->digest = (lab->digest ^ o[i]) * UINT64_C(0x100000001b3);
}

static void
receive(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	struct lab *lab = arg;

	(void)ifp;
	lab->last_ns = epair_now(lab->ep);
	if (lab->arrived == 0)
		lab->first_ns = lab->last_ns;
	lab->arrived += n;
	for (unsigned i = 0; i < n; i++) {
		uint8_t octets[64];
		uint64_t at[2] = { lab->last_ns, ms[i]->tstamp_ns };

		for (unsigned k = 0; k < 16; k++)
			octets[k] = (uint8_t)(at[k / 8] >> k % 8 * 8);
		digest(lab, octets, 16);
		digest(lab, octets,
		    epair_mbuf_read(ms[i], 0, octets, sizeof(octets)));
	}
	epair_mbuf_free(ms, n);
}

static struct epair_if *
make(struct lab *lab, const char *name)
{
	struct epair_if *a, *b;

	assert_int_equal(
	    epair_if_create(lab->ep, NULL, name, NULL, &a, NULL), 0);
	b = epair_if_peer(a);
	assert_int_equal(epair_if_up(a), 0);
	assert_int_equal(epair_if_up(b), 0);
	epair_if_put(b);
	return a;
}

static void
lab_init(struct lab *lab, uint64_t seed)
{
	const struct epair_opts opts = { .size = sizeof(opts),
		.way = EPAIR_SIM,
		.seed = seed,
		.host_id_set = true,
		.host_id = 1 };
	const struct epair_stack stack = { .size = sizeof(stack),
		.receive = receive };

	*lab = (struct lab){ .digest = UINT64_C(0xcbf29ce484222325) };
	assert_int_equal(epair_new(&opts, &lab->ep, NULL), 0);
	lab->a = make(lab, "epair7");
	lab->b = epair_if_peer(lab->a);
	assert_int_equal(epair_attach_stack(lab->b, &stack, lab, NULL), 0);
}

static void
lab_fini(struct lab *lab)
{
	struct epair_usage u = { .size = sizeof(u) };

	epair_if_put(lab->b);
	assert_int_equal(epair_if_destroy(lab->a, NULL), 0);
	epair_if_put(lab->a);
	assert_int_equal(epair_get_usage(lab->ep, &u), 0);
	assert_int_equal(u.mbufs, 0);
	assert_int_equal(epair_free(lab->ep), 0);
}

static void
set(struct epair_if *ifp, const char *words)
{
	assert_int_equal(epair_if_set_link(ifp, words, NULL), 0);
}

static void
send(struct epair_if *ifp, uint64_t number, uint32_t len)
{
	static const uint8_t octets[1514] = { 2, 0, 0, 0, 0, 1, 2 };
	struct epair_mbuf *m = epair_mbuf_from(
	    epair_if_instance(ifp), octets, len);

	assert_non_null(m);
	m->flags |= EPAIR_M_TSTAMP;
	m->tstamp_ns = number;
	(void)epair_if_transmit(ifp, &m, 1);
}

static void
pass(struct lab *lab, uint64_t ns)
{
	assert_int_equal(epair_advance(lab->ep, ns), 0);
}

/* Keep the line from running dry until n frames have arrived. */
static uint64_t
time_of(const char *words, uint64_t n, uint32_t len, uint64_t step_ns)
{
	struct lab lab;
	uint64_t took;

	lab_init(&lab, 1);
	set(lab.a, words);
	for (uint64_t sent = 0; lab.arrived < n;) {
		struct epair_link_stats s = { .size = sizeof(s) };

		assert_int_equal(epair_if_get_link_stats(lab.a, &s), 0);
		for (; s.waiting < 900 && sent < n; s.waiting++)
			send(lab.a, sent++, len);
		pass(&lab, step_ns);
	}
	took = lab.last_ns - lab.first_ns;
	lab_fini(&lab);
	return took;
}

/* Closer than the 0.1 % that is asked for: to the nanosecond. */
static void
assert_near(uint64_t got, uint64_t want)
{
	assert_in_range(got, want - 2, want + 2);
}

static void
rate_is_held_over_a_million_frames(void **state)
{
	const uint64_t n = 1000000;

	(void)state;
	/* 8.000 us each; 51.2 ns each, which is no whole number. */
	assert_near(time_of("rate 1gbit", n, 1000, 6 * MS), (n - 1) * 8000);
	assert_near(time_of("rate 10gbit overhead 4", n, 60, 40000),
	    (n - 1) * 512 / 10);
}

static void
rate_is_held_with_a_burst_and_jitter(void **state)
{
	const uint64_t n = 100000;
	uint64_t took = time_of(
	    "rate 100mbit burst 64k delay 1ms 500us ordered", n, 1000, 30 * MS);
	uint64_t want = (n - 1) * 80000;

	(void)state;
	/* The burst goes ahead once, and the ends are off by their jitter. */
	assert_in_range(took, want - want / 1000, want + want / 1000);
}

/* Everything at once, changed on the way. */
static uint64_t
digest_of(uint64_t seed, bool with_neighbour)
{
	static const char *const changes[] = { "loss gemodel 1% 20%",
		"rate 20mbit burst 10k",
		"delay 3ms 2ms 20% distribution normal", "distribution pareto",
		"ordered off reorder 5% 10% gap 3", "rate 0",
		"reorder 0% ordered", "loss state 1% 20% 10%" };
	struct epair_if *neighbour = NULL;
	struct lab lab;
	uint64_t result;

	lab_init(&lab, seed);
	if (with_neighbour) {
		neighbour = make(&lab, "epair3");
		set(neighbour, "delay 1ms 1ms loss 5%");
	}
	set(lab.a, "delay 2ms 1ms distribution paretonormal loss 1% "
		   "corrupt 2% duplicate 1%");
	for (unsigned i = 0; i < 100000; i++) {
		if (i % 5000 == 4999)
			set(lab.a, changes[i / 5000 % 8]);
		if (neighbour != NULL && i % 3 == 0)
			send(neighbour, i, 200);
		send(lab.a, i, 60 + i % 1455);
		if (i % 7 == 0)
			pass(&lab, 777777);
	}
	pass(&lab, 10000 * MS);
	result = lab.digest;
	if (neighbour != NULL) {
		assert_int_equal(epair_if_destroy(neighbour, NULL), 0);
		epair_if_put(neighbour);
	}
	lab_fini(&lab);
	return result;
}

static void
same_seed_gives_the_same_arrivals(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++)
		assert_int_equal(
		    digest_of(seed, false), digest_of(seed, false));
	assert_int_not_equal(digest_of(1, false), digest_of(2, false));
}

/* gcc and clang, -O0 and -O3 gave it. Another is a change of behaviour. */
static void
arrivals_are_those_of_every_build(void **state)
{
	(void)state;
	assert_int_equal(digest_of(42, false), UINT64_C(0xd0b36a7f23cf79df));
}

static void
another_pair_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(digest_of(5, false), digest_of(5, true));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_is_held_over_a_million_frames),
		cmocka_unit_test(rate_is_held_with_a_burst_and_jitter),
		cmocka_unit_test(same_seed_gives_the_same_arrivals),
		cmocka_unit_test(arrivals_are_those_of_every_build),
		cmocka_unit_test(another_pair_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
