/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api/pull.c - received frames in a bounded ring that the program empties when
 * it likes, with a descriptor that polls readable while frames wait.
 *
 * Theory. The descriptor is an eventfd, made when it is first asked for: a
 * program that only ever calls epair_if_recv() pays for none. It is written
 * when the ring goes from empty to not empty and read on the way back, by
 * whoever caused that, so that a busy ring costs no system call. Neither can
 * be done under the ring's lock, and done after it they might come in the wrong
 * order and leave frames with a descriptor that is not readable. So whoever
 * moves the ring over an edge calls signal_edge() after that, and these calls,
 * one at a time, set the descriptor to what the ring is *then*: the last of
 * them sees the last edge. tests/model/pull.pml is its model.
 *
 *	P1  0 <= count <= limit
 *	P2  when no call is under way, fd is readable iff count > 0
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <epair/attach.h>

#include "attach/attach.h"
#include "base/atomic.h"
#include "mbuf/mbuf.h"

#define LIMIT_DEFAULT 4096u
#define LIMIT_MAX     1048576u

/* Frames moved under one hold of the lock. */
#define STRIDE 64u

struct pull {
	struct ep_stack st;
	uint32_t limit; /* constant */
	struct ep_spin lock;
	uint32_t head EP_GUARDED; /* index of the oldest */
	uint32_t count EP_GUARDED;
	/*
	 * -1 until asked for. Set under both locks, once, and so constant for
	 * whoever has seen it set under either.
	 */
	int fd;
	struct ep_mutex signal_lock;
	bool is_readable EP_GUARDED; /* fd, under signal_lock */
	struct epair_mbuf *ring[];
};

static const struct ep_stack_ops pull_ops;

static struct pull *
pull_of(struct ep_stack *st)
{
	return (struct pull *)(void *)st;
}

/* Make fd readable or not, as the ring is now. */
static void
signal_edge(struct pull *pull)
{
	uint64_t one = 1;
	bool has_frames;

	ep_lock(&pull->signal_lock);
	ep_spin_lock(&pull->lock);
	has_frames = pull->count > 0;
	ep_spin_unlock(&pull->lock);
	/* Neither can fail: the counter goes from 0 to 1 and back. */
	if (has_frames && !pull->is_readable)
		EP_ASSERT(write(pull->fd, &one, sizeof(one)) == sizeof(one));
	if (!has_frames && pull->is_readable)
		EP_ASSERT(read(pull->fd, &one, sizeof(one)) == sizeof(one));
	pull->is_readable = has_frames;
	ep_unlock(&pull->signal_lock);
}

/*
 * Put what there is room for. *is_edge: fd must be set after it.
 */
static unsigned
put(struct pull *pull, struct epair_mbuf **ms, unsigned n, bool *is_edge)
{
	unsigned room, at;

	ep_spin_lock(&pull->lock);
	room = pull->limit - pull->count;
	if (n > room)
		n = room;
	*is_edge = n > 0 && pull->count == 0 && pull->fd >= 0;
	at = (pull->head + pull->count) % pull->limit;
	for (unsigned i = 0; i < n; i++) {
		pull->ring[at] = ms[i];
		at = at + 1 < pull->limit ? at + 1 : 0;
	}
	pull->count += n;
	ep_spin_unlock(&pull->lock);
	return n;
}

static unsigned
take(struct pull *pull, struct epair_mbuf **ms, unsigned n, bool *is_edge)
{
	ep_spin_lock(&pull->lock);
	if (n > pull->count)
		n = pull->count;
	for (unsigned i = 0; i < n; i++) {
		ms[i] = pull->ring[pull->head];
		pull->head = pull->head + 1 < pull->limit ? pull->head + 1 : 0;
	}
	pull->count -= n;
	*is_edge = n > 0 && pull->count == 0 && pull->fd >= 0;
	ep_spin_unlock(&pull->lock);
	return n;
}

static void
pull_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue)
{
	struct pull *pull = pull_of(st);
	unsigned done = 0;

	(void)queue;
	while (done < n) {
		unsigned want = n - done < STRIDE ? n - done : STRIDE;
		bool is_edge;
		unsigned got = put(pull, ms + done, want, &is_edge);

		if (is_edge)
			signal_edge(pull);
		done += got;
		if (got < want)
			break;
	}
	if (done < n)
		(void)ep_drop(
		    st->ifp, ms + done, n - done, EPAIR_DROP_RX_STACK_FULL, 0);
}

static unsigned
recv_frames(struct pull *pull, struct epair_mbuf **ms, unsigned n)
{
	unsigned done = 0;

	while (done < n) {
		unsigned want = n - done < STRIDE ? n - done : STRIDE;
		bool is_edge;
		unsigned got = take(pull, ms + done, want, &is_edge);

		if (is_edge)
			signal_edge(pull);
		done += got;
		if (got < want)
			break;
	}
	return done;
}

static void
pull_release(struct ep_stack *st)
{
	struct pull *pull = pull_of(st);
	struct epair_mbuf *ms[STRIDE];
	bool is_edge;
	unsigned n;

	while ((n = take(pull, ms, STRIDE, &is_edge)) > 0)
		(void)ep_drop(st->ifp, ms, n, EPAIR_DROP_RX_STACK_DOWN, 0);
	if (pull->fd >= 0)
		(void)close(pull->fd);
	ep_mutex_fini(&pull->signal_lock);
	free(pull);
}

static const struct ep_stack_ops pull_ops = {
	.kind = "pull",
	.receive = pull_receive,
	.release = pull_release,
};

int
epair_attach_pull(struct epair_if *ifp, unsigned limit, struct epair_err *err)
{
	struct pull *pull;

	if (limit == 0)
		limit = LIMIT_DEFAULT;
	if (limit > LIMIT_MAX)
		return ep_fail(err, -EINVAL,
		    "a pull queue of %u frames: must be 1 to %u", limit,
		    LIMIT_MAX);
	pull = calloc(
	    1, sizeof(*pull) + (size_t)limit * sizeof(struct epair_mbuf *));
	if (pull == NULL)
		return ep_fail(
		    err, -ENOMEM, "no memory for %u frames to wait", limit);
	pull->st.ops = &pull_ops;
	pull->limit = limit;
	pull->fd = -1;
	ep_spin_init(&pull->lock);
	ep_mutex_init(&pull->signal_lock);
	return ep_attach_publish(ifp, &pull->st, "pull", 0, err);
}

/*
 * Hold what is attached as the data path does: without the configuration lock,
 * in a run of the pair (D4) that was begun in an epoch section which has seen
 * RUNNING.
 */
static int
hold(struct epair_if *ifp, struct ep_stack **st)
{
	struct ep_thread *thr = ep_thread_self(&ifp->ep->domain);
	bool is_running;

	if (thr == NULL)
		return -ENOMEM;
	ep_epoch_begin(thr);
	is_running = ep_load_relaxed(&ifp->flags) & EPAIR_IFF_RUNNING;
	if (is_running)
		ep_pair_run_begin(ifp->pair);
	ep_epoch_end(thr);
	if (!is_running)
		return -ENXIO;
	*st = ep_stack_enter(ifp, thr);
	if (*st != NULL)
		return 0;
	ep_pair_run_end(ifp->pair);
	return -EINVAL;
}

/* Hold the pull queue of an interface. Returns 0, or as epair_if_recv(). */
static int
pull_hold(struct epair_if *ifp, struct pull **pull)
{
	struct ep_stack *st;
	int error = hold(ifp, &st);

	if (error != 0)
		return error;
	if (st->ops != &pull_ops) {
		ep_stack_put(st);
		return -EINVAL;
	}
	*pull = pull_of(st);
	return 0;
}

int
epair_if_recv(struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	struct pull *pull;
	int error = pull_hold(ifp, &pull);
	unsigned got;

	if (error != 0)
		return error;
	got = recv_frames(pull, ms, n > INT_MAX ? INT_MAX : n);
	ep_stack_put(&pull->st);
	return (int)got;
}

int
epair_if_recv_fd(struct epair_if *ifp)
{
	struct pull *pull;
	int error = pull_hold(ifp, &pull);
	int fd;

	if (error != 0)
		return error;
	ep_lock(&pull->signal_lock);
	fd = pull->fd;
	if (fd < 0) {
		fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (fd < 0)
			fd = -errno;
	}
	if (fd >= 0) {
		ep_spin_lock(&pull->lock);
		pull->fd = fd;
		ep_spin_unlock(&pull->lock);
	}
	ep_unlock(&pull->signal_lock);
	/* What waited already has had its edge. */
	if (fd >= 0)
		signal_edge(pull);
	ep_stack_put(&pull->st);
	return fd;
}
