/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/guard.h"
#include "base/lock.h"

/*
 * All of a process together: half of how many the system lets it have, if
 * nobody has said otherwise, and half of its addresses, where those have 47
 * bits. What else it does is to find room, too.
 *
 * The first half of that is for SHARES attachments: 32 regions and 64 GiB each,
 * and a guest's table has 8, 17 while it is changed. The second half is for
 * those with more, who comes first.
 */
#define COUNT_MAX  32768u
#define OCTETS_MAX (UINT64_C(1) << 46)
#define SHARES     512u

/* Of one thing, under lock. */
struct pool {
	uint64_t max, share;
	uint64_t in_shares, beyond; /* what is in use */
};

static struct ep_mutex lock = EP_MUTEX_INITIALIZER;
static struct pool counts = { COUNT_MAX, COUNT_MAX / 2 / SHARES, 0, 0 };
static struct pool octets = { OCTETS_MAX, OCTETS_MAX / 2 / SHARES, 0, 0 };

/* Who has `had` of it is to have `has`. False if that is too much. */
static bool
change(struct pool *pool, uint64_t had, uint64_t has) EP_REQUIRES(lock)
{
	uint64_t had_in = had < pool->share ? had : pool->share;
	uint64_t in = has < pool->share ? has : pool->share;
	uint64_t in_shares = pool->in_shares - had_in + in;
	uint64_t beyond = pool->beyond - (had - had_in) + (has - in);

	if (has > had && (in_shares > pool->max / 2 || beyond > pool->max / 2))
		return false;
	pool->in_shares = in_shares;
	pool->beyond = beyond;
	return true;
}

static void
give_back(struct ep_mapping_share *share, uint64_t size)
{
	if (share == NULL)
		return;
	ep_lock(&lock);
	(void)change(&counts, share->count, share->count - 1);
	(void)change(&octets, share->octets, share->octets - size);
	share->count--;
	share->octets -= size;
	ep_unlock(&lock);
}

/* Returns NULL, or why there is no more. */
static const char *
reserve(struct ep_mapping_share *share, uint64_t size)
{
	const char *why = NULL;

	if (share == NULL)
		return NULL;
	ep_lock(&lock);
	if (!change(&counts, share->count, share->count + 1)) {
		why = "Too many regions in all";
	} else if (!change(&octets, share->octets, share->octets + size)) {
		(void)change(&counts, share->count + 1, share->count);
		why = "Regions too large in all";
	} else {
		share->count++;
		share->octets += size;
	}
	ep_unlock(&lock);
	return why;
}

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

int
ep_mapping_open(struct ep_mapping *map, struct ep_mapping_share *share, int fd,
    uint64_t size, const char **why)
{
	bool may_guard = share != NULL && share->may_guard, needs_guard;
	int error;
	void *at;

	*map = (struct ep_mapping){ .share = share };
	*why = judge(fd, size, may_guard, map, &needs_guard);
	if (*why != NULL)
		return -EPROTO;
	*why = reserve(share, map->mapped);
	if (*why != NULL)
		return -ENOMEM;
	*why = "Region cannot be mapped";
	at = mmap(NULL, map->mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		error = errno == ENOMEM ? -ENOMEM : -EPROTO;
		give_back(share, map->mapped);
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
		give_back(map->share, map->mapped);
	}
	*map = (struct ep_mapping){ 0 };
}

bool
ep_mapping_is_lost(const struct ep_mapping *map)
{
	return map->guard != NULL && ep_guard_is_lost(map->guard);
}
