/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/netdev.h - asking the kernel about a device, and being told of it.
 *
 * By a route socket that the opener made in the device's namespace (netns.h):
 * what it may see needs no rights. The caller serialises its use.
 */
#ifndef EP_ATTACH_NETDEV_H
#define EP_ATTACH_NETDEV_H

#include <stdbool.h>
#include <stdint.h>

#include <epair/vnet.h>

/* What the kernel tells of a device. */
struct ep_netdev {
	uint32_t mtu;
	uint32_t ifflags; /* IFF_* of <linux/if.h> */
	uint8_t mac[6];
	char ifname[EPAIR_NAME_MAX];
	uint64_t tx_dropped; /* that it was to send, and did not */
};

/*
 * Ask about one. What the socket had to tell before is older than the answer
 * and forgotten; *told says whether there was any.
 * Returns 0; -ENODEV if it is not there; other errors.
 */
int ep_netdev_ask(int route, uint32_t ifindex, uint32_t serial,
    struct ep_netdev *dev, bool *told);

/*
 * Read what the route socket has to tell, to the end. Returns whether some of
 * it was about the device, or was lost.
 */
bool ep_netdev_told(int route, uint32_t ifindex);

#endif /* EP_ATTACH_NETDEV_H */
