/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A memif where the link follows: who is connected is the link, both ways.
 */
#include <stdio.h>
#include <unistd.h>

#include "two.h"

static const char *const roles[] = { "server", "client,reconnect=5ms" };

static enum epair_link
link_of(struct epair_if *ifp)
{
	struct epair_if_info info = { .size = sizeof(info) };

	assert_int_equal(epair_if_get_info(ifp, &info), 0);
	return info.link;
}

static void
follow(struct side *s)
{
	assert_int_equal(epair_if_set(s->a, "carrier", "follow", NULL), 0);
}

/* Whichever of them is the server. */
static void
await_both(struct two *t)
{
	AWAIT(t, has_said(&t->side[0], "connected to ") &&
		     has_said(&t->side[1], "connected to "));
}

/* Side 0 has this role, side 1 the other. */
static void
join_as(struct two *t, int role)
{
	attach(&t->side[role], "memif:path=%s,role=server", t->path);
	attach(&t->side[!role], "memif:path=%s,role=client,reconnect=5ms",
	    t->path);
	await_both(t);
}

static void
one_frame(struct two *t)
{
	unsigned had = t->side[1].at_b.count;

	send_numbered(&t->side[0], 60, 0);
	AWAIT(t, t->side[1].at_b.count == had + 1);
}

/* Why the link goes, and what brings it back. */
static const struct {
	const char *word, *value; /* for the b end of side 0 */
	const char *back, *back_value;
} outages[] = {
	{ "down", NULL, "up", NULL },
	{ "link", "cut", "link", "none" },
};

static void
link_that_goes_is_a_peer_that_goes(struct two *t, int role)
{
	join_as(t, role);
	follow(&t->side[0]);
	one_frame(t);
	for (unsigned i = 0; i < sizeof(outages) / sizeof(outages[0]); i++) {
		assert_int_equal(epair_if_set(t->side[0].b, outages[i].word,
				     outages[i].value, NULL),
		    0);
		AWAIT(t, has_said(&t->side[0], "closed: Link is down"));
		AWAIT(t, has_said(&t->side[1], "disconnected: Link is down"));
		/* It is not the peer's fault. */
		assert_int_equal(link_of(t->side[0].b), EPAIR_LINK_UP);
		for (int k = 0; k < 20; k++)
			two_turn(t);
		assert_true(has_said(&t->side[0], "closed: Link is down"));
		*t->side[0].said = *t->side[1].said = '\0';
		assert_int_equal(epair_if_set(t->side[0].b, outages[i].back,
				     outages[i].back_value, NULL),
		    0);
		await_both(t);
		one_frame(t);
	}
}

static void
link_that_goes_is_a_client_that_goes(void **state)
{
	link_that_goes_is_a_peer_that_goes(*state, 0);
}

static void
link_that_goes_is_a_server_that_goes(void **state)
{
	link_that_goes_is_a_peer_that_goes(*state, 1);
}

static void
interface_that_is_down_has_no_peer(void **state)
{
	struct two *t = *state;

	follow(&t->side[0]);
	join_as(t, 0);
	assert_int_equal(epair_if_down(t->side[0].a), 0);
	AWAIT(t, has_said(&t->side[1], "disconnected: Link is down"));
	*t->side[0].said = *t->side[1].said = '\0';
	assert_int_equal(epair_if_up(t->side[0].a), 0);
	await_both(t);
	one_frame(t);
}

static void
without_following_nobody_is_sent_away(void **state)
{
	struct two *t = *state;

	join_as(t, 0);
	assert_int_equal(epair_if_down(t->side[0].b), 0);
	for (int k = 0; k < 20; k++)
		two_turn(t);
	assert_true(has_said(&t->side[0], "connected"));
	assert_int_equal(link_of(t->side[0].a), EPAIR_LINK_UP);
	/* And they go when it does. */
	follow(&t->side[0]);
	AWAIT(t, has_said(&t->side[1], "disconnected: Link is down"));
}

static void
peer_that_goes_is_a_link_that_goes(void **state)
{
	struct two *t = *state;

	for (int role = 0; role < 2; role++) {
		follow(&t->side[0]);
		attach(
		    &t->side[0], "memif:path=%s,role=%s", t->path, roles[role]);
		assert_int_equal(link_of(t->side[0].b), EPAIR_LINK_DOWN);
		for (int i = 0; i < 3; i++) {
			attach(&t->side[1], "memif:path=%s,role=%s", t->path,
			    roles[!role]);
			AWAIT(t, link_of(t->side[0].b) == EPAIR_LINK_UP);
			AWAIT(t, has_said(&t->side[1], "connected"));
			one_frame(t);
			assert_int_equal(epair_detach(t->side[1].a, NULL), 0);
			AWAIT(t, link_of(t->side[0].b) == EPAIR_LINK_DOWN);
			*t->side[1].said = '\0';
		}
		assert_int_equal(epair_detach(t->side[0].a, NULL), 0);
	}
}

/*
 * Two pairs joined at both ends: each connection waits for the other, and there
 * is nobody at rest to begin with.
 */
static void
ring_of_cables_comes_up(void **state)
{
	struct two *t = *state;
	char other[64], spec[128];

	(void)snprintf(other, sizeof(other), "%s/o", t->folder);
	for (int i = 0; i < 2; i++) {
		follow(&t->side[i]);
		assert_int_equal(epair_detach(t->side[i].b, NULL), 0);
	}
	for (int i = 0; i < 2; i++) {
		attach(&t->side[i], "memif:path=%s,role=%s", t->path, roles[i]);
		(void)snprintf(spec, sizeof(spec), "memif:path=%s,role=%s",
		    other, roles[i]);
		assert_int_equal(epair_attach(t->side[i].b, spec, NULL), 0);
	}
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 2; i++) {
			AWAIT(t, link_of(t->side[i].a) == EPAIR_LINK_UP);
			AWAIT(t, link_of(t->side[i].b) == EPAIR_LINK_UP);
		}
		assert_int_equal(epair_if_down(t->side[0].a), 0);
		AWAIT(t, link_of(t->side[0].b) == EPAIR_LINK_DOWN);
		AWAIT(t, link_of(t->side[1].a) == EPAIR_LINK_DOWN ||
			     link_of(t->side[1].b) == EPAIR_LINK_DOWN);
		assert_int_equal(epair_if_up(t->side[0].a), 0);
	}
	AWAIT(t, link_of(t->side[1].b) == EPAIR_LINK_UP);
	for (int i = 0; i < 2; i++)
		assert_int_equal(epair_detach(t->side[i].b, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWO_TEST(link_that_goes_is_a_client_that_goes),
		TWO_TEST(link_that_goes_is_a_server_that_goes),
		TWO_TEST(interface_that_is_down_has_no_peer),
		TWO_TEST(without_following_nobody_is_sent_away),
		TWO_TEST(peer_that_goes_is_a_link_that_goes),
		TWO_TEST(ring_of_cables_comes_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
