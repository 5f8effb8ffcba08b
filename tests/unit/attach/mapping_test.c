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
	    ep_mapping_open(&map, fd, size, may_guard, &why), -EPROTO);
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
	assert_int_equal(ep_mapping_open(&map, fd, 5000, false, &why), 0);
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
	assert_int_equal(ep_mapping_open(&map, fd, SIZE, true, &why), 0);
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
	for (int guarded = 0; guarded < 2; guarded++) {
		refused(memory(F_SEAL_SHRINK), SIZE + 1, guarded,
		    "Region is smaller than announced");
		refused(memory(F_SEAL_SHRINK), UINT64_MAX, guarded,
		    "Region is smaller than announced");
		refused(memory(F_SEAL_SHRINK | F_SEAL_WRITE), SIZE, guarded,
		    "Region cannot be mapped");
	}
	refused(eventfd(0, 0), 4096, true, "Region is not of memory");
	refused(
	    open("/dev/zero", O_RDWR), 4096, true, "Region is not of memory");
	refused(open("/sys/class/net/lo/mtu", O_RDONLY), 4096, true,
	    "Region is not of memory");
}

static struct ep_mapping many[40000];

/* So many of them, until one is refused with these words. */
static unsigned
map_until_refused(int fd, uint64_t size, bool may_guard, const char *words)
{
	const unsigned most = sizeof(many) / sizeof(many[0]);
	struct ep_mapping one;
	const char *why = "";
	unsigned n = 0;
	int error = 0;

	while (n < most && error == 0) {
		error = ep_mapping_open(&many[n], fd, size, may_guard, &why);
		n += error == 0;
	}
	assert_int_equal(error, -ENOMEM);
	assert_string_equal(why, words);
	assert_null(many[n].at);
	/* One that goes makes room for one. */
	ep_mapping_close(&many[0]);
	assert_int_equal(
	    ep_mapping_open(&many[0], fd, size, may_guard, &why), 0);
	assert_int_equal(
	    ep_mapping_open(&one, fd, size, may_guard, &why), -ENOMEM);
	return n;
}

static void
close_many(unsigned n, int fd)
{
	while (n > 0)
		ep_mapping_close(&many[--n]);
	close(fd);
}

static void
there_are_so_many_guards_and_no_more(void **state)
{
	int fd = memory(0), sealed = memory(F_SEAL_SHRINK);
	struct ep_mapping other;
	const char *why;
	unsigned n;

	(void)state;
	ep_guard_enable();
	n = map_until_refused(
	    fd, SIZE, true, "Too many regions that can be taken away");
	assert_int_equal(n, 4096);
	/* Who can do without is not affected. */
	assert_int_equal(ep_mapping_open(&other, sealed, SIZE, true, &why), 0);
	ep_mapping_close(&other);
	close(sealed);
	close_many(n, fd);
	ep_guard_disable();
}

/* The system has 65530 by default, for all that a process does. */
static void
mappings_leave_the_program_others(void **state)
{
	int fd = memory(F_SEAL_SHRINK);
	unsigned n;

	(void)state;
	n = map_until_refused(fd, SIZE, false, "Too many regions in all");
	assert_int_equal(n, 32768);
	close_many(n, fd);
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
mappings_leave_the_program_addresses(void **state)
{
	const uint64_t size = UINT64_C(1) << 40;
	unsigned n;
	int fd;

	(void)state;
	/* Not skip(): that is "not ok" in cmocka's TAP. */
	if (is_sanitized())
		return;
	fd = memory(0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	n = map_until_refused(fd, size, false, "Regions too large in all");
	assert_int_equal(n, 64);
	close_many(n, fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed_memory_needs_no_guard),
		cmocka_unit_test(other_memory_is_mapped_under_a_guard_only),
		cmocka_unit_test(what_is_no_memory_is_refused),
		cmocka_unit_test(there_are_so_many_guards_and_no_more),
		cmocka_unit_test(mappings_leave_the_program_others),
		cmocka_unit_test(mappings_leave_the_program_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
