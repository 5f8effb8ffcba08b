/* SPDX-License-Identifier: BSD-2-Clause */
#include "opener/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "attach/rxring.h"

/* Whatever comes out of the near end, it is for the near end to say how long. */
#define FAR_MTU  65535u
#define FAR_NAME "far"

/*
 * Nothing of IPv6 at the far end, which would speak up by itself. What the
 * kernel has of IPv4 is silent without an address.
 */
static void
silence(void)
{
	int fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6",
	    O_WRONLY | O_CLOEXEC);

	if (fd < 0) /* there is no IPv6, or it is not ours to write */
		return;
	(void)!write(fd, "1", 1);
	(void)close(fd);
}

/*
 * Sockets with rings, before there is a far end: those take so long that the
 * near end's first words would be lost. Without one, frames are received.
 */
static int
open_sockets(struct veth *veth, unsigned queues)
{
	int error = packet_open(veth->fds, queues);

	for (unsigned i = 0; i < queues && error == 0; i++)
		(void)ep_rxring_make(veth->fds[i]);
	return error;
}

static int
add(struct link *link, const char *ifname, const struct netns *ns)
{
	unsigned waited_ms = 0;
	int error;

	do {
		error = link_add_veth(link, FAR_NAME, FAR_MTU, ifname, ns->fd);
	} while (error == -EEXIST && link_await_name(&waited_ms));
	return error;
}

/* In the namespace of the far end, which is new. */
static int
make(const char *ifname, const struct netns *ns, unsigned queues, bool up,
    struct veth *veth, struct epair_err *err)
{
	struct link_state far = { .ifindex = 0 };
	struct link link;
	int error;

	veth->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (veth->netns < 0)
		return ep_fail_sys(
		    err, -errno, "cannot open /proc/self/ns/net");
	silence();
	error = open_sockets(veth, queues);
	if (error != 0)
		return ep_fail_sys(err, error, "cannot open packet sockets");
	error = link_open(&link);
	if (error != 0)
		return ep_fail_sys(err, error, "cannot talk rtnetlink");
	error = add(&link, ifname, ns);
	if (error == -EEXIST)
		error = ep_fail(err, error,
		    "there is already an interface %s in %.180s", ifname,
		    ns->what);
	else if (error != 0)
		error = ep_fail_sys(
		    err, error, "cannot make a veth in %.160s", ns->what);
	else if ((error = link_get(&link, 0, FAR_NAME, &far)) != 0 ||
		 (up && (error = link_set_up(&link, far.ifindex, true)) != 0) ||
		 (error = veth->route = link_watch_socket()) < 0)
		error = ep_fail_sys(
		    err, error, "cannot have the far end of a veth");
	else
		error = 0;
	veth->count = queues;
	veth->ifindex = far.ifindex;
	link_close(&link);
	return error;
}

int
veth_open(const char *ifname, const struct netns *ns, unsigned queues, bool up,
    struct veth *veth, struct epair_err *err)
{
	int error;

	/* The kernel takes % for a pattern, and no name for one of its choice. */
	if (*ifname == '\0' || strchr(ifname, '%') != NULL)
		return ep_fail(
		    err, -EINVAL, "'%s' is no name for a Linux device", ifname);
	if (unshare(CLONE_NEWNET) != 0)
		return ep_fail_sys(err, -errno,
		    "cannot make a namespace for the far end of a veth");
	error = make(ifname, ns, queues, up, veth, err);
	if (error == 0 && setns(ns->fd, CLONE_NEWNET) != 0)
		error = ep_fail_sys(
		    err, -errno, "cannot go back to %.160s", ns->what);
	return error;
}
