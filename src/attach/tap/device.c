/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "attach/tap/tap.h"
#include "base/atomic.h"

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

/* Asking the kernel. */

static bool
can_see(const struct ep_tap *tap)
{
	return tap->ns.route >= 0 && tap->ns.fd >= 0;
}

bool
ep_tap_is_there(const struct ep_tap *tap)
{
	return !can_see(tap) || tap->is_away ||
	       (tap->seen.ifflags & IFF_UP) != 0;
}

/*
 * Ask, and take the kernel's count of frames that were sent in there and never
 * read by us. Not those that it dropped while the link was not running: for as
 * long, and up to a second after carrier has come, nothing of them reaches the
 * TAP's queue. *told as ep_netdev_ask() says.
 */
static int
look(struct ep_tap *tap, struct ep_netdev *link, bool *told)
{
	int error;

	ep_lock(&tap->nl);
	error = ep_netdev_ask(
	    tap->ns.route, tap->ifindex, ++tap->nl_serial, link, told);
	if (error == 0) {
		if (tap->is_running && link->tx_dropped > tap->dropped)
			ep_drop_count(tap->st.ifp,
			    link->tx_dropped - tap->dropped,
			    EPAIR_DROP_TAP_RING);
		tap->dropped = link->tx_dropped;
		tap->is_running = (link->ifflags & IFF_RUNNING) != 0;
	}
	ep_unlock(&tap->nl);
	return error;
}

/* What was swallowed by asking out of turn is for the worker to look at. */
static void
look_now(struct ep_tap *tap)
{
	struct ep_netdev link;
	bool told = false;

	(void)look(tap, &link, &told);
	if (told)
		(void)ep_task_schedule(&tap->follow_task);
}

void
ep_tap_refresh(struct ep_stack *st)
{
	struct ep_tap *tap = (struct ep_tap *)(void *)st;

	if (can_see(tap))
		look_now(tap);
}

/* Ours to the device. */

static void
set_carrier(struct ep_tap *tap, bool on) EP_REQUIRES(tap->conf)
{
	int value = on;

	if (tap->carrier == on)
		return;
	if (can_see(tap) && !tap->is_away)
		look_now(tap);
	ep_store_relaxed(&tap->carrier, on);
	(void)ioctl(tap->queues[0].fd, TUNSETCARRIER, &value);
	if (!on) {
		ep_lock(&tap->nl);
		tap->is_running = false;
		ep_unlock(&tap->nl);
	}
}

/* Set one thing at the device, as it is at the interface. */
static int
set_one(struct ep_tap *tap, uint32_t what, const struct epair_if_info *info)
    EP_REQUIRES(tap->conf)
{
	struct ep_opener_call call = { .req.op = EP_OPENER_SET_LINK };
	struct ep_opener_request *req = &call.req;
	struct epair_err err;
	int error;

	if (!can_see(tap) || tap->is_away)
		return 0;
	req->flags = what | EP_OPENER_NETNS_FD;
	req->ifindex = tap->ifindex;
	req->mtu = info->mtu;
	memcpy(req->mac, info->mac, sizeof(req->mac));
	(void)snprintf(req->ifname, sizeof(req->ifname), "%s", info->name);
	if (what == EP_OPENER_UP) {
		req->gw_count = tap->gw_count;
		memcpy(req->gws, tap->gws, sizeof(req->gws));
	}
	call.fds[call.fd_count++] = tap->ns.fd;
	error = ep_opener_ask(tap->st.ifp->ep, &call, &err);
	/* That it has gone is noticed where it matters. */
	if (error != 0 && error != -ENODEV)
		ep_attach_event(&tap->st, err.text);
	if (error == 0 && what == EP_OPENER_UP) {
		tap->seen.ifflags |= call.answer.ifflags & IFF_UP;
		ep_stack_present(&tap->st, ep_tap_is_there(tap));
	}
	return error;
}

static void
apply(struct ep_tap *tap, uint32_t what, const struct epair_if_info *info)
    EP_REQUIRES(tap->conf)
{
	bool is_up = (info->flags & EPAIR_IFF_UP) != 0;

	if (info->mtu != tap->asked_mtu) {
		tap->asked_mtu = info->mtu;
		(void)set_one(tap, EP_OPENER_MTU, info);
	}
	if (memcmp(info->mac, tap->asked_mac, 6) != 0) {
		memcpy(tap->asked_mac, info->mac, 6);
		(void)set_one(tap, EP_OPENER_MAC, info);
	}
	if ((what & EPAIR_CHANGED_NAME) != 0 && tap->follows_name)
		(void)set_one(tap, EP_OPENER_NAME, info);
	/*
	 * Down is said by carrier alone: a device that is set down forgets its
	 * routes and its IPv6 addresses, which are not ours.
	 */
	if (is_up && !tap->was_up && (tap->seen.ifflags & IFF_UP) == 0)
		(void)set_one(tap, EP_OPENER_UP, info);
	tap->was_up = is_up;
}

void
ep_tap_changed(struct ep_stack *st, uint32_t what)
{
	struct ep_tap *tap = (struct ep_tap *)(void *)st;
	struct epair_if_info info = { .size = sizeof(info) };

	if (epair_if_get_info(st->ifp, &info) != 0)
		return;
	ep_lock(&tap->conf);
	set_carrier(tap, ep_attach_has_link(&info));
	if ((what & EPAIR_CHANGED_CAPS) != 0)
		(void)ep_tap_set_offload(tap, st->accepts & info.caps);
	apply(tap, what, &info);
	ep_unlock(&tap->conf);
}

/* The device's to us. */

static void
refuse(struct ep_tap *tap, uint32_t what, const char *value,
    const struct epair_err *err) EP_REQUIRES(tap->conf)
{
	struct epair_if_info info = { .size = sizeof(info) };
	char detail[128 + EPAIR_ERR_TEXT_MAX];

	if (epair_if_get_info(tap->st.ifp, &info) != 0)
		return;
	(void)snprintf(detail, sizeof(detail), "%s of %s set back: %s", value,
	    tap->seen.ifname, err->text);
	detail[127] = '\0';
	ep_attach_event(&tap->st, detail);
	tap->asked_mtu = info.mtu;
	memcpy(tap->asked_mac, info.mac, 6);
	(void)set_one(tap, what, &info);
}

static void
take_mtu(struct ep_tap *tap, uint32_t mtu) EP_REQUIRES(tap->conf)
{
	struct epair_err err;
	char value[24];
	bool is_news = mtu != tap->seen.mtu && mtu != tap->asked_mtu;

	tap->seen.mtu = mtu;
	if (!is_news)
		return;
	tap->asked_mtu = mtu;
	if (epair_if_set_mtu(tap->st.ifp, mtu, &err) == 0)
		return;
	(void)snprintf(value, sizeof(value), "MTU %u", mtu);
	refuse(tap, EP_OPENER_MTU, value, &err);
}

static void
take_mac(struct ep_tap *tap, const uint8_t *mac) EP_REQUIRES(tap->conf)
{
	struct epair_err err;
	char value[32];
	bool is_news = memcmp(mac, tap->seen.mac, 6) != 0 &&
		       memcmp(mac, tap->asked_mac, 6) != 0;

	memcpy(tap->seen.mac, mac, 6);
	if (!is_news)
		return;
	memcpy(tap->asked_mac, mac, 6);
	if (epair_if_set_mac(tap->st.ifp, mac, &err) == 0)
		return;
	(void)snprintf(value, sizeof(value), "%02x:%02x:%02x:%02x:%02x:%02x",
	    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	refuse(tap, EP_OPENER_MAC, value, &err);
}

static void
take_flags(struct ep_tap *tap, uint32_t ifflags) EP_REQUIRES(tap->conf)
{
	char detail[64];
	bool is_news = ((ifflags ^ tap->seen.ifflags) & IFF_UP) != 0;

	tap->seen.ifflags = ifflags;
	if (!is_news)
		return;
	ep_stack_present(&tap->st, ep_tap_is_there(tap));
	(void)snprintf(detail, sizeof(detail), "device %s is %s",
	    tap->seen.ifname, (ifflags & IFF_UP) != 0 ? "up" : "down");
	ep_attach_event(&tap->st, detail);
}

void
ep_tap_follow(struct ep_tap *tap)
{
	struct ep_netdev now;
	bool told;
	int error = 0;

	if (!can_see(tap))
		return;
	ep_lock(&tap->conf);
	if (!tap->is_away) {
		error = look(tap, &now, &told);
		if (error == 0) {
			memcpy(
			    tap->seen.ifname, now.ifname, sizeof(now.ifname));
			take_flags(tap, now.ifflags);
			take_mtu(tap, now.mtu);
			take_mac(tap, now.mac);
		}
	}
	ep_unlock(&tap->conf);
	if (error == -ENODEV)
		ep_tap_missing(tap);
}

void
ep_tap_route(struct ep_watch *watch, uint32_t events)
{
	struct ep_tap *tap =
	    (struct ep_tap *)(void *)((char *)watch -
				      offsetof(struct ep_tap, ns.route_watch));
	bool is_told;

	(void)events;
	ep_lock(&tap->nl);
	is_told = ep_netdev_told(tap->ns.route, tap->ifindex);
	ep_unlock(&tap->nl);
	if (is_told)
		ep_tap_follow(tap);
}

void
ep_tap_missing(struct ep_tap *tap)
{
	struct ifreq ifr;
	char what[64];
	bool was_away;

	memset(&ifr, 0, sizeof(ifr));
	ep_lock(&tap->conf);
	if (ioctl(tap->queues[0].fd, TUNGETIFF, &ifr) != 0) {
		(void)snprintf(what, sizeof(what), "device %s was deleted",
		    tap->seen.ifname);
		ep_attach_lost(&tap->st, what);
	} else {
		was_away = tap->is_away;
		tap->is_away = true;
		(void)snprintf(what, sizeof(what),
		    "device %s left its namespace", tap->seen.ifname);
		if (!was_away)
			ep_attach_event(&tap->st, what);
	}
	ep_unlock(&tap->conf);
}
