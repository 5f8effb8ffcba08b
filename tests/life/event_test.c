/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subscriptions that end while events come, and in callbacks.
 */
#include "life.h"

#include "base/atomic.h"

#define ROUNDS 100u

struct listener {
	struct epair_sub *sub;
	uint32_t events; /* atomic, as the next */
	uint32_t is_over;
};

static void
listen(void *arg, const struct epair_event *ev)
{
	struct listener *listener = arg;

	(void)ev;
	CHECK(ep_load_acquire(&listener->is_over) == 0);
	(void)ep_add_acq_rel(&listener->events, 1);
}

static void *
make_events(void *arg)
{
	struct epair_if *a = arg;

	for (unsigned i = 0; i < 20 * ROUNDS; i++) {
		CHECK(epair_if_up(a) == 0);
		CHECK(epair_if_down(a) == 0);
	}
	return NULL;
}

static void
nothing_is_told_behind_the_end_of_a_subscription(void **state)
{
	struct life *l = *state;
	struct epair_if *a, *b;
	pthread_t thread;

	life_pair(l->ep, &a, &b);
	assert_int_equal(pthread_create(&thread, NULL, make_events, a), 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct listener *listener = calloc(1, sizeof(*listener));

		assert_non_null(listener);
		assert_int_equal(
		    epair_subscribe(l->ep, 4, &listener->sub, NULL), 0);
		epair_event_callback(listener->sub, listen, listener);
		if (i % 2 == 0)
			(void)sched_yield();
		epair_unsubscribe(listener->sub);
		ep_store_release(&listener->is_over, 1);
		free(listener);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	life_pair_end(a, b);
}

static void
end_own(void *arg, const struct epair_event *ev)
{
	struct listener *listener = arg;

	listen(arg, ev);
	epair_unsubscribe(listener->sub);
	ep_store_release(&listener->is_over, 1);
}

static void
subscription_may_end_in_its_own_callback(void **state)
{
	struct life *l = *state;
	struct listener listener = { .events = 0 };
	struct epair_if *a, *b;

	assert_int_equal(epair_subscribe(l->ep, 0, &listener.sub, NULL), 0);
	epair_event_callback(listener.sub, end_own, &listener);
	life_pair(l->ep, &a, &b);
	AWAIT(ep_load_acquire(&listener.is_over) == 1);
	assert_int_equal(listener.events, 1);
	life_pair_end(a, b);
}

/*
 * A callback of a pair ends the subscription in whose callback the pair is
 * being destroyed: neither can wait for the other.
 */
struct knot {
	struct epair_if *a, *b;
	struct catcher at_b;
	struct epair_sub *sub;
	sem_t in_event, in_receive;
	uint32_t destroyed; /* atomic */
};

static void
destroy_when_both_are_in(void *arg, const struct epair_event *ev)
{
	struct knot *k = arg;

	if (ev->type != EPAIR_EVENT_FLAGS || ev->flags & EPAIR_IFF_UP ||
	    ep_load_relaxed(&k->destroyed))
		return;
	CHECK(sem_post(&k->in_event) == 0);
	CHECK(sem_wait(&k->in_receive) == 0);
	CHECK(epair_if_destroy(k->a, NULL) == 0);
	ep_store_release(&k->destroyed, 1);
}

static void
unsubscribe_when_both_are_in(struct catcher *c, struct epair_if *ifp,
    struct epair_mbuf **ms, unsigned *n)
{
	struct knot *k = c->arg;

	(void)ifp;
	(void)ms;
	(void)n;
	life_set_then(c, NULL);
	CHECK(sem_wait(&k->in_event) == 0);
	CHECK(sem_post(&k->in_receive) == 0);
	epair_unsubscribe(k->sub);
}

static void
subscription_may_end_in_a_callback_that_its_own_waits_for(void **state)
{
	struct life *l = *state;
	struct knot k = { .at_b = { .arg = &k } };
	struct epair_if *first, *first_b;
	unsigned flows[2], probes;

	/* Events are told on worker 0: with one queue the second is on 1. */
	life_pair(l->ep, &first, &first_b);
	life_pair(l->ep, &k.a, &k.b);
	assert_int_equal(sem_init(&k.in_event, 0, 0), 0);
	assert_int_equal(sem_init(&k.in_receive, 0, 0), 0);
	life_catch(k.b, &k.at_b);
	probes = life_flows(k.b, flows);
	AWAIT(life_is_idle(&k.at_b, probes));
	life_set_then(&k.at_b, unsubscribe_when_both_are_in);
	assert_int_equal(epair_subscribe(l->ep, 0, &k.sub, NULL), 0);
	epair_event_callback(k.sub, destroy_when_both_are_in, &k);

	assert_int_equal(life_send(k.a, life_flow(l->ep, flows[1])), 0);
	assert_int_equal(epair_if_down(first), 0);
	AWAIT(life_detached(&k.at_b) == 1);
	AWAIT(ep_load_acquire(&k.destroyed));
	life_pair_end(k.a, k.b);
	life_pair_end(first, first_b);
	assert_int_equal(sem_destroy(&k.in_event), 0);
	assert_int_equal(sem_destroy(&k.in_receive), 0);
}

static const struct life_test tests[] = {
	{ LIFE_TEST(nothing_is_told_behind_the_end_of_a_subscription) },
	{ LIFE_TEST(subscription_may_end_in_its_own_callback) },
	{ LIFE_PARALLEL(
	    subscription_may_end_in_a_callback_that_its_own_waits_for) },
};

int
main(void)
{
	return life_run(tests, sizeof(tests) / sizeof(tests[0]));
}
