/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The demo without the kernel: an echo stack behind b, pinged by a few lines
 * of stack of our own behind a; then sources and sinks.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <net/ethernet.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/demo.h"
#include "cli/ping.h"

/* Frames of a measured stream, and of the first, which is captured. */
#define STREAM_FRAMES (UINT64_C(1) << 18)
#define FIRST_FRAMES  64u
#define FRAME_SIZE    1514u
#define PING_ID       99
#define PING_EVERY_MS 200
#define REPLY_MS      1000

struct arp_frame {
	struct ether_header ether;
	struct ether_arp arp;
} __attribute__((packed));

struct ping_frame {
	struct ether_header ether;
	struct iphdr ip;
	uint8_t icmp[PING_LEN];
} __attribute__((packed));

/* What our stack knows: itself and, by ARP, the other. */
struct stack {
	struct demo *d;
	struct epair_if *ifp;
	uint8_t mac[6], peer_mac[6];
	struct in_addr addr, peer;
	uint16_t seq;
	uint64_t rtt_sum_ns;
};

/* Does a frame answer what we asked? */
typedef bool answers(struct stack *s, const uint8_t *frame, size_t len);

static int
transmit(struct stack *s, const void *frame, size_t len)
{
	struct epair_mbuf *m = epair_mbuf_from(
	    s->d->cable.ep, frame, (uint32_t)len);

	return m == NULL ? -ENOMEM : epair_if_transmit(s->ifp, &m, 1);
}

/* Take what has arrived. Returns whether the answer was there. */
static bool
take(struct stack *s, answers *is_answer)
{
	bool is_there = false;
	struct epair_mbuf *m;
	uint8_t frame[256];

	while (epair_if_recv(s->ifp, &m, 1) == 1) {
		uint32_t len = epair_mbuf_read(m, 0, frame, sizeof(frame));

		is_there |= is_answer(s, frame, len);
		epair_mbuf_free(&m, 1);
	}
	return is_there;
}

/* Returns 1 if the answer came in time, 0 if not, or -EINTR. */
static int
await(struct stack *s, answers *is_answer)
{
	uint64_t end = cable_clock() + REPLY_MS * UINT64_C(1000000);
	struct pollfd pfd = { .fd = epair_if_recv_fd(s->ifp),
		.events = POLLIN };

	while (cable_clock() < end) {
		int n = demo_wait(s->d, &pfd, 1, REPLY_MS);

		if (n < 0)
			return n;
		if (take(s, is_answer))
			return 1;
	}
	return 0;
}

static bool
is_arp_reply(struct stack *s, const uint8_t *frame, size_t len)
{
	struct arp_frame f;

	if (len < sizeof(f))
		return false;
	memcpy(&f, frame, sizeof(f));
	if (f.ether.ether_type != htons(ETHERTYPE_ARP) ||
	    f.arp.arp_op != htons(ARPOP_REPLY) ||
	    memcmp(f.arp.arp_spa, &s->peer, 4) != 0)
		return false;
	memcpy(s->peer_mac, f.arp.arp_sha, 6);
	return true;
}

/* Ask who has the peer's address. Returns as await(). */
static int
resolve(struct stack *s)
{
	struct arp_frame f = {
		.ether = { .ether_type = htons(ETHERTYPE_ARP) },
		.arp = {
		    .arp_hrd = htons(ARPHRD_ETHER),
		    .arp_pro = htons(ETHERTYPE_IP),
		    .arp_hln = 6,
		    .arp_pln = 4,
		    .arp_op = htons(ARPOP_REQUEST),
		},
	};
	int error;

	memset(f.ether.ether_dhost, 0xff, 6);
	memcpy(f.ether.ether_shost, s->mac, 6);
	memcpy(f.arp.arp_sha, s->mac, 6);
	memcpy(f.arp.arp_spa, &s->addr, 4);
	memcpy(f.arp.arp_tpa, &s->peer, 4);
	error = transmit(s, &f, sizeof(f));
	return error != 0 ? error : await(s, is_arp_reply);
}

static bool
is_echo_reply(struct stack *s, const uint8_t *frame, size_t len)
{
	struct ping_frame f;

	if (len < sizeof(f))
		return false;
	memcpy(&f, frame, sizeof(f));
	return f.ether.ether_type == htons(ETHERTYPE_IP) &&
	       f.ip.saddr == s->peer.s_addr && f.ip.protocol == IPPROTO_ICMP &&
	       ping_is_reply(frame + sizeof(f.ether), len - sizeof(f.ether),
		   PING_ID, s->seq);
}

/* One echo request. Returns as await(). */
static int
ping(struct stack *s)
{
	struct ping_frame f = {
		.ether = { .ether_type = htons(ETHERTYPE_IP) },
		.ip = {
		    .version = 4,
		    .ihl = 5,
		    .ttl = 64,
		    .protocol = IPPROTO_ICMP,
		    .tot_len = htons(sizeof(f.ip) + PING_LEN),
		    .saddr = s->addr.s_addr,
		    .daddr = s->peer.s_addr,
		},
	};
	uint8_t header[sizeof(f.ip)];
	int error;

	memcpy(f.ether.ether_dhost, s->peer_mac, 6);
	memcpy(f.ether.ether_shost, s->mac, 6);
	memcpy(header, &f.ip, sizeof(header));
	f.ip.check = ping_checksum(header, sizeof(header));
	ping_make(f.icmp, PING_ID, s->seq);
	error = transmit(s, &f, sizeof(f));
	return error != 0 ? error : await(s, is_echo_reply);
}

/* Ping once and take the time. Returns as await(). */
static int
measure(struct stack *s)
{
	struct demo *d = s->d;
	uint64_t at = cable_clock(), rtt;
	int n;

	d->pings_sent++;
	n = ping(s);
	if (n != 1)
		return n;
	rtt = cable_clock() - at;
	s->rtt_sum_ns += rtt;
	if (d->pings_received++ == 0 || rtt < d->rtt_min_ns)
		d->rtt_min_ns = rtt;
	if (rtt > d->rtt_max_ns)
		d->rtt_max_ns = rtt;
	d->rtt_avg_ns = s->rtt_sum_ns / d->pings_received;
	return n;
}

/* Returns 0, or -errno: interrupted, or no frame to be had. */
static int
ping_all(struct stack *s)
{
	int n = resolve(s);

	if (n == 0)
		cli_complain(s->d->cli, "nobody has %s", DEMO_ADDR_B);
	if (n <= 0)
		return n < 0 ? n : -EHOSTUNREACH;
	for (; s->seq < DEMO_PINGS; s->seq++) {
		if (s->seq > 0)
			n = demo_wait(s->d, NULL, 0, PING_EVERY_MS);
		if (n >= 0)
			n = measure(s);
		if (n < 0)
			return n;
	}
	return 0;
}

static int
run_pings(struct demo *d)
{
	struct epair_if_info info = { .size = sizeof(info) };
	struct stack s = { .d = d, .ifp = d->cable.ends[0] };
	struct epair_err err = { 0 };
	int error;

	if (epair_attach(
		d->cable.ends[1], "echo:addr=" DEMO_ADDR_B "/24", &err) != 0)
		return cli_fail(d->cli, "b", &err);
	if (epair_attach_pull(s.ifp, 0, &err) != 0)
		return cli_fail(d->cli, "a", &err);
	(void)epair_if_get_info(s.ifp, &info);
	memcpy(s.mac, info.mac, 6);
	(void)inet_pton(AF_INET, DEMO_ADDR_A, &s.addr);
	(void)inet_pton(AF_INET, DEMO_ADDR_B, &s.peer);
	error = ping_all(&s);
	for (int i = 0; i < 2; i++)
		(void)epair_detach(d->cable.ends[i], NULL);
	return error == 0 ? CLI_OK : CLI_FAILED;
}

/* Attach what sends and what receives: it begins when both ends are UP. */
static int
attach(struct demo *d, const struct demo_leg *leg, uint64_t frames)
{
	struct epair_err err = { 0 };
	char source[64];

	(void)snprintf(source, sizeof(source), "source:size=%u,count=%" PRIu64,
	    FRAME_SIZE, frames);
	cable_down(&d->cable);
	if (epair_attach(d->cable.ends[!leg->from],
		leg->is_both ? source : "sink", &err) != 0 ||
	    epair_attach(d->cable.ends[leg->from], source, &err) != 0)
		return cli_fail(d->cli, source, &err);
	cable_up(&d->cable);
	return CLI_OK;
}

/* Frames that an end had to send so far, whatever came of them. */
static uint64_t
offered(const struct cable_view *view, int end)
{
	return view->stats[end].opackets + cable_refused(view, end);
}

/*
 * Whether a leg has sent all and all of that has a place. A source counts a
 * burst as sent before the interface does: the two must agree, or the last
 * burst is still to come.
 */
static bool
is_through(
    const struct demo *d, struct demo_leg *leg, const struct cable_view *before)
{
	struct epair_progress p = { .size = sizeof(p) };
	int from = leg->from, to = !from;
	struct cable_view view;

	if (epair_attach_progress(d->cable.ends[from], &p) != 0 || !p.done)
		return false;
	cable_look(&d->cable, &view);
	leg->sent = p.sent * FRAME_SIZE;
	leg->received = (view.stats[to].delivered -
			    before->stats[to].delivered) *
			FRAME_SIZE;
	return offered(&view, from) - offered(before, from) == p.sent &&
	       cable_is_settled(&view, from);
}

/* Move n streams at once. Both legs of two are attached by the first. */
static int
run_streams(struct demo *d, struct demo_leg *legs, unsigned n, uint64_t frames)
{
	uint64_t start = cable_clock();
	uint64_t end = start + d->time_ns + DEMO_WAIT_MS * UINT64_C(1000000);
	struct cable_view before;
	unsigned through = 0;
	int status;

	cable_look(&d->cable, &before);
	status = attach(d, &legs[0], frames);
	while (status == CLI_OK && through < n) {
		struct demo_leg *leg = &legs[through];

		if (is_through(d, leg, &before)) {
			leg->time_ns = cable_clock() - start;
			leg->is_done = true;
			through++;
		} else if (demo_wait(d, NULL, 0, 1) != 0) {
			status = CLI_FAILED;
		} else if (cable_clock() > end) {
			cli_complain(d->cli, "the stream from %c did not end",
			    "ab"[leg->from]);
			status = CLI_FAILED;
		}
	}
	for (int i = 0; i < 2; i++)
		(void)epair_detach(d->cable.ends[i], NULL);
	return status;
}

const struct demo_way demo_way_stack = {
	.name = "in-process",
	.unit = "frames",
	.first = FIRST_FRAMES,
	.measured = STREAM_FRAMES,
	.pings = run_pings,
	.streams = run_streams,
};
