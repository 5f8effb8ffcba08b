/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/vector.h"

#include "unit/api/rig.h"

#define HDR 10u

static int
set_up(void **state)
{
	struct rig *r;

	if (rig_setup_bare(state) != 0)
		return -1;
	r = *state;
	r->a = make(r->ep, NULL, "epair0");
	r->b = epair_if_peer(r->a);
	return 0;
}

#define VECTOR_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, rig_teardown)

/* Fill the i-th as a read of len octets behind its header would have. */
static void
fill(struct ep_reader *r, unsigned i, uint32_t len)
{
	uint32_t done = 0;

	memset(r->iov[i][0].iov_base, 0, r->iov[i][0].iov_len);
	for (int k = 1; k < 3; k++) {
		uint8_t *at = r->iov[i][k].iov_base;

		for (size_t n = 0; n < r->iov[i][k].iov_len && done < len; n++)
			at[n] = (uint8_t)(done++ * 7);
	}
	assert_int_equal(done, len);
}

static uint8_t
octet(struct epair_mbuf *m, uint32_t off)
{
	uint8_t c = 0;

	assert_int_equal(epair_mbuf_read(m, off, &c, 1), 1);
	return c;
}

static void
frame_is_taken_whole_whatever_its_length(void **state)
{
	static const uint32_t lens[] = { 14, 60, EPAIR_MBUF_SMALL,
		EPAIR_MBUF_SMALL + 1, 65549 };
	struct rig *rig = *state;
	struct epair_mbuf *m;
	uint32_t headers = 0;
	struct ep_reader r;

	ep_reader_init(&r, rig->a, HDR, &headers);
	assert_int_equal(ep_reader_room(&r, 5), 5);
	for (unsigned i = 0; i < 5; i++) {
		fill(&r, i, lens[i]);
		assert_true(ep_reader_take(&r, i, HDR + lens[i], 0, &m));
		assert_int_equal(m->pktlen, lens[i]);
		for (uint32_t k = 0; k < lens[i]; k++)
			assert_int_equal(octet(m, k), (uint8_t)(k * 7));
		epair_mbuf_free(&m, 1);
	}
	ep_reader_settle(&r);
	/* What was not used is there for the next. */
	assert_int_equal(ep_reader_room(&r, 32), 32);
	ep_reader_fini(&r);
}

static void
frame_shorter_than_an_ethernet_header_is_none(void **state)
{
	struct rig *rig = *state;
	struct epair_mbuf *m;
	uint32_t headers = 0;
	struct ep_reader r;

	ep_reader_init(&r, rig->a, HDR, &headers);
	assert_int_equal(ep_reader_room(&r, 1), 1);
	fill(&r, 0, 13);
	assert_false(ep_reader_take(&r, 0, HDR + 13, 0, &m));
	assert_false(ep_reader_take(&r, 0, 3, 0, &m));
	assert_int_equal(stats(rig->a).drops[EPAIR_DROP_TX_BAD], 2);
	ep_reader_fini(&r);
}

static void
tag_stands_behind_the_addresses_and_moves_what_the_header_says(void **state)
{
	struct rig *rig = *state;
	struct virtio_net_hdr_v1 *hdr;
	struct epair_mbuf *m;
	uint32_t headers = 0;
	struct ep_reader r;

	ep_reader_init(&r, rig->a, HDR, &headers);
	assert_int_equal(ep_reader_room(&r, 1), 1);
	fill(&r, 0, 3000);
	hdr = r.iov[0][0].iov_base;
	hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	hdr->csum_start = 34;
	hdr->csum_offset = 6;
	assert_true(ep_reader_take(&r, 0, HDR + 3000, 0x8100e123, &m));
	assert_int_equal(m->pktlen, 3004);
	for (uint32_t k = 0; k < 12; k++)
		assert_int_equal(octet(m, k), (uint8_t)(k * 7));
	assert_int_equal(octet(m, 12), 0x81);
	assert_int_equal(octet(m, 13), 0x00);
	assert_int_equal(octet(m, 14), 0xe1);
	assert_int_equal(octet(m, 15), 0x23);
	for (uint32_t k = 12; k < 3000; k++)
		assert_int_equal(octet(m, k + 4), (uint8_t)(k * 7));
	assert_int_equal(m->csum_start, 38);
	assert_int_equal(m->csum_offset, 6);
	epair_mbuf_free(&m, 1);
	ep_reader_fini(&r);
}

/* Take a frame that is to be cut, with so many octets of headers. */
static uint32_t
first_piece(struct rig *rig, uint32_t *headers, uint16_t now)
{
	struct virtio_net_hdr_v1 *hdr;
	struct epair_mbuf *m;
	struct ep_reader r;
	uint32_t len;

	ep_reader_init(&r, rig->a, HDR, headers);
	assert_int_equal(ep_reader_room(&r, 1), 1);
	fill(&r, 0, 3000);
	hdr = r.iov[0][0].iov_base;
	hdr->hdr_len = now;
	(void)ep_reader_take(&r, 0, HDR + 3000, 0, &m);
	len = m->len;
	assert_int_equal(m->pktlen, 3000);
	epair_mbuf_free(&m, 1);
	ep_reader_fini(&r);
	return len;
}

static void
first_piece_is_the_headers_and_whole_lines(void **state)
{
	struct rig *rig = *state;
	uint32_t headers = 0;

	assert_int_equal(first_piece(rig, &headers, 66), EPAIR_MBUF_SMALL);
	assert_int_equal(first_piece(rig, &headers, 0), 66 + 27 * 64);
	assert_int_equal(first_piece(rig, &headers, 86), 66 + 27 * 64);
	/* What cannot be is as if nothing had been said. */
	assert_int_equal(
	    first_piece(rig, &headers, EPAIR_MBUF_SMALL), 86 + 27 * 64);
	assert_int_equal(first_piece(rig, &headers, UINT16_MAX), 86 + 27 * 64);
	assert_int_equal(headers, 86);
}

/* In so many pieces. */
static struct epair_mbuf *
chain(struct rig *rig, unsigned pieces)
{
	struct epair_mbuf *m = frame(rig->ep, 60);

	while (--pieces > 0)
		epair_mbuf_chain(m, frame(rig->ep, 60));
	return m;
}

static void
writer_takes_frames_until_its_pieces_are_used_up(void **state)
{
	struct rig *rig = *state;
	struct epair_mbuf *m = chain(rig, 63);
	struct ep_writer w;
	unsigned n;

	ep_writer_init(&w);
	for (unsigned i = 0; i < EP_WRITER_PIECES / 64; i++) {
		assert_non_null(ep_writer_put(&w, HDR, m, &n));
		assert_int_equal(n, 64);
	}
	assert_null(ep_writer_put(&w, HDR, m, &n));
	epair_mbuf_free(&m, 1);
}

static void
frame_in_too_many_pieces_is_written_as_one(void **state)
{
	struct rig *rig = *state;
	struct epair_mbuf *m = chain(rig, EP_WRITER_PIECES);
	struct ep_writer w;
	unsigned n;

	ep_writer_init(&w);
	assert_null(ep_writer_put(&w, HDR, m, &n));
	assert_int_equal(w.count, 0);
	assert_int_equal(ep_writer_flatten(rig->ep->pool, &m), 0);
	assert_int_equal(m->pktlen, 60 * EP_WRITER_PIECES);
	assert_non_null(ep_writer_put(&w, HDR, m, &n));
	assert_int_equal(n, 2);
	epair_mbuf_free(&m, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		VECTOR_TEST(frame_is_taken_whole_whatever_its_length),
		VECTOR_TEST(frame_shorter_than_an_ethernet_header_is_none),
		VECTOR_TEST(first_piece_is_the_headers_and_whole_lines),
		VECTOR_TEST(
		    tag_stands_behind_the_addresses_and_moves_what_the_header_says),
		VECTOR_TEST(writer_takes_frames_until_its_pieces_are_used_up),
		VECTOR_TEST(frame_in_too_many_pieces_is_written_as_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
