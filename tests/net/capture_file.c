/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture_file.c - writes a capture of a little of everything, for
 * capture_test.py to have it read by other programs.
 *
 *	capture-file FILE sim|threads
 *
 *	t      sent            what
 *	1 s    epair0a         ARP, broadcast
 *	2 s    epair0b         TCP of 5000 octets to be segmented, checksum open
 *	3 s    epair0a         UDP, checksum open, VLAN 5 out of band
 *	4 s    epair0b         TCP over IPv6 to be segmented, checksum open
 *	5 s    epair0a         ARP, twice at once to a queue of one frame: the
 *	                       second is dropped
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <epair/epair.h>

#include "unit/mbuf/packet.h"

static struct epair *ep;
static struct epair_if *a, *b;

static void
check(int error, const char *what)
{
	if (error >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, epair_err_name(error));
	exit(1);
}

static void
transmit(struct epair_if *ifp, struct epair_mbuf *m)
{
	check(epair_if_transmit(ifp, &m, 1), "transmit");
}

static struct epair_mbuf *
arp(void)
{
	static const uint8_t octets[60] = { 255, 255, 255, 255, 255, 255, 2, 0,
		0, 0, 0, 10, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 10,
		10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2 };

	return epair_mbuf_from(ep, octets, sizeof(octets));
}

static struct epair_mbuf *
open_packet(const struct packet *p, enum epair_gso gso)
{
	static uint8_t octets[70000];
	struct epair_mbuf *m;

	packet_write(p, octets);
	m = epair_mbuf_from(ep, octets, packet_len(p));
	m->flags |= EPAIR_M_CSUM_PARTIAL;
	m->csum_start = packet_csum_start(p);
	m->csum_offset = packet_csum_offset(p);
	m->gso = (uint8_t)gso;
	m->gso_size = 1000;
	return m;
}

/* SIM: a second and an odd bit of time; else time passes by itself. */
static void
pass(void)
{
	(void)epair_advance(ep, 1000000001);
}

static void
send_all(void)
{
	const struct packet tcp4 = { .version = 4,
		.is_tcp = true,
		.id = 1,
		.tcp_flags = 0x10,
		.payload = 5000,
		.seed = 1 };
	const struct packet udp4 = {
		.version = 4, .id = 2, .payload = 100, .seed = 2
	};
	const struct packet tcp6 = { .version = 6,
		.is_tcp = true,
		.tcp_flags = 0x10,
		.payload = 60000,
		.seed = 3 };
	struct epair_mbuf *m;

	pass();
	transmit(a, arp());
	pass();
	transmit(b, open_packet(&tcp4, EPAIR_GSO_TCP4));
	pass();
	m = open_packet(&udp4, EPAIR_GSO_NONE);
	m->flags |= EPAIR_M_VLANTAG;
	m->vlan_tci = 5;
	transmit(a, m);
	pass();
	transmit(b, open_packet(&tcp6, EPAIR_GSO_TCP6));
	pass();
	check(epair_if_set_queue_limit(b, 1, NULL), "queue limit");
	struct epair_mbuf *burst[] = { arp(), arp() };
	check(epair_if_transmit(a, burst, 2), "transmit");
	pass();
}

int
main(int argc, char **argv)
{
	const struct epair_capture_opts how = {
		.size = sizeof(how),
		.flags = EPAIR_CAPTURE_BOTH,
		.filter = "not port 9999",
	};
	struct epair_opts opts = { .size = sizeof(opts), .host_id_set = true };
	struct epair_capture *cap;
	int fd;

	if (argc != 3)
		return 2;
	opts.way = strcmp(argv[2], "sim") == 0 ? EPAIR_SIM : EPAIR_THREADS;
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return 1;
	check(epair_new(&opts, &ep, NULL), "new");
	check(epair_if_create(ep, NULL, "epair", NULL, &a, NULL), "create");
	b = epair_if_peer(a);
	check(epair_attach(a, "sink", NULL), "attach");
	check(epair_attach(b, "sink", NULL), "attach");
	check(epair_if_describe(b, "to the moon", NULL), "describe");
	check(epair_if_up(a), "up");
	check(epair_if_up(b), "up");

	check(epair_capture_open(a, &how, &cap, NULL), "capture");
	send_all();
	check(epair_capture_dump(cap, fd, 1), "dump");
	epair_capture_close(cap);
	epair_if_put(a);
	epair_if_put(b);
	check(epair_free(ep), "free");
	return close(fd) == 0 ? 0 : 1;
}
