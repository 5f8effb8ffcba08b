/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/memif/bell.h - signalling an eventfd that a stranger has too.
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
#ifndef EP_ATTACH_MEMIF_BELL_H
#define EP_ATTACH_MEMIF_BELL_H

#include <linux/aio_abi.h>

struct ep_memif_bell {
	aio_context_t ctx; /* 0: none to be had */
	int empty; /* a file without octets; -1 */
};

void ep_memif_bell_init(struct ep_memif_bell *bell);
void ep_memif_bell_fini(struct ep_memif_bell *bell);

/*
 * Signal an eventfd. Never sleeps, but see above.
 * Returns 0; -EINVAL if it is none; -EAGAIN if there is no memory.
 */
int ep_memif_bell_ring(struct ep_memif_bell *bell, int fd);

#endif /* EP_ATTACH_MEMIF_BELL_H */
