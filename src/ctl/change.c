/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/change.h"

#include <errno.h>
#include <string.h>

#include "base/stray.h"
#include "ctl/fail.h"

#define SLICE_NS    UINT64_C(5000000)
#define PROGRESS_NS UINT64_C(100000000)
#define PAUSE_NS    UINT64_C(1000000)
#define SETTLE_NS   (CTL_SETTLE_MS * UINT64_C(1000000))

static int
keep_nothing(
    struct ctl_store *store, const struct ctl_change *c, struct epair_err *err)
{
	(void)store;
	(void)c;
	(void)err;
	return 0;
}

static void
abandon_nothing(struct ctl_store *store, const struct ctl_change *c)
{
	(void)store;
	(void)c;
}

static struct ctl_store no_store = { keep_nothing, keep_nothing,
	abandon_nothing };

static void run(struct ctl_job *job);
static void paused(struct ctl_timer *t);

void
ctl_changes_init(struct ctl_changes *q, struct ctl_loop *loop,
    struct ctl_world *world, struct ctl_store *store)
{
	*q = (struct ctl_changes){
		.loop = loop,
		.world = world,
		.store = store != NULL ? store : &no_store,
		.job = { .run = run },
		.pause = { .fire = paused },
	};
	TAILQ_INIT(&q->queue);
}

void
ctl_change_fini(struct ctl_change *c)
{
	ctl_plan_fini(&c->steps);
	while (c->fd_count > 0)
		ep_stray_close(c->fds[--c->fd_count]);
	json_decref(c->params);
	c->params = NULL;
}

int
ctl_change_take_fds(struct ctl_change *c, json_t *names,
    struct ctl_handed *handed, struct epair_err *err)
{
	size_t n = json_array_size(names);
	int fds[CTL_FDS_MAX];

	*handed = (struct ctl_handed){ 0 };
	if (n > c->fd_count)
		return ctl_fail(err, -EINVAL,
		    "fds: names %zu descriptors, and %u came along", n,
		    c->fd_count);
	memcpy(fds, c->fds, n * sizeof(fds[0]));
	c->fd_count -= (unsigned)n;
	memmove(c->fds, c->fds + n, c->fd_count * sizeof(fds[0]));
	return ctl_handed_init(handed, names, fds, (unsigned)n, err);
}

/* The first in the queue is over. */
static void
finish(struct ctl_changes *q, struct ctl_change *c)
{
	TAILQ_REMOVE(&q->queue, c, link);
	if (c->error == 0 && !c->is_dry && c->steps.count > 0)
		q->world->generation++;
	c->done(c, c->error, &c->err);
}

static void
fail(struct ctl_change *c, int error)
{
	c->error = error;
	c->state = CTL_CHANGE_UNDOING;
}

/* Its turn has come. */
static void
begin(struct ctl_changes *q, struct ctl_change *c)
{
	int error = c->plan(q->world, c, &c->err);

	if (error == 0 && c->fd_count > 0)
		error = ctl_fail(&c->err, -EINVAL,
		    "fds: must name the descriptors that came along; %u have "
		    "no name",
		    c->fd_count);
	if (error == 0 && !c->is_dry && c->steps.count > 0)
		error = q->store->intend(q->store, c, &c->err);
	c->error = error;
	if (error != 0 || c->is_dry || c->steps.count == 0)
		finish(q, c);
	else
		c->state = CTL_CHANGE_DOING;
}

static void
do_slice(struct ctl_changes *q, struct ctl_change *c, uint64_t end_ns)
{
	int error = 0;

	do
		if (c->at < c->steps.count)
			error = ctl_step_do(
			    q->world, &c->steps, c->at, &c->err);
	while (
	    error == 0 && ++c->at < c->steps.count && ctl_loop_now() < end_ns);
	if (error != 0) {
		fail(c, error);
		return;
	}
	if (c->at < c->steps.count)
		return;
	error = q->store->commit(q->store, c, &c->err);
	if (error != 0) {
		fail(c, error);
		return;
	}
	c->state = CTL_CHANGE_SETTLING;
	c->settle_end_ns = ctl_loop_now() + SETTLE_NS;
}

static void
paused(struct ctl_timer *t)
{
	struct ctl_changes *q = EP_CONTAINER_OF(t, struct ctl_changes, pause);

	ctl_job_add(q->loop, &q->job);
}

/* Look at those that were not settled when last looked at. */
static void
settle_slice(struct ctl_changes *q, struct ctl_change *c, uint64_t end_ns)
{
	uint64_t now = ctl_loop_now();

	while (c->settled < c->at && now < end_ns &&
	       ctl_step_is_settled(&c->steps.steps[c->settled])) {
		c->settled++;
		now = ctl_loop_now();
	}
	if (c->settled == c->at || now >= c->settle_end_ns)
		finish(q, c);
	else
		ctl_timer_set(q->loop, &q->pause, now < end_ns ? PAUSE_NS : 0);
}

static void
undo_slice(struct ctl_changes *q, struct ctl_change *c, uint64_t end_ns)
{
	while (c->at > 0 && ctl_loop_now() < end_ns)
		ctl_step_undo(q->world, &c->steps, --c->at);
	if (c->at > 0)
		return;
	q->store->abandon(q->store, c);
	finish(q, c);
}

static void
run(struct ctl_job *job)
{
	struct ctl_changes *q = EP_CONTAINER_OF(job, struct ctl_changes, job);
	struct ctl_change *c = TAILQ_FIRST(&q->queue);
	uint64_t now = ctl_loop_now();

	ctl_timer_cancel(q->loop, &q->pause);
	if (q->is_held && c->state == CTL_CHANGE_WAITING)
		return;
	if (c->progress != NULL && c->state == CTL_CHANGE_DOING &&
	    now - c->told_ns >= PROGRESS_NS) {
		if (c->told_ns != 0)
			c->progress(c, c->at);
		c->told_ns = now;
	}
	switch (c->state) {
	case CTL_CHANGE_WAITING:
		begin(q, c);
		break;
	case CTL_CHANGE_DOING:
		do_slice(q, c, now + SLICE_NS);
		break;
	case CTL_CHANGE_SETTLING:
		settle_slice(q, c, now + SLICE_NS);
		break;
	case CTL_CHANGE_UNDOING:
	default:
		undo_slice(q, c, now + SLICE_NS);
	}
	if (!TAILQ_EMPTY(&q->queue) && !q->pause.is_set)
		ctl_job_add(q->loop, &q->job);
}

bool
ctl_changes_hold(struct ctl_changes *q, bool hold)
{
	const struct ctl_change *c = TAILQ_FIRST(&q->queue);

	q->is_held = hold;
	if (c != NULL && !hold)
		ctl_job_add(q->loop, &q->job);
	return c == NULL || c->state == CTL_CHANGE_WAITING;
}

void
ctl_change_put(struct ctl_changes *q, struct ctl_change *c)
{
	c->state = CTL_CHANGE_WAITING;
	TAILQ_INSERT_TAIL(&q->queue, c, link);
	ctl_job_add(q->loop, &q->job);
}

void
ctl_changes_fini(struct ctl_changes *q)
{
	struct ctl_change *c;

	ctl_job_cancel(q->loop, &q->job);
	ctl_timer_cancel(q->loop, &q->pause);
	while ((c = TAILQ_FIRST(&q->queue)) != NULL) {
		if (c->state == CTL_CHANGE_DOING)
			fail(c, ctl_fail(&c->err, -ESHUTDOWN,
				    "the daemon is ending"));
		if (c->state == CTL_CHANGE_UNDOING) {
			undo_slice(q, c, UINT64_MAX);
			continue;
		}
		if (c->state != CTL_CHANGE_SETTLING)
			c->error = ctl_fail(
			    &c->err, -ESHUTDOWN, "the daemon is ending");
		finish(q, c);
	}
}
