/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/conn.h - one connection's life: sought, found, lost, sought again.
 *
 * What is said on it is its kind's. A client calls, waits reconnect_ns and calls
 * again, for ever; that nobody answers is told when it begins, not each time. A
 * server has one client at a time.
 *
 *	state	 meaning			left by
 *	OFF	 nobody may be there (bars)	ep_conn_look
 *	DOWN	 nobody is			the timer (a client calls), the
 *						listener (a server accepts)
 *	CALLING	 TCP has not answered yet	EPOLLOUT
 *	MET	 connected; not yet agreed	ep_conn_up, the timer
 *	UP	 agreed				its end, whoever noticed
 *
 * Somebody is behind the attachment (ep_stack_present()) if its kind says so,
 * and while it is OFF: else two of us at the ends of a pair would keep each
 * other there. Back from OFF, that is believed for GRACE_NS more, in which a
 * peer that was sent away comes back.
 *
 * Sockets may have been handed over by who may open what we may not. A client's
 * is connected already, and but once: when it ends, the attachment is lost. One
 * for datagrams stays what it is. A place for connections or datagrams
 * that one of those who share it shuts down loses the attachment, too.
 *
 * Invariants:
 *	C1  fd is -1 in states OFF and DOWN, and not in the others
 *	C2  after go_down nothing is left of a connection, its kind's part
 *	    (ops->end) too, and there will be another as soon as there may be
 *	C3  what a peer may do costs it this connection, with an event that says
 *	    why at the rate of attach/tell.h, and nothing else
 *
 * Locking: all but ep_conn_lose() belongs to one worker; so do the calls of ops.
 */
#ifndef EP_ATTACH_CONN_H
#define EP_ATTACH_CONN_H

#include "attach/listener.h"
#include "attach/socket.h"
#include "attach/tell.h"
#include "base/clock.h"

/* That a peer may take to agree with us. */
#define EP_CONN_AGREE_NS (5 * EP_NS_PER_S)

enum ep_conn_state {
	EP_CONN_DOWN,
	EP_CONN_OFF,
	EP_CONN_CALLING,
	EP_CONN_MET,
	EP_CONN_UP,
};

struct ep_conn;

/* What is not said to be needed may be NULL. */
struct ep_conn_ops {
	const char *peer; /* for people: "peer"; needed */
	bool hides; /* while it is OFF, nothing is at a server's path */
	bool is_patient; /* other clients wait, with what they have sent */
	/* NULL, or why there must be nobody now. */
	const char *(*bars)(struct ep_conn *conn);
	/*
	 * Connected, and watched. Calls ep_conn_up(), now or later; arms the
	 * timer, if it is to be later. Returns 0, or a negated errno. Needed.
	 */
	int (*begin)(struct ep_conn *conn);
	/* Something came, in state MET or UP. Needed. */
	void (*ready)(struct ep_conn *conn, uint32_t events);
	/* The timer, in state MET or UP. */
	void (*late)(struct ep_conn *conn);
	/*
	 * Leave nothing of it; fd is closed behind this. why: what the peer is to
	 * be told, or NULL. Needed.
	 */
	void (*end)(struct ep_conn *conn, const char *why);
	/* ep_conn_lose() was called, in state UP. NULL: ep_conn_refuse(). */
	void (*lost)(struct ep_conn *conn, const char *why);
	/* A client that cannot be taken, and why; fd is closed behind this. */
	void (*turn_away)(int fd, const char *why);
	/* Datagrams have come to `listener`. Needed for those. */
	void (*heard)(struct ep_conn *conn);
};

struct ep_conn {
	/* Constant: */
	const struct ep_conn_ops *ops;
	struct ep_stack *st;
	bool is_client;
	bool is_handed; /* ep_conn_take() */
	int socktype;
	uint32_t events; /* that `watch` begins with */
	uint64_t reconnect_ns;
	struct ep_socket_addr addr; /* a server's, or a datagram's, own */
	const struct ep_socket_addr *peers; /* a client's; NULL: addr */
	unsigned peer_count; /* they are tried in turn */

	bool stopping; /* atomic */
	const char *lost_why; /* atomic; NULL: it is not */

	enum ep_conn_state state;
	bool has_begun; /* the timer of ep_conn_start() came; until then DOWN */
	struct ep_listener listener;
	int fd; /* -1: none */
	int handed; /* connected; -1: none; constant for datagrams, else used up */
	unsigned peer_at; /* the one that is tried */
	int error; /* why there is none, as told; 0: nothing was */
	bool is_there; /* as its kind says */
	bool in_grace; /* `grace` is armed */
	struct ep_socket_own own;
	struct ep_watch listen_watch, watch;
	struct ep_timer timer, grace;
	struct ep_task lose_task;
	struct ep_tell tell;
};

/* Constants are set, but for ops and st. Touches no system. */
void ep_conn_init(
    struct ep_conn *conn, const struct ep_conn_ops *ops, struct ep_stack *st);

/* Have a place of our own: so that whoever attaches hears what is wrong. */
int ep_conn_listen(struct ep_conn *conn, struct epair_err *err);

/*
 * In place of listening, and of calling: the sockets that were handed over. Of
 * AF_UNIX, or AF_INET for TCP. Returns 0, or as ep_socket_handed() and
 * ep_listener_share().
 */
int ep_conn_take(struct ep_conn *conn, int family, const struct ep_fds *with,
    struct epair_err *err);

/*
 * Those that were, as far as they are of use to another process; one of our own
 * is found again by its path, and a connection is not to be had again.
 */
void ep_conn_give(const struct ep_conn *conn, struct ep_fds_out *out);

/* Their names. Returns how many. */
int ep_conn_opens(bool is_client, int socktype, const char **names);

/* Begin. Any thread. */
void ep_conn_start(struct ep_conn *conn);

/*
 * Nothing runs by itself any more; then what is its kind's can be stopped. Any
 * thread. Behind ep_conn_fini() neither are there the path and the descriptors.
 */
void ep_conn_stop(struct ep_conn *conn);
void ep_conn_fini(struct ep_conn *conn);
bool ep_conn_is_stopping(const struct ep_conn *conn);

static inline bool
ep_conn_has_peer(const struct ep_conn *conn)
{
	return conn->state >= EP_CONN_MET;
}

/* Both have agreed. The timer is drained. */
void ep_conn_up(struct ep_conn *conn);

/* The timer, of whom there is: see ops->late. */
void ep_conn_arm(struct ep_conn *conn, uint64_t ns);

/* Somebody is behind it, or nobody; see above, and ep_tell_present(). */
void ep_conn_present(struct ep_conn *conn, bool is_there);

/* It ends, and another is sought; what is told is for the caller to say. */
void ep_conn_end(struct ep_conn *conn, const char *why);

/* We end it, and tell both sides why. */
void ep_conn_refuse(struct ep_conn *conn, const char *why);

/* It ended, or did not come to be, by this negated errno. */
void ep_conn_broke(struct ep_conn *conn, int error);

/* It must end. why is a constant. Any thread. */
void ep_conn_lose(struct ep_conn *conn, const char *why);

/* What bars says may be another. */
void ep_conn_look(struct ep_conn *conn);

#endif /* EP_ATTACH_CONN_H */
