/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/run.h"

static const struct ep_run *
runs_of(struct epair *ep)
{
	struct ep_thread *thr = ep_thread_self(&ep->domain);

	return thr != NULL ? thr->runs : NULL;
}

bool
ep_run_any(struct epair *ep)
{
	return runs_of(ep) != NULL;
}

bool
ep_run_may_wait(struct epair *ep, const void *what)
{
	const struct ep_run *run = runs_of(ep);
	bool may;

	if (run == NULL)
		return true;
	for (; run != NULL; run = run->outer)
		if (run->what == what)
			return false;
	ep_lock(&ep->hold_lock);
	may = !ep->callback_waits;
	ep->callback_waits = true;
	ep_unlock(&ep->hold_lock);
	return may;
}

void
ep_run_await(struct epair *ep, const bool *done)
{
	ep_lock(&ep->hold_lock);
	while (!*done)
		ep_cond_wait(&ep->hold_cond, &ep->hold_lock);
	if (runs_of(ep) != NULL)
		ep->callback_waits = false;
	ep_unlock(&ep->hold_lock);
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
