/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/takeover.h - from one daemon to the next, with frames under way.
 *
 *	new			old
 *	take		-->	begins no change any more; when none is being
 *				made, it writes nothing any more
 *			<--	held, with the lock of the state's folder and
 *				the socket where clients connect
 *	makes the world anew; attaches what two may hold at a time: both read
 *	the TAPs for a while, and each frame is read by one of them
 *	go		-->	ends, at once
 *	sees it end, attaches the rest, serves
 *
 * One that does not say `go` in its time may be stopped for ever, and changes
 * wait. So the old one says `stay`, hangs up and goes on; a new one that finds
 * that when it says `go` has failed.
 *
 *	X1  at most one of them makes changes and writes the journal
 *	X2  a new one that fails before `go` has changed nothing: its socket
 *	    closes, and the old one goes on
 *	X3  where the old one goes on, no new one serves
 *
 * tests/model/takeover.pml has these, with either killed or stopped at any time.
 */
#ifndef EP_CTL_TAKEOVER_H
#define EP_CTL_TAKEOVER_H

#include <epair/err.h>

#include "ctl/state.h"

/* From `take` to `go`: many times what the largest of worlds takes. */
#define CTL_TAKEOVER_PATIENCE_NS UINT64_C(60000000000)

/* The old one's side. */
struct ctl_takeover {
	/* Set by the owner. */
	struct ctl_loop *loop;
	struct ctl_changes *changes;
	struct ctl_state *state;
	int folder, listener; /* descriptors, borrowed */
	bool unlinks; /* whether the listener's path is ours to unlink */
	uint64_t patience_ns; /* how long a new one has */
	void (*go)(void *arg); /* it is time to end */
	void *arg;

	/* Its own. */
	struct ctl_watch door, heir;
	struct ctl_timer wait, patience;
};

/* Begin to listen in the folder. Returns 0 or a negated errno. */
int ctl_takeover_start(struct ctl_takeover *t);
void ctl_takeover_stop(struct ctl_takeover *t);

/* The new one's side. */
struct ctl_heritage {
	int sock; /* to the old one; -1: there is none */
	int lock, listener;
	bool unlinks;
};

/*
 * Have the daemon that uses the folder hold. Without one, all is -1, and that
 * is no error. Returns 0; -ETIMEDOUT, -EPROTO and others with a sentence.
 */
int ctl_heritage_take(
    const char *folder, struct ctl_heritage *h, struct epair_err *err);

/*
 * Have it end, and wait until it has. Returns 0; -ETIMEDOUT, with a sentence, if
 * it has not waited for us: all is its own, and nothing ours.
 */
int ctl_heritage_go(struct ctl_heritage *h, struct epair_err *err);

#endif /* EP_CTL_TAKEOVER_H */
