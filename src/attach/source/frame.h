/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/source/frame.h - the frames of a source, as bytes.
 *
 *	octets   what
 *	0-13     Ethernet: dst, src, 0x0800
 *	14-33    IPv4: 198.18.0.1 to 198.18.0.2 (RFC 2544), UDP, DF, TTL 64
 *	34-41    UDP: ports EP_SOURCE_PORT + flow to 9 (discard), checksum
 *	42-49    the frame's number, from 0, big-endian
 *	50-57    when it was made, ns of the instance's clock, big-endian
 *	58-      zeros
 *
 * A frame that is too short for a field goes without it; one without room for
 * UDP is EtherType 0x88b5 (IEEE 802, for local experiments) and zeros.
 */
#ifndef EP_ATTACH_SOURCE_FRAME_H
#define EP_ATTACH_SOURCE_FRAME_H

#include <stdint.h>

#define EP_SOURCE_SIZE_MIN  14u
#define EP_SOURCE_SIZE_MAX  65549u /* IPv4 knows no longer packet */
#define EP_SOURCE_HEAD_MAX  58u
#define EP_SOURCE_PORT      49152u
#define EP_SOURCE_FLOWS_MAX 16384u

/* What is the same in all frames of a source. */
struct ep_source_head {
	uint32_t size; /* of a frame */
	uint32_t len; /* of what is not zeros */
	uint16_t sum; /* of UDP and its pseudo header, the rest being 0 */
	uint8_t octets[EP_SOURCE_HEAD_MAX];
};

/* size is SIZE_MIN to SIZE_MAX. */
void ep_source_head_init(struct ep_source_head *head, uint32_t size,
    const uint8_t *dst, const uint8_t *src);

/* Write frame `number` of `flow`: head->size octets. */
void ep_source_frame(const struct ep_source_head *head, uint8_t *frame,
    uint64_t number, uint32_t flow, uint64_t now_ns);

#endif /* EP_ATTACH_SOURCE_FRAME_H */
