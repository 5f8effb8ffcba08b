/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything at once, for each way: see hammer.h.
 *
 *	LIFE_SECONDS  how long all of it takes [6]
 *	LIFE_SEED     of the random numbers; printed, as threads do not run in
 *	              the same order again
 */
#include "hammer.h"

#include <time.h>

#include "base/atomic.h"

#define ACTORS 2u
#define WAYS   6u

static uint64_t
environment(const char *name, uint64_t otherwise)
{
	const char *value = getenv(name);

	return value != NULL ? strtoull(value, NULL, 0) : otherwise;
}

unsigned
hammer_below(struct hammer *h, unsigned n)
{
	static _Thread_local uint64_t state;
	static _Thread_local const struct hammer *of;

	if (of != h || state == 0) {
		of = h;
		state = h->seed + ep_add_relaxed(&h->next_random, 1);
	}
	return life_below(&state, n);
}

static bool
is_over(struct hammer *h)
{
	return ep_load_relaxed(&h->stop) != 0;
}

/* A short life, so that threads come and go with what they set aside. */
static void *
send_for_a_while(void *arg)
{
	struct sender *s = arg;

	for (unsigned i = 0; i < 300 && !is_over(s->h); i++) {
		struct record *rec = hammer_get(
		    s->h, hammer_below(s->h, HAMMER_SLOTS));

		if (rec == NULL)
			continue;
		hammer_send(s, &rec->ends[hammer_below(s->h, 2)]);
		hammer_put(rec);
		if (hammer_below(s->h, 4) == 0)
			(void)sched_yield();
	}
	return NULL;
}

static void *
send_always(void *arg)
{
	struct sender *s = arg;

	while (!is_over(s->h)) {
		pthread_t thread;

		CHECK(pthread_create(&thread, NULL, send_for_a_while, s) == 0);
		CHECK(pthread_join(thread, NULL) == 0);
	}
	return NULL;
}

static void *
act_always(void *arg)
{
	struct hammer *h = arg;

	while (!is_over(h)) {
		hammer_act(h);
		if (hammer_below(h, 8) == 0)
			(void)usleep(hammer_below(h, 300));
	}
	return NULL;
}

static void
hammer_for(struct hammer *h, uint64_t ms)
{
	struct sender senders[HAMMER_SENDERS];
	pthread_t threads[HAMMER_SENDERS + ACTORS];
	unsigned n = 0;

	for (unsigned i = 0; i < HAMMER_SENDERS; i++) {
		senders[i] = (struct sender){ .h = h, .number = i };
		CHECK(pthread_create(
			  &threads[n++], NULL, send_always, &senders[i]) == 0);
	}
	for (unsigned i = 0; i < ACTORS; i++)
		CHECK(pthread_create(&threads[n++], NULL, act_always, h) == 0);
	for (uint64_t i = 0; i < ms; i += 10) {
		(void)usleep(10000);
		(void)hammer_reap(h);
	}
	ep_store_relaxed(&h->stop, 1);
	while (n > 0)
		CHECK(pthread_join(threads[--n], NULL) == 0);
}

static void
end_pairs(struct hammer *h)
{
	for (unsigned i = 0; i < HAMMER_SLOTS; i++) {
		struct record *rec = hammer_get(h, i);

		if (rec == NULL)
			continue;
		(void)epair_if_destroy(rec->ends[0].ifp, NULL);
		hammer_forget(h, i, rec);
		hammer_put(rec);
	}
}

/*
 * Nothing that was begun is left alive, and every frame is accounted for. A
 * callback may still be at something that it began before the end.
 */
static void
end_all(struct hammer *h)
{
	struct timespec start, now;
	bool again;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &start) == 0);
	do {
		end_pairs(h);
		again = hammer_end_readers(h);
		hammer_free_kept(h);
		again |= hammer_reap(h) > 0;
		again |= life_usage(h->life.ep).interfaces > 0;
		again |= life_usage(h->life.ep).vnets > 1;
		(void)usleep(1000);
		CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
		if (now.tv_sec > start.tv_sec + 30)
			ep_store_relaxed(&h->stop, 2);
		CHECK(now.tv_sec < start.tv_sec + 32);
	} while (again);
}

static void
every_frame_is_accounted_for_whatever_happens_at_once(void **state)
{
	struct life *l = *state;
	struct hammer *h = calloc(1, sizeof(*h));
	uint64_t ms = environment("LIFE_SECONDS", 6) * 1000 / WAYS;

	assert_non_null(h);
	(void)alarm((unsigned)(ms / 1000) + LIFE_PATIENCE_S);
	h->life = *l;
	h->seed = environment("LIFE_SEED", (uint64_t)time(NULL));
	CHECK(pthread_mutex_init(&h->lock, NULL) == 0);
	hammer_for(h, ms);
	end_all(h);
	print_message("# seed %llu: %llu acts, %u pairs, %llu frames\n",
	    (unsigned long long)h->seed, (unsigned long long)h->acts,
	    h->settled_pairs, (unsigned long long)h->settled_frames);
	CHECK(pthread_mutex_destroy(&h->lock) == 0);
	free(h);
}

static const struct life_test tests[] = {
	{ LIFE_TEST(every_frame_is_accounted_for_whatever_happens_at_once) },
};

int
main(void)
{
	return life_run(tests, 1);
}
