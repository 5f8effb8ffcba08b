/* SPDX-License-Identifier: BSD-2-Clause */
/* Which memory of a stranger's is mapped, and which is refused with what. */
#include "attach/mapping.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/guard.h"

#define SIZE 8192u

static struct ep_mapping_share sealed_only, guarded = { .may_guard = true };

static int
memory(int seals)
{
	int fd = memfd_create("mapping", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void
refused(int fd, uint64_t size, bool may_guard, const char *words)
{
	struct ep_mapping map;
	const char *why;

	assert_int_equal(
	    ep_mapping_open(
		&map, may_guard ? &guarded : &sealed_only, fd, size, &why),
	    -EPROTO);
	assert_string_equal(why, words);
	assert_null(map.at);
	close(fd);
}

static void
sealed_memory_needs_no_guard(void **state)
{
	int fd = memory(F_SEAL_SHRINK);
	struct ep_mapping map;
	const char *why;

	(void)state;
	assert_int_equal(
	    ep_mapping_open(&map, &sealed_only, fd, 5000, &why), 0);
	assert_int_equal(map.size, 5000);
	assert_int_equal(map.mapped, SIZE);
	assert_null(map.guard);
	assert_false(ep_mapping_is_lost(&map));
	map.at[4999] = 1;
	ep_mapping_close(&map);
	close(fd);
}

static void
other_memory_is_mapped_under_a_guard_only(void **state)
{
	int fd = memory(F_SEAL_GROW);
	struct ep_mapping map;
	const char *why;

	(void)state;
	refused(dup(fd), SIZE, false, "Region is not sealed against shrinking");
	ep_guard_enable();
	assert_int_equal(ep_mapping_open(&map, &guarded, fd, SIZE, &why), 0);
	map.at[5000] = 1;
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_false(ep_mapping_is_lost(&map));
	assert_int_equal(map.at[5000], 0);
	assert_true(ep_mapping_is_lost(&map));
	ep_mapping_close(&map);
	ep_guard_disable();
	close(fd);
}

static void
what_is_no_memory_is_refused(void **state)
{
	(void)state;
	for (int may_guard = 0; may_guard < 2; may_guard++) {
		refused(memory(F_SEAL_SHRINK), SIZE + 1, may_guard,
		    "Region is smaller than announced");
		refused(memory(F_SEAL_SHRINK), UINT64_MAX, may_guard,
		    "Region is smaller than announced");
		refused(memory(F_SEAL_SHRINK | F_SEAL_WRITE), SIZE, may_guard,
		    "Region cannot be mapped");
	}
	refused(eventfd(0, 0), 4096, true, "Region is not of memory");
	refused(
	    open("/dev/zero", O_RDWR), 4096, true, "Region is not of memory");
	refused(open("/sys/class/net/lo/mtu", O_RDONLY), 4096, true,
	    "Region is not of memory");
}

/* Enough for a greedy one, and for another's share. */
static struct ep_mapping many[20000];

/* So many of them, until one is refused with these words. */
static unsigned
map_until_refused(struct ep_mapping *maps, struct ep_mapping_share *share,
    int fd, uint64_t size, const char *words)
{
	struct ep_mapping one;
	const char *why = "";
	unsigned n = 0;
	int error = 0;

	while (maps + n < many + 20000 && error == 0) {
		error = ep_mapping_open(&maps[n], share, fd, size, &why);
		n += error == 0;
	}
	assert_int_equal(error, -ENOMEM);
	assert_string_equal(why, words);
	assert_null(maps[n].at);
	/* One that goes makes room for one. */
	ep_mapping_close(&maps[0]);
	assert_int_equal(ep_mapping_open(&maps[0], share, fd, size, &why), 0);
	assert_int_equal(ep_mapping_open(&one, share, fd, size, &why), -ENOMEM);
	return n;
}

static void
close_many(unsigned n)
{
	while (n > 0)
		ep_mapping_close(&many[--n]);
}

/* With the greedy one's, all that is not kept for shares is gone. */
static void
greedy_one_and_another_have_so_many(uint64_t size,
    struct ep_mapping_share *greedy, struct ep_mapping_share *other,
    unsigned most, unsigned share, const char *words)
{
	int fd = memory(greedy->may_guard ? 0 : F_SEAL_SHRINK);
	struct ep_mapping ours;
	const char *why;
	unsigned n, more;

	if (size > SIZE)
		assert_int_equal(ftruncate(fd, (off_t)size), 0);
	n = map_until_refused(many, greedy, fd, size, words);
	assert_int_equal(n, most);
	more = map_until_refused(many + n, other, fd, size, words);
	assert_int_equal(more, share);
	if (!greedy->may_guard) {
		assert_int_equal(
		    ep_mapping_open(&ours, NULL, fd, size, &why), 0);
		ep_mapping_close(&ours);
	}
	close_many(n + more);
	assert_int_equal(greedy->count + other->count, 0);
	assert_int_equal(greedy->octets + other->octets, 0);
	/* All of it is there again, for whoever comes next. */
	assert_int_equal(map_until_refused(many, other, fd, size, words), most);
	close_many(most);
	close(fd);
}

/* The system has 65530 by default, for all that a process does. */
static void
many_regions_leave_the_program_others_and_each_peer_its_share(void **state)
{
	struct ep_mapping_share greedy = { 0 }, other = { 0 };

	(void)state;
	greedy_one_and_another_have_so_many(
	    SIZE, &greedy, &other, 16384 + 32, 32, "Too many regions in all");
}

static void
whoever_may_have_a_region_may_have_it_guarded(void **state)
{
	struct ep_mapping_share greedy = { .may_guard = true };
	struct ep_mapping_share other = { .may_guard = true };

	(void)state;
	ep_guard_enable();
	greedy_one_and_another_have_so_many(
	    SIZE, &greedy, &other, 16384 + 32, 32, "Too many regions in all");
	ep_guard_disable();
}

/* Has a sanitizer taken most of the addresses? */
static bool
is_sanitized(void)
{
	return dlsym(RTLD_DEFAULT, "__asan_init") != NULL ||
	       dlsym(RTLD_DEFAULT, "__tsan_init") != NULL;
}

/* Sparse files cost whoever has them nothing, and whoever maps them addresses. */
static void
large_regions_leave_the_program_addresses_and_each_peer_its_share(void **state)
{
	struct ep_mapping_share greedy = { 0 }, other = { 0 };
	const uint64_t gib = UINT64_C(1) << 30;

	(void)state;
	/* Not skip(): that is "not ok" in cmocka's TAP. */
	if (is_sanitized())
		return;
	greedy_one_and_another_have_so_many(
	    64 * gib, &greedy, &other, 512 + 1, 1, "Regions too large in all");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed_memory_needs_no_guard),
		cmocka_unit_test(other_memory_is_mapped_under_a_guard_only),
		cmocka_unit_test(what_is_no_memory_is_refused),
		cmocka_unit_test(
		    many_regions_leave_the_program_others_and_each_peer_its_share),
		cmocka_unit_test(whoever_may_have_a_region_may_have_it_guarded),
		cmocka_unit_test(
		    large_regions_leave_the_program_addresses_and_each_peer_its_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
