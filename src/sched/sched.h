/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sched/sched.h - who runs when: tasks, timers and descriptors on workers.
 *
 * A scheduler has one or more workers. Each worker runs, one thing at a time:
 * tasks in the order in which they were scheduled, timers in the order of
 * their times, and the handlers of descriptors. How workers get to run is the
 * instance's way (<epair/instance.h>): threads, the caller's loop, or steps in
 * virtual time. What is scheduled does not know which.
 *
 * A task, timer or watch belongs to one worker for its life and is embedded in
 * its owner. It may be scheduled, armed and cancelled from any thread, and its
 * memory may go when it is neither waiting nor running: _drain() sees to that.
 * The scheduler does not touch it after its function was called, so that the
 * function may free it.
 *
 *	task state   meaning                             left by
 *	idle         nothing owed                        ep_task_schedule
 *	waiting      in its worker's list                the worker, _cancel
 *	running      its function is being called; it    return of the function
 *	             may be waiting again meanwhile
 *
 * Invariants:
 *	S1  a task waits at most once, and runs at most once at a time
 *	S2  a task scheduled while it runs waits behind those already waiting
 *	S3  after ep_task_drain() from another thread it neither waits nor
 *	    runs, also if it schedules itself while it runs
 */
#ifndef EP_SCHED_SCHED_H
#define EP_SCHED_SCHED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <epair/instance.h>

struct ep_sched;
struct ep_worker;

struct ep_task {
	void (*run)(struct ep_task *task);
	struct ep_worker *worker;
	TAILQ_ENTRY(ep_task) link; /* under the worker's lock */
	bool waiting; /* under the worker's lock */
};

struct ep_timer {
	void (*run)(struct ep_timer *timer);
	struct ep_worker *worker;
	uint64_t when_ns; /* under the worker's lock, as all below */
	uint64_t order; /* equal times fire in the order of arming */
	uint32_t slot; /* in the worker's heap, 1-based; 0: not armed */
};

struct ep_watch {
	/* `events` are epoll's (EPOLLIN ...). */
	void (*run)(struct ep_watch *watch, uint32_t events);
	struct ep_worker *worker;
	int fd; /* -1: not watched */
	uint32_t events;
	uint64_t ticket; /* slot and generation: tells a late event */
};

/* Make and end a scheduler; see <epair/instance.h> for the options. */
int ep_sched_create(const struct epair_opts *opts, struct ep_sched **sched,
    struct epair_err *err);

/* Begin to run (THREADS: start the threads). */
int ep_sched_start(struct ep_sched *sched, struct epair_err *err);

/* Stop running: threads are joined. What waits stays waiting. */
void ep_sched_stop(struct ep_sched *sched);

/* Free it. Nothing may be waiting, armed or watched. */
void ep_sched_destroy(struct ep_sched *sched);

enum epair_way ep_sched_way(const struct ep_sched *sched);
unsigned ep_sched_workers(const struct ep_sched *sched);
struct ep_worker *ep_sched_worker(struct ep_sched *sched, unsigned i);

/* The clock that timers and captures use; see epair_now(). */
uint64_t ep_sched_now(const struct ep_sched *sched);

/* Monotonic time for timers: what ep_timer_arm() takes. Virtual in SIM. */
uint64_t ep_sched_mono(const struct ep_sched *sched);

/* The calls of <epair/instance.h>. */
int ep_sched_fd(struct ep_sched *sched, unsigned worker);
int ep_sched_dispatch(struct ep_sched *sched, unsigned worker, unsigned budget);
int ep_sched_step(struct ep_sched *sched, unsigned n);
int ep_sched_run(struct ep_sched *sched, unsigned max);
int ep_sched_advance(struct ep_sched *sched, uint64_t ns);
int ep_sched_advance_until(
    struct ep_sched *sched, uint64_t ns, int (*is_met)(void *arg), void *arg);
uint64_t ep_sched_next_timer(struct ep_sched *sched);
uint32_t ep_sched_waiting(struct ep_sched *sched);

/* Is the calling thread running something of this scheduler's? */
bool ep_sched_inside(const struct ep_sched *sched);

struct ep_sched *ep_worker_sched(const struct ep_worker *worker);

void ep_task_init(struct ep_task *task, struct ep_worker *worker,
    void (*run)(struct ep_task *task));

/*
 * Have it run. Wakes the worker if that sleeps. Returns false if it was
 * waiting already.
 */
bool ep_task_schedule(struct ep_task *task);

/*
 * The same, unless *over: who stores that and then cancels the task has it
 * cancelled or not scheduled. Returns false if it was over.
 */
bool ep_task_schedule_unless(struct ep_task *task, const bool *over);

/* Does any task wait there? A hint, from any thread. */
bool ep_worker_is_wanted(const struct ep_worker *worker);

/* Take it out of the list. Returns whether it was waiting. */
bool ep_task_cancel(struct ep_task *task);

/*
 * Cancel, and wait until it does not run. From within the task itself it only
 * cancels. Returns whether it was waiting.
 */
bool ep_task_drain(struct ep_task *task);

void ep_timer_init(struct ep_timer *timer, struct ep_worker *worker,
    void (*run)(struct ep_timer *timer));

/*
 * Fire once at a time of ep_sched_mono(); one in the past fires as soon as the
 * worker comes to it. Arming again moves it. Returns 0, or -ENOMEM.
 */
int ep_timer_arm(struct ep_timer *timer, uint64_t when_ns);

/* Disarm, and wait as ep_task_drain(). Returns whether it was armed. */
bool ep_timer_drain(struct ep_timer *timer);

void ep_watch_init(struct ep_watch *watch, struct ep_worker *worker,
    void (*run)(struct ep_watch *watch, uint32_t events));

/*
 * Watch a descriptor, level-triggered, for epoll events. The descriptor stays
 * the caller's. Its handler reads until dry within a budget of its own and
 * returns; it is called again if there is more.
 * Returns 0; -EOPNOTSUPP in SIM; -ENOMEM, -ENOSPC, -EPERM from epoll_ctl.
 */
int ep_watch_add(struct ep_watch *watch, int fd, uint32_t events);

/* Change the events. 0 mutes it. */
int ep_watch_set(struct ep_watch *watch, uint32_t events);

/*
 * Stop watching, and wait as ep_task_drain(). Must come before the descriptor
 * is closed. A watch that is not added is ignored.
 */
void ep_watch_drain(struct ep_watch *watch);

#endif /* EP_SCHED_SCHED_H */
