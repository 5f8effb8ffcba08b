/* SPDX-License-Identifier: BSD-2-Clause */
#include "opener/opener.h"

#include <errno.h>
#include <linux/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a job has in hand. */
struct hand {
	const struct ep_opener_request *req;
	struct netns ns;
	struct tun tun;
	struct veth veth;
	struct link link;
	struct link_state state;
	uint32_t refused;
	bool is_blind; /* a TAP was handed over, and where it is we know not */
	bool is_elsewhere; /* it is not where netns= says */
	int route;
	unsigned addrs; /* that we have added */
	struct epair_err err;
};

/* Fail for what the kernel said of h->link: "<sentence>: <its words>". */
static int fail_link(struct hand *h, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
fail_link(struct hand *h, int error, const char *fmt, ...)
{
	char text[EPAIR_ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return ep_fail(&h->err, error, "%.140s: %s%s", text,
	    strerrordesc_np(-error), h->link.why);
}

/*
 * May the job go on without this? Where somebody else made the device, with
 * more rights than ours, it is theirs to set up.
 */
static bool
is_theirs(struct hand *h, int error, uint32_t what)
{
	if (!h->tun.was_there || (error != -EPERM && error != -EACCES))
		return false;
	h->refused |= what;
	return true;
}

static int
set_mtu(struct hand *h)
{
	int error;

	if ((h->req->flags & EP_OPENER_MTU) == 0 || h->state.mtu == h->req->mtu)
		return 0;
	error = link_set_mtu(&h->link, h->state.ifindex, h->req->mtu);
	if (error == 0 || is_theirs(h, error, EP_OPENER_MTU))
		return 0;
	return fail_link(h, error, "%s cannot have an MTU of %u", h->tun.ifname,
	    h->req->mtu);
}

static int
set_mac(struct hand *h)
{
	const uint8_t *mac = h->req->mac;
	char text[20];
	int error;

	if ((h->req->flags & EP_OPENER_MAC) == 0 ||
	    memcmp(h->state.mac, mac, 6) == 0)
		return 0;
	if (h->tun.count > 0)
		error = tun_set_mac(&h->tun, mac);
	else
		error = link_set_mac(&h->link, h->state.ifindex, mac);
	if (error == 0)
		return 0;
	(void)snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x",
	    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return fail_link(
	    h, error, "%s cannot have the address %s", h->tun.ifname, text);
}

static int
set_name(struct hand *h)
{
	const char *ifname = h->req->ifname;
	int error;

	if ((h->req->flags & EP_OPENER_NAME) == 0 ||
	    strcmp(ifname, h->state.ifname) == 0)
		return 0;
	error = link_set_name(&h->link, h->state.ifindex, ifname);
	if (error == -EEXIST)
		return ep_fail(&h->err, error,
		    "there is already an interface %s in %.180s", ifname,
		    h->ns.what);
	if (error != 0)
		return fail_link(
		    h, error, "%s cannot be called %s", h->tun.ifname, ifname);
	return 0;
}

static int
add_addrs(struct hand *h)
{
	char text[64];

	for (; h->addrs < h->req->addr_count; h->addrs++) {
		const struct ep_addr *addr = &h->req->addrs[h->addrs];
		int error = link_addr(&h->link, h->state.ifindex, addr, true);

		if (error != 0)
			return fail_link(h, error,
			    "%s cannot have the address %s", h->tun.ifname,
			    addr_text(addr, false, text));
	}
	return 0;
}

/*
 * `again`: the kernel forgets routes by itself when it takes a link down, so
 * that some may be there still.
 */
static int
add_gateways(struct hand *h, bool again)
{
	unsigned ranks[2] = { 0, 0 };
	char text[64];

	for (unsigned i = 0; i < h->req->gw_count; i++) {
		const struct ep_addr *gw = &h->req->gws[i];
		uint32_t rank = ranks[gw->family == AF_INET6]++;
		int error = link_gateway(&h->link, h->state.ifindex, gw, rank);

		if (error == 0 || (again && error == -EEXIST))
			continue;
		(void)addr_text(gw, true, text);
		if (error == -EEXIST)
			return ep_fail(&h->err, error,
			    "there is already a default route in %.180s, "
			    "besides gw=%s",
			    h->ns.what, text);
		if (error == -ENETUNREACH || error == -EHOSTUNREACH)
			return ep_fail(&h->err, error,
			    "gw=%s is in none of the subnets of addr=", text);
		return fail_link(h, error, "%s cannot have the gateway %s",
		    h->tun.ifname, text);
	}
	return 0;
}

static int
set_up(struct hand *h, bool again)
{
	int error;

	if ((h->req->flags & EP_OPENER_UP) == 0)
		return 0;
	error = link_set_up(&h->link, h->state.ifindex, true);
	if (error != 0 && !is_theirs(h, error, EP_OPENER_UP))
		return fail_link(
		    h, error, "%s cannot be set up", h->tun.ifname);
	return again ? add_gateways(h, true) : 0;
}

static int
set_down(struct hand *h)
{
	int error = 0;

	if ((h->req->flags & EP_OPENER_DOWN) != 0)
		error = link_set_up(&h->link, h->state.ifindex, false);
	if (error != 0)
		return fail_link(
		    h, error, "%s cannot be set down", h->tun.ifname);
	return 0;
}

static int
find_link(struct hand *h, uint32_t ifindex, const char *ifname)
{
	int error = link_open(&h->link);

	if (error == 0)
		error = link_get(&h->link, ifindex, ifname, &h->state);
	if (error == -ENODEV)
		return ep_fail(&h->err, error, "there is no %s in %.180s",
		    *ifname != '\0' ? ifname : "such interface", h->ns.what);
	if (error != 0)
		return ep_fail_sys(&h->err, error,
		    "cannot talk rtnetlink in %.180s", h->ns.what);
	return 0;
}

static int
set_up_new(struct hand *h)
{
	int error = set_up(h, false);

	if (error == 0)
		error = add_addrs(h);
	if (error == 0 && (h->req->flags & EP_OPENER_UP) != 0)
		error = add_gateways(h, false);
	return error;
}

/* One that is down has forgotten its routes; else they are others' by now. */
static int
set_up_again(struct hand *h)
{
	return (h->state.ifflags & IFF_UP) != 0 ? 0 : set_up(h, true);
}

/* Everything about the device; it is there. */
static int
set_up_device(struct hand *h)
{
	bool is_again = (h->req->flags & EP_OPENER_AGAIN) != 0;
	int error = find_link(h, 0, h->tun.ifname);

	if (error != 0 || (error = set_mtu(h)) != 0 ||
	    (error = set_mac(h)) != 0)
		return error;
	if ((h->req->flags & EP_OPENER_NO_CARRIER) != 0 && h->tun.count > 0)
		(void)tun_set_carrier(&h->tun, false);
	if (is_again)
		(void)set_name(h); /* what is in its way now was then, too */
	/* Told from here on, so that nothing is missed behind link_get(). */
	h->route = link_watch_socket();
	if (h->route < 0)
		return ep_fail_sys(
		    &h->err, h->route, "cannot open a route socket");
	error = is_again ? set_up_again(h) : set_up_new(h);
	if (error != 0)
		return error;
	error = link_get(&h->link, h->state.ifindex, "", &h->state);
	if (error != 0)
		return ep_fail_sys(
		    &h->err, error, "%s has gone already", h->tun.ifname);
	return 0;
}

/* Only a device that was there before keeps what a failed job did to it. */
static void
undo(struct hand *h)
{
	if (!h->tun.was_there)
		return;
	while (h->addrs > 0)
		(void)link_addr(&h->link, h->state.ifindex,
		    &h->req->addrs[--h->addrs], false);
	if ((h->req->flags & EP_OPENER_NO_CARRIER) != 0)
		(void)tun_set_carrier(&h->tun, true);
}

/*
 * TAPs that were handed over say themselves where they are, but only to
 * somebody with rights there. Without, and where netns= does not say it, the
 * caller's namespace is the best guess.
 *
 * What netns= says is another's word: a device of the same name and address
 * there, which is not theirs, would be set up in its place.
 */
static int
find_handed(struct hand *h, const int *fds)
{
	bool is_said = *h->req->netns != '\0' ||
		       (h->req->flags & EP_OPENER_NETNS_FD) != 0;
	int error = tun_look(fds, h->req->queues, &h->tun, &h->err);
	int fd;

	if (error != 0)
		return error;
	fd = tun_netns(&h->tun);
	if (is_said) {
		h->is_elsewhere = fd >= 0 && !netns_is_same(fd, h->ns.fd);
		if (fd >= 0)
			(void)close(fd);
	} else if (fd >= 0) {
		(void)close(h->ns.fd);
		netns_of_fd(fd, &h->ns);
	}
	return 0;
}

/*
 * Is the link of that name the device behind the descriptor? If nobody said
 * that it would be, it need not: frames go through all the same, but nothing
 * can be set or followed.
 */
static int
check_handed(struct hand *h)
{
	uint8_t mac[6];
	int error = tun_get_mac(&h->tun, mac);

	if (error == 0 && (error = link_open(&h->link)) == 0)
		error = link_get(&h->link, 0, h->tun.ifname, &h->state);
	link_close(&h->link);
	if (error == 0 && !h->is_elsewhere && memcmp(mac, h->state.mac, 6) == 0)
		return 0;
	h->is_blind = *h->req->netns == '\0' &&
		      (h->req->flags & EP_OPENER_NETNS_FD) == 0 &&
		      h->req->addr_count == 0 && h->req->gw_count == 0;
	if (h->is_blind)
		return 0;
	return ep_fail(&h->err, -ENODEV,
	    "the TAP of fd= is not in %.160s: netns= must say where it is",
	    h->ns.what);
}

/* All that can be done with the descriptor alone. */
static int
set_up_blind(struct hand *h)
{
	memset(&h->state, 0, sizeof(h->state));
	memcpy(h->state.ifname, h->tun.ifname, sizeof(h->state.ifname));
	h->refused |= EP_OPENER_MTU | EP_OPENER_UP;
	(void)close(h->ns.fd);
	h->ns.fd = -1;
	if ((h->req->flags & EP_OPENER_MAC) != 0)
		(void)tun_set_mac(&h->tun, h->req->mac);
	if ((h->req->flags & EP_OPENER_NO_CARRIER) != 0)
		(void)tun_set_carrier(&h->tun, false);
	return tun_get_mac(&h->tun, h->state.mac);
}

static int
open_tap(struct hand *h, const struct job *job)
{
	bool is_handed = (h->req->flags & EP_OPENER_USE_FD) != 0;
	int error;

	if (is_handed && (error = find_handed(h,
			      job->fds + job->fd_count - h->req->queues)) != 0)
		return error;
	if ((error = netns_enter(&h->ns, &h->err)) != 0)
		return error;
	if (is_handed)
		error = check_handed(h);
	else
		error = tun_open(h->req->ifname, h->req->queues,
		    (h->req->flags & EP_OPENER_REUSE) != 0, &h->ns, &h->tun,
		    &h->err);
	if (error != 0)
		return error;
	if (h->tun.was_there)
		h->refused |= EP_OPENER_REUSE;
	error = h->is_blind ? set_up_blind(h) : set_up_device(h);
	if (error != 0)
		undo(h);
	return error;
}

static int
open_veth(struct hand *h)
{
	bool carrier = (h->req->flags & EP_OPENER_NO_CARRIER) == 0;
	int error = netns_enter(&h->ns, &h->err);

	if (error == 0)
		error = veth_open(h->req->ifname, &h->ns, h->req->queues,
		    carrier, &h->veth, &h->err);
	if (error != 0)
		return error;
	memcpy(h->tun.ifname, h->req->ifname, sizeof(h->tun.ifname));
	error = set_up_device(h);
	memcpy(h->tun.fds, h->veth.fds, sizeof(h->tun.fds));
	h->tun.count = h->req->queues;
	return error;
}

/* Sockets that were handed over say where they are. */
static int
find_sockets(struct hand *h, const int *fds)
{
	int netns = packet_netns(fds, h->req->queues, &h->err);

	if (netns < 0)
		return netns;
	(void)close(h->ns.fd);
	netns_of_fd(netns, &h->ns);
	memcpy(h->tun.fds, fds, h->req->queues * sizeof(int));
	return 0;
}

/* A device that is there, and stays as it is. */
static int
open_packet(struct hand *h, const struct job *job)
{
	bool is_handed = (h->req->flags & EP_OPENER_USE_FD) != 0;
	int error = 0;

	if (is_handed)
		error = find_sockets(
		    h, job->fds + job->fd_count - h->req->queues);
	if (error == 0)
		error = netns_enter(&h->ns, &h->err);
	if (error == 0)
		error = find_link(h, 0, h->req->ifname);
	if (error != 0)
		return error;
	/* Told from here on: so nothing is missed behind the second look. */
	h->route = link_watch_socket();
	if (h->route < 0)
		return ep_fail_sys(
		    &h->err, h->route, "cannot open a route socket");
	error = link_get(&h->link, h->state.ifindex, "", &h->state);
	if (error == 0 && !is_handed)
		error = packet_open(h->tun.fds, h->req->queues);
	if (error != 0)
		return ep_fail_sys(&h->err, error,
		    "cannot have the frames of %s in %.160s", h->req->ifname,
		    h->ns.what);
	h->tun.count = h->req->queues;
	return 0;
}

static int
set_link(struct hand *h)
{
	int error = netns_enter(&h->ns, &h->err);

	if (error != 0)
		return error;
	error = find_link(h, h->req->ifindex, "");
	if (error != 0)
		return error;
	memcpy(h->tun.ifname, h->state.ifname, sizeof(h->tun.ifname));
	if ((h->req->flags & EP_OPENER_DELETE) != 0)
		return link_delete(&h->link, h->state.ifindex);
	if ((error = set_mtu(h)) != 0 || (error = set_mac(h)) != 0 ||
	    (error = set_name(h)) != 0 || (error = set_up(h, true)) != 0 ||
	    (error = set_down(h)) != 0)
		return error;
	error = link_get(&h->link, h->state.ifindex, "", &h->state);
	if (error != 0)
		return ep_fail_sys(
		    &h->err, error, "%s has gone already", h->tun.ifname);
	return 0;
}

/* Strings end, counts fit, and the descriptors are those that flags say. */
static bool
is_sound(const struct job *job)
{
	const struct ep_opener_request *req = job->req;
	unsigned fds = 0;

	bool is_opening = req->op == EP_OPENER_OPEN_TAP ||
			  req->op == EP_OPENER_OPEN_VETH ||
			  req->op == EP_OPENER_OPEN_PACKET;

	if (req->op == EP_OPENER_KEEP)
		return job->fd_count == 1;
	if (!is_opening && req->op != EP_OPENER_SET_LINK &&
	    req->op != EP_OPENER_HELLO)
		return false;
	if (req->queues > EP_OPENER_QUEUES_MAX ||
	    (is_opening && req->queues == 0))
		return false;
	if (req->addr_count > EP_OPENER_ADDRS_MAX ||
	    req->gw_count > EP_OPENER_ADDRS_MAX)
		return false;
	if (memchr(req->ifname, '\0', sizeof(req->ifname)) == NULL ||
	    memchr(req->netns, '\0', sizeof(req->netns)) == NULL)
		return false;
	fds += (req->flags & EP_OPENER_NETNS_FD) != 0;
	fds += (req->flags & EP_OPENER_WATCH) != 0;
	fds += (req->flags & EP_OPENER_USE_FD) != 0 ? req->queues : 0;
	return fds == job->fd_count;
}

static int
find_netns(struct hand *h, const struct job *job)
{
	bool has_fd = (job->req->flags & EP_OPENER_NETNS_FD) != 0;
	bool has_inotify = (job->req->flags & EP_OPENER_WATCH) != 0;
	int inotify = has_inotify ? job->fds[has_fd] : -1;
	int error;

	if (!has_fd)
		return netns_open(job->req->netns, inotify, &h->ns, &h->err);
	if ((job->req->flags & EP_OPENER_AGAIN) == 0 ||
	    *job->req->netns == '\0') {
		netns_of_fd(job->fds[0], &h->ns);
		return 0;
	}
	error = netns_open(job->req->netns, inotify, &h->ns, &h->err);
	if (error == 0 && !netns_is_same(h->ns.fd, job->fds[0]))
		error = ep_fail(&h->err, -ESTALE,
		    "%.180s is not the one that it was", h->ns.what);
	return error;
}

static int
do_request(struct hand *h, const struct job *job)
{
	int error;

	if (!is_sound(job))
		return ep_fail(&h->err, -EPROTO,
		    "the opener was sent something that is no request");
	if (job->req->op == EP_OPENER_HELLO)
		return 0;
	if (job->req->op == EP_OPENER_KEEP)
		return keeper_start(job->fds[0], &h->err);
	error = find_netns(h, job);
	if (error != 0)
		return error;
	if (job->req->op == EP_OPENER_SET_LINK)
		return set_link(h);
	if (job->req->op == EP_OPENER_OPEN_VETH)
		return open_veth(h);
	if (job->req->op == EP_OPENER_OPEN_PACKET)
		return open_packet(h, job);
	return open_tap(h, job);
}

static unsigned
gather_fds(const struct hand *h, uint32_t *which, int *fds)
{
	unsigned n = 0;

	if (h->ns.fd >= 0) {
		*which |= EP_OPENER_FD_NETNS;
		fds[n++] = h->ns.fd;
	}
	if (h->route >= 0) {
		*which |= EP_OPENER_FD_ROUTE;
		fds[n++] = h->route;
	}
	if (h->ns.process >= 0) {
		*which |= EP_OPENER_FD_PROCESS;
		fds[n++] = h->ns.process;
	}
	if (h->veth.count > 0) {
		*which |= EP_OPENER_FD_FAR;
		fds[n++] = h->veth.netns;
		fds[n++] = h->veth.route;
	}
	if (h->tun.count > 0) {
		*which |= EP_OPENER_FD_QUEUES;
		memcpy(fds + n, h->tun.fds, h->tun.count * sizeof(int));
		n += h->tun.count;
	}
	return n;
}

int
job_run(const struct job *job, int sock)
{
	static struct hand h;
	static struct ep_opener_answer answer;
	int fds[EP_OPENER_FDS_MAX];
	unsigned fd_count = 0;

	h.req = job->req;
	h.ns.fd = h.ns.process = h.route = -1;
	answer.version = EP_OPENER_VERSION;
	answer.serial = job->req->serial;
	answer.wd = -1;
	answer.code = do_request(&h, job);
	if (answer.code != 0) {
		memcpy(answer.text, h.err.text, sizeof(answer.text));
		return opener_send(sock, &answer, NULL, 0) == 0 ? 0 : 1;
	}
	answer.queues = h.tun.count;
	answer.ifindex = h.state.ifindex;
	answer.far_ifindex = h.veth.ifindex;
	answer.mtu = h.state.mtu;
	answer.ifflags = h.state.ifflags;
	answer.refused = h.refused;
	memcpy(answer.mac, h.state.mac, sizeof(answer.mac));
	memcpy(answer.ifname, h.state.ifname, sizeof(answer.ifname));
	if (job->req->op != EP_OPENER_SET_LINK &&
	    job->req->op != EP_OPENER_KEEP) {
		answer.wd = h.ns.wd;
		memcpy(answer.entry, h.ns.entry, sizeof(answer.entry));
		fd_count = gather_fds(&h, &answer.fds, fds);
	}
	return opener_send(sock, &answer, fds, fd_count) == 0 ? 0 : 1;
}
