/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vnets and interfaces with each of their allocations failing in turn: the call
 * says so, and nothing has changed.
 */
#include "rig.h"

/* Vnets. */

static int
vnet_add(void *arg)
{
	struct rig *r = arg;

	return epair_vnet_add(r->ep, "red", r->text, &r->err);
}

static void
vnet_del(void *arg)
{
	assert_int_equal(
	    epair_vnet_del(((struct rig *)arg)->ep, "red", NULL), 0);
}

static void
vnet_is_added_or_not_there(void **state)
{
	const struct oom_case c = { "vnet add", vnet_add, vnet_del, rig_same };
	struct rig *r = *state;

	oom_try(&c, r, &r->err);
	r->text = "echo:addr=10.0.0.1/24";
	oom_try(&c, r, &r->err);
}

/* Pairs. */

static int
create(void *arg)
{
	struct rig *r = arg;

	return epair_if_create(
	    r->ep, r->text, "epair", NULL, &r->made, &r->err);
}

static void
destroy(void *arg)
{
	struct rig *r = arg;

	assert_int_equal(epair_if_destroy(r->made, NULL), 0);
	epair_if_put(r->made);
}

static void
pair_is_created_or_not_there(void **state)
{
	const struct oom_case c = { "create", create, destroy, rig_same };
	struct rig *r = *state;

	oom_try(&c, r, &r->err);
	assert_int_equal(epair_vnet_add(r->ep, "empty", NULL, NULL), 0);
	assert_int_equal(epair_vnet_add(r->ep, "sunk", "sink", NULL), 0);
	rig_look(r);
	r->text = "empty";
	oom_try(&c, r, &r->err);
	r->text = "sunk";
	oom_try(&c, r, &r->err);
}

static int
restore(void *arg)
{
	struct rig *r = arg;
	struct epair_if_info a = rig_info(r->a), b = rig_info(r->b);

	a.unit = b.unit = 5;
	(void)snprintf(a.name, sizeof(a.name), "one");
	(void)snprintf(b.name, sizeof(b.name), "two");
	(void)snprintf(b.vnet, sizeof(b.vnet), "%s", r->text);
	a.place += 2;
	b.place += 2;
	a.index = 17;
	b.index = 200;
	a.mac[1] ^= 1;
	b.mac[1] ^= 1;
	return epair_if_restore(r->ep, &a, &b, &r->made, &r->err);
}

static void
pair_is_restored_or_not_there(void **state)
{
	const struct oom_case c = { "restore", restore, destroy, rig_same };
	struct rig *r = *state;

	assert_int_equal(epair_vnet_add(r->ep, "empty", NULL, NULL), 0);
	rig_look(r);
	r->text = "empty";
	oom_try(&c, r, &r->err);
}

/* As tables, units and indexes grow: each is made after it has failed. */
static void
unit_and_index_of_a_failed_pair_are_free_again(void **state)
{
	struct epair_if *made[80];
	struct rig *r = *state;
	char name[EPAIR_NAME_MAX];

	for (unsigned i = 0; i < 80; i++) {
		long k = 0;

		do {
			oom_begin(k, k % 2 == 1);
			if (create(r) != 0)
				r->made = NULL;
			(void)oom_end();
			k++;
		} while (r->made == NULL);
		made[i] = r->made;
		(void)snprintf(name, sizeof(name), "epair%ua", i + 1);
		assert_string_equal(rig_info(made[i]).name, name);
		assert_int_equal(rig_info(made[i]).index, 2 * i + 3);
	}
	for (unsigned i = 80; i-- > 0;) {
		assert_int_equal(epair_if_destroy(made[i], NULL), 0);
		epair_if_put(made[i]);
	}
}

static int
move(void *arg)
{
	struct rig *r = arg;

	return epair_if_move(r->b, r->text, &r->err);
}

static void
move_back(void *arg)
{
	struct rig *r = arg;

	assert_int_equal(epair_if_move(r->b, "vnet0", NULL), 0);
	assert_int_equal(epair_if_up(r->b), 0);
	assert_int_equal(epair_run(r->ep, 0), 0);
	/* A table that grew stays so: begin again with an empty one. */
	assert_int_equal(epair_vnet_del(r->ep, r->text, NULL), 0);
	assert_int_equal(epair_vnet_add(r->ep, r->text, NULL, NULL), 0);
}

static void
interface_is_moved_or_where_it_was(void **state)
{
	const struct oom_case c = { "move", move, move_back, rig_same };
	struct rig *r = *state;

	assert_int_equal(epair_vnet_add(r->ep, "red", NULL, NULL), 0);
	rig_look(r);
	r->text = "red";
	oom_try(&c, r, &r->err);
}

/* It has moved, and has no attachment: as <epair/if.h> says. */
static void
interface_that_got_no_attachment_has_moved(void **state)
{
	struct rig *r = *state;

	assert_int_equal(epair_vnet_add(r->ep, "sunk", "sink", NULL), 0);
	r->text = "sunk";
	for (long k = 0;; k++) {
		int error;

		oom_begin(k, false);
		error = move(r);
		if (!oom_end())
			break;
		if (strcmp(rig_info(r->b).vnet, "sunk") == 0) {
			assert_string_equal(rig_info(r->b).attachment,
			    error == 0 ? "sink" : "");
			assert_int_equal(epair_if_move(r->b, "vnet0", NULL), 0);
		}
	}
	assert_string_equal(rig_info(r->b).attachment, "sink");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		OOM_TEST(vnet_is_added_or_not_there),
		OOM_TEST(pair_is_created_or_not_there),
		OOM_TEST(pair_is_restored_or_not_there),
		OOM_TEST(unit_and_index_of_a_failed_pair_are_free_again),
		OOM_TEST(interface_is_moved_or_where_it_was),
		OOM_TEST(interface_that_got_no_attachment_has_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
