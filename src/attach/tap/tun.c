/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "attach/tap/ring.h"
#include "attach/tap/tap.h"
#include "base/container.h"

/* Newer than Debian 12's headers, and known to kernels since 6.2. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

uint32_t
ep_tap_set_offload(const struct ep_tap *tap, uint32_t caps)
{
	int fd = tap->queues[0].fd;
	unsigned long csum = 0, tso = 0, uso = 0;

	if (!tap->is_offloading)
		caps = 0;
	/* None without CSUM, and USO only of both kinds at once. */
	if ((caps & EPAIR_CAP_CSUM) != 0)
		csum = TUN_F_CSUM;
	if (csum != 0 && (caps & EPAIR_CAP_TSO) != 0)
		tso = TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	if (csum != 0 && (caps & EPAIR_CAP_USO) != 0)
		uso = TUN_F_USO4 | TUN_F_USO6;
	if (ioctl(fd, TUNSETOFFLOAD, csum | tso | uso) != 0) {
		uso = 0;
		if (ioctl(fd, TUNSETOFFLOAD, csum | tso) != 0) {
			csum = tso = 0;
			(void)ioctl(fd, TUNSETOFFLOAD, 0);
		}
	}
	return (csum != 0 ? EPAIR_CAP_CSUM : 0) |
	       (tso != 0 ? EPAIR_CAP_TSO : 0) | (uso != 0 ? EPAIR_CAP_USO : 0);
}

/*
 * One that does not says so before it looks at what is written; a frame of one
 * octet is refused by any TAP.
 */
bool
ep_tap_knows_nowait(int fd)
{
	struct iovec iov = { (char[1]){ 0 }, 1 };

	return pwritev2(fd, &iov, 1, -1, RWF_NOWAIT) >= 0 ||
	       errno != EOPNOTSUPP;
}

int
ep_tap_set_up_header(struct ep_tap *tap, struct epair_err *err)
{
	int len = EP_VIRTIO_HDR_LEN;
	struct ifreq ifr;

	for (unsigned i = 0; i < tap->queue_count; i++) {
		int fd = tap->queues[i].fd;

		memset(&ifr, 0, sizeof(ifr));
		if (fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) != 0 ||
		    ioctl(fd, TUNGETIFF, &ifr) != 0)
			return ep_fail_sys(
			    err, -errno, "cannot set the TAP up");
		if ((ifr.ifr_flags & IFF_NO_PI) == 0)
			return ep_fail(
			    err, -EINVAL, "fd= is a TAP without IFF_NO_PI");
		if (ep_tap_knows_nowait(fd))
			tap->rw_flags = RWF_NOWAIT;
		if ((ifr.ifr_flags & IFF_VNET_HDR) == 0)
			continue;
		if (ioctl(fd, TUNSETVNETHDRSZ, &len) != 0)
			return ep_fail_sys(
			    err, -errno, "cannot set the TAP's header");
		tap->hdr_len = EP_VIRTIO_HDR_LEN;
	}
	return 0;
}

static struct ep_tap *
tap_of(struct ep_device *dev)
{
	return EP_CONTAINER_OF(dev, struct ep_tap, device);
}

static bool
exists(struct ep_device *dev)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	return ioctl(tap_of(dev)->queues[0].fd, TUNGETIFF, &ifr) == 0;
}

static void
set_carrier(struct ep_device *dev, bool on)
{
	int value = on;

	(void)ioctl(tap_of(dev)->queues[0].fd, TUNSETCARRIER, &value);
}

static void
set_offload(struct ep_device *dev, uint32_t caps)
{
	const struct ep_tap *tap = tap_of(dev);

	(void)ep_tap_set_offload(tap, tap->st.accepts & caps);
}

const struct ep_device_ops ep_tap_device = {
	.exists = exists,
	.set_carrier = set_carrier,
	.set_offload = set_offload,
	.overflow = EPAIR_DROP_TAP_RING,
};
