/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captures and the attachment `pcap` with their k-th allocation failing, for
 * each k: -ENOMEM, nothing changed, nothing lost, and the next try succeeds.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kth.h"
#include "unit/api/rig.h"

static void
opening_a_capture_fails_or_is_as_if_nothing_was(void **state)
{
	const struct epair_capture_opts opts = {
		.size = sizeof(opts),
		.flags = EPAIR_CAPTURE_BOTH,
		.filter = "arp",
	};
	struct rig *r = *state;
	struct epair_capture *cap = NULL;
	struct epair_err err;
	int error;

	for (long k = 0;; k++) {
		fail_at(k);
		error = epair_capture_open(r->a, &opts, &cap, &err);
		if (!has_failed())
			break;
		assert_int_equal(error, -ENOMEM);
		assert_int_equal(err.code, -ENOMEM);
		assert_null(cap);
		assert_int_equal(send_one(r->a, 60), 0);
		run(r);
	}
	assert_int_equal(error, 0);
	epair_capture_close(cap);
}

static void
dump_without_memory_counts_what_is_lost(void **state)
{
	struct epair_capture_stats s = { .size = sizeof(s) };
	struct rig *r = *state;
	struct epair_capture *cap;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), got;

	assert_true(null >= 0);
	assert_int_equal(epair_capture_open(r->a, NULL, &cap, NULL), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	fail_at(0);
	got = epair_capture_dump(cap, null, 1);
	assert_true(has_failed());
	assert_int_equal(got, -ENOMEM);
	/* It was not taken from the ring yet. */
	assert_int_equal(epair_capture_dump(cap, null, 1), 1);

	/* A frame that needs a larger stage. */
	assert_int_equal(epair_if_set_mtu(r->a, 65535, NULL), 0);
	assert_int_equal(epair_if_set_mtu(r->b, 65535, NULL), 0);
	assert_int_equal(send_one(r->a, 65553), 0);
	assert_int_equal(epair_capture_dump(cap, null, 0), 1);
	assert_int_equal(epair_capture_get_stats(cap, &s), 0);
	assert_int_equal(s.lost, 0);
	epair_capture_close(cap);
	close(null);
}

/* Attach, with each allocation failing; then for good, and detach. */
static void
attach_failing(struct rig *r, const char *spec)
{
	struct epair_err err;
	int error;

	for (long k = 0;; k++) {
		fail_at(k);
		error = epair_attach(r->a, spec, &err);
		if (!has_failed())
			break;
		/* What only tells of it - an event - may fail unnoticed. */
		if (error == 0)
			assert_int_equal(epair_detach(r->a, NULL), 0);
		else
			assert_int_equal(error, -ENOMEM);
		run(r);
	}
	assert_int_equal(error, 0);
	run(r);
	assert_int_equal(epair_detach(r->a, NULL), 0);
}

static void
attaching_files_fails_or_is_as_if_nothing_was(void **state)
{
	static const uint8_t empty[24] = { 0xd4, 0xc3, 0xb2, 0xa1, 2, 0,
		4, [20] = 1 };
	int in = memfd_create("in", MFD_CLOEXEC);
	int out = memfd_create("out", MFD_CLOEXEC);
	struct rig *r = *state;
	char spec[128];

	assert_true(in >= 0 && out >= 0);
	assert_int_equal(write(in, empty, sizeof(empty)), sizeof(empty));
	assert_int_equal(epair_detach(r->a, NULL), 0);
	(void)snprintf(spec, sizeof(spec),
	    "pcap:read=/proc/self/fd/%d,write=/proc/self/fd/%d", in, out);
	attach_failing(r, spec);
	close(in);
	close(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(opening_a_capture_fails_or_is_as_if_nothing_was),
		RIG_TEST(dump_without_memory_counts_what_is_lost),
		RIG_TEST(attaching_files_fails_or_is_as_if_nothing_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
