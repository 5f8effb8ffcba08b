/* SPDX-License-Identifier: BSD-2-Clause */
#include "opener/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifndef TUNGETDEVNETNS
#define TUNGETDEVNETNS _IO('T', 227)
#endif

#define DEVICE "/dev/net/tun"

/* Frames without packet information, with the offload header. */
#define TAP_FLAGS (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)

static int
open_device(struct epair_err *err)
{
	int fd = open(DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return ep_fail(err, -errno,
		    "there is no " DEVICE ": is the kernel's tun there?");
	case EACCES:
		return ep_fail(err, -EACCES,
		    "cannot open " DEVICE
		    ": Permission denied (mode 0666 is usual and safe)");
	default:
		return ep_fail_sys(err, -errno, "cannot open " DEVICE);
	}
}

/* Bind one descriptor to the device, making it if need be. */
static int
bind_queue(int fd, const char *ifname, unsigned flags, char *got)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	ifr.ifr_flags = (short)flags;
	if (ioctl(fd, TUNSETIFF, &ifr) != 0)
		return -errno;
	memcpy(got, ifr.ifr_name, EP_OPENER_NAME_MAX);
	got[EP_OPENER_NAME_MAX - 1] = '\0';
	return 0;
}

static int
say_why(int error, const char *ifname, bool reuse, const struct netns *ns,
    struct epair_err *err)
{
	switch (error) {
	case -EPERM:
		return ep_fail(err, error,
		    "may not make a TAP in %.120s: Operation not permitted "
		    "(that takes CAP_NET_ADMIN there; netns=new takes none)",
		    ns->what);
	case -EBUSY:
		if (!reuse)
			return ep_fail(err, -EEXIST,
			    "there is already an interface %s in %.180s",
			    ifname, ns->what);
		return ep_fail(err, -EBUSY,
		    "the TAP %s in %.180s is in use by another program", ifname,
		    ns->what);
	case -EINVAL:
		if (reuse)
			return ep_fail(err, -EEXIST,
			    "there is already an interface %s in %.180s, and "
			    "it is no TAP with these queues",
			    ifname, ns->what);
		return ep_fail(
		    err, error, "%s is no name for a Linux device", ifname);
	default:
		return ep_fail_sys(err, error, "cannot make a TAP %s in %.180s",
		    ifname, ns->what);
	}
}

/*
 * The first queue makes the device, and only it may not find one there: a TAP
 * that was made to last is taken where the user named it.
 */
static int
bind_first(
    int fd, const char *ifname, unsigned *flags, bool reuse, struct tun *tun)
{
	int error = bind_queue(
	    fd, ifname, *flags | (unsigned)IFF_TUN_EXCL, tun->ifname);

	tun->was_there = error == -EBUSY;
	if (!tun->was_there || !reuse)
		return error;
	error = bind_queue(fd, ifname, *flags, tun->ifname);
	if (error == -EINVAL && (*flags & IFF_MULTI_QUEUE) == 0) {
		*flags |= IFF_MULTI_QUEUE;
		error = bind_queue(fd, ifname, *flags, tun->ifname);
	}
	return error;
}

static int
bind_name(
    int fd, const char *ifname, unsigned *flags, bool reuse, struct tun *tun)
{
	unsigned waited_ms = 0;
	int error;

	do {
		error = bind_first(fd, ifname, flags, reuse, tun);
	} while (error != 0 && tun->was_there && link_await_name(&waited_ms));
	return error;
}

int
tun_open(const char *ifname, unsigned queues, bool reuse,
    const struct netns *ns, struct tun *tun, struct epair_err *err)
{
	/*
	 * One queue is made as such: a multi-queue device has 256 of
	 * everything.
	 */
	unsigned flags = TAP_FLAGS | (queues > 1 ? IFF_MULTI_QUEUE : 0);
	int error, fd;

	memset(tun, 0, sizeof(*tun));
	/* The kernel would take it as a pattern. */
	if (*ifname == '\0' || strchr(ifname, '%') != NULL)
		return ep_fail(
		    err, -EINVAL, "%s is no name for a Linux device", ifname);
	while (tun->count < queues) {
		fd = open_device(err);
		if (fd < 0)
			return fd;
		tun->fds[tun->count] = fd;
		if (tun->count == 0)
			error = bind_name(fd, ifname, &flags, reuse, tun);
		else
			error = bind_queue(fd, ifname, flags, tun->ifname);
		if (error != 0)
			return say_why(error, ifname, reuse, ns, err);
		tun->count++;
	}
	return 0;
}

int
tun_look(const int *fds, unsigned count, struct tun *tun, struct epair_err *err)
{
	struct ifreq ifr;

	memset(tun, 0, sizeof(*tun));
	tun->was_there = true;
	for (unsigned i = 0; i < count; i++) {
		memset(&ifr, 0, sizeof(ifr));
		if (ioctl(fds[i], TUNGETIFF, &ifr) != 0 ||
		    (ifr.ifr_flags & IFF_TAP) == 0)
			return ep_fail(
			    err, -EINVAL, "fd= is not the descriptor of a TAP");
		memcpy(tun->ifname, ifr.ifr_name, EP_OPENER_NAME_MAX);
		tun->ifname[EP_OPENER_NAME_MAX - 1] = '\0';
		tun->fds[tun->count++] = fds[i];
	}
	return 0;
}

int
tun_netns(const struct tun *tun)
{
	int fd = ioctl(tun->fds[0], TUNGETDEVNETNS);

	if (fd < 0)
		return -errno;
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

int
tun_set_mac(const struct tun *tun, const uint8_t *mac)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(ifr.ifr_hwaddr.sa_data, mac, 6);
	return ioctl(tun->fds[0], SIOCSIFHWADDR, &ifr) == 0 ? 0 : -errno;
}

int
tun_get_mac(const struct tun *tun, uint8_t *mac)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	if (ioctl(tun->fds[0], SIOCGIFHWADDR, &ifr) != 0)
		return -errno;
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	return 0;
}

int
tun_set_carrier(const struct tun *tun, bool carrier)
{
	int on = carrier;

	return ioctl(tun->fds[0], TUNSETCARRIER, &on) == 0 ? 0 : -errno;
}
