/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker and its tasks.
 *
 * Nothing that was called is touched afterwards: a task's function may free
 * the task. What another thread has to know meanwhile is the worker's:
 * `current` names what runs, and drains wait for it to change.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "sched/sched_priv.h"

/*
 * How late a sleep may end. Not less: what comes due meanwhile, frames of a
 * paced link perhaps, is not worth a wake of its own.
 */
#define SLACK_NS 10000ul

static int
add_fd(struct ep_worker *w, int fd, uint32_t events)
{
	/* Ticket 0 is nobody's: these only end a sleep. */
	struct epoll_event ev = { .events = events, .data.u64 = 0 };

	return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

static int
open_fds(struct ep_worker *w)
{
	int error;

	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll_fd < 0)
		return -errno;
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake_fd < 0)
		return -errno;
	/* Each write is an edge and ends one sleep: it need not be read. */
	error = add_fd(w, w->wake_fd, EPOLLIN | EPOLLET);
	if (error != 0 || w->sched->way != EPAIR_LOOP)
		return error;
	w->timer_fd = timerfd_create(
	    CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->timer_fd < 0)
		return -errno;
	return add_fd(w, w->timer_fd, EPOLLIN);
}

int
ep_worker_init(
    struct ep_worker *w, struct ep_sched *sched, unsigned id) EP_NO_TSA
{
	*w = (struct ep_worker){
		.sched = sched,
		.id = id,
		.epoll_fd = -1,
		.wake_fd = -1,
		.timer_fd = -1,
		.timer_fd_at = UINT64_MAX,
	};
	TAILQ_INIT(&w->tasks);
	ep_mutex_init(&w->lock);
	ep_cond_init(&w->changed);
	ep_index_init(&w->slots_used, UINT32_MAX - 1);
	return sched->way == EPAIR_SIM ? 0 : open_fds(w);
}

static void
close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

void
ep_worker_fini(struct ep_worker *w) EP_NO_TSA
{
	EP_ASSERT(TAILQ_EMPTY(&w->tasks));
	EP_ASSERT(w->timers == 0 && w->watches == 0);
	close_fd(w->epoll_fd);
	close_fd(w->wake_fd);
	close_fd(w->timer_fd);
	free(w->heap);
	free(w->slots);
	ep_index_fini(&w->slots_used);
	ep_cond_fini(&w->changed);
	ep_mutex_fini(&w->lock);
}

int
ep_worker_enter(struct ep_worker *w)
{
	if (w->inside)
		return pthread_equal(w->runner, pthread_self()) ? -EDEADLK
								: -EBUSY;
	ep_store_relaxed(&w->inside, true);
	w->runner = pthread_self();
	return 0;
}

void
ep_worker_leave(struct ep_worker *w)
{
	ep_store_relaxed(&w->inside, false);
}

void
ep_worker_call_begin(struct ep_worker *w, const void *what) EP_NO_TSA
{
	w->current = what;
	ep_unlock(&w->lock);
}

void
ep_worker_call_end(struct ep_worker *w) EP_NO_TSA
{
	ep_lock(&w->lock);
	w->current = NULL;
	if (w->drainers == 0)
		return;
	/*
	 * They go first: what ran may have been scheduled again meanwhile, and
	 * must not run before they have taken it out (S3).
	 */
	ep_cond_broadcast(&w->changed);
	while (w->drainers > 0)
		ep_cond_wait(&w->changed, &w->lock);
}

void
ep_worker_await(struct ep_worker *w, const void *what)
{
	if (w->inside && pthread_equal(w->runner, pthread_self()))
		return;
	w->drainers++;
	while (w->current == what)
		ep_cond_wait(&w->changed, &w->lock);
	if (--w->drainers == 0)
		ep_cond_broadcast(&w->changed);
}

void
ep_worker_end_sleep(const struct ep_worker *w)
{
	const uint64_t one = 1;

	/* Never full: nobody wakes so often. */
	(void)!write(w->wake_fd, &one, sizeof(one));
}

void
ep_worker_unlock_wake(struct ep_worker *w) EP_NO_TSA
{
	bool wake = w->wants_wake;

	if (wake)
		w->wants_wake = false;
	ep_unlock(&w->lock);
	if (wake)
		ep_worker_end_sleep(w);
}

/* Tasks. */

void
ep_task_init(struct ep_task *task, struct ep_worker *worker,
    void (*run)(struct ep_task *task))
{
	*task = (struct ep_task){ .run = run, .worker = worker };
}

/* Returns false if it waits already. */
static bool
append(struct ep_worker *w, struct ep_task *task) EP_REQUIRES(w->lock)
{
	if (task->waiting)
		return false;
	task->waiting = true;
	TAILQ_INSERT_TAIL(&w->tasks, task, link);
	ep_store_relaxed(&w->waiting, w->waiting + 1);
	return true;
}

static void
unlock_after(struct ep_worker *w, bool appended) EP_NO_TSA
{
	if (appended)
		ep_worker_unlock_wake(w);
	else
		ep_unlock(&w->lock);
}

bool
ep_task_schedule(struct ep_task *task) EP_NO_TSA
{
	struct ep_worker *w = task->worker;
	bool appended;

	ep_lock(&w->lock);
	appended = append(w, task);
	unlock_after(w, appended);
	return appended;
}

bool
ep_task_schedule_unless(struct ep_task *task, const bool *over) EP_NO_TSA
{
	struct ep_worker *w = task->worker;
	bool is_over;

	ep_lock(&w->lock);
	is_over = ep_load_relaxed(over);
	unlock_after(w, !is_over && append(w, task));
	return !is_over;
}

bool
ep_worker_is_wanted(const struct ep_worker *w) EP_NO_TSA
{
	return ep_load_relaxed(&w->waiting) > 0;
}

static bool
unlink_task(struct ep_task *task) EP_REQUIRES(task->worker->lock)
{
	struct ep_worker *w = task->worker;

	if (!task->waiting)
		return false;
	task->waiting = false;
	TAILQ_REMOVE(&w->tasks, task, link);
	ep_store_relaxed(&w->waiting, w->waiting - 1);
	return true;
}

bool
ep_task_cancel(struct ep_task *task) EP_NO_TSA
{
	struct ep_worker *w = task->worker;
	bool waited;

	ep_lock(&w->lock);
	waited = unlink_task(task);
	ep_unlock(&w->lock);
	return waited;
}

bool
ep_task_drain(struct ep_task *task) EP_NO_TSA
{
	struct ep_worker *w = task->worker;
	bool waited;

	ep_lock(&w->lock);
	waited = unlink_task(task);
	ep_worker_await(w, task);
	waited |= unlink_task(task);
	ep_unlock(&w->lock);
	return waited;
}

unsigned
ep_worker_run_tasks(struct ep_worker *w, unsigned max) EP_NO_TSA
{
	struct ep_task *task;
	unsigned done = 0;

	for (; done < max && (task = TAILQ_FIRST(&w->tasks)) != NULL; done++) {
		(void)unlink_task(task);
		ep_worker_call_begin(w, task);
		task->run(task);
		ep_worker_call_end(w);
	}
	return done;
}

/* A worker's thread. */

static bool
has_work(const struct ep_worker *w) EP_REQUIRES(w->lock)
{
	return w->stopping || w->waiting > 0 ||
	       ep_worker_next(w) <= ep_sched_mono(w->sched);
}

/* Look for work without sleeping, for as long as was asked. */
static void
busy_poll(struct ep_worker *w) EP_REQUIRES(w->lock) EP_NO_TSA
{
	uint64_t until = ep_sched_mono(w->sched) + w->sched->poll_ns;

	while (!has_work(w) && ep_sched_mono(w->sched) < until) {
		if (ep_load_relaxed(&w->watches) > 0) {
			if (ep_worker_run_watches(w, UINT32_MAX, 0) > 0)
				return;
			continue;
		}
		ep_unlock(&w->lock);
		for (unsigned i = 0;
		     i < 64 && ep_load_relaxed(&w->waiting) == 0; i++)
			ep_cpu_pause();
		ep_lock(&w->lock);
	}
}

static uint64_t
time_left(struct ep_worker *w) EP_REQUIRES(w->lock)
{
	uint64_t next = ep_worker_next(w), now;

	if (next == UINT64_MAX)
		return UINT64_MAX;
	now = ep_sched_mono(w->sched);
	return next > now ? next - now : 0;
}

void *
ep_worker_thread(void *worker) EP_NO_TSA
{
	struct ep_worker *w = worker;

	/* Little of what a delay may be missed by; else it is 50 us. */
	(void)prctl(PR_SET_TIMERSLACK, SLACK_NS, 0UL, 0UL, 0UL);
	ep_lock(&w->lock);
	EP_ZERO(ep_worker_enter(w));
	while (!w->stopping) {
		(void)ep_worker_run_tasks(w, w->waiting);
		(void)ep_worker_run_timers(w, UINT32_MAX);
		if (has_work(w)) {
			if (++w->rounds >= EP_ROUNDS_MAX && w->watches > 0) {
				w->rounds = 0;
				(void)ep_worker_run_watches(w, UINT32_MAX, 0);
			}
			continue;
		}
		w->rounds = 0;
		if (w->sched->poll_ns > 0) {
			busy_poll(w);
			if (has_work(w))
				continue;
		}
		w->wants_wake = true;
		(void)ep_worker_run_watches(w, UINT32_MAX, time_left(w));
		w->wants_wake = false;
	}
	ep_worker_leave(w);
	ep_unlock(&w->lock);
	return NULL;
}
