/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header in front of a frame, and what of it becomes metadata: true
 * of the frame, or refused.
 */
#include "attach/virtio.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mbuf/mbuf.h"

#define GSO_UDP_L4 5

enum { TCP = 6, UDP = 17 };

struct frame {
	uint8_t octets[4000];
	struct epair_mbuf m;
	struct virtio_net_hdr_v1 hdr;
};

/* A TCP or UDP segment over IPv4, to be cut into pieces of 1000. */
static void
make(struct frame *f, uint8_t proto)
{
	uint8_t *ip = f->octets + 14;

	memset(f, 0, sizeof(*f));
	f->octets[12] = 0x08;
	ip[0] = 0x45;
	ip[2] = (sizeof(f->octets) - 14) >> 8;
	ip[3] = (sizeof(f->octets) - 14) & 0xff;
	ip[8] = 64;
	ip[9] = proto;
	ip[20 + 12] = 8 << 4; /* TCP: 32 octets of header */
	f->m.data = f->octets;
	f->m.len = f->m.pktlen = sizeof(f->octets);
	f->hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	f->hdr.gso_type = proto == TCP ? VIRTIO_NET_HDR_GSO_TCPV4 : GSO_UDP_L4;
	f->hdr.gso_size = 1000;
	f->hdr.csum_start = 34;
	f->hdr.csum_offset = proto == TCP ? 16 : 6;
	f->hdr.hdr_len = 4000; /* as the kernel fills it */
}

static void
a_frame_with_nothing_open_has_no_metadata(void **state)
{
	(void)state;

	struct frame f;

	make(&f, TCP);
	memset(&f.hdr, 0, sizeof(f.hdr));
	assert_int_equal(ep_virtio_from_header(&f.m, &f.hdr), 0);
	assert_int_equal(f.m.flags, 0);
	assert_int_equal(f.m.gso, EPAIR_GSO_NONE);
	memset(&f.hdr, 0xff, sizeof(f.hdr));
	ep_virtio_to_header(&f.m, &f.hdr);
	for (size_t i = 0; i < sizeof(f.hdr); i++)
		assert_int_equal(((const uint8_t *)&f.hdr)[i], 0);
}

static void
segmentation_goes_through_and_comes_back(void **state)
{
	(void)state;

	for (int proto = TCP; proto <= UDP; proto += UDP - TCP) {
		struct virtio_net_hdr_v1 back;
		struct frame f;

		make(&f, (uint8_t)proto);
		assert_int_equal(ep_virtio_from_header(&f.m, &f.hdr), 0);
		assert_int_equal(f.m.flags, EPAIR_M_CSUM_PARTIAL);
		assert_int_equal(
		    f.m.gso, proto == TCP ? EPAIR_GSO_TCP4 : EPAIR_GSO_UDP);
		assert_int_equal(f.m.gso_size, 1000);
		ep_virtio_to_header(&f.m, &back);
		/* But for the hint, which says how long the headers are. */
		assert_int_equal(back.hdr_len, proto == TCP ? 66 : 42);
		back.hdr_len = f.hdr.hdr_len;
		assert_memory_equal(&back, &f.hdr, sizeof(back));
	}
}

static void
ecn_is_kept(void **state)
{
	(void)state;

	struct virtio_net_hdr_v1 back;
	struct frame f;

	make(&f, TCP);
	f.hdr.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	assert_int_equal(ep_virtio_from_header(&f.m, &f.hdr), 0);
	assert_int_equal(f.m.gso, EPAIR_GSO_TCP4 | EPAIR_GSO_ECN);
	ep_virtio_to_header(&f.m, &back);
	assert_int_equal(
	    back.gso_type, VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN);
}

static void
a_verified_checksum_is_told(void **state)
{
	(void)state;

	struct frame f;

	make(&f, TCP);
	memset(&f.hdr, 0, sizeof(f.hdr));
	f.hdr.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	assert_int_equal(ep_virtio_from_header(&f.m, &f.hdr), 0);
	assert_int_equal(f.m.flags, EPAIR_M_CSUM_VALID);
	ep_virtio_to_header(&f.m, &f.hdr);
	assert_int_equal(f.hdr.flags, VIRTIO_NET_HDR_F_DATA_VALID);
}

static void
a_header_that_lies_is_refused(void **state)
{
	(void)state;

	struct frame f;

#define REFUSED(field, value) \
	do { \
		make(&f, TCP); \
		f.hdr.field = (value); \
		assert_int_equal( \
		    ep_virtio_from_header(&f.m, &f.hdr), -EINVAL); \
	} while (0)

	REFUSED(csum_start, 0xffff);
	REFUSED(csum_start, 13);
	REFUSED(csum_start, 3999);
	REFUSED(csum_offset, 0xfffe);
	REFUSED(csum_offset, 17);
	REFUSED(gso_size, 0);
	REFUSED(gso_size, 1);
	REFUSED(flags, 0);
	REFUSED(gso_type, 2);
	REFUSED(gso_type, 3); /* UFO: not asked for, and no longer made */
	REFUSED(gso_type, VIRTIO_NET_HDR_GSO_TCPV6);
	REFUSED(gso_type, GSO_UDP_L4);
	REFUSED(gso_type, VIRTIO_NET_HDR_GSO_ECN);
	REFUSED(gso_type, 0x7f);
#undef REFUSED
}

static void
headers_that_end_with_the_frame_are_safe(void **state)
{
	(void)state;

	/* However short: nothing behind pktlen is looked at. */
	for (uint32_t len = 14; len < 80; len++) {
		struct frame f;

		make(&f, TCP);
		f.m.len = f.m.pktlen = len;
		memset(f.octets + len, 0xff, sizeof(f.octets) - len);
		if (ep_virtio_from_header(&f.m, &f.hdr) == 0) {
			assert_true(len >= 66);
			ep_virtio_to_header(&f.m, &f.hdr);
			assert_int_equal(f.hdr.hdr_len, 66);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_with_nothing_open_has_no_metadata),
		cmocka_unit_test(segmentation_goes_through_and_comes_back),
		cmocka_unit_test(ecn_is_kept),
		cmocka_unit_test(a_verified_checksum_is_told),
		cmocka_unit_test(a_header_that_lies_is_refused),
		cmocka_unit_test(headers_that_end_with_the_frame_are_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
