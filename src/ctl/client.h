/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/client.h - the tool's side of the control socket: one connection,
 * blocking, answers in the order of their requests.
 */
#ifndef EP_CTL_CLIENT_H
#define EP_CTL_CLIENT_H

#include <stdint.h>

#include "ctl/codec.h"

struct ctl_client {
	int sock;
	json_int_t id; /* of the last request */
	json_int_t answered; /* of the last one that was answered */
	struct ctl_lines in;
	int fds[CTL_FDS_MAX]; /* that came and were not taken yet */
	unsigned fd_count;
	bool is_admin; /* cli/ask.h's: what the daemon said to hello */
	bool is_other; /* the same: it is of another version */
	uint64_t told; /* notifications */
	/* One came, while an answer or it was awaited. May be NULL. */
	void (*notified)(void *arg, const char *method, json_t *params);
	void *arg;
};

/*
 * Where a daemon is when nothing else is said: the system's, if we are root;
 * else ours, if there is one, or else the system's. Returns buf.
 */
#define CTL_PATH_MAX 108
const char *ctl_default_path(char buf[CTL_PATH_MAX]);

/* Where a daemon of ours listens: ctl_default_path() without looking. */
const char *ctl_own_path(char buf[CTL_PATH_MAX]);

/* Returns 0, or a negated errno; *c is then nothing to close. */
int ctl_client_open(
    struct ctl_client *c, const char *path, struct epair_err *err);
void ctl_client_close(struct ctl_client *c);

/*
 * Put a request. Takes params (NULL: none), borrows the descriptors. Returns 0;
 * -EPIPE if the daemon is gone; -ENOMEM.
 */
int ctl_client_send(struct ctl_client *c, const char *method, json_t *params,
    const int *fds, unsigned fd_count, struct epair_err *err);

/*
 * Wait for the answer to the oldest request that has none. Gives *result, a new
 * reference, and in *fd, unless that is NULL, the descriptor that came with it
 * (-1: none).
 * Returns 0; what the daemon refused it with, with its sentence; -EPIPE if it
 * is gone; -EPROTO for an answer that is none.
 */
int ctl_client_answer(
    struct ctl_client *c, json_t **result, int *fd, struct epair_err *err);

/* Put a request and wait for its answer, with none outstanding. */
int ctl_client_call(struct ctl_client *c, const char *method, json_t *params,
    const int *fds, unsigned fd_count, json_t **result, int *fd,
    struct epair_err *err);

/*
 * Have notifications told, waiting timeout_ms (-1: for ever) for the next if
 * none is there.
 * Returns 0; -ETIMEDOUT; -EPIPE at the end; -EPROTO, -ENOMEM.
 */
int ctl_client_listen(
    struct ctl_client *c, int timeout_ms, struct epair_err *err);

#endif /* EP_CTL_CLIENT_H */
