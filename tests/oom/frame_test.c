/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames while memory is short: those that can be made are whole, and those
 * that are sent are received or counted under a reason.
 */
#include "oom.h"

static struct epair *
instance(enum epair_way way, unsigned queues)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = way,
		.queues = queues,
	};
	struct epair *ep;

	assert_int_equal(epair_new(&opts, &ep, NULL), 0);
	return ep;
}

/* Making frames. */

struct maker {
	struct epair *ep;
	struct epair_mbuf *m, *made;
	unsigned released;
	uint8_t octets[100];
};

static int
result(struct maker *mk)
{
	return mk->made != NULL ? 0 : -ENOMEM;
}

static void
free_made(void *arg)
{
	struct maker *mk = arg;

	epair_mbuf_free(&mk->made, 1);
	mk->made = NULL;
}

static int
alloc(void *arg)
{
	struct maker *mk = arg;
	int n = epair_mbuf_alloc(mk->ep, &mk->made, 1, 60);

	assert_in_range(n, 0, 1);
	return n == 1 ? 0 : -ENOMEM;
}

/* One that becomes a chain of three large ones. */
static int
from(void *arg)
{
	static const uint8_t octets[150000];
	struct maker *mk = arg;

	mk->made = epair_mbuf_from(mk->ep, octets, sizeof(octets));
	return result(mk);
}

static int
copy(void *arg)
{
	struct maker *mk = arg;

	mk->made = epair_mbuf_copy(mk->m);
	return result(mk);
}

static void
was_released(void *arg)
{
	((struct maker *)arg)->released++;
}

static int
foreign(void *arg)
{
	struct maker *mk = arg;

	return epair_mbuf_foreign(mk->ep, mk->octets, sizeof(mk->octets),
	    was_released, mk, &mk->made);
}

static void
free_foreign(void *arg)
{
	struct maker *mk = arg;

	free_made(mk);
	assert_int_equal(mk->released, 1);
	mk->released = 0;
}

static void
nothing_made(void *arg)
{
	struct maker *mk = arg;

	assert_null(mk->made);
	assert_int_equal(mk->released, 0);
	assert_int_equal(life_usage(mk->ep).mbufs, mk->m != NULL);
}

static int
tag_add(void *arg)
{
	struct maker *mk = arg;
	unsigned before = epair_mbuf_tag_count(mk->m);
	int error = epair_mbuf_tag_add(mk->m, 1, 2, true, "tag", 4);

	assert_int_equal(epair_mbuf_tag_count(mk->m), before + (error == 0));
	return error;
}

static void
keep_tag(void *arg)
{
	(void)arg;
}

static void
frame_is_made_whole_or_not_at_all(void **state)
{
	const struct oom_case cases[] = {
		{ "alloc", alloc, free_made, nothing_made },
		{ "from", from, free_made, nothing_made },
		{ "foreign", foreign, free_foreign, nothing_made },
	};
	const struct oom_case tag = { "tag", tag_add, keep_tag, nothing_made };
	const struct oom_case copied = { "copy", copy, free_made,
		nothing_made };
	long before = oom_allocations();

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct maker mk = { .ep = instance(EPAIR_SIM, 1) };

		oom_try(&cases[i], &mk, NULL);
		mk.m = life_frame(mk.ep);
		oom_try(&tag, &mk, NULL);
		oom_try(&copied, &mk, NULL);
		epair_mbuf_free(&mk.m, 1);
		assert_int_equal(epair_free(mk.ep), 0);
	}
	assert_int_equal(oom_allocations(), before);
}

/* Sending frames. */

#define FRAMES 200u /* more than two chunks of a queue */

struct cable {
	struct epair *ep;
	struct epair_if *a, *b;
	struct catcher at_b;
	struct epair_capture *cap;
	struct epair_mbuf *ms[FRAMES];
};

static void
cable_begin(struct cable *c, const char *qdisc, const char *link)
{
	*c = (struct cable){ .ep = instance(EPAIR_SIM, 2) };
	life_pair(c->ep, &c->a, &c->b);
	life_catch(c->b, &c->at_b);
	assert_int_equal(epair_if_set_qdisc(c->a, qdisc, NULL), 0);
	assert_int_equal(epair_if_set_link(c->a, link, NULL), 0);
	assert_int_equal(epair_capture_open(c->b, NULL, &c->cap, NULL), 0);
	assert_int_equal(epair_run(c->ep, 0), 0);
	for (unsigned i = 0; i < FRAMES; i++) {
		c->ms[i] = life_flow(c->ep, i);
		if (i % 5 != 0)
			continue;
		/* To be finished, and tagged, which needs memory. */
		c->ms[i]->flags |= EPAIR_M_CSUM_PARTIAL | EPAIR_M_VLANTAG;
		c->ms[i]->csum_start = 34;
		c->ms[i]->csum_offset = 6;
	}
	assert_int_equal(
	    epair_if_set_caps(c->a, EPAIR_CAP_VLAN_HWTAGGING, 0, NULL), 0);
}

static void
cable_end(struct cable *c)
{
	char why[160];

	/*
	 * What a discipline holds for a link whose timer could not be armed
	 * goes with the next frame.
	 */
	(void)life_send(c->a, life_frame(c->ep));
	assert_int_equal(epair_advance(c->ep, 1000000000), 0);
	if (!life_is_settled(c->a, FRAMES + 1, why))
		fail_msg("%s", why);
	assert_true(life_is_settled(c->b, 0, NULL));
	epair_capture_close(c->cap);
	life_pair_end(c->a, c->b);
	assert_int_equal(life_detached(&c->at_b), 1);
	assert_int_equal(life_usage(c->ep).mbufs, 0);
	assert_int_equal(epair_free(c->ep), 0);
}

static void
send_failing(const char *qdisc, const char *link)
{
	for (int all = 0; all < 2; all++) {
		bool failed = true;

		for (long k = 0; failed; k++) {
			struct cable c;

			cable_begin(&c, qdisc, link);
			oom_begin(k, all != 0);
			(void)epair_if_transmit(c.a, c.ms, FRAMES);
			(void)epair_run(c.ep, 0);
			(void)epair_advance(c.ep, 1000000000);
			failed = oom_end();
			cable_end(&c);
		}
	}
}

static void
frames_without_memory_are_counted(void **state)
{
	(void)state;
	send_failing(NULL, "none");
}

static void
frames_without_memory_in_a_discipline_are_counted(void **state)
{
	static const char *const qdiscs[] = { "fifo", "priq", "codel",
		"fq-codel" };

	(void)state;
	for (int i = 0; i < 4; i++)
		send_failing(qdiscs[i], "rate 1mbit");
}

static void
frames_without_memory_on_a_link_are_counted(void **state)
{
	static const char *const links[] = { "delay 1ms", "delay 1ms 1ms",
		"rate 10mbit", "duplicate 50% delay 1ms", "corrupt 50%",
		"ber 1e-3" };

	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		send_failing(NULL, links[i]);
}

/* Threads that have never been here, and get no memory to be. */

static void *
send_all(void *arg)
{
	struct cable *c = arg;

	oom_begin(0, true);
	for (unsigned i = 0; i < FRAMES; i++)
		CHECK(life_send(c->a, c->ms[i]) == -ENOMEM);
	CHECK(oom_end());
	return NULL;
}

static void
thread_without_memory_to_be_known_drops_what_it_sends(void **state)
{
	struct cable c;
	pthread_t thread;

	(void)state;
	cable_begin(&c, NULL, "none");
	assert_int_equal(pthread_create(&thread, NULL, send_all, &c), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(life_stats(c.a).drops[EPAIR_DROP_NO_MEMORY], FRAMES);
	cable_end(&c);
}

/* The same for the worker, which may be known or not when memory ends. */
static void
worker_without_memory_accounts_for_what_it_is_sent(void **state)
{
	(void)state;
	for (int warm = 0; warm < 2; warm++) {
		struct cable c = { .ep = instance(EPAIR_THREADS, 1) };

		life_pair(c.ep, &c.a, &c.b);
		life_catch(c.b, &c.at_b);
		for (unsigned i = 0; i < FRAMES; i++)
			c.ms[i] = life_frame(c.ep);
		if (warm) {
			assert_int_equal(epair_if_transmit(c.a, c.ms, 1), 0);
			AWAIT(life_caught(&c.at_b) == 1);
		}
		oom_begin_everywhere();
		(void)epair_if_transmit(c.a, c.ms + warm, FRAMES - warm);
		AWAIT(life_is_settled(c.a, FRAMES, NULL));
		(void)oom_end();
		life_pair_end(c.a, c.b);
		assert_int_equal(epair_free(c.ep), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frame_is_made_whole_or_not_at_all),
		cmocka_unit_test(frames_without_memory_are_counted),
		cmocka_unit_test(
		    frames_without_memory_in_a_discipline_are_counted),
		cmocka_unit_test(frames_without_memory_on_a_link_are_counted),
		cmocka_unit_test(
		    thread_without_memory_to_be_known_drops_what_it_sends),
		cmocka_unit_test(
		    worker_without_memory_accounts_for_what_it_is_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
