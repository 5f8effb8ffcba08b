/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attack.h - what the attacks on attachments stand on: an instance with one
 * worker, epair0a for the attacked, a sink at its other end, and epair1 with a
 * bystander's frames. What every attack must leave as it was is checked when it
 * ends: the bystander has lost none, the events were few, and no descriptor,
 * mbuf or path is left behind.
 */
#ifndef ATTACK_H
#define ATTACK_H

#include "unit/api/rig.h"

struct attack {
	struct epair *ep;
	struct epair_if *a, *b; /* the attacked */
	struct epair_if *source, *sink; /* the bystander's */
	struct epair_sub *sub;
	unsigned events;
	char said[128];
	uint64_t began_s;
	unsigned fds;
	char folder[32], path[48];
};

int attack_setup(void **state);
int attack_setup_guarded(void **state); /* SIGBUS is handled */
int attack_teardown(void **state);

#define ATTACK_TEST(test) \
	cmocka_unit_test_setup_teardown(test, attack_setup, attack_teardown)

uint64_t now_s(void);
void hear(struct attack *t);
struct epair_progress progress(struct epair_if *ifp);

#define AWAIT_ATTACK(t, e) \
	do { \
		uint64_t since_ = now_s(); \
		while (!(e)) { \
			(void)usleep(1000); \
			hear(t); \
			if (now_s() > since_ + 30) \
				fail_msg("still not: %s", #e); \
		} \
	} while (0)

/* A pair, both ends UP. */
void up(struct epair *ep, const char *name, struct epair_if **a,
    struct epair_if **b);
/* Attach, by a kind and keys, to which t->path is added. */
void attack_attach(struct attack *t, struct epair_if *ifp, const char *spec);
/* Have frames go out to whoever is the peer. */
void flood(struct attack *t);

#endif /* ATTACK_H */
