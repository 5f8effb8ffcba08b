/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors. epoll may hand back an event of a watch that was drained since:
 * so events carry a ticket, a slot and its generation, and not an address.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "sched/sched_priv.h"

#define EVENTS_MAX 64
#define SLOTS_MIN  8u

void
ep_watch_init(struct ep_watch *watch, struct ep_worker *worker,
    void (*run)(struct ep_watch *watch, uint32_t events))
{
	*watch = (struct ep_watch){ .run = run, .worker = worker, .fd = -1 };
}

/* Slot 0 is nobody's: its ticket is that of wake_fd and timer_fd. */
static int
take_slot(struct ep_worker *w, uint32_t *slot) EP_REQUIRES(w->lock)
{
	int error = ep_index_take(&w->slots_used, 1, slot);

	if (error == 0 && *slot >= w->slot_count) {
		uint32_t count = w->slot_count == 0 ? SLOTS_MIN
						    : w->slot_count * 2;
		struct ep_watch_slot *slots = realloc(
		    w->slots, count * sizeof(*slots));

		if (slots == NULL) {
			ep_index_put(&w->slots_used, *slot);
			return -ENOMEM;
		}
		for (uint32_t i = w->slot_count; i < count; i++)
			slots[i] = (struct ep_watch_slot){ .watch = NULL };
		w->slots = slots;
		w->slot_count = count;
	}
	return error;
}

static void
give_slot(struct ep_worker *w, uint32_t slot) EP_REQUIRES(w->lock)
{
	w->slots[slot].watch = NULL;
	w->slots[slot].generation++;
	ep_index_put(&w->slots_used, slot);
}

int
ep_watch_add(struct ep_watch *watch, int fd, uint32_t events) EP_NO_TSA
{
	struct ep_worker *w = watch->worker;
	struct epoll_event ev = { .events = events };
	uint32_t slot;
	int error;

	if (w->epoll_fd < 0)
		return -EOPNOTSUPP;
	ep_lock(&w->lock);
	error = take_slot(w, &slot);
	if (error == 0) {
		watch->ticket = (uint64_t)w->slots[slot].generation << 32 |
				slot;
		ev.data.u64 = watch->ticket;
		w->slots[slot].watch = watch;
		if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0) {
			watch->fd = fd;
			watch->events = events;
			ep_store_relaxed(&w->watches, w->watches + 1);
		} else {
			error = -errno;
			give_slot(w, slot);
		}
	}
	ep_unlock(&w->lock);
	return error;
}

int
ep_watch_set(struct ep_watch *watch, uint32_t events) EP_NO_TSA
{
	struct ep_worker *w = watch->worker;
	struct epoll_event ev = { .events = events };
	int error = 0;

	ep_lock(&w->lock);
	ev.data.u64 = watch->ticket;
	if (watch->fd < 0)
		error = -ENOENT;
	else if (events != watch->events &&
		 epoll_ctl(w->epoll_fd, EPOLL_CTL_MOD, watch->fd, &ev) != 0)
		error = -errno;
	else
		watch->events = events;
	ep_unlock(&w->lock);
	return error;
}

void
ep_watch_drain(struct ep_watch *watch) EP_NO_TSA
{
	struct ep_worker *w = watch->worker;

	if (w == NULL)
		return;
	ep_lock(&w->lock);
	if (watch->fd >= 0) {
		(void)epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
		give_slot(w, (uint32_t)watch->ticket);
		watch->fd = -1;
		ep_store_relaxed(&w->watches, w->watches - 1);
	}
	ep_worker_await(w, watch);
	ep_unlock(&w->lock);
}

static struct ep_watch *
find(struct ep_worker *w, uint64_t ticket) EP_REQUIRES(w->lock)
{
	uint32_t slot = (uint32_t)ticket;

	if (slot == 0 || slot >= w->slot_count ||
	    w->slots[slot].generation != ticket >> 32)
		return NULL;
	return w->slots[slot].watch;
}

static void
clear_timer(struct ep_worker *w) EP_REQUIRES(w->lock)
{
	uint64_t count;

	/*
	 * If it has fired it is set no more, though its timer may be due still.
	 * The other one, wake_fd, told of an edge, and is done.
	 */
	if (w->timer_fd >= 0 &&
	    read(w->timer_fd, &count, sizeof(count)) == sizeof(count))
		w->timer_fd_at = UINT64_MAX;
}

/* Linux has it since 5.11; a container's list of calls may not. */
static bool lacks_pwait2; /* atomic */

/* As long as epoll_pwait2() would wait, to the nanosecond, but by two calls. */
static int
await_by_older_calls(int epoll_fd, struct epoll_event *evs, int max,
    const struct timespec *timeout)
{
	struct pollfd p = { .fd = epoll_fd, .events = POLLIN };

	if (timeout == NULL)
		return epoll_wait(epoll_fd, evs, max, -1);
	if (timeout->tv_sec != 0 || timeout->tv_nsec != 0)
		(void)ppoll(&p, 1, timeout, NULL);
	return epoll_wait(epoll_fd, evs, max, 0);
}

static int
await(int epoll_fd, struct epoll_event *evs, int max,
    const struct timespec *timeout)
{
	int n;

	if (!ep_load_relaxed(&lacks_pwait2)) {
		n = epoll_pwait2(epoll_fd, evs, max, timeout, NULL);
		if (n >= 0 || (errno != ENOSYS && errno != EPERM))
			return n;
		ep_store_relaxed(&lacks_pwait2, true);
	}
	return await_by_older_calls(epoll_fd, evs, max, timeout);
}

unsigned
ep_worker_run_watches(
    struct ep_worker *w, unsigned max, uint64_t timeout_ns) EP_NO_TSA
{
	struct epoll_event evs[EVENTS_MAX];
	struct timespec ts = {
		.tv_sec = (time_t)(timeout_ns / EP_NS_PER_S),
		.tv_nsec = (long)(timeout_ns % EP_NS_PER_S),
	};
	unsigned done = 0;
	int n;

	ep_unlock(&w->lock);
	n = await(w->epoll_fd, evs, max < EVENTS_MAX ? (int)max : EVENTS_MAX,
	    timeout_ns == UINT64_MAX ? NULL : &ts);
	ep_lock(&w->lock);
	w->wants_wake = false;
	for (int i = 0; i < n; i++) {
		struct ep_watch *watch;

		if (evs[i].data.u64 == 0) {
			clear_timer(w);
			continue;
		}
		watch = find(w, evs[i].data.u64);
		if (watch == NULL)
			continue;
		ep_worker_call_begin(w, watch);
		watch->run(watch, evs[i].events);
		ep_worker_call_end(w);
		done++;
	}
	return done;
}
