/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Senders that are held back, from several threads, while limits change and
 * pairs end: none waits in vain, and nothing is lost.
 */
#include "life.h"

#include "base/atomic.h"

#define SENDERS 3u
#define FRAMES  4000u
#define PATIENT 3000u /* of 100 us: then it looks again, and that is a fault */

/* What is attached to the sending end, and who sends. */
struct sending {
	struct epair_if *ifp;
	uint32_t told; /* atomic */
	uint32_t in_vain; /* atomic: waits that nobody ended */
	uint32_t refused; /* atomic */
};

static void
ignore(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	(void)arg;
	(void)ifp;
	epair_mbuf_free(ms, n);
}

static void
changed(void *arg, struct epair_if *ifp, uint32_t what)
{
	struct sending *s = arg;

	(void)ifp;
	if ((what & EPAIR_CHANGED_WRITABLE) != 0)
		(void)ep_add_relaxed(&s->told, 1);
}

static void
attach(struct sending *s, struct epair_if *ifp)
{
	const struct epair_stack stack = {
		.size = sizeof(stack), .receive = ignore, .changed = changed
	};

	*s = (struct sending){ .ifp = ifp };
	CHECK(epair_attach_stack(ifp, &stack, s, NULL) == 0);
	CHECK(epair_if_set_full(ifp, EPAIR_FULL_WAIT, NULL) == 0);
}

/* May it send? Waits, to be told, for as long as it may not. */
static int
wait_for_room(struct sending *s)
{
	for (;;) {
		uint32_t told = ep_load_relaxed(&s->told);
		int may = epair_if_writable(s->ifp);

		if (may != 0)
			return may;
		for (unsigned i = 0; ep_load_relaxed(&s->told) == told; i++) {
			(void)usleep(100);
			if (epair_if_writable(s->ifp) < 0)
				return -ENXIO;
			if (i == PATIENT) {
				(void)ep_add_relaxed(&s->in_vain, 1);
				break;
			}
		}
	}
}

static void *
send_all(void *arg)
{
	struct sending *s = arg;
	struct epair *ep = epair_if_instance(s->ifp);

	for (unsigned i = 0; i < FRAMES && wait_for_room(s) == 1; i++)
		if (life_send(s->ifp, life_flow(ep, i % 8)) != 0)
			(void)ep_add_relaxed(&s->refused, 1);
	return NULL;
}

static void
begin(struct sending *s, pthread_t threads[SENDERS])
{
	for (unsigned i = 0; i < SENDERS; i++)
		CHECK(pthread_create(&threads[i], NULL, send_all, s) == 0);
}

static void
join(pthread_t threads[SENDERS])
{
	for (unsigned i = 0; i < SENDERS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
}

static void
nothing_is_lost_whoever_sends_and_whatever_the_limit(void **state)
{
	static const char *const links[] = { "rate 1gbit limit 20", "none",
		"delay 200us limit 30", "limit 10", "rate 2gbit limit bytes 3k",
		"delay 0" };
	struct life *l = *state;
	struct catcher at_b = { .then = NULL };
	pthread_t threads[SENDERS];
	struct epair_if *a, *b;
	struct sending s;
	uint64_t rnd = 1;

	life_pair(l->ep, &a, &b);
	life_catch(b, &at_b);
	attach(&s, a);
	begin(&s, threads);
	for (unsigned i = 0; i < 100; i++) {
		CHECK(epair_if_set_link(a, links[i % 6], NULL) == 0);
		CHECK(epair_if_set_queue_limit(
			  b, 5 + life_below(&rnd, 50), NULL) == 0);
		(void)usleep(life_below(&rnd, 2000));
	}
	join(threads);
	CHECK(epair_if_set_link(a, "none", NULL) == 0);
	AWAIT(life_caught(&at_b) == (uint64_t)SENDERS * FRAMES);
	CHECK(ep_load_relaxed(&s.in_vain) == 0);
	CHECK(ep_load_relaxed(&s.refused) == 0);
	for (int i = 0; i < EPAIR_DROP_MAX; i++)
		CHECK(life_stats(a).drops[i] == 0);
	life_pair_end(a, b);
	AWAIT(life_detached(&at_b) == 1);
}

static void
pair_ends_with_senders_held_back(void **state)
{
	struct life *l = *state;
	uint64_t rnd = 2;

	for (unsigned i = 0; i < 30; i++) {
		pthread_t threads[SENDERS];
		struct epair_if *a, *b;
		struct sending s;

		life_pair(l->ep, &a, &b);
		attach(&s, a);
		CHECK(epair_if_set_link(a, "rate 10mbit limit 5", NULL) == 0);
		begin(&s, threads);
		(void)usleep(life_below(&rnd, 3000));
		CHECK(epair_if_destroy(b, NULL) == 0);
		join(threads);
		life_pair_end(a, b);
	}
}

static const struct life_test tests[] = {
	{ LIFE_TEST(nothing_is_lost_whoever_sends_and_whatever_the_limit) },
	{ LIFE_TEST(pair_ends_with_senders_held_back) },
};

int
main(void)
{
	return life_run(tests, sizeof(tests) / sizeof(tests[0]));
}
