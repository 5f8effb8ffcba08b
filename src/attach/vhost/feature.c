/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/vhost/feature.h"

#include <epair/if.h>

#define BIT(n) (UINT64_C(1) << (n))

/* VIRTIO 1 is little-endian; we are what the machine is (ring.h). */
#define IS_LITTLE (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

uint64_t
ep_vhost_features(uint32_t caps, unsigned pairs)
{
	uint64_t features =
	    BIT(EP_VHOST_F_PROTOCOL) | BIT(VIRTIO_F_ANY_LAYOUT) |
	    BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VIRTIO_RING_F_INDIRECT_DESC) |
	    BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_MAC) |
	    BIT(VIRTIO_NET_F_STATUS) | BIT(VIRTIO_NET_F_MTU) |
	    BIT(VIRTIO_NET_F_GUEST_ANNOUNCE);

	if (IS_LITTLE)
		features |= BIT(VIRTIO_F_VERSION_1);
	if (pairs > 1)
		features |= BIT(VIRTIO_NET_F_MQ);
	/* Virtio has no segmentation without checksums. */
	if ((caps & EPAIR_CAP_CSUM) == 0)
		return features;
	features |= BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM);
	if ((caps & EPAIR_CAP_TSO) != 0)
		features |=
		    BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) |
		    BIT(VIRTIO_NET_F_HOST_ECN) | BIT(VIRTIO_NET_F_GUEST_TSO4) |
		    BIT(VIRTIO_NET_F_GUEST_TSO6) | BIT(VIRTIO_NET_F_GUEST_ECN);
	if ((caps & EPAIR_CAP_USO) != 0)
		features |= BIT(EP_VHOST_F_HOST_USO) |
			    BIT(EP_VHOST_F_GUEST_USO4) |
			    BIT(EP_VHOST_F_GUEST_USO6);
	return features;
}

uint32_t
ep_vhost_accepts(uint64_t features)
{
	const uint64_t tso = BIT(VIRTIO_NET_F_GUEST_TSO4) |
			     BIT(VIRTIO_NET_F_GUEST_TSO6) |
			     BIT(VIRTIO_NET_F_GUEST_ECN);
	const uint64_t uso = BIT(EP_VHOST_F_GUEST_USO4) |
			     BIT(EP_VHOST_F_GUEST_USO6);
	uint32_t caps = 0;

	if (!ep_vhost_has(features, VIRTIO_NET_F_GUEST_CSUM))
		return 0;
	caps |= EPAIR_CAP_CSUM;
	if ((features & tso) == tso)
		caps |= EPAIR_CAP_TSO;
	if ((features & uso) == uso)
		caps |= EPAIR_CAP_USO;
	return caps;
}
