/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/vhost/feature.h - what a virtio-net device of ours can do.
 *
 * Numbers of bits, as virtio has them; the newer ones are not in Debian 12's
 * headers.
 */
#ifndef EP_ATTACH_VHOST_FEATURE_H
#define EP_ATTACH_VHOST_FEATURE_H

#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>

#include "attach/virtio.h"

#define EP_VHOST_F_PROTOCOL   30 /* VHOST_USER_F_PROTOCOL_FEATURES */
#define EP_VHOST_F_GUEST_USO4 54 /* VIRTIO_NET_F_GUEST_USO4 */
#define EP_VHOST_F_GUEST_USO6 55
#define EP_VHOST_F_HOST_USO   56

static inline bool
ep_vhost_has(uint64_t features, unsigned bit)
{
	return (features >> bit & 1) != 0;
}

/* Octets in front of each frame. */
static inline unsigned
ep_vhost_hdr_len(uint64_t features)
{
	return ep_vhost_has(features, VIRTIO_F_VERSION_1) ||
		       ep_vhost_has(features, VIRTIO_NET_F_MRG_RXBUF)
		   ? EP_VIRTIO_HDR_LEN
		   : (unsigned)sizeof(struct virtio_net_hdr);
}

/* What we have, for an interface with caps and so many pairs of queues. */
uint64_t ep_vhost_features(uint32_t caps, unsigned pairs);

/* What a guest that agreed on features takes unfinished: EPAIR_CAP_*. */
uint32_t ep_vhost_accepts(uint64_t features);

#endif /* EP_ATTACH_VHOST_FEATURE_H */
