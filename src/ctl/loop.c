/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/loop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

int
ctl_loop_init(struct ctl_loop *loop)
{
	*loop = (struct ctl_loop){ .epfd = epoll_create1(EPOLL_CLOEXEC) };
	TAILQ_INIT(&loop->timers);
	TAILQ_INIT(&loop->jobs);
	return loop->epfd < 0 ? -errno : 0;
}

void
ctl_loop_fini(struct ctl_loop *loop)
{
	if (loop->epfd >= 0)
		(void)close(loop->epfd);
	loop->epfd = -1;
}

uint64_t
ctl_loop_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Milliseconds that may be slept, or -1: until a descriptor is ready. */
static int
patience(const struct ctl_loop *loop)
{
	const struct ctl_timer *t = TAILQ_FIRST(&loop->timers);
	uint64_t now;

	if (!TAILQ_EMPTY(&loop->jobs))
		return 0;
	if (t == NULL)
		return -1;
	now = ctl_loop_now();
	if (t->at_ns <= now)
		return 0;
	/* Rounded up: waking early would only mean sleeping again. */
	now = (t->at_ns - now + NS_PER_MS - 1) / NS_PER_MS;
	return now > 60000 ? 60000 : (int)now;
}

static void
fire_due(struct ctl_loop *loop)
{
	uint64_t now = ctl_loop_now();
	struct ctl_timer *t;

	while ((t = TAILQ_FIRST(&loop->timers)) != NULL && t->at_ns <= now) {
		ctl_timer_cancel(loop, t);
		t->fire(t);
	}
}

int
ctl_loop_run(struct ctl_loop *loop)
{
	struct epoll_event ev;
	struct ctl_watch *w;
	struct ctl_job *job;
	int n;

	while (!loop->is_over) {
		n = epoll_wait(loop->epfd, &ev, 1, patience(loop));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 1) {
			w = ev.data.ptr;
			w->ready(w, ev.events);
		}
		job = TAILQ_FIRST(&loop->jobs);
		if (job != NULL) {
			ctl_job_cancel(loop, job);
			job->run(job);
		}
		fire_due(loop);
	}
	return 0;
}

void
ctl_loop_end(struct ctl_loop *loop)
{
	loop->is_over = true;
}

int
ctl_watch_add(struct ctl_loop *loop, struct ctl_watch *w)
{
	struct epoll_event ev = { .events = w->events, .data.ptr = w };

	return epoll_ctl(loop->epfd, EPOLL_CTL_ADD, w->fd, &ev) < 0 ? -errno
								    : 0;
}

void
ctl_watch_set(struct ctl_loop *loop, struct ctl_watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	if (w->events == events)
		return;
	w->events = events;
	(void)epoll_ctl(loop->epfd, EPOLL_CTL_MOD, w->fd, &ev);
}

void
ctl_watch_del(struct ctl_loop *loop, struct ctl_watch *w)
{
	(void)epoll_ctl(loop->epfd, EPOLL_CTL_DEL, w->fd, NULL);
}

void
ctl_timer_set(struct ctl_loop *loop, struct ctl_timer *t, uint64_t ns)
{
	struct ctl_timer *before;

	ctl_timer_cancel(loop, t);
	t->at_ns = ctl_loop_now() + ns;
	t->is_set = true;
	before = TAILQ_LAST(&loop->timers, ctl_timers);
	while (before != NULL && before->at_ns > t->at_ns)
		before = TAILQ_PREV(before, ctl_timers, link);
	if (before != NULL)
		TAILQ_INSERT_AFTER(&loop->timers, before, t, link);
	else
		TAILQ_INSERT_HEAD(&loop->timers, t, link);
}

void
ctl_timer_cancel(struct ctl_loop *loop, struct ctl_timer *t)
{
	if (!t->is_set)
		return;
	TAILQ_REMOVE(&loop->timers, t, link);
	t->is_set = false;
}

void
ctl_job_add(struct ctl_loop *loop, struct ctl_job *job)
{
	if (job->is_waiting)
		return;
	TAILQ_INSERT_TAIL(&loop->jobs, job, link);
	job->is_waiting = true;
}

void
ctl_job_cancel(struct ctl_loop *loop, struct ctl_job *job)
{
	if (!job->is_waiting)
		return;
	TAILQ_REMOVE(&loop->jobs, job, link);
	job->is_waiting = false;
}
