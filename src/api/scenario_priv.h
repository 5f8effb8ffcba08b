/* SPDX-License-Identifier: BSD-2-Clause */
/* api/scenario_priv.h - a scenario: its steps, and how far it is. */
#ifndef EP_API_SCENARIO_PRIV_H
#define EP_API_SCENARIO_PRIV_H

#include <epair/scenario.h>

#include "base/lock.h"
#include "sched/sched.h"

struct ep_verb;

struct ep_step {
	uint64_t at_ns; /* from the start */
	unsigned line;
	unsigned ends; /* bit 0: a, bit 1: b */
	const struct ep_verb *verb;
	const char *rest; /* what the verb takes; into the text */
};

struct epair_scenario {
	char *text; /* a copy, cut into lines */
	struct ep_step *steps; /* ordered by time */
	unsigned count, size;
	struct ep_timer timer;
	struct epair_if *ifp; /* NULL: not begun */
	uint64_t start_ns;

	struct ep_mutex lock; /* guards what follows */
	unsigned done EP_GUARDED, refused EP_GUARDED;
	bool ended EP_GUARDED;
};

/* What can be done. One for `end` has no ends. */
struct ep_verb {
	const char *name;
	const char *takes; /* behind the ends, for errors; "" is nothing */
	/* Is that something it takes? May be NULL. */
	int (*check)(const char *rest, struct epair_err *err);
	int (*make)(
	    struct epair_if *ifp, const char *rest, struct epair_err *err);
};

/* scenario.c: the verbs, ended by a name of NULL. */
extern const struct ep_verb ep_verbs[];

/*
 * Cut sc->text, of len octets and a NUL, into steps. Returns 0; -EINVAL,
 * -ENOMEM with a sentence.
 */
int ep_scenario_cut(struct epair_scenario *sc, size_t len, const char *name,
    struct epair_err *err);

#endif /* EP_API_SCENARIO_PRIV_H */
