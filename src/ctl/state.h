/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/state.h - what a daemon finds again when it has been killed.
 *
 * The store of changes (change.h). What there is, is written in a journal
 * (journal.h), an object for each vnet and pair as it is after a change, not
 * the change itself; and the descriptors of attachments are with a keeper
 * (keep.h), under a token that the pair's object names. The order of a change:
 *
 *	1. intend: there is room for it on the disk, or it is refused
 *	2. it is done
 *	3. descriptors of what was attached are put, under new tokens
 *	4. the journal has it: from here on it has happened
 *	5. tokens that no object names any more are dropped
 *
 * What the kernel has of it dies with its last descriptor. So before 4 a crash
 * leaves what was before: what was attached was either put under a token that
 * the journal does not know, and is dropped by the next daemon, or is gone; and
 * what was detached is still held. After 4 it leaves what is now.
 *
 *	Z1  every token that the journal names has been put
 *	Z2  a token that it does not name is dropped at the next start
 *
 * At a start the world is made from the journal. An attachment comes back by
 * its descriptors; else by its words, which are tried until they can be
 * followed (its namespace may not be there yet): it waits. One that was handed
 * over, or that names its namespace by a process, cannot come back by words,
 * since they mean another thing by now: it is gone, with an event.
 *
 * What changes by itself is followed: an attachment that is lost, an MTU or an
 * address that was set inside a namespace. What cannot be written down then is
 * tried again, and so is to have another keeper when ours has gone; the log says
 * so once. Where events are missing, all is written anew.
 *
 * Where memory is short a change is refused, and a start fails and leaves the
 * journal and what is kept as they are.
 *
 * The main thread's; no locks.
 */
#ifndef EP_CTL_STATE_H
#define EP_CTL_STATE_H

#include "ctl/change.h"
#include "ctl/journal.h"
#include "ctl/keep.h"

struct ctl_state {
	struct ctl_store store; /* first */
	/* Set by the owner. */
	struct ctl_loop *loop;
	struct ctl_world *world;
	void (*log)(const char *line);
	struct ctl_journal *journal; /* the state's from open on */
	struct ctl_keep *keep; /* the same */
	/*
	 * In a takeover: what can be held by two is attached; return 0 when
	 * there is nobody else, or why there is (takeover.h). Or NULL.
	 */
	int (*alone)(void *arg, struct epair_err *err);
	void *alone_arg;

	/* The state's. */
	bool is_open;
	bool is_busy; /* a change is being made */
	json_t *touched; /* keys to ends whose attachment is another */
	json_t *stale; /* the same, for what changed by itself */
	bool is_all_stale; /* and all else that is written, both ends */
	json_t *kept; /* token to index in found, while it is restored */
	struct ctl_found *found;
	size_t found_count;
	json_t *lost; /* index to why it will not be attached again */
	struct epair_sub *sub;
	struct ctl_watch events, keeper;
	bool has_keeper;
	struct ctl_job follow;
	struct ctl_timer pause; /* before what failed is tried again */
	uint64_t pause_ns; /* how long; 0: nothing failed */
	struct ctl_timer retry;
	unsigned retries;
	char next[16]; /* of world->waiting, to be tried; or "" */
};

/*
 * Make the world what the journal says, which must be as ctl_world_init() left
 * it, and follow it from then on. Logs what could not be had back.
 * Returns 0; -EINVAL for a journal that says what cannot be, naming it; -ENOMEM;
 * errors of the keeper; what `alone` returned.
 */
int ctl_state_open(struct ctl_state *s, struct epair_err *err);

/* Write nothing for a while, though things change; and go on. */
void ctl_state_hold(struct ctl_state *s, bool hold);

/*
 * Stop following. With forget, what is kept is let go of: devices vanish when
 * the instance does. The journal and the keeper are closed.
 */
void ctl_state_close(struct ctl_state *s, bool forget);

#endif /* EP_CTL_STATE_H */
