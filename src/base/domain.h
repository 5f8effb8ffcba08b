/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/domain.h - the threads that use an instance, and its epoch.
 *
 * A domain is the part of an instance that knows about threads. Every thread
 * that uses it has one struct ep_thread in it: made on first use, handed on to
 * another thread when its own has ended, freed with the domain.
 *
 * The epoch (Concurrency Kit's ck_epoch, on which FreeBSD's net epoch is
 * built) tells when nobody can see a thing any more that was unlinked: readers
 * look only within a section, and ep_epoch_wait() returns when every section
 * that was open has ended. A section never waits, calls no callback, takes no
 * lock that is held across one, and does not configure.
 */
#ifndef EP_BASE_DOMAIN_H
#define EP_BASE_DOMAIN_H

#include <ck_epoch.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/atomic.h"
#include "base/barrier.h"
#include "base/tsan.h"

struct ep_mcache;

struct ep_thread {
	ck_epoch_record_t record;
	struct ep_domain *domain;
	struct ep_mcache *mcache; /* mbuf/pool.c's; NULL until used */
	LIST_ENTRY(ep_thread) in_domain; /* under the registry's lock */
	LIST_ENTRY(ep_thread) in_owner; /* under the registry's lock */
	bool owned; /* under the registry's lock */
};

LIST_HEAD(ep_thread_list, ep_thread);

struct ep_domain {
	ck_epoch_t epoch;
	uint64_t serial; /* never used twice in a process */
	struct ep_thread_list threads; /* under the registry's lock */
	/*
	 * A thread ends or the domain does: give back what it had set aside.
	 * Called with the registry locked; arg is as given to init.
	 */
	void (*retire)(void *arg, struct ep_thread *thr);
	void *arg;
};

void ep_domain_init(struct ep_domain *dom,
    void (*retire)(void *arg, struct ep_thread *thr), void *arg);

/* No thread may be using it any more. Retires all of them. */
void ep_domain_fini(struct ep_domain *dom);

/* Call fn for each thread of the domain, those of ended threads included. */
void ep_domain_each(struct ep_domain *dom,
    void (*fn)(void *arg, struct ep_thread *thr), void *arg);

struct ep_thread *ep_thread_register(struct ep_domain *dom);

struct ep_thread_cache {
	uint64_t serial;
	struct ep_thread *thr;
};

/* Asked for several times a burst: by offset, without a call. */
extern _Thread_local struct ep_thread_cache ep_thread_last
    __attribute__((visibility("hidden"), tls_model("initial-exec")));

/* The calling thread's record. NULL when there was no memory to make one. */
static inline struct ep_thread *
ep_thread_self(struct ep_domain *dom)
{
	if (__builtin_expect(ep_thread_last.serial == dom->serial, 1))
		return ep_thread_last.thr;
	return ep_thread_register(dom);
}

/*
 * What is read within must not be read before the section can be seen. Where
 * the fence is ep_epoch_wait()'s it is ck_epoch_begin() but for that: a frame
 * has no fence to wait at.
 */
static inline void
ep_epoch_begin(struct ep_thread *thr)
{
	ck_epoch_record_t *record = &thr->record;

	if (!ep_barrier_works || record->active != 0) {
		ck_epoch_begin(record, NULL);
		return;
	}
	ep_store_relaxed(&record->active, 1);
	ep_barrier_light();
	ep_store_relaxed(
	    &record->epoch, ep_load_relaxed(&record->global->epoch));
}

static inline void
ep_epoch_end(struct ep_thread *thr)
{
	/* acquired by ep_epoch_wait() */
	EP_TSAN_RELEASE(&thr->domain->epoch);
	(void)ck_epoch_end(&thr->record, NULL);
}

/* Wait until every section that is open now has ended. Not from within one. */
void ep_epoch_wait(struct ep_domain *dom);

#endif /* EP_BASE_DOMAIN_H */
