/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/vhost/memory.h - a guest's memory, as the front end shares it.
 *
 * A region has three addresses: where it is in the guest (gpa, as in
 * descriptors), in the front end (uva, as in the addresses of rings) and here.
 * What is whole in one region can be used in place; what goes on in the next is
 * taken piece by piece. All sums are in 64 bits and were checked when the
 * regions were told.
 *
 * A memory does not change once it was made: a table that the front end sends
 * anew is another one.
 */
#ifndef EP_ATTACH_VHOST_MEMORY_H
#define EP_ATTACH_VHOST_MEMORY_H

#include "attach/mapping.h"
#include "attach/vhost/message.h"

/* All regions together: more than there are guests of. */
#define EP_VHOST_MEMORY_MAX (UINT64_C(1) << 40)

struct ep_vhost_region {
	uint64_t gpa, uva, size;
	uint8_t *at;
	struct ep_mapping map; /* of the file, from its beginning */
};

struct ep_vhost_memory {
	unsigned count;
	struct ep_vhost_region list[EP_VHOST_REGIONS_MAX];
};

/*
 * Map what a front end told. Borrows fds, one for each region.
 * Returns 0; -EPROTO with *why a sentence; -ENOMEM.
 */
int ep_vhost_memory_create(const struct ep_vhost_msg *msg, const int *fds,
    struct ep_mapping_share *share, struct ep_vhost_memory **memory,
    const char **why);
void ep_vhost_memory_destroy(struct ep_vhost_memory *memory);

/* Some of it has gone away, see attach/mapping.h. */
bool ep_vhost_memory_is_lost(const struct ep_vhost_memory *memory);

/*
 * Where the guest's octets from gpa on are; *len, not 0, is cut off where the
 * region ends. NULL: nowhere.
 */
static inline uint8_t *
ep_vhost_memory_piece(
    const struct ep_vhost_memory *memory, uint64_t gpa, uint64_t *len)
{
	for (unsigned i = 0; i < memory->count; i++) {
		const struct ep_vhost_region *r = &memory->list[i];

		if (gpa >= r->gpa && gpa - r->gpa < r->size) {
			uint64_t left = r->size - (gpa - r->gpa);

			*len = *len < left ? *len : left;
			return r->at + (gpa - r->gpa);
		}
	}
	return NULL;
}

/* Where len octets at an address of the front end are, if they are together. */
uint8_t *ep_vhost_memory_at_uva(
    const struct ep_vhost_memory *memory, uint64_t uva, uint64_t len);

#endif /* EP_ATTACH_VHOST_MEMORY_H */
