/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/qemu/qemu.h - a virtual machine behind an interface, by a socket.
 *
 *	qemu.c     options, life, the contract table
 *	address.c  hosts and ports, as written
 *	conn.c     a transport on the connection (attach/conn.h)
 *	in.c       frames from the peer
 *	out.c      frames to the peer, and what waits for it
 *	qmp.c      the guest's carrier, by QEMU's monitor
 *	framing.c  frames in a stream; knows neither sockets nor mbufs
 *
 * Three transports, and what is the same in them is the code that they share:
 *
 *	type       on the wire              who connects
 *	stream     length and frame (QEMU)  us, or with mode=server the peer
 *	seqpacket  a frame a packet (UML)   the same
 *	dgram      a frame a packet (QEMU)  each has a path of its own and sends
 *	                                    to the other's
 *
 * For dgram there are two sockets: conn.listener is bound and reads, from whoever
 * may write to its path; conn.fd is connected to the peer's path and writes, for
 * only of a connected one does the kernel say when there is room again. That
 * both live and die by themselves lets either side start first.
 *
 * Invariants:
 *	N1  out.fd is conn.fd in state UP, if writing to it has not failed; else
 *	    -1
 *	N2  is_blocked, or nothing waits in out, or out.fd is -1
 *	N3  the peer is never sent less than 14 octets or more than 69632
 *
 * Locking: all that is not said to be otherwise belongs to the worker of bucket
 * 0, on which the handlers, the timers and the task run one at a time. lock
 * guards `out`, which receive fills from any worker. Whoever finds in there that
 * the connection is over calls ep_conn_lose(). Order: lock, then
 * the scheduler's own.
 */
#ifndef EP_ATTACH_QEMU_QEMU_H
#define EP_ATTACH_QEMU_QEMU_H

#include "attach/attach.h"
#include "attach/conn.h"
#include "attach/qemu/framing.h"
#include "base/lock.h"

enum ep_qemu_type {
	EP_QEMU_STREAM,
	EP_QEMU_DGRAM,
	EP_QEMU_SEQPACKET,
};

enum ep_qemu_mode {
	EP_QEMU_CLIENT,
	EP_QEMU_SERVER,
	EP_QEMU_UNSAID,
};

struct ep_qemu_conf {
	const char *path, *tcp, *remote; /* NULL: not given */
	const char *qmp, *netdev; /* the same */
	unsigned type; /* enum ep_qemu_type */
	unsigned mode; /* enum ep_qemu_mode */
	uint64_t reconnect_ns; /* 0: not given */
};

/* Addresses of a host name that are tried. */
#define EP_QEMU_PEERS_MAX 4u

/* What waits for the peer. */
#define EP_QEMU_OUT_FRAMES 1024u /* a power of 2 */
#define EP_QEMU_OUT_OCTETS (1u << 20)

struct ep_qemu_out {
	int fd; /* -1: there is nobody (N1) */
	bool is_blocked; /* EPOLLOUT is awaited */
	int error; /* negated errno: why fd is -1 though state is UP */
	uint32_t first, count; /* free-running; in ring */
	uint32_t done; /* of the first, with its length: octets sent */
	uint64_t octets; /* of all that wait */
	struct epair_mbuf *ring[EP_QEMU_OUT_FRAMES];
};

#define EP_QEMU_NETDEV_MAX 64u /* octets of an id, and a NUL */

enum ep_qemu_qmp_state {
	EP_QEMU_QMP_CLOSED,
	EP_QEMU_QMP_GREETING,
	EP_QEMU_QMP_AGREEING,
	EP_QEMU_QMP_READY,
};

struct ep_qemu_qmp {
	struct ep_socket_addr addr; /* constant; len 0: there is none */
	char netdev[EP_QEMU_NETDEV_MAX]; /* constant */
	bool is_wanted; /* atomic: whether the guest should have carrier */
	enum ep_qemu_qmp_state state;
	int fd; /* -1 in state CLOSED */
	int handed; /* connected for us; -1: none, or it is used up */
	int error; /* as told; 0: none was */
	bool is_asking; /* set_link was said, and not answered */
	bool has_said, said; /* what was said last */
	struct ep_watch watch;
	struct ep_timer retry;
	struct ep_task task;
	size_t in_len;
	char in[2048];
};

struct ep_qemu {
	struct ep_stack st; /* first */
	enum ep_qemu_type type; /* constant */
	/* Constant; where a name has several addresses, and dgram's. */
	struct ep_socket_addr peers[EP_QEMU_PEERS_MAX];
	struct ep_conn conn;
	struct ep_qemu_qmp qmp;

	uint8_t *in; /* of framing, or packets side by side */
	struct ep_framing framing;
	uint64_t sent; /* atomic */

	struct ep_mutex lock;
	struct ep_qemu_out out EP_GUARDED;
	bool is_held EP_GUARDED; /* nothing is read: the cable is full */
};

/* address.c */

/*
 * Take HOST:PORT with a numeric host or a name, which is looked up; a passive
 * one may lack the host. Gives up to max addresses, at least one.
 * Returns how many; -EINVAL for the text, -ENOENT for an unknown host.
 */
int ep_qemu_addr_tcp(struct ep_socket_addr *addrs, unsigned max,
    const char *text, bool is_passive, struct epair_err *err);

/* Is it HOST:PORT by its form? Touches no system. Returns 0 or -EINVAL. */
int ep_qemu_check_tcp(const char *text, bool is_passive, struct epair_err *err);

/* The socket type for a transport. */
int ep_qemu_socktype(enum ep_qemu_type type);

/* conn.c */
extern const struct ep_conn_ops ep_qemu_conn_ops;

/*
 * Where the link follows, a datagram's peer must be missed before anything is
 * sent to it: look for it from now on.
 */
void ep_qemu_look_after(struct ep_qemu *q);

/* Ask conn.watch for EPOLLOUT, or no longer. Any thread. */
void ep_qemu_await_room(struct ep_qemu *q, bool wanted) EP_REQUIRES(q->lock);

/* Leave in the socket what the peer sends, or no longer. Any thread. */
void ep_qemu_hold(struct ep_qemu *q, bool is_held);

/* qmp.c */

/*
 * path NULL: without. handed: connected to it already, or -1; taken. Returns as
 * ep_socket_path().
 */
int ep_qemu_qmp_init(struct ep_qemu *q, const char *path, const char *netdev,
    int handed, struct epair_err *err);
void ep_qemu_qmp_start(struct ep_qemu *q);

/* Behind ep_conn_stop(). */
void ep_qemu_qmp_fini(struct ep_qemu *q);

/* The guest is to have carrier as the interface has link. Any thread. */
void ep_qemu_qmp_changed(struct ep_qemu *q);

/* in.c */

/* The buffer that it needs, for free(); NULL when there is no memory. */
uint8_t *ep_qemu_in_create(enum ep_qemu_type type);

/*
 * Read what has come, within a budget, and transmit it.
 * Returns 0; -EPIPE when the peer has closed; -EMSGSIZE when it announced a
 * frame that is too long; other errors that end a connection.
 */
int ep_qemu_read(struct ep_qemu *q, int fd);

/* out.c */

/* The connection is there; or no longer, and what waited is dropped. */
void ep_qemu_out_begin(struct ep_qemu *q, int fd);
void ep_qemu_out_end(struct ep_qemu *q);

/* There is room again. */
void ep_qemu_out_flush(struct ep_qemu *q);

/* ops->receive */
void ep_qemu_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue);

#endif /* EP_ATTACH_QEMU_QEMU_H */
