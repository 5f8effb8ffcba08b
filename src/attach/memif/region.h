/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/memif/region.h - memory that two processes have in common.
 *
 * A client makes it, as one memfd that nobody can shrink; a server maps what it
 * is given, if attach/mapping.h finds nothing wrong with it.
 *
 * Invariants:
 *	R1  what is mapped can be read and written as long as it is, if in vain
 *	    once regions_are_lost says so
 *	R2  the sizes of all regions of a connection are at most
 *	    EP_MEMIF_TOTAL_MAX together: a page that the peer never touched is
 *	    made, and paid, by whoever reads it first
 */
#ifndef EP_ATTACH_MEMIF_REGION_H
#define EP_ATTACH_MEMIF_REGION_H

#include <stddef.h>
#include <stdint.h>

#include "attach/mapping.h"

#define EP_MEMIF_REGIONS_MAX 256u
#define EP_MEMIF_TOTAL_MAX   (UINT64_C(4) << 30)

struct ep_memif_regions {
	struct ep_mapping *list; /* EP_MEMIF_REGIONS_MAX, or NULL */
	unsigned count;
	uint64_t total;
};

/*
 * Make memory that the peer cannot shrink. Gives *fd, to be closed.
 * Returns 0; -ENOMEM; what the system said otherwise.
 */
int ep_memif_memory_make(struct ep_mapping *map, uint64_t size, int *fd);

/*
 * Make a region of our own as the next one. Gives *fd, to be closed.
 * Returns 0; -ENOMEM; what the system said otherwise.
 */
int ep_memif_region_make(
    struct ep_memif_regions *regions, uint64_t size, int *fd);

/*
 * Map the peer's memfd as the next one. Borrows fd. On failure *why is a
 * sentence for the peer.
 * Returns 0; -EPROTO for what the peer did wrong; -ENOMEM.
 */
int ep_memif_region_map(struct ep_memif_regions *regions,
    struct ep_mapping_share *share, int fd, uint64_t size, const char **why);

/* One of them has gone away under its guard. */
bool ep_memif_regions_are_lost(const struct ep_memif_regions *regions);

/* Unmap them all. */
void ep_memif_regions_fini(struct ep_memif_regions *regions);

/*
 * Where `len` octets at `offset` of a region are; NULL if they are not all in
 * it.
 */
static inline uint8_t *
ep_memif_region_at(const struct ep_memif_regions *regions, unsigned index,
    uint64_t offset, uint64_t len)
{
	const struct ep_mapping *region;

	if (index >= regions->count)
		return NULL;
	region = &regions->list[index];
	if (offset > region->size || len > region->size - offset)
		return NULL;
	return region->at + offset;
}

#endif /* EP_ATTACH_MEMIF_REGION_H */
