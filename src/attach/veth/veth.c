/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Linux network namespace behind an interface, through a veth of the kernel's:
 * its near end is the device in there (attach/device.h), its far end stays with
 * us, in a namespace where there is nothing else, so that no stack of the
 * machine sees the frames. They pass by packet sockets (attach/afpacket.h).
 *
 * Carrier is the far end being up: both ends of a veth have it, or neither.
 *
 * The two ends come and go together, so where the far end is, the device still
 * exists. What the far end was to send and the near end did not take is counted
 * there (tx_dropped), and for us it is the stack that was full.
 *
 * Locking: far_lock guards the far end's route socket and what is counted from
 * it. A lane's reading is its worker's.
 */
#include <errno.h>
#include <linux/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "attach/afpacket.h"
#include "attach/attach.h"
#include "attach/device.h"
#include "base/atomic.h"
#include "base/container.h"

struct veth_conf {
	struct ep_device_conf device;
	uint32_t queues; /* 0: as many as the interface has */
	bool offload;
};

struct veth;

struct lane {
	struct ep_watch watch; /* first */
	struct veth *veth; /* constant */
};

struct veth {
	struct ep_stack st; /* first */
	struct ep_device device;
	int far_netns, far_route; /* constant; -1: none */
	uint32_t far_ifindex; /* constant */
	struct ep_mutex far_lock;
	uint32_t far_serial EP_GUARDED;
	uint64_t far_dropped EP_GUARDED; /* tx_dropped that was accounted for */
	unsigned lane_count; /* constant */
	struct ep_afpacket *sockets; /* constant: of the lanes, behind them */
	struct lane lanes[];
};

static const struct ep_stack_ops veth_ops;

/* The device. */

static struct veth *
veth_of(struct ep_device *dev)
{
	return EP_CONTAINER_OF(dev, struct veth, device);
}

static bool
exists(struct ep_device *dev)
{
	const struct veth *veth = veth_of(dev);
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	ifr.ifr_ifindex = (int)veth->far_ifindex;
	return ioctl(veth->sockets[0].fd, SIOCGIFNAME, &ifr) == 0;
}

/*
 * Ask for the far end's count of frames that the near end did not take. It
 * tells nobody else of anything.
 */
static uint64_t
look_at_far(struct veth *veth) EP_REQUIRES(veth->far_lock)
{
	struct ep_netdev now = { .tx_dropped = veth->far_dropped };
	uint64_t before = veth->far_dropped;
	bool told;

	if (ep_netdev_ask(veth->far_route, veth->far_ifindex,
		++veth->far_serial, &now, &told) == 0)
		veth->far_dropped = now.tx_dropped;
	return veth->far_dropped > before ? veth->far_dropped - before : 0;
}

/* Have the opener do something with the far end. */
static int
set_far(const struct veth *veth, uint32_t what, struct epair_err *err)
{
	struct ep_opener_call call = {
		.req.op = EP_OPENER_SET_LINK,
		.req.flags = what | EP_OPENER_NETNS_FD,
		.req.ifindex = veth->far_ifindex,
		.fds = { veth->far_netns },
		.fd_count = 1,
	};

	return ep_opener_ask(veth->st.ifp->ep, &call, err);
}

static void
set_carrier(struct ep_device *dev, bool on)
{
	struct veth *veth = veth_of(dev);
	struct epair_err err;
	int error = set_far(veth, on ? EP_OPENER_UP : EP_OPENER_DOWN, &err);

	if (error != 0 && error != -ENODEV)
		ep_attach_event(&veth->st, err.text);
}

static const struct ep_device_ops veth_device = {
	.exists = exists,
	.set_carrier = set_carrier,
	.overflow = EPAIR_DROP_PACKET_RING,
};

static void
veth_changed(struct ep_stack *st, uint32_t what)
{
	struct veth *veth = (struct veth *)(void *)st;

	ep_device_changed(&veth->device, what);
}

static void
veth_refresh(struct ep_stack *st)
{
	struct veth *veth = (struct veth *)(void *)st;
	uint64_t dropped;

	ep_device_refresh(&veth->device);
	ep_lock(&veth->far_lock);
	dropped = look_at_far(veth);
	ep_unlock(&veth->far_lock);
	ep_drop_count(st->ifp, dropped, EPAIR_DROP_RX_STACK_FULL);
	for (unsigned i = 0; i < veth->lane_count; i++)
		ep_afpacket_count_lost(&veth->sockets[i], st->ifp);
}

/* Frames. */

static void
lane_ready(struct ep_watch *watch, uint32_t events)
{
	struct lane *lane = (struct lane *)(void *)watch;
	struct veth *veth = lane->veth;
	char why[64];
	int error = ep_afpacket_read(
	    &veth->sockets[lane - veth->lanes], veth->st.ifp);

	(void)events;
	if (error == 0)
		return;
	/* We set it down, or it went with the near end. */
	if (error == -ENETDOWN) {
		if (!exists(&veth->device))
			ep_device_missing(&veth->device);
		return;
	}
	ep_watch_drain(watch);
	(void)snprintf(why, sizeof(why), "cannot read the veth: %s",
	    epair_err_name(error));
	ep_attach_lost(&veth->st, why);
}

static void
veth_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue)
{
	struct veth *veth = (struct veth *)(void *)st;

	/* The kernel would take them, and drop them without a word. */
	if (!ep_device_listens(&veth->device)) {
		(void)ep_drop(st->ifp, ms, n, EPAIR_DROP_RX_STACK_DOWN, 0);
		return;
	}
	ep_afpacket_write(
	    &veth->sockets[queue % veth->lane_count], st->ifp, ms, n);
}

static void
veth_progress(struct ep_stack *st, struct epair_progress *progress)
{
	const struct veth *veth = (const struct veth *)(void *)st;

	for (unsigned i = 0; i < veth->lane_count; i++)
		progress->sent += ep_load_relaxed(&veth->sockets[i].sent);
}

/* Life. */

static void
close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

static void
veth_release(struct ep_stack *st)
{
	struct veth *veth = (struct veth *)(void *)st;

	for (unsigned i = 0; i < veth->lane_count; i++)
		ep_watch_drain(&veth->lanes[i].watch);
	ep_device_stop(&veth->device);
	/* It would go with its namespace, but when the kernel comes to it. */
	if (veth->far_netns >= 0)
		(void)set_far(veth, EP_OPENER_DELETE, NULL);
	for (unsigned i = 0; i < veth->lane_count; i++)
		ep_afpacket_close(&veth->sockets[i]);
	close_fd(veth->far_route);
	close_fd(veth->far_netns);
	ep_device_fini(&veth->device);
	ep_mutex_fini(&veth->far_lock);
	free(veth->sockets);
	free(veth);
}

static struct veth *
make(struct epair_if *ifp, const struct veth_conf *conf)
{
	unsigned count = conf->queues != 0 ? conf->queues : ifp->nrxqs;
	struct veth *veth = calloc(
	    1, sizeof(*veth) + count * sizeof(veth->lanes[0]));

	if (veth == NULL)
		return NULL;
	veth->sockets = calloc(count, sizeof(veth->sockets[0]));
	if (veth->sockets == NULL) {
		free(veth);
		return NULL;
	}
	veth->st.ops = &veth_ops;
	veth->st.ifp = ifp;
	veth->far_netns = veth->far_route = -1;
	ep_mutex_init(&veth->far_lock);
	ep_device_init(&veth->device, &veth_device, &veth->st);
	veth->device.follows_name = conf->device.name == NULL;
	veth->lane_count = count;
	for (unsigned i = 0; i < count; i++) {
		veth->lanes[i].veth = veth;
		veth->sockets[i].fd = -1;
		ep_watch_init(
		    &veth->lanes[i].watch, ep_ifnet_worker(ifp, i), lane_ready);
	}
	return veth;
}

static int
set_up(struct veth *veth, const struct veth_conf *conf,
    struct epair_err *err) EP_NO_TSA
{
	struct ep_opener_call call = { .req.op = EP_OPENER_OPEN_VETH,
		.req.queues = veth->lane_count };
	struct ep_afpacket_conf how = { .is_offloading = conf->offload };
	struct epair_if_info info = { .size = sizeof(info) };
	int error, rest = ep_device_ask(
		       &veth->device, &conf->device, NULL, &call, &info, err);

	if (rest < 0)
		return rest;
	veth->far_netns = call.got[rest++];
	veth->far_route = call.got[rest++];
	for (unsigned i = 0; i < veth->lane_count; i++)
		veth->sockets[i].fd = call.got[(unsigned)rest + i];
	veth->far_ifindex = how.ifindex = call.answer.far_ifindex;
	error = ep_afpacket_open(
	    veth->sockets, veth->lane_count, &how, &veth->st.accepts, err);
	if (error != 0)
		return error;
	(void)look_at_far(veth);
	ep_device_note(&veth->device, &info, &call.answer);
	return 0;
}

static int
veth_create(struct epair_if *ifp, const void *arg, struct ep_stack **st,
    struct epair_err *err)
{
	const struct veth_conf *conf = arg;
	struct veth *veth = make(ifp, conf);
	int error;

	if (veth == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a veth");
	error = set_up(veth, conf, err);
	if (error != 0) {
		veth_release(&veth->st);
		return error;
	}
	/* commit */
	*st = &veth->st;
	return 0;
}

static void
veth_start(struct ep_stack *st)
{
	struct veth *veth = (struct veth *)(void *)st;

	for (unsigned i = 0; i < veth->lane_count; i++)
		ep_netns_watch(&veth->device.ns, &veth->lanes[i].watch,
		    veth->sockets[i].fd);
	ep_device_start(&veth->device);
}

static int
veth_check(const void *arg, struct epair_err *err)
{
	const struct veth_conf *conf = arg;

	return ep_device_check(&conf->device, err);
}

/* Its far end is set up and down by who has rights there: the opener of the
 * program that moves the frames. */
static int
veth_opens(const void *conf, const char **names, struct epair_err *err)
{
	(void)conf;
	(void)names;
	return ep_fail(err, -EPERM,
	    "a veth is made by the program that moves its frames, and cannot "
	    "be handed over; a tap can");
}

static const struct ep_stack_ops veth_ops = {
	.kind = "veth",
	.start = veth_start,
	.receive = veth_receive,
	.changed = veth_changed,
	.release = veth_release,
	.progress = veth_progress,
	.refresh = veth_refresh,
};

static const struct ep_opt veth_opts[] = {
	EP_DEVICE_OPTS(struct veth_conf, device),
	{ "queues", "N", EP_OPT_U32, offsetof(struct veth_conf, queues),
	    .min = 1, .max = EP_OPENER_QUEUES_MAX },
	{ "offload", "on|off", EP_OPT_BOOL,
	    offsetof(struct veth_conf, offload) },
	{ NULL },
};

static const char *const veth_keys[] = { "netns=NAME|PID|PATH|new", "name=NAME",
	"addr=CIDR", "gw=ADDRESS", "queues=N", "offload=on|off", NULL };

static const struct veth_conf veth_default = { .offload = true };

const struct ep_kind ep_kind_veth = {
	.pub = {
		.name = "veth",
		.sentence = "a Linux network namespace, through a veth",
		.keys = veth_keys,
		.sim = 0,
	},
	.opts = veth_opts,
	.conf_size = sizeof(struct veth_conf),
	.conf_default = &veth_default,
	.check = veth_check,
	.create = veth_create,
	.opens = veth_opens,
};
