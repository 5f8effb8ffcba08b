/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/memif/memif.h - another process behind an interface, by memif.
 *
 *	memif.c    options, life, the contract table
 *	socket.c   messages and descriptors over a socket
 *	control.c  what is said on the connection (attach/conn.h)
 *	setup.c    its regions and rings, as told and as understood
 *	io.c       frames from and to the peer
 *	message.c  control messages; pure
 *	region.c   shared memory
 *	ring.c     one ring in it; the only one who reads what the peer writes
 *	lend.c     a client's buffers that are frames of ours, if it trusts
 *
 *	state   meaning                          left by
 *	DOWN    no peer; what is to be sent is   the connection
 *	        dropped as rx-stack-down
 *	GREET   a client waits for HELLO, a      the message, the timer
 *	        server for INIT
 *	SETUP   regions and rings are being      the message, the timer
 *	        told, one message, one ACK
 *	FINAL   a client waits for CONNECTED     the message, the timer
 *	UP      frames pass                      its end, whoever noticed
 *
 * The protocol has no word for a link that is down, so there is no connection
 * then: where the link follows, nobody may be connected while there is none.
 *
 * A client sends one message and waits for its ACK, so that nothing that we
 * send ever waits: a socket that takes no message is one whose peer does not
 * read, and the connection ends.
 *
 * Queue i of the peer's transmits in bucket i, and what arrives in bucket i
 * goes to queue i, modulo how many there are.
 *
 * Invariants:
 *	P1  a queue's rings point into regions that are mapped, or it is neither
 *	    is_reading nor is_up
 *	P2  nothing is put into or taken from a ring before CONNECTED was sent or
 *	    came: DPDK sets all indices to 0 at CONNECT and CONNECTED
 *	P3  what the peer may do wrong ends this connection with a sentence that
 *	    both sides are told, and nothing else
 *
 * Locking: all that is not said to be otherwise belongs to the worker of bucket
 * 0. A queue's reading side belongs to the worker of its bucket while
 * is_reading; its lock guards the writing side, which receive uses from any
 * worker. Whoever finds there that the connection must end calls
 * ep_conn_lose(). Order: a queue's lock, then the scheduler's own.
 */
#ifndef EP_ATTACH_MEMIF_MEMIF_H
#define EP_ATTACH_MEMIF_MEMIF_H

#include "attach/attach.h"
#include "attach/bell.h"
#include "attach/conn.h"
#include "attach/memif/lend.h"
#include "attach/memif/message.h"
#include "attach/memif/region.h"
#include "attach/memif/ring.h"
#include "base/lock.h"

#define EP_MEMIF_QUEUES_MAX 64u

enum ep_memif_role {
	EP_MEMIF_CLIENT,
	EP_MEMIF_SERVER,
};

struct ep_memif_conf {
	const char *path, *secret; /* secret NULL: none */
	uint32_t id;
	unsigned role; /* enum ep_memif_role */
	uint32_t queues; /* 0: as many as the interface has */
	uint32_t ring; /* slots, or their log2 */
	uint64_t buffer; /* octets; a client's */
	unsigned mode; /* 0: interrupt, 1: poll */
	uint64_t reconnect_ns; /* 0: not given */
	unsigned trust; /* 0: no, 1: yes; a client's */
};

struct ep_memif_queue {
	struct ep_memif *memif; /* constant */
	/* Reading. */
	struct ep_watch watch;
	struct ep_task task;
	struct ep_timer look;
	bool is_reading; /* atomic */
	struct ep_memif_ring rx;
	int rx_fd; /* -1: none */
	struct ep_memif_lender *lender; /* or NULL */
	int lender_fd; /* until told; -1 */
	uint64_t sent; /* atomic */
	/* Writing. */
	struct ep_mutex lock;
	bool is_up EP_GUARDED;
	struct ep_memif_ring tx EP_GUARDED;
	int tx_fd EP_GUARDED; /* -1: none */
};

enum ep_memif_state {
	EP_MEMIF_DOWN,
	EP_MEMIF_GREET,
	EP_MEMIF_SETUP,
	EP_MEMIF_FINAL,
	EP_MEMIF_UP,
};

struct ep_memif {
	struct ep_stack st; /* first */
	/* Constant: */
	bool is_polling, is_trusting;
	uint32_t id;
	uint8_t secret[EP_MEMIF_SECRET];
	uint8_t log2;
	uint32_t buffer;
	struct ep_bell bell; /* any thread */

	struct ep_conn conn;
	enum ep_memif_state state;

	struct ep_mapping_share share;

	/* Of this connection. */
	struct ep_memif_regions regions;
	int memfd; /* a client's, until told; -1 */
	unsigned s2m_count, m2s_count;
	uint8_t run_log2; /* a client's */
	unsigned step; /* a client's: messages sent since HELLO */
	char peer[EP_MEMIF_NAME + 1];

	unsigned tx_count; /* atomic: rings to write to */
	unsigned queue_count; /* constant */
	struct ep_memif_queue queues[];
};

/* socket.c */

/*
 * Send a message, with a descriptor unless that is -1. Never blocks.
 * Returns 0, or a negated errno.
 */
int ep_memif_send(int sock, const struct ep_memif_msg *msg, int fd);

/* Send a DISCONNECT, if that is possible. */
void ep_memif_send_disconnect(int sock, const char *why);

/*
 * Receive one. Gives *fd, which is -1 unless the message carries one; whatever
 * else came with it has been closed. *why is set for -EPROTO.
 * Returns 0; -EAGAIN; -EPIPE at the end; -EPROTO; a negated errno.
 */
int ep_memif_recv(
    int sock, struct ep_memif_msg *msg, int *fd, const char **why);

/* control.c */
extern const struct ep_conn_ops ep_memif_conn_ops;

/* ops->changed: there is a link, or none any more. */
void ep_memif_changed(struct ep_stack *st, uint32_t what);

/* setup.c: what a connection consists of. All on the worker of bucket 0. */

/*
 * A client's region and rings, as many and as large as both sides take.
 * Returns 0 or a negated errno.
 */
int ep_memif_lay_out(
    struct ep_memif *memif, const struct ep_memif_hello *hello);

/* A client's step-th message after HELLO, and the descriptor with it or -1. */
void ep_memif_step(
    struct ep_memif *memif, unsigned step, struct ep_memif_msg *msg, int *fd);

/*
 * What a client tells a server. add_ring takes fd when it succeeds; add_region
 * borrows it. Return NULL, or why not.
 */
const char *ep_memif_add_region(
    struct ep_memif *memif, const struct ep_memif_add_region *region, int fd);
const char *ep_memif_add_ring(
    struct ep_memif *memif, const struct ep_memif_add_ring *add, int fd);
const char *ep_memif_complete(struct ep_memif *memif);

/* Nothing of it is left. */
void ep_memif_tear_down(struct ep_memif *memif);

/* io.c */

/* The handlers of a queue, on the worker of its bucket. */
void ep_memif_rx_ready(struct ep_watch *watch, uint32_t events);
void ep_memif_rx_task(struct ep_task *task);
void ep_memif_rx_look(struct ep_timer *timer);

/*
 * Let frames pass. Returns 0, or a negated errno: then end must be called.
 */
int ep_memif_io_begin(struct ep_memif *memif);

/* There is room on the cable again: EPAIR_CHANGED_WRITABLE. */
void ep_memif_read_on(struct ep_memif *memif);

/*
 * None passes any more, and nothing looks into a ring. reads_last: behind those
 * that the peer has left there, which is gone without them otherwise.
 */
void ep_memif_io_end(struct ep_memif *memif, bool reads_last);

/* ops->receive */
void ep_memif_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue);

#endif /* EP_ATTACH_MEMIF_MEMIF_H */
