/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/run.h"

#include "base/atomic.h"

_Thread_local const struct ep_run *ep_runs;

/* A thread that is in a callback waits. */
static bool callback_waits; /* atomic */

bool
ep_run_any(const struct epair *ep)
{
	for (const struct ep_run *run = ep_runs; run != NULL; run = run->outer)
		if (run->ep == ep)
			return true;
	return false;
}

bool
ep_run_may_wait(const void *what)
{
	if (ep_runs == NULL)
		return true;
	for (const struct ep_run *run = ep_runs; run != NULL; run = run->outer)
		if (run->what == what)
			return false;
	return !ep_swap_acq_rel(&callback_waits, true);
}

void
ep_run_await(struct epair *ep, const bool *done)
{
	ep_lock(&ep->hold_lock);
	while (!*done)
		ep_cond_wait(&ep->hold_cond, &ep->hold_lock);
	ep_unlock(&ep->hold_lock);
	/* acquired by the next one's ep_run_may_wait() */
	if (ep_runs != NULL)
		ep_store_release(&callback_waits, false);
}

void
ep_run_done(struct epair *ep, bool *done)
{
	if (done == NULL)
		return;
	ep_lock(&ep->hold_lock);
	*done = true;
	ep_cond_broadcast(&ep->hold_cond);
	ep_unlock(&ep->hold_lock);
}

void
ep_run_teardown_begun(struct epair *ep)
{
	ep_lock(&ep->hold_lock);
	ep->teardowns++;
	ep_unlock(&ep->hold_lock);
}

void
ep_run_teardown_over(struct epair *ep)
{
	ep_lock(&ep->hold_lock);
	if (--ep->teardowns == 0)
		ep_cond_broadcast(&ep->hold_cond);
	ep_unlock(&ep->hold_lock);
}

void
ep_run_await_teardowns(struct epair *ep)
{
	ep_lock(&ep->hold_lock);
	while (ep->teardowns > 0)
		ep_cond_wait(&ep->hold_cond, &ep->hold_lock);
	ep_unlock(&ep->hold_lock);
}
