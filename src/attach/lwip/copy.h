/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/lwip/copy.h - a copy of the engine for one stack.
 *
 * The dynamic linker loads a file once, whoever asks; told apart by name, device
 * and inode. So each stack has a copy of the file of its own, in memory (memfd),
 * and keeps its descriptor open while it is loaded: the name by which it was
 * loaded, /proc/self/fd/N, is not another's then. dlmopen() would do without
 * copies, but has room for a dozen namespaces only.
 */
#ifndef EP_ATTACH_LWIP_COPY_H
#define EP_ATTACH_LWIP_COPY_H

#include <epair/err.h>

struct ep_lwip_engine;

struct ep_lwip_copy {
	const struct ep_lwip_engine *engine;
	void *handle;
	int fd;
};

/*
 * Load one. Returns 0; -EOPNOTSUPP where the engine is not installed; what the
 * system said otherwise.
 */
int ep_lwip_copy_open(struct ep_lwip_copy *copy, struct epair_err *err);

/* Unload it: nothing of it may run or be pointed to any more. */
void ep_lwip_copy_close(struct ep_lwip_copy *copy);

#endif /* EP_ATTACH_LWIP_COPY_H */
