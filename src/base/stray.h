/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/stray.h - closing a descriptor that a stranger has passed.
 *
 * Whoever receives descriptors has them before it can look at them, and must get
 * rid of those that it did not want. But close() has a file flushed by the
 * system that it is of, and waits for that; where a process of the stranger's is
 * that system (FUSE), for as long as it likes. And a TCP connection may be told
 * to linger. Such a one is closed by a thread of its own, for which nobody
 * waits; all else at once, as ever.
 *
 * Nobody but the kernel is asked what it is. There are at most THREADS_MAX such
 * threads; what finds none stays open, for better a descriptor less than a
 * worker.
 *
 * Locking: none needed; any thread.
 */
#ifndef EP_BASE_STRAY_H
#define EP_BASE_STRAY_H

#include <stdbool.h>

/* Takes fd. Never waits. */
void ep_stray_close(int fd);

/* Is it of no file system and no device: an eventfd, perhaps? */
bool ep_stray_has_no_type(int fd);

#endif /* EP_BASE_STRAY_H */
