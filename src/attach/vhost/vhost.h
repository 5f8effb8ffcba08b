/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/vhost/vhost.h - a virtual machine behind an interface, by vhost-user:
 * we are the back end of its virtio-net device.
 *
 *	vhost.c     options, life, the contract table
 *	control.c   what is said on the connection (attach/conn.h); the link
 *	device.c    what is agreed on, and answered
 *	queue.c     the device's queues: told, started, stopped
 *	io.c        frames from and to the guest
 *	socket.c    messages and descriptors over the socket
 *	message.c   messages; pure
 *	memory.c    the guest's memory
 *	ring.c      one ring in it; the only one who reads what the guest writes
 *	inflight.c  what a ring's buffers are noted in
 *
 * A queue runs when it is started (its ring is told, and a kick descriptor) and
 * enabled. Started but not enabled, what the guest sends is taken and dropped,
 * as the protocol wants it.
 *
 * The guest's carrier. A front end that has the configuration space from us is
 * told of a change, and asks. QEMU has one of its own: to it, carrier is whether
 * we are connected. So without that, a link that goes down ends the connection,
 * and until it is back nothing is at the path that a front end could connect to
 * (one that did would wait for an answer, its guest with it).
 *
 * The device's queues are 2 i, on which the guest receives, and 2 i + 1, on
 * which it transmits in bucket i. What arrives in bucket i goes to queue
 * 2 (i modulo how many of those run, from the first on).
 *
 * Somebody is behind us (ep_conn_present()) while a queue to send to runs.
 *
 * Invariants:
 *	P1  a started queue's ring points into memory that is mapped
 *	P2  what the front end or the guest may do wrong ends this connection
 *	    with an event, and nothing else
 *	P3  frames wait in `held` only while there is no room for the first of
 *	    them, and then a kick, or the task, is owed
 *
 * Locking: all that is not said to be otherwise belongs to the worker of bucket
 * 0. A queue's lock guards what frames pass by, which the worker of its bucket
 * and, for receiving, any worker use. Whoever finds there that the connection
 * must end calls ep_conn_lose(). Order: a queue's lock, then the scheduler's own.
 */
#ifndef EP_ATTACH_VHOST_VHOST_H
#define EP_ATTACH_VHOST_VHOST_H

#include "attach/attach.h"
#include "attach/bell.h"
#include "attach/conn.h"
#include "attach/vhost/message.h"
#include "attach/vhost/ring.h"
#include "base/lock.h"

#define EP_VHOST_PAIRS_MAX 64u

enum ep_vhost_mode {
	EP_VHOST_SERVER,
	EP_VHOST_CLIENT,
};

struct ep_vhost_opts {
	const char *path;
	unsigned mode; /* enum ep_vhost_mode */
	uint32_t queues; /* 0: as many as the interface has */
	uint64_t reconnect_ns; /* 0: not given */
};

/* Frames that wait for room in a ring. */
#define EP_VHOST_HELD_FRAMES 1024u /* a power of 2 */
#define EP_VHOST_HELD_OCTETS (4u << 20)

struct ep_vhost_held {
	uint32_t first, count; /* free-running, in ring */
	uint64_t octets;
	struct epair_mbuf *ring[EP_VHOST_HELD_FRAMES];
};

struct ep_vhost_queue {
	struct ep_vhost *vhost; /* constant */
	unsigned index; /* constant; odd: the guest transmits */
	struct ep_watch watch; /* of kick */
	struct ep_task task;
	struct ep_timer look; /* of a queue without kick */
	struct ep_timer tell; /* the guest that it has something back */
	uint64_t sent; /* atomic; by the task's worker */
	/* As told, until it is started. */
	uint32_t size;
	uint16_t base; /* where it was stopped */
	bool has_addr, has_kick;
	struct ep_vhost_addr addr;
	int kick, err; /* -1: none */

	struct ep_mutex lock;
	bool is_started EP_GUARDED, is_enabled EP_GUARDED;
	struct ep_vhost_ring ring EP_GUARDED;
	uint32_t accepts EP_GUARDED; /* EPAIR_CAP_* */
	int call EP_GUARDED; /* -1: none */
	bool tells_later EP_GUARDED; /* the timer is armed */
	struct ep_vhost_held *held EP_GUARDED; /* NULL: the guest transmits */
};

struct ep_vhost {
	struct ep_stack st; /* first */
	struct ep_mapping_share share;
	struct ep_bell bell; /* any thread */

	struct ep_conn conn;

	/* Of this connection. */
	struct ep_vhost_in in;
	bool is_owned; /* SET_OWNER was said */
	bool is_half; /* a message has begun, and the timer is armed for it */
	uint64_t offered, features, protocol;
	bool has_features;
	struct ep_vhost_memory *memory; /* or NULL */
	struct ep_mapping inflight; /* at NULL: none */
	struct ep_vhost_inflight_desc inflight_desc;
	int backend_req; /* a socket; -1 */
	unsigned running; /* pairs, as told by an event */

	unsigned rx_count; /* atomic: queues to send to */
	unsigned queue_count; /* constant; twice the pairs */
	struct ep_vhost_queue queues[];
};

/* control.c */
extern const struct ep_conn_ops ep_vhost_conn_ops;

/* ops->changed */
void ep_vhost_changed(struct ep_stack *st, uint32_t what);

/* device.c. On the worker of bucket 0. */

/*
 * Do what the message in vhost->in says, and answer. Takes the descriptors that
 * it keeps. Returns NULL, or why the connection must end.
 */
const char *ep_vhost_hear(struct ep_vhost *vhost, struct ep_vhost_msg *msg);

/* The configuration space is another now: tell the front end, if it wants it. */
bool ep_vhost_tell_config(struct ep_vhost *vhost);

/* Nothing of the connection is left. */
void ep_vhost_forget(struct ep_vhost *vhost);

/* queue.c. On the worker of bucket 0. */
void ep_vhost_queue_init(struct ep_vhost *vhost, unsigned i);
void ep_vhost_queue_fini(struct ep_vhost_queue *q);

/* Have memory for frames that wait, if the guest receives on it. */
bool ep_vhost_queue_can_hold(struct ep_vhost_queue *q);

/* Start it, if all is told. Returns NULL, or why not. */
const char *ep_vhost_queue_start(struct ep_vhost_queue *q);
void ep_vhost_queue_stop(struct ep_vhost_queue *q);
bool ep_vhost_queue_is_started(struct ep_vhost_queue *q);
void ep_vhost_queue_enable(struct ep_vhost_queue *q, bool is_enabled);

/* Descriptors, -1 for none. Take fd. Return NULL, or why not. */
const char *ep_vhost_queue_set_kick(struct ep_vhost_queue *q, int fd);
const char *ep_vhost_queue_set_call(struct ep_vhost_queue *q, int fd);

/* Another memory for all that are started. Returns NULL, or why not. */
const char *ep_vhost_queues_move(
    struct ep_vhost *vhost, struct ep_vhost_memory *memory);

/* Stopped and as if nothing had been told. */
void ep_vhost_queue_forget(struct ep_vhost_queue *q);

/* io.c: the handlers of a queue, on the worker of its bucket. */
void ep_vhost_kicked(struct ep_watch *watch, uint32_t events);
void ep_vhost_turn(struct ep_task *task);
void ep_vhost_look(struct ep_timer *timer);
void ep_vhost_tell_late(struct ep_timer *timer);

/* Interrupt the guest for what it was not told of yet, if it wants that. */
void ep_vhost_tell(struct ep_vhost_queue *q) EP_REQUIRES(q->lock);

/* Drop what waits for room. */
void ep_vhost_drop_held(struct ep_vhost_queue *q) EP_REQUIRES(q->lock);

/* ops->receive */
void ep_vhost_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue);

/* socket.c */

/*
 * Read on. Returns 0 with a message complete in vhost->in; -EAGAIN; -EPIPE at
 * the end; -EPROTO with *why set; a negated errno.
 */
int ep_vhost_recv(int sock, struct ep_vhost_in *in, const char **why);

/* The descriptors of a message that are still there, closed; the next begins. */
void ep_vhost_in_reset(struct ep_vhost_in *in);

#endif /* EP_ATTACH_VHOST_VHOST_H */
