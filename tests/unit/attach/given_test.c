/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is told that the system refuses what a vnet gives an interface. This test
 * is the opener: when it answers, and with what, is to be sure.
 */
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach/opener_priv.h"
#include "unit/api/rig.h"

struct world {
	struct epair *ep;
	struct epair_if *a, *b;
	struct ep_opener *opener;
	int sock; /* the opener's end */
};

/* A move to the vnet "one", whose kind takes the opener. */
struct mover {
	struct epair_if *ifp;
	struct epair_err err;
	int error;
	pthread_t thread;
};

static int
set_up(void **state) EP_NO_TSA
{
	const struct epair_opts opts = { .size = sizeof(opts),
		.way = EPAIR_LOOP };
	static struct world world;
	struct world *w = &world;
	int socks[2];

	assert_int_equal(epair_new(&opts, &w->ep, NULL), 0);
	assert_int_equal(
	    epair_if_create(w->ep, NULL, "epair", NULL, &w->a, NULL), 0);
	w->b = epair_if_peer(w->a);
	assert_int_equal(
	    epair_vnet_add(w->ep, "one", "tap:name=only", NULL), 0);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks), 0);
	assert_int_equal(ep_opener_get(w->ep, &w->opener, NULL), 0);
	w->opener->sock = socks[0];
	w->sock = socks[1];
	*state = w;
	return 0;
}

static int
tear_down(void **state) EP_NO_TSA
{
	struct world *w = *state;

	assert_int_equal(epair_if_destroy(w->a, NULL), 0);
	epair_if_put(w->a);
	epair_if_put(w->b);
	/* There is no process to wait for. */
	close(w->opener->sock);
	w->opener->sock = -1;
	close(w->sock);
	return epair_free(w->ep);
}

static void *
mover_run(void *arg)
{
	struct mover *m = arg;

	m->error = epair_if_move(m->ifp, "one", &m->err);
	return NULL;
}

static void
begin(struct world *w, struct mover *m)
{
	m->ifp = w->b;
	assert_int_equal(pthread_create(&m->thread, NULL, mover_run, m), 0);
}

static uint32_t
next_request(struct world *w)
{
	struct ep_opener_request req;

	assert_int_equal(recv(w->sock, &req, sizeof(req), 0), sizeof(req));
	assert_int_equal(req.op, EP_OPENER_OPEN_TAP);
	return req.serial;
}

static void
refuse(struct world *w, uint32_t serial)
{
	struct ep_opener_answer answer = { .version = EP_OPENER_VERSION,
		.serial = serial,
		.code = -EBUSY,
		.text = "the TAP is in use" };
	const struct ep_opener_end end = { EP_OPENER_VERSION, serial };

	assert_int_equal(
	    send(w->sock, &answer, sizeof(answer), 0), sizeof(answer));
	assert_int_equal(send(w->sock, &end, sizeof(end), 0), sizeof(end));
}

static void
assert_told(struct mover *m)
{
	assert_int_equal(pthread_join(m->thread, NULL), 0);
	assert_int_equal(m->error, -EBUSY);
	assert_string_equal(m->err.text, "the TAP is in use");
}

static void
assert_not_told(struct mover *m)
{
	assert_int_equal(pthread_join(m->thread, NULL), 0);
	assert_int_equal(m->error, 0);
}

static void
device_in_use_is_told_to_who_moved_it_there(void **state)
{
	struct world *w = *state;
	struct mover m;

	begin(w, &m);
	refuse(w, next_request(w));
	assert_told(&m);
	assert_string_equal(info(w->b).vnet, "one");
	assert_string_equal(info(w->b).attachment, "");
}

static void
who_moved_it_back_meanwhile_is_told_and_nobody_else(void **state)
{
	struct world *w = *state;
	struct mover first, last;
	uint32_t serial;

	begin(w, &first);
	serial = next_request(w);
	assert_int_equal(epair_if_move(w->b, "vnet0", NULL), 0);
	begin(w, &last);
	while (strcmp(info(w->b).vnet, "one") != 0)
		usleep(1000);
	refuse(w, serial);
	assert_not_told(&first);
	refuse(w, next_request(w));
	assert_told(&last);
}

static void
what_was_attached_meanwhile_is_no_error_of_the_movers(void **state)
{
	struct world *w = *state;
	struct mover m;
	uint32_t serial;

	begin(w, &m);
	serial = next_request(w);
	assert_int_equal(epair_attach(w->b, "sink", NULL), 0);
	refuse(w, serial);
	assert_not_told(&m);
	assert_string_equal(info(w->b).attachment, "sink");
}

#define GIVEN_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		GIVEN_TEST(device_in_use_is_told_to_who_moved_it_there),
		GIVEN_TEST(who_moved_it_back_meanwhile_is_told_and_nobody_else),
		GIVEN_TEST(
		    what_was_attached_meanwhile_is_no_error_of_the_movers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
