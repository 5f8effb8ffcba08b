/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LIMIT 400u
#define BURST 7u

static uint32_t last_put, last_seen; /* frames are numbered by their len */
static struct ep_sched *sched; /* in simulated time */

static void
open_queue(struct ep_queue *q)
{
	ep_queue_init(q, LIMIT);
	last_put = last_seen = 0;
}

/* Nobody else has the queue. */
static uint32_t
chunks(const struct ep_queue *q) EP_NO_TSA
{
	return q->chunks;
}

static void
start_at(struct ep_queue *q, uint32_t count) EP_NO_TSA
{
	q->put = q->taken = q->taken_seen = count;
}

/* Put n frames; returns how many were taken, and whether a run is owed. */
static unsigned
put(struct ep_queue *q, unsigned n, bool *wake)
{
	unsigned all = 0, part = n, done = n;

	*wake = false;
	for (; n > 0 && done == part; n -= part) {
		struct ep_packed frames[BURST];
		bool woken, no_memory;

		part = n < BURST ? n : BURST;
		for (unsigned i = 0; i < part; i++)
			frames[i] = (struct ep_packed){ .len = ++last_put };
		ep_spin_lock(&q->lock);
		done = ep_queue_put_locked(
		    q, frames, part, sched, &woken, &no_memory);
		ep_spin_unlock(&q->lock);
		assert_false(no_memory);
		*wake |= woken;
		all += done;
		last_put -= part - done;
	}
	return all;
}

/* Look at a batch to its end. Returns how many it had, all in order. */
static unsigned
look(struct ep_batch *batch)
{
	const struct ep_packed *frames;
	unsigned n, all = 0;

	while ((n = ep_batch_next(batch, &frames)) > 0) {
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(frames[i].len, ++last_seen);
		all += n;
	}
	return all;
}

/* A whole run of the task. */
static unsigned
run(struct ep_queue *q, bool *again)
{
	struct ep_batch batch;
	unsigned n;

	ep_queue_take(q, &batch);
	n = look(&batch);
	*again = ep_queue_done(q, &batch) == EP_QUEUE_OWED;
	return n;
}

static void
frames_leave_in_order_from_chunk_to_chunk(void **state)
{
	struct ep_queue q;
	bool wake, again;

	(void)state;
	open_queue(&q);
	for (unsigned n = 1; n < 200; n++) {
		assert_int_equal(put(&q, n, &wake), n);
		assert_true(wake);
		assert_int_equal(run(&q, &again), n);
		assert_false(again);
	}
	ep_queue_fini(&q);
}

static void
full_queue_leaves_the_frames_with_their_caller(void **state)
{
	struct ep_queue q;
	bool wake, again;

	(void)state;
	open_queue(&q);
	assert_int_equal(put(&q, LIMIT + 100, &wake), LIMIT);
	assert_int_equal(put(&q, 1, &wake), 0);
	assert_false(wake);
	assert_int_equal(ep_queue_count(&q), LIMIT);
	assert_int_equal(run(&q, &again), LIMIT);
	assert_int_equal(ep_queue_count(&q), 0);
	ep_queue_fini(&q);
}

static void
what_was_taken_does_not_count_and_is_not_overwritten(void **state)
{
	struct ep_queue q;
	struct ep_batch batch;
	bool wake, again;

	(void)state;
	open_queue(&q);
	assert_int_equal(put(&q, LIMIT, &wake), LIMIT);
	ep_queue_take(&q, &batch);
	assert_int_equal(put(&q, LIMIT + 1, &wake), LIMIT);
	assert_false(wake);
	assert_int_equal(look(&batch), LIMIT);
	assert_int_equal(ep_queue_done(&q, &batch), EP_QUEUE_OWED);
	assert_int_equal(run(&q, &again), LIMIT);
	assert_false(again);
	ep_queue_fini(&q);
}

static void
idle_queue_keeps_few_chunks(void **state)
{
	struct ep_queue q;
	bool wake, again;

	(void)state;
	open_queue(&q);
	assert_int_equal(put(&q, LIMIT, &wake), LIMIT);
	assert_true(chunks(&q) > EP_CHUNKS_KEPT);
	(void)run(&q, &again);
	assert_int_equal(chunks(&q), EP_CHUNKS_KEPT);
	assert_int_equal(put(&q, LIMIT, &wake), LIMIT);
	assert_int_equal(run(&q, &again), LIMIT);
	ep_queue_fini(&q);
}

static void
few_frames_at_a_time_need_two_chunks(void **state)
{
	struct ep_queue q;
	bool wake, again;

	(void)state;
	open_queue(&q);
	for (unsigned n = 0; n < 1000; n++) {
		assert_int_equal(put(&q, 3, &wake), 3);
		assert_int_equal(run(&q, &again), 3);
	}
	assert_int_equal(chunks(&q), 2);
	ep_queue_fini(&q);
}

static void
lowered_limit_takes_nothing_until_there_is_room(void **state)
{
	struct ep_queue q;
	bool wake, again;

	(void)state;
	open_queue(&q);
	assert_int_equal(put(&q, 100, &wake), 100);
	q.limit = 50;
	assert_int_equal(put(&q, 1, &wake), 0);
	assert_int_equal(run(&q, &again), 100);
	assert_int_equal(put(&q, 60, &wake), 50);
	assert_int_equal(run(&q, &again), 50);
	ep_queue_fini(&q);
}

static void
counts_run_on_over_the_end_of_their_range(void **state)
{
	struct ep_queue q;
	bool wake, again;

	(void)state;
	open_queue(&q);
	start_at(&q, UINT32_MAX - 10);
	assert_int_equal(put(&q, LIMIT + 1, &wake), LIMIT);
	assert_int_equal(ep_queue_count(&q), LIMIT);
	assert_int_equal(run(&q, &again), LIMIT);
	assert_int_equal(put(&q, LIMIT, &wake), LIMIT);
	assert_true(wake);
	assert_int_equal(run(&q, &again), LIMIT);
	ep_queue_fini(&q);
}

static void
purge_takes_what_waits(void **state)
{
	struct ep_queue q;
	struct ep_batch batch;
	bool wake;

	(void)state;
	open_queue(&q);
	ep_queue_purge(&q, &batch);
	assert_int_equal(look(&batch), 0);
	assert_int_equal(put(&q, 100, &wake), 100);
	ep_queue_purge(&q, &batch);
	assert_int_equal(look(&batch), 100);
	ep_queue_fini(&q);
}

static void
every_252nd_frame_says_when_it_came(void **state)
{
	const struct ep_packed *frames;
	struct ep_queue q;
	struct ep_batch batch;
	uint64_t seen = 0;
	unsigned n;
	bool wake;

	(void)state;
	open_queue(&q);
	for (unsigned i = 1; i <= LIMIT; i++) {
		assert_int_equal(put(&q, 1, &wake), 1);
		(void)ep_sched_advance(sched, 10);
	}
	ep_queue_take(&q, &batch);
	while ((n = ep_batch_next(&batch, &frames)) > 0) {
		uint64_t came_ns = batch.came_ns;

		assert_int_equal(
		    came_ns, seen % 252 == 0 ? seen * 10 : EP_CAME_UNKNOWN);
		seen += n;
	}
	assert_int_equal(seen, LIMIT);
	assert_false(ep_queue_done(&q, &batch));
	ep_queue_fini(&q);
}

static void
what_is_taken_from_within_a_chunk_does_not_say_it_again(void **state)
{
	const struct ep_packed *frames;
	struct ep_queue q;
	struct ep_batch batch;
	bool wake;

	(void)state;
	open_queue(&q);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(put(&q, 10, &wake), 10);
		ep_queue_take(&q, &batch);
		assert_int_equal(ep_batch_next(&batch, &frames), 10);
		assert_true((batch.came_ns == EP_CAME_UNKNOWN) == (i > 0));
		assert_false(ep_queue_done(&q, &batch));
	}
	ep_queue_fini(&q);
}

static int
start_clock(void **state)
{
	const struct epair_opts opts = { .size = sizeof(opts),
		.way = EPAIR_SIM };

	(void)state;
	return ep_sched_create(&opts, &sched, NULL);
}

static int
end_clock(void **state)
{
	(void)state;
	ep_sched_destroy(sched);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_leave_in_order_from_chunk_to_chunk),
		cmocka_unit_test(
		    full_queue_leaves_the_frames_with_their_caller),
		cmocka_unit_test(
		    what_was_taken_does_not_count_and_is_not_overwritten),
		cmocka_unit_test(idle_queue_keeps_few_chunks),
		cmocka_unit_test(few_frames_at_a_time_need_two_chunks),
		cmocka_unit_test(
		    lowered_limit_takes_nothing_until_there_is_room),
		cmocka_unit_test(counts_run_on_over_the_end_of_their_range),
		cmocka_unit_test(purge_takes_what_waits),
		cmocka_unit_test(every_252nd_frame_says_when_it_came),
		cmocka_unit_test(
		    what_is_taken_from_within_a_chunk_does_not_say_it_again),
	};

	return cmocka_run_group_tests_name(
	    "queue", tests, start_clock, end_clock);
}
