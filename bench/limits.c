/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the machine can do, with nothing around it: a ring between two threads,
 * a cache line that goes to and fro, two threads that wake each other.
 */
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

/*
 * A ring of descriptors, one producer, one consumer. Each place has a buffer
 * of its own, into which the producer writes a header, and where the consumer
 * reads it. A buffer is as large as a small mbuf with its header.
 */
#define PLACES      1024u
#define BUFFER      2112u
#define HEADER      64u
#define CHECK_EVERY 256u

struct descriptor {
	void *data;
	uint32_t len, flags;
};

struct ring {
	struct descriptor places[PLACES];
	uint8_t *buffers;
	unsigned burst;
	uint64_t sum;
	bool stop; /* atomic */
	uint64_t head __attribute__((aligned(64))); /* the producer's, atomic */
	uint64_t tail __attribute__((aligned(64))); /* the consumer's, atomic */
};

static void *
consume(void *arg)
{
	struct ring *r = arg;
	uint64_t tail = 0, head, sum = 0;

	bench_pin(1);
	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		head = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE);
		for (; tail != head; tail++) {
			const struct descriptor *d = &r->places[tail % PLACES];
			const uint64_t *words = d->data;

			for (unsigned w = 0; w < HEADER / sizeof(*words); w++)
				sum += words[w];
		}
		__atomic_store_n(&r->tail, tail, __ATOMIC_RELEASE);
	}
	r->sum = sum;
	return NULL;
}

/* Scattered, as ours are (src/mbuf/alloc.c), or the limit were none. */
static uint8_t *
buffer_at(const struct ring *r, uint64_t i)
{
	uint64_t place = i % PLACES;

	return r->buffers + place * (place + 1) / 2 % PLACES * BUFFER;
}

static void
produce_burst(struct ring *r, uint64_t head)
{
	for (uint64_t i = head; i < head + r->burst; i++) {
		uint64_t *words = (void *)buffer_at(r, i);

		for (unsigned w = 0; w < HEADER / sizeof(*words); w++)
			words[w] = UINT64_C(0x0200000000000002) + w;
		r->places[i % PLACES] = (struct descriptor){ words, HEADER, 0 };
	}
	__atomic_store_n(&r->head, head + r->burst, __ATOMIC_RELEASE);
}

static double
produce(struct ring *r)
{
	double start = bench_seconds(), now;
	uint64_t head = 0, tail = 0;

	do {
		for (unsigned i = 0; i < CHECK_EVERY; i++) {
			while (head + r->burst - tail > PLACES)
				tail = __atomic_load_n(
				    &r->tail, __ATOMIC_ACQUIRE);
			produce_burst(r, head);
			head += r->burst;
		}
		now = bench_seconds();
	} while (now - start < BENCH_SECONDS);
	return (double)head / (now - start) / 1e6;
}

enum bench_result
bench_spsc_limit(const struct bench_side *side, double *value)
{
	struct ring *r = aligned_alloc(64, sizeof(*r));
	pthread_t thread;

	if (r == NULL)
		return BENCH_FAILED;
	memset(r, 0, sizeof(*r));
	r->burst = side->burst;
	r->buffers = aligned_alloc(64, (size_t)PLACES * BUFFER);
	if (r->buffers == NULL ||
	    pthread_create(&thread, NULL, consume, r) != 0) {
		free(r->buffers);
		free(r);
		return BENCH_FAILED;
	}
	memset(r->buffers, 0, (size_t)PLACES * BUFFER);
	bench_pin(0);
	*value = produce(r);
	bench_unpin();
	__atomic_store_n(&r->stop, true, __ATOMIC_RELAXED);
	(void)pthread_join(thread, NULL);
	free(r->buffers);
	free(r);
	return BENCH_OK;
}

/*
 * Two threads that answer each other through one word: even is the first one's
 * turn. They look for it all the time, or sleep until it has changed.
 */
struct turn {
	uint32_t word __attribute__((aligned(64))); /* atomic */
	uint32_t stop __attribute__((aligned(64))); /* atomic */
	bool sleeps;
};

static void
sleep_on(uint32_t *word, uint32_t value)
{
	(void)syscall(
	    SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void
wake(uint32_t *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void
set_turn(struct turn *t, uint32_t value)
{
	__atomic_store_n(&t->word, value, __ATOMIC_RELEASE);
	if (t->sleeps)
		wake(&t->word);
}

static void
await_turn(struct turn *t, uint32_t value)
{
	uint32_t now;

	while ((now = __atomic_load_n(&t->word, __ATOMIC_ACQUIRE)) != value) {
		if (t->sleeps)
			sleep_on(&t->word, now);
		else
			__builtin_ia32_pause();
	}
}

static void *
answer(void *arg)
{
	struct turn *t = arg;

	bench_pin(t->sleeps ? 0 : 1);
	for (uint32_t i = 1;; i += 2) {
		await_turn(t, i);
		set_turn(t, i + 1);
		if (__atomic_load_n(&t->stop, __ATOMIC_RELAXED) == i)
			return NULL;
	}
}

static enum bench_result
take_turns(bool sleeps, double *value)
{
	struct turn t = { .sleeps = sleeps };
	double start, now;
	pthread_t thread;
	uint32_t i = 0;

	if (pthread_create(&thread, NULL, answer, &t) != 0)
		return BENCH_FAILED;
	bench_pin(0);
	start = now = bench_seconds();
	while (now - start < BENCH_SECONDS) {
		for (unsigned k = 0; k < 100; k++, i += 2) {
			set_turn(&t, i + 1);
			await_turn(&t, i + 2);
		}
		now = bench_seconds();
	}
	bench_unpin();
	__atomic_store_n(&t.stop, i + 1, __ATOMIC_RELAXED);
	set_turn(&t, i + 1);
	(void)pthread_join(thread, NULL);
	*value = (now - start) * 2e9 / i;
	return BENCH_OK;
}

enum bench_result
bench_cacheline(const struct bench_side *side, double *value)
{
	(void)side;
	return take_turns(false, value);
}

enum bench_result
bench_futex(const struct bench_side *side, double *value)
{
	(void)side;
	return take_turns(true, value);
}
