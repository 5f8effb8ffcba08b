/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two things may end first, a thread or a domain, and both must find what they
 * share: so all lists are under one lock of the process. It is taken when a
 * thread first uses a domain, when a thread ends, and when a domain ends.
 */
#include "base/domain.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/lock.h"

_Thread_local struct ep_thread_cache ep_thread_last;

static _Thread_local struct ep_thread_list owned_here;

static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool have_key;
static uint64_t last_serial;

/* A thread ends: its records wait for another owner. */
static void
thread_ends(void *list)
{
	struct ep_thread_list *owned = list;
	struct ep_thread *thr;

	EP_ZERO(pthread_mutex_lock(&registry));
	while ((thr = LIST_FIRST(owned)) != NULL) {
		LIST_REMOVE(thr, in_owner);
		thr->domain->retire(thr->domain->arg, thr);
		thr->owned = false;
	}
	EP_ZERO(pthread_mutex_unlock(&registry));
	ep_thread_last.serial = 0;
}

static void
make_key(void)
{
	have_key = pthread_key_create(&key, thread_ends) == 0;
}

/* The library is unloaded: no thread may call into it when it ends. */
__attribute__((destructor)) static void
drop_key(void)
{
	if (have_key)
		(void)pthread_key_delete(key);
	have_key = false;
}

void
ep_domain_init(struct ep_domain *dom,
    void (*retire)(void *arg, struct ep_thread *thr), void *arg)
{
	EP_ZERO(pthread_once(&once, make_key));
	ck_epoch_init(&dom->epoch);
	LIST_INIT(&dom->threads);
	dom->retire = retire;
	dom->arg = arg;
	dom->serial = ep_add_relaxed(&last_serial, 1) + 1;
}

void
ep_domain_fini(struct ep_domain *dom)
{
	struct ep_thread *thr;

	EP_ZERO(pthread_mutex_lock(&registry));
	while ((thr = LIST_FIRST(&dom->threads)) != NULL) {
		LIST_REMOVE(thr, in_domain);
		if (thr->owned)
			LIST_REMOVE(thr, in_owner);
		dom->retire(dom->arg, thr);
		free(thr);
	}
	EP_ZERO(pthread_mutex_unlock(&registry));
}

void
ep_domain_each(struct ep_domain *dom,
    void (*fn)(void *arg, struct ep_thread *thr), void *arg)
{
	struct ep_thread *thr;

	EP_ZERO(pthread_mutex_lock(&registry));
	LIST_FOREACH(thr, &dom->threads, in_domain)
		fn(arg, thr);
	EP_ZERO(pthread_mutex_unlock(&registry));
}

/* One that this thread has already, or one that an ended thread left. */
static struct ep_thread *
find(struct ep_domain *dom)
{
	struct ep_thread *thr;

	LIST_FOREACH(thr, &owned_here, in_owner)
		if (thr->domain == dom)
			return thr;
	LIST_FOREACH(thr, &dom->threads, in_domain)
		if (!thr->owned) {
			thr->owned = true;
			LIST_INSERT_HEAD(&owned_here, thr, in_owner);
			return thr;
		}
	return NULL;
}

static struct ep_thread *
make(struct ep_domain *dom)
{
	struct ep_thread *thr = aligned_alloc(
	    _Alignof(struct ep_thread), sizeof(*thr));

	if (thr == NULL)
		return NULL;
	*thr = (struct ep_thread){ .domain = dom, .owned = true };
	ck_epoch_register(&dom->epoch, &thr->record, NULL);
	LIST_INSERT_HEAD(&dom->threads, thr, in_domain);
	LIST_INSERT_HEAD(&owned_here, thr, in_owner);
	return thr;
}

struct ep_thread *
ep_thread_register(struct ep_domain *dom)
{
	struct ep_thread *thr = NULL;

	EP_ZERO(pthread_mutex_lock(&registry));
	if (have_key && pthread_setspecific(key, &owned_here) == 0) {
		thr = find(dom);
		if (thr == NULL)
			thr = make(dom);
	}
	EP_ZERO(pthread_mutex_unlock(&registry));
	if (thr != NULL)
		ep_thread_last = (struct ep_thread_cache){ dom->serial, thr };
	return thr;
}

static void
give_way(ck_epoch_t *epoch, ck_epoch_record_t *record, void *arg)
{
	(void)epoch;
	(void)record;
	(void)arg;
	(void)sched_yield();
}

void
ep_epoch_wait(struct ep_domain *dom)
{
	/* After this whoever's section cannot be seen sees what was done. */
	ep_barrier_heavy();
	ck_epoch_synchronize_wait(&dom->epoch, give_way, NULL);
	/* acquires what ep_epoch_end() released; TSan cannot see into ck */
	EP_TSAN_ACQUIRE(&dom->epoch);
}
