/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include <epair/epair.h>

#include "attach/opener.h"
#include "base/atomic.h"
#include "base/error.h"
#include "base/sized.h"
#include "mbuf/pool.h"
#include "net/instance_life.h"
#include "net/run.h"
#include "net/vnet.h"
#include "pair/pair.h"

int
epair_new(
    const struct epair_opts *opts, struct epair **ep, struct epair_err *err)
{
	struct epair_opts full;
	int error = ep_instance_opts(opts, &full, err);

	return error != 0 ? error : ep_instance_create(&full, ep, err);
}

/* Does the program hold anything but mbufs? */
static bool
is_referenced(struct epair *ep) EP_REQUIRES(ep->lock)
{
	struct epair_vnet *vn;
	struct ep_pair *pair;
	bool held;

	ep_lock(&ep->subs_lock);
	held = ep->sub_count > 0;
	ep_unlock(&ep->subs_lock);
	held |= ep_load_relaxed(&ep->capture_count) > 0;
	held |= ep_load_relaxed(&ep->pairs_unfreed) > ep->pair_count;
	TAILQ_FOREACH(vn, &ep->vnets, link)
		TAILQ_FOREACH(pair, &vn->pairs, link)
			held |= ep_load_relaxed(&pair->refs) > 1;
	return held;
}

/* Newest first, as the end of a vnet. */
static void
destroy_pairs(struct epair *ep) EP_REQUIRES(ep->lock) EP_NO_TSA
{
	struct epair_vnet *vn;
	struct ep_pair *pair;

	TAILQ_FOREACH(vn, &ep->vnets, link)
		while ((pair = TAILQ_LAST(&vn->pairs, ep_pair_list)) != NULL) {
			ep_pair_ref(pair);
			ep_unlock(&ep->lock);
			(void)ep_pair_destroy(&pair->ends[0], NULL);
			ep_pair_put(pair);
			ep_lock(&ep->lock);
		}
}

int
epair_free(struct epair *ep)
{
	if (ep == NULL)
		return 0;
	if (ep_run_any(ep) || ep_sched_inside(ep->sched))
		return -EDEADLK;
	/* What callbacks destroyed may still be on its way out. */
	ep_run_await_teardowns(ep);
	ep_lock(&ep->lock);
	if (is_referenced(ep)) {
		ep_unlock(&ep->lock);
		return -EBUSY;
	}
	destroy_pairs(ep);
	ep_unlock(&ep->lock);
	if (ep_pool_used(ep->pool) > 0)
		return -EBUSY;
	ep_opener_stop(ep);
	ep_instance_destroy(ep);
	return 0;
}

void
epair_set_host_id(struct epair *ep, uint64_t host_id)
{
	ep_lock(&ep->lock);
	ep->host_id = host_id;
	ep_unlock(&ep->lock);
}

uint64_t
epair_now(const struct epair *ep)
{
	return ep_sched_now(ep->sched);
}

int
epair_fd(struct epair *ep, unsigned worker)
{
	return ep_sched_fd(ep->sched, worker);
}

int
epair_dispatch(struct epair *ep, unsigned worker, unsigned budget)
{
	return ep_sched_dispatch(ep->sched, worker, budget);
}

int
epair_step(struct epair *ep, unsigned n)
{
	return ep_sched_step(ep->sched, n);
}

int
epair_run(struct epair *ep, unsigned max)
{
	return ep_sched_run(ep->sched, max);
}

int
epair_advance(struct epair *ep, uint64_t ns)
{
	return ep_sched_advance(ep->sched, ns);
}

int
epair_advance_until(
    struct epair *ep, uint64_t ns, int (*is_met)(void *arg), void *arg)
{
	return ep_sched_advance_until(ep->sched, ns, is_met, arg);
}

uint64_t
epair_next_timer(struct epair *ep)
{
	return ep_sched_next_timer(ep->sched);
}

int
epair_get_usage(struct epair *ep, struct epair_usage *u)
{
	struct epair_usage all = {
		.size = sizeof(all),
		.mbufs = ep_pool_used(ep->pool),
		.tasks_waiting = ep_sched_waiting(ep->sched),
	};

	ep_lock(&ep->lock);
	all.pairs = ep->pair_count;
	all.interfaces = 2 * ep_load_relaxed(&ep->pairs_unfreed);
	all.vnets = ep->vnet_count;
	ep_unlock(&ep->lock);
	return ep_sized_give(u, &all, sizeof(all));
}
