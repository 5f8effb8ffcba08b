/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: a binary heap for each worker, ordered by time and then by the order
 * of arming, so that virtual time is reproducible.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "sched/sched_priv.h"

#define HEAP_MIN 16u

void
ep_timer_init(struct ep_timer *timer, struct ep_worker *worker,
    void (*run)(struct ep_timer *timer))
{
	*timer = (struct ep_timer){ .run = run, .worker = worker };
}

static bool
before(const struct ep_timer *a, const struct ep_timer *b)
{
	return a->when_ns != b->when_ns ? a->when_ns < b->when_ns
					: a->order < b->order;
}

static void
put_at(struct ep_worker *w, uint32_t slot, struct ep_timer *timer)
    EP_REQUIRES(w->lock)
{
	w->heap[slot] = timer;
	timer->slot = slot;
}

/* Let the timer rise or sink from a slot to where it belongs. */
static void
settle(struct ep_worker *w, uint32_t slot, struct ep_timer *timer)
    EP_REQUIRES(w->lock)
{
	while (slot > 1 && before(timer, w->heap[slot / 2])) {
		put_at(w, slot, w->heap[slot / 2]);
		slot /= 2;
	}
	for (;;) {
		uint32_t child = slot * 2;

		if (child < w->timers &&
		    before(w->heap[child + 1], w->heap[child]))
			child++;
		if (child > w->timers || !before(w->heap[child], timer))
			break;
		put_at(w, slot, w->heap[child]);
		slot = child;
	}
	put_at(w, slot, timer);
}

static void
take_out(struct ep_worker *w, struct ep_timer *timer) EP_REQUIRES(w->lock)
{
	struct ep_timer *last = w->heap[w->timers];

	ep_store_relaxed(&w->timers, w->timers - 1);
	if (last != timer)
		settle(w, timer->slot, last);
	timer->slot = 0;
}

static int
have_room(struct ep_worker *w) EP_REQUIRES(w->lock)
{
	uint32_t size = w->heap_size == 0 ? HEAP_MIN : w->heap_size * 2;
	struct ep_timer **heap;

	if (w->timers + 1 < w->heap_size)
		return 0;
	heap = realloc(w->heap, size * sizeof(struct ep_timer *));
	if (heap == NULL)
		return -ENOMEM;
	w->heap = heap;
	w->heap_size = size;
	return 0;
}

uint64_t
ep_worker_next(const struct ep_worker *w)
{
	return w->timers > 0 ? w->heap[1]->when_ns : UINT64_MAX;
}

void
ep_worker_set_timer_fd(struct ep_worker *w)
{
	uint64_t next = ep_worker_next(w);
	struct itimerspec its = { .it_value = { 0 } };

	if (w->timer_fd < 0 || !w->fd_asked || next == w->timer_fd_at)
		return;
	w->timer_fd_at = next;
	if (next != UINT64_MAX) {
		next += next == 0; /* all zero would disarm it */
		its.it_value.tv_sec = (time_t)(next / EP_NS_PER_S);
		its.it_value.tv_nsec = (long)(next % EP_NS_PER_S);
	}
	EP_ZERO(timerfd_settime(w->timer_fd, TFD_TIMER_ABSTIME, &its, NULL));
}

int
ep_timer_arm(struct ep_timer *timer, uint64_t when_ns) EP_NO_TSA
{
	struct ep_worker *w = timer->worker;
	bool sooner = false;
	uint64_t next;
	int error = 0;

	ep_lock(&w->lock);
	next = ep_worker_next(w);
	if (timer->slot == 0) {
		error = have_room(w);
		if (error == 0) {
			ep_store_relaxed(&w->timers, w->timers + 1);
			put_at(w, w->timers, timer);
		}
	}
	if (error == 0) {
		timer->when_ns = when_ns;
		timer->order = w->next_order++;
		settle(w, timer->slot, timer);
		sooner = ep_worker_next(w) < next && w->timer_fd < 0;
		ep_worker_set_timer_fd(w);
	}
	if (sooner)
		ep_worker_unlock_wake(w);
	else
		ep_unlock(&w->lock);
	return error;
}

static bool
disarm(struct ep_worker *w, struct ep_timer *timer) EP_REQUIRES(w->lock)
{
	if (timer->slot == 0)
		return false;
	take_out(w, timer);
	return true;
}

bool
ep_timer_drain(struct ep_timer *timer) EP_NO_TSA
{
	struct ep_worker *w = timer->worker;
	bool armed;

	ep_lock(&w->lock);
	armed = disarm(w, timer);
	ep_worker_await(w, timer);
	armed |= disarm(w, timer);
	ep_unlock(&w->lock);
	return armed;
}

unsigned
ep_worker_run_timers(struct ep_worker *w, unsigned max) EP_NO_TSA
{
	uint64_t now;
	unsigned done = 0;

	if (w->timers == 0)
		return 0;
	/*
	 * One look at the clock, and no more than there are: one that arms
	 * itself for what is past waits its turn, or nothing else had any.
	 */
	now = ep_sched_mono(w->sched);
	if (max > w->timers)
		max = w->timers;
	for (; done < max && ep_worker_next(w) <= now; done++) {
		struct ep_timer *timer = w->heap[1];

		take_out(w, timer);
		ep_worker_call_begin(w, timer);
		timer->run(timer);
		ep_worker_call_end(w);
	}
	ep_worker_set_timer_fd(w);
	return done;
}
