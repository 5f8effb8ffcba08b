/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any header in front of any frame is refused, or becomes metadata that is true
 * of the frame and says, written as a header again, the same.
 *
 *	12 octets	struct virtio_net_hdr_v1
 *	the rest	the frame
 */
#include <linux/virtio_net.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "attach/virtio.h"
#include "base/assert.h"
#include "mbuf/offload.h"
#include "net/ifnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	struct virtio_net_hdr_v1 hdr, back;
	struct epair_mbuf m = { 0 }, again = { 0 };
	uint8_t *frame;

	if (n < sizeof(hdr) + EP_ETHER_HDR_LEN || n > 70000)
		return 0;
	memcpy(&hdr, in, sizeof(hdr));
	n -= sizeof(hdr);
	/* Of its own, so that one octet too far is seen. */
	frame = malloc(n);
	if (frame == NULL)
		return 0;
	memcpy(frame, in + sizeof(hdr), n);
	m.data = again.data = frame;
	m.len = m.pktlen = again.len = again.pktlen = (uint32_t)n;
	if (ep_virtio_from_header(&m, &hdr) == 0) {
		EP_ASSERT(ep_mbuf_offload_check(&m) == 0);
		ep_virtio_to_header(&m, &back);
		EP_ASSERT(ep_virtio_from_header(&again, &back) == 0);
		EP_ASSERT(again.flags == m.flags && again.gso == m.gso);
		EP_ASSERT(again.gso_size == m.gso_size);
		EP_ASSERT(again.csum_start == m.csum_start);
		EP_ASSERT(again.csum_offset == m.csum_offset);
		if (m.gso != EPAIR_GSO_NONE)
			EP_ASSERT(back.hdr_len <= n);
	}
	free(frame);
	return 0;
}
