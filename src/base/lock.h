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

#include <pthread.h>
#include <sched.h>

#include "base/assert.h"

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

struct EP_CAPABILITY("mutex") ep_mutex {
	pthread_mutex_t m;
};

/* Adaptive: what it guards is short, and to sleep costs 50 us and more. */
static inline void
ep_mutex_init(struct ep_mutex *lock)
{
	pthread_mutexattr_t attr;

	EP_ZERO(pthread_mutexattr_init(&attr));
	EP_ZERO(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP));
	EP_ZERO(pthread_mutex_init(&lock->m, &attr));
	EP_ZERO(pthread_mutexattr_destroy(&attr));
}

static inline void
ep_mutex_fini(struct ep_mutex *lock)
{
	EP_ZERO(pthread_mutex_destroy(&lock->m));
}

static inline void
ep_lock(struct ep_mutex *lock) EP_ACQUIRES(*lock) EP_NO_TSA
{
	EP_ZERO(pthread_mutex_lock(&lock->m));
}

static inline void
ep_unlock(struct ep_mutex *lock) EP_RELEASES(*lock) EP_NO_TSA
{
	EP_ZERO(pthread_mutex_unlock(&lock->m));
}

struct ep_cond {
	pthread_cond_t c;
};

static inline void
ep_cond_init(struct ep_cond *cond)
{
	EP_ZERO(pthread_cond_init(&cond->c, NULL));
}

static inline void
ep_cond_fini(struct ep_cond *cond)
{
	EP_ZERO(pthread_cond_destroy(&cond->c));
}

static inline void
ep_cond_wait(struct ep_cond *cond, struct ep_mutex *lock)
    EP_REQUIRES(*lock) EP_NO_TSA
{
	EP_ZERO(pthread_cond_wait(&cond->c, &lock->m));
}

static inline void
ep_cond_broadcast(struct ep_cond *cond)
{
	EP_ZERO(pthread_cond_broadcast(&cond->c));
}

/*
 * A spin lock that gives way: on few CPUs its holder may be preempted, and
 * then spinning only keeps it from running.
 */
struct EP_CAPABILITY("spin") ep_spin {
	unsigned char held;
};

#define EP_SPINS_MAX 256

static inline void
ep_spin_init(struct ep_spin *lock)
{
	lock->held = 0;
}

static inline void
ep_spin_lock(struct ep_spin *lock) EP_ACQUIRES(*lock) EP_NO_TSA
{
	/* acquires what ep_spin_unlock() released */
	while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE)) {
		unsigned spins = 0;

		while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED))
			if (++spins % EP_SPINS_MAX == 0)
				sched_yield();
	}
}

static inline void
ep_spin_unlock(struct ep_spin *lock) EP_RELEASES(*lock) EP_NO_TSA
{
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

#endif /* EP_BASE_LOCK_H */
