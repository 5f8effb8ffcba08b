/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/bell.h - signalling an eventfd that a stranger has too.
 *
 * write() on an eventfd whose counter is full sleeps until somebody reads, and
 * O_NONBLOCK belongs to all who have it: a peer that fills the counter and
 * clears the flag would have our worker, and every cable on it, asleep. The
 * kernel's own way of signalling never sleeps, and asynchronous I/O is a way to
 * have it do so: we read nothing from an empty file, and ask for the eventfd to
 * be told when that is done, which it is at once.
 *
 * Where the kernel has no asynchronous I/O, or none left (fs.aio-max-nr),
 * write() has to do.
 *
 * Locking: none needed; any thread between init and fini.
 */
#ifndef EP_ATTACH_BELL_H
#define EP_ATTACH_BELL_H

#include <linux/aio_abi.h>
#include <stdbool.h>

struct ep_bell {
	aio_context_t ctx; /* 0: none to be had */
	int empty; /* a file without octets; -1 */
};

void ep_bell_init(struct ep_bell *bell);
void ep_bell_fini(struct ep_bell *bell);

/*
 * Signal an eventfd. Never sleeps, but see above.
 * Returns 0; -EINVAL if it is none; -EAGAIN if there is no memory.
 */
int ep_bell_ring(struct ep_bell *bell, int fd);

/*
 * Is a descriptor that a peer passed an eventfd? It may pass any, one whose
 * read() or write() sleeps too. Signals it, which does no harm.
 */
bool ep_bell_check(struct ep_bell *bell, int fd);

/*
 * Take the signals of an eventfd back. Never sleeps.
 * Returns 0, or a negated errno: it is none.
 */
int ep_bell_clear(int fd);

#endif /* EP_ATTACH_BELL_H */
