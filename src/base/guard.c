/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handler may do next to nothing: it looks through a table that needs no
 * lock, and makes one system call.
 */
#include "base/guard.h"

#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/atomic.h"
#include "base/lock.h"

/* No fewer than there are mappings of strangers (attach/mapping.c). */
#define GUARDS_MAX 32768u

struct ep_guard {
	uintptr_t at; /* atomic; 0: free */
	size_t size; /* atomic */
	bool is_lost; /* atomic */
};

static struct ep_guard guards[GUARDS_MAX];
static unsigned used; /* atomic, grows: all behind are free */

/* Under lock, as is which guards are free. */
static struct ep_mutex lock = EP_MUTEX_INITIALIZER;
static unsigned enabled;
static struct sigaction before;

static struct ep_guard *
find(uintptr_t where)
{
	/* That of whoever may be in the memory was counted before it was there. */
	const unsigned count = ep_load_relaxed(&used);

	for (unsigned i = 0; i < count; i++) {
		/* acquires what ep_guard_add() released */
		uintptr_t at = ep_load_acquire(&guards[i].at);

		/* Looked at twice: it may just become another's. */
		if (at != 0 && where >= at &&
		    where - at < ep_load_relaxed(&guards[i].size) &&
		    ep_load_relaxed(&guards[i].at) == at)
			return &guards[i];
	}
	return NULL;
}

static bool
replace(struct ep_guard *guard)
{
	void *at = (void *)ep_load_relaxed(&guard->at); /* NOLINT: a number */
	size_t size = ep_load_relaxed(&guard->size);

	/* Of two threads at once the second replaces what the first did. */
	ep_store_relaxed(&guard->is_lost, true);
	return mmap(at, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
		   0) == at;
}

static void
on_sigbus(int sig, siginfo_t *info, void *context)
{
	struct ep_guard *guard = NULL;

	if (info->si_code > 0)
		guard = find((uintptr_t)info->si_addr);
	if (guard != NULL && replace(guard))
		return;
	if ((before.sa_flags & SA_SIGINFO) != 0) {
		before.sa_sigaction(sig, info, context);
		return;
	}
	if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
		before.sa_handler(sig);
		return;
	}
	/* As if we had never been there: the access is made again. */
	(void)sigaction(SIGBUS, &before, NULL);
	if (info->si_code <= 0)
		(void)raise(sig);
}

static bool
is_ours(void)
{
	struct sigaction now;

	EP_ZERO(sigaction(SIGBUS, NULL, &now));
	return (now.sa_flags & SA_SIGINFO) != 0 &&
	       now.sa_sigaction == on_sigbus;
}

void
ep_guard_enable(void)
{
	struct sigaction ours = { .sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO | SA_ONSTACK };

	(void)sigemptyset(&ours.sa_mask);
	ep_lock(&lock);
	enabled++;
	if (!is_ours()) {
		EP_ZERO(sigaction(SIGBUS, NULL, &before));
		EP_ZERO(sigaction(SIGBUS, &ours, NULL));
	}
	ep_unlock(&lock);
}

void
ep_guard_disable(void)
{
	ep_lock(&lock);
	if (--enabled == 0 && is_ours())
		EP_ZERO(sigaction(SIGBUS, &before, NULL));
	ep_unlock(&lock);
}

struct ep_guard *
ep_guard_add(void *at, size_t size)
{
	struct ep_guard *guard = NULL;

	ep_lock(&lock);
	for (unsigned i = 0; i < GUARDS_MAX && guard == NULL; i++)
		if (ep_load_relaxed(&guards[i].at) == 0)
			guard = &guards[i];
	if (guard != NULL) {
		if (guard >= guards + ep_load_relaxed(&used))
			ep_store_relaxed(&used, (unsigned)(guard - guards) + 1);
		ep_store_relaxed(&guard->size, size);
		ep_store_relaxed(&guard->is_lost, false);
		/* acquired by find() */
		ep_store_release(&guard->at, (uintptr_t)at);
	}
	ep_unlock(&lock);
	return guard;
}

void
ep_guard_remove(struct ep_guard *guard)
{
	ep_lock(&lock);
	ep_store_relaxed(&guard->at, 0);
	ep_unlock(&lock);
}

bool
ep_guard_is_lost(const struct ep_guard *guard)
{
	return ep_load_relaxed(&guard->is_lost);
}
