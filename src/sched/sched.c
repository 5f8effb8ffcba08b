/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The three ways to run workers.
 */
#include "sched/sched.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/error.h"
#include "sched/sched_priv.h"

/*
 * In virtual time nothing ends a chain of tasks that cause each other without
 * time passing but this many runs.
 */
#define INSTANT_RUNS_MAX 10000000u

int
ep_sched_create(const struct epair_opts *opts, struct ep_sched **schedp,
    struct epair_err *err)
{
	struct ep_sched *sched = calloc(1, sizeof(*sched));
	unsigned n = opts->way == EPAIR_SIM ? 1 : opts->workers;
	int error = 0;

	if (sched == NULL)
		return ep_fail(err, -ENOMEM, "no memory for the workers");
	sched->way = opts->way;
	sched->pin = opts->pin;
	sched->poll_ns = opts->poll_us * EP_NS_PER_US;
	sched->workers = aligned_alloc(
	    _Alignof(struct ep_worker), n * sizeof(struct ep_worker));
	if (sched->workers == NULL)
		error = -ENOMEM;
	while (error == 0 && sched->worker_count < n) {
		error = ep_worker_init(&sched->workers[sched->worker_count],
		    sched, sched->worker_count);
		sched->worker_count++;
	}
	if (error != 0) {
		ep_sched_destroy(sched);
		return ep_fail_sys(err, error, "cannot make %u workers", n);
	}
	*schedp = sched;
	return 0;
}

void
ep_sched_destroy(struct ep_sched *sched)
{
	for (unsigned i = 0; i < sched->worker_count; i++)
		ep_worker_fini(&sched->workers[i]);
	free(sched->workers);
	free(sched);
}

/* Pin a thread to the i-th of the CPUs that the process may use. */
static void
pin(pthread_t thread, unsigned i)
{
	cpu_set_t all, one;
	unsigned nth;

	if (sched_getaffinity(0, sizeof(all), &all) != 0)
		return;
	nth = i % (unsigned)CPU_COUNT(&all);
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && nth-- == 0) {
			CPU_SET(cpu, &one);
			break;
		}
	/* Not being pinned costs speed, nothing else. */
	(void)pthread_setaffinity_np(thread, sizeof(one), &one);
}

int
ep_sched_start(struct ep_sched *sched, struct epair_err *err)
{
	sigset_t all, old;
	int error = 0;

	if (sched->way != EPAIR_THREADS)
		return 0;
	/*
	 * Signals are the program's: no worker takes one, but those of its own
	 * making (base/guard.h).
	 */
	(void)sigfillset(&all);
	(void)sigdelset(&all, SIGBUS);
	EP_ZERO(pthread_sigmask(SIG_SETMASK, &all, &old));
	for (unsigned i = 0; i < sched->worker_count && error == 0; i++) {
		struct ep_worker *w = &sched->workers[i];

		error = pthread_create(&w->thread, NULL, ep_worker_thread, w);
		w->started = error == 0;
		if (w->started && sched->pin)
			pin(w->thread, i);
	}
	EP_ZERO(pthread_sigmask(SIG_SETMASK, &old, NULL));
	if (error != 0) {
		ep_sched_stop(sched);
		return ep_fail_sys(err, -error, "cannot start the workers");
	}
	return 0;
}

void
ep_sched_stop(struct ep_sched *sched)
{
	for (unsigned i = 0; i < sched->worker_count; i++) {
		struct ep_worker *w = &sched->workers[i];

		if (!w->started)
			continue;
		ep_lock(&w->lock);
		w->stopping = true;
		ep_worker_unlock_wake(w);
		EP_ZERO(pthread_join(w->thread, NULL));
		w->started = false;
	}
}

enum epair_way
ep_sched_way(const struct ep_sched *sched)
{
	return sched->way;
}

unsigned
ep_sched_workers(const struct ep_sched *sched)
{
	return sched->worker_count;
}

struct ep_worker *
ep_sched_worker(struct ep_sched *sched, unsigned i)
{
	return &sched->workers[i % sched->worker_count];
}

struct ep_sched *
ep_worker_sched(const struct ep_worker *worker)
{
	return worker->sched;
}

uint64_t
ep_sched_now(const struct ep_sched *sched)
{
	return sched->way == EPAIR_SIM ? ep_load_relaxed(&sched->sim_now_ns)
				       : ep_clock_ns(CLOCK_REALTIME);
}

uint64_t
ep_sched_mono(const struct ep_sched *sched)
{
	return sched->way == EPAIR_SIM ? ep_load_relaxed(&sched->sim_now_ns)
				       : ep_clock_ns(CLOCK_MONOTONIC);
}

bool
ep_sched_inside(const struct ep_sched *sched)
{
	for (unsigned i = 0; i < sched->worker_count; i++) {
		struct ep_worker *w = &sched->workers[i];
		bool ours;

		ep_lock(&w->lock);
		ours = w->inside && pthread_equal(w->runner, pthread_self());
		ep_unlock(&w->lock);
		if (ours)
			return true;
	}
	return false;
}

uint32_t
ep_sched_waiting(struct ep_sched *sched)
{
	uint32_t waiting = 0;

	for (unsigned i = 0; i < sched->worker_count; i++)
		waiting += ep_load_relaxed(&sched->workers[i].waiting);
	return waiting;
}

/* The caller's loop. */

static struct ep_worker *
loop_worker(struct ep_sched *sched, unsigned worker)
{
	if (sched->way != EPAIR_LOOP || worker >= sched->worker_count)
		return NULL;
	return &sched->workers[worker];
}

/* Poll readable while there is work, if anybody polls at all. */
static void
rest(struct ep_worker *w) EP_REQUIRES(w->lock)
{
	w->wants_wake = w->fd_asked && w->waiting == 0;
	if (w->fd_asked && w->waiting > 0)
		ep_worker_end_sleep(w);
	ep_worker_set_timer_fd(w);
}

int
ep_sched_fd(struct ep_sched *sched, unsigned worker)
{
	struct ep_worker *w = loop_worker(sched, worker);

	if (w == NULL)
		return -EINVAL;
	ep_lock(&w->lock);
	if (!w->fd_asked) {
		ep_store_relaxed(&w->fd_asked, true);
		rest(w);
	}
	ep_unlock(&w->lock);
	return w->epoll_fd;
}

/*
 * Nothing to do, seen without the lock: so that a caller who only dispatches,
 * again and again, does not get into the way of those who schedule.
 */
static bool
is_idle(const struct ep_worker *w) EP_NO_TSA
{
	return !ep_load_relaxed(&w->inside) && !ep_load_relaxed(&w->fd_asked) &&
	       ep_load_relaxed(&w->waiting) == 0 &&
	       ep_load_relaxed(&w->timers) == 0 &&
	       ep_load_relaxed(&w->watches) == 0;
}

/*
 * Looking at descriptors takes a system call. Who polls ours is told of them and
 * expects it; who calls again and again, with tasks to be run each time, gets
 * them as a thread does.
 */
static bool
is_time_to_look(struct ep_worker *w) EP_REQUIRES(w->lock)
{
	if (!w->fd_asked &&
	    (w->watches == 0 ||
		(w->waiting > 0 && ++w->rounds < EP_ROUNDS_MAX)))
		return false;
	w->rounds = 0;
	return true;
}

/* What there is of one kind of work, at most max. */
static unsigned
run_kind(struct ep_worker *w, unsigned kind, unsigned max) EP_REQUIRES(w->lock)
{
	switch (kind) {
	case 0:
		return is_time_to_look(w) ? ep_worker_run_watches(w, max, 0)
					  : 0;
	case 1:
		return ep_worker_run_tasks(
		    w, w->waiting < max ? w->waiting : max);
	default:
		return ep_worker_run_timers(w, max);
	}
}

/*
 * The kinds one after the other. Where the budget ends, the next call goes on,
 * or who is always there would leave nothing for the others.
 */
static unsigned
run_kinds(struct ep_worker *w, unsigned max) EP_REQUIRES(w->lock)
{
	unsigned done = 0, first = w->turn;

	w->turn = 0;
	for (unsigned i = 0; i < EP_KINDS; i++) {
		if (done == max) {
			w->turn = (first + i) % EP_KINDS;
			break;
		}
		done += run_kind(w, (first + i) % EP_KINDS, max - done);
	}
	return done;
}

int
ep_sched_dispatch(struct ep_sched *sched, unsigned worker, unsigned budget)
{
	struct ep_worker *w = loop_worker(sched, worker);
	int done;

	if (w == NULL)
		return -EINVAL;
	if (is_idle(w))
		return 0;
	ep_lock(&w->lock);
	done = ep_worker_enter(w);
	if (done == 0) {
		done = (int)run_kinds(w, budget == 0 ? UINT32_MAX : budget);
		rest(w);
		ep_worker_leave(w);
	}
	ep_unlock(&w->lock);
	return done;
}

/* Virtual time. */

/* Enter the one worker of a SIM instance, with its lock held on success. */
static int
sim_enter(struct ep_sched *sched) EP_NO_TSA
{
	struct ep_worker *w = &sched->workers[0];
	int error;

	if (sched->way != EPAIR_SIM)
		return -EINVAL;
	ep_lock(&w->lock);
	error = ep_worker_enter(w);
	if (error != 0)
		ep_unlock(&w->lock);
	return error;
}

static int
sim_leave(struct ep_sched *sched) EP_NO_TSA
{
	struct ep_worker *w = &sched->workers[0];
	int waiting = (int)w->waiting;

	ep_worker_leave(w);
	ep_unlock(&w->lock);
	return waiting;
}

int
ep_sched_step(struct ep_sched *sched, unsigned n) EP_NO_TSA
{
	int error = sim_enter(sched);

	if (error != 0)
		return error;
	(void)ep_worker_run_tasks(&sched->workers[0], n);
	return sim_leave(sched);
}

int
ep_sched_run(struct ep_sched *sched, unsigned max)
{
	return ep_sched_step(sched, max == 0 ? UINT32_MAX : max);
}

/* Is nothing left to run, not even later? */
static int
is_at_rest(void *arg)
{
	const struct ep_worker *w = arg;

	return ep_load_relaxed(&w->waiting) == 0 &&
	       ep_load_relaxed(&w->timers) == 0;
}

/* Ask the caller, who may call anything. */
static bool
is_met_now(struct ep_worker *w, int (*is_met)(void *arg), void *arg)
    EP_REQUIRES(w->lock) EP_NO_TSA
{
	int met;

	ep_worker_call_begin(w, NULL);
	met = is_met(arg);
	ep_worker_call_end(w);
	return met != 0;
}

/*
 * Run what waits at this instant: a task if there is one, else a timer; one, if
 * the caller looks between, or all. Returns how many it ran.
 */
static unsigned
run_instant(struct ep_worker *w, unsigned max) EP_REQUIRES(w->lock)
{
	unsigned runs = ep_worker_run_tasks(w, max);

	return runs < max ? runs + ep_worker_run_timers(w, 1) : runs;
}

/*
 * Let time pass to the next timer, or the end. Returns whether that is all:
 * nothing is left to run before the end.
 */
static bool
pass_time(struct ep_worker *w, uint64_t end) EP_REQUIRES(w->lock)
{
	uint64_t next = ep_worker_next(w);

	ep_store_relaxed(&w->sched->sim_now_ns, next < end ? next : end);
	return next > end || next == UINT64_MAX;
}

static int
advance(struct ep_sched *sched, uint64_t ns, int (*is_met)(void *arg),
    void *arg) EP_NO_TSA
{
	struct ep_worker *w = &sched->workers[0];
	unsigned max = is_met != NULL ? 1 : INSTANT_RUNS_MAX, runs = 0;
	int answer = sim_enter(sched);
	uint64_t end;

	if (answer != 0)
		return answer;
	end = sched->sim_now_ns + ns;
	if (end < ns)
		end = UINT64_MAX;
	for (;;) {
		if (is_met != NULL && is_met_now(w, is_met, arg)) {
			answer = 1;
			break;
		}
		if (w->waiting == 0 && ep_worker_next(w) > sched->sim_now_ns) {
			runs = 0;
			if (pass_time(w, end))
				break;
			continue;
		}
		runs += run_instant(w, max);
		if (runs >= INSTANT_RUNS_MAX) {
			answer = -ELOOP;
			break;
		}
	}
	/* The clock has come to the end: what is true then counts. */
	if (answer == 0 && is_met != NULL)
		answer = is_met_now(w, is_met, arg);
	(void)sim_leave(sched);
	return answer;
}

int
ep_sched_advance(struct ep_sched *sched, uint64_t ns)
{
	return advance(sched, ns, NULL, NULL);
}

int
ep_sched_advance_until(
    struct ep_sched *sched, uint64_t ns, int (*is_met)(void *arg), void *arg)
{
	if (is_met == NULL)
		return advance(sched, ns, is_at_rest, &sched->workers[0]);
	return advance(sched, ns, is_met, arg);
}

uint64_t
ep_sched_next_timer(struct ep_sched *sched)
{
	struct ep_worker *w = &sched->workers[0];
	uint64_t next;

	ep_lock(&w->lock);
	next = ep_worker_next(w);
	ep_unlock(&w->lock);
	return next;
}
