/* SPDX-License-Identifier: BSD-2-Clause */
/* sched/sched_priv.h - what the files of sched/ share. */
#ifndef EP_SCHED_SCHED_PRIV_H
#define EP_SCHED_SCHED_PRIV_H

#include <pthread.h>

#include "base/index.h"
#include "base/lock.h"
#include "sched/sched.h"

TAILQ_HEAD(ep_task_list, ep_task);

/* Where a watch is found by the ticket that epoll hands back. */
struct ep_watch_slot {
	struct ep_watch *watch;
	uint32_t generation;
};

/*
 * One worker. `lock` guards every field below it; it is held for list and heap
 * work only. `current` is what is being run, told by address: never looked
 * into, since it may have been freed by what it runs.
 */
struct ep_worker {
	struct ep_sched *sched; /* constant, as id and the descriptors */
	unsigned id;
	int epoll_fd; /* -1 in SIM */
	int wake_fd; /* eventfd; -1 in SIM */
	int timer_fd; /* LOOP only, else -1 */

	/* What they touch who add work to it is one line. */
	struct ep_mutex lock __attribute__((aligned(64)));
	struct ep_task_list tasks EP_GUARDED;
	uint32_t waiting; /* atomic; written under lock: tasks in the list */
	/*
	 * Whoever adds work must write wake_fd: the worker sleeps (THREADS),
	 * or its loop may be polling (LOOP).
	 */
	bool wants_wake EP_GUARDED;
	const void *current EP_GUARDED __attribute__((aligned(64)));
	pthread_t runner EP_GUARDED; /* valid while inside */
	bool inside EP_GUARDED; /* atomic: somebody is running this worker */
	unsigned drainers EP_GUARDED; /* who wait for current to change */
	struct ep_cond changed;
	bool fd_asked EP_GUARDED; /* atomic; LOOP: the caller polls */
	unsigned rounds EP_GUARDED; /* since descriptors were looked at */
	unsigned turn EP_GUARDED; /* LOOP: the kind that comes first */
	bool stopping EP_GUARDED;

	struct ep_timer **heap EP_GUARDED; /* heap[1..timers] */
	uint32_t timers EP_GUARDED; /* atomic; written under lock */
	uint32_t heap_size EP_GUARDED;
	uint64_t next_order EP_GUARDED;
	uint64_t timer_fd_at EP_GUARDED; /* what timer_fd is set to */

	struct ep_watch_slot *slots EP_GUARDED;
	uint32_t slot_count EP_GUARDED;
	struct ep_index slots_used EP_GUARDED;
	uint32_t watches; /* atomic; written under lock */

	pthread_t thread; /* THREADS, once started */
	bool started;
};

/* Rounds of tasks and timers before descriptors are looked at again. */
#define EP_ROUNDS_MAX 8u

/* Of work: descriptors, tasks, timers. */
#define EP_KINDS 3u

struct ep_sched {
	enum epair_way way;
	unsigned worker_count;
	bool pin;
	uint64_t poll_ns;
	uint64_t sim_now_ns; /* atomic */
	struct ep_worker *workers;
};

/* Run what is waiting. All with the lock held, and given up meanwhile. */
unsigned ep_worker_run_tasks(struct ep_worker *w, unsigned max)
    EP_REQUIRES(w->lock);
unsigned ep_worker_run_timers(struct ep_worker *w, unsigned max)
    EP_REQUIRES(w->lock);
/* timeout_ns: how long to wait for descriptors; UINT64_MAX is for ever. */
unsigned ep_worker_run_watches(struct ep_worker *w, unsigned max,
    uint64_t timeout_ns) EP_REQUIRES(w->lock);

/* Become the one that runs w; -EDEADLK if this thread is already. */
int ep_worker_enter(struct ep_worker *w) EP_REQUIRES(w->lock);
void ep_worker_leave(struct ep_worker *w) EP_REQUIRES(w->lock);

/* Around one call: says what runs, gives up the lock, takes it again. */
void ep_worker_call_begin(struct ep_worker *w, const void *what)
    EP_RELEASES(w->lock);
void ep_worker_call_end(struct ep_worker *w) EP_ACQUIRES(w->lock);

/*
 * Wait until `what` is not running, unless this thread is what runs it. The
 * worker runs nothing more before the caller has given up the lock: what
 * scheduled itself meanwhile can be taken out.
 */
void ep_worker_await(struct ep_worker *w, const void *what)
    EP_REQUIRES(w->lock);

/* Have the worker look again: it sleeps, or its loop is polling. */
void ep_worker_end_sleep(const struct ep_worker *w);

/*
 * There is new work: give up the lock, and then wake whoever must be, who would
 * run into it otherwise, as soon as it is awake on this very CPU.
 */
void ep_worker_unlock_wake(struct ep_worker *w) EP_RELEASES(w->lock);

/* When the next timer is due; UINT64_MAX without one. */
uint64_t ep_worker_next(const struct ep_worker *w) EP_REQUIRES(w->lock);

/* LOOP: have timer_fd fire for the next timer. */
void ep_worker_set_timer_fd(struct ep_worker *w) EP_REQUIRES(w->lock);

int ep_worker_init(struct ep_worker *w, struct ep_sched *sched, unsigned id);
void ep_worker_fini(struct ep_worker *w);
void *ep_worker_thread(void *worker);

#endif /* EP_SCHED_SCHED_PRIV_H */
