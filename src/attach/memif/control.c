/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client tries, waits reconnect= and tries again, for ever; that nobody
 * answers is told when it begins, not each time. A server serves one client at a
 * time and tells every other that it does. A peer that does not get on with
 * setting up is given up after SETUP_NS, so that nobody can occupy a server by
 * saying nothing. As long may a client stay away whom a link that was down has
 * sent away, before nobody is said to be there.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "attach/memif/memif.h"
#include "base/atomic.h"
#include "base/clock.h"

#define SETUP_NS (5 * EP_NS_PER_S)

/* Messages taken for one wake. */
#define MESSAGES_MAX 16

static const char link_is_down[] = "Link is down";

static bool
is_stopping(const struct ep_memif *memif)
{
	/* acquires what memif_release() released */
	return ep_load_acquire(&memif->stopping);
}

static void
arm(struct ep_memif *memif, uint64_t ns)
{
	uint64_t now = ep_sched_mono(memif->st.ifp->ep->sched);

	if (ep_timer_arm(&memif->timer, now + ns) != 0)
		ep_attach_lost(&memif->st, "no memory for a timer");
}

/* Nothing of the connection is left; a client will try again. */
static void
go_down(struct ep_memif *memif)
{
	ep_memif_io_end(memif);
	ep_watch_drain(&memif->conn_watch);
	if (memif->conn >= 0)
		(void)close(memif->conn);
	memif->conn = -1;
	memif->state = EP_MEMIF_DOWN;
	ep_memif_tear_down(memif);
	/* What lost it is gone with it: acquires what ep_memif_lose() released */
	(void)ep_swap_acq_rel(&memif->lost_why, NULL);
	ep_tell_present(&memif->tell, memif->is_held);
	if (memif->role == EP_MEMIF_CLIENT) {
		arm(memif, memif->reconnect_ns);
		return;
	}
	(void)ep_timer_drain(&memif->timer);
	/* It was muted if there was no descriptor for a client. */
	(void)ep_watch_set(&memif->listen_watch, EPOLLIN);
}

/* We end it, and say why (P3). */
static void
refuse(struct ep_memif *memif, const char *why)
{
	ep_memif_send_disconnect(memif->conn, why);
	go_down(memif);
	ep_tell(&memif->tell, "closed: %s", why);
}

/* It did not come to be, or broke, by no fault of a message's. */
static void
broke(struct ep_memif *memif, int error)
{
	bool was_up = memif->state == EP_MEMIF_UP;

	go_down(memif);
	if (was_up || memif->role == EP_MEMIF_SERVER) {
		if (error == -EPIPE || error == -ECONNRESET)
			ep_tell(&memif->tell, "peer closed");
		else
			ep_tell(
			    &memif->tell, "closed: %s", epair_err_name(error));
		return;
	}
	if (error != memif->connect_error)
		ep_tell(&memif->tell, "cannot connect to %s: %s; trying again",
		    memif->addr.text, epair_err_name(error));
	memif->connect_error = error;
}

static void
is_up(struct ep_memif *memif)
{
	int error;

	memif->state = EP_MEMIF_UP;
	memif->connect_error = 0;
	error = ep_memif_io_begin(memif);
	if (error != 0) {
		broke(memif, error);
		return;
	}
	ep_tell_present(&memif->tell, true);
	ep_tell(&memif->tell, "connected to %s%s%s",
	    memif->role == EP_MEMIF_CLIENT ? memif->addr.text : "a client",
	    *memif->peer != '\0' ? ": " : "", memif->peer);
}

/* What a client is told. */

static int
next_step(struct ep_memif *memif)
{
	struct ep_memif_msg msg;
	int error, fd;

	ep_memif_step(memif, memif->step, &msg, &fd);
	error = ep_memif_send(memif->conn, &msg, fd);
	if (error != 0) {
		broke(memif, error);
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
		refuse(memif, "Incompatible memif version");
		return;
	}
	memcpy(memif->peer, hello->name, sizeof(memif->peer));
	error = ep_memif_lay_out(memif, hello);
	if (error != 0)
		broke(memif, error);
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
		refuse(memif, "Unexpected message");
}

/* What a server is told. */

static void
answer(struct ep_memif *memif, enum ep_memif_type type)
{
	struct ep_memif_msg msg = { .type = type };
	int error = ep_memif_send(memif->conn, &msg, -1);

	if (error != 0)
		broke(memif, error);
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
		refuse(memif, why);
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
		refuse(memif, why);
	else
		answer(memif, EP_MEMIF_ACK);
}

/* Both. */

static void
hear(struct ep_memif *memif, const struct ep_memif_msg *msg, int *fd)
{
	if (msg->type == EP_MEMIF_DISCONNECT) {
		bool is_new = memif->state == EP_MEMIF_UP ||
			      memif->role == EP_MEMIF_SERVER ||
			      memif->connect_error != -ECONNABORTED;

		go_down(memif);
		/* A client that is refused is refused each time it tries. */
		if (is_new)
			ep_tell(&memif->tell, "peer disconnected: %s",
			    msg->u.disconnect.why);
		memif->connect_error = -ECONNABORTED;
	} else if (memif->role == EP_MEMIF_CLIENT) {
		client_hears(memif, msg);
	} else {
		server_hears(memif, msg, fd);
	}
}

void
ep_memif_conn_ready(struct ep_watch *watch, uint32_t events)
{
	struct ep_memif *memif =
	    (struct ep_memif *)(void *)((char *)watch -
					offsetof(struct ep_memif, conn_watch));
	struct ep_memif_msg msg;
	const char *why = "";
	int error, fd;

	(void)events;
	for (int i = 0; i < MESSAGES_MAX; i++) {
		if (is_stopping(memif) || memif->state == EP_MEMIF_DOWN)
			return;
		error = ep_memif_recv(memif->conn, &msg, &fd, &why);
		if (error == -EAGAIN)
			return;
		if (error == 0)
			hear(memif, &msg, &fd);
		else if (error == -EPROTO)
			refuse(memif, why);
		else
			broke(memif, error);
		if (fd >= 0)
			(void)close(fd);
	}
}

void
ep_memif_lose(struct ep_memif *memif, const char *why)
{
	/* acquired by ep_memif_lost(); the last of several is as good */
	(void)ep_swap_acq_rel(&memif->lost_why, why);
	(void)ep_task_schedule(&memif->lose_task);
}

void
ep_memif_lost(struct ep_task *task)
{
	struct ep_memif *memif =
	    (struct ep_memif *)(void *)((char *)task -
					offsetof(struct ep_memif, lose_task));
	/* acquires what ep_memif_lose() released */
	const char *why = ep_swap_acq_rel(&memif->lost_why, NULL);

	if (!is_stopping(memif) && memif->state == EP_MEMIF_UP && why != NULL)
		refuse(memif, why);
}

/* memif->conn is connected: the server greets. */
static void
begin(struct ep_memif *memif)
{
	struct ep_memif_msg msg = { .type = EP_MEMIF_HELLO };
	struct ep_memif_hello *hello = &msg.u.hello;
	int error;

	memif->state = EP_MEMIF_GREET;
	*memif->peer = '\0';
	arm(memif, SETUP_NS);
	error = ep_watch_add(&memif->conn_watch, memif->conn, EPOLLIN);
	if (error == 0 && memif->role == EP_MEMIF_SERVER) {
		memcpy(hello->name, "epair", sizeof("epair"));
		hello->min_version = hello->max_version = EP_MEMIF_VERSION;
		hello->max_region = EP_MEMIF_REGIONS_MAX - 1;
		hello->max_s2m_ring = hello->max_m2s_ring =
		    (uint16_t)(memif->queue_count - 1);
		hello->max_log2 = EP_MEMIF_LOG2_MAX;
		error = ep_memif_send(memif->conn, &msg, -1);
	}
	if (error != 0)
		broke(memif, error);
}

void
ep_memif_listen_ready(struct ep_watch *watch, uint32_t events)
{
	struct ep_memif *memif =
	    (struct ep_memif *)(void *)((char *)watch -
					offsetof(
					    struct ep_memif, listen_watch));
	int fd;

	(void)events;
	if (is_stopping(memif))
		return;
	fd = accept4(memif->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		/* No descriptors, no memory: it would be readable for ever. */
		ep_tell(
		    &memif->tell, "cannot accept: %s", epair_err_name(-errno));
		(void)ep_watch_set(watch, 0);
		if (memif->state == EP_MEMIF_DOWN)
			arm(memif, EP_NS_PER_S);
		return;
	}
	if (memif->state != EP_MEMIF_DOWN || memif->is_held) {
		ep_memif_send_disconnect(
		    fd, memif->is_held ? link_is_down : "Already connected");
		(void)close(fd);
		return;
	}
	memif->conn = fd;
	begin(memif);
}

/* Without LINK_FOLLOW a peer is connected whatever the interface is. */
static bool
may_connect(struct ep_memif *memif)
{
	struct epair_if_info info = { .size = sizeof(info) };

	return epair_if_get_info(memif->st.ifp, &info) != 0 ||
	       (info.caps & EPAIR_CAP_LINK_FOLLOW) == 0 ||
	       ep_attach_has_link(&info);
}

static void
look_at_link(struct ep_memif *memif)
{
	bool was_held = memif->is_held;

	memif->is_held = !may_connect(memif);
	if (memif->is_held == was_held)
		return;
	if (was_held)
		arm(memif, memif->role == EP_MEMIF_CLIENT ? 0 : SETUP_NS);
	else if (memif->state != EP_MEMIF_DOWN)
		refuse(memif, link_is_down);
	else
		ep_tell_present(&memif->tell, true);
}

void
ep_memif_changed(struct ep_stack *st, uint32_t what)
{
	struct ep_memif *memif = (struct ep_memif *)(void *)st;

	if ((what & EPAIR_CHANGED_WRITABLE) != 0)
		ep_memif_read_on(memif);
	if (what != EPAIR_CHANGED_WRITABLE)
		look_at_link(memif);
}

void
ep_memif_timeout(struct ep_timer *timer)
{
	struct ep_memif *memif =
	    (struct ep_memif *)(void *)((char *)timer -
					offsetof(struct ep_memif, timer));
	int fd;

	if (is_stopping(memif) || memif->state == EP_MEMIF_UP)
		return;
	look_at_link(memif);
	if (memif->state != EP_MEMIF_DOWN) {
		refuse(memif, "Setting up took too long");
	} else if (memif->is_held) {
		return;
	} else if (memif->role == EP_MEMIF_SERVER) {
		(void)ep_watch_set(&memif->listen_watch, EPOLLIN);
		ep_tell_present(&memif->tell, false);
	} else if ((fd = ep_socket_connect(&memif->addr, SOCK_SEQPACKET)) < 0) {
		broke(memif, fd);
	} else {
		memif->conn = fd;
		begin(memif);
	}
}
