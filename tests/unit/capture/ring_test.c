/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/ring.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct ep_capring ring;

static int
setup(void **state)
{
	(void)state;
	return ep_capring_init(&ring, EP_CAPRING_MIN);
}

static int
teardown(void **state)
{
	(void)state;
	ep_capring_fini(&ring);
	return 0;
}

/* A record of len octets, all of them and its id being `id`. */
static bool
put(uint32_t len, uint8_t id)
{
	struct ep_caprec *cr = ep_capring_reserve(&ring, len);

	if (cr == NULL)
		return false;
	memset(cr->octets, id, len);
	cr->rec.pktid = id;
	ep_capring_commit(cr);
	ep_capring_wake(&ring);
	return true;
}

static const struct epair_record *
assert_take(uint32_t len, uint8_t id)
{
	const struct epair_record *rec = ep_capring_take(&ring);

	assert_non_null(rec);
	assert_int_equal(rec->pktid, id);
	assert_int_equal(rec->caplen, len);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(rec->data[i], id);
	return rec;
}

static bool
is_readable(void)
{
	struct pollfd p = { .fd = ring.fd, .events = POLLIN };

	assert_true(poll(&p, 1, 0) >= 0);
	return p.revents == POLLIN;
}

static void
records_come_out_as_they_went_in(void **state)
{
	(void)state;

	assert_null(ep_capring_take(&ring));
	for (uint8_t id = 1; id < 10; id++)
		assert_true(put(id * 7, id));
	for (uint8_t id = 1; id < 10; id++)
		assert_take(id * 7, id);
	assert_null(ep_capring_take(&ring));
}

static void
record_never_wraps(void **state)
{
	uint8_t id = 0;

	(void)state;
	/* Every place in the ring, many times around. */
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t len = i * 37 % 700;

		assert_true(put(len, ++id));
		if (i % 2 == 1) {
			assert_take((i - 1) * 37 % 700, (uint8_t)(id - 1));
			assert_take(len, id);
		}
	}
	assert_null(ep_capring_take(&ring));
}

static void
full_ring_refuses_and_the_next_record_says_how_many(void **state)
{
	uint8_t count = 0;

	(void)state;
	while (put(500, count))
		count++;
	assert_true(count >= 6);
	assert_false(put(500, 0));
	assert_false(put(500, 0));

	assert_int_equal(assert_take(500, 0)->lost, 0);
	/* Its octets are the reader's until the next take (G3). */
	assert_false(put(500, 0));
	assert_take(500, 1);
	assert_true(put(500, 100));
	for (uint8_t id = 2; id < count; id++)
		assert_int_equal(assert_take(500, id)->lost, 0);
	assert_int_equal(assert_take(500, 100)->lost, 4);
	assert_true(put(500, 101));
	assert_int_equal(assert_take(500, 101)->lost, 0);
}

static void
reader_reports_losses_of_its_own(void **state)
{
	(void)state;

	ep_capring_lose(&ring, 3);
	assert_true(put(1, 1));
	assert_int_equal(assert_take(1, 1)->lost, 3);
}

static void
reader_stops_at_a_record_that_is_not_committed(void **state)
{
	struct ep_caprec *slow = ep_capring_reserve(&ring, 8);

	(void)state;
	assert_non_null(slow);
	assert_true(put(8, 2));
	assert_null(ep_capring_take(&ring));

	memset(slow->octets, 1, 8);
	slow->rec.pktid = 1;
	ep_capring_commit(slow);
	ep_capring_wake(&ring);
	assert_true(is_readable());
	assert_take(8, 1);
	assert_take(8, 2);
}

static void
descriptor_is_readable_while_records_wait(void **state)
{
	(void)state;

	assert_false(is_readable());
	assert_true(put(1, 1));
	assert_true(put(1, 2));
	assert_true(is_readable());
	assert_take(1, 1);
	assert_true(is_readable());
	assert_take(1, 2);
	assert_null(ep_capring_take(&ring));
	assert_false(is_readable());

	assert_true(put(1, 3));
	assert_true(is_readable());
}

static void
record_too_large_for_the_ring_is_lost(void **state)
{
	(void)state;

	assert_false(put(EP_CAPRING_MIN, 1));
	assert_true(put(1, 2));
	assert_int_equal(assert_take(1, 2)->lost, 1);
}

static void
mark_is_behind_what_waits_now(void **state)
{
	uint64_t mark;

	(void)state;
	assert_false(ep_capring_before(&ring, ep_capring_mark(&ring)));
	assert_true(put(5, 1));
	assert_true(put(5, 2));
	mark = ep_capring_mark(&ring);
	assert_true(put(5, 3));
	assert_true(ep_capring_before(&ring, mark));
	assert_take(5, 1);
	assert_true(ep_capring_before(&ring, mark));
	assert_take(5, 2);
	assert_false(ep_capring_before(&ring, mark));
	assert_take(5, 3);
}

enum { WRITERS = 3, EACH = 20000, WRITERS_DONE = 0xff };

struct writer {
	pthread_t thread;
	uint8_t number;
	uint64_t lost;
};

static void *
write_many(void *arg)
{
	struct writer *w = arg;

	for (uint32_t i = 0; i < EACH; i++) {
		uint32_t len = 4 + i % 100;
		struct ep_caprec *cr = ep_capring_reserve(&ring, len);

		if (cr == NULL) {
			w->lost++;
			continue;
		}
		memcpy(cr->octets, &i, sizeof(i));
		memset(cr->octets + 4, w->number, len - 4);
		cr->rec.pktid = w->number;
		ep_capring_commit(cr);
		if (i % 3 == 0)
			ep_capring_wake(&ring);
	}
	ep_capring_wake(&ring);
	return NULL;
}

/* Read until the end mark; count, and check each. */
static uint64_t
read_all(uint64_t *lost)
{
	struct pollfd p = { .fd = ring.fd, .events = POLLIN };
	const struct epair_record *rec;
	uint32_t last[WRITERS] = { 0 }, i;
	uint64_t count = 0;
	bool is_end = false;

	while (!is_end) {
		assert_int_equal(poll(&p, 1, 30000), 1);
		while ((rec = ep_capring_take(&ring)) != NULL) {
			*lost += rec->lost;
			if (rec->pktid == WRITERS_DONE) {
				is_end = true;
				continue;
			}
			memcpy(&i, rec->data, sizeof(i));
			assert_true(rec->pktid < WRITERS);
			assert_int_equal(rec->caplen, 4 + i % 100);
			assert_true(i >= last[rec->pktid]);
			last[rec->pktid] = i;
			for (uint32_t k = 4; k < rec->caplen; k++)
				assert_int_equal(rec->data[k], rec->pktid);
			count++;
		}
	}
	return count;
}

static void *
write_and_join(void *arg)
{
	struct writer *writers = arg;

	for (uint8_t i = 0; i < WRITERS; i++)
		EP_ZERO(pthread_create(
		    &writers[i].thread, NULL, write_many, &writers[i]));
	for (uint8_t i = 0; i < WRITERS; i++)
		EP_ZERO(pthread_join(writers[i].thread, NULL));
	while (!put(1, WRITERS_DONE))
		sched_yield();
	return NULL;
}

static void
every_record_of_every_writer_is_read_or_counted_lost(void **state)
{
	struct writer writers[WRITERS] = { { .number = 0 }, { .number = 1 },
		{ .number = 2 } };
	uint64_t count, lost = 0;
	pthread_t starter;

	(void)state;
	assert_int_equal(
	    pthread_create(&starter, NULL, write_and_join, writers), 0);
	count = read_all(&lost);
	assert_int_equal(pthread_join(starter, NULL), 0);
	/* The end mark may itself have been refused a few times. */
	assert_true(
	    lost >= writers[0].lost + writers[1].lost + writers[2].lost);
	assert_int_equal(
	    count + writers[0].lost + writers[1].lost + writers[2].lost,
	    WRITERS * EACH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(records_come_out_as_they_went_in),
		TEST(record_never_wraps),
		TEST(full_ring_refuses_and_the_next_record_says_how_many),
		TEST(reader_reports_losses_of_its_own),
		TEST(reader_stops_at_a_record_that_is_not_committed),
		TEST(descriptor_is_readable_while_records_wait),
		TEST(record_too_large_for_the_ring_is_lost),
		TEST(mark_is_behind_what_waits_now),
		TEST(every_record_of_every_writer_is_read_or_counted_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
