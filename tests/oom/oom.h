/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oom.h - allocations and descriptors that fail when they are told to.
 *
 * malloc() and its kin, eventfd(), epoll_create1(), timerfd_create() and
 * pthread_create() of the library are wrapped by the linker (meson.build). What
 * other libraries allocate is not.
 */
#ifndef OOM_H
#define OOM_H

#include "life/life.h"

/*
 * Have the k-th of these fail, from 0, and, if `all`, each one after it: in the
 * calling thread, until oom_end().
 */
void oom_begin(long k, bool all);
/* In every thread: all of them, until oom_end(). */
void oom_begin_everywhere(void);
/* Returns whether any failed. */
bool oom_end(void);

/* Allocations that have not been freed, and open descriptors. */
long oom_allocations(void);
unsigned oom_descriptors(void);

/* Something that is tried, and what is so as long as it has not succeeded. */
struct oom_case {
	const char *name;
	int (*try)(void *arg);
	void (*undo)(void *arg);
	void (*same)(void *arg);
};

/*
 * Try with the k-th failing, for every k; then with all from the k-th on. A
 * failure is -ENOMEM, or -EMFILE or -EAGAIN where a descriptor or thread was
 * not to be had, with a sentence in err if that is not NULL, and leaves things
 * as they were. Ends with what was tried undone.
 */
void oom_try(const struct oom_case *c, void *arg, struct epair_err *err);

#endif /* OOM_H */
