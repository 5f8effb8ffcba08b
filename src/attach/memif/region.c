/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/memif/region.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Where the next one goes. */
static struct ep_mapping *
next_region(struct ep_memif_regions *regions)
{
	if (regions->list == NULL)
		regions->list = calloc(
		    EP_MEMIF_REGIONS_MAX, sizeof(regions->list[0]));
	return regions->list != NULL ? &regions->list[regions->count] : NULL;
}

static void
count_region(struct ep_memif_regions *regions)
{
	regions->total += regions->list[regions->count++].size;
}

/* Checked as a stranger's is: ours passes, too. */
int
ep_memif_memory_make(struct ep_mapping *map, uint64_t size, int *fdp)
{
	int fd = memfd_create("epair-memif", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const char *why;
	int error;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) != 0)
		error = -errno;
	else
		error = ep_mapping_open(map, NULL, fd, size, &why);
	if (error != 0)
		(void)close(fd);
	else
		*fdp = fd;
	return error;
}

int
ep_memif_region_make(struct ep_memif_regions *regions, uint64_t size, int *fd)
{
	struct ep_mapping *map = next_region(regions);
	int error;

	if (map == NULL)
		return -ENOMEM;
	error = ep_memif_memory_make(map, size, fd);
	if (error == 0)
		count_region(regions);
	return error;
}

int
ep_memif_region_map(struct ep_memif_regions *regions,
    struct ep_mapping_share *share, int fd, uint64_t size, const char **why)
{
	struct ep_mapping *map;
	int error;

	*why = "Too many regions";
	if (regions->count == EP_MEMIF_REGIONS_MAX)
		return -EPROTO;
	*why = "Regions too large";
	if (size > EP_MEMIF_TOTAL_MAX - regions->total)
		return -EPROTO;
	*why = "No memory";
	map = next_region(regions);
	if (map == NULL)
		return -ENOMEM;
	error = ep_mapping_open(map, share, fd, size, why);
	if (error == 0)
		count_region(regions);
	return error;
}

bool
ep_memif_regions_are_lost(const struct ep_memif_regions *regions)
{
	for (unsigned i = 0; i < regions->count; i++)
		if (ep_mapping_is_lost(&regions->list[i]))
			return true;
	return false;
}

void
ep_memif_regions_fini(struct ep_memif_regions *regions)
{
	for (unsigned i = 0; i < regions->count; i++)
		ep_mapping_close(&regions->list[i]);
	free(regions->list);
	*regions = (struct ep_memif_regions){ 0 };
}
