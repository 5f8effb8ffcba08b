/* SPDX-License-Identifier: BSD-2-Clause */
/* rig.h - what a configuration call is tried on. */
#ifndef RIG_H
#define RIG_H

#include "oom.h"

/* An instance in simulated time with a pair; and how it was before. */
struct rig {
	struct epair *ep;
	struct epair_if *a, *b;
	const char *text; /* for the case: a name, kind, discipline ... */
	struct epair_if *made;
	struct epair_sub *sub;
	struct epair_capture *cap;
	char list[512];
	struct epair_usage usage;
	struct epair_if_info info;
	struct epair_err err;
	long allocations;
	unsigned descriptors;
};

/* How it is now. */
struct epair_if_info rig_info(struct epair_if *ifp);
void rig_look(struct rig *r);
/* It is as it was when it was looked at, and works. arg is a struct rig. */
void rig_same(void *arg);

int rig_setup(void **state);
int rig_teardown(void **state);

#define OOM_TEST(test) \
	cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)

#endif /* RIG_H */
