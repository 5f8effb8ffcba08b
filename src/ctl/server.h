/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/server.h - the daemon's side of the control socket.
 *
 * Runs in the loop of the main thread; what moves frames are the workers of the
 * instance, which never wait for a client. A client that floods, stalls or
 * talks nonsense costs itself:
 *
 *	S1  one request of a connection is done between any two of others
 *	S2  a connection whose answers are not read is not read from either
 *	S3  what a connection holds is bounded: a line, a backlog, descriptors,
 *	    captures
 *	S4  every connection that ends is counted under a reason
 *
 * Clients are told apart by the user that SO_PEERCRED names; see world.h for
 * what each may do.
 */
#ifndef EP_CTL_SERVER_H
#define EP_CTL_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "ctl/change.h"

/* X(NAME, "word", "sentence") */
#define CTL_ENDS(X) \
	X(CLOSED, "closed", "the client closed it") \
	X(ERROR, "error", "reading or writing failed") \
	X(TOO_MANY, "too-many", "there were as many as there may be") \
	X(TOO_MANY_USER, "too-many-user", \
	    "its user had as many as one user may have") \
	X(LINE, "line-too-long", "a line was longer than it may be") \
	X(DESCRIPTORS, "descriptors", \
	    "there were more or fewer descriptors than its objects said") \
	X(NO_MEMORY, "no-memory", "there was no memory for it") \
	X(SHUTDOWN, "shutdown", "the daemon ended")

/* clang-format off */
enum ctl_end {
#define CTL_END_ENUM(NAME, word, sentence) CTL_END_##NAME,
	CTL_ENDS(CTL_END_ENUM)
#undef CTL_END_ENUM
	CTL_END_MAX
};
/* clang-format on */

struct ctl_limits {
	unsigned conns; /* connections of those who are no admins */
	unsigned conns_user; /* of these, of one user */
	size_t line; /* octets of a line of theirs */
	size_t line_admin; /* and of an admin's */
	size_t backlog; /* octets that wait to be read, before S2 */
	unsigned requests; /* of one connection in a second, or so */
	unsigned streams; /* captures and monitors of one user */
};

#define CTL_LIMITS_DEFAULT \
	(struct ctl_limits) \
	{ \
		.conns = 256, .conns_user = 32, .line = 256u << 10, \
		.line_admin = 64u << 20, .backlog = 1u << 20, \
		.requests = 1000, .streams = 16 \
	}

struct ctl_server {
	struct ctl_loop *loop;
	struct ctl_world *world;
	struct ctl_changes *changes;
	struct ctl_limits limits;
	/* Say a line to the log. */
	void (*log)(const char *line);

	/* The server's. */
	struct ctl_watch listener;
	struct ctl_timer pause; /* nothing is accepted until then */
	TAILQ_HEAD(, ctl_conn) conns;
	LIST_HEAD(, ctl_capture) captures;
	struct epair_sub *capture_sub; /* NULL before the first capture */
	struct ctl_watch capture_events;
	unsigned conn_count;
	uint64_t ended[CTL_END_MAX];
	uint64_t accepted, requests, refused;
};

/*
 * Serve a listening socket, whose descriptor the server owns from now on; the
 * fields above "The server's" are set. Returns 0 or a negated errno.
 */
int ctl_server_start(struct ctl_server *s, int listener);

/* Write to each client what it takes now: the last answers. */
void ctl_server_push(struct ctl_server *s);

/* End all connections, behind the last answers. */
void ctl_server_stop(struct ctl_server *s);

/*
 * A listening socket at a path, for everybody if mode says so. A socket there
 * that nobody listens on is replaced. Returns it, or a negated errno.
 */
int ctl_listen(const char *path, unsigned mode, struct epair_err *err);

/* Words and sentences of the reasons; NULL behind the last. */
const char *ctl_end_word(enum ctl_end end);
const char *ctl_end_sentence(enum ctl_end end);

#endif /* EP_CTL_SERVER_H */
