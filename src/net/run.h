/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net/run.h - which callbacks the calling thread is in, and waiting for those
 * of others.
 *
 * Theory. Destroy and detach promise that no callback runs any more when they
 * return. A thread that is itself in such a callback cannot wait for it: what
 * is left to do is then done by whoever leaves last. And two threads, each in
 * a callback that destroys what the other is in, would wait for each other: so
 * at most one thread that is in a callback waits at a time, and a second one
 * leaves the rest to be done later too. A thread in no callback can always
 * wait, since nobody waits for it.
 *
 * A callback of one instance may destroy in another, so this is a matter of the
 * process and not of instances. What a stack does when it is released counts as
 * a callback too: a program is told so (epair_stack's detached) and may call
 * anything then.
 */
#ifndef EP_NET_RUN_H
#define EP_NET_RUN_H

#include <stdbool.h>

#include "base/domain.h"
#include "net/instance.h"

/* One thing that a thread is in: a pair's task, a stack's callback. */
struct ep_run {
	const struct ep_run *outer;
	const struct epair *ep;
	const void *what; /* told by address, never looked into */
};

extern _Thread_local const struct ep_run *ep_runs
    __attribute__((visibility("hidden"), tls_model("initial-exec")));

static inline void
ep_run_enter(struct ep_run *run, const struct epair *ep, const void *what)
{
	*run = (struct ep_run){ .outer = ep_runs, .ep = ep, .what = what };
	ep_runs = run;
}

static inline void
ep_run_leave(void)
{
	ep_runs = ep_runs->outer;
}

/* Is the calling thread in any callback of the instance? */
bool ep_run_any(const struct epair *ep);

/*
 * May the calling thread wait for `what`? If so, true, and ep_run_await() must
 * follow.
 */
bool ep_run_may_wait(const void *what);

/* Wait until *done, which ep_run_done() sets. */
void ep_run_await(struct epair *ep, const bool *done);

/*
 * Destroy has begun to tear a pair down; and it is over, its memory the
 * program's references' alone. Wait until none is under way.
 */
void ep_run_teardown_begun(struct epair *ep);
void ep_run_teardown_over(struct epair *ep);
void ep_run_await_teardowns(struct epair *ep);

/* Set *done, which may be NULL, and tell who waits. */
void ep_run_done(struct epair *ep, bool *done);

#endif /* EP_NET_RUN_H */
