/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/http.h - the metrics by HTTP, for Prometheus: GET or HEAD of /metrics.
 *
 * Just that much of HTTP/1.1 (RFC 9112): a request's head of at most
 * CTL_HTTP_HEAD_MAX octets, an answer, and the end of the connection. There are
 * at most CTL_HTTP_CONNS_MAX at a time, and each has CTL_HTTP_NS to be through.
 *
 *	state    meaning                              left by
 *	reading  the head is not complete             its end, too much, the time
 *	writing  the answer is not all written        its end, an error, the time
 *
 * Whoever can connect sees everything: there are no users in HTTP. So it is
 * off unless asked for, and on the loopback address unless another is named.
 */
#ifndef EP_CTL_HTTP_H
#define EP_CTL_HTTP_H

#include "ctl/metrics.h"

#define CTL_HTTP_HEAD_MAX  4096u
#define CTL_HTTP_CONNS_MAX 8u
#define CTL_HTTP_NS        UINT64_C(10000000000)

/* What a head asks for. */
struct ctl_http_request {
	int status; /* of the answer: 200, 400, 404, 405, 431 */
	bool is_head; /* without the text */
	enum ctl_dialect dialect;
};

/*
 * Read a head of n octets. Returns whether it is complete, or as long as it may
 * be; then *rq is filled.
 */
bool ctl_http_parse(const char *head, size_t n, struct ctl_http_request *rq);

struct ctl_http_conn;

struct ctl_http {
	struct ctl_server *server;
	/* What follows is its own. */
	struct ctl_watch listener;
	TAILQ_HEAD(, ctl_http_conn) conns;
	unsigned count;
	uint64_t turned_away;
};

/*
 * Listen where "[ADDR:]PORT" says; ADDR is numeric, and 127.0.0.1 if left out.
 * Returns the socket, or a negated errno.
 */
int ctl_http_listen(const char *where, struct epair_err *err);

/* Serve a listening socket, which is the server's from now on. 0 or -errno. */
int ctl_http_start(struct ctl_http *h, int listener);

/* End all connections. Nothing was started if listener.fd is below 0. */
void ctl_http_stop(struct ctl_http *h);

#endif /* EP_CTL_HTTP_H */
