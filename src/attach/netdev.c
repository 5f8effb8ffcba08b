/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "attach/netdev.h"

/*
 * One message of the route socket. What is longer is cut off: what we look for
 * stands at the beginning.
 */
union message {
	char octets[8192];
	struct nlmsghdr align;
};

static void
take_attr(const struct nlattr *attr, struct ep_netdev *dev)
{
	struct rtnl_link_stats64 stats;
	size_t len = mnl_attr_get_payload_len(attr);

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		(void)snprintf(dev->ifname, sizeof(dev->ifname), "%.*s",
		    (int)len, mnl_attr_get_str(attr));
		break;
	case IFLA_MTU:
		if (len == sizeof(uint32_t))
			dev->mtu = mnl_attr_get_u32(attr);
		break;
	case IFLA_ADDRESS:
		if (len == sizeof(dev->mac))
			memcpy(dev->mac, mnl_attr_get_payload(attr), len);
		break;
	case IFLA_STATS64:
		/* It has grown over time, and is not aligned to 8. */
		memset(&stats, 0, sizeof(stats));
		memcpy(&stats, mnl_attr_get_payload(attr),
		    len < sizeof(stats) ? len : sizeof(stats));
		dev->tx_dropped = stats.tx_dropped;
		break;
	default:
		break;
	}
}

static void
take_device(const struct nlmsghdr *nlh, struct ep_netdev *dev)
{
	const struct ifinfomsg *ifm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr = mnl_nlmsg_get_payload_offset(
	    nlh, sizeof(*ifm));
	const char *end = mnl_nlmsg_get_payload_tail(nlh);

	memset(dev, 0, sizeof(*dev));
	dev->ifflags = ifm->ifi_flags;
	/* mnl_attr_for_each(), whose cast takes const off. */
	for (; mnl_attr_ok(attr, (int)(end - (const char *)attr));
	     attr = mnl_attr_next(attr))
		take_attr(attr, dev);
}

static ssize_t
take_message(int route, union message *msg)
{
	ssize_t n;

	do {
		n = recv(route, msg->octets, sizeof(*msg), MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int
send_question(int route, uint32_t ifindex, uint32_t serial)
{
	union {
		char octets[128];
		struct nlmsghdr align;
	} buf;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf.octets);
	struct ifinfomsg *ifm;

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = serial;
	ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));
	ifm->ifi_index = (int)ifindex;
	if (send(route, nlh, nlh->nlmsg_len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	return 0;
}

/* Is it about that link, as far as one can see? */
static bool
is_about(const union message *msg, ssize_t n, uint32_t ifindex)
{
	const struct ifinfomsg *ifm = mnl_nlmsg_get_payload(&msg->align);

	return n >= (ssize_t)(sizeof(msg->align) + sizeof(*ifm)) &&
	       ifm->ifi_index == (int)ifindex;
}

int
ep_netdev_ask(int route, uint32_t ifindex, uint32_t serial,
    struct ep_netdev *dev, bool *told)
{
	union message msg;
	const struct nlmsghdr *nlh = &msg.align;
	int error = send_question(route, ifindex, serial);

	*told = false;
	/* The answer is there when send returns: the kernel gave it then. */
	while (error == 0) {
		ssize_t n = take_message(route, &msg);

		if (n == -EAGAIN)
			return -EIO;
		if (n < 0 && n != -ENOBUFS)
			return (int)n;
		if (n == -ENOBUFS || !mnl_nlmsg_ok(nlh, (int)n) ||
		    nlh->nlmsg_seq != serial)
			*told = true;
		else if (nlh->nlmsg_type == NLMSG_ERROR)
			error = ((const struct nlmsgerr *)mnl_nlmsg_get_payload(
				     nlh))
				    ->error;
		else if (nlh->nlmsg_type == RTM_NEWLINK &&
			 is_about(&msg, n, ifindex)) {
			take_device(nlh, dev);
			return 0;
		}
	}
	return error;
}

bool
ep_netdev_told(int route, uint32_t ifindex)
{
	union message msg;
	bool is_ours = false;

	for (;;) {
		ssize_t n = take_message(route, &msg);

		if (n == -ENOBUFS) /* told more than it could hold */
			is_ours = true;
		else if (n < 0)
			return is_ours;
		else
			is_ours |= is_about(&msg, n, ifindex);
	}
}
