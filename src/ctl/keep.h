/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/keep.h - where the descriptors of attachments outlive the daemon.
 *
 * What an attachment holds, and what was handed over for a link, is put under a
 * token, a text that is never used again; the journal knows which token is
 * whose. As long as somebody has the queues of a TAP, the device stays, with its
 * addresses and routes, and the kernel queues its frames. And no longer: what the journal does not know is
 * dropped when a daemon comes back, and nothing is left behind.
 *
 *	K1  what is put is there when put returns 0, whatever becomes of us
 *	K2  a token has all of its descriptors, or is not there
 *
 * There are two keepers: systemd's store of descriptors (keep_systemd.c), for a
 * unit that has one, and a process of our own (keep_process.c), which ends when
 * it holds nothing and nobody is connected to it.
 *
 * One thread, no locks. Calls wait for the keeper, CTL_LOCAL_TIMEOUT_MS at most.
 */
#ifndef EP_CTL_KEEP_H
#define EP_CTL_KEEP_H

#include <epair/err.h>
#include <epair/state.h>

#define CTL_KEEP_TOKEN_MAX 24 /* with its NUL */

/* Of one token: of an attachment, and behind them of its end's link. */
#define CTL_KEEP_FDS_MAX (EPAIR_ATTACH_FDS_MAX + EPAIR_LINK_FDS_MAX)

/* One token and its descriptors. */
struct ctl_kept {
	char token[CTL_KEEP_TOKEN_MAX];
	unsigned count;
	struct epair_fd fds[CTL_KEEP_FDS_MAX];
};

struct ctl_keep;

struct ctl_keep_ops {
	/* Borrows the descriptors. Returns 0 (K1), or an error. */
	int (*put)(struct ctl_keep *keep, const struct ctl_kept *kept,
	    struct epair_err *err);
	/* Forget a token and its descriptors, of these names. */
	void (*drop)(struct ctl_keep *keep, const struct ctl_kept *kept);
	/*
	 * All there is, one by one; what `got` is given is its own, to be
	 * closed. Names are valid for the call. Once, before the first put.
	 */
	int (*fetch)(struct ctl_keep *keep,
	    void (*got)(void *arg, struct ctl_kept *kept), void *arg,
	    struct epair_err *err);
	/* Forget everything: the daemon ends and is not to come back. */
	void (*forget)(struct ctl_keep *keep);
	/*
	 * It has gone, as fd tells by hanging up: begin with another, which
	 * has nothing yet.
	 */
	int (*again)(struct ctl_keep *keep, struct epair_err *err);
	/* Let go of the keeper, which keeps what it has. */
	void (*close)(struct ctl_keep *keep);
};

struct ctl_keep {
	const struct ctl_keep_ops *ops;
	int fd; /* hangs up when the keeper goes; -1: it does not go */
};

/*
 * The process that keeps for this folder, which must be locked; started by the
 * opener of ep if there is none. Gives *keep.
 * Returns 0; -ENOENT if the program was not found; errors of the system.
 */
int ctl_keep_process(const char *folder, struct epair *ep,
    struct ctl_keep **keep, struct epair_err *err);

/*
 * Have the process that keeps for the folder forget everything and end.
 * Returns 0; -ENOENT if there is none.
 */
int ctl_keep_end_process(const char *folder, struct epair_err *err);

/*
 * systemd's store, by the socket that NOTIFY_SOCKET names.
 * Returns 0; -ENOENT if it names none.
 */
int ctl_keep_systemd(struct ctl_keep **keep, struct epair_err *err);

/* Close the descriptors. */
void ctl_kept_close(struct ctl_kept *kept);

/* A token that nobody has had. */
void ctl_kept_token(char token[CTL_KEEP_TOKEN_MAX]);

/* The constant for a name that an attachment or link may use, or NULL. */
const char *ctl_kept_name(const char *name);

/* How many are the attachment's; the others are the link's. */
unsigned ctl_kept_attached(const struct ctl_kept *kept);

#endif /* EP_CTL_KEEP_H */
