/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segments as Linux makes them, octet by octet. It is given the same frame, by
 * a packet socket on a TAP that can take nothing open:
 *
 *	packet socket --> TAP's device, which cuts --> TAP
 *
 * Takes rights to make a namespace and both of these.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "attach/virtio.h"
#include "offload_rig.h"

#define FRAMES 200u

static int tap = -1, sock = -1;

static int
open_tap(struct ifreq *ifr)
{
	static const char quiet[] = "/proc/sys/net/ipv6/conf/ep0/disable_ipv6";
	int len = EP_VIRTIO_HDR_LEN, inet, fd, error = -1;

	*ifr = (struct ifreq){ .ifr_name = "ep0" };
	ifr->ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	inet = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (tap >= 0 && inet >= 0 && ioctl(tap, TUNSETIFF, ifr) == 0 &&
	    ioctl(tap, TUNSETVNETHDRSZ, &len) == 0 &&
	    ioctl(tap, TUNSETOFFLOAD, 0) == 0) {
		/* It would say something of itself. */
		fd = open(quiet, O_WRONLY | O_CLOEXEC);
		(void)!write(fd, "1", 1);
		(void)close(fd);
		ifr->ifr_flags = IFF_UP;
		error = ioctl(inet, SIOCSIFFLAGS, ifr);
		if (error == 0)
			error = ioctl(inet, SIOCGIFINDEX, ifr);
	}
	(void)close(inet);
	return error;
}

static int
open_sock(int ifindex)
{
	const struct sockaddr_ll to = { .sll_family = AF_PACKET,
		.sll_ifindex = ifindex };
	int on = 1;

	sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (sock < 0 ||
	    setsockopt(sock, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) != 0)
		return -1;
	return bind(sock, (const struct sockaddr *)&to, sizeof(to));
}

/* Returns 0, or an errno. */
static int
set_up_kernel(void)
{
	struct ifreq ifr;

	if (unshare(CLONE_NEWNET) != 0 || open_tap(&ifr) != 0 ||
	    open_sock(ifr.ifr_ifindex) != 0)
		return errno;
	return 0;
}

/* False if the kernel does not cut such a frame. */
static bool
give_kernel(const struct epair_mbuf *m)
{
	struct virtio_net_hdr_v1 hdr;
	struct iovec iov[2] = { { &hdr, sizeof(struct virtio_net_hdr) },
		{ octets, m->pktlen } };

	ep_virtio_to_header(m, &hdr);
	return writev(sock, iov, 2) >= 0;
}

static void
assert_kernel_made(struct epair_mbuf *m)
{
	struct pollfd p = { .fd = tap, .events = POLLIN };
	struct virtio_net_hdr_v1 hdr;
	struct iovec iov[2] = { { &hdr, sizeof(hdr) },
		{ octets, sizeof(octets) } };
	ssize_t n;

	assert_int_equal(poll(&p, 1, -1), 1);
	n = readv(tap, iov, 2);
	assert_int_equal(hdr.flags, 0);
	assert_int_equal(hdr.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	assert_int_equal(n, (ssize_t)sizeof(hdr) + m->pktlen);
	assert_memory_equal(got, octets, flatten(m));
}

static struct packet
random_packet(struct ep_rng *rng, uint16_t size)
{
	struct packet p = {
		.version = ep_rng_next(rng) % 2 == 0 ? 4 : 6,
		.is_tcp = ep_rng_next(rng) % 3 != 0,
		.vlans = ep_rng_next(rng) % 3,
		.id = (uint16_t)ep_rng_next(rng),
		.seq = (uint32_t)ep_rng_next(rng),
		.tcp_flags = ACK,
		.payload = size + 1u + (uint32_t)(ep_rng_next(rng) % 6000),
		.seed = ep_rng_next(rng),
	};

	p.ip_words = ep_rng_next(rng) % (p.version == 4 ? 11 : 4);
	if (p.is_tcp)
		p.tcp_words = ep_rng_next(rng) % 11;
	p.tcp_flags |= ep_rng_next(rng) & (FIN | PSH | CWR);
	return p;
}

static void
random_frames_are_cut_as_the_kernel_cuts_them(void **state)
{
	unsigned cut = 0;
	struct ep_rng rng;

	(void)state;
	ep_rng_init(&rng, 1);
	for (unsigned i = 0; i < FRAMES; i++) {
		uint16_t size = (uint16_t)(50 + ep_rng_next(&rng) % 1400);
		struct packet p = random_packet(&rng, size);
		struct epair_mbuf *m = super(&p, size);
		bool is_cut;
		int n;

		/* Without it, CWR is on all of ours (mbuf/offload.h). */
		if (p.is_tcp)
			m->gso |= EPAIR_GSO_ECN;
		is_cut = give_kernel(m);
		n = ep_mbuf_finish(
		    chained(m, 1000, &rng), out, EP_SEGMENTS_MAX);
		assert_true(n > 1);
		for (int k = 0; k < n && is_cut; k++)
			assert_kernel_made(out[k]);
		/* And no more. */
		assert_int_equal(read(tap, octets, sizeof(octets)), -1);
		cut += is_cut && p.is_tcp;
		ep_mbuf_free(out, (unsigned)n);
	}
	/* An older one knows no UDP, and none knows many datagrams. */
	assert_true(cut > FRAMES / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(random_frames_are_cut_as_the_kernel_cuts_them),
	};
	int error = set_up_kernel();

	if (error != 0) {
		(void)printf("1..0 # SKIP no namespace, TAP or packet socket: "
			     "%s\n",
		    strerror(error));
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
