/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/tap/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "attach/tap/ring.h"
#include "base/atomic.h"

static int
tap_check(const void *arg, struct epair_err *err)
{
	const struct ep_tap_conf *conf = arg;

	if (conf->fd_count > 0 &&
	    (conf->device.name != NULL || conf->queues != 0))
		return ep_fail(err, -EINVAL,
		    "fd= is a device that is there: name= and queues= are its "
		    "own");
	return ep_device_check(&conf->device, err);
}

static void
close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

static void
tap_release(struct ep_stack *st)
{
	struct ep_tap *tap = (struct ep_tap *)(void *)st;

	ep_device_stop(&tap->device);
	for (unsigned i = 0; i < tap->queue_count; i++)
		ep_watch_drain(&tap->queues[i].watch);

	for (unsigned i = 0; i < tap->lane_count; i++)
		ep_tap_ring_destroy(tap->queues[i].ring);
	for (unsigned i = 0; i < tap->queue_count; i++)
		close_fd(tap->queues[i].fd);
	ep_device_fini(&tap->device);
	free(tap);
}

static struct ep_tap *
make(struct epair_if *ifp, unsigned queues)
{
	unsigned lanes = queues > ifp->nrxqs ? queues : ifp->nrxqs;
	struct ep_tap *tap = calloc(
	    1, sizeof(*tap) + lanes * sizeof(tap->queues[0]));

	if (tap == NULL)
		return NULL;
	tap->st.ifp = ifp;
	ep_device_init(&tap->device, &ep_tap_device, &tap->st);
	tap->queue_count = queues;
	tap->lane_count = lanes;
	for (unsigned i = 0; i < lanes; i++) {
		struct ep_tap_queue *q = &tap->queues[i];

		q->tap = tap;
		q->fd = -1;
		q->batch = 2;
		ep_watch_init(&q->watch, ep_ifnet_worker(ifp, i), ep_tap_read);
	}
	return tap;
}

/* Have the opener make it. On success tap has the descriptors. */
static int
open_device(struct ep_tap *tap, const struct ep_tap_conf *conf,
    const struct ep_fds *with, struct epair_if_info *info,
    struct ep_opener_call *call, struct epair_err *err)
{
	struct ep_device_conf device = conf->device;
	int rest;

	/* They say themselves where they are; netns= may be another's word. */
	if (tap->says_where)
		device.netns = NULL;
	call->req.op = EP_OPENER_OPEN_TAP;
	call->req.queues = tap->queue_count;
	/* One that the user named may have been made for us before. */
	if (conf->device.name != NULL)
		call->req.flags |= EP_OPENER_REUSE;
	if (ep_fds_find(with, "queue", 0) >= 0)
		call->req.flags |= EP_OPENER_AGAIN;
	if (tap->handed_count > 0)
		call->req.flags |= EP_OPENER_USE_FD;
	rest = ep_device_ask(&tap->device, &device,
	    &(struct ep_netns_with){
		ep_fds_find(with, "netns", 0), tap->handed, tap->handed_count },
	    call, info, err);
	if (rest < 0)
		return rest;
	for (unsigned i = 0; i < call->answer.queues; i++)
		tap->queues[i].fd = call->got[(unsigned)rest + i];
	return 0;
}

/* A ring for each, or none for any: returns why. */
static int
set_up_rings(struct ep_tap *tap)
{
	int error = tap->rw_flags != 0 ? 0 : -EOPNOTSUPP;

	for (unsigned i = 0; i < tap->lane_count && error == 0; i++)
		error = ep_tap_ring_create(
		    tap->queues[i].fd, &tap->queues[i].ring);
	if (error == 0)
		return 0;
	for (unsigned i = 0; i < tap->lane_count; i++) {
		ep_tap_ring_destroy(tap->queues[i].ring);
		tap->queues[i].ring = NULL;
	}
	return error;
}

static const struct ep_stack_ops tap_ops;

static int
set_up(struct ep_tap *tap, const struct ep_tap_conf *conf,
    const struct ep_fds *with, struct epair_err *err)
{
	struct epair_if_info info = { .size = sizeof(info) };
	struct ep_opener_call call = { .fd_count = 0 };
	int error = open_device(tap, conf, with, &info, &call, err);

	if (error == 0)
		error = ep_tap_set_up_header(tap, err);
	if (error != 0)
		return error;
	for (unsigned i = tap->queue_count; i < tap->lane_count; i++)
		tap->queues[i].fd = tap->queues[i % tap->queue_count].fd;
	if (conf->io != EP_TAP_IO_SYSCALL)
		tap->no_ring = set_up_rings(tap);
	if (tap->no_ring != 0 && conf->io == EP_TAP_IO_URING)
		return ep_fail_sys(
		    err, tap->no_ring, "cannot have an io_uring");
	tap->is_offloading = conf->offload && tap->hdr_len > 0;
	tap->st.accepts = ep_tap_set_offload(
	    tap, EPAIR_CAP_CSUM | EPAIR_CAP_TSO | EPAIR_CAP_USO);
	(void)ep_tap_set_offload(tap, tap->st.accepts & info.caps);
	ep_device_note(&tap->device, &info, &call.answer);
	return 0;
}

/*
 * TAPs that are there: lent ones, or those of fd=, which are ours to close once
 * it is sure that they are in use.
 */
static void
find_handed(struct ep_tap *tap, const struct ep_tap_conf *conf,
    const struct ep_fds *with)
{
	int fd;

	while (tap->handed_count < EP_OPENER_QUEUES_MAX &&
	       (fd = ep_fds_find(with, "queue", tap->handed_count)) >= 0)
		tap->handed[tap->handed_count++] = fd;
	tap->says_where = tap->handed_count > 0 &&
			  ep_fds_find(with, "netns", 0) < 0;
	if (tap->handed_count > 0)
		return;
	for (unsigned i = 0; i < conf->fd_count; i++)
		tap->handed[tap->handed_count++] = (int)conf->fds[i];
	tap->is_given = conf->fd_count > 0;
}

static unsigned
count_queues(const struct epair_if *ifp, const struct ep_tap_conf *conf,
    const struct ep_fds *with)
{
	unsigned lent = 0;

	while (lent < EP_OPENER_QUEUES_MAX &&
	       ep_fds_find(with, "queue", lent) >= 0)
		lent++;
	if (lent > 0)
		return lent;
	if (conf->fd_count > 0)
		return conf->fd_count;
	return conf->queues != 0 ? conf->queues : ifp->nrxqs;
}

static int
tap_create_with(struct epair_if *ifp, const void *arg,
    const struct ep_fds *with, struct ep_stack **st, struct epair_err *err)
{
	const struct ep_tap_conf *conf = arg;
	struct ep_tap *tap = make(ifp, count_queues(ifp, conf, with));
	int error;

	if (tap == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a TAP");
	tap->st.ops = &tap_ops;
	tap->device.follows_name = conf->device.name == NULL &&
				   conf->fd_count == 0;
	find_handed(tap, conf, with);

	error = set_up(tap, conf, with, err);
	if (error != 0) {
		tap_release(&tap->st);
		return error;
	}
	/* commit */
	*st = &tap->st;
	return 0;
}

static int
tap_create(struct epair_if *ifp, const void *arg, struct ep_stack **st,
    struct epair_err *err)
{
	return tap_create_with(ifp, arg, NULL, st, err);
}

static void
tap_start(struct ep_stack *st)
{
	struct ep_tap *tap = (struct ep_tap *)(void *)st;
	char detail[64];

	/* Handed over, now that nothing can fail any more. */
	while (tap->is_given && tap->handed_count > 0)
		close_fd(tap->handed[--tap->handed_count]);
	for (unsigned i = 0; i < tap->queue_count; i++)
		ep_netns_watch(
		    &tap->device.ns, &tap->queues[i].watch, tap->queues[i].fd);
	if (tap->no_ring != 0) {
		(void)snprintf(detail, sizeof(detail),
		    "no io_uring (%s): each frame by itself",
		    epair_err_name(tap->no_ring));
		ep_attach_event(st, detail);
	}
	ep_device_start(&tap->device);
}

static void
tap_progress(struct ep_stack *st, struct epair_progress *progress)
{
	const struct ep_tap *tap = (const struct ep_tap *)(void *)st;

	for (unsigned i = 0; i < tap->queue_count; i++)
		progress->sent += ep_load_relaxed(&tap->queues[i].sent);
}

/* What keeps the device alive, and says where it is. */
static int
tap_get_fds(struct ep_stack *st, struct epair_fd *fds, unsigned max)
{
	const struct ep_tap *tap = (const struct ep_tap *)(void *)st;
	struct ep_fds_out out = { .fds = fds, .max = max };

	for (unsigned i = 0; i < tap->queue_count; i++)
		ep_fds_give(&out, "queue", tap->queues[i].fd);
	if (tap->device.ns.fd >= 0 && !tap->says_where)
		ep_fds_give(&out, "netns", tap->device.ns.fd);
	return ep_fds_end(&out);
}

static void
tap_changed(struct ep_stack *st, uint32_t what)
{
	struct ep_tap *tap = (struct ep_tap *)(void *)st;

	if ((what & EPAIR_CHANGED_WRITABLE) != 0)
		for (unsigned i = 0; i < tap->queue_count; i++)
			(void)ep_watch_set(&tap->queues[i].watch, EPOLLIN);
	if (what != EPAIR_CHANGED_WRITABLE)
		ep_device_changed(&tap->device, what);
}

static void
tap_refresh(struct ep_stack *st)
{
	struct ep_tap *tap = (struct ep_tap *)(void *)st;

	ep_device_refresh(&tap->device);
}

static const struct ep_stack_ops tap_ops = {
	.kind = "tap",
	.start = tap_start,
	.receive = ep_tap_receive,
	.changed = tap_changed,
	.release = tap_release,
	.progress = tap_progress,
	.get_fds = tap_get_fds,
	.refresh = tap_refresh,
};

/* With its queues in hand, it is to be found in no other place. */
static int
tap_opens(const void *arg, const char **names, struct epair_err *err)
{
	const struct ep_tap_conf *conf = arg;

	if (conf->fd_count > 0)
		return ep_fail(err, -EINVAL,
		    "fd= is a descriptor of the program that moves the frames, "
		    "not of the one that asks it to");
	names[0] = "queue";
	return 1;
}

static int
tap_open(struct epair_if *ifp, const void *conf, struct ep_fds_out *out,
    struct epair_err *err)
{
	struct ep_stack *st = NULL;
	const struct ep_tap *tap;
	int error = tap_create(ifp, conf, &st, err);

	if (error != 0 || st == NULL)
		return error;
	tap = (const struct ep_tap *)(void *)st;
	for (unsigned i = 0; i < tap->queue_count; i++)
		ep_fds_give(out, "queue", tap->queues[i].fd);
	tap_release(st);
	return 0;
}

static const char *const ways_of_io[] = {
	[EP_TAP_IO_AUTO] = "auto",
	[EP_TAP_IO_URING] = "uring",
	[EP_TAP_IO_SYSCALL] = "syscall",
	NULL,
};

static const struct ep_opt tap_opts[] = {
	EP_DEVICE_OPTS(struct ep_tap_conf, device),
	{ "queues", "N", EP_OPT_U32, offsetof(struct ep_tap_conf, queues),
	    .min = 1, .max = EP_OPENER_QUEUES_MAX },
	{ "fd", "N", EP_OPT_U32, offsetof(struct ep_tap_conf, fds),
	    .many = EP_OPENER_QUEUES_MAX,
	    .many_offset = offsetof(struct ep_tap_conf, fd_count),
	    .max = INT32_MAX },
	{ "offload", "on|off", EP_OPT_BOOL,
	    offsetof(struct ep_tap_conf, offload) },
	{ "io", "auto|uring|syscall", EP_OPT_CHOICE,
	    offsetof(struct ep_tap_conf, io), .choices = ways_of_io },
	{ NULL },
};

static const char *const tap_keys[] = { "netns=NAME|PID|PATH|new", "name=NAME",
	"addr=CIDR", "gw=ADDRESS", "queues=N", "fd=N", "offload=on|off",
	"io=auto|uring|syscall", NULL };

static const char *const tap_fds[] = { "queue", "netns", NULL };

static const struct ep_tap_conf tap_default = { .offload = true };

const struct ep_kind ep_kind_tap = {
	.pub = {
		.name = "tap",
		.sentence = "a Linux network namespace, through /dev/net/tun",
		.keys = tap_keys,
		.sim = 0,
		.fds = tap_fds,
	},
	.opts = tap_opts,
	.conf_size = sizeof(struct ep_tap_conf),
	.conf_default = &tap_default,
	.check = tap_check,
	.create = tap_create,
	.create_with = tap_create_with,
	.opens = tap_opens,
	.open = tap_open,
};
