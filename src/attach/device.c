/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/device.h"

#include <errno.h>
#include <linux/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/container.h"

int
ep_device_check(const struct ep_device_conf *conf, struct epair_err *err)
{
	size_t len = conf->name != NULL ? strlen(conf->name) : 1;

	if (len == 0 || len >= EPAIR_NAME_MAX ||
	    (conf->name != NULL && strpbrk(conf->name, "/:% \t\n") != NULL))
		return ep_fail(err, -EINVAL,
		    "name=%.32s is no name for a Linux device: 1 to 15 octets "
		    "without / : %% and spaces",
		    conf->name);
	return ep_netns_check(conf->netns, err);
}

/* Asking the kernel. */

static bool
can_see(const struct ep_device *dev)
{
	return dev->ns.route >= 0 && dev->ns.fd >= 0;
}

/* Does it listen? One that we do not see is taken to. */
static bool
is_there(const struct ep_device *dev) EP_REQUIRES(dev->conf)
{
	return !can_see(dev) || dev->is_away ||
	       (dev->seen.ifflags & IFF_UP) != 0;
}

static void
tell_there(struct ep_device *dev) EP_REQUIRES(dev->conf)
{
	bool there = is_there(dev);

	ep_store_relaxed(&dev->listens, there);
	ep_stack_present(dev->st, there);
}

/*
 * Ask, and take the kernel's count of frames that were sent in there and never
 * read by us. Not those that it dropped while the link was not running: for as
 * long, and up to a second after carrier has come, nothing of them reaches
 * us. *told as ep_netdev_ask() says.
 */
static int
look(struct ep_device *dev, struct ep_netdev *now, bool *told)
{
	int error;

	ep_lock(&dev->nl);
	error = ep_netdev_ask(
	    dev->ns.route, dev->ifindex, ++dev->nl_serial, now, told);
	if (error == 0) {
		if (dev->is_running && now->tx_dropped > dev->dropped)
			ep_drop_count(dev->st->ifp,
			    now->tx_dropped - dev->dropped, dev->ops->overflow);
		dev->dropped = now->tx_dropped;
		dev->is_running = (now->ifflags & IFF_RUNNING) != 0;
	}
	ep_unlock(&dev->nl);
	return error;
}

/* What was swallowed by asking out of turn is for the worker to look at. */
static int
look_now(struct ep_device *dev, struct ep_netdev *now)
{
	bool told = false;
	int error = look(dev, now, &told);

	if (told)
		(void)ep_task_schedule(&dev->follow_task);
	return error;
}

void
ep_device_refresh(struct ep_device *dev)
{
	struct ep_netdev now;

	if (can_see(dev))
		(void)look_now(dev, &now);
}

/* What was seen may be older than what its owner did since. */
static bool
is_up_now(struct ep_device *dev) EP_REQUIRES(dev->conf)
{
	struct ep_netdev now;
	uint32_t ifflags = dev->seen.ifflags;

	if (can_see(dev) && !dev->is_away && look_now(dev, &now) == 0)
		ifflags = now.ifflags;
	return (ifflags & IFF_UP) != 0;
}

/* Ours to the device. */

static void
set_carrier(struct ep_device *dev, bool on) EP_REQUIRES(dev->conf)
{
	struct ep_netdev now;

	if (dev->carrier == on)
		return;
	if (can_see(dev) && !dev->is_away)
		(void)look_now(dev, &now);
	ep_store_relaxed(&dev->carrier, on);
	dev->ops->set_carrier(dev, on);
	if (!on) {
		ep_lock(&dev->nl);
		dev->is_running = false;
		ep_unlock(&dev->nl);
	}
}

/* Set one thing at the device, as it is at the interface. */
static int
set_one(struct ep_device *dev, uint32_t what, const struct epair_if_info *info)
    EP_REQUIRES(dev->conf)
{
	struct ep_opener_call call = { .req.op = EP_OPENER_SET_LINK };
	struct ep_opener_request *req = &call.req;
	struct epair_err err;
	int error;

	if (!can_see(dev) || dev->is_away)
		return 0;
	req->flags = what | EP_OPENER_NETNS_FD;
	req->ifindex = dev->ifindex;
	req->mtu = info->mtu;
	memcpy(req->mac, info->mac, sizeof(req->mac));
	(void)snprintf(req->ifname, sizeof(req->ifname), "%s", info->name);
	if (what == EP_OPENER_UP) {
		req->gw_count = dev->gw_count;
		memcpy(req->gws, dev->gws, sizeof(req->gws));
	}
	call.fds[call.fd_count++] = dev->ns.fd;
	error = ep_opener_ask(dev->st->ifp->ep, &call, &err);
	/* That it has gone is noticed where it matters. */
	if (error != 0 && error != -ENODEV)
		ep_attach_event(dev->st, err.text);
	if (error == 0 && what == EP_OPENER_UP) {
		dev->seen.ifflags |= call.answer.ifflags & IFF_UP;
		tell_there(dev);
	}
	return error;
}

static void
apply(struct ep_device *dev, uint32_t what, const struct epair_if_info *info)
    EP_REQUIRES(dev->conf)
{
	bool is_up = (info->flags & EPAIR_IFF_UP) != 0;

	if (info->mtu != dev->asked_mtu) {
		dev->asked_mtu = info->mtu;
		(void)set_one(dev, EP_OPENER_MTU, info);
	}
	if (memcmp(info->mac, dev->asked_mac, 6) != 0) {
		memcpy(dev->asked_mac, info->mac, 6);
		(void)set_one(dev, EP_OPENER_MAC, info);
	}
	if ((what & EPAIR_CHANGED_NAME) != 0 && dev->follows_name)
		(void)set_one(dev, EP_OPENER_NAME, info);
	/*
	 * Down is said by carrier alone: a device that is set down forgets its
	 * routes and its IPv6 addresses, which are not ours.
	 */
	if (is_up && !dev->was_up && !is_up_now(dev))
		(void)set_one(dev, EP_OPENER_UP, info);
	dev->was_up = is_up;
}

void
ep_device_changed(struct ep_device *dev, uint32_t what)
{
	struct epair_if_info info = { .size = sizeof(info) };

	if (epair_if_get_info(dev->st->ifp, &info) != 0)
		return;
	ep_lock(&dev->conf);
	set_carrier(dev, ep_attach_has_link(&info));
	if ((what & EPAIR_CHANGED_CAPS) != 0 && dev->ops->set_offload != NULL)
		dev->ops->set_offload(dev, info.caps);
	apply(dev, what, &info);
	ep_unlock(&dev->conf);
}

/* The device's to us. */

static void
refuse(struct ep_device *dev, uint32_t what, const char *value,
    const struct epair_err *err) EP_REQUIRES(dev->conf)
{
	struct epair_if_info info = { .size = sizeof(info) };
	char detail[128 + EPAIR_ERR_TEXT_MAX];

	if (epair_if_get_info(dev->st->ifp, &info) != 0)
		return;
	(void)snprintf(detail, sizeof(detail), "%s of %s set back: %s", value,
	    dev->seen.ifname, err->text);
	detail[127] = '\0';
	ep_attach_event(dev->st, detail);
	dev->asked_mtu = info.mtu;
	memcpy(dev->asked_mac, info.mac, 6);
	(void)set_one(dev, what, &info);
}

static void
take_mtu(struct ep_device *dev, uint32_t mtu) EP_REQUIRES(dev->conf)
{
	struct epair_err err;
	char value[24];
	bool is_news = mtu != dev->seen.mtu && mtu != dev->asked_mtu;

	dev->seen.mtu = mtu;
	if (!is_news)
		return;
	dev->asked_mtu = mtu;
	if (epair_if_set_mtu(dev->st->ifp, mtu, &err) == 0)
		return;
	(void)snprintf(value, sizeof(value), "MTU %u", mtu);
	refuse(dev, EP_OPENER_MTU, value, &err);
}

static void
take_mac(struct ep_device *dev, const uint8_t *mac) EP_REQUIRES(dev->conf)
{
	struct epair_err err;
	char value[32];
	bool is_news = memcmp(mac, dev->seen.mac, 6) != 0 &&
		       memcmp(mac, dev->asked_mac, 6) != 0;

	memcpy(dev->seen.mac, mac, 6);
	if (!is_news)
		return;
	memcpy(dev->asked_mac, mac, 6);
	if (epair_if_set_mac(dev->st->ifp, mac, &err) == 0)
		return;
	(void)snprintf(value, sizeof(value), "%02x:%02x:%02x:%02x:%02x:%02x",
	    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	refuse(dev, EP_OPENER_MAC, value, &err);
}

static void
take_flags(struct ep_device *dev, uint32_t ifflags) EP_REQUIRES(dev->conf)
{
	char detail[64];
	bool is_news = ((ifflags ^ dev->seen.ifflags) & IFF_UP) != 0;

	dev->seen.ifflags = ifflags;
	if (!is_news)
		return;
	tell_there(dev);
	(void)snprintf(detail, sizeof(detail), "device %s is %s",
	    dev->seen.ifname, (ifflags & IFF_UP) != 0 ? "up" : "down");
	ep_attach_event(dev->st, detail);
}

/* Look at the device, and follow what was changed inside. */
static void
follow(struct ep_device *dev)
{
	struct ep_netdev now;
	bool told;
	int error = 0;

	if (!can_see(dev))
		return;
	ep_lock(&dev->conf);
	if (!dev->is_away) {
		error = look(dev, &now, &told);
		if (error == 0) {
			memcpy(
			    dev->seen.ifname, now.ifname, sizeof(now.ifname));
			take_flags(dev, now.ifflags);
			take_mtu(dev, now.mtu);
			take_mac(dev, now.mac);
		}
	}
	ep_unlock(&dev->conf);
	if (error == -ENODEV)
		ep_device_missing(dev);
}

static void
follow_run(struct ep_task *task)
{
	follow(EP_CONTAINER_OF(task, struct ep_device, follow_task));
}

static void
route_told(struct ep_watch *watch, uint32_t events)
{
	struct ep_device *dev = EP_CONTAINER_OF(
	    watch, struct ep_device, ns.route_watch);
	bool is_told;

	(void)events;
	ep_lock(&dev->nl);
	is_told = ep_netdev_told(dev->ns.route, dev->ifindex);
	ep_unlock(&dev->nl);
	if (is_told)
		follow(dev);
}

void
ep_device_missing(struct ep_device *dev)
{
	char what[64];
	bool was_away;

	ep_lock(&dev->conf);
	if (!dev->ops->exists(dev)) {
		(void)snprintf(what, sizeof(what), "device %s was deleted",
		    dev->seen.ifname);
		ep_attach_lost(dev->st, what);
	} else {
		was_away = dev->is_away;
		dev->is_away = true;
		(void)snprintf(what, sizeof(what),
		    "device %s left its namespace", dev->seen.ifname);
		if (!was_away)
			ep_attach_event(dev->st, what);
	}
	ep_unlock(&dev->conf);
}

/* Life. */

void
ep_device_init(
    struct ep_device *dev, const struct ep_device_ops *ops, struct ep_stack *st)
{
	*dev = (struct ep_device){ .ops = ops, .st = st };
	ep_netns_init(&dev->ns, st, route_told);
	ep_mutex_init(&dev->conf);
	ep_mutex_init(&dev->nl);
	ep_task_init(
	    &dev->follow_task, ep_ifnet_worker(st->ifp, 0), follow_run);
}

static void
fill_request(struct ep_opener_request *req, const struct ep_device_conf *conf,
    const struct ep_device *dev, const struct epair_if_info *info)
{
	req->flags |= EP_OPENER_MTU | EP_OPENER_MAC;
	if ((info->flags & EPAIR_IFF_UP) != 0)
		req->flags |= EP_OPENER_UP;
	if (!dev->carrier)
		req->flags |= EP_OPENER_NO_CARRIER;
	/*
	 * What is asked for again is there, with all that it was given and
	 * that others gave it since. Only its name may be an older one.
	 */
	if ((req->flags & EP_OPENER_AGAIN) != 0 && dev->follows_name)
		req->flags |= EP_OPENER_NAME;
	if ((req->flags & EP_OPENER_AGAIN) == 0) {
		req->addr_count = conf->addr_count;
		memcpy(req->addrs, conf->addrs, sizeof(req->addrs));
	}
	req->mtu = info->mtu;
	memcpy(req->mac, info->mac, sizeof(req->mac));
	(void)snprintf(req->ifname, sizeof(req->ifname), "%s",
	    conf->name != NULL ? conf->name : info->name);
	req->gw_count = conf->gw_count;
	memcpy(req->gws, conf->gws, sizeof(req->gws));
}

int
ep_device_ask(struct ep_device *dev, const struct ep_device_conf *conf,
    const struct ep_netns_with *with, struct ep_opener_call *call,
    struct epair_if_info *info, struct epair_err *err)
{
	int error = epair_if_get_info(dev->st->ifp, info);
	unsigned rest;

	if (error != 0)
		return ep_fail(err, error, "the interface is destroyed");
	dev->carrier = ep_attach_has_link(info);
	dev->gw_count = conf->gw_count;
	memcpy(dev->gws, conf->gws, sizeof(dev->gws));
	fill_request(&call->req, conf, dev, info);
	error = ep_netns_ask(&dev->ns, conf->netns, with, call, &rest, err);
	if (error != 0)
		return error;
	dev->ifindex = call->answer.ifindex;
	return (int)rest;
}

void
ep_device_note(struct ep_device *dev, const struct epair_if_info *info,
    const struct ep_opener_answer *answer) EP_NO_TSA
{
	struct ep_netdev now;
	bool told;

	dev->asked_mtu = info->mtu;
	memcpy(dev->asked_mac, info->mac, 6);
	dev->was_up = (info->flags & EPAIR_IFF_UP) != 0;
	dev->seen.ifflags = answer->ifflags;
	memcpy(dev->seen.mac, answer->mac, 6);
	memcpy(dev->seen.ifname, answer->ifname, sizeof(answer->ifname));
	/* One that we may not set is as good as changed inside. */
	if ((answer->refused & EP_OPENER_MTU) == 0)
		dev->seen.mtu = answer->mtu;
	dev->listens = is_there(dev);
	dev->st->is_away = !dev->listens;
	/* What was dropped before our time is none of ours. */
	if (dev->ns.route >= 0 && ep_netdev_ask(dev->ns.route, dev->ifindex,
				      ++dev->nl_serial, &now, &told) == 0) {
		dev->dropped = now.tx_dropped;
		dev->is_running = (now.ifflags & IFF_RUNNING) != 0;
	}
}

void
ep_device_start(struct ep_device *dev)
{
	char detail[64];

	ep_netns_start(&dev->ns);
	/* It has no other name. */
	if (strstr(dev->st->spec, "netns=new") != NULL) {
		(void)snprintf(detail, sizeof(detail),
		    "namespace is /proc/%d/fd/%d", (int)getpid(), dev->ns.fd);
		ep_attach_event(dev->st, detail);
	}
	/* What has changed while it was made was told to nobody. */
	ep_device_changed(dev, EPAIR_CHANGED_CAPS);
	(void)ep_task_schedule(&dev->follow_task);
}

void
ep_device_stop(struct ep_device *dev)
{
	ep_netns_stop(&dev->ns);
	(void)ep_task_drain(&dev->follow_task);
}

void
ep_device_fini(struct ep_device *dev)
{
	ep_netns_fini(&dev->ns);
	ep_mutex_fini(&dev->nl);
	ep_mutex_fini(&dev->conf);
}
