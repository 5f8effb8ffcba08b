/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workers that sleep and are woken, and tasks and timers that are drained while
 * they run (S3 of sched/sched.h).
 */
#include "life.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/atomic.h"
#include "base/container.h"
#include "net/instance.h"
#include "sched/sched.h"

#define ROUNDS 300u

static struct ep_worker *
worker_of(struct life *l)
{
	return ep_sched_worker(l->ep->sched, 0);
}

/* A task that always wants to run again. */
struct restless {
	struct ep_task task;
	struct ep_timer timer;
	uint32_t runs; /* atomic */
};

static void
run_again(struct ep_task *task)
{
	struct restless *r = (struct restless *)(void *)task;

	(void)ep_add_relaxed(&r->runs, 1);
	(void)ep_task_schedule(task);
}

static void
drained_task_neither_waits_nor_runs(void **state)
{
	struct life *l = *state;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct restless *r = calloc(1, sizeof(*r));

		assert_non_null(r);
		ep_task_init(&r->task, worker_of(l), run_again);
		(void)ep_task_schedule(&r->task);
		AWAIT(ep_load_relaxed(&r->runs) > i % 3);
		(void)ep_task_drain(&r->task);
		assert_int_equal(life_usage(l->ep).tasks_waiting, 0);
		free(r);
	}
}

static void
fire_again(struct ep_timer *timer)
{
	struct restless *r = EP_CONTAINER_OF(timer, struct restless, timer);

	(void)ep_add_relaxed(&r->runs, 1);
	CHECK(ep_timer_arm(timer, 0) == 0);
}

static void
drained_timer_is_not_armed(void **state)
{
	struct life *l = *state;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct restless *r = calloc(1, sizeof(*r));

		assert_non_null(r);
		ep_timer_init(&r->timer, worker_of(l), fire_again);
		assert_int_equal(ep_timer_arm(&r->timer, 0), 0);
		AWAIT(ep_load_relaxed(&r->runs) > i % 3);
		(void)ep_timer_drain(&r->timer);
		assert_true(ep_sched_next_timer(l->ep->sched) == UINT64_MAX);
		free(r);
	}
}

/* One that is asleep, or about to be, is woken each time. */
struct counted {
	struct ep_task task;
	uint32_t runs; /* atomic */
};

static void
count_run(struct ep_task *task)
{
	(void)ep_add_acq_rel(&((struct counted *)(void *)task)->runs, 1);
}

struct waker {
	struct life *l;
	unsigned number;
	uint64_t random;
};

static void *
wake_and_await(void *arg)
{
	struct waker *waker = arg;
	struct counted c = { .runs = 0 };

	ep_task_init(&c.task,
	    ep_sched_worker(waker->l->ep->sched, waker->number), count_run);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		CHECK(ep_task_schedule(&c.task));
		while (ep_load_acquire(&c.runs) <= i)
			(void)sched_yield();
		if (life_below(&waker->random, 4) == 0)
			(void)usleep(life_below(&waker->random, 200));
	}
	(void)ep_task_drain(&c.task);
	return NULL;
}

static void
no_wake_is_lost(void **state)
{
	struct waker wakers[3];
	pthread_t threads[3];

	for (unsigned i = 0; i < 3; i++) {
		wakers[i] = (struct waker){ *state, i, i };
		assert_int_equal(pthread_create(&threads[i], NULL,
				     wake_and_await, &wakers[i]),
		    0);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* A scenario with many steps at once is such a timer. */
static void
timer_that_is_always_due_leaves_its_worker_to_others(void **state)
{
	struct life *l = *state;
	struct restless r = { .runs = 0 };
	struct counted c = { .runs = 0 };

	ep_task_init(&c.task, worker_of(l), count_run);
	ep_timer_init(&r.timer, worker_of(l), fire_again);
	assert_int_equal(ep_timer_arm(&r.timer, 0), 0);
	AWAIT(ep_load_relaxed(&r.runs) > 0);
	(void)ep_task_schedule(&c.task);
	AWAIT(ep_load_relaxed(&c.runs) == 1);
	(void)ep_timer_drain(&r.timer);
	(void)ep_task_drain(&c.task);
}

static void
source_can_be_detached_while_it_sends(void **state)
{
	static const char *const specs[] = { "source", "source:rate=100000",
		"source:burst=1" };
	struct life *l = *state;
	struct catcher at_b = { .arg = NULL };
	struct epair_if *a, *b;

	life_pair(l->ep, &a, &b);
	life_catch(b, &at_b);
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t before = life_caught(&at_b);

		assert_int_equal(epair_attach(a, specs[i % 3], NULL), 0);
		if (i % 4 != 0)
			AWAIT(life_caught(&at_b) != before);
		assert_int_equal(epair_detach(a, NULL), 0);
	}
	life_pair_end(a, b);
}

/*
 * A budget ends the round before the timer, whose descriptor was looked at: it
 * has to poll readable all the same.
 */
static void
due_timer_keeps_a_loop_readable(void **state)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = EPAIR_LOOP,
	};
	struct epair *ep;
	struct pollfd pfd = { .events = POLLIN };
	struct restless r = { .runs = 0 };
	struct counted c = { .runs = 0 };

	(void)state;
	assert_int_equal(epair_new(&opts, &ep, NULL), 0);
	pfd.fd = epair_fd(ep, 0);
	ep_task_init(&c.task, ep_sched_worker(ep->sched, 0), count_run);
	ep_timer_init(&r.timer, ep_sched_worker(ep->sched, 0), fire_again);
	assert_int_equal(ep_timer_arm(&r.timer, 1), 0);
	(void)ep_task_schedule(&c.task);
	assert_int_equal(epair_dispatch(ep, 0, 1), 1);
	assert_int_equal(ep_load_relaxed(&c.runs), 1);
	assert_int_equal(poll(&pfd, 1, 1000), 1);
	assert_int_equal(epair_dispatch(ep, 0, 1), 1);
	assert_int_equal(ep_load_relaxed(&r.runs), 1);
	(void)ep_timer_drain(&r.timer);
	assert_int_equal(epair_free(ep), 0);
}

struct looked {
	struct ep_watch watch;
	unsigned runs;
};

static void
count_look(struct ep_watch *watch, uint32_t events)
{
	(void)events;
	((struct looked *)(void *)watch)->runs++;
}

static void
dispatch_by_ones(struct epair *ep)
{
	struct ep_worker *w = ep_sched_worker(ep->sched, 0);
	struct restless r = { .runs = 0 }, timed = { .runs = 0 };
	struct looked look = { .runs = 0 };
	int fd = eventfd(1, EFD_CLOEXEC);

	ep_task_init(&r.task, w, run_again);
	ep_timer_init(&timed.timer, w, fire_again);
	ep_watch_init(&look.watch, w, count_look);
	(void)ep_task_schedule(&r.task);
	assert_int_equal(ep_timer_arm(&timed.timer, 0), 0);
	assert_int_equal(ep_watch_add(&look.watch, fd, EPOLLIN), 0);
	for (unsigned i = 0; i < 90; i++)
		assert_int_equal(epair_dispatch(ep, 0, 1), 1);
	/* Who does not poll has descriptors looked at now and then. */
	assert_true(r.runs >= 30 && timed.runs >= 30 && look.runs >= 3);
	ep_watch_drain(&look.watch);
	(void)ep_timer_drain(&timed.timer);
	(void)ep_task_drain(&r.task);
	assert_int_equal(close(fd), 0);
}

static void
budget_of_one_leaves_nobody_out(void **state)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = EPAIR_LOOP,
	};
	struct epair *ep;

	(void)state;
	assert_int_equal(epair_new(&opts, &ep, NULL), 0);
	dispatch_by_ones(ep);
	assert_true(epair_fd(ep, 0) >= 0); /* is looked at from now on */
	dispatch_by_ones(ep);
	assert_int_equal(epair_free(ep), 0);
}

static const struct life_test tests[] = {
	{ LIFE_TEST(drained_task_neither_waits_nor_runs) },
	{ LIFE_TEST(drained_timer_is_not_armed) },
	{ LIFE_TEST(no_wake_is_lost) },
	{ LIFE_TEST(timer_that_is_always_due_leaves_its_worker_to_others) },
	{ LIFE_TEST(source_can_be_detached_while_it_sends) },
	{ LIFE_TEST(due_timer_keeps_a_loop_readable) },
	{ LIFE_TEST(budget_of_one_leaves_nobody_out) },
};

int
main(void)
{
	return life_run(tests, sizeof(tests) / sizeof(tests[0]));
}
