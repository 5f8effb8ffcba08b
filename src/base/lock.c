/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/lock.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"

/* What is guarded is short, and to sleep costs 50 us and more. */
#define SPINS_MAX 100u

/* As often a spin lock is looked at before another may have the CPU. */
#define LOOKS_MAX 256u

/* Until the word is not `seen`; or, as a signal may end it, earlier. */
static void
sleep_while(uint32_t *word, uint32_t seen)
{
	(void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void
wake(uint32_t *word, int count)
{
	(void)syscall(
	    SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

void
ep_mutex_wait(struct ep_mutex *lock)
{
	for (unsigned i = 0; i < SPINS_MAX; i++) {
		if (ep_load_relaxed(&lock->state) == EP_MUTEX_FREE &&
		    ep_mutex_take(lock))
			return;
		ep_cpu_pause();
	}
	/*
	 * Who has slept cannot know whether others still do, so it leaves the
	 * lock WANTED: at worst somebody is woken for nothing.
	 */
	/* acquires what ep_unlock() released */
	while (__atomic_exchange_n(&lock->state, EP_MUTEX_WANTED,
		   __ATOMIC_ACQUIRE) != EP_MUTEX_FREE)
		sleep_while(&lock->state, EP_MUTEX_WANTED);
}

void
ep_mutex_wake(struct ep_mutex *lock)
{
	wake(&lock->state, 1);
}

void
ep_cond_wait(struct ep_cond *cond, struct ep_mutex *lock) EP_NO_TSA
{
	uint32_t seen = ep_load_relaxed(&cond->told);

	ep_unlock(lock);
	sleep_while(&cond->told, seen);
	ep_lock(lock);
}

void
ep_cond_broadcast(struct ep_cond *cond)
{
	(void)ep_add_relaxed(&cond->told, 1);
	wake(&cond->told, INT_MAX);
}

void
ep_spin_wait(struct ep_spin *lock)
{
	/* acquires what ep_spin_unlock() released */
	do {
		for (unsigned i = 1; ep_load_relaxed(&lock->held); i++)
			if (i % LOOKS_MAX == 0)
				(void)sched_yield();
	} while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE));
}
