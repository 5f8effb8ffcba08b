/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/conn_priv.h - one connection of a client, on the server's side.
 *
 *	state    meaning                                    left by
 *	reading  lines are taken, one a turn                a request that waits
 *	waiting  a change of its own is under way           its answer
 *	stalled  more than the backlog waits to be read     the client reading
 *	tired    it has asked more than it may a second     a timer
 *
 * A connection that is not reading is not read from. It is freed by
 * ctl_conn_close(), which is called from its own watch, job and timer last of
 * all, or by the server; a change of it goes on, unanswered.
 */
#ifndef EP_CTL_CONN_PRIV_H
#define EP_CTL_CONN_PRIV_H

#include "ctl/codec.h"
#include "ctl/server.h"

struct ctl_conn {
	TAILQ_ENTRY(ctl_conn) link;
	struct ctl_server *server;
	struct ctl_who who;
	pid_t pid;
	struct ctl_watch watch;
	struct ctl_job job; /* take the next line */
	struct ctl_timer rest; /* while tired */
	uint64_t tokens_ns; /* requests it may make, in time */
	uint64_t tokens_at;
	struct ctl_lines in;
	int fds[CTL_FDS_MAX];
	unsigned fd_count;
	char *out; /* waits to be written */
	size_t out_len, out_done, out_size;
	int out_fd; /* to go with the octet at out_fd_at, or -1 */
	size_t out_fd_at;
	bool is_eof; /* nothing more will be asked */
	bool is_gone; /* nor be read: it is not watched any more */
	bool is_broken; /* to be closed, for this reason: */
	enum ctl_end end;
	struct ctl_pending *pending; /* a change under way, or NULL */
	struct ctl_monitor *monitor; /* or NULL */
};

/* A request that is being answered. */
struct ctl_request {
	struct ctl_conn *conn;
	json_t *id; /* NULL: nobody wants to know */
	json_t *params; /* an object; never NULL */
	int fds[CTL_FDS_MAX]; /* that came with it; closed if still there */
	unsigned fd_count;
	int give_fd; /* to go with the answer, which owns it; -1: none */
};

/* Answered when a change is done, by ctl_conn_answer(). */
#define CTL_LATER 1

/* Takes sock. */
int ctl_conn_open(
    struct ctl_server *s, int sock, const struct ctl_who *who, pid_t pid);
void ctl_conn_close(struct ctl_conn *c, enum ctl_end end);

/* Put an object into what is to be written. Takes doc and fd (or -1). */
void ctl_conn_put(struct ctl_conn *c, json_t *doc, int fd);

/* Write what the client takes now. */
void ctl_conn_push(struct ctl_conn *c);

/* Whether it reads what it is told. */
bool ctl_conn_keeps_up(const struct ctl_conn *c);

/* The change that it waited for is done: take requests again. */
void ctl_conn_go_on(struct ctl_conn *c);

/* method.c: do one line. */
void ctl_method_line(struct ctl_conn *c, const char *line, size_t len);

/* change_method.c: the connection is gone. */
void ctl_pending_forget(struct ctl_pending *p);

/* server.c: whether its user may have one more monitor or capture. */
int ctl_stream_may(const struct ctl_conn *c, struct epair_err *err);

/* monitor.c */
void ctl_monitor_close(struct ctl_conn *c);
void ctl_monitor_resume(struct ctl_conn *c);

#endif /* EP_CTL_CONN_PRIV_H */
