/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What epair_capture_dump() writes, judged by the reader of the attachment
 * `pcap`. That programs of others can read it is tests/net/capture_test.sh.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/pcap/reader.h"
#include "unit/api/rig.h"

static struct epair_capture *
open_both(struct epair_if *ifp)
{
	const struct epair_capture_opts opts = {
		.size = sizeof(opts),
		.flags = EPAIR_CAPTURE_BOTH,
	};
	struct epair_capture *cap;

	assert_int_equal(epair_capture_open(ifp, &opts, &cap, NULL), 0);
	return cap;
}

static int
file(void)
{
	int fd = memfd_create("dump", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static size_t
size_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (size_t)st.st_size;
}

/* What was written, to be freed. */
static uint8_t *
octets_of(int fd)
{
	uint8_t *octets = malloc(size_of(fd) + 1);

	assert_non_null(octets);
	assert_int_equal(
	    pread(fd, octets, size_of(fd), 0), (ssize_t)size_of(fd));
	return octets;
}

/* Count the packets; the sum of their lengths in *total. */
static unsigned
packets_of(int fd, uint64_t *total)
{
	static struct ep_reader r;
	struct ep_reader_packet packet;
	uint8_t *octets = octets_of(fd);
	size_t at = 0, used;
	unsigned count = 0;

	memset(&r, 0, sizeof(r));
	*total = 0;
	while (ep_reader_next(&r, octets + at, size_of(fd) - at, &used, &packet,
		   NULL) == 1) {
		at += used;
		count++;
		*total += packet.len;
	}
	at += used;
	assert_int_equal(ep_reader_end(&r, size_of(fd) - at, NULL), 0);
	free(octets);
	return count;
}

static bool
contains(int fd, const char *text)
{
	uint8_t *octets = octets_of(fd);
	bool found = memmem(octets, size_of(fd), text, strlen(text)) != NULL;

	free(octets);
	return found;
}

static void
what_waits_is_written_and_no_more(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_both(r->a);
	int fd = file();
	uint64_t total;

	send_many(r->a, 3, 60);
	run(r);
	assert_int_equal(epair_capture_dump(cap, fd, 0), 6);
	assert_int_equal(packets_of(fd, &total), 6);
	assert_int_equal(total, 6 * 60);
	assert_int_equal(epair_capture_dump(cap, fd, 0), 0);
	send_many(r->a, 1, 61);
	assert_int_equal(epair_capture_dump(cap, fd, 0), 1);
	assert_int_equal(packets_of(fd, &total), 7);
	epair_capture_close(cap);
	close(fd);
}

static void
first_dump_names_the_ends_though_nothing_waits(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap;
	int fd = file();
	size_t size;

	assert_int_equal(epair_if_describe(r->b, "to the moon", NULL), 0);
	cap = open_both(r->a);
	assert_int_equal(epair_capture_dump(cap, fd, 0), 0);
	assert_true(contains(fd, "epair0a"));
	assert_true(contains(fd, "epair0b"));
	assert_true(contains(fd, "to the moon"));
	size = size_of(fd);
	assert_int_equal(epair_capture_dump(cap, fd, 0), 0);
	assert_int_equal(size_of(fd), size);
	epair_capture_close(cap);
	close(fd);
}

static void
drop_has_its_reason_as_comment(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_both(r->a);
	int fd = file();

	assert_int_equal(epair_if_down(r->b), 0);
	assert_int_equal(send_one(r->a, 60), 0);
	assert_int_equal(epair_capture_dump(cap, fd, 1), 2);
	assert_true(contains(fd,
	    "dropped (peer-down): the other end was not RUNNING or not UP"));
	epair_capture_close(cap);
	close(fd);
}

/* One run of an instance of its own. */
static int
dump_of_a_run(void)
{
	struct epair *ep = instance();
	struct epair_if *a = make(ep, NULL, "epair"), *b = epair_if_peer(a);
	struct epair_capture *cap = open_both(a);
	int fd = file();

	assert_int_equal(epair_if_up(a), 0);
	assert_int_equal(epair_if_up(b), 0);
	for (uint32_t i = 0; i < 50; i++) {
		assert_int_equal(send_one(i % 3 == 0 ? a : b, 60 + i), 0);
		assert_int_equal(epair_advance(ep, 1000 * i), 0);
	}
	assert_true(epair_capture_dump(cap, fd, 1) > 100);
	epair_capture_close(cap);
	epair_if_put(a);
	epair_if_put(b);
	instance_free(ep);
	return fd;
}

static void
same_run_in_simulated_time_gives_the_same_octets(void **state)
{
	int first = dump_of_a_run(), second = dump_of_a_run();
	uint8_t *p = octets_of(first), *q = octets_of(second);

	(void)state;
	assert_int_equal(size_of(first), size_of(second));
	assert_memory_equal(p, q, size_of(first));
	assert_false(contains(first, "Linux"));
	assert_false(contains(first, "libepair"));
	free(p);
	free(q);
	close(first);
	close(second);
}

static void
last_dump_ends_the_section_and_another_begins_one(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_both(r->a);
	int first = file(), second = file();
	uint64_t total;

	send_many(r->a, 2, 60);
	assert_int_equal(epair_capture_dump(cap, first, 1), 2);
	send_many(r->a, 3, 60);
	assert_int_equal(epair_capture_dump(cap, second, 1), 3);
	assert_int_equal(packets_of(first, &total), 2);
	assert_int_equal(packets_of(second, &total), 3);
	/* One file may hold both. */
	send_many(r->a, 1, 60);
	assert_int_equal(epair_capture_dump(cap, first, 1), 1);
	assert_int_equal(packets_of(first, &total), 3);
	epair_capture_close(cap);
	close(first);
	close(second);
}

static void
frames_of_any_length_are_written(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_both(r->a);
	int fd = file();
	uint64_t total, sum = 0;

	assert_int_equal(epair_if_set_mtu(r->a, 65535, NULL), 0);
	for (uint32_t len = 1; len < 65553; len += 600) {
		assert_int_equal(send_one(r->a, len), 0);
		sum += len;
	}
	assert_int_equal(epair_capture_dump(cap, fd, 1), 110);
	assert_int_equal(packets_of(fd, &total), 110);
	assert_int_equal(total, sum);
	epair_capture_close(cap);
	close(fd);
}

static void
reader_that_is_gone_is_an_error_and_no_signal(void **state)
{
	struct epair_capture_stats s = { .size = sizeof(s) };
	struct rig *r = *state;
	struct epair_capture *cap = open_both(r->a);
	int fd = file(), ends[2];
	struct epair_record rec;
	uint64_t total;

	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	send_many(r->a, 5, 60);
	assert_int_equal(signal(SIGPIPE, SIG_DFL) != SIG_ERR, 1);
	assert_int_equal(epair_capture_dump(cap, ends[1], 0), -EPIPE);
	close(ends[1]);

	assert_int_equal(epair_capture_get_stats(cap, &s), 0);
	assert_int_equal(s.lost, 5);
	assert_int_equal(s.read, 5);
	/* Another descriptor gets a section of its own. */
	send_many(r->a, 1, 60);
	assert_int_equal(epair_capture_dump(cap, fd, 0), 1);
	assert_int_equal(packets_of(fd, &total), 1);
	assert_int_equal(epair_capture_next(cap, &rec), 0);
	epair_capture_close(cap);
	close(fd);
}

static void
full_pipe_that_does_not_block_is_an_error(void **state)
{
	struct rig *r = *state;
	struct epair_capture *cap = open_both(r->a);
	int ends[2];

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	send_many(r->a, 200, 1500);
	assert_int_equal(epair_capture_dump(cap, ends[1], 0), -EAGAIN);
	assert_int_equal(epair_capture_dump(cap, -1, 0), -EBADF);
	epair_capture_close(cap);
	close(ends[0]);
	close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(what_waits_is_written_and_no_more),
		RIG_TEST(first_dump_names_the_ends_though_nothing_waits),
		RIG_TEST(drop_has_its_reason_as_comment),
		cmocka_unit_test(
		    same_run_in_simulated_time_gives_the_same_octets),
		RIG_TEST(last_dump_ends_the_section_and_another_begins_one),
		RIG_TEST(frames_of_any_length_are_written),
		RIG_TEST(reader_that_is_gone_is_an_error_and_no_signal),
		RIG_TEST(full_pipe_that_does_not_block_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
