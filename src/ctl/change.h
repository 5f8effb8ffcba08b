/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/change.h - changes: all or nothing, one at a time, on disk before they
 * are answered.
 *
 * Everything that alters the world is a change. Changes wait in a queue; one
 * whose turn it is makes its plan (plan.h) against the world as it is then,
 * and goes through these states:
 *
 *	state     meaning                               left by
 *	WAITING   behind others                         its turn
 *	DOING     its steps are being done              the last step, a failure
 *	SETTLING  attachments are taking it up          the last one, SETTLE_MS
 *	UNDOING   they are being taken back             the first step
 *
 *	plan -> store->intend -> each step -> store->commit -> (settle) -> done
 *	               |             |              |
 *	           (refused)     undo all       undo all -> store->abandon -> done
 *
 * It settles so that what was answered is so: who had an end set UP finds the
 * TAP up inside its namespace (epair_if_settled()). One whose worker is held up
 * for longer than CTL_SETTLE_MS - its opener waits for the kernel - is not
 * waited for.
 *
 * Steps are done in slices of a few milliseconds, so that a change of many
 * does not keep other clients from looking. They see it half done then; no
 * other change does.
 *
 * What is on disk is the store's business. An intent that was neither
 * committed nor abandoned was cut off: after a restart it has not happened.
 */
#ifndef EP_CTL_CHANGE_H
#define EP_CTL_CHANGE_H

#include "ctl/codec.h"
#include "ctl/loop.h"
#include "ctl/step.h"

#define CTL_SETTLE_MS 1000

struct ctl_change;

enum ctl_change_state {
	CTL_CHANGE_WAITING,
	CTL_CHANGE_DOING,
	CTL_CHANGE_SETTLING,
	CTL_CHANGE_UNDOING,
};

/*
 * Where changes are kept. All three are called with the world as it is then;
 * steps of pairs that are made know their interface from commit on.
 *
 * intend: write down what is about to be done. Refuses by an error.
 * commit: it is done; lasting when this returns 0. An error undoes it.
 * abandon: it was intended, and undone.
 */
struct ctl_store {
	int (*intend)(struct ctl_store *store, const struct ctl_change *c,
	    struct epair_err *err);
	int (*commit)(struct ctl_store *store, const struct ctl_change *c,
	    struct epair_err *err);
	void (*abandon)(struct ctl_store *store, const struct ctl_change *c);
};

struct ctl_change {
	/* Set by whoever asks for it. */
	struct ctl_who who;
	json_t *params; /* a reference */
	bool is_dry; /* only plan */
	int fds[CTL_FDS_MAX]; /* that came along; plan takes them all */
	unsigned fd_count;
	/* Add the steps to c->steps. Returns 0, or an error: refused. */
	int (*plan)(
	    struct ctl_world *w, struct ctl_change *c, struct epair_err *err);
	/* Now and then, while it is being done. May be NULL. */
	void (*progress)(struct ctl_change *c, size_t done);
	/* Last call, with the plan still there; frees c if need be. */
	void (*done)(
	    struct ctl_change *c, int error, const struct epair_err *err);
	void *arg;

	/* The queue's. */
	TAILQ_ENTRY(ctl_change) link;
	enum ctl_change_state state;
	struct ctl_plan steps;
	size_t at; /* steps that are done */
	size_t settled; /* of these, those that attachments took up */
	uint64_t settle_end_ns;
	uint64_t told_ns; /* of its progress, last */
	int error;
	struct epair_err err;
};

struct ctl_changes {
	struct ctl_loop *loop;
	struct ctl_world *world;
	struct ctl_store *store;
	struct ctl_job job;
	struct ctl_timer pause; /* between two looks at what settles */
	TAILQ_HEAD(, ctl_change) queue; /* the first is being done */
	bool is_held; /* none is begun */
};

/* All borrowed. store NULL: nothing is kept. */
void ctl_changes_init(struct ctl_changes *q, struct ctl_loop *loop,
    struct ctl_world *world, struct ctl_store *store);

/* Refuse with -ESHUTDOWN what waits; undo what is being done. */
void ctl_changes_fini(struct ctl_changes *q);

/* Put it behind the others. It is the queue's until done is called. */
void ctl_change_put(struct ctl_changes *q, struct ctl_change *c);

/*
 * Begin no change until told otherwise: they wait. Returns whether none is being
 * done.
 */
bool ctl_changes_hold(struct ctl_changes *q, bool hold);

/*
 * Take from the front of what came along the descriptors that an array of
 * strings names. Returns 0, or -EINVAL if there are fewer, -ENOMEM.
 */
int ctl_change_take_fds(struct ctl_change *c, json_t *names,
    struct ctl_handed *handed, struct epair_err *err);

/* Free the plan and the params. */
void ctl_change_fini(struct ctl_change *c);

#endif /* EP_CTL_CHANGE_H */
