/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client's view and a server's of the same two rings, in plain memory that
 * ends where the region does, so that ASan sees one octet too far.
 */
#include "attach/memif/ring.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mbuf/mbuf.h"

#define SIZE    16u
#define BUFFER  128u
#define RINGS   (2 * (128 + 16 * SIZE))
#define BUFFERS (SIZE * (BUFFER + EP_MEMIF_SHORT))
#define OCTETS  (RINGS + 2 * BUFFERS)
#define M2S_OFF (128 + 16 * SIZE)

struct both {
	struct ep_mapping region;
	struct ep_memif_regions regions;
	struct ep_memif_ring client_tx, client_rx, server_tx, server_rx;
};

static int
set_up(void **state)
{
	struct both *t = calloc(1, sizeof(*t));
	struct ep_memif_buffers tx = { .offset = RINGS, .size = BUFFER };
	struct ep_memif_buffers rx = { .offset = RINGS + BUFFERS,
		.size = BUFFER };

	assert_non_null(t);
	t->region.at = calloc(1, OCTETS);
	assert_non_null(t->region.at);
	t->region.size = OCTETS;
	tx.at = t->region.at + tx.offset;
	rx.at = t->region.at + rx.offset;
	t->regions.list = &t->region;
	t->regions.count = 1;
	assert_int_equal(
	    ep_memif_ring_init(&t->client_tx, &t->regions, 0, 0, SIZE), 0);
	assert_int_equal(
	    ep_memif_ring_init(&t->server_rx, &t->regions, 0, 0, SIZE), 0);
	assert_int_equal(
	    ep_memif_ring_init(&t->client_rx, &t->regions, 0, M2S_OFF, SIZE),
	    0);
	assert_int_equal(
	    ep_memif_ring_init(&t->server_tx, &t->regions, 0, M2S_OFF, SIZE),
	    0);
	ep_memif_ring_client(&t->client_tx, false, &tx);
	ep_memif_ring_client(&t->client_rx, true, &rx);
	ep_memif_ring_server(&t->server_tx, false);
	ep_memif_ring_server(&t->server_rx, true);
	(void)ep_memif_ring_publish(&t->client_rx);
	*state = t;
	return 0;
}

static int
tear_down(void **state)
{
	struct both *t = *state;

	free(t->region.at);
	free(t);
	return 0;
}

/* A frame of len octets, all c, in two mbufs of this function's. */
static const struct epair_mbuf *
frame(uint32_t len, int c)
{
	static uint8_t data[4096];
	static struct epair_mbuf first, second;

	memset(data, c, len);
	second = (struct epair_mbuf){ .data = data + len / 3,
		.len = len - len / 3 };
	first = (struct epair_mbuf){
		.data = data, .len = len / 3, .pktlen = len, .next = &second
	};
	return &first;
}

static void
expect(struct ep_memif_ring *rx, uint64_t want, int c)
{
	struct ep_memif_part parts[EP_MEMIF_PARTS_MAX];
	uint64_t len;
	int n = ep_memif_ring_take(rx, parts, &len);

	assert_true(n > 0);
	assert_int_equal(len, want);
	for (int i = 0; i < n; i++)
		for (uint32_t k = 0; k < parts[i].len; k++)
			assert_int_equal(parts[i].at[k], c);
}

static void
pass(struct ep_memif_ring *tx, struct ep_memif_ring *rx)
{
	static const uint32_t lens[] = { 14, 60, 127, 128, 129, 256, 1000,
		2048 };

	for (int round = 0; round < 10000; round++) {
		uint32_t len = lens[(unsigned)round % 8];

		assert_true(ep_memif_ring_look(tx) > 0);
		assert_int_equal(
		    ep_memif_ring_put(tx, frame(len, round & 0xff)), 0);
		assert_true(ep_memif_ring_publish(tx));
		assert_true(ep_memif_ring_look(rx) > 0);
		expect(rx, len, round & 0xff);
		(void)ep_memif_ring_publish(rx);
	}
}

static void
frames_pass_from_client_to_server(void **state)
{
	struct both *t = *state;

	pass(&t->client_tx, &t->server_rx);
}

static void
frames_pass_from_server_to_client(void **state)
{
	struct both *t = *state;

	pass(&t->server_tx, &t->client_rx);
}

static void
fill(struct ep_memif_ring *tx, struct ep_memif_ring *rx)
{
	assert_int_equal(ep_memif_ring_look(tx), SIZE);
	for (unsigned i = 0; i < SIZE; i++)
		assert_int_equal(ep_memif_ring_put(tx, frame(60, 'a')), 0);
	assert_int_equal(ep_memif_ring_put(tx, frame(60, 'b')), -ENOBUFS);
	/* Nothing is seen that was not published. */
	assert_int_equal(ep_memif_ring_look(rx), 0);
	(void)ep_memif_ring_publish(tx);
	assert_int_equal(ep_memif_ring_look(tx), 0);
	assert_int_equal(ep_memif_ring_look(rx), SIZE);
	expect(rx, 60, 'a');
	/* Nothing is free that was not given back. */
	assert_int_equal(ep_memif_ring_look(tx), 0);
	(void)ep_memif_ring_publish(rx);
	assert_int_equal(ep_memif_ring_look(tx), 1);
	assert_int_equal(ep_memif_ring_put(tx, frame(129, 'c')), -ENOBUFS);
	assert_int_equal(ep_memif_ring_put(tx, frame(60, 'd')), 0);
}

/* All at once, as long as a ring, so that no two may share a place. */
static void
each_frame_in_a_ring_has_a_place_of_its_own(void **state)
{
	static const uint32_t lens[] = { 60, BUFFER, EP_MEMIF_SHORT, 14 };
	struct both *t = *state;

	for (unsigned round = 0; round < sizeof(lens) / sizeof(*lens);
	     round++) {
		(void)ep_memif_ring_look(&t->client_tx);
		for (unsigned i = 0; i < SIZE; i++)
			assert_int_equal(
			    ep_memif_ring_put(&t->client_tx,
				frame(lens[round], (int)(round * SIZE + i))),
			    0);
		(void)ep_memif_ring_publish(&t->client_tx);
		(void)ep_memif_ring_look(&t->server_rx);
		for (unsigned i = 0; i < SIZE; i++)
			expect(&t->server_rx, lens[round],
			    (int)(round * SIZE + i));
		(void)ep_memif_ring_publish(&t->server_rx);
	}
}

static void
full_ring_takes_no_more(void **state)
{
	struct both *t = *state;

	fill(&t->client_tx, &t->server_rx);
	fill(&t->server_tx, &t->client_rx);
}

static void
frame_larger_than_a_ring_never_fits(void **state)
{
	struct both *t = *state;

	(void)ep_memif_ring_look(&t->client_tx);
	assert_int_equal(
	    ep_memif_ring_put(&t->client_tx, frame(SIZE * BUFFER + 1, 'x')),
	    -EMSGSIZE);
	assert_int_equal(
	    ep_memif_ring_put(&t->client_tx, frame(SIZE * BUFFER, 'x')), 0);
}

static void
mask_says_whether_to_signal(void **state)
{
	struct both *t = *state;

	ep_memif_ring_mask(&t->server_rx, true);
	assert_false(ep_memif_ring_publish(&t->client_tx));
	ep_memif_ring_mask(&t->server_rx, false);
	assert_true(ep_memif_ring_publish(&t->client_tx));
}

/* Publish n descriptors as the client, all alike. */
static void
attack(struct both *t, unsigned n, struct ep_memif_desc desc)
{
	for (unsigned i = 0; i < n; i++)
		memcpy(&t->client_tx.shared->descs[2 * i], &desc, sizeof(desc));
	t->client_tx.shared->head = (uint16_t)n;
}

static void
faults(struct ep_memif_ring *ring, const char *fault)
{
	struct ep_memif_part parts[EP_MEMIF_PARTS_MAX];
	uint64_t len;

	(void)ep_memif_ring_look(ring);
	assert_int_equal(ep_memif_ring_take(ring, parts, &len), -EPROTO);
	assert_string_equal(ring->fault, fault);
	/* For ever. */
	assert_int_equal(ep_memif_ring_look(ring), -EPROTO);
	assert_int_equal(ep_memif_ring_take(ring, parts, &len), -EPROTO);
	assert_int_equal(ep_memif_ring_put(ring, frame(60, 'x')), -EPROTO);
}

static void
descriptor_outside_of_its_region_is_a_fault(void **state)
{
	static const struct ep_memif_desc bad[] = {
		{ .region = 1, .length = 60 },
		{ .region = 65535, .length = 60 },
		{ .length = 60, .offset = OCTETS - 59 },
		{ .length = 1, .offset = OCTETS },
		{ .length = OCTETS + 1 },
		{ .length = UINT32_MAX, .offset = 1 },
		{ .length = 2, .offset = UINT32_MAX },
		{ .length = UINT32_MAX, .offset = UINT32_MAX },
	};
	struct both *t = *state;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ep_memif_ring rx = t->server_rx;

		attack(t, 1, bad[i]);
		faults(&rx, "Descriptor outside of its region");
	}
	/* The last octets are its own. */
	attack(t, 1,
	    (struct ep_memif_desc){ .length = 60, .offset = OCTETS - 60 });
	assert_int_equal(ep_memif_ring_look(&t->server_rx), 1);
	expect(&t->server_rx, 60, 0);
}

static void
chain_without_end_is_a_fault(void **state)
{
	struct both *t = *state;

	attack(t, SIZE,
	    (struct ep_memif_desc){ .flags = EP_MEMIF_NEXT, .length = 60 });
	faults(&t->server_rx, "Chain does not end");
}

static void
index_beyond_the_ring_is_a_fault(void **state)
{
	static const uint16_t bad[] = { SIZE + 1, 1000, 32768, 65535 };
	struct both *t = *state;

	for (unsigned i = 0; i < 4; i++) {
		struct ep_memif_ring rx = t->server_rx, tx = t->client_tx;

		t->client_tx.shared->head = bad[i];
		faults(&rx, "Index out of range");
		t->client_tx.shared->head = 0;
		t->client_tx.shared->tail = bad[i] - SIZE;
		if (bad[i] > SIZE && bad[i] - SIZE > 0)
			faults(&tx, "Index out of range");
	}
}

static void
client_believes_its_own_buffers(void **state)
{
	struct ep_memif_desc lie = {
		.region = 9, .length = 60, .offset = UINT32_MAX
	};
	struct both *t = *state;
	struct ep_memif_ring rx = t->client_rx;

	memcpy(&rx.shared->descs[0], &lie, sizeof(lie));
	rx.shared->tail = 1;
	(void)ep_memif_ring_look(&t->client_rx);
	expect(&t->client_rx, 60, 0);

	lie.length = BUFFER + 1;
	memcpy(&rx.shared->descs[0], &lie, sizeof(lie));
	faults(&rx, "Descriptor longer than its buffer");
}

static void
server_writes_only_where_it_was_offered(void **state)
{
	struct ep_memif_desc bad = { .length = 200, .offset = OCTETS - 199 };
	struct both *t = *state;
	struct ep_memif_ring tx = t->server_tx;

	memcpy(&tx.shared->descs[0], &bad, sizeof(bad));
	(void)ep_memif_ring_look(&tx);
	assert_int_equal(ep_memif_ring_put(&tx, frame(60, 'x')), -EPROTO);
	assert_string_equal(tx.fault, "Descriptor outside of its region");

	bad = (struct ep_memif_desc){ .length = 0 };
	memcpy(&tx.shared->descs[0], &bad, sizeof(bad));
	(void)ep_memif_ring_look(&t->server_tx);
	assert_int_equal(
	    ep_memif_ring_put(&t->server_tx, frame(60, 'x')), -EPROTO);
	assert_string_equal(t->server_tx.fault, "Empty buffer offered");
}

static void
ring_must_lie_in_its_region(void **state)
{
	struct both *t = *state;
	struct ep_memif_ring ring;

	assert_int_equal(
	    ep_memif_ring_init(&ring, &t->regions, 1, 0, SIZE), -EPROTO);
	assert_int_equal(ep_memif_ring_init(
			     &ring, &t->regions, 0, OCTETS - M2S_OFF + 8, SIZE),
	    -EPROTO);
	assert_int_equal(
	    ep_memif_ring_init(&ring, &t->regions, 0, 0, 16384), -EPROTO);
	assert_int_equal(
	    ep_memif_ring_init(&ring, &t->regions, 0, OCTETS - M2S_OFF, SIZE),
	    0);
}

#define RING_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RING_TEST(frames_pass_from_client_to_server),
		RING_TEST(frames_pass_from_server_to_client),
		RING_TEST(each_frame_in_a_ring_has_a_place_of_its_own),
		RING_TEST(full_ring_takes_no_more),
		RING_TEST(frame_larger_than_a_ring_never_fits),
		RING_TEST(mask_says_whether_to_signal),
		RING_TEST(descriptor_outside_of_its_region_is_a_fault),
		RING_TEST(chain_without_end_is_a_fault),
		RING_TEST(index_beyond_the_ring_is_a_fault),
		RING_TEST(client_believes_its_own_buffers),
		RING_TEST(server_writes_only_where_it_was_offered),
		RING_TEST(ring_must_lie_in_its_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
