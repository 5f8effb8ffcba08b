/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/atomic.h - atomic operations with the order in the name.
 *
 * Over plain objects of integer and pointer types. Each acquire's comment
 * names the release that it pairs with.
 */
#ifndef EP_BASE_ATOMIC_H
#define EP_BASE_ATOMIC_H

/* Octets of a cache line: what CPUs hand each other. */
#define EP_LINE 64u

#define ep_load_relaxed(p)     __atomic_load_n((p), __ATOMIC_RELAXED)
#define ep_load_acquire(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define ep_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define ep_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define ep_load_seq_cst(p)     __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define ep_store_seq_cst(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define ep_add_relaxed(p, v)   __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define ep_sub_relaxed(p, v)   __atomic_fetch_sub((p), (v), __ATOMIC_RELAXED)
#define ep_add_acq_rel(p, v)   __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
#define ep_sub_acq_rel(p, v)   __atomic_fetch_sub((p), (v), __ATOMIC_ACQ_REL)
#define ep_or_acq_rel(p, v)    __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define ep_swap_acq_rel(p, v)  __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)

/*
 * For a counter with one writer at a time and readers at any time: not a
 * locked instruction.
 */
#define ep_count_add(p, v) ep_store_relaxed((p), ep_load_relaxed(p) + (v))

/*
 * Begin to fetch a cache line that another core has and that will be written.
 * An atomic operation waits for every store before it, one line after the
 * other; lines that were asked for early come at the same time.
 */
static inline void
ep_fetch_own(const void *p)
{
#if defined(__x86_64__)
	/* Without -mprfchw compilers would fetch it for reading only. */
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)p));
#else
	__builtin_prefetch(p, 1);
#endif
}

/* In a loop that waits for another core: leave it the lines for a moment. */
static inline void
ep_cpu_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb");
#endif
}

#endif /* EP_BASE_ATOMIC_H */
