/* SPDX-License-Identifier: BSD-2-Clause */
#include "opener/opener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A request of ours; none is longer than a few addresses. */
union buffer {
	char octets[512];
	struct nlmsghdr align;
};

int
link_open(struct link *link)
{
	int one = 1;

	memset(link, 0, sizeof(*link));
	link->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (link->nl == NULL)
		return -errno;
	/* The kernel's own words for what was wrong, and not our request. */
	(void)mnl_socket_setsockopt(
	    link->nl, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)mnl_socket_setsockopt(
	    link->nl, NETLINK_CAP_ACK, &one, sizeof(one));
	if (mnl_socket_bind(link->nl, 0, MNL_SOCKET_AUTOPID) != 0) {
		int error = -errno;

		link_close(link);
		return error;
	}
	return 0;
}

void
link_close(struct link *link)
{
	if (link->nl != NULL)
		(void)mnl_socket_close(link->nl);
	link->nl = NULL;
}

static struct nlmsghdr *
begin(union buffer *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf->octets);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return nlh;
}

static void
keep_words(struct link *link, const struct nlmsghdr *nlh)
{
	struct nlattr *attr;

	if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) == 0)
		return;
	mnl_attr_for_each(attr, nlh, sizeof(struct nlmsgerr))
	{
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			(void)snprintf(link->why, sizeof(link->why), " (%s)",
			    mnl_attr_get_str(attr));
	}
}

/*
 * Send, and wait for the answer: an error, an acknowledgement, or - if cb is
 * given - the one message that is handed to it.
 */
static int
talk(struct link *link, struct nlmsghdr *nlh, mnl_cb_t cb, void *arg)
{
	static union {
		char octets[32768];
		struct nlmsghdr align;
	} in;
	uint32_t serial = ++link->serial;
	int len;

	link->why[0] = '\0';
	nlh->nlmsg_seq = serial;
	if (mnl_socket_sendto(link->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		const struct nlmsghdr *got = &in.align;

		len = (int)mnl_socket_recvfrom(link->nl, in.octets, sizeof(in));
		if (len < 0)
			return -errno;
		for (; mnl_nlmsg_ok(got, len);
		     got = mnl_nlmsg_next(got, &len)) {
			const struct nlmsgerr *e;

			if (got->nlmsg_seq != serial)
				continue;
			if (got->nlmsg_type != NLMSG_ERROR)
				return cb != NULL && cb(got, arg) < 0 ? -EPROTO
								      : 0;
			e = mnl_nlmsg_get_payload(got);
			keep_words(link, got);
			return e->error;
		}
	}
}

static int
take_link(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifm = mnl_nlmsg_get_payload(nlh);
	struct link_state *state = arg;
	struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_ERROR;
	memset(state, 0, sizeof(*state));
	state->ifindex = (uint32_t)ifm->ifi_index;
	state->ifflags = ifm->ifi_flags;
	mnl_attr_for_each(attr, nlh, sizeof(*ifm))
	{
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			(void)snprintf(state->ifname, sizeof(state->ifname),
			    "%s", mnl_attr_get_str(attr));
			break;
		case IFLA_MTU:
			state->mtu = mnl_attr_get_u32(attr);
			break;
		case IFLA_ADDRESS:
			if (mnl_attr_get_payload_len(attr) == 6)
				memcpy(
				    state->mac, mnl_attr_get_payload(attr), 6);
			break;
		default:
			break;
		}
	}
	return MNL_CB_OK;
}

/* A request about one link, by index, or by name if that is 0. */
static struct nlmsghdr *
begin_link(union buffer *buf, uint16_t type, uint16_t flags, uint32_t ifindex,
    struct ifinfomsg **ifmp)
{
	struct nlmsghdr *nlh = begin(buf, type, flags);
	struct ifinfomsg *ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));

	ifm->ifi_family = AF_UNSPEC;
	ifm->ifi_index = (int)ifindex;
	if (ifmp != NULL)
		*ifmp = ifm;
	return nlh;
}

int
link_get(struct link *link, uint32_t ifindex, const char *ifname,
    struct link_state *state)
{
	union buffer buf;
	struct nlmsghdr *nlh = begin_link(&buf, RTM_GETLINK, 0, ifindex, NULL);

	if (ifindex == 0)
		mnl_attr_put_strz(nlh, IFLA_IFNAME, ifname);
	return talk(link, nlh, take_link, state);
}

int
link_set_mtu(struct link *link, uint32_t ifindex, uint32_t mtu)
{
	union buffer buf;
	struct nlmsghdr *nlh = begin_link(
	    &buf, RTM_NEWLINK, NLM_F_ACK, ifindex, NULL);

	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	return talk(link, nlh, NULL, NULL);
}

int
link_set_mac(struct link *link, uint32_t ifindex, const uint8_t *mac)
{
	union buffer buf;
	struct nlmsghdr *nlh = begin_link(
	    &buf, RTM_NEWLINK, NLM_F_ACK, ifindex, NULL);

	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	return talk(link, nlh, NULL, NULL);
}

int
link_set_name(struct link *link, uint32_t ifindex, const char *name)
{
	union buffer buf;
	struct nlmsghdr *nlh = begin_link(
	    &buf, RTM_NEWLINK, NLM_F_ACK, ifindex, NULL);

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return talk(link, nlh, NULL, NULL);
}

int
link_add_veth(struct link *link, const char *ifname, uint32_t mtu,
    const char *peer, int peer_netns)
{
	union buffer buf;
	struct nlmsghdr *nlh = begin_link(
	    &buf, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 0, NULL);
	struct nlattr *info, *data, *end;

	mnl_attr_put_strz(nlh, IFLA_IFNAME, ifname);
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	end = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
	(void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, peer);
	mnl_attr_put_u32(nlh, IFLA_NET_NS_FD, (uint32_t)peer_netns);
	mnl_attr_nest_end(nlh, end);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return talk(link, nlh, NULL, NULL);
}

int
link_set_up(struct link *link, uint32_t ifindex, bool up)
{
	union buffer buf;
	struct ifinfomsg *ifm;
	struct nlmsghdr *nlh = begin_link(
	    &buf, RTM_NEWLINK, NLM_F_ACK, ifindex, &ifm);

	ifm->ifi_flags = up ? IFF_UP : 0;
	ifm->ifi_change = IFF_UP;
	return talk(link, nlh, NULL, NULL);
}

int
link_delete(struct link *link, uint32_t ifindex)
{
	union buffer buf;
	struct nlmsghdr *nlh = begin_link(
	    &buf, RTM_DELLINK, NLM_F_ACK, ifindex, NULL);

	return talk(link, nlh, NULL, NULL);
}

static uint16_t
addr_bytes(const struct ep_addr *addr)
{
	return addr->family == AF_INET ? 4 : 16;
}

/* As ifconfig(8) does, and ip(8) does when asked to. */
static void
put_broadcast(struct nlmsghdr *nlh, const struct ep_addr *addr)
{
	uint32_t word;

	if (addr->family != AF_INET || addr->prefix > 30)
		return;
	memcpy(&word, addr->octets, sizeof(word));
	word |= htonl(
	    addr->prefix == 0 ? UINT32_MAX : UINT32_MAX >> addr->prefix);
	mnl_attr_put(nlh, IFA_BROADCAST, sizeof(word), &word);
}

int
link_addr(
    struct link *link, uint32_t ifindex, const struct ep_addr *addr, bool add)
{
	union buffer buf;
	struct nlmsghdr *nlh = begin(&buf, add ? RTM_NEWADDR : RTM_DELADDR,
	    NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0));
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	ifa->ifa_family = addr->family;
	ifa->ifa_prefixlen = addr->prefix;
	ifa->ifa_scope = RT_SCOPE_UNIVERSE;
	ifa->ifa_index = ifindex;
	mnl_attr_put(nlh, IFA_LOCAL, addr_bytes(addr), addr->octets);
	mnl_attr_put(nlh, IFA_ADDRESS, addr_bytes(addr), addr->octets);
	if (add) {
		put_broadcast(nlh, addr);
		/*
		 * The address is to be usable when attach returns, and
		 * detection of duplicates takes a second or two.
		 */
		if (addr->family == AF_INET6)
			mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NODAD);
	}
	return talk(link, nlh, NULL, NULL);
}

int
link_gateway(struct link *link, uint32_t ifindex, const struct ep_addr *gw,
    uint32_t rank)
{
	union buffer buf;
	struct nlmsghdr *nlh = begin(
	    &buf, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = gw->family;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_scope = RT_SCOPE_UNIVERSE;
	rtm->rtm_type = RTN_UNICAST;
	mnl_attr_put(nlh, RTA_GATEWAY, addr_bytes(gw), gw->octets);
	mnl_attr_put_u32(nlh, RTA_OIF, ifindex);
	/* IPv6 has 1024 where nothing is said, IPv4 has 0. */
	if (rank > 0)
		mnl_attr_put_u32(nlh, RTA_PRIORITY,
		    rank + (gw->family == AF_INET6 ? 1024 : 0));
	return talk(link, nlh, NULL, NULL);
}

bool
link_await_name(unsigned *waited_ms)
{
	const unsigned step_ms = 5;

	if (*waited_ms >= LINK_NAME_WAIT_MS)
		return false;
	(void)usleep(step_ms * 1000);
	*waited_ms += step_ms;
	return true;
}

int
link_watch_socket(void)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK };
	int fd = socket(
	    AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int error, one = 1;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
		error = -errno;
		(void)close(fd);
		return error;
	}
	return fd;
}

const char *
addr_text(const struct ep_addr *addr, bool bare, char *buf)
{
	char octets[INET6_ADDRSTRLEN] = "?";

	(void)inet_ntop(addr->family, addr->octets, octets, sizeof(octets));
	if (bare)
		(void)snprintf(buf, 64, "%s", octets);
	else
		(void)snprintf(buf, 64, "%s/%u", octets, addr->prefix);
	return buf;
}
