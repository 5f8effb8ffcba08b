/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/vhost/memory.h"

#include <errno.h>
#include <stdlib.h>

int
ep_vhost_memory_create(const struct ep_vhost_msg *msg, const int *fds,
    struct ep_mapping_share *share, struct ep_vhost_memory **memoryp,
    const char **why)
{
	struct ep_vhost_memory *memory = calloc(1, sizeof(*memory));
	uint64_t total = 0;
	int error = 0;

	*why = "No memory";
	if (memory == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < msg->u.mem.count && error == 0; i++) {
		const struct ep_vhost_mem_region *told = &msg->u.mem.list[i];
		struct ep_vhost_region *r = &memory->list[i];

		*why = "Regions too large";
		error = -EPROTO;
		if (told->size + told->offset > EP_VHOST_MEMORY_MAX - total)
			break;
		total += told->size + told->offset;
		/* From its beginning: huge pages want no other offset. */
		error = ep_mapping_open(
		    &r->map, share, fds[i], told->size + told->offset, why);
		if (error != 0)
			break;
		r->gpa = told->gpa;
		r->uva = told->uva;
		r->size = told->size;
		r->at = r->map.at + told->offset;
		memory->count++;
	}
	if (error != 0)
		ep_vhost_memory_destroy(memory);
	else
		*memoryp = memory;
	return error;
}

void
ep_vhost_memory_destroy(struct ep_vhost_memory *memory)
{
	if (memory == NULL)
		return;
	for (unsigned i = 0; i < memory->count; i++)
		ep_mapping_close(&memory->list[i].map);
	free(memory);
}

bool
ep_vhost_memory_is_lost(const struct ep_vhost_memory *memory)
{
	for (unsigned i = 0; i < memory->count; i++)
		if (ep_mapping_is_lost(&memory->list[i].map))
			return true;
	return false;
}

uint8_t *
ep_vhost_memory_at_uva(
    const struct ep_vhost_memory *memory, uint64_t uva, uint64_t len)
{
	for (unsigned i = 0; i < memory->count; i++) {
		const struct ep_vhost_region *r = &memory->list[i];

		if (uva >= r->uva && uva - r->uva < r->size &&
		    len <= r->size - (uva - r->uva))
			return r->at + (uva - r->uva);
	}
	return NULL;
}
