/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/lock.h - locks the compiler can reason about.
 *
 *	ep_mutex  may sleep; for configuration
 *	ep_spin   held for a few hundred cycles at most, never across a call
 *	          out of its file; for queues and depots
 *	ep_cond   waits under an ep_mutex
 *
 * Under clang with -Wthread-safety, touching an EP_GUARDED field with no lock
 * held is a build error. Under gcc the words are plain comments. (clang 14
 * reads no guarded_by(member) in C, so a field cannot name its lock: the
 * struct comment does, and EP_REQUIRES on each function is exact.)
 */
#ifndef EP_BASE_LOCK_H
#define EP_BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/tsan.h"

#if defined(__clang__)
#define EP_TSA(x) __attribute__((x))
#else
#define EP_TSA(x)
#endif

#define EP_CAPABILITY(name) EP_TSA(capability(name))
#define EP_GUARDED          EP_TSA(guarded_var)
#define EP_REQUIRES(lock)   EP_TSA(requires_capability(lock))
#define EP_ACQUIRES(lock)   EP_TSA(acquire_capability(lock))
#define EP_RELEASES(lock)   EP_TSA(release_capability(lock))
#define EP_NO_TSA           EP_TSA(no_thread_safety_analysis)

/*
 * One word, by futex(2): whoever comes while it is HELD spins for a moment,
 * then makes it WANTED and sleeps, and whoever gives up a lock that is WANTED
 * wakes one. It may be freed as soon as it was taken again after that: nothing of it
 * is touched once it is free. For a short way in and out; pthread's takes 65
 * instructions, with checks for kinds of mutexes that we have not.
 */
struct EP_CAPABILITY("mutex") ep_mutex {
	uint32_t state; /* atomic: enum ep_mutex_state */
};

enum ep_mutex_state { EP_MUTEX_FREE, EP_MUTEX_HELD, EP_MUTEX_WANTED };

#define EP_MUTEX_INITIALIZER \
	{ \
		EP_MUTEX_FREE \
	}

void ep_mutex_wait(struct ep_mutex *lock);
void ep_mutex_wake(struct ep_mutex *lock);

static inline void
ep_mutex_init(struct ep_mutex *lock)
{
	lock->state = EP_MUTEX_FREE;
	EP_TSAN_MUTEX_CREATE(lock);
}

static inline void
ep_mutex_fini(struct ep_mutex *lock)
{
	EP_TSAN_MUTEX_DESTROY(lock);
	EP_DEBUG(lock->state == EP_MUTEX_FREE);
}

/* Make a FREE one HELD; false if it is not. */
static inline bool
ep_mutex_take(struct ep_mutex *lock)
{
	uint32_t found = EP_MUTEX_FREE;

	/* acquires what ep_unlock() released */
	return __atomic_compare_exchange_n(&lock->state, &found, EP_MUTEX_HELD,
	    false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void
ep_lock(struct ep_mutex *lock) EP_ACQUIRES(*lock) EP_NO_TSA
{
	EP_TSAN_MUTEX_PRE_LOCK(lock);
	if (!ep_mutex_take(lock))
		ep_mutex_wait(lock);
	EP_TSAN_MUTEX_POST_LOCK(lock);
}

static inline void
ep_unlock(struct ep_mutex *lock) EP_RELEASES(*lock) EP_NO_TSA
{
	EP_TSAN_MUTEX_PRE_UNLOCK(lock);
	if (__atomic_exchange_n(&lock->state, EP_MUTEX_FREE,
		__ATOMIC_RELEASE) == EP_MUTEX_WANTED)
		ep_mutex_wake(lock);
	EP_TSAN_MUTEX_POST_UNLOCK(lock);
}

/* A count of broadcasts, on which its waiters sleep. */
struct ep_cond {
	uint32_t told; /* atomic */
};

static inline void
ep_cond_init(struct ep_cond *cond)
{
	cond->told = 0;
}

static inline void
ep_cond_fini(struct ep_cond *cond)
{
	(void)cond;
}

void ep_cond_wait(struct ep_cond *cond, struct ep_mutex *lock)
    EP_REQUIRES(*lock);

/* With the lock held. */
void ep_cond_broadcast(struct ep_cond *cond);

/*
 * A spin lock that gives way: on few CPUs its holder may be preempted, and
 * then spinning only keeps it from running.
 */
struct EP_CAPABILITY("spin") ep_spin {
	unsigned char held;
};

static inline void
ep_spin_init(struct ep_spin *lock)
{
	lock->held = 0;
}

/* Apart, so that who finds it free has all registers for itself. */
void ep_spin_wait(struct ep_spin *lock) __attribute__((cold, noinline));

static inline void
ep_spin_lock(struct ep_spin *lock) EP_ACQUIRES(*lock) EP_NO_TSA
{
	/* acquires what ep_spin_unlock() released */
	if (__builtin_expect(
		__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE), 0))
		ep_spin_wait(lock);
}

static inline void
ep_spin_unlock(struct ep_spin *lock) EP_RELEASES(*lock) EP_NO_TSA
{
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

#endif /* EP_BASE_LOCK_H */
