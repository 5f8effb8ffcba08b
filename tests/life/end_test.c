/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Things that end while others are at them: pairs under transmitters,
 * subscriptions under events, threads with frames set aside, instances.
 */
#include "life.h"

#include "base/atomic.h"

/* A thread that destroys and says so. */
struct destroyer {
	struct epair_if *ifp;
	int error;
	uint32_t is_done; /* atomic */
	pthread_t thread;
};

static void *
destroyer_run(void *arg)
{
	struct destroyer *d = arg;

	d->error = epair_if_destroy(d->ifp, NULL);
	ep_store_release(&d->is_done, 1);
	return NULL;
}

static void
destroyer_start(struct destroyer *d, struct epair_if *ifp)
{
	*d = (struct destroyer){ .ifp = ifp };
	CHECK(pthread_create(&d->thread, NULL, destroyer_run, d) == 0);
}

static int
destroyer_join(struct destroyer *d)
{
	CHECK(pthread_join(d->thread, NULL) == 0);
	return d->error;
}

/* A foreign frame whose freeing holds its thread up. */
struct hold_up {
	sem_t begun, may_go;
	uint8_t octets[60];
};

static void
hold_up_release(void *arg)
{
	struct hold_up *h = arg;

	CHECK(sem_post(&h->begun) == 0);
	CHECK(sem_wait(&h->may_go) == 0);
}

struct sender {
	struct epair_if *ifp;
	struct epair_mbuf *ms[3];
};

static void *
sender_run(void *arg)
{
	struct sender *s = arg;

	CHECK(epair_if_transmit(s->ifp, s->ms, 3) == 0);
	return NULL;
}

/*
 * The transmitter has seen RUNNING, fills one queue, is held up as the frame
 * that found no room is freed, and goes on to the other queue when the pair is
 * dying already (D3).
 */
static void
destroy_waits_for_a_transmitter_in_the_middle(void **state)
{
	struct life *l = *state;
	struct catcher at_b = { .arg = NULL };
	struct hold_up h;
	struct destroyer d;
	struct sender s;
	pthread_t thread;
	unsigned flows[2], probes;
	struct epair_if *b;

	life_pair(l->ep, &s.ifp, &b);
	life_catch(b, &at_b);
	probes = life_flows(b, flows);
	AWAIT(life_is_idle(&at_b, probes));
	assert_int_equal(epair_detach(b, NULL), 0);
	assert_int_equal(sem_init(&h.begun, 0, 0), 0);
	assert_int_equal(sem_init(&h.may_go, 0, 0), 0);
	/* The second frame of the first flow finds no room. */
	assert_int_equal(epair_if_set_queue_limit(b, 1, NULL), 0);
	s.ms[0] = life_flow(l->ep, flows[0]);
	assert_int_equal(epair_mbuf_foreign(l->ep, h.octets, sizeof(h.octets),
			     hold_up_release, &h, &s.ms[1]),
	    0);
	memcpy(h.octets, s.ms[0]->data, sizeof(h.octets));
	s.ms[2] = life_flow(l->ep, flows[1]);
	assert_int_equal(pthread_create(&thread, NULL, sender_run, &s), 0);
	assert_int_equal(sem_wait(&h.begun), 0);

	destroyer_start(&d, s.ifp);
	AWAIT(life_is_destroyed(s.ifp));
	assert_int_equal(ep_load_acquire(&d.is_done), 0);
	assert_int_equal(sem_post(&h.may_go), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(destroyer_join(&d), 0);
	assert_true(life_is_settled(s.ifp, probes + 3, NULL));
	life_pair_end(s.ifp, b);
	assert_int_equal(sem_destroy(&h.begun), 0);
	assert_int_equal(sem_destroy(&h.may_go), 0);
}

/* In the callback more is queued, and somebody destroys. */
static void
send_and_be_destroyed(struct catcher *c, struct epair_if *ifp,
    struct epair_mbuf **ms, unsigned *n)
{
	struct epair_if *peer = epair_if_peer(ifp);

	(void)ms;
	(void)n;
	life_set_then(c, NULL);
	CHECK(life_send(peer, life_frame(epair_if_instance(ifp))) == 0);
	destroyer_start(c->arg, ifp);
	AWAIT(life_is_destroyed(ifp));
	epair_if_put(peer);
}

static void
destroy_needs_nobody_to_dispatch_once_more(void **state)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = EPAIR_LOOP,
	};
	struct destroyer d;
	struct catcher at_b = { .arg = &d, .then = send_and_be_destroyed };
	struct epair_if *a, *b;
	struct epair *ep;

	(void)state;
	assert_int_equal(epair_new(&opts, &ep, NULL), 0);
	life_pair(ep, &a, &b);
	life_catch(b, &at_b);
	assert_int_equal(life_send(a, life_frame(ep)), 0);
	assert_int_equal(epair_dispatch(ep, 0, 1), 1);
	assert_int_equal(destroyer_join(&d), 0);
	assert_true(life_is_settled(a, 2, NULL));
	assert_int_equal(life_stats(b).drops[EPAIR_DROP_RX_DESTROYED], 1);
	life_pair_end(a, b);
	assert_int_equal(epair_free(ep), 0);
}

static void
instance_can_be_freed_right_after_its_last_pair(void **state)
{
	struct life *l = *state;
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.workers = l->way->workers,
		.queues = l->way->queues,
	};

	for (int i = 0; i < 50; i++) {
		struct catcher at_b = { .arg = NULL };
		struct epair_if *a, *b;
		struct epair *ep;

		assert_int_equal(epair_new(&opts, &ep, NULL), 0);
		life_pair(ep, &a, &b);
		life_catch(b, &at_b);
		assert_int_equal(life_send(a, life_frame(ep)), 0);
		if (i % 2 == 0)
			AWAIT(life_caught(&at_b) == 1);
		life_pair_end(a, b);
		assert_int_equal(epair_free(ep), 0);
	}
}

/* Two instances whose callbacks destroy in each other. */
struct bridge {
	struct life *l;
	struct epair_if *a, *b;
	struct catcher at_b;
	struct bridge *other;
	pthread_barrier_t *both;
	int error;
};

static void
destroy_in_the_other(struct catcher *c, struct epair_if *ifp,
    struct epair_mbuf **ms, unsigned *n)
{
	struct bridge *br = c->arg;

	(void)ifp;
	(void)ms;
	(void)n;
	(void)pthread_barrier_wait(br->both);
	br->error = epair_if_destroy(br->other->a, NULL);
}

static void
callbacks_of_two_instances_may_destroy_each_others_pair(void **state)
{
	struct life *first = *state, second;
	struct bridge br[2];
	pthread_barrier_t both;

	life_begin(&second, first->way);
	assert_int_equal(pthread_barrier_init(&both, NULL, 2), 0);
	for (int i = 0; i < 2; i++) {
		br[i] = (struct bridge){
			.l = i == 0 ? first : &second,
			.at_b = { .arg = &br[i], .then = destroy_in_the_other },
			.other = &br[1 - i],
			.both = &both,
			.error = 1,
		};
		life_pair(br[i].l->ep, &br[i].a, &br[i].b);
		life_catch(br[i].b, &br[i].at_b);
	}
	for (int i = 0; i < 2; i++)
		(void)life_send(br[i].a, life_frame(br[i].l->ep));
	for (int i = 0; i < 2; i++) {
		AWAIT(life_detached(&br[i].at_b) == 1);
		assert_int_equal(br[i].error, 0);
		life_pair_end(br[i].a, br[i].b);
	}
	assert_int_equal(pthread_barrier_destroy(&both), 0);
	life_end(&second);
}

/* Frames to and fro until told to stop. */
struct traffic {
	struct life *l;
	struct epair_if *a, *b;
	struct catcher at_b;
	uint64_t sent;
	uint32_t stop; /* atomic */
	pthread_t thread;
};

static void *
traffic_run(void *arg)
{
	struct traffic *t = arg;

	while (!ep_load_relaxed(&t->stop)) {
		(void)life_send(t->a, life_frame(t->l->ep));
		t->sent++;
	}
	return NULL;
}

static void
traffic_start(struct traffic *t, struct life *l)
{
	*t = (struct traffic){ .l = l };
	life_pair(l->ep, &t->a, &t->b);
	life_catch(t->b, &t->at_b);
	CHECK(pthread_create(&t->thread, NULL, traffic_run, t) == 0);
}

static void
traffic_stop(struct traffic *t)
{
	ep_store_relaxed(&t->stop, 1);
	CHECK(pthread_join(t->thread, NULL) == 0);
	AWAIT(life_is_settled(t->a, (int64_t)t->sent, NULL));
	life_pair_end(t->a, t->b);
}

static void
one_instance_is_freed_while_another_works(void **state)
{
	struct life *l = *state;
	struct traffic t;

	traffic_start(&t, l);
	for (int i = 0; i < 10; i++) {
		struct epair_if *a, *b;
		struct life other;

		life_begin(&other, l->way);
		life_pair(other.ep, &a, &b);
		assert_int_equal(life_send(a, life_frame(other.ep)), 0);
		/* This thread uses both in turn. */
		(void)life_send(t.b, life_frame(l->ep));
		life_pair_end(a, b);
		life_end(&other);
	}
	traffic_stop(&t);
}

static void *
take_and_free(void *ep)
{
	struct epair_mbuf *ms[40];

	CHECK(epair_mbuf_alloc(ep, ms, 40, 60) == 40);
	epair_mbuf_free(ms, 40);
	return NULL;
}

static void
thread_that_ends_gives_back_what_it_had_set_aside(void **state)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.mbufs_max = 128,
	};
	struct epair *ep;

	(void)state;
	assert_int_equal(epair_new(&opts, &ep, NULL), 0);
	for (int i = 0; i < 50; i++) {
		pthread_t thread;

		assert_int_equal(
		    pthread_create(&thread, NULL, take_and_free, ep), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(life_usage(ep).mbufs, 0);
	}
	assert_int_equal(epair_free(ep), 0);
}

static void
pool_gives_as_many_as_it_may_have_and_no_more(void **state)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.mbufs_max = 70,
		.large_mbufs_max = 3,
	};
	struct epair_mbuf *small[100], *large[100];
	struct epair *ep;

	(void)state;
	assert_int_equal(epair_new(&opts, &ep, NULL), 0);
	assert_int_equal(epair_mbuf_alloc(ep, small, 100, 60), 70);
	assert_int_equal(epair_mbuf_alloc(ep, large, 100, EPAIR_MBUF_LARGE), 3);
	assert_int_equal(life_usage(ep).mbufs, 73);
	epair_mbuf_free(small, 70);
	epair_mbuf_free(large, 3);
	assert_int_equal(life_usage(ep).mbufs, 0);
	assert_int_equal(epair_free(ep), 0);
}

static const struct life_test tests[] = {
	{ LIFE_TEST(destroy_needs_nobody_to_dispatch_once_more) },
	{ LIFE_TEST(instance_can_be_freed_right_after_its_last_pair) },
	{ LIFE_TEST(callbacks_of_two_instances_may_destroy_each_others_pair) },
	{ LIFE_TEST(one_instance_is_freed_while_another_works) },
	{ LIFE_TEST(thread_that_ends_gives_back_what_it_had_set_aside) },
	{ LIFE_TEST(pool_gives_as_many_as_it_may_have_and_no_more) },
	{ LIFE_QUEUES(destroy_waits_for_a_transmitter_in_the_middle) },
};

int
main(void)
{
	return life_run(tests, sizeof(tests) / sizeof(tests[0]));
}
