/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/step.h - the steps that changes are made of.
 *
 * A step does one thing to the world by one or two calls of the library, and
 * knows how to take it back. It is data: it can be written down before it is
 * done (ctl_step_encode), which is what a journal keeps.
 *
 *	op        name            value           undone by
 *	vnet-add  of the vnet     its kind        vnet-del
 *	vnet-set  of the vnet     -               the owner and limit before
 *	vnet-del  of the vnet     -               nothing: a change's last
 *	create    of the pair     its home        destroy
 *	destroy   -               -               nothing: a change's last
 *	move      -               vnet            moving back; UP, discipline
 *	set       word            value           setting what was before
 *	attach    -               spec            detaching
 *	detach    -               -               attaching the same, by what it
 *	                                          had if that was handed over
 *
 * All but those of vnets and create concern an interface: one that there is
 * (ifp), or an end of a pair that a create step before it makes (maker, side).
 *
 * A step that failed has changed nothing; undo is called for those that were
 * done, last first, and cannot fail: what cannot be put back is left out, and
 * said to the log.
 */
#ifndef EP_CTL_STEP_H
#define EP_CTL_STEP_H

#include "ctl/handed.h"
#include "ctl/world.h"

/* X(NAME, "word") */
#define CTL_OPS(X) \
	X(VNET_ADD, "vnet-add") \
	X(VNET_SET, "vnet-set") \
	X(VNET_DEL, "vnet-del") \
	X(CREATE, "create") \
	X(DESTROY, "destroy") \
	X(MOVE, "move") \
	X(SET, "set") \
	X(ATTACH, "attach") \
	X(DETACH, "detach")

/* clang-format off */
enum ctl_op {
#define CTL_OP_ENUM(NAME, word) CTL_OP_##NAME,
	CTL_OPS(CTL_OP_ENUM)
#undef CTL_OP_ENUM
	CTL_OP_MAX
};
/* clang-format on */

struct ctl_step {
	enum ctl_op op;
	char *name, *value; /* as in the table above, or NULL */
	struct epair_if *ifp; /* a reference; of a create: the a end it made */
	int maker; /* the create step whose pair it concerns, or -1 */
	char side; /* of that pair */
	/* vnet-add, vnet-set */
	bool is_owned;
	uid_t owner;
	uint32_t pairs_max;
	struct ctl_handed handed; /* attach, set; once done, what it had */
	bool was_handed; /* detach */
	bool is_kept; /* set: other descriptors than before are to be */
	/* create */
	enum epair_mac_policy mac_policy;
	/* What undo needs. */
	char *before, *before_qdisc;
	bool was_up;
};

/* A list of them, in the order in which they are done. */
struct ctl_plan {
	struct ctl_step *steps;
	size_t count, size;
};

/*
 * Add a step; name and value (either may be NULL) are copied. Returns it, valid
 * until the next is added, or NULL for want of memory.
 */
struct ctl_step *ctl_plan_add(
    struct ctl_plan *plan, enum ctl_op op, const char *name, const char *value);
void ctl_plan_fini(struct ctl_plan *plan);

/* Take the last one out again. */
void ctl_plan_drop(struct ctl_plan *plan);

/* Do step i, or take it back. */
int ctl_step_do(struct ctl_world *w, struct ctl_plan *plan, size_t i,
    struct epair_err *err);
void ctl_step_undo(struct ctl_world *w, struct ctl_plan *plan, size_t i);

/* Whether attachments have taken up what a step that was done has changed. */
bool ctl_step_is_settled(const struct ctl_step *s);

/*
 * Step i as an object: {"op": "set", "if": "red/epair0b", "name": "mtu",
 * "value": "9000"}. Of a pair that is yet to be made, `if` is "epair7.b", and
 * "epair.b" for one whose unit is not known before it was. A new reference, or
 * NULL.
 */
json_t *ctl_step_encode(const struct ctl_plan *plan, size_t i);

#endif /* EP_CTL_STEP_H */
