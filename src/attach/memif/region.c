/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/memif/region.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static int
add(struct ep_memif_regions *regions, int fd, uint64_t size)
{
	void *at;

	if (regions->list == NULL)
		regions->list = calloc(
		    EP_MEMIF_REGIONS_MAX, sizeof(regions->list[0]));
	if (regions->list == NULL)
		return -ENOMEM;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	regions->list[regions->count++] = (struct ep_memif_region){ at, size };
	regions->total += size;
	return 0;
}

int
ep_memif_region_make(struct ep_memif_regions *regions, uint64_t size, int *fdp)
{
	int fd = memfd_create("epair-memif", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) != 0)
		error = -errno;
	else
		error = add(regions, fd, size);
	if (error != 0)
		(void)close(fd);
	else
		*fdp = fd;
	return error;
}

int
ep_memif_region_map(
    struct ep_memif_regions *regions, int fd, uint64_t size, const char **why)
{
	struct statfs fs;
	struct stat st;
	int seals, error;

	*why = "Too many regions";
	if (regions->count == EP_MEMIF_REGIONS_MAX)
		return -EPROTO;
	*why = "Regions too large";
	if (size > EP_MEMIF_TOTAL_MAX - regions->total)
		return -EPROTO;
	/* The seal first: after it the size that is found can only grow. */
	seals = fcntl(fd, F_GET_SEALS);
	*why = "Region is not sealed against shrinking";
	if (seals < 0 || (seals & F_SEAL_SHRINK) == 0)
		return -EPROTO;
	*why = "Region is smaller than announced";
	if (fstat(fd, &st) != 0 || st.st_size < 0 ||
	    (uint64_t)st.st_size < size)
		return -EPROTO;
	/* A hole in a huge page is a SIGBUS when there is no other to be had. */
	*why = "Region of huge pages not supported";
	if (fstatfs(fd, &fs) != 0 || fs.f_type == HUGETLBFS_MAGIC)
		return -EPROTO;
	*why = "Region cannot be mapped";
	error = add(regions, fd, size);
	return error == 0 || error == -ENOMEM ? error : -EPROTO;
}

void
ep_memif_regions_fini(struct ep_memif_regions *regions)
{
	for (unsigned i = 0; i < regions->count; i++)
		(void)munmap(regions->list[i].at, regions->list[i].size);
	free(regions->list);
	*regions = (struct ep_memif_regions){ 0 };
}
