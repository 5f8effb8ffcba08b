/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/qemu/framing.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A reader on a buffer of its own, so that ASan sees one octet too far. */
static int
set_up(void **state)
{
	struct ep_framing *f = malloc(sizeof(*f));
	uint8_t *buf = malloc(EP_FRAMING_SIZE);

	assert_non_null(f);
	assert_non_null(buf);
	ep_framing_init(f, buf);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct ep_framing *f = *state;

	free(f->buf);
	free(f);
	return 0;
}

static void
feed(struct ep_framing *f, const void *octets, size_t n)
{
	uint8_t *at;

	assert_true(ep_framing_room(f, &at) >= n);
	if (n > 0)
		memcpy(at, octets, n);
	ep_framing_filled(f, n);
}

/* A frame of len octets, all of them c, with its length in front. */
static void
feed_frame(struct ep_framing *f, uint32_t len, uint8_t c)
{
	uint32_t head = htonl(len);
	uint8_t *octets = malloc(len + 1);

	assert_non_null(octets);
	memset(octets, c, len);
	feed(f, &head, sizeof(head));
	feed(f, octets, len);
	free(octets);
}

static void
expect_one(struct ep_framing *f, uint32_t len, uint8_t c)
{
	const uint8_t *frame;
	uint32_t got;

	assert_int_equal(ep_framing_next(f, &frame, &got), EP_FRAMED_ONE);
	assert_int_equal(got, len);
	assert_int_equal(frame[0], c);
	assert_int_equal(frame[len - 1], c);
}

static void
expect(struct ep_framing *f, enum ep_framed what)
{
	const uint8_t *frame;
	uint32_t len;

	assert_int_equal(ep_framing_next(f, &frame, &len), what);
}

static void
frames_that_came_at_once_are_taken_apart(void **state)
{
	struct ep_framing *f = *state;

	feed_frame(f, 14, 'a');
	feed_frame(f, 1514, 'b');
	feed_frame(f, 60, 'c');
	expect_one(f, 14, 'a');
	expect_one(f, 1514, 'b');
	expect_one(f, 60, 'c');
	expect(f, EP_FRAMED_MORE);
}

static void
frame_that_came_by_octets_is_put_together(void **state)
{
	static const uint8_t octets[] = { 0, 0, 0, 14, 'z', 'z', 'z', 'z', 'z',
		'z', 'z', 'z', 'z', 'z', 'z', 'z', 'z', 'z' };
	struct ep_framing *f = *state;

	for (size_t i = 0; i < sizeof(octets); i++) {
		expect(f, EP_FRAMED_MORE);
		feed(f, &octets[i], 1);
	}
	expect_one(f, 14, 'z');
}

static void
empty_and_short_frames_are_skipped(void **state)
{
	struct ep_framing *f = *state;

	feed_frame(f, 0, 'a');
	feed_frame(f, 13, 'b');
	feed_frame(f, 14, 'c');
	expect(f, EP_FRAMED_SHORT);
	expect(f, EP_FRAMED_SHORT);
	expect_one(f, 14, 'c');
	expect(f, EP_FRAMED_MORE);
}

static void
longest_frame_passes_again_and_again(void **state)
{
	struct ep_framing *f = *state;

	for (int i = 0; i < 5; i++) {
		feed_frame(f, 100, 'a');
		feed_frame(f, EP_FRAMING_MAX, 'b');
		expect_one(f, 100, 'a');
		expect_one(f, EP_FRAMING_MAX, 'b');
	}
}

static void
length_above_the_longest_ends_the_stream_at_once(void **state)
{
	uint32_t head = htonl(EP_FRAMING_MAX + 1);
	struct ep_framing *f = *state;

	feed_frame(f, 60, 'a');
	feed(f, &head, sizeof(head));
	expect_one(f, 60, 'a');
	expect(f, EP_FRAMED_LONG);
	expect(f, EP_FRAMED_LONG);
}

static void
there_is_always_room_for_the_rest_of_a_frame(void **state)
{
	struct ep_framing *f = *state;
	const uint8_t *frame;
	unsigned got = 0;
	uint32_t len;
	uint8_t *at;

	/* Whatever is left of one read is in front of the next. */
	for (unsigned i = 0; i < 3000; i++) {
		size_t room = ep_framing_room(f, &at), n = i % 977 + 1;

		assert_true(room > 0);
		n = n < room ? n : room;
		memset(at, 0, n); /* lengths of zero: always frames */
		ep_framing_filled(f, n);
		while (ep_framing_next(f, &frame, &len) == EP_FRAMED_SHORT)
			got++;
	}
	assert_true(got > 100000);
}

static void
length_is_big_endian(void **state)
{
	uint32_t head = ep_framing_head(0x0102);

	(void)state;
	assert_memory_equal(&head, "\0\0\1\2", 4);
}

#define FRAMING_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FRAMING_TEST(frames_that_came_at_once_are_taken_apart),
		FRAMING_TEST(frame_that_came_by_octets_is_put_together),
		FRAMING_TEST(empty_and_short_frames_are_skipped),
		FRAMING_TEST(longest_frame_passes_again_and_again),
		FRAMING_TEST(length_above_the_longest_ends_the_stream_at_once),
		FRAMING_TEST(there_is_always_room_for_the_rest_of_a_frame),
		cmocka_unit_test(length_is_big_endian),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
