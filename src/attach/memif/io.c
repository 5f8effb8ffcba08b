/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames are copied in both directions: what a peer can still write is not
 * handed on, unless it is trusted (lend.h), and what it could hold back is not
 * lent.
 *
 * Reading, on the worker of the queue's bucket, a budget a turn:
 *
 *	waits for	and is woken by
 *	frames		the eventfd, unmasked; once more, LOOK_NS after it went
 *			to sleep, the timer, for a peer whose look at MASK_INT
 *			overtook its store (ring.h)
 *	its turn	the task; masked
 *
 * With mode=poll the task goes on for ever, masked.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "attach/burst.h"
#include "attach/memif/memif.h"
#include "base/atomic.h"
#include "base/clock.h"
#include "base/container.h"
#include "mbuf/mbuf.h"

/* Shorter frames are copied whole: that costs less. */
#define LEND_MIN 512u

/* Frames of one turn. */
#define TURN_MAX 256u

#define LOOK_NS EP_NS_PER_MS

static const char region_lost[] = "Region was taken away";

/* Reading. */

static struct epair_mbuf *
copy_in(
    struct ep_burst *b, const struct ep_memif_part *parts, int n, uint64_t len)
{
	struct epair_mbuf *m = ep_burst_mbuf(b, len);

	if (m == NULL)
		return NULL;
	for (int i = 0; i < n; i++) {
		memcpy(m->data + m->len, parts[i].at, parts[i].len);
		m->len += parts[i].len;
	}
	m->pktlen = m->len;
	return m;
}

/*
 * A long frame of one that is trusted: its headers, and behind them what is left
 * of each buffer. NULL, and counted: there is no mbuf.
 */
static struct epair_mbuf *
lend(struct ep_memif_queue *q, struct ep_burst *b,
    const struct ep_memif_part *parts, int n)
{
	unsigned first = (unsigned)q->rx.next - (unsigned)n;
	struct epair_mbuf *m = ep_burst_mbuf(b, EP_MEMIF_HEAD), *rest;
	struct ep_pool *pool = q->memif->st.ifp->ep->pool;
	uint32_t skip = EP_MEMIF_HEAD;

	if (m == NULL)
		return NULL;
	memcpy(m->data, parts[0].at, EP_MEMIF_HEAD);
	m->len = m->pktlen = EP_MEMIF_HEAD;
	for (int i = 0; i < n; i++, skip = 0) {
		if (parts[i].len == skip)
			continue;
		rest = ep_memif_lend(q->lender, pool,
		    (first + (unsigned)i) & (q->rx.size - 1u), skip,
		    parts[i].len - skip);
		if (rest == NULL) {
			(void)ep_drop(
			    q->memif->st.ifp, &m, 1, EPAIR_DROP_TX_NO_MBUF, 0);
			return NULL;
		}
		epair_mbuf_chain(m, rest);
	}
	return m;
}

static bool
may_lend(const struct ep_memif_queue *q, const struct ep_memif_part *parts,
    int n, uint64_t len)
{
	return q->lender != NULL && len >= LEND_MIN &&
	       len <= EP_BURST_FRAME_MAX && parts[0].len >= EP_MEMIF_HEAD &&
	       ep_memif_lender_can(q->lender, (unsigned)n);
}

/* A frame as one of ours. NULL, and counted. */
static struct epair_mbuf *
come_in(struct ep_memif_queue *q, struct ep_burst *b,
    const struct ep_memif_part *parts, int n, uint64_t len)
{
	return may_lend(q, parts, n, len) ? lend(q, b, parts, n)
					  : copy_in(b, parts, n, len);
}

/* Returns how many frames there were, or -EPROTO. */
static int
drain(struct ep_memif_queue *q)
{
	struct ep_memif_part parts[EP_MEMIF_PARTS_MAX];
	struct epair_mbuf *m;
	struct ep_burst b;
	unsigned turn = 0;
	uint64_t len;
	int n, error;

	error = ep_memif_ring_look(&q->rx);
	if (error <= 0)
		return error;
	ep_burst_init(&b, q->memif->st.ifp);
	while ((n = ep_memif_ring_take(&q->rx, parts, &len)) > 0) {
		m = come_in(q, &b, parts, n, len);
		if (m != NULL)
			ep_burst_add(&b, m);
		if (ep_burst_is_full(&b))
			ep_burst_transmit(&b);
		if (++turn == TURN_MAX)
			break;
	}
	/* Back to the peer before others work on them: it may be waiting. */
	(void)ep_memif_ring_publish(&q->rx);
	ep_burst_transmit(&b);
	ep_count_add(&q->sent, b.sent);
	ep_burst_fini(&b);
	return n < 0 ? n : (int)turn;
}

static void
stop_reading(struct ep_memif_queue *q, const char *why)
{
	ep_store_relaxed(&q->is_reading, false);
	(void)ep_watch_set(&q->watch, 0);
	ep_conn_lose(&q->memif->conn, why);
}

/* Sleep, unless something came meanwhile. Returns whether it sleeps. */
static bool
fall_asleep(struct ep_memif_queue *q)
{
	ep_memif_ring_mask(&q->rx, false);
	if (ep_memif_ring_look(&q->rx) == 0)
		return true;
	ep_memif_ring_mask(&q->rx, true);
	return false;
}

/* A turn of reading. Faults found by looking are told by the next turn. */
static void
turn(struct ep_memif_queue *q)
{
	uint64_t now;
	int n;

	/* acquires what ep_memif_io_begin() and _end() released */
	if (!ep_load_acquire(&q->is_reading))
		return;
	if (!q->memif->is_polling)
		ep_memif_ring_mask(&q->rx, true);
	if (!ep_pair_may_send(q->memif->st.ifp))
		return; /* ep_memif_changed() schedules */
	n = drain(q);
	if (n < 0 || ep_memif_regions_are_lost(&q->memif->regions)) {
		stop_reading(q, n < 0 ? q->rx.fault : region_lost);
		return;
	}
	if (q->memif->is_polling || n == (int)TURN_MAX || !fall_asleep(q)) {
		(void)ep_task_schedule(&q->task);
		return;
	}
	now = ep_sched_mono(q->memif->st.ifp->ep->sched);
	(void)ep_timer_arm(&q->look, now + LOOK_NS);
}

void
ep_memif_rx_ready(struct ep_watch *watch, uint32_t events)
{
	struct ep_memif_queue *q = EP_CONTAINER_OF(
	    watch, struct ep_memif_queue, watch);

	(void)events;
	if (!ep_load_acquire(&q->is_reading))
		return;
	if (ep_bell_clear(q->rx_fd) != 0)
		stop_reading(q, "Interrupt is no eventfd");
	else
		turn(q);
}

void
ep_memif_rx_task(struct ep_task *task)
{
	turn(EP_CONTAINER_OF(task, struct ep_memif_queue, task));
}

/*
 * The last look masks nothing unless it finds something: a peer that looks at
 * the mask just then would not signal, and nobody would look behind it.
 */
void
ep_memif_rx_look(struct ep_timer *timer)
{
	struct ep_memif_queue *q = EP_CONTAINER_OF(
	    timer, struct ep_memif_queue, look);

	/* acquires what ep_memif_io_begin() and _end() released */
	if (ep_load_acquire(&q->is_reading) && ep_memif_ring_look(&q->rx) != 0)
		turn(q);
}

/* Writing. */

/*
 * Put in what there is room for. Returns 0 with *done of them put, or why the
 * next was not.
 */
static int
put_burst(struct ep_memif_queue *q, struct epair_mbuf **ms, unsigned n,
    unsigned *done) EP_REQUIRES(q->lock)
{
	int error = ep_memif_ring_look(&q->tx);

	if (error < 0)
		return error;
	for (error = 0; *done < n; (*done)++) {
		error = ep_memif_ring_put(&q->tx, ms[*done]);
		if (error == -EMSGSIZE) {
			(void)ep_drop(q->memif->st.ifp, &ms[*done], 1,
			    EPAIR_DROP_RX_STACK_ERROR, 0);
			ms[*done] = NULL;
		} else if (error != 0) {
			break;
		}
	}
	if (ep_memif_ring_publish(&q->tx))
		(void)ep_bell_ring(&q->memif->bell, q->tx_fd);
	return *done < n ? error : 0;
}

void
ep_memif_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue)
{
	struct ep_memif *memif = (struct ep_memif *)(void *)st;
	unsigned count = ep_load_relaxed(&memif->tx_count), done = 0;
	struct ep_memif_queue *q = &memif->queues[count ? queue % count : 0];
	enum epair_drop reason = EPAIR_DROP_RX_STACK_DOWN;
	bool is_lost;
	int error = 0;

	ep_lock(&q->lock);
	if (q->is_up) {
		reason = EPAIR_DROP_RX_STACK_FULL;
		error = put_burst(q, ms, n, &done);
		/* What it took while we wrote is room again. */
		if (error == -ENOBUFS)
			error = put_burst(q, ms, n, &done);
		is_lost = ep_memif_regions_are_lost(&memif->regions);
		if (error == -EPROTO || is_lost) {
			q->is_up = false;
			reason = EPAIR_DROP_RX_STACK_DOWN;
			ep_conn_lose(
			    &memif->conn, is_lost ? region_lost : q->tx.fault);
		}
	}
	ep_unlock(&q->lock);
	ep_mbuf_free(ms, done);
	(void)ep_drop(st->ifp, ms + done, n - done, reason, 0);
}

/* Both. */

static int
begin_reading(struct ep_memif_queue *q)
{
	int error = 0;

	ep_memif_ring_mask(&q->rx, q->memif->is_polling);
	/* As a client: the first buffers are offered. */
	(void)ep_memif_ring_publish(&q->rx);
	/* acquired by turn() */
	ep_store_release(&q->is_reading, true);
	if (!q->memif->is_polling)
		error = ep_watch_add(&q->watch, q->rx_fd, EPOLLIN);
	/* Frames may have come before the watch. */
	(void)ep_task_schedule(&q->task);
	return error;
}

int
ep_memif_io_begin(struct ep_memif *memif)
{
	bool is_client = memif->conn.is_client;
	unsigned tx = is_client ? memif->s2m_count : memif->m2s_count;
	unsigned rx = is_client ? memif->m2s_count : memif->s2m_count;
	int error = 0;

	ep_store_relaxed(&memif->tx_count, tx);
	for (unsigned i = 0; i < tx; i++) {
		struct ep_memif_queue *q = &memif->queues[i];

		ep_lock(&q->lock);
		q->is_up = true;
		ep_unlock(&q->lock);
	}
	for (unsigned i = 0; i < rx && error == 0; i++)
		error = begin_reading(&memif->queues[i]);
	return error;
}

void
ep_memif_read_on(struct ep_memif *memif)
{
	for (unsigned i = 0; i < memif->queue_count; i++)
		if (ep_load_acquire(&memif->queues[i].is_reading))
			(void)ep_task_schedule(&memif->queues[i].task);
}

/* At most what a ring holds: the peer may be writing still. */
static void
read_last(struct ep_memif_queue *q)
{
	int left = q->rx.size, n = 1;

	for (; left > 0 && n > 0; left -= n) {
		if (ep_memif_regions_are_lost(&q->memif->regions))
			break;
		n = drain(q);
	}
}

void
ep_memif_io_end(struct ep_memif *memif, bool reads_last)
{
	for (unsigned i = 0; i < memif->queue_count; i++) {
		struct ep_memif_queue *q = &memif->queues[i];
		bool was_reading = ep_load_relaxed(&q->is_reading);

		ep_lock(&q->lock);
		q->is_up = false;
		ep_unlock(&q->lock);
		/* acquired by turn() */
		ep_store_release(&q->is_reading, false);
		/* What a handler that still ran has begun goes second. */
		for (int round = 0; round < 2; round++) {
			ep_watch_drain(&q->watch);
			(void)ep_task_drain(&q->task);
			(void)ep_timer_drain(&q->look);
		}
		/* Nobody else is at it any more. */
		if (was_reading && reads_last)
			read_last(q);
	}
}
