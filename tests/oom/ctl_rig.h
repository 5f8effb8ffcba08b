/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl_rig.h - what a daemon has, without its sockets, and changes whose k-th
 * allocation fails.
 */
#ifndef CTL_RIG_H
#define CTL_RIG_H

#include "ctl/change.h"
#include "ctl/journal.h"

#define FAILS_MAX 20000 /* of one thing that is tried */

struct rig {
	struct epair *ep;
	struct ctl_loop loop;
	struct ctl_world world;
	struct ctl_changes changes;
	struct ctl_journal *journal;
	struct epair_err err;
	char folder[32];
	int error;
};

typedef int plan_fn(
    struct ctl_world *, struct ctl_change *, struct epair_err *);

/* A new folder with a journal, and a world that changes by this store. */
void rig_init(struct rig *r, struct ctl_store *store);
int rig_fini(struct rig *r);

/* The world alone, as it is before anything is made of it. */
void rig_begin(struct rig *r, struct ctl_store *store);
void rig_end(struct rig *r);

/*
 * Have it done, with the k-th allocation failing unless k is below 0. *failed:
 * it has. With fd >= 0 that comes along; it is taken.
 */
int rig_change_with(struct rig *r, plan_fn *plan, const char *params, int fd,
    long k, int *failed);
int rig_change(
    struct rig *r, plan_fn *plan, const char *params, long k, int *failed);

/* Have it done, or fail the test. */
void rig_made(struct rig *r, plan_fn *plan, const char *params);

#endif /* CTL_RIG_H */
