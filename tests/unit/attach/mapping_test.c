/* SPDX-License-Identifier: BSD-2-Clause */
/* Which memory of a stranger's is mapped, and which is refused with what. */
#include "attach/mapping.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed_memory_needs_no_guard),
		cmocka_unit_test(other_memory_is_mapped_under_a_guard_only),
		cmocka_unit_test(what_is_no_memory_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
