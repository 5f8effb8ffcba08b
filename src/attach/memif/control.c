/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said on the connection, which attach/conn.h makes, loses and makes
 * again. A server serves one client at a time and tells every other that it does.
 * A peer that does not get on with setting up is given up after
 * EP_CONN_AGREE_NS, so that nobody can occupy a server by saying nothing.
 */
#include <errno.h>
#include <string.h>

#include "attach/memif/memif.h"
#include "base/atomic.h"
#include "base/container.h"
#include "base/stray.h"

/* Messages taken for one wake. */
#define MESSAGES_MAX 16

static struct ep_memif *
memif_of(struct ep_conn *conn)
{
	return EP_CONTAINER_OF(conn, struct ep_memif, conn);
}

static void
is_up(struct ep_memif *memif)
{
	int error;

	memif->state = EP_MEMIF_UP;
	ep_conn_up(&memif->conn);
	error = ep_memif_io_begin(memif);
	if (error != 0) {
		ep_conn_broke(&memif->conn, error);
		return;
	}
	ep_conn_present(&memif->conn, true);
	ep_tell(&memif->conn.tell, "connected to %s%s%s",
	    memif->conn.is_client ? memif->conn.addr.text : "a client",
	    *memif->peer != '\0' ? ": " : "", memif->peer);
}

/* What a client is told. */

static int
next_step(struct ep_memif *memif)
{
	struct ep_memif_msg msg;
	int error, fd;

	ep_memif_step(memif, memif->step, &msg, &fd);
	error = ep_memif_send(memif->conn.fd, &msg, fd);
	if (error != 0) {
		ep_conn_broke(&memif->conn, error);
		return error;
	}
	memif->step++;
	memif->state = msg.type == EP_MEMIF_CONNECT ? EP_MEMIF_FINAL
						    : EP_MEMIF_SETUP;
	return 0;
}

static void
greeted(struct ep_memif *memif, const struct ep_memif_hello *hello)
{
	int error;

	if (hello->min_version > EP_MEMIF_VERSION ||
	    hello->max_version < EP_MEMIF_VERSION) {
		ep_conn_refuse(&memif->conn, "Incompatible memif version");
		return;
	}
	memcpy(memif->peer, hello->name, sizeof(memif->peer));
	error = ep_memif_lay_out(memif, hello);
	if (error != 0)
		ep_conn_broke(&memif->conn, error);
	else
		(void)next_step(memif);
}

static void
client_hears(struct ep_memif *memif, const struct ep_memif_msg *msg)
{
	if (memif->state == EP_MEMIF_GREET && msg->type == EP_MEMIF_HELLO)
		greeted(memif, &msg->u.hello);
	else if (memif->state == EP_MEMIF_SETUP && msg->type == EP_MEMIF_ACK)
		(void)next_step(memif);
	else if (memif->state == EP_MEMIF_FINAL &&
		 msg->type == EP_MEMIF_CONNECTED)
		is_up(memif);
	else
		ep_conn_refuse(&memif->conn, "Unexpected message");
}

/* What a server is told. */

static void
answer(struct ep_memif *memif, enum ep_memif_type type)
{
	struct ep_memif_msg msg = { .type = type };
	int error = ep_memif_send(memif->conn.fd, &msg, -1);

	if (error != 0)
		ep_conn_broke(&memif->conn, error);
}

/* In a time that does not depend on how much of it is right. */
static bool
is_secret(const struct ep_memif *memif, const uint8_t *secret)
{
	static const uint8_t none[EP_MEMIF_SECRET];
	unsigned different = 0;

	if (memcmp(memif->secret, none, sizeof(none)) == 0)
		return true; /* it asks for none */
	for (unsigned i = 0; i < EP_MEMIF_SECRET; i++)
		different |= memif->secret[i] ^ secret[i];
	return different == 0;
}

static const char *
judge_init(const struct ep_memif *memif, const struct ep_memif_init *init)
{
	if (init->version != EP_MEMIF_VERSION)
		return "Incompatible memif version";
	if (init->id != memif->id)
		return "ID not found";
	if (init->mode != EP_MEMIF_MODE_ETH)
		return "Only ethernet mode supported";
	if (!is_secret(memif, init->secret))
		return "Incorrect secret";
	return NULL;
}

static void
connect_asked(struct ep_memif *memif)
{
	const char *why = ep_memif_complete(memif);

	if (why != NULL) {
		ep_conn_refuse(&memif->conn, why);
		return;
	}
	answer(memif, EP_MEMIF_CONNECTED);
	if (memif->state == EP_MEMIF_SETUP)
		is_up(memif);
}

/* In state SETUP. Returns NULL, or why not; takes *fd by setting it to -1. */
static const char *
set_up(struct ep_memif *memif, const struct ep_memif_msg *msg, int *fd)
{
	const char *why;

	switch (msg->type) {
	case EP_MEMIF_ADD_REGION:
		return ep_memif_add_region(memif, &msg->u.add_region, *fd);
	case EP_MEMIF_ADD_RING:
		why = ep_memif_add_ring(memif, &msg->u.add_ring, *fd);
		if (why == NULL)
			*fd = -1;
		return why;
	default:
		return "Unexpected message";
	}
}

static void
server_hears(struct ep_memif *memif, const struct ep_memif_msg *msg, int *fd)
{
	const char *why = "Unexpected message";

	if (memif->state == EP_MEMIF_SETUP && msg->type == EP_MEMIF_CONNECT) {
		connect_asked(memif);
		return;
	}
	if (memif->state == EP_MEMIF_GREET && msg->type == EP_MEMIF_INIT) {
		why = judge_init(memif, &msg->u.init);
		memcpy(memif->peer, msg->u.init.name, sizeof(memif->peer));
		memif->state = EP_MEMIF_SETUP;
	} else if (memif->state == EP_MEMIF_SETUP) {
		why = set_up(memif, msg, fd);
	}
	if (why != NULL)
		ep_conn_refuse(&memif->conn, why);
	else
		answer(memif, EP_MEMIF_ACK);
}

/* Both. */

/* A client that is refused is refused each time it tries. */
static void
disconnected(struct ep_memif *memif, const char *why)
{
	struct ep_conn *conn = &memif->conn;
	bool is_new = memif->state == EP_MEMIF_UP || !conn->is_client ||
		      conn->error != -ECONNABORTED;

	ep_conn_end(conn, NULL);
	if (is_new)
		ep_tell(&conn->tell, "peer disconnected: %s", why);
	conn->error = -ECONNABORTED;
}

static void
hear(struct ep_memif *memif, const struct ep_memif_msg *msg, int *fd)
{
	if (msg->type == EP_MEMIF_DISCONNECT)
		disconnected(memif, msg->u.disconnect.why);
	else if (memif->conn.is_client)
		client_hears(memif, msg);
	else
		server_hears(memif, msg, fd);
}

static void
memif_ready(struct ep_conn *conn, uint32_t events)
{
	struct ep_memif *memif = memif_of(conn);
	struct ep_memif_msg msg;
	const char *why = "";
	int error, fd;

	(void)events;
	for (int i = 0; i < MESSAGES_MAX; i++) {
		if (ep_conn_is_stopping(conn) || !ep_conn_has_peer(conn))
			return;
		error = ep_memif_recv(conn->fd, &msg, &fd, &why);
		if (error == -EAGAIN)
			return;
		if (error == 0)
			hear(memif, &msg, &fd);
		else if (error == -EPROTO)
			ep_conn_refuse(conn, why);
		else
			ep_conn_broke(conn, error);
		if (fd >= 0)
			ep_stray_close(fd);
	}
}

/* The server greets. */
static int
memif_begin(struct ep_conn *conn)
{
	struct ep_memif_msg msg = { .type = EP_MEMIF_HELLO };
	struct ep_memif_hello *hello = &msg.u.hello;
	struct ep_memif *memif = memif_of(conn);

	memif->state = EP_MEMIF_GREET;
	*memif->peer = '\0';
	ep_conn_arm(conn, EP_CONN_AGREE_NS);
	if (conn->is_client)
		return 0;
	memcpy(hello->name, "epair", sizeof("epair"));
	hello->min_version = hello->max_version = EP_MEMIF_VERSION;
	hello->max_region = EP_MEMIF_REGIONS_MAX - 1;
	hello->max_s2m_ring = hello->max_m2s_ring =
	    (uint16_t)(memif->queue_count - 1);
	hello->max_log2 = EP_MEMIF_LOG2_MAX;
	return ep_memif_send(conn->fd, &msg, -1);
}

static void
memif_late(struct ep_conn *conn)
{
	if (conn->state != EP_CONN_UP)
		ep_conn_refuse(conn, "Setting up took too long");
}

static void
memif_end(struct ep_conn *conn, const char *why)
{
	struct ep_memif *memif = memif_of(conn);

	if (why != NULL)
		ep_memif_send_disconnect(conn->fd, why);
	ep_memif_io_end(memif, true);
	ep_memif_tear_down(memif);
	memif->state = EP_MEMIF_DOWN;
}

/* Without LINK_FOLLOW a peer is connected whatever the interface is. */
static const char *
memif_bars(struct ep_conn *conn)
{
	struct epair_if_info info = { .size = sizeof(info) };

	if (epair_if_get_info(conn->st->ifp, &info) != 0 ||
	    (info.caps & EPAIR_CAP_LINK_FOLLOW) == 0 ||
	    ep_attach_has_link(&info))
		return NULL;
	return "Link is down";
}

void
ep_memif_changed(struct ep_stack *st, uint32_t what)
{
	struct ep_memif *memif = (struct ep_memif *)(void *)st;

	if ((what & EPAIR_CHANGED_WRITABLE) != 0)
		ep_memif_read_on(memif);
	if (what != EPAIR_CHANGED_WRITABLE)
		ep_conn_look(&memif->conn);
}

const struct ep_conn_ops ep_memif_conn_ops = {
	.peer = "peer",
	.bars = memif_bars,
	.begin = memif_begin,
	.ready = memif_ready,
	.late = memif_late,
	.end = memif_end,
	.turn_away = ep_memif_send_disconnect,
};
