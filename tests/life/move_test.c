/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving, and the attachments that vnets give: contract 8.2 and 8.3.
 */
#include "life.h"

#include "base/atomic.h"

#define ROUNDS 100u

static struct epair_if_info
info_of(struct epair_if *ifp)
{
	struct epair_if_info info = { .size = sizeof(info) };

	CHECK(epair_if_get_info(ifp, &info) == 0);
	return info;
}

static void
interface_sent_home_leaves_its_vnets_attachment_behind(void **state)
{
	struct life *l = *state;
	struct epair_if *a, *b;

	life_pair(l->ep, &a, &b);
	assert_int_equal(epair_vnet_add(l->ep, "red", "sink", NULL), 0);
	assert_int_equal(epair_if_move(b, "red", NULL), 0);
	assert_string_equal(info_of(b).attachment, "sink");
	assert_int_equal(epair_vnet_del(l->ep, "red", NULL), 0);
	assert_string_equal(info_of(b).vnet, "vnet0");
	assert_string_equal(info_of(b).attachment, "");
	life_pair_end(a, b);
}

static void
interface_sent_home_gets_what_its_home_gives(void **state)
{
	struct life *l = *state;
	struct epair_if *a, *b;

	assert_int_equal(epair_vnet_add(l->ep, "red", "sink", NULL), 0);
	assert_int_equal(epair_vnet_add(l->ep, "blue", "echo", NULL), 0);
	assert_int_equal(
	    epair_if_create(l->ep, "blue", "epair", NULL, &a, NULL), 0);
	b = epair_if_peer(a);
	assert_int_equal(epair_if_move(b, "red", NULL), 0);
	assert_string_equal(info_of(b).attachment, "sink");
	assert_int_equal(epair_vnet_del(l->ep, "red", NULL), 0);
	assert_string_equal(info_of(b).attachment, "echo");
	life_pair_end(a, b);
	assert_int_equal(epair_vnet_del(l->ep, "blue", NULL), 0);
}

static void
what_was_attached_by_hand_moves_along(void **state)
{
	struct life *l = *state;
	struct catcher at_b = { .arg = NULL };
	struct epair_if *a, *b;

	life_pair(l->ep, &a, &b);
	life_catch(b, &at_b);
	assert_int_equal(epair_vnet_add(l->ep, "red", "sink", NULL), 0);
	assert_int_equal(epair_if_move(b, "red", NULL), 0);
	assert_string_equal(info_of(b).attachment, "callbacks");
	assert_int_equal(epair_vnet_del(l->ep, "red", NULL), 0);
	assert_string_equal(info_of(b).attachment, "callbacks");
	assert_int_equal(life_detached(&at_b), 0);
	life_pair_end(a, b);
}

/* A thread that moves an interface to and fro. */
struct mover {
	struct epair_if *ifp;
	const char *to[2];
	pthread_t thread;
};

static void *
mover_run(void *arg)
{
	struct mover *m = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		int error = epair_if_move(m->ifp, m->to[i % 2], NULL);

		CHECK(error == 0 || error == -EEXIST);
		CHECK(epair_if_up(m->ifp) == 0);
	}
	return NULL;
}

static void
what_is_attached_after_moves_at_once_is_the_last_vnets(void **state)
{
	struct life *l = *state;
	struct epair_if *a, *b;
	struct mover movers[2];

	life_pair(l->ep, &a, &b);
	assert_int_equal(epair_vnet_add(l->ep, "red", "sink", NULL), 0);
	assert_int_equal(epair_vnet_add(l->ep, "blue", "echo", NULL), 0);
	for (unsigned i = 0; i < 10; i++) {
		struct epair_if_info info;

		movers[0] = (struct mover){ .ifp = b,
			.to = { "red", "vnet0" } };
		movers[1] = (struct mover){ .ifp = b, .to = { "blue", "red" } };
		for (int k = 0; k < 2; k++)
			CHECK(pthread_create(&movers[k].thread, NULL, mover_run,
				  &movers[k]) == 0);
		for (unsigned k = 0; k < ROUNDS; k++)
			(void)life_send(a, life_frame(l->ep));
		for (int k = 0; k < 2; k++)
			CHECK(pthread_join(movers[k].thread, NULL) == 0);
		info = info_of(b);
		if (strcmp(info.vnet, "red") == 0)
			assert_string_equal(info.attachment, "sink");
		else if (strcmp(info.vnet, "blue") == 0)
			assert_string_equal(info.attachment, "echo");
		else
			assert_string_equal(info.attachment, "");
	}
	AWAIT(life_is_settled(a, 10 * ROUNDS, NULL));
	life_pair_end(a, b);
	assert_int_equal(epair_vnet_del(l->ep, "red", NULL), 0);
	assert_int_equal(epair_vnet_del(l->ep, "blue", NULL), 0);
}

static const struct life_test tests[] = {
	{ LIFE_TEST(interface_sent_home_leaves_its_vnets_attachment_behind) },
	{ LIFE_TEST(interface_sent_home_gets_what_its_home_gives) },
	{ LIFE_TEST(what_was_attached_by_hand_moves_along) },
	{ LIFE_TEST(what_is_attached_after_moves_at_once_is_the_last_vnets) },
};

int
main(void)
{
	return life_run(tests, sizeof(tests) / sizeof(tests[0]));
}
