/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/guard.h - surviving memory that somebody else takes away.
 *
 * A file that is mapped and then made shorter, or a huge page that is not to be
 * had, turns an access into a SIGBUS. Under a guard it does not: the first such
 * access has all of the guarded memory replaced by zeros of our own, at the
 * same place, and the guard is lost. Whoever reads or writes goes on, in memory
 * that nobody else sees, and looks at the end of its work whether it was in
 * vain. So reading and writing cost nothing more, and have no way out to be
 * kept tidy.
 *
 * The handler of SIGBUS belongs to the program, so it is taken only by one that
 * says so (guard_sigbus of <epair/instance.h>). A SIGBUS that is not of guarded
 * memory is handed to the handler that was there before.
 *
 *	guard	meaning				left by
 *	whole	the memory is the file's	an access to what is not there
 *	lost	the memory is ours		ep_guard_remove
 *
 * Locking: add and remove any thread. The memory stays mapped from add until
 * remove, and nobody is in it by then.
 */
#ifndef EP_BASE_GUARD_H
#define EP_BASE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

struct ep_guard;

/*
 * Take the handler of SIGBUS, also from whoever took it meanwhile; and give it
 * back. Counted.
 * A worker's thread has SIGBUS unblocked; a program's own loop must, too.
 */
void ep_guard_enable(void);
void ep_guard_disable(void);

/*
 * Guard memory that begins at a page and is whole pages long, huge ones where
 * it is of those. Returns NULL if there are GUARDS_MAX already.
 */
struct ep_guard *ep_guard_add(void *at, size_t size);
void ep_guard_remove(struct ep_guard *guard);

bool ep_guard_is_lost(const struct ep_guard *guard);

#endif /* EP_BASE_GUARD_H */
