/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the queue to the receiving stack (contract 4.4, 4.5, 5): the task of a
 * queue. It takes all that waits, hands it to the stack piece by piece, and is
 * scheduled again behind the others if more has come.
 *
 * The stack is looked for anew for each piece, since its callback may detach
 * it, and called with nothing held but the hold on it.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "base/container.h"
#include "mbuf/offload.h"
#include "net/ether.h"
#include "net/run.h"
#include "net/stack.h"
#include "pair/pair_priv.h"

/* frames: what ms were when they came, before one was cut into segments. */
static void
call_receive(struct ep_stack *st, struct ep_rxq *rxq, struct epair_mbuf **ms,
    unsigned n, unsigned frames)
{
	struct ep_run run;

	if (n == 0)
		return;
	ep_count_add(&rxq->delivered, frames);
	ep_run_enter(&run, rxq->ifp->ep, st);
	st->ops->receive(st, ms, n, rxq->bucket);
	ep_run_leave();
}

static bool
is_open(const struct epair_mbuf *m, uint32_t accepts)
{
	return ep_mbuf_needs_finish(m, accepts) ||
	       (m->flags & EPAIR_M_VLANTAG &&
		   !(accepts & EPAIR_CAP_VLAN_HWTAGGING));
}

/* Finish one frame in software and hand over what it became. */
static void
finish_one(struct ep_stack *st, struct ep_rxq *rxq, struct epair_mbuf *m,
    uint32_t accepts)
{
	enum epair_drop why = EPAIR_DROP_RX_NO_MBUF;
	struct epair_mbuf **parts;
	unsigned count = 1;
	int n = -ENOMEM;

	if (m->flags & EPAIR_M_VLANTAG &&
	    !(accepts & EPAIR_CAP_VLAN_HWTAGGING) &&
	    ep_ether_vlan_insert(&m) != 0) {
		(void)ep_drop(rxq->ifp, &m, 1, why, 0);
		return;
	}
	if (!ep_mbuf_needs_finish(m, accepts)) {
		call_receive(st, rxq, &m, 1, 1);
		return;
	}
	count = ep_mbuf_segments(m);
	parts = malloc((count + 1) * sizeof(struct epair_mbuf *));
	if (parts != NULL)
		n = ep_mbuf_finish(m, parts, count);
	if (n == -EINVAL || count == 0)
		why = EPAIR_DROP_RX_OFFLOAD;
	if (n < 0)
		(void)ep_drop(rxq->ifp, &m, 1, why, 0);
	else
		call_receive(st, rxq, parts, (unsigned)n, 1);
	free(parts);
}

/* Is it still the interface's? Its own callback may have ended that. */
static bool
is_current(const struct ep_stack *st, const struct epair_if *ifp)
{
	return ep_load_relaxed(&ifp->stack) == st &&
	       !ep_load_relaxed(&ifp->dying);
}

/*
 * Hand frames to the stack in order, finishing those that it cannot take, until
 * a callback has ended it. Every stack can take plain ones (mbuf/packed.h).
 * Returns how many it was: one at least.
 */
static unsigned
to_stack(struct ep_stack *st, struct ep_rxq *rxq, struct epair_mbuf **ms,
    unsigned n, bool are_plain)
{
	uint32_t accepts = ep_load_relaxed(&st->accepts) &
			   ep_load_relaxed(&rxq->ifp->caps);
	unsigned done = 0;

	for (unsigned i = are_plain ? n : 0; i < n; i++) {
		if (__builtin_expect(!is_open(ms[i], accepts), 1))
			continue;
		if (done < i) {
			call_receive(st, rxq, ms + done, i - done, i - done);
			done = i;
			if (!is_current(st, rxq->ifp))
				return done;
		}
		finish_one(st, rxq, ms[i], accepts);
		done++;
		if (!is_current(st, rxq->ifp))
			return done;
	}
	call_receive(st, rxq, ms + done, n - done, n - done);
	return n;
}

/* To what is attached, which may be NULL; and, if that ends, to the next. */
static void
hand_up(struct ep_rxq *rxq, struct ep_thread *thr, struct ep_stack *st,
    struct epair_mbuf **ms, unsigned n, bool are_plain)
{
	struct epair_if *ifp = rxq->ifp;
	enum epair_drop why = EPAIR_DROP_RX_NO_STACK;

	while (st != NULL) {
		unsigned done = to_stack(st, rxq, ms, n, are_plain);

		ep_stack_leave(st);
		ms += done;
		n -= done;
		if (n == 0)
			return;
		if (ep_load_relaxed(&ifp->dying)) {
			why = EPAIR_DROP_RX_DESTROYED;
			break;
		}
		st = ep_stack_enter(ifp, thr);
	}
	(void)ep_drop(ifp, ms, n, why, 0);
}

/* To whom all that waits in a queue is charged, and where it arrives. */
static struct ep_address
address(const struct epair_if *ifp)
{
	return (struct ep_address){ ifp->account, ifp->index };
}

void
ep_pair_drop_queued(struct ep_rxq *rxq, const struct ep_packed *frames,
    unsigned n, enum epair_drop why)
{
	struct epair_if *ifp = rxq->ifp;
	struct ep_pool *pool = ifp->ep->pool;
	struct ep_mcache *mc = ep_mcache_self(pool);
	struct ep_address to = address(ifp);
	struct epair_mbuf *m;

	for (unsigned i = 0; i < n; i++)
		if (ep_unpack(pool, mc, &frames[i], 1, &to, &m) == 1) {
			(void)ep_drop(ifp, &m, 1, why, 0);
		} else {
			ep_drop_count(ifp, 1, why);
			ep_packed_free(pool, mc, &frames[i], &to);
		}
}

static void
deliver_some(struct ep_rxq *rxq, struct ep_thread *thr, struct ep_mcache *mc,
    const struct ep_packed *frames, unsigned count)
{
	struct ep_address to = address(rxq->ifp);
	struct epair_mbuf *ms[EP_CHUNK_MAX];
	struct ep_stack *st = NULL;
	bool are_plain = ep_packed_fetch(frames, count);
	struct ep_pool *pool = rxq->ifp->ep->pool;
	unsigned n;

	n = are_plain ? ep_unpack_plain(pool, mc, frames, count, &to, ms)
		      : ep_unpack(pool, mc, frames, count, &to, ms);
	if (__builtin_expect(n < count, 0))
		ep_pair_drop_queued(
		    rxq, frames + n, count - n, EPAIR_DROP_RX_NO_MBUF);
	/* One section for both: to open one is a full fence. */
	ep_epoch_begin(thr);
	n = ep_ether_input(rxq, ms, n);
	if (n > 0)
		st = ep_stack_enter(rxq->ifp, thr);
	ep_epoch_end(thr);
	hand_up(rxq, thr, st, ms, n, are_plain);
}

/*
 * Another run is owed. Not if the pair is dying: teardown frees what is queued,
 * and destroy must not depend on somebody to dispatch once more. Destroy says
 * that it is dying before it cancels: so the task is cancelled, or not
 * scheduled and idle.
 */
static enum ep_queue_end
run_again(struct ep_rxq *rxq)
{
	if (ep_task_schedule_unless(&rxq->task, &rxq->ifp->dying))
		return EP_QUEUE_IDLE; /* nothing of it may be touched */
	return ep_queue_rest(&rxq->q);
}

/* About two microseconds. */
#define PAUSES 128u
#define FEW    16u

/*
 * A sender on another core that gives few frames at a time: whoever takes them
 * as fast as they come has the queue's lines on the way to and fro all the
 * time, and neither gets on. With nothing else to do, let some more come. One
 * that waits for an answer is not such: nothing had come when the last run
 * ended.
 */
static void
moderate(const struct ep_rxq *rxq, unsigned n, bool is_packed)
{
	if (n >= FEW || !is_packed || !rxq->q.was_busy ||
	    ep_worker_is_wanted(rxq->task.worker))
		return;
	for (unsigned i = 0; i < PAUSES; i++)
		ep_cpu_pause();
}

/* Its place: the first bound is 1 << first, each other one twice the last. */
static unsigned
place_of(uint64_t value, unsigned first, unsigned places)
{
	unsigned bits = value > 1 ? 64 - (unsigned)__builtin_clzll(value - 1)
				  : 0;

	if (bits <= first)
		return 0;
	return bits - first < places ? bits - first : places - 1;
}

/* When all else is done: the frames are waited for, the count is not. */
static void
count_burst(struct ep_rxq *rxq, unsigned n)
{
	struct ep_rx_book *book = &rxq->book;

	if (n == 0)
		return;
	ep_count_add(&book->bursts[place_of(n, 0, EPAIR_BURST_PLACES)], 1);
	ep_count_add(&book->burst_frames, n);
}

static void
count_wait(struct ep_rxq *rxq, uint64_t came_ns)
{
	uint64_t wait_ns = ep_sched_mono(rxq->ifp->ep->sched) - came_ns;
	struct ep_rx_book *book = &rxq->book;

	_Static_assert(EPAIR_WAIT_BOUND_NS(0) == 1u << 8, "the first place");
	ep_count_add(&book->waits[place_of(wait_ns, 8, EPAIR_WAIT_PLACES)], 1);
	ep_count_add(&book->wait_ns, wait_ns);
}

void
ep_pair_deliver(struct ep_task *task)
{
	struct ep_rxq *rxq = EP_CONTAINER_OF(task, struct ep_rxq, task);
	struct epair_if *ifp = rxq->ifp;
	struct ep_pair *pair = ifp->pair;
	struct ep_thread *thr = ep_thread_self(&ifp->ep->domain);
	struct ep_mcache *mc = ep_mcache_self(ifp->ep->pool);
	const struct ep_packed *frames;
	struct ep_batch batch;
	struct ep_run run;
	enum ep_queue_end end;
	bool is_packed = false;
	unsigned n, all;

	ep_queue_take(&rxq->q, &batch);
	all = batch.left;
	if (ep_load_relaxed(&rxq->taker) != mc)
		ep_store_relaxed(&rxq->taker, mc);
	ep_run_enter(&run, ifp->ep, pair);
	ep_pair_made_room(ifp->oifp);
	while ((n = ep_batch_next(&batch, &frames)) > 0) {
		is_packed = frames[0].len > 0;
		if (batch.came_ns != EP_CAME_UNKNOWN)
			count_wait(rxq, batch.came_ns);
		if (ep_load_relaxed(&ifp->dying))
			ep_pair_drop_queued(
			    rxq, frames, n, EPAIR_DROP_RX_DESTROYED);
		else if (thr == NULL)
			ep_pair_drop_queued(
			    rxq, frames, n, EPAIR_DROP_RX_NO_MBUF);
		else
			deliver_some(rxq, thr, mc, frames, n);
	}
	ep_run_leave();

	count_burst(rxq, all);
	moderate(rxq, all, is_packed);
	/* Unless it is LEFT, the pair may be gone from here on. */
	end = ep_queue_done(&rxq->q, &batch);
	if (end == EP_QUEUE_OWED)
		end = run_again(rxq);
	if (end == EP_QUEUE_LEFT)
		ep_pair_run_end(pair);
}
