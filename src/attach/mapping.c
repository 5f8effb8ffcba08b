/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/guard.h"

/*
 * All of a process together: half of how many the system lets it have, if
 * nobody has said otherwise, and half of its addresses, where those have 47
 * bits. What else it does is to find room, too.
 */
#define COUNT_MAX  32768u
#define OCTETS_MAX (UINT64_C(1) << 46)

static unsigned all_count; /* atomic */
static uint64_t all_octets; /* atomic */

/*
 * What fd is. The seal is asked for first: after it the size that is found can
 * only grow; and only memory has any, so that nothing is asked of a file that
 * whoever serves it would have to answer for.
 */
static const char *
judge(int fd, uint64_t size, bool may_guard, struct ep_mapping *map,
    bool *needs_guard)
{
	int seals = fcntl(fd, F_GET_SEALS);
	bool is_sealed = seals >= 0 && (seals & F_SEAL_SHRINK) != 0;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct statfs fs;
	struct stat st;

	if (!is_sealed && !may_guard)
		return "Region is not sealed against shrinking";
	if (seals < 0)
		return "Region is not of memory";
	if (fstat(fd, &st) != 0 || st.st_size < 0 ||
	    (uint64_t)st.st_size < size)
		return "Region is smaller than announced";
	if (fstatfs(fd, &fs) != 0 ||
	    (fs.f_type != TMPFS_MAGIC && fs.f_type != HUGETLBFS_MAGIC))
		return "Region is not of memory";
	if (fs.f_type == HUGETLBFS_MAGIC) {
		/* One that nobody has touched may not be to be had. */
		if (!may_guard)
			return "Region of huge pages not supported";
		is_sealed = false;
		page = (uint64_t)fs.f_bsize;
	}
	map->size = size;
	map->mapped = (size + page - 1) & ~(page - 1);
	*needs_guard = !is_sealed;
	return NULL;
}

static void
give_back(uint64_t octets)
{
	(void)ep_sub_relaxed(&all_count, 1);
	(void)ep_sub_relaxed(&all_octets, octets);
}

/* Returns NULL, or why there is no more. */
static const char *
reserve(uint64_t octets)
{
	const char *why = NULL;

	if (ep_add_relaxed(&all_count, 1) >= COUNT_MAX)
		why = "Too many regions in all";
	if (ep_add_relaxed(&all_octets, octets) + octets > OCTETS_MAX)
		why = "Regions too large in all";
	if (why != NULL)
		give_back(octets);
	return why;
}

int
ep_mapping_open(struct ep_mapping *map, int fd, uint64_t size, bool may_guard,
    const char **why)
{
	bool needs_guard;
	int error;
	void *at;

	*map = (struct ep_mapping){ 0 };
	*why = judge(fd, size, may_guard, map, &needs_guard);
	if (*why != NULL)
		return -EPROTO;
	*why = reserve(map->mapped);
	if (*why != NULL)
		return -ENOMEM;
	*why = "Region cannot be mapped";
	at = mmap(NULL, map->mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		error = errno == ENOMEM ? -ENOMEM : -EPROTO;
		give_back(map->mapped);
		return error;
	}
	map->at = at;
	if (needs_guard) {
		map->guard = ep_guard_add(at, map->mapped);
		if (map->guard == NULL) {
			ep_mapping_close(map);
			*why = "Too many regions that can be taken away";
			return -ENOMEM;
		}
	}
	return 0;
}

void
ep_mapping_close(struct ep_mapping *map)
{
	if (map->guard != NULL)
		ep_guard_remove(map->guard);
	if (map->at != NULL) {
		(void)munmap(map->at, map->mapped);
		give_back(map->mapped);
	}
	*map = (struct ep_mapping){ 0 };
}

bool
ep_mapping_is_lost(const struct ep_mapping *map)
{
	return map->guard != NULL && ep_guard_is_lost(map->guard);
}
