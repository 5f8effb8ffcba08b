/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/world.h - what a daemon holds beside its instance: whose a vnet is, what
 * it gives its interfaces, which pairs were made; and who may see and touch
 * what.
 *
 * Rights: root and the daemon's own user may do everything. Others may do what
 * lies in vnets that are theirs, and what does not is not there for them: it
 * is answered as if it did not exist, by words that do not name it. Rights over
 * a pair belong to the vnet that it was made in (its home); touching an end
 * takes rights where that end is.
 *
 * The main thread's; no locks. What is here changes by steps (step.h) only.
 *
 *	W1  each vnet of the instance is here, by the same name, and no other
 *	W2  each pair of the instance is in pairs, and no other
 */
#ifndef EP_CTL_WORLD_H
#define EP_CTL_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include <jansson.h>

#include <epair/epair.h>

#include "ctl/scratch.h"

/* Whom a connection speaks for. */
struct ctl_who {
	uid_t uid;
	bool is_admin; /* root or the daemon's own user */
};

struct ctl_vnet {
	TAILQ_ENTRY(ctl_vnet) link;
	uint64_t serial; /* above those of all before it; of vnet0 it is 0 */
	char name[EPAIR_NAME_MAX];
	char *kind; /* what its interfaces get, or NULL */
	bool is_owned;
	uid_t owner;
	uint32_t pairs_max; /* 0: no limit */
};

struct ctl_world {
	struct epair *ep; /* borrowed */
	TAILQ_HEAD(ctl_vnets, ctl_vnet) vnets; /* vnet0 first, oldest first */
	uint64_t last_vnet; /* serial */
	json_t *pairs; /* "HOME/epairN" to the index of its a end */
	/* An index to {"attach", "by-vnet"}: what it gets when that is there. */
	json_t *waiting;
	/*
	 * Indexes of interfaces whose attachment was handed over: what it says
	 * of files and places is somebody else's word, and never opened.
	 */
	json_t *handed;
	uint64_t generation; /* of changes that were made */
	struct ctl_scratch scratch;
};

/*
 * For an instance that has vnet0 and no pair. Returns 0, or -ENOMEM and other
 * errors of making an instance.
 */
int ctl_world_init(
    struct ctl_world *w, struct epair *ep, struct epair_err *err);
void ctl_world_fini(struct ctl_world *w);

/* How many pairs were made in it. */
uint32_t ctl_vnet_pairs(const struct ctl_world *w, const struct ctl_vnet *vn);

/* Name a vnet, or NULL. No rights are looked at. */
struct ctl_vnet *ctl_world_vnet(const struct ctl_world *w, const char *name);

/* Whether it is theirs. A vnet that is not there is nobody's. */
bool ctl_world_may(
    const struct ctl_world *w, const struct ctl_who *who, const char *vnet);
bool ctl_vnet_may(const struct ctl_vnet *vn, const struct ctl_who *who);

/* Whether what is attached was handed over. Setting it: 0 or -ENOMEM. */
bool ctl_world_is_handed(const struct ctl_world *w, struct epair_if *ifp);
int ctl_world_set_handed(
    struct ctl_world *w, struct epair_if *ifp, bool is_handed);

/*
 * Find what somebody names and may touch. A NULL name of a vnet is vnet0, or
 * the only one of somebody who has but one. Returns 0, or -ENOENT.
 */
int ctl_world_find_vnet(const struct ctl_world *w, const struct ctl_who *who,
    const char *name, struct ctl_vnet **vn, struct epair_err *err);

/*
 * An interface is written VNET/NAME, or NAME: that of vnet0, or else the only
 * one of that name. Gives a reference. Returns 0; -ENOENT for the vnet; -ENXIO;
 * -EINVAL if several vnets have one.
 */
int ctl_world_find_if(const struct ctl_world *w, const struct ctl_who *who,
    const char *text, struct epair_if **ifp, struct epair_err *err);

/*
 * The a end of the pair of that name ("epair7") that was made in a vnet. Gives
 * a reference, or NULL.
 */
struct epair_if *ctl_world_pair(
    const struct ctl_world *w, const char *home, const char *name);

/*
 * Call fn for each interface in a vnet, wherever it was made, until it says
 * otherwise than 0. Returns what it said last, or -ENOMEM.
 */
int ctl_world_each_if(const struct ctl_world *w, const char *vnet,
    int (*fn)(void *arg, struct epair_if *ifp), void *arg);

#endif /* EP_CTL_WORLD_H */
