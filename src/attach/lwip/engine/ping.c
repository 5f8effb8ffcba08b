/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The job `ping=`: echo requests at an interval, and how long the answers took.
 * It has failed when none came.
 */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include <lwip/icmp.h>
#include <lwip/icmp6.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/raw.h>
#include <lwip/timeouts.h>

#include "attach/lwip/engine/engine_priv.h"

#define DATA_LEN   56u /* as ping(8) */
#define PACKET_LEN ((u16_t)(sizeof(struct icmp_echo_hdr) + DATA_LEN))
#define NS_PER_MS  UINT64_C(1000000)
#define NS_PER_US  UINT64_C(1000)

static struct ping {
	struct raw_pcb *pcb;
	ip_addr_t to;
	u16_t id;
	uint64_t count, interval_ns;
	uint64_t sent, received;
	uint64_t sent_ns; /* the last one; answers to others are late */
	bool is_answered;
	uint64_t min_ns, max_ns, sum_ns;
} ping;

static void
finish(void)
{
	uint64_t avg = ping.received > 0 ? ping.sum_ns / ping.received : 0;

	engine_tell("ping %s: %" PRIu64 " sent, %" PRIu64
		    " received; round trip min/avg/max %" PRIu64 "/%" PRIu64
		    "/%" PRIu64 " us",
	    engine_text(&ping.to), ping.sent, ping.received,
	    ping.min_ns / NS_PER_US, avg / NS_PER_US, ping.max_ns / NS_PER_US);
	raw_remove(ping.pcb);
	ping.pcb = NULL;
	job_done(ping.received > 0);
}

static struct pbuf *
make_request(void)
{
	struct pbuf *p = pbuf_alloc(PBUF_IP, PACKET_LEN, PBUF_RAM);
	struct icmp_echo_hdr *echo;
	uint8_t *data;

	if (p == NULL)
		return NULL;
	echo = p->payload;
	data = (uint8_t *)p->payload + sizeof(*echo);
	ICMPH_TYPE_SET(
	    echo, IP_IS_V4_VAL(ping.to) ? (u8_t)ICMP_ECHO : ICMP6_TYPE_EREQ);
	ICMPH_CODE_SET(echo, 0);
	echo->id = lwip_htons(ping.id);
	echo->seqno = lwip_htons((u16_t)ping.sent);
	for (unsigned i = 0; i < DATA_LEN; i++)
		data[i] = (uint8_t)i;
	/* ICMPv6's has a pseudo header, and is lwIP's to know. */
	echo->chksum = 0;
	if (IP_IS_V4_VAL(ping.to))
		echo->chksum = inet_chksum(echo, PACKET_LEN);
	return p;
}

static void
next_request(void *arg)
{
	struct pbuf *p;

	(void)arg;
	if (ping.sent == ping.count) {
		finish();
		return;
	}
	p = make_request();
	ping.sent++;
	ping.is_answered = false;
	ping.sent_ns = engine_now();
	if (p != NULL) {
		(void)raw_sendto(ping.pcb, p, &ping.to);
		(void)pbuf_free(p);
	}
	sys_timeout((u32_t)(ping.interval_ns / NS_PER_MS), next_request, NULL);
}

/* Is that the answer to the last request? */
static bool
is_answer(struct pbuf *p, const ip_addr_t *from)
{
	struct icmp_echo_hdr echo;
	u8_t type = IP_IS_V4_VAL(ping.to) ? (u8_t)ICMP_ER : ICMP6_TYPE_EREP;

	return ip_addr_cmp(from, &ping.to) && !ping.is_answered &&
	       pbuf_copy_partial(p, &echo, sizeof(echo),
		   ip_current_header_tot_len()) == sizeof(echo) &&
	       echo.type == type && echo.id == lwip_htons(ping.id) &&
	       echo.seqno == lwip_htons((u16_t)(ping.sent - 1));
}

static u8_t
on_packet(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
	uint64_t ns;

	(void)arg;
	(void)pcb;
	if (!is_answer(p, from))
		return 0;
	ns = engine_now() - ping.sent_ns;
	ping.is_answered = true;
	ping.received++;
	ping.sum_ns += ns;
	if (ping.received == 1 || ns < ping.min_ns)
		ping.min_ns = ns;
	if (ns > ping.max_ns)
		ping.max_ns = ns;
	/* The last one has come: there is nothing to wait for. */
	if (ping.sent == ping.count) {
		sys_untimeout(next_request, NULL);
		sys_timeout(0, next_request, NULL);
	}
	(void)pbuf_free(p);
	return 1;
}

void
ping_begin(const struct ep_lwip_conf *conf)
{
	engine_ip(&conf->ping, &ping.to);
	ping.count = conf->ping_count;
	ping.interval_ns = conf->ping_interval_ns;
	ping.id = (u16_t)engine_random();
	ping.pcb = raw_new_ip_type(IP_GET_TYPE(&ping.to),
	    IP_IS_V4_VAL(ping.to) ? IP_PROTO_ICMP : IP6_NEXTH_ICMP6);
	if (ping.pcb == NULL) {
		engine_tell("ping %s: no memory", engine_text(&ping.to));
		job_done(false);
		return;
	}
	ping.pcb->chksum_reqd = 1; /* of ICMPv6 */
	ping.pcb->chksum_offset = offsetof(struct icmp_echo_hdr, chksum);
	raw_recv(ping.pcb, on_packet, NULL);
	next_request(NULL);
}
