/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Callbacks that end what called them, or each other: contract 8.1, net/run.h.
 */
#include "life.h"

/* A pair, and a stack at each end. */
struct rig {
	struct life *l;
	struct epair_if *a, *b;
	struct catcher at_a, at_b;
	int error; /* of what the callback did */
	sem_t *meet; /* posted by the callback when it runs */
	struct rig *other;
	unsigned detached_inside; /* how often it was detached when it left */
};

static void
rig_begin(struct rig *r, struct life *l)
{
	*r = (struct rig){ .l = l, .error = 1 };
	life_pair(l->ep, &r->a, &r->b);
	r->at_a.arg = r->at_b.arg = r;
	life_catch(r->a, &r->at_a);
	life_catch(r->b, &r->at_b);
}

/* When the callback destroyed it: the rest comes by itself. */
static void
rig_end(struct rig *r)
{
	life_pair_end(r->a, r->b);
	AWAIT(life_detached(&r->at_a) == 1 && life_detached(&r->at_b) == 1);
}

static void
destroy_once(struct catcher *c, struct epair_if *ifp, struct epair_mbuf **ms,
    unsigned *n)
{
	struct rig *r = c->arg;

	(void)ms;
	(void)n;
	life_set_then(c, NULL);
	r->error = epair_if_destroy(ifp, NULL);
	r->detached_inside = life_detached(c);
}

static void
destroy_in_the_own_callback_is_done_after_it(void **state)
{
	struct rig r;

	rig_begin(&r, *state);
	life_set_then(&r.at_b, destroy_once);
	(void)life_send(r.a, life_frame(r.l->ep));
	AWAIT(life_detached(&r.at_b) == 1);
	assert_int_equal(r.error, 0);
	assert_int_equal(r.detached_inside, 0);
	assert_int_equal(epair_if_destroy(r.a, NULL), -ENXIO);
	assert_true(life_is_settled(r.a, 1, NULL));
	rig_end(&r);
}

static void
destroy_peer_once(struct catcher *c, struct epair_if *ifp,
    struct epair_mbuf **ms, unsigned *n)
{
	struct epair_if *peer = epair_if_peer(ifp);

	destroy_once(c, peer, ms, n);
	/* The last references may go in the callback, too. */
	epair_if_put(peer);
}

static void
destroy_in_the_peers_callback_is_done_after_it(void **state)
{
	struct rig r;

	rig_begin(&r, *state);
	life_set_then(&r.at_b, destroy_peer_once);
	(void)life_send(r.a, life_frame(r.l->ep));
	AWAIT(life_detached(&r.at_b) == 1);
	assert_int_equal(r.error, 0);
	assert_int_equal(r.detached_inside, 0);
	rig_end(&r);
}

static void
destroy_and_put_all(struct catcher *c, struct epair_if *ifp,
    struct epair_mbuf **ms, unsigned *n)
{
	struct rig *r = c->arg;

	destroy_once(c, ifp, ms, n);
	epair_if_put(r->a);
	epair_if_put(r->b);
}

static void
last_reference_may_go_in_the_own_callback(void **state)
{
	struct rig r;

	rig_begin(&r, *state);
	life_set_then(&r.at_b, destroy_and_put_all);
	(void)life_send(r.a, life_frame(r.l->ep));
	AWAIT(life_detached(&r.at_a) == 1 && life_detached(&r.at_b) == 1);
	assert_int_equal(r.error, 0);
}

/* Both are in their callbacks, then each destroys the other's pair. */
static void
destroy_other_when_both_are_in(struct catcher *c, struct epair_if *ifp,
    struct epair_mbuf **ms, unsigned *n)
{
	struct rig *r = c->arg;

	(void)ifp;
	(void)ms;
	(void)n;
	CHECK(sem_post(r->other->meet) == 0);
	CHECK(sem_wait(r->meet) == 0);
	r->error = epair_if_destroy(r->other->a, NULL);
	life_set_then(c, NULL);
}

static void
two_callbacks_may_destroy_each_others_pair(void **state)
{
	struct rig r[2];
	unsigned flows[2], probes;
	sem_t meet[2];

	for (int i = 0; i < 2; i++) {
		assert_int_equal(sem_init(&meet[i], 0, 0), 0);
		rig_begin(&r[i], *state);
		r[i].meet = &meet[i];
		r[i].other = &r[1 - i];
		probes = life_flows(r[i].b, flows);
		AWAIT(life_is_idle(&r[i].at_b, probes));
		life_set_then(&r[i].at_b, destroy_other_when_both_are_in);
	}
	for (int i = 0; i < 2; i++)
		(void)life_send(r[i].a, life_flow(r[i].l->ep, flows[i]));
	for (int i = 0; i < 2; i++)
		AWAIT(life_detached(&r[i].at_b) == 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(r[i].error, 0);
		rig_end(&r[i]);
		assert_int_equal(sem_destroy(&meet[i]), 0);
	}
}

static void
detach_once(struct catcher *c, struct epair_if *ifp, struct epair_mbuf **ms,
    unsigned *n)
{
	struct rig *r = c->arg;

	(void)ms;
	(void)n;
	r->error = epair_detach(ifp, NULL);
	r->detached_inside = life_detached(c);
	life_set_then(c, NULL);
}

static void
detach_in_a_callback_releases_after_it(void **state)
{
	struct rig r;

	rig_begin(&r, *state);
	life_set_then(&r.at_b, detach_once);
	(void)life_send(r.a, life_frame(r.l->ep));
	AWAIT(life_detached(&r.at_b) == 1);
	assert_int_equal(r.error, 0);
	assert_int_equal(r.detached_inside, 0);
	(void)life_send(r.a, life_frame(r.l->ep));
	AWAIT(life_stats(r.b).drops[EPAIR_DROP_RX_NO_STACK] == 1);
	assert_int_equal(life_caught(&r.at_b), 1);
	rig_end(&r);
}

/* Frames that must be finished in software go to a stack one by one. */
static struct epair_mbuf *
open_frame(struct epair *ep)
{
	struct epair_mbuf *m = life_flow(ep, 1);

	m->flags |= EPAIR_M_CSUM_PARTIAL;
	m->csum_start = 34;
	m->csum_offset = 6;
	return m;
}

static void
nothing_is_received_behind_the_callback_that_detached(void **state)
{
	struct epair_mbuf *ms[3];
	struct rig r;

	rig_begin(&r, *state);
	life_set_then(&r.at_b, detach_once);
	for (int i = 0; i < 3; i++)
		ms[i] = open_frame(r.l->ep);
	assert_int_equal(epair_if_transmit(r.a, ms, 3), 0);
	AWAIT(life_is_settled(r.a, 3, NULL));
	assert_int_equal(life_caught(&r.at_b), 1);
	assert_int_equal(life_stats(r.b).drops[EPAIR_DROP_RX_NO_STACK], 2);
	rig_end(&r);
}

static void
nothing_is_received_behind_the_callback_that_destroyed(void **state)
{
	struct epair_mbuf *ms[3];
	struct rig r;

	rig_begin(&r, *state);
	life_set_then(&r.at_b, destroy_once);
	for (int i = 0; i < 3; i++)
		ms[i] = open_frame(r.l->ep);
	assert_int_equal(epair_if_transmit(r.a, ms, 3), 0);
	AWAIT(life_is_settled(r.a, 3, NULL));
	assert_int_equal(life_caught(&r.at_b), 1);
	assert_int_equal(life_stats(r.b).drops[EPAIR_DROP_RX_DESTROYED], 2);
	rig_end(&r);
}

static void
destroy_at_end(struct catcher *c, struct epair_if *ifp)
{
	((struct rig *)c->arg)->error = epair_if_destroy(ifp, NULL);
}

static void
pair_may_be_destroyed_as_its_stack_is_detached(void **state)
{
	struct rig r;

	rig_begin(&r, *state);
	r.at_b.at_end = destroy_at_end;
	assert_int_equal(epair_detach(r.b, NULL), 0);
	assert_int_equal(r.error, 0);
	rig_end(&r);
}

/*
 * One thread detaches from the first pair, and what is told of it destroys the
 * second, in whose callback another thread is and destroys the first.
 */
static void
destroy_other_at_end(struct catcher *c, struct epair_if *ifp)
{
	struct rig *r = c->arg;

	(void)ifp;
	CHECK(sem_wait(r->meet) == 0);
	r->error = epair_if_destroy(r->other->a, NULL);
}

static void
destroy_other_then_meet(struct catcher *c, struct epair_if *ifp,
    struct epair_mbuf **ms, unsigned *n)
{
	struct rig *r = c->arg;

	(void)ifp;
	(void)ms;
	(void)n;
	CHECK(sem_post(r->other->meet) == 0);
	r->error = epair_if_destroy(r->other->a, NULL);
	life_set_then(c, NULL);
}

static void
stack_that_is_let_go_may_destroy_the_pair_that_destroys_its_own(void **state)
{
	struct rig r[2];
	sem_t meet;

	assert_int_equal(sem_init(&meet, 0, 0), 0);
	for (int i = 0; i < 2; i++) {
		rig_begin(&r[i], *state);
		r[i].meet = &meet;
		r[i].other = &r[1 - i];
	}
	r[0].at_b.at_end = destroy_other_at_end;
	life_set_then(&r[1].at_b, destroy_other_then_meet);
	(void)life_send(r[1].a, life_frame(r[1].l->ep));
	assert_in_range(-epair_detach(r[0].b, NULL), 0, ENXIO);
	for (int i = 0; i < 2; i++)
		rig_end(&r[i]);
	assert_int_equal(r[1].error, 0);
	assert_int_equal(sem_destroy(&meet), 0);
}

static void
end_vnet_once(struct catcher *c, struct epair_if *ifp, struct epair_mbuf **ms,
    unsigned *n)
{
	struct rig *r = c->arg;

	(void)ifp;
	(void)ms;
	(void)n;
	r->error = epair_vnet_del(r->l->ep, "red", NULL);
	r->detached_inside = life_detached(c);
	life_set_then(c, NULL);
}

static void
vnet_may_end_in_a_callback_of_what_was_made_in_it(void **state)
{
	struct life *l = *state;
	struct rig r = { .l = l, .error = 1 };

	assert_int_equal(epair_vnet_add(l->ep, "red", NULL, NULL), 0);
	assert_int_equal(
	    epair_if_create(l->ep, "red", "epair", NULL, &r.a, NULL), 0);
	r.b = epair_if_peer(r.a);
	r.at_b = (struct catcher){ .arg = &r, .then = end_vnet_once };
	life_catch(r.a, &r.at_a);
	life_catch(r.b, &r.at_b);
	assert_int_equal(epair_if_up(r.a), 0);
	assert_int_equal(epair_if_up(r.b), 0);
	(void)life_send(r.a, life_frame(l->ep));
	AWAIT(life_detached(&r.at_a) == 1 && life_detached(&r.at_b) == 1);
	assert_int_equal(r.error, 0);
	assert_int_equal(r.detached_inside, 0);
	assert_int_equal(life_usage(l->ep).vnets, 1);
	rig_end(&r);
}

static void
vnet_may_end_in_a_callback_of_a_visitor(void **state)
{
	struct life *l = *state;
	struct rig r;

	assert_int_equal(epair_vnet_add(l->ep, "red", NULL, NULL), 0);
	rig_begin(&r, l);
	assert_int_equal(epair_if_move(r.b, "red", NULL), 0);
	assert_int_equal(epair_if_up(r.b), 0);
	life_set_then(&r.at_b, end_vnet_once);
	(void)life_send(r.a, life_frame(l->ep));
	AWAIT(life_caught(&r.at_b) == 1 && life_usage(l->ep).vnets == 1);
	rig_end(&r);
	assert_int_equal(r.error, 0);
}

static const struct life_test tests[] = {
	{ LIFE_TEST(destroy_in_the_own_callback_is_done_after_it) },
	{ LIFE_TEST(destroy_in_the_peers_callback_is_done_after_it) },
	{ LIFE_TEST(last_reference_may_go_in_the_own_callback) },
	{ LIFE_PARALLEL(two_callbacks_may_destroy_each_others_pair) },
	{ LIFE_TEST(detach_in_a_callback_releases_after_it) },
	{ LIFE_TEST(nothing_is_received_behind_the_callback_that_detached) },
	{ LIFE_TEST(nothing_is_received_behind_the_callback_that_destroyed) },
	{ LIFE_TEST(pair_may_be_destroyed_as_its_stack_is_detached) },
	{ LIFE_TEST(
	    stack_that_is_let_go_may_destroy_the_pair_that_destroys_its_own) },
	{ LIFE_TEST(vnet_may_end_in_a_callback_of_what_was_made_in_it) },
	{ LIFE_TEST(vnet_may_end_in_a_callback_of_a_visitor) },
};

int
main(void)
{
	return life_run(tests, sizeof(tests) / sizeof(tests[0]));
}
