/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Linux device behind an interface: a NIC, a port of a bridge, one end of a
 * veth. Its frames are in afpacket.h; here it is found, and followed.
 *
 * The device is somebody's, and stays as it is: neither its MTU nor its
 * addresses are set, and what the interface has is its own. Its going down and
 * its carrier say whether anybody is behind it.
 *
 * Locking: seen and serial belong to the worker of bucket 0; a lane's reading
 * to the worker of its bucket.
 */
#include <errno.h>
#include <linux/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/afpacket.h"
#include "attach/attach.h"
#include "attach/netdev.h"
#include "attach/netns.h"
#include "attach/tell.h"
#include "base/atomic.h"
#include "base/container.h"

struct packet_conf {
	const char *dev, *netns; /* netns NULL: the caller's */
	uint32_t queues; /* 0: as many as the interface has */
	bool promisc, offload;
};

struct packet;

struct lane {
	struct ep_watch watch; /* first */
	struct packet *packet; /* constant */
};

struct packet {
	struct ep_stack st; /* first */
	struct ep_netns ns;
	uint32_t ifindex; /* constant */
	bool is_shared; /* constant: its sockets are somebody else's, too */
	uint32_t serial;
	struct ep_netdev seen;
	struct ep_tell tell;
	struct ep_task follow_task;
	unsigned lane_count; /* constant */
	struct lane lanes[EP_OPENER_QUEUES_MAX];
	struct ep_afpacket sockets[EP_OPENER_QUEUES_MAX]; /* of the lanes */
};

static const struct ep_stack_ops packet_ops;

static int
packet_check(const void *arg, struct epair_err *err)
{
	const struct packet_conf *conf = arg;
	size_t len = strlen(conf->dev);

	if (len == 0 || len >= EP_OPENER_NAME_MAX)
		return ep_fail(err, -EINVAL,
		    "dev=%.32s is no name of a device: 1 to 15 octets",
		    conf->dev);
	if (conf->netns != NULL && strcmp(conf->netns, "new") == 0)
		return ep_fail(err, -EINVAL,
		    "netns=new has no devices: packet takes one that is there");
	return ep_netns_check(conf->netns, err);
}

/* The device. */

static bool
is_there(const struct ep_netdev *dev)
{
	return (dev->ifflags & IFF_UP) != 0 &&
	       (dev->ifflags & IFF_LOWER_UP) != 0;
}

static const char *
state_of(const struct ep_netdev *dev)
{
	if ((dev->ifflags & IFF_UP) == 0)
		return "down";
	return is_there(dev) ? "up" : "without carrier";
}

static void
follow(struct packet *packet)
{
	struct ep_netdev now;
	char why[64];
	bool told;
	int error = ep_netdev_ask(
	    packet->ns.route, packet->ifindex, ++packet->serial, &now, &told);

	if (error == -ENODEV) {
		(void)snprintf(why, sizeof(why), "device %s was deleted",
		    packet->seen.ifname);
		ep_attach_lost(&packet->st, why);
	}
	if (error != 0)
		return;
	if (strcmp(now.ifname, packet->seen.ifname) != 0)
		ep_tell(&packet->tell, "device %s is called %s now",
		    packet->seen.ifname, now.ifname);
	if (state_of(&now) != state_of(&packet->seen)) {
		ep_tell_present(&packet->tell, is_there(&now));
		ep_tell(&packet->tell, "device %s is %s", now.ifname,
		    state_of(&now));
	}
	packet->seen = now;
}

static void
follow_run(struct ep_task *task)
{
	follow(EP_CONTAINER_OF(task, struct packet, follow_task));
}

static void
route_told(struct ep_watch *watch, uint32_t events)
{
	struct packet *packet = EP_CONTAINER_OF(
	    watch, struct packet, ns.route_watch);

	(void)events;
	if (ep_netdev_told(packet->ns.route, packet->ifindex))
		follow(packet);
}

/* Frames. */

static void
lane_ready(struct ep_watch *watch, uint32_t events)
{
	struct lane *lane = (struct lane *)(void *)watch;
	struct packet *packet = lane->packet;
	int error = ep_afpacket_read(
	    &packet->sockets[lane - packet->lanes], packet->st.ifp);
	char why[64];

	(void)events;
	/* That it went down is told by the route socket, too. */
	if (error == 0 || error == -ENETDOWN)
		return;
	ep_watch_drain(watch);
	(void)snprintf(why, sizeof(why), "cannot read the device: %s",
	    epair_err_name(error));
	ep_attach_lost(&packet->st, why);
}

static void
packet_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue)
{
	struct packet *packet = (struct packet *)(void *)st;

	ep_afpacket_write(
	    &packet->sockets[queue % packet->lane_count], st->ifp, ms, n);
}

static void
packet_refresh(struct ep_stack *st)
{
	struct packet *packet = (struct packet *)(void *)st;

	for (unsigned i = 0; i < packet->lane_count; i++)
		ep_afpacket_count_lost(&packet->sockets[i], st->ifp);
}

static void
packet_progress(struct ep_stack *st, struct epair_progress *progress)
{
	const struct packet *packet = (const struct packet *)(void *)st;

	for (unsigned i = 0; i < packet->lane_count; i++)
		progress->sent += ep_load_relaxed(&packet->sockets[i].sent);
}

/* Life. */

static void
packet_release(struct ep_stack *st)
{
	struct packet *packet = (struct packet *)(void *)st;

	ep_netns_stop(&packet->ns);
	for (unsigned i = 0; i < packet->lane_count; i++)
		ep_watch_drain(&packet->lanes[i].watch);
	(void)ep_task_drain(&packet->follow_task);
	ep_tell_fini(&packet->tell);
	for (unsigned i = 0; i < packet->lane_count; i++)
		ep_afpacket_close(&packet->sockets[i]);
	ep_netns_fini(&packet->ns);
	free(packet);
}

static struct packet *
make(struct epair_if *ifp, unsigned queues)
{
	struct packet *packet = calloc(1, sizeof(*packet));

	if (packet == NULL)
		return NULL;
	packet->st.ops = &packet_ops;
	packet->st.ifp = ifp;
	ep_netns_init(&packet->ns, &packet->st, route_told);
	ep_tell_init(&packet->tell, &packet->st, ep_ifnet_worker(ifp, 0));
	ep_task_init(&packet->follow_task, ep_ifnet_worker(ifp, 0), follow_run);
	packet->lane_count = queues;
	for (unsigned i = 0; i < packet->lane_count; i++) {
		packet->lanes[i].packet = packet;
		packet->sockets[i].fd = -1;
		ep_watch_init(&packet->lanes[i].watch, ep_ifnet_worker(ifp, i),
		    lane_ready);
	}
	return packet;
}

/*
 * Sockets that were handed over are where they are, whatever netns= says, which
 * is somebody else's word. Returns how many.
 */
static unsigned
find_handed(const struct ep_fds *with, int *fds)
{
	unsigned n = 0;
	int fd;

	while (n < EP_OPENER_QUEUES_MAX &&
	       (fd = ep_fds_find(with, "queue", n)) >= 0)
		fds[n++] = fd;
	return n;
}

static int
set_up(struct packet *packet, const struct packet_conf *conf,
    const struct ep_fds *with, struct epair_err *err)
{
	int handed[EP_OPENER_QUEUES_MAX];
	struct ep_opener_call call = { .req.op = EP_OPENER_OPEN_PACKET };
	struct ep_afpacket_conf how = { .is_promisc = conf->promisc,
		.is_offloading = conf->offload,
		.is_shared = packet->is_shared };
	const struct ep_opener_answer *answer = &call.answer;
	unsigned rest;
	int error;

	call.req.queues = packet->lane_count;
	(void)snprintf(
	    call.req.ifname, sizeof(call.req.ifname), "%s", conf->dev);
	if (with != NULL)
		call.req.flags |= EP_OPENER_USE_FD;
	error = ep_netns_ask(&packet->ns, with != NULL ? NULL : conf->netns,
	    &(struct ep_netns_with){ -1, handed, find_handed(with, handed) },
	    &call, &rest, err);
	if (error != 0)
		return error;
	for (unsigned i = 0; i < packet->lane_count; i++)
		packet->sockets[i].fd = call.got[rest + i];
	packet->ifindex = how.ifindex = answer->ifindex;
	packet->seen.ifflags = answer->ifflags;
	memcpy(packet->seen.ifname, answer->ifname, sizeof(answer->ifname));
	ep_tell_present(&packet->tell, is_there(&packet->seen));
	return ep_afpacket_open(packet->sockets, packet->lane_count, &how,
	    &packet->st.accepts, err);
}

static int
create(struct epair_if *ifp, const void *arg, const struct ep_fds *with,
    bool is_shared, struct ep_stack **st, struct epair_err *err)
{
	const struct packet_conf *conf = arg;
	unsigned queues = conf->queues != 0 ? conf->queues : ifp->nrxqs;
	struct packet *packet = make(ifp, with != NULL ? with->count : queues);
	int error;

	if (packet == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a device");
	packet->is_shared = is_shared;
	error = set_up(packet, conf, with, err);
	if (error != 0) {
		packet_release(&packet->st);
		return error;
	}
	*st = &packet->st;
	return 0;
}

static int
packet_create(struct epair_if *ifp, const void *conf, struct ep_stack **st,
    struct epair_err *err)
{
	return create(ifp, conf, NULL, false, st, err);
}

static int
packet_create_with(struct epair_if *ifp, const void *conf,
    const struct ep_fds *with, struct ep_stack **st, struct epair_err *err)
{
	return create(ifp, conf, with, true, st, err);
}

static int
packet_opens(const void *conf, const char **names, struct epair_err *err)
{
	(void)conf;
	(void)err;
	names[0] = "queue";
	return 1;
}

static void
give_all(const struct packet *packet, struct ep_fds_out *out)
{
	for (unsigned i = 0; i < packet->lane_count; i++)
		ep_fds_give(out, "queue", packet->sockets[i].fd);
}

static int
packet_open(struct epair_if *ifp, const void *conf, struct ep_fds_out *out,
    struct epair_err *err)
{
	struct ep_stack *st = NULL;
	int error = create(ifp, conf, NULL, true, &st, err);

	if (error != 0 || st == NULL)
		return error;
	give_all((const struct packet *)(void *)st, out);
	packet_release(st);
	return 0;
}

/* Those of our own are made again: the device may be another by then. */
static int
packet_get_fds(struct ep_stack *st, struct epair_fd *fds, unsigned max)
{
	const struct packet *packet = (const struct packet *)(void *)st;
	struct ep_fds_out out = { .fds = fds, .max = max };

	if (packet->is_shared)
		give_all(packet, &out);
	return ep_fds_end(&out);
}

static void
packet_start(struct ep_stack *st)
{
	struct packet *packet = (struct packet *)(void *)st;

	ep_netns_start(&packet->ns);
	for (unsigned i = 0; i < packet->lane_count; i++)
		ep_netns_watch(&packet->ns, &packet->lanes[i].watch,
		    packet->sockets[i].fd);
	(void)ep_task_schedule(&packet->follow_task);
}

static const struct ep_stack_ops packet_ops = {
	.kind = "packet",
	.start = packet_start,
	.receive = packet_receive,
	.release = packet_release,
	.progress = packet_progress,
	.refresh = packet_refresh,
	.get_fds = packet_get_fds,
};

#define AT(field) offsetof(struct packet_conf, field)
static const struct ep_opt packet_opts[] = {
	{ "dev", "NAME", EP_OPT_TEXT, AT(dev), .required = true },
	{ "netns", "NAME|PID|PATH", EP_OPT_TEXT, AT(netns) },
	{ "queues", "N", EP_OPT_U32, AT(queues), .min = 1,
	    .max = EP_OPENER_QUEUES_MAX },
	{ "promisc", "on|off", EP_OPT_BOOL, AT(promisc) },
	{ "offload", "on|off", EP_OPT_BOOL, AT(offload) },
	{ NULL },
};

static const char *const packet_keys[] = { "dev=NAME", "netns=NAME|PID|PATH",
	"queues=N", "promisc=on|off", "offload=on|off", NULL };

static const char *const packet_fds[] = { "queue", NULL };

static const struct packet_conf packet_default = {
	.promisc = true,
	.offload = true,
};

const struct ep_kind ep_kind_packet = {
	.pub = {
		.name = "packet",
		.sentence = "a NIC, a bridge's port or any Linux device, by "
			    "AF_PACKET",
		.keys = packet_keys,
		.sim = 0,
		.fds = packet_fds,
	},
	.opts = packet_opts,
	.conf_size = sizeof(struct packet_conf),
	.conf_default = &packet_default,
	.check = packet_check,
	.create = packet_create,
	.create_with = packet_create_with,
	.opens = packet_opens,
	.open = packet_open,
};
