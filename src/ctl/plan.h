/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/plan.h - from what somebody wants to the steps that make it so.
 *
 * Each is a change's `plan` (change.h): it looks at c->params, whose form the
 * table of methods has checked, at c->who's rights and at the world, and adds
 * steps. What the world already is takes no step.
 *
 * A wanted pair, in `create` and in the `pairs` of `apply`:
 *
 *	{"name": "epair7", "vnet": "vnet0", "mac-policy": "stable",
 *	 "mtu": 9000,
 *	 "a": {"vnet": "red", "name": "wan", "attach": "tap:netns=red",
 *	       "link": "delay 10ms", "up": true},
 *	 "b": ...}
 *
 * name is "epair" for the lowest free unit; vnet is where it is (to be) made.
 * Every other member of the pair is a word of epair_if_set(3) for both ends,
 * and every other member of an end one for that end. What is not mentioned
 * stays as it is. "attach": "none" detaches.
 *
 * A wanted vnet: {"name": "red", "kind": "tap:netns=red", "owner": UID,
 * "max-pairs": 100}.
 *
 * All return 0, or a negated errno with a sentence.
 */
#ifndef EP_CTL_PLAN_H
#define EP_CTL_PLAN_H

#include "ctl/change.h"

#define CTL_PLAN(name) \
	int ctl_plan_##name( \
	    struct ctl_world *w, struct ctl_change *c, struct epair_err *err)

CTL_PLAN(create); /* a wanted pair that is not there yet */
CTL_PLAN(apply); /* {"vnets": [...], "pairs": [...]} */
CTL_PLAN(destroy); /* {"if"} */
CTL_PLAN(attach); /* {"if", "spec", "fds": [what those are that came]} */
CTL_PLAN(detach); /* {"if"} */
CTL_PLAN(move); /* {"if", "vnet"} */
CTL_PLAN(set); /* {"if", "words": {"mtu": 9000, "up": null}} */
CTL_PLAN(vnet_add); /* a wanted vnet that is not there yet */
CTL_PLAN(vnet_set); /* {"name", "owner", "max-pairs"} */
CTL_PLAN(vnet_del); /* {"name"} */

#endif /* EP_CTL_PLAN_H */
