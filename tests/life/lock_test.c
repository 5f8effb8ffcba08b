/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks of ours, and the epoch, between real threads. */
#include "base/lock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/atomic.h"
#include "base/barrier.h"
#include "base/domain.h"

#define THREADS 4u

static void
start(pthread_t *threads, void *(*run)(void *arg), void *arg)
{
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, run, arg), 0);
}

static void
join(pthread_t *threads)
{
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/*
 * The mutex.
 */

struct tally {
	struct ep_mutex lock;
	uint64_t count; /* under lock */
	uint64_t rounds;
	bool sleeps;
};

static void *
count_up(void *arg)
{
	struct tally *t = arg;

	for (uint64_t i = 0; i < t->rounds; i++) {
		ep_lock(&t->lock);
		uint64_t count = t->count;
		if (t->sleeps)
			(void)sched_yield(); /* others come, spin and sleep */
		t->count = count + 1;
		ep_unlock(&t->lock);
	}
	return NULL;
}

static void
count_to(uint64_t rounds, bool sleeps)
{
	struct tally t = { .rounds = rounds, .sleeps = sleeps };
	pthread_t threads[THREADS];

	ep_mutex_init(&t.lock);
	start(threads, count_up, &t);
	join(threads);
	assert_int_equal(t.count, THREADS * rounds);
	assert_int_equal(t.lock.state, EP_MUTEX_FREE);
	ep_mutex_fini(&t.lock);
}

static void
mutex_lets_one_in_at_a_time(void **state)
{
	(void)state;
	count_to(100000, false);
	count_to(5000, true);
}

struct door {
	struct ep_mutex lock;
	uint32_t inside; /* atomic */
};

static void *
pass(void *arg)
{
	struct door *door = arg;

	ep_lock(&door->lock);
	(void)ep_add_relaxed(&door->inside, 1);
	ep_unlock(&door->lock);
	return NULL;
}

/* Each that is woken has to wake the next. */
static void
all_who_sleep_for_a_mutex_get_it(void **state)
{
	struct door door = { .inside = 0 };
	pthread_t threads[THREADS];

	(void)state;
	ep_mutex_init(&door.lock);
	for (unsigned round = 0; round < 200; round++) {
		ep_lock(&door.lock);
		start(threads, pass, &door);
		while (ep_load_relaxed(&door.lock.state) != EP_MUTEX_WANTED)
			(void)sched_yield();
		ep_unlock(&door.lock);
		join(threads);
	}
	assert_int_equal(door.inside, 200 * THREADS);
	ep_mutex_fini(&door.lock);
}

/*
 * The condition.
 */

struct gate {
	struct ep_mutex lock;
	struct ep_cond changed;
	unsigned waiting, open; /* under lock */
};

static void *
wait_for_gate(void *arg)
{
	struct gate *gate = arg;

	ep_lock(&gate->lock);
	for (unsigned round = 1; round <= 500; round++) {
		gate->waiting++;
		ep_cond_broadcast(&gate->changed);
		while (gate->open < round)
			ep_cond_wait(&gate->changed, &gate->lock);
	}
	ep_unlock(&gate->lock);
	return NULL;
}

static void
broadcast_wakes_all_who_wait(void **state)
{
	struct gate gate = { .open = 0 };
	pthread_t threads[THREADS];

	(void)state;
	ep_mutex_init(&gate.lock);
	ep_cond_init(&gate.changed);
	start(threads, wait_for_gate, &gate);
	ep_lock(&gate.lock);
	for (unsigned round = 1; round <= 500; round++) {
		while (gate.waiting < THREADS)
			ep_cond_wait(&gate.changed, &gate.lock);
		gate.waiting = 0;
		gate.open = round;
		ep_cond_broadcast(&gate.changed);
	}
	ep_unlock(&gate.lock);
	join(threads);
	ep_cond_fini(&gate.changed);
	ep_mutex_fini(&gate.lock);
}

/*
 * The epoch.
 */

#define ALIVE  UINT64_C(0x600d)
#define ROUNDS 3000u
#define NOISE  8u

struct line {
	uint64_t word; /* atomic */
} __attribute__((aligned(64)));

struct world {
	struct ep_domain dom;
	struct line things[2]; /* each ALIVE while it can be found */
	struct line *thing; /* atomic */
	/* Everybody writes them, so a store has to wait for its line. */
	struct line noise[NOISE];
	bool over; /* atomic */
	uint64_t looked; /* atomic */
};

static void
retire(void *arg, struct ep_thread *thr)
{
	(void)arg;
	(void)thr;
}

static void
make_noise(struct world *w, uint64_t i)
{
	for (unsigned k = 0; k < NOISE; k++)
		ep_store_relaxed(&w->noise[k].word, i);
}

static void *
look(void *arg)
{
	struct world *w = arg;
	struct ep_thread *thr = ep_thread_self(&w->dom);
	uint64_t dead = 0;

	for (uint64_t i = 0; !ep_load_relaxed(&w->over); i++) {
		make_noise(w, i);
		ep_epoch_begin(thr);
		/* acquires what replace() released */
		struct line *thing = ep_load_acquire(&w->thing);
		for (unsigned k = 0; k < 16; k++) {
			dead += ep_load_relaxed(&thing->word) != ALIVE;
			ep_cpu_pause();
		}
		ep_epoch_end(thr);
		ep_store_relaxed(&w->looked, i);
	}
	return dead == 0 ? NULL : w;
}

/* What was there is overwritten as soon as nobody can be looking at it. */
static void
replace(struct world *w, uint64_t i)
{
	struct line *old = &w->things[i % 2], *thing = &w->things[(i + 1) % 2];

	ep_store_relaxed(&thing->word, ALIVE);
	make_noise(w, i);
	ep_store_release(&w->thing, thing);
	ep_epoch_wait(&w->dom);
	ep_store_relaxed(&old->word, 0);
}

/* That it takes a fence is tests/model/epoch.pml's to show: the moment is short. */
static void
nobody_sees_what_was_waited_for(void **state)
{
	struct world w = { .over = false };
	pthread_t thread;
	void *seen;

	(void)state;
	ep_domain_init(&w.dom, retire, NULL);
	w.things[0].word = ALIVE;
	w.thing = &w.things[0];
	assert_int_equal(pthread_create(&thread, NULL, look, &w), 0);
	while (ep_load_relaxed(&w.looked) < 1000)
		(void)sched_yield();
	for (uint64_t i = 0; i < ROUNDS; i++)
		replace(&w, i);
	ep_store_relaxed(&w.over, true);
	assert_int_equal(pthread_join(thread, &seen), 0);
	assert_null(seen);
	ep_domain_fini(&w.dom);
}

/* Where the kernel has no membarrier(2). */
static void
nor_with_fences_of_its_own(void **state)
{
	bool works = ep_barrier_works;

	ep_barrier_works = false;
	nobody_sees_what_was_waited_for(state);
	ep_barrier_works = works;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mutex_lets_one_in_at_a_time),
		cmocka_unit_test(all_who_sleep_for_a_mutex_get_it),
		cmocka_unit_test(broadcast_wakes_all_who_wait),
		cmocka_unit_test(nobody_sees_what_was_waited_for),
		cmocka_unit_test(nor_with_fences_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
