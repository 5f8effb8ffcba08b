/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/tsan.h - what ThreadSanitizer must be told of.
 *
 * It sees no order that fences make, and takes a lock of ours for mere atomics:
 * told that it is a lock, it minds in which order locks are taken, too.
 */
#ifndef EP_BASE_TSAN_H
#define EP_BASE_TSAN_H

#if defined(__SANITIZE_THREAD__)
#define EP_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define EP_TSAN 1
#endif
#endif

#ifdef EP_TSAN
#include <sanitizer/tsan_interface.h>

#define EP_TSAN_ACQUIRE(p)           __tsan_acquire(p)
#define EP_TSAN_RELEASE(p)           __tsan_release(p)
#define EP_TSAN_MUTEX_CREATE(p)      __tsan_mutex_create((p), 0)
#define EP_TSAN_MUTEX_DESTROY(p)     __tsan_mutex_destroy((p), 0)
#define EP_TSAN_MUTEX_PRE_LOCK(p)    __tsan_mutex_pre_lock((p), 0)
#define EP_TSAN_MUTEX_POST_LOCK(p)   __tsan_mutex_post_lock((p), 0, 0)
#define EP_TSAN_MUTEX_PRE_UNLOCK(p)  (void)__tsan_mutex_pre_unlock((p), 0)
#define EP_TSAN_MUTEX_POST_UNLOCK(p) __tsan_mutex_post_unlock((p), 0)
#else
#define EP_TSAN_ACQUIRE(p)           ((void)(p))
#define EP_TSAN_RELEASE(p)           ((void)(p))
#define EP_TSAN_MUTEX_CREATE(p)      ((void)(p))
#define EP_TSAN_MUTEX_DESTROY(p)     ((void)(p))
#define EP_TSAN_MUTEX_PRE_LOCK(p)    ((void)(p))
#define EP_TSAN_MUTEX_POST_LOCK(p)   ((void)(p))
#define EP_TSAN_MUTEX_PRE_UNLOCK(p)  ((void)(p))
#define EP_TSAN_MUTEX_POST_UNLOCK(p) ((void)(p))
#endif

#endif /* EP_BASE_TSAN_H */
