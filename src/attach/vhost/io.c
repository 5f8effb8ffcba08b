/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One copy each way: out of the guest's buffers into mbufs, and into them.
 * Nothing of the guest's is lent, for it can still write there.
 *
 *	the guest transmits	its kick, or with none a look each LOOK_NS, wakes
 *				the worker of the bucket, which reads a budget
 *				and asks to be kicked again when it finds none.
 *				While the cable is full and its sender is to
 *				wait, what it offers stays in its ring
 *	the guest receives	frames are written as they come. What finds no
 *				room is held, and the guest is asked to kick when
 *				it offers more; while nothing is held it is not
 *
 * The guest is interrupted once a burst, if it wants that at all: at once for
 * what it receives, and TELL_NS later for what it sent and has back, which
 * nobody waits for. Its TCP puts small writes together as long as something of
 * it is under way: told of each frame when that is copied, which takes a few
 * microseconds, it would send many small ones.
 */
#include <errno.h>
#include <linux/virtio_net.h>
#include <string.h>

#include "attach/burst.h"
#include "attach/vhost/vhost.h"
#include "attach/virtio.h"
#include "base/atomic.h"
#include "base/clock.h"
#include "base/container.h"
#include "mbuf/offload.h"

/* Frames of one turn. */
#define TURN_MAX 256u

#define LOOK_NS EP_NS_PER_MS

/* As the transmit interrupts of NICs are held back. */
#define TELL_NS (100 * EP_NS_PER_US)

/* How often a guest that offers more while we write is believed, in one go. */
#define FLUSHES_MAX 8

/* Both ways. */

void
ep_vhost_tell(struct ep_vhost_queue *q)
{
	q->tells_later = false;
	if (ep_vhost_ring_untold(&q->ring) == 0)
		return;
	ep_vhost_ring_told(&q->ring);
	if (q->call >= 0)
		(void)ep_bell_ring(&q->vhost->bell, q->call);
}

static void
publish(struct ep_vhost_queue *q) EP_REQUIRES(q->lock)
{
	ep_vhost_ring_publish(&q->ring);
	ep_vhost_tell(q);
}

/* False: there is no timer to be had. */
static bool
will_tell(struct ep_vhost_queue *q) EP_REQUIRES(q->lock)
{
	const struct ep_sched *sched = q->vhost->st.ifp->ep->sched;

	if (!q->tells_later)
		q->tells_later = ep_timer_arm(&q->tell,
				     ep_sched_mono(sched) + TELL_NS) == 0;
	return q->tells_later;
}

/* Told soon, so that its ring does not run dry meanwhile. */
static void
publish_sent(struct ep_vhost_queue *q) EP_REQUIRES(q->lock)
{
	unsigned untold;

	ep_vhost_ring_publish(&q->ring);
	untold = ep_vhost_ring_untold(&q->ring);
	if (untold >= q->ring.conf.size / 4 || (untold > 0 && !will_tell(q)))
		ep_vhost_tell(q);
}

void
ep_vhost_tell_late(struct ep_timer *timer)
{
	struct ep_vhost_queue *q = EP_CONTAINER_OF(
	    timer, struct ep_vhost_queue, tell);

	ep_lock(&q->lock);
	if (q->is_started)
		ep_vhost_tell(q);
	ep_unlock(&q->lock);
}

/* After each look into the guest's memory: whether to go on. */
static bool
is_sound(struct ep_vhost_queue *q) EP_REQUIRES(q->lock)
{
	const char *why = q->ring.fault;

	if (ep_vhost_memory_is_lost(q->ring.conf.memory) ||
	    ep_mapping_is_lost(&q->vhost->inflight))
		why = "Memory was taken away";
	if (why == NULL)
		return true;
	ep_conn_lose(&q->vhost->conn, why);
	return false;
}

/* The guest transmits. */

static void
copy_in(struct ep_vhost_queue *q, struct ep_burst *b,
    const struct ep_vhost_part *parts, int n, uint64_t len) EP_REQUIRES(q->lock)
{
	uint32_t hdr_len = q->ring.conf.hdr_len, off = 0, skip;
	struct virtio_net_hdr_v1 hdr = { 0 };
	struct epair_mbuf *m;

	m = ep_burst_mbuf(b, len > hdr_len ? len - hdr_len : 0);
	if (m == NULL)
		return;
	for (int i = 0; i < n; i++) {
		skip = hdr_len - off < parts[i].len ? hdr_len - off
						    : parts[i].len;
		memcpy((uint8_t *)&hdr + off, parts[i].at, skip);
		off += skip;
		memcpy(
		    m->data + m->len, parts[i].at + skip, parts[i].len - skip);
		m->len += parts[i].len - skip;
	}
	m->pktlen = m->len;
	/* A checksum that a guest says is right is not therefore right. */
	hdr.flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
	if (ep_virtio_from_header(m, &hdr) != 0)
		(void)ep_drop(b->ifp, &m, 1, EPAIR_DROP_TX_BAD, 0);
	else
		ep_burst_add(b, m);
}

/* As much as a burst takes. Returns how many frames there were. */
static unsigned
take_burst(struct ep_vhost_queue *q, struct ep_burst *b) EP_REQUIRES(q->lock)
{
	struct ep_vhost_part parts[EP_VHOST_PARTS_MAX];
	unsigned count = 0;
	uint64_t len;
	uint16_t head;
	int n;

	if (ep_vhost_ring_look(&q->ring) <= 0)
		return 0;
	while (!ep_burst_is_full(b) && !ep_vhost_ring_is_full(&q->ring)) {
		n = ep_vhost_ring_take(&q->ring, parts, &len, &head);
		if (n < 0)
			break;
		if (q->is_enabled)
			copy_in(q, b, parts, n, len);
		else
			ep_drop_count(b->ifp, 1, EPAIR_DROP_TX_DISABLED);
		ep_vhost_ring_done(&q->ring, head);
		count++;
	}
	publish_sent(q);
	return count;
}

/* Sleep, unless something came meanwhile. Returns whether it sleeps. */
static bool
fall_asleep(struct ep_vhost_queue *q) EP_REQUIRES(q->lock)
{
	ep_vhost_ring_want_kick(&q->ring, true);
	if (ep_vhost_ring_look(&q->ring) == 0)
		return true;
	ep_vhost_ring_want_kick(&q->ring, false);
	return false;
}

static void
read_turn(struct ep_vhost_queue *q)
{
	unsigned count, turn = 0;
	bool goes_on = true, sleeps = false;
	struct ep_burst b;

	ep_burst_init(&b, q->vhost->st.ifp);
	while (goes_on && turn < TURN_MAX) {
		if (!ep_pair_may_send(q->vhost->st.ifp)) {
			goes_on = false; /* ep_vhost_changed() schedules */
			break;
		}
		count = 0;
		ep_lock(&q->lock);
		goes_on = q->is_started;
		if (goes_on && turn == 0)
			ep_vhost_ring_want_kick(&q->ring, false);
		if (goes_on)
			count = take_burst(q, &b);
		goes_on = goes_on && is_sound(q);
		if (goes_on && count == 0)
			sleeps = fall_asleep(q);
		ep_unlock(&q->lock);
		ep_burst_transmit(&b);
		goes_on = goes_on && !sleeps;
		turn += count;
	}
	ep_count_add(&q->sent, b.sent);
	ep_burst_fini(&b);
	if (goes_on)
		(void)ep_task_schedule(&q->task);
}

/* The guest receives. */

static uint32_t
slot_of(uint32_t index)
{
	return index & (EP_VHOST_HELD_FRAMES - 1);
}

/* Put one in. Takes it unless there is no room (-ENOBUFS), or a fault. */
static int
put_one(struct ep_vhost_queue *q, struct epair_mbuf *m) EP_REQUIRES(q->lock)
{
	enum epair_drop reason = EPAIR_DROP_RX_STACK_ERROR;
	int error = -EMSGSIZE;

	/* What it takes was another when the frame was made ready. */
	if (ep_mbuf_needs_finish(m, q->accepts))
		reason = EPAIR_DROP_RX_STACK_DOWN;
	else
		error = ep_vhost_ring_put(&q->ring, m);
	if (error == 0)
		ep_mbuf_free1(m);
	else if (error == -EMSGSIZE)
		(void)ep_drop(q->vhost->st.ifp, &m, 1, reason, 0);
	else
		return error;
	if (ep_vhost_ring_is_full(&q->ring))
		publish(q);
	return 0;
}

static void
hold(struct ep_vhost_queue *q, struct epair_mbuf *m) EP_REQUIRES(q->lock)
{
	struct ep_vhost_held *held = q->held;

	if (held->count == EP_VHOST_HELD_FRAMES ||
	    held->octets + m->pktlen > EP_VHOST_HELD_OCTETS) {
		(void)ep_drop(
		    q->vhost->st.ifp, &m, 1, EPAIR_DROP_RX_STACK_FULL, 0);
		return;
	}
	held->ring[slot_of(held->first + held->count++)] = m;
	held->octets += m->pktlen;
}

void
ep_vhost_drop_held(struct ep_vhost_queue *q)
{
	struct ep_vhost_held *held = q->held;

	for (; held != NULL && held->count > 0; held->count--)
		(void)ep_drop(q->vhost->st.ifp,
		    &held->ring[slot_of(held->first++)], 1,
		    EPAIR_DROP_RX_STACK_DOWN, 0);
	if (held != NULL)
		held->octets = 0;
}

/* What is held, as far as there is room. */
static void
write_held(struct ep_vhost_queue *q) EP_REQUIRES(q->lock)
{
	struct ep_vhost_held *held = q->held;

	while (held->count > 0) {
		struct epair_mbuf *m = held->ring[slot_of(held->first)];
		uint32_t len = m->pktlen;

		if (put_one(q, m) != 0)
			return;
		held->first++;
		held->count--;
		held->octets -= len;
	}
}

/*
 * Have what is held go on: now, if the guest offered more meanwhile, else when
 * it kicks.
 */
static void
await_room(struct ep_vhost_queue *q) EP_REQUIRES(q->lock)
{
	for (int i = 0; i < FLUSHES_MAX; i++) {
		int seen = ep_vhost_ring_seen(&q->ring);

		ep_vhost_ring_want_kick(&q->ring, q->held->count > 0);
		if (q->held->count == 0 || ep_vhost_ring_look(&q->ring) <= seen)
			return;
		write_held(q);
		publish(q);
	}
	(void)ep_task_schedule(&q->task);
}

static void
write_turn(struct ep_vhost_queue *q)
{
	ep_lock(&q->lock);
	if (q->is_started && q->is_enabled) {
		(void)ep_vhost_ring_look(&q->ring);
		write_held(q);
		publish(q);
		if (is_sound(q))
			await_room(q);
	}
	ep_unlock(&q->lock);
}

static void
write_burst(struct ep_vhost_queue *q, struct epair_mbuf **ms, unsigned n)
    EP_REQUIRES(q->lock)
{
	int error = 0;

	(void)ep_vhost_ring_look(&q->ring);
	write_held(q);
	for (unsigned i = 0; i < n; i++) {
		error = q->held->count > 0 ? -ENOBUFS : put_one(q, ms[i]);
		if (error != 0)
			hold(q, ms[i]);
	}
	publish(q);
	/* What a fault held back is dropped when the queue is stopped. */
	if (is_sound(q) && q->held->count > 0)
		await_room(q);
}

void
ep_vhost_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue)
{
	struct ep_vhost *vhost = (struct ep_vhost *)(void *)st;
	unsigned count = ep_load_relaxed(&vhost->rx_count);
	struct ep_vhost_queue *q =
	    &vhost->queues[count > 0 ? 2 * (queue % count) : 0];
	bool runs;

	ep_lock(&q->lock);
	runs = q->is_started && q->is_enabled;
	if (runs)
		write_burst(q, ms, n);
	ep_unlock(&q->lock);
	if (!runs)
		(void)ep_drop(st->ifp, ms, n, EPAIR_DROP_RX_STACK_DOWN, 0);
}

/* What wakes a queue. */

void
ep_vhost_turn(struct ep_task *task)
{
	struct ep_vhost_queue *q = EP_CONTAINER_OF(
	    task, struct ep_vhost_queue, task);

	if (q->index % 2 == 1)
		read_turn(q);
	else
		write_turn(q);
}

void
ep_vhost_kicked(struct ep_watch *watch, uint32_t events)
{
	struct ep_vhost_queue *q = EP_CONTAINER_OF(
	    watch, struct ep_vhost_queue, watch);

	(void)events;
	if (ep_bell_clear(watch->fd) != 0) {
		(void)ep_watch_set(watch, 0);
		ep_conn_lose(&q->vhost->conn, "Kick is no eventfd");
		return;
	}
	ep_vhost_turn(&q->task);
}

void
ep_vhost_look(struct ep_timer *timer)
{
	struct ep_vhost_queue *q = EP_CONTAINER_OF(
	    timer, struct ep_vhost_queue, look);
	uint64_t now = ep_sched_mono(q->vhost->st.ifp->ep->sched);

	ep_vhost_turn(&q->task);
	(void)ep_timer_arm(timer, now + LOOK_NS);
}
