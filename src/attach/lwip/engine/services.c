/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The services: echo, discard, chargen (RFC 862, 863, 864) by TCP and UDP, and
 * lwIP's own iperf.
 *
 * A connection of TCP:
 *
 *	state     meaning                            left by
 *	open                                         FIN, RST, no memory
 *	ended     the peer has sent FIN; what was    all is sent
 *	          received is still to be echoed
 *
 * and then it is closed. One on which nothing moves for two minutes is reset. UDP answers nobody whose port is a service's: two that
 * answer each other would never end.
 */
#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include <lwip/apps/lwiperf.h>
#include <lwip/mem.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>

#include "attach/lwip/engine/engine_priv.h"

#define CONNS_MAX 256u
/* Polls, 400 ms apart, in which nothing moved: two minutes. */
#define POLL_TICKS      4
#define IDLE_POLLS      300u
#define BACKLOG         64
#define SERVICE_PORTS   1024u /* below: services, which are not answered */
#define CHARGEN_LINE    74u /* of chargen, with its end */
#define UDP_CHARGEN_MAX 512u

struct conn {
	const struct service *service;
	struct tcp_pcb *pcb;
	struct pbuf *waiting, *last; /* echo: not sent back yet */
	uint64_t octets; /* received */
	uint64_t sent; /* chargen */
	uLong crc; /* discard: of what was received */
	bool has_ended;
	unsigned idle; /* polls since something moved */
};

struct service {
	uint32_t bit;
	u16_t port;
	/* Take what was received: it is the service's own. */
	void (*receive)(struct conn *conn, struct pbuf *p);
	/* Send what there is to send. Returns whether that was all. */
	bool (*send)(struct conn *conn);
	/* Say how it was. May be NULL. */
	void (*report)(const struct conn *conn);
	udp_recv_fn datagram;
};

static unsigned conn_count;

static void
conn_free(struct conn *conn)
{
	if (conn->waiting != NULL)
		(void)pbuf_free(conn->waiting);
	mem_free(conn);
	conn_count--;
}

/* lwIP has ended the connection, and freed it. */
static void
on_error(void *arg, err_t error)
{
	struct conn *conn = arg;

	(void)error;
	if (conn != NULL)
		conn_free(conn);
}

/* Close; with no memory for that, abort, of which lwIP wants to know. */
static err_t
conn_close(struct conn *conn)
{
	struct tcp_pcb *pcb = conn->pcb;

	tcp_arg(pcb, NULL);
	tcp_recv(pcb, NULL);
	tcp_sent(pcb, NULL);
	tcp_poll(pcb, NULL, 0);
	if (conn->service->report != NULL)
		conn->service->report(conn);
	conn_free(conn);
	if (tcp_close(pcb) == ERR_OK)
		return ERR_OK;
	tcp_abort(pcb);
	return ERR_ABRT;
}

static err_t
go_on(struct conn *conn)
{
	bool is_all = conn->service->send == NULL || conn->service->send(conn);

	if (is_all && conn->has_ended)
		return conn_close(conn);
	(void)tcp_output(conn->pcb);
	return ERR_OK;
}

static err_t
on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
	struct conn *conn = arg;

	(void)pcb;
	(void)error;
	conn->idle = 0;
	if (p == NULL) {
		conn->has_ended = true;
	} else {
		conn->octets += p->tot_len;
		conn->service->receive(conn, p);
	}
	return go_on(conn);
}

static err_t
on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	struct conn *conn = arg;

	(void)pcb;
	(void)len;
	conn->idle = 0;
	return go_on(conn);
}

/* A connection that nothing moves on is not kept for ever. */
static err_t
on_poll(void *arg, struct tcp_pcb *pcb)
{
	struct conn *conn = arg;

	if (++conn->idle < IDLE_POLLS)
		return go_on(conn);
	tcp_abort(pcb); /* on_error() */
	return ERR_ABRT;
}

static err_t
on_accept(void *arg, struct tcp_pcb *pcb, err_t error)
{
	struct conn *conn;

	if (error != ERR_OK || pcb == NULL)
		return ERR_VAL;
	conn = conn_count < CONNS_MAX ? mem_calloc(1, sizeof(*conn)) : NULL;
	if (conn == NULL)
		return ERR_MEM; /* lwIP resets the connection */
	conn_count++;
	conn->service = arg;
	conn->pcb = pcb;
	conn->crc = crc32(0, NULL, 0);
	tcp_arg(pcb, conn);
	tcp_err(pcb, on_error);
	tcp_recv(pcb, on_receive);
	tcp_sent(pcb, on_sent);
	tcp_poll(pcb, on_poll, POLL_TICKS);
	return go_on(conn);
}

/* echo */

/*
 * Linked by hand: pbuf_cat() walks the whole chain, and adds up its length in 16
 * bits. Nobody looks at the length of this one.
 */
static void
echo_receive(struct conn *conn, struct pbuf *p)
{
	if (conn->waiting == NULL)
		conn->waiting = p;
	else
		conn->last->next = p;
	while (p->next != NULL)
		p = p->next;
	conn->last = p;
}

/* The window opens as it is sent back: who does not read his echo has to stop. */
static bool
echo_send(struct conn *conn)
{
	while (conn->waiting != NULL) {
		struct pbuf *p = conn->waiting;

		if (p->len > tcp_sndbuf(conn->pcb) ||
		    tcp_write(conn->pcb, p->payload, p->len,
			TCP_WRITE_FLAG_COPY) != ERR_OK)
			return false;
		tcp_recved(conn->pcb, p->len);
		conn->waiting = p->next;
		p->next = NULL;
		(void)pbuf_free(p);
	}
	return true;
}

static bool
is_answered(const ip_addr_t *from, u16_t port)
{
	return port >= SERVICE_PORTS && !ip_addr_ismulticast(from) &&
	       !ip_addr_ismulticast(ip_current_dest_addr()) &&
	       !ip_addr_isbroadcast(ip_current_dest_addr(), ip_current_netif());
}

static void
echo_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p,
    const ip_addr_t *from, u16_t port)
{
	(void)arg;
	if (is_answered(from, port))
		(void)udp_sendto_if_src(pcb, p, from, port, ip_current_netif(),
		    ip_current_dest_addr());
	(void)pbuf_free(p);
}

/* discard */

static void
swallow(struct conn *conn, struct pbuf *p)
{
	tcp_recved(conn->pcb, p->tot_len);
	(void)pbuf_free(p);
}

static void
discard_receive(struct conn *conn, struct pbuf *p)
{
	const struct pbuf *q = p;

	do
		conn->crc = crc32(conn->crc, q->payload, q->len);
	while ((q = q->next) != NULL);
	swallow(conn, p);
}

static void
discard_report(const struct conn *conn)
{
	engine_tell("discard: %" PRIu64 " octets from %s port %u, CRC-32 %08lx",
	    conn->octets, engine_text(&conn->pcb->remote_ip),
	    conn->pcb->remote_port, conn->crc);
}

static void
discard_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p,
    const ip_addr_t *from, u16_t port)
{
	(void)arg;
	(void)pcb;
	(void)from;
	(void)port;
	(void)pbuf_free(p);
}

/* chargen */

/* The line of that number: 72 of the 95 characters that print, each later. */
static void
make_line(char *line, uint64_t number)
{
	for (unsigned i = 0; i < CHARGEN_LINE - 2; i++)
		line[i] = (char)(' ' + (number + i) % 95);
	line[CHARGEN_LINE - 2] = '\r';
	line[CHARGEN_LINE - 1] = '\n';
}

static bool
chargen_send(struct conn *conn)
{
	char line[CHARGEN_LINE];

	while (!conn->has_ended && tcp_sndbuf(conn->pcb) >= CHARGEN_LINE) {
		make_line(line, conn->sent);
		if (tcp_write(conn->pcb, line, CHARGEN_LINE,
			TCP_WRITE_FLAG_COPY) != ERR_OK)
			break;
		conn->sent++;
	}
	return conn->has_ended;
}

static void
chargen_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p,
    const ip_addr_t *from, u16_t port)
{
	u16_t len = (u16_t)(engine_random() % (UDP_CHARGEN_MAX + 1));
	struct pbuf *answer;

	(void)arg;
	(void)pbuf_free(p);
	if (!is_answered(from, port))
		return;
	answer = pbuf_alloc(PBUF_TRANSPORT, len, PBUF_RAM);
	if (answer == NULL)
		return;
	for (uint32_t at = 0; at < len; at += CHARGEN_LINE) {
		uint32_t left = len - at;
		char line[CHARGEN_LINE];

		make_line(line, at / CHARGEN_LINE);
		(void)pbuf_take_at(answer, line,
		    (u16_t)(left < CHARGEN_LINE ? left : CHARGEN_LINE),
		    (u16_t)at);
	}
	(void)udp_sendto_if_src(pcb, answer, from, port, ip_current_netif(),
	    ip_current_dest_addr());
	(void)pbuf_free(answer);
}

/* iperf */

static void
/* NOLINTNEXTLINE(readability-function-size): lwIP's type */
on_iperf(void *arg, enum lwiperf_report_type type, const ip_addr_t *local,
    u16_t local_port, const ip_addr_t *remote, u16_t remote_port, u32_t octets,
    u32_t ms, u32_t kbits)
{
	(void)arg;
	(void)local;
	(void)local_port;
	engine_tell("iperf: %s: %" PRIu32 " octets with %s port %u in %" PRIu32
		    " ms, %" PRIu32 " kbit/s",
	    type <= LWIPERF_TCP_DONE_CLIENT ? "done" : "aborted", octets,
	    engine_text(remote), remote_port, ms, kbits);
}

/* All of them. */

static const struct service services[] = {
	{ EP_LWIP_ECHO, 7, echo_receive, echo_send, NULL, echo_datagram },
	{ EP_LWIP_DISCARD, 9, discard_receive, NULL, discard_report,
	    discard_datagram },
	{ EP_LWIP_CHARGEN, 19, swallow, chargen_send, NULL, chargen_datagram },
};

static err_t
listen_tcp(const struct service *service)
{
	struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY), *listener;
	err_t error;

	if (pcb == NULL)
		return ERR_MEM;
	error = tcp_bind(pcb, IP_ANY_TYPE, service->port);
	if (error != ERR_OK)
		return error;
	listener = tcp_listen_with_backlog(pcb, BACKLOG);
	if (listener == NULL)
		return ERR_MEM;
	tcp_arg(listener, LWIP_CONST_CAST(void *, service));
	tcp_accept(listener, on_accept);
	return ERR_OK;
}

static err_t
listen_udp(const struct service *service)
{
	struct udp_pcb *pcb = udp_new_ip_type(IPADDR_TYPE_ANY);
	err_t error;

	if (pcb == NULL)
		return ERR_MEM;
	error = udp_bind(pcb, IP_ANY_TYPE, service->port);
	udp_recv(pcb, service->datagram, NULL);
	return error;
}

err_t
services_open(uint32_t wanted)
{
	err_t error = ERR_OK;

	for (unsigned i = 0; i < LWIP_ARRAYSIZE(services); i++) {
		if ((wanted & services[i].bit) == 0)
			continue;
		error = listen_tcp(&services[i]);
		if (error == ERR_OK)
			error = listen_udp(&services[i]);
		if (error != ERR_OK)
			return error;
	}
	if ((wanted & EP_LWIP_IPERF) != 0 &&
	    lwiperf_start_tcp_server(
		IP_ANY_TYPE, LWIPERF_TCP_PORT_DEFAULT, on_iperf, NULL) == NULL)
		return ERR_MEM;
	return ERR_OK;
}
