/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subscriptions: a ring of events each, filled under the configuration lock
 * and emptied by its reader, or by a task that calls back.
 *
 * The task is owed from when it is scheduled until it has run. A subscription
 * that ends meanwhile is freed by it: whoever ends it may be in a callback that
 * cannot wait for it (net/run.h), or in its own.
 */
#include "net/event.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/container.h"
#include "base/error.h"
#include "net/run.h"
#include "net/vnet.h"

#define LIMIT_DEFAULT 1024u
#define LIMIT_MAX     1048576u
#define RING_MIN      16u

struct epair_sub {
	struct epair *ep;
	TAILQ_ENTRY(epair_sub) link; /* under ep->subs_lock, as all below */
	struct epair_event *ring;
	uint32_t size; /* of the ring, not 0; grows up to limit */
	uint32_t limit;
	uint32_t first, count;
	int fd; /* eventfd: 1 while events wait */
	struct ep_task task;
	bool is_owed; /* the task is waiting or running */
	bool is_over; /* unsubscribed: the task frees it */
	bool *freed; /* under ep->hold_lock: whom it tells then, or NULL */
	void (*cb)(void *arg, const struct epair_event *ev);
	void *arg;
};

static const char *const words[EPAIR_EVENT_MAX] = {
#define WORD(NAME, word) [EPAIR_EVENT_##NAME] = word,
	EPAIR_EVENTS(WORD)
#undef WORD
};

const char *
epair_event_word(enum epair_event_type type)
{
	return (unsigned)type < EPAIR_EVENT_MAX ? words[type] : NULL;
}

/* Telling. */

static bool
grow(struct epair_sub *sub)
{
	uint32_t size = sub->size == 0 ? RING_MIN : sub->size * 2;
	struct epair_event *ring;

	if (size > sub->limit)
		size = sub->limit;
	if (size == sub->size)
		return false;
	ring = malloc(size * sizeof(*ring));
	if (ring == NULL)
		return false;
	for (uint32_t i = 0; i < sub->count; i++)
		ring[i] = sub->ring[(sub->first + i) % sub->size];
	free(sub->ring);
	sub->ring = ring;
	sub->size = size;
	sub->first = 0;
	return true;
}

static void
owe(struct epair_sub *sub)
{
	if (!sub->is_owed)
		(void)ep_task_schedule(&sub->task);
	sub->is_owed = true;
}

static struct epair_event *
newest(struct epair_sub *sub)
{
	return &sub->ring[(sub->first + sub->count - 1) % sub->size];
}

/*
 * Where there is no room it takes the place of the newest, so that a reader of
 * all that waits knows that some are missing, though no more may come.
 */
static void
put(struct epair_sub *sub, const struct epair_event *ev)
{
	const uint64_t one = 1;
	uint64_t missing = 0;

	if (sub->count == sub->size && !grow(sub))
		missing = newest(sub)->missing + 1;
	else
		sub->count++;
	*newest(sub) = *ev;
	newest(sub)->missing = missing;
	if (sub->cb != NULL)
		owe(sub);
	else if (sub->count == 1)
		(void)!write(sub->fd, &one, sizeof(one));
}

static void
tell(struct epair *ep, struct epair_event *ev)
{
	struct epair_sub *sub;

	ep_lock(&ep->subs_lock);
	if (!TAILQ_EMPTY(&ep->subs))
		ev->time_ns = ep_sched_now(ep->sched);
	TAILQ_FOREACH(sub, &ep->subs, link)
		put(sub, ev);
	ep_unlock(&ep->subs_lock);
}

static void
describe(struct epair_event *ev, const struct epair_if *ifp,
    enum epair_event_type type)
{
	*ev = (struct epair_event){
		.type = type,
		.index = ifp->index,
		.flags = ifp->flags,
		.link = (int)ifp->link_state,
	};
	if (ifp->vnet != NULL)
		strcpy(ev->vnet, ifp->vnet->name);
	strcpy(ev->name, ifp->name);
}

void
ep_event_if(
    struct epair_if *ifp, enum epair_event_type type, const char *detail)
{
	struct epair_event ev;

	describe(&ev, ifp, type);
	if (detail != NULL)
		(void)snprintf(ev.detail, sizeof(ev.detail), "%s", detail);
	tell(ifp->ep, &ev);
}

void
ep_event_moved(struct epair_if *ifp, enum epair_event_type type,
    const char *old_vnet, const char *old_name)
{
	struct epair_event ev;

	describe(&ev, ifp, type);
	if (old_vnet != NULL)
		(void)snprintf(
		    ev.old_vnet, sizeof(ev.old_vnet), "%s", old_vnet);
	if (old_name != NULL)
		(void)snprintf(
		    ev.old_name, sizeof(ev.old_name), "%s", old_name);
	tell(ifp->ep, &ev);
}

void
ep_event_vnet(struct epair *ep, enum epair_event_type type, const char *vnet)
{
	struct epair_event ev = { .type = type };

	(void)snprintf(ev.vnet, sizeof(ev.vnet), "%s", vnet);
	tell(ep, &ev);
}

/* Listening. */

/* Tells whoever waits for it. */
static void
sub_free(struct epair_sub *sub)
{
	struct epair *ep = sub->ep;
	bool *freed;

	ep_lock(&ep->hold_lock);
	freed = sub->freed;
	ep_unlock(&ep->hold_lock);
	(void)close(sub->fd);
	free(sub->ring);
	free(sub);
	ep_run_done(ep, freed);
}

static void
call_back(struct ep_task *task)
{
	struct epair_sub *sub = EP_CONTAINER_OF(task, struct epair_sub, task);
	struct epair *ep = sub->ep;
	struct epair_event ev;
	struct ep_run run;
	bool is_over;

	if (epair_event_next(sub, &ev) == 1) {
		ep_run_enter(&run, ep, sub);
		sub->cb(sub->arg, &ev);
		ep_run_leave();
	}
	ep_lock(&ep->subs_lock);
	is_over = sub->is_over;
	sub->is_owed = false;
	/* One a run: others wait too. */
	if (sub->count > 0)
		owe(sub);
	ep_unlock(&ep->subs_lock);
	if (is_over)
		sub_free(sub);
}

int
epair_subscribe(struct epair *ep, unsigned limit, struct epair_sub **subp,
    struct epair_err *err)
{
	struct epair_sub *sub;

	if (limit > LIMIT_MAX)
		return ep_fail(
		    err, -EINVAL, "at most %u events may wait", LIMIT_MAX);
	sub = calloc(1, sizeof(*sub));
	if (sub == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a subscription");
	sub->ep = ep;
	sub->limit = limit == 0 ? LIMIT_DEFAULT : limit;
	if (!grow(sub)) {
		free(sub);
		return ep_fail(err, -ENOMEM, "no memory for a subscription");
	}
	sub->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (sub->fd < 0) {
		int error = -errno;

		free(sub->ring);
		free(sub);
		return ep_fail_sys(err, error, "cannot subscribe");
	}
	ep_task_init(&sub->task, ep_sched_worker(ep->sched, 0), call_back);
	ep_lock(&ep->subs_lock);
	TAILQ_INSERT_TAIL(&ep->subs, sub, link);
	ep->sub_count++;
	ep_unlock(&ep->subs_lock);
	*subp = sub;
	return 0;
}

void
epair_unsubscribe(struct epair_sub *sub)
{
	bool freed = false, is_owed, wait = false;
	struct epair *ep;

	if (sub == NULL)
		return;
	ep = sub->ep;
	ep_lock(&ep->subs_lock);
	TAILQ_REMOVE(&ep->subs, sub, link);
	ep->sub_count--;
	sub->count = 0;
	is_owed = sub->is_owed && !ep_task_cancel(&sub->task);
	sub->is_over = is_owed;
	if (is_owed && ep_run_may_wait(sub)) {
		wait = true;
		ep_lock(&ep->hold_lock);
		sub->freed = &freed;
		ep_unlock(&ep->hold_lock);
	}
	ep_unlock(&ep->subs_lock);
	if (!is_owed)
		sub_free(sub);
	if (wait)
		ep_run_await(ep, &freed);
}

int
epair_event_next(struct epair_sub *sub, struct epair_event *ev)
{
	uint64_t count;
	int got = 0;

	ep_lock(&sub->ep->subs_lock);
	if (sub->count > 0) {
		*ev = sub->ring[sub->first];
		sub->first = (sub->first + 1) % sub->size;
		sub->count--;
		got = 1;
		if (sub->count == 0)
			(void)!read(sub->fd, &count, sizeof(count));
	}
	ep_unlock(&sub->ep->subs_lock);
	return got;
}

int
epair_event_fd(struct epair_sub *sub)
{
	return sub->fd;
}

void
epair_event_callback(struct epair_sub *sub,
    void (*cb)(void *arg, const struct epair_event *ev), void *arg)
{
	ep_lock(&sub->ep->subs_lock);
	sub->cb = cb;
	sub->arg = arg;
	if (sub->count > 0)
		owe(sub);
	ep_unlock(&sub->ep->subs_lock);
}
