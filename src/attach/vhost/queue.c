/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "attach/vhost/feature.h"
#include "attach/vhost/vhost.h"
#include "base/atomic.h"
#include "base/stray.h"

void
ep_vhost_queue_init(struct ep_vhost *vhost, unsigned i) EP_NO_TSA
{
	struct ep_worker *worker = ep_ifnet_worker(vhost->st.ifp, i / 2);
	struct ep_vhost_queue *q = &vhost->queues[i];

	q->vhost = vhost;
	q->index = i;
	q->kick = q->err = q->call = -1;
	ep_mutex_init(&q->lock);
	ep_watch_init(&q->watch, worker, ep_vhost_kicked);
	ep_task_init(&q->task, worker, ep_vhost_turn);
	ep_timer_init(&q->look, worker, ep_vhost_look);
	ep_timer_init(&q->tell, worker, ep_vhost_tell_late);
}

bool
ep_vhost_queue_can_hold(struct ep_vhost_queue *q) EP_NO_TSA
{
	q->held = calloc(1, sizeof(*q->held));
	return q->held != NULL;
}

void
ep_vhost_queue_fini(struct ep_vhost_queue *q) EP_NO_TSA
{
	ep_mutex_fini(&q->lock);
	free(q->held);
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* How many queues there are to send to, from the first on. */
static void
count_rx(struct ep_vhost *vhost)
{
	unsigned n = 0;
	bool runs = true;

	for (unsigned i = 0; i < vhost->queue_count && runs; i += 2) {
		struct ep_vhost_queue *q = &vhost->queues[i];

		ep_lock(&q->lock);
		runs = q->is_started && q->is_enabled;
		ep_unlock(&q->lock);
		n += runs;
	}
	ep_store_relaxed(&vhost->rx_count, n);
	if (n == vhost->running)
		return;
	vhost->running = n;
	if (n == 0) {
		ep_conn_present(&vhost->conn, false);
		ep_tell(&vhost->conn.tell, "guest stopped");
		return;
	}
	ep_conn_present(&vhost->conn, true);
	ep_tell(&vhost->conn.tell, "guest runs with %u queue%s", n,
	    n > 1 ? "s" : "");
}

bool
ep_vhost_queue_is_started(struct ep_vhost_queue *q)
{
	bool is_started;

	ep_lock(&q->lock);
	is_started = q->is_started;
	ep_unlock(&q->lock);
	return is_started;
}

/* Where the queue's part of the inflight buffer is; NULL: nowhere. */
static struct ep_vhost_inflight *
inflight_of(const struct ep_vhost_queue *q)
{
	const struct ep_vhost *vhost = q->vhost;
	uint64_t octets;

	if (vhost->inflight.at == NULL ||
	    q->index >= vhost->inflight_desc.queues ||
	    q->size > vhost->inflight_desc.queue_size)
		return NULL;
	octets = ep_vhost_inflight_octets(vhost->inflight_desc.queue_size);
	return (
	    struct ep_vhost_inflight *)(void *)(vhost->inflight.at +
						vhost->inflight_desc.offset +
						q->index * octets);
}

static struct ep_vhost_ring_conf
ring_conf(const struct ep_vhost_queue *q)
{
	uint64_t features = q->vhost->features;

	return (struct ep_vhost_ring_conf){
		.memory = q->vhost->memory,
		.desc = q->addr.desc,
		.avail = q->addr.avail,
		.used = q->addr.used,
		.size = q->size,
		.has_event_idx = ep_vhost_has(
		    features, VIRTIO_RING_F_EVENT_IDX),
		.has_indirect = ep_vhost_has(
		    features, VIRTIO_RING_F_INDIRECT_DESC),
		.is_merging = ep_vhost_has(features, VIRTIO_NET_F_MRG_RXBUF),
		.takes_csum = ep_vhost_has(features, VIRTIO_NET_F_GUEST_CSUM),
		.hdr_len = ep_vhost_hdr_len(features),
		.inflight = inflight_of(q),
	};
}

const char *
ep_vhost_queue_start(struct ep_vhost_queue *q)
{
	struct ep_vhost *vhost = q->vhost;
	struct ep_vhost_ring_conf conf;
	const char *why;
	int error;

	if (!q->has_addr || !q->has_kick || q->size == 0 ||
	    vhost->memory == NULL || !vhost->has_features ||
	    ep_vhost_queue_is_started(q))
		return NULL;
	conf = ring_conf(q);
	ep_lock(&q->lock);
	error = ep_vhost_ring_init(&q->ring, &conf, &why);
	if (error == 0) {
		q->is_started = true;
		q->tells_later = false;
		/* Without the protocol's word for it there is no other time. */
		if (!ep_vhost_has(vhost->features, EP_VHOST_F_PROTOCOL))
			q->is_enabled = true;
		q->accepts = ep_vhost_accepts(vhost->features);
		ep_vhost_ring_want_kick(&q->ring, q->held == NULL);
	}
	ep_unlock(&q->lock);
	if (error != 0)
		return why;
	if (q->kick >= 0)
		error = ep_watch_add(&q->watch, q->kick, EPOLLIN);
	else
		error = ep_timer_arm(&q->look, 0);
	if (error != 0)
		return "Queue cannot be watched";
	/* It may have been kicked before. */
	(void)ep_task_schedule(&q->task);
	count_rx(vhost);
	return NULL;
}

void
ep_vhost_queue_stop(struct ep_vhost_queue *q)
{
	ep_lock(&q->lock);
	if (q->is_started) {
		ep_vhost_tell(q); /* no later one will */
		q->is_started = false;
		q->base = q->ring.next;
		ep_vhost_drop_held(q);
		ep_vhost_ring_fini(&q->ring);
	}
	ep_unlock(&q->lock);
	/* What a handler that still ran has begun goes second. */
	for (int round = 0; round < 2; round++) {
		ep_watch_drain(&q->watch);
		(void)ep_task_drain(&q->task);
		(void)ep_timer_drain(&q->look);
		(void)ep_timer_drain(&q->tell);
	}
	close_fd(&q->kick);
	q->has_kick = false;
	count_rx(q->vhost);
}

void
ep_vhost_queue_enable(struct ep_vhost_queue *q, bool is_enabled)
{
	ep_lock(&q->lock);
	q->is_enabled = is_enabled;
	ep_unlock(&q->lock);
	/* What came while it was not. */
	if (ep_vhost_queue_is_started(q))
		(void)ep_task_schedule(&q->task);
	count_rx(q->vhost);
}

const char *
ep_vhost_queue_set_kick(struct ep_vhost_queue *q, int fd)
{
	bool was_started = ep_vhost_queue_is_started(q);

	if (fd >= 0 && !ep_bell_check(&q->vhost->bell, fd)) {
		ep_stray_close(fd);
		return "Kick is no eventfd";
	}
	ep_watch_drain(&q->watch);
	(void)ep_timer_drain(&q->look);
	close_fd(&q->kick);
	q->kick = fd;
	q->has_kick = true;
	if (!was_started)
		return ep_vhost_queue_start(q);
	if ((fd >= 0 ? ep_watch_add(&q->watch, fd, EPOLLIN)
		     : ep_timer_arm(&q->look, 0)) != 0)
		return "Queue cannot be watched";
	(void)ep_task_schedule(&q->task);
	return NULL;
}

const char *
ep_vhost_queue_set_call(struct ep_vhost_queue *q, int fd)
{
	if (fd >= 0 && !ep_bell_check(&q->vhost->bell, fd)) {
		ep_stray_close(fd);
		return "Call is no eventfd";
	}
	ep_lock(&q->lock);
	close_fd(&q->call);
	q->call = fd;
	ep_unlock(&q->lock);
	return NULL;
}

const char *
ep_vhost_queues_move(struct ep_vhost *vhost, struct ep_vhost_memory *memory)
{
	const char *why = NULL, *one;
	struct ep_vhost_queue *q;

	for (unsigned i = 0; i < vhost->queue_count; i++) {
		q = &vhost->queues[i];
		ep_lock(&q->lock);
		if (q->is_started &&
		    ep_vhost_ring_move(&q->ring, memory, &one) != 0) {
			/* Nobody may look where it was (P1). */
			q->is_started = false;
			ep_vhost_drop_held(q);
			ep_vhost_ring_fini(&q->ring);
			why = one;
		}
		ep_unlock(&q->lock);
	}
	ep_vhost_memory_destroy(vhost->memory);
	vhost->memory = memory;
	return why;
}

void
ep_vhost_queue_forget(struct ep_vhost_queue *q)
{
	ep_vhost_queue_stop(q);
	close_fd(&q->err);
	ep_lock(&q->lock);
	close_fd(&q->call);
	q->is_enabled = false;
	ep_unlock(&q->lock);
	q->size = 0;
	q->base = 0;
	q->has_addr = false;
}
