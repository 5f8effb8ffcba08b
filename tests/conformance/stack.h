/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack.h - what stands behind an interface of a world.
 *
 * A stack notes every frame that it is handed in world->got and then consumes
 * it, or transmits it on another interface. That ends when the interface moves
 * or either of the two is destroyed; the other one may move.
 */
#ifndef STACK_H
#define STACK_H

#include <stdbool.h>

#include <epair/epair.h>

#include "runs.h"
#include "world.h"

/* An interface and the stack behind it. */
struct end {
	struct end *next;
	struct world *world;
	struct epair_if *ifp;
	struct end *forward; /* where what it is handed is transmitted */
	struct runs_if name; /* as it is now, see stack_look_again() */
	bool dead;
};

/*
 * Put a stack behind a new interface, at the head of w->ends. Takes the
 * reference. Returns 0, or a negated errno.
 */
int stack_add(struct world *w, struct epair_if *ifp);

/* The interface of that name, or NULL. */
struct end *stack_find(struct world *w, const struct runs_if *name);

/* Some interfaces may have moved or gone: end what ends thereby. */
void stack_look_again(struct world *w);

/* Take all stacks away. */
void stack_remove_all(struct world *w);

#endif /* STACK_H */
