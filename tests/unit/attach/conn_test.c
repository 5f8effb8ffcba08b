/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection's life, of a kind that says nothing. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include "attach/conn.h"
#include "unit/api/rig.h"

/* A server at a path, on an instance that the test itself runs. */
struct world {
	struct epair *ep;
	struct epair_if *a;
	struct ep_stack st;
	struct ep_conn conn;
	const char *why; /* it is barred */
	unsigned ended;
	char folder[32], path[48];
};

static struct world world;

static const char *
bars(struct ep_conn *conn)
{
	(void)conn;
	return world.why;
}

static int
begin(struct ep_conn *conn)
{
	ep_conn_up(conn);
	return 0;
}

static void
ready(struct ep_conn *conn, uint32_t events)
{
	(void)events;
	ep_conn_broke(conn, -EPIPE);
}

static void
end(struct ep_conn *conn, const char *why)
{
	(void)conn;
	(void)why;
	world.ended++;
}

static const struct ep_conn_ops ops = {
	.peer = "peer",
	.hides = true,
	.bars = bars,
	.begin = begin,
	.ready = ready,
	.end = end,
};

static int
set_up(void **state)
{
	struct epair_opts opts = { .size = sizeof(opts), .way = EPAIR_LOOP };
	struct world *w = *state = &world;

	memset(w, 0, sizeof(*w));
	assert_int_equal(epair_new(&opts, &w->ep, NULL), 0);
	w->a = make(w->ep, NULL, "epair0");
	w->st.ifp = w->a;
	strcpy(w->folder, "/tmp/epair-conn-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	(void)snprintf(w->path, sizeof(w->path), "%s/s", w->folder);
	assert_int_equal(
	    ep_socket_path(&w->conn.addr, "path", w->path, NULL), 0);
	w->conn.socktype = SOCK_STREAM;
	w->conn.events = EPOLLIN;
	w->conn.reconnect_ns = EP_NS_PER_S;
	ep_conn_init(&w->conn, &ops, &w->st);
	assert_int_equal(ep_conn_listen(&w->conn, NULL), 0);
	return 0;
}

/* What is still watched or armed would not have the instance end. */
static int
tear_down(void **state)
{
	struct world *w = *state;

	ep_conn_stop(&w->conn);
	ep_conn_fini(&w->conn);
	destroy(w->a);
	assert_int_equal(epair_free(w->ep), 0);
	assert_int_equal(rmdir(w->folder), 0);
	return 0;
}

static void
await_state(struct world *w, enum ep_conn_state state)
{
	struct pollfd pfd = { .fd = epair_fd(w->ep, 0), .events = POLLIN };

	for (int i = 0; w->conn.state != state; i++) {
		assert_in_range(i, 0, 10000);
		(void)poll(&pfd, 1, 1);
		assert_true(epair_dispatch(w->ep, 0, 0) >= 0);
	}
}

static int
peer_at(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

static void
peer_is_found_lost_and_found(struct world *w)
{
	for (unsigned i = 0; i < 2; i++) {
		int fd = peer_at(w->path);

		await_state(w, EP_CONN_UP);
		(void)close(fd);
		await_state(w, EP_CONN_DOWN);
		assert_int_equal(w->ended, i + 1);
	}
}

static void
server_has_one_after_another(void **state)
{
	struct world *w = *state;

	ep_conn_start(&w->conn);
	peer_is_found_lost_and_found(w);
}

/* An attachment is published, and may be told of its link, before it starts. */
static void
what_bars_may_change_before_it_starts(void **state)
{
	struct world *w = *state;

	w->why = "no link";
	ep_conn_look(&w->conn);
	w->why = NULL;
	ep_conn_look(&w->conn);
	ep_conn_start(&w->conn);
	peer_is_found_lost_and_found(w);
}

static void
barred_when_it_starts_it_hides(void **state)
{
	struct world *w = *state;

	w->why = "no link";
	ep_conn_look(&w->conn);
	ep_conn_start(&w->conn);
	await_state(w, EP_CONN_OFF);
	assert_int_equal(access(w->path, F_OK), -1);
	w->why = NULL;
	ep_conn_look(&w->conn);
	peer_is_found_lost_and_found(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(server_has_one_after_another),
		T(what_bars_may_change_before_it_starts),
		T(barred_when_it_starts_it_hides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
