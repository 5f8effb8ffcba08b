/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/loop.h - the main thread of a daemon: descriptors, timers, and work that
 * is done in slices.
 *
 * One thread, no locks. Whatever is called may add and remove watches, timers
 * and jobs, its own too, and free what they are part of: the loop does not
 * touch a thing again after calling it, unless it is still in its lists.
 *
 * Fairness: descriptors are called one at a time in the kernel's rotation, and
 * between any two of them one job and all timers that are due.
 */
#ifndef EP_CTL_LOOP_H
#define EP_CTL_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/container.h"

struct ctl_watch {
	int fd;
	uint32_t events; /* EPOLL*, level-triggered; the loop's after add */
	void (*ready)(struct ctl_watch *w, uint32_t events);
};

struct ctl_timer {
	void (*fire)(struct ctl_timer *t);
	uint64_t at_ns; /* the loop's, as all below */
	bool is_set;
	TAILQ_ENTRY(ctl_timer) link;
};

/* Something to do when its turn comes. */
struct ctl_job {
	void (*run)(struct ctl_job *job);
	bool is_waiting; /* the loop's, as all below */
	TAILQ_ENTRY(ctl_job) link;
};

struct ctl_loop {
	int epfd;
	bool is_over;
	TAILQ_HEAD(ctl_timers, ctl_timer) timers; /* soonest first */
	TAILQ_HEAD(ctl_jobs, ctl_job) jobs;
};

/* Returns 0, or a negated errno. */
int ctl_loop_init(struct ctl_loop *loop);
void ctl_loop_fini(struct ctl_loop *loop);

/* Run until ctl_loop_end() was called. Returns 0, or a negated errno. */
int ctl_loop_run(struct ctl_loop *loop);
void ctl_loop_end(struct ctl_loop *loop);

/* Nanoseconds that never go back. */
uint64_t ctl_loop_now(void);

/* Watch w->fd for w->events, none of them being allowed. 0 or -errno. */
int ctl_watch_add(struct ctl_loop *loop, struct ctl_watch *w);
void ctl_watch_set(struct ctl_loop *loop, struct ctl_watch *w, uint32_t events);
/* Before the descriptor is closed. */
void ctl_watch_del(struct ctl_loop *loop, struct ctl_watch *w);

/* Fire once, ns from now; one that is set already is set anew. */
void ctl_timer_set(struct ctl_loop *loop, struct ctl_timer *t, uint64_t ns);
void ctl_timer_cancel(struct ctl_loop *loop, struct ctl_timer *t);

/* Run once, behind the jobs that wait; nothing if it waits already. */
void ctl_job_add(struct ctl_loop *loop, struct ctl_job *job);
void ctl_job_cancel(struct ctl_loop *loop, struct ctl_job *job);

#endif /* EP_CTL_LOOP_H */
