/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captures that come and go while frames pass on every thread there is. To be
 * run under ASan and TSan.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <epair/epair.h>

#include "base/assert.h"
#include "base/atomic.h"

enum { SENDERS = 2, ROUNDS = 20, READ_MAX = 1000 };

static struct epair *ep;
static struct epair_if *a, *b;
static uint32_t is_over; /* atomic */
static uint64_t sent; /* atomic */

static int
set_up(void **state)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.workers = 2,
		.queues = 2,
	};

	(void)state;
	is_over = 0;
	sent = 0;
	return epair_new(&opts, &ep, NULL) != 0 ||
	       epair_if_create(ep, NULL, "epair", NULL, &a, NULL) != 0 ||
	       (b = epair_if_peer(a)) == NULL ||
	       epair_attach(a, "sink", NULL) != 0 ||
	       epair_attach(b, "sink", NULL) != 0 || epair_if_up(a) != 0 ||
	       epair_if_up(b) != 0;
}

static int
tear_down(void **state)
{
	(void)state;
	epair_if_put(a);
	epair_if_put(b);
	return epair_free(ep);
}

/* Bursts both ways, until it is over. Some are longer than a queue. */
static void *
send_frames(void *arg)
{
	struct epair_if *ifp = arg;
	struct epair_mbuf *ms[32];

	while (!ep_load_relaxed(&is_over)) {
		int n = epair_mbuf_alloc(ep, ms, 32, 100);

		for (int i = 0; i < n; i++) {
			ms[i]->len = ms[i]->pktlen = 60 + (uint32_t)i;
			memset(ms[i]->data, i, ms[i]->len);
		}
		if (n > 0)
			(void)epair_if_transmit(ifp, ms, (unsigned)n);
		(void)ep_add_relaxed(&sent, 1);
	}
	return NULL;
}

static void
start(pthread_t *threads)
{
	for (unsigned i = 0; i < SENDERS; i++)
		EP_ZERO(pthread_create(
		    &threads[i], NULL, send_frames, i % 2 == 0 ? a : b));
}

static void
stop(const pthread_t *threads)
{
	ep_store_relaxed(&is_over, 1);
	for (unsigned i = 0; i < SENDERS; i++)
		EP_ZERO(pthread_join(threads[i], NULL));
}

static struct epair_capture *
open_both(size_t buffer)
{
	const struct epair_capture_opts opts = {
		.size = sizeof(opts),
		.flags = EPAIR_CAPTURE_BOTH,
		.filter = "len > 62",
		.buffer = buffer,
	};
	struct epair_capture *cap;

	assert_int_equal(epair_capture_open(a, &opts, &cap, NULL), 0);
	return cap;
}

/*
 * Take what waits, up to READ_MAX; each record is one frame's, whole. Returns
 * how many.
 */
static uint64_t
read_records(struct epair_capture *cap, uint64_t *lost)
{
	struct epair_record rec;
	uint64_t count = 0;

	while (count < READ_MAX && epair_capture_next(cap, &rec) == 1) {
		*lost += rec.lost;
		count++;
		assert_int_equal(rec.caplen, rec.len);
		assert_in_range(rec.len, 63, 91);
		for (uint32_t i = 0; i < rec.caplen; i++)
			assert_int_equal(rec.data[i], rec.len - 60);
	}
	return count;
}

static void
every_frame_shown_is_read_or_counted_lost(void **state)
{
	struct epair_capture_stats s = { .size = sizeof(s) };
	struct epair_capture *cap = open_both(65536);
	struct pollfd p = { .fd = epair_capture_fd(cap), .events = POLLIN };
	uint64_t count = 0, lost = 0, more;
	pthread_t threads[SENDERS];

	(void)state;
	start(threads);
	while (count < 20000) {
		assert_int_equal(poll(&p, 1, 30000), 1);
		count += read_records(cap, &lost);
	}
	stop(threads);
	/* What was queued is delivered, and shown, when both ends are down. */
	assert_int_equal(epair_if_destroy(a, NULL), 0);
	while ((more = read_records(cap, &lost)) > 0)
		count += more;
	assert_int_equal(epair_capture_get_stats(cap, &s), 0);
	assert_int_equal(s.read, count);
	assert_int_equal(s.passed, count + s.lost);
	assert_true(lost <= s.lost);
	assert_true(s.seen > s.passed);
	epair_capture_close(cap);
}

static void
captures_come_and_go_under_fire(void **state)
{
	pthread_t threads[SENDERS];
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(null >= 0);
	start(threads);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct epair_capture *first = open_both(0);
		struct epair_capture *second = open_both(4096);
		uint64_t until = ep_load_relaxed(&sent) + 4, lost = 0;

		while (ep_load_relaxed(&sent) < until)
			(void)read_records(second, &lost);
		assert_true(epair_capture_dump(first, null, i % 2) >= 0);
		epair_capture_close(first);
		(void)read_records(second, &lost);
		epair_capture_close(second);
	}
	stop(threads);
	close(null);
}

static void
destroy_under_fire_ends_the_captures(void **state)
{
	struct epair_capture *cap = open_both(0);
	pthread_t threads[SENDERS];
	uint64_t lost = 0;

	(void)state;
	start(threads);
	while (read_records(cap, &lost) == 0)
		continue;
	assert_int_equal(epair_if_destroy(b, NULL), 0);
	while (read_records(cap, &lost) > 0)
		continue;
	/* Nothing of it is shown any more, whoever transmits. */
	assert_int_equal(read_records(cap, &lost), 0);
	stop(threads);
	assert_int_equal(read_records(cap, &lost), 0);
	epair_capture_close(cap);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_frame_shown_is_read_or_counted_lost),
		TEST(captures_come_and_go_under_fire),
		TEST(destroy_under_fire_ends_the_captures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
