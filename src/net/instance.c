/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/instance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/error.h"
#include "base/guard.h"
#include "base/hash.h"
#include "base/sized.h"
#include "mbuf/pool.h"
#include "net/instance_life.h"
#include "net/vnet.h"
#include "sched/sched.h"

#define MBUFS_MAX       1048576u
#define LARGE_MBUFS_MAX 16384u
#define PAIRS_MAX       65536u
/* Frames that a pair may hold for each of its queues, and beside them. */
#define PAIR_MBUFS 8192u

static void
set_if_0(uint32_t *value, uint32_t otherwise)
{
	if (*value == 0)
		*value = otherwise;
}

int
ep_instance_opts(const struct epair_opts *opts, struct epair_opts *full,
    struct epair_err *err)
{
	int error;

	*full = (struct epair_opts){ .size = sizeof(*full) };
	error = ep_sized_take(
	    full, sizeof(*full), opts, "struct epair_opts", err);
	if (error != 0)
		return error;
	if ((unsigned)full->way > EPAIR_SIM)
		return ep_fail(err, -EINVAL, "way %d: there are 0 to %d",
		    (int)full->way, EPAIR_SIM);
	if (full->workers > EPAIR_WORKERS_MAX)
		return ep_fail(err, -EINVAL, "%u workers: at most %u",
		    full->workers, EPAIR_WORKERS_MAX);
	if (full->queues > EPAIR_WORKERS_MAX)
		return ep_fail(err, -EINVAL, "%u queues: at most %u",
		    full->queues, EPAIR_WORKERS_MAX);
	if (full->pairs_max > EPAIR_PAIRS_MAX)
		return ep_fail(err, -EINVAL, "%u pairs: at most %u",
		    full->pairs_max, EPAIR_PAIRS_MAX);
	set_if_0(&full->workers, 1);
	set_if_0(&full->queues, 1);
	/* Contract 6.1: with several queues each worker has a CPU. */
	full->pin |= full->queues > 1;
	set_if_0(&full->mbufs_max, MBUFS_MAX);
	set_if_0(&full->large_mbufs_max, LARGE_MBUFS_MAX);
	set_if_0(&full->pairs_max, PAIRS_MAX);
	set_if_0(&full->pair_mbufs_max, PAIR_MBUFS * (full->queues + 1));
	set_if_0(&full->vnet_mbufs_max, full->mbufs_max / 2);
	return 0;
}

static uint64_t
random_bits(void)
{
	uint64_t bits = 0;

	/* Without randomness addresses are as good as the machine's id. */
	(void)!getrandom(&bits, sizeof(bits), GRND_NONBLOCK);
	return bits;
}

static uint64_t
host_id_of(const struct epair_opts *opts)
{
	uint64_t machine = opts->seed;

	if (opts->host_id_set)
		return opts->host_id;
	/* Nothing of the machine's: a run is the same wherever it is run. */
	if (opts->way == EPAIR_SIM)
		return ep_hash_mix(ep_splitmix64(&machine),
		    opts->name != NULL ? opts->name : "");
	machine = ep_hash_machine();
	if (machine == 0)
		return 0;
	return opts->name != NULL ? ep_hash_mix(machine, opts->name)
				  : machine ^ random_bits();
}

static void
retire(void *arg, struct ep_thread *thr)
{
	ep_pool_retire(((struct epair *)arg)->pool, thr);
}

static void
instance_init(struct epair *ep)
{
	ep->host_id = host_id_of(&ep->opts);
	ep->opts.name = NULL; /* the caller's string */
	ep_rng_init(&ep->rng,
	    ep->opts.way == EPAIR_SIM ? ep->opts.seed : random_bits());
	ep_mutex_init(&ep->lock);
	ep_mutex_init(&ep->subs_lock);
	ep_mutex_init(&ep->hold_lock);
	ep_cond_init(&ep->hold_cond);
	ep_domain_init(&ep->domain, retire, ep);
	TAILQ_INIT(&ep->vnets);
	TAILQ_INIT(&ep->subs);
	ep_table_init(&ep->by_mac);
	ep_index_init(&ep->indexes, UINT32_MAX - 1);
}

int
ep_instance_create(
    const struct epair_opts *opts, struct epair **epp, struct epair_err *err)
{
	struct epair *ep = calloc(1, sizeof(*ep));
	struct epair_vnet *vnet0;
	int error = -ENOMEM;

	if (ep == NULL)
		return ep_fail(err, -ENOMEM, "no memory for an instance");
	ep->opts = *opts;
	if (opts->guard_sigbus)
		ep_guard_enable();
	instance_init(ep);
	ep->pool = ep_pool_create(
	    &ep->domain, opts->mbufs_max, opts->large_mbufs_max);
	if (ep->pool == NULL)
		(void)ep_fail(err, error, "no memory for the pool");
	else
		error = ep_sched_create(opts, &ep->sched, err);
	if (error == 0) {
		ep_lock(&ep->lock);
		error = ep_vnet_create(ep, "vnet0", NULL, &vnet0, err);
		ep_unlock(&ep->lock);
	}
	if (error == 0)
		error = ep_sched_start(ep->sched, err);
	if (error != 0) {
		ep_instance_destroy(ep);
		return error;
	}
	*epp = ep;
	return 0;
}

void
ep_instance_destroy(struct epair *ep)
{
	struct epair_vnet *vn;

	if (ep->sched != NULL)
		ep_sched_stop(ep->sched);
	ep_lock(&ep->lock);
	while ((vn = TAILQ_FIRST(&ep->vnets)) != NULL)
		ep_vnet_destroy(vn);
	ep_unlock(&ep->lock);
	if (ep->sched != NULL)
		ep_sched_destroy(ep->sched);
	/* Threads give their caches back to the pool before it goes. */
	ep_domain_fini(&ep->domain);
	if (ep->pool != NULL)
		ep_pool_destroy(ep->pool);
	ep_table_fini(&ep->by_mac);
	ep_index_fini(&ep->indexes);
	free(ep->by_index);
	ep_cond_fini(&ep->hold_cond);
	ep_mutex_fini(&ep->hold_lock);
	ep_mutex_fini(&ep->subs_lock);
	ep_mutex_fini(&ep->lock);
	if (ep->opts.guard_sigbus)
		ep_guard_disable();
	free(ep);
}
