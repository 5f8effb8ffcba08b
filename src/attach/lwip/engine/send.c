/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The job `send=`: a TCP connection, so many octets of a known pattern, FIN, and
 * what comes back until the other end's FIN.
 *
 * By port 7, the echo service, all of it has to come back as it was sent. By
 * others what comes back is counted, and judged by nobody.
 *
 * The pattern is as long as a prime: what is lost or doubled in the middle, of
 * whatever length that is likely, shows.
 */
#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include <lwip/tcp.h>

#include "attach/lwip/engine/engine_priv.h"

#define PATTERN_LEN 65521u
#define WRITE_MAX   16384u
#define ECHO_PORT   7u
#define NS_PER_MS   UINT64_C(1000000)

static struct send {
	struct tcp_pcb *pcb;
	ip_addr_t to;
	u16_t port;
	uint64_t octets, returned;
	uint64_t began_ns;
	uLong crc; /* of what was sent */
	bool is_wrong; /* what came back is not what was sent */
	bool is_shut; /* FIN is sent, or waits behind the data */
	uint8_t pattern[PATTERN_LEN];
} job;

static void
make_pattern(void)
{
	uint32_t x = 2463534242u; /* xorshift, by Marsaglia */

	for (unsigned i = 0; i < PATTERN_LEN; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		job.pattern[i] = (uint8_t)(x >> 24);
	}
}

/* The pattern from there on, and at most how much of it in one piece. */
static const uint8_t *
pattern_at(uint64_t octet, uint64_t *len)
{
	uint64_t at = octet % PATTERN_LEN;

	if (*len > PATTERN_LEN - at)
		*len = PATTERN_LEN - at;
	return job.pattern + at;
}

static bool
is_complete(void)
{
	if (engine_report.octets_sent != job.octets || job.is_wrong)
		return false;
	return job.port != ECHO_PORT || job.returned == job.octets;
}

/* The connection is over; `why` is NULL when it ended as it should. */
static void
finish(const char *why)
{
	uint64_t ms = (engine_now() - job.began_ns) / NS_PER_MS;

	job.pcb = NULL;
	if (why == NULL && !is_complete())
		why = job.is_wrong ? "what came back is not what was sent"
				   : "ended too early";
	engine_tell("send %s port %u: %" PRIu64 " octets in %" PRIu64
		    " ms, CRC-32 %08lx, %" PRIu64 " back%s%s",
	    engine_text(&job.to), job.port, engine_report.octets_sent, ms,
	    job.crc, job.returned, why != NULL ? "; " : "",
	    why != NULL ? why : "");
	job_done(why == NULL);
}

static void
on_error(void *arg, err_t error)
{
	(void)arg;
	finish(error == ERR_RST ? "reset" : "no answer");
}

static void
send_more(void)
{
	uint64_t len;

	while (engine_report.octets_sent < job.octets) {
		const uint8_t *octets;

		len = job.octets - engine_report.octets_sent;
		if (len > WRITE_MAX)
			len = WRITE_MAX;
		if (len > tcp_sndbuf(job.pcb))
			len = tcp_sndbuf(job.pcb);
		octets = pattern_at(engine_report.octets_sent, &len);
		if (len == 0 || tcp_write(job.pcb, octets, (u16_t)len,
				    TCP_WRITE_FLAG_COPY) != ERR_OK)
			break;
		job.crc = crc32(job.crc, octets, (uInt)len);
		engine_report.octets_sent += len;
	}
	if (engine_report.octets_sent == job.octets && !job.is_shut)
		job.is_shut = tcp_shutdown(job.pcb, 0, 1) == ERR_OK;
	(void)tcp_output(job.pcb);
}

static void
compare(const uint8_t *octets, uint64_t n)
{
	uint64_t len = n;

	for (; n > 0; octets += len, n -= len, len = n) {
		const uint8_t *sent = pattern_at(job.returned, &len);

		if (job.port == ECHO_PORT && memcmp(octets, sent, len) != 0)
			job.is_wrong = true;
		job.returned += len;
	}
}

static err_t
on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
	(void)arg;
	(void)error;
	if (p != NULL) {
		for (const struct pbuf *q = p; q != NULL; q = q->next)
			compare(q->payload, q->len);
		engine_report.octets_received = job.returned;
		tcp_recved(pcb, p->tot_len);
		(void)pbuf_free(p);
		return ERR_OK;
	}
	tcp_recv(pcb, NULL);
	tcp_sent(pcb, NULL);
	tcp_poll(pcb, NULL, 0);
	tcp_err(pcb, NULL);
	finish(NULL);
	if (tcp_close(pcb) == ERR_OK)
		return ERR_OK;
	tcp_abort(pcb);
	return ERR_ABRT;
}

static err_t
on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	(void)arg;
	(void)pcb;
	(void)len;
	send_more();
	return ERR_OK;
}

static err_t
on_poll(void *arg, struct tcp_pcb *pcb)
{
	return on_sent(arg, pcb, 0);
}

static err_t
on_connected(void *arg, struct tcp_pcb *pcb, err_t error)
{
	(void)error;
	return on_sent(arg, pcb, 0);
}

void
send_begin(const struct ep_lwip_conf *conf)
{
	make_pattern();
	engine_ip(&conf->send, &job.to);
	job.port = (u16_t)conf->send_port;
	job.octets = conf->send_octets;
	job.crc = crc32(0, NULL, 0);
	job.began_ns = engine_now();
	job.pcb = tcp_new_ip_type(IP_GET_TYPE(&job.to));
	if (job.pcb == NULL) {
		finish("no memory");
		return;
	}
	tcp_recv(job.pcb, on_receive);
	tcp_sent(job.pcb, on_sent);
	tcp_poll(job.pcb, on_poll, 4);
	tcp_err(job.pcb, on_error);
	if (tcp_connect(job.pcb, &job.to, job.port, on_connected) != ERR_OK) {
		tcp_abort(job.pcb); /* on_error() */
	}
}
