/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control side with each of its allocations failing in turn, jansson's too:
 * a change is made or changes nothing, and what is on disk is what was there or
 * what is there now.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/image.h"
#include "ctl/method.h"
#include "ctl/plan.h"
#include "oom/ctl_rig.h"
#include "oom/kth.h"

/* A store on a journal: what there is is written down by the change itself. */
struct journaling {
	struct ctl_store store; /* first */
	struct rig *rig;
};

static int
intend(
    struct ctl_store *store, const struct ctl_change *c, struct epair_err *err)
{
	(void)c;
	return ctl_journal_reserve(
	    ((struct journaling *)store)->rig->journal, 4096, err);
}

static int
commit(
    struct ctl_store *store, const struct ctl_change *c, struct epair_err *err)
{
	struct rig *r = ((struct journaling *)store)->rig;
	char text[32];

	(void)snprintf(text, sizeof(text), "{\"steps\":%zu}", c->steps.count);
	ctl_journal_set(r->journal, "vnet/last", text);
	return ctl_journal_commit(r->journal, err);
}

static void
abandon(struct ctl_store *store, const struct ctl_change *c)
{
	(void)c;
	ctl_journal_abandon(((struct journaling *)store)->rig->journal);
}

static int
setup(void **state)
{
	static struct rig r;
	static struct journaling j = { { intend, commit, abandon }, &r };

	rig_init(&r, &j.store);
	*state = &r;
	return 0;
}

static int
teardown(void **state)
{
	return rig_fini(*state);
}

/* Vnets, pairs and what is attached, as one text to be freed. */
static char *
look(struct rig *r)
{
	json_t *all = json_object(), *index;
	struct epair_if_info info = { .size = sizeof(info) };
	struct epair_if *ifp, *end;
	struct ctl_vnet *vn;
	const char *key;
	char *text;

	TAILQ_FOREACH(vn, &r->world.vnets, link)
		assert_int_equal(
		    json_object_set_new(all, vn->name, json_true()), 0);
	json_object_foreach(r->world.pairs, key, index)
	{
		assert_int_equal(epair_if_get_index(r->ep,
				     (uint32_t)json_integer_value(index), &ifp),
		    0);
		for (int i = 0; i < 2; i++) {
			end = i == 0 ? epair_if_ref(ifp) : epair_if_peer(ifp);
			assert_int_equal(epair_if_get_info(end, &info), 0);
			(void)json_object_set_new(all, info.name,
			    json_pack("{s:s,s:i,s:i,s:s,s:b}", "vnet",
				info.vnet, "mtu", (int)info.mtu, "flags",
				(int)info.flags, "attachment", info.attachment,
				"handed", ctl_world_is_handed(&r->world, end)));
			epair_if_put(end);
		}
		epair_if_put(ifp);
	}
	text = json_dumps(all, JSON_SORT_KEYS);
	json_decref(all);
	assert_non_null(text);
	return text;
}

/* Each k-th fails, until none does; then undo. */
static void
try(struct rig *r, plan_fn *plan, const char *params, plan_fn *undo,
    const char *undo_params)
{
	int failed = 1;

	for (long k = 0; failed; k++) {
		char *before = look(r), *after;
		int error = rig_change(r, plan, params, k, &failed);

		assert_true(k < FAILS_MAX);
		after = look(r);
		if (error != 0) {
			assert_true(failed);
			assert_int_equal(error, -ENOMEM);
			assert_string_not_equal(r->err.text, "");
			assert_string_equal(before, after);
		} else {
			assert_string_not_equal(before, after);
			rig_made(r, undo, undo_params);
		}
		free(before);
		free(after);
	}
}

static void
pair_is_made_with_all_that_is_said_of_it_or_not(void **state)
{
	try(*state, ctl_plan_create,
	    "{\"name\": \"epair7\", \"mtu\": 9000, \"up\": true, \"a\": "
	    "{\"attach\": \"sink\", \"link\": \"delay 1ms\", \"qdisc\": "
	    "\"fifo\"}, \"b\": {\"name\": \"other\", \"descr\": \"text\"}}",
	    ctl_plan_destroy, "{\"if\": \"epair7a\"}");
}

static void
wanted_state_is_applied_or_not(void **state)
{
	struct rig *r = *state;

	rig_made(r, ctl_plan_create,
	    "{\"name\": \"epair0\", \"a\": {\"attach\": \"sink\"}}");
	try(r, ctl_plan_apply,
	    "{\"vnets\": [{\"name\": \"red\"}], \"pairs\": [{\"name\": "
	    "\"epair0\", \"mtu\": 9000, \"a\": {\"vnet\": \"red\", "
	    "\"attach\": \"echo\", \"link\": \"loss 1%\", \"up\": true}}, "
	    "{\"name\": \"epair1\"}]}",
	    ctl_plan_apply,
	    "{\"pairs\": [{\"name\": \"epair0\", \"mtu\": 1500, \"a\": "
	    "{\"vnet\": \"vnet0\", \"attach\": \"sink\", \"link\": \"none\", "
	    "\"up\": false}}]}");
}

static void
words_are_set_or_not(void **state)
{
	struct rig *r = *state;

	rig_made(r, ctl_plan_create, "{\"name\": \"epair0\"}");
	try(r, ctl_plan_set,
	    "{\"if\": \"epair0a\", \"words\": {\"mtu\": 1400, \"up\": null}}",
	    ctl_plan_set,
	    "{\"if\": \"epair0a\", \"words\": {\"mtu\": 1500, \"down\": "
	    "null}}");
}

/* Frames that are dropped, and so counted by reason. */
static void
send_to_nobody(struct rig *r, struct epair_if *ifp)
{
	struct epair_mbuf *m = epair_mbuf_from(
	    r->ep, "a frame of some octets", 22);

	assert_non_null(m);
	assert_int_equal(epair_if_transmit(ifp, &m, 1), -ENETDOWN);
}

/* Something of everything that can be said. */
static void
make_much(struct rig *r)
{
	struct epair_if *ifp;

	rig_made(r, ctl_plan_vnet_add,
	    "{\"name\": \"red\", \"kind\": \"sink\", \"owner\": 1000, "
	    "\"max-pairs\": 5}");
	rig_made(r, ctl_plan_create,
	    "{\"name\": \"epair0\", \"mtu\": 9000, \"a\": {\"attach\": "
	    "\"sink\", \"name\": \"wan\", \"descr\": \"text\"}, \"b\": "
	    "{\"vnet\": \"red\", \"link\": \"delay 1ms\", \"qdisc\": "
	    "\"priq\"}}");
	rig_made(
	    r, ctl_plan_create, "{\"name\": \"epair1\", \"vnet\": \"red\"}");
	assert_int_equal(epair_if_get(r->ep, NULL, "wan", &ifp, NULL), 0);
	send_to_nobody(r, ifp);
	epair_if_put(ifp);
}

typedef int look_fn(struct ctl_request *, json_t **, struct epair_err *);

/* What it answers, as text to be freed, with the k-th allocation failing. */
static int
ask(struct rig *r, look_fn *fn, json_t *params, long k, char **text)
{
	struct ctl_server server = { .world = &r->world,
		.limits = CTL_LIMITS_DEFAULT };
	struct ctl_conn conn = { .server = &server,
		.who = { .is_admin = true } };
	struct ctl_request rq = {
		.conn = &conn, .params = params, .give_fd = -1
	};
	json_t *result = NULL;
	int error;

	r->err = (struct epair_err){ 0 };
	fail_at(k);
	error = fn(&rq, &result, &r->err);
	(void)has_failed();
	*text = result != NULL ? json_dumps(result, JSON_SORT_KEYS) : NULL;
	json_decref(result);
	return error;
}

static void
answer_is_whole_or_refused(void **state)
{
	static const struct {
		look_fn *look;
		const char *params;
	} asked[] = {
		{ ctl_do_show, "{\"detail\": true}" },
		{ ctl_do_show, "{\"if\": \"wan\"}" },
		{ ctl_do_vnets, "{}" },
		{ ctl_do_config, "{}" },
		{ ctl_do_introspect, "{}" },
		{ ctl_do_daemon, "{}" },
	};
	struct rig *r = *state;
	char *whole, *text;

	make_much(r);
	for (unsigned i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		json_t *params = json_loads(asked[i].params, 0, NULL);
		int error = -ENOMEM;

		assert_int_equal(ask(r, asked[i].look, params, -1, &whole), 0);
		for (long k = 0; error != 0; k++) {
			assert_true(k < FAILS_MAX);
			error = ask(r, asked[i].look, params, k, &text);
			if (error == 0) {
				assert_string_equal(text, whole);
			} else {
				assert_int_equal(error, -ENOMEM);
				assert_int_equal(r->err.code, -ENOMEM);
				assert_null(text);
			}
			free(text);
		}
		free(whole);
		json_decref(params);
	}
}

static void
what_is_written_of_an_end_is_whole_or_nothing(void **state)
{
	const struct ctl_kept kept = { 0 };
	struct rig *r = *state;
	struct epair_if_info info;
	struct epair_if *ifp;
	json_t *object, *whole;
	bool is_there = false;
	int failed = 1;

	make_much(r);
	assert_int_equal(epair_if_get(r->ep, NULL, "wan", &ifp, NULL), 0);
	whole = ctl_image_end(ifp, NULL, false, &kept, &info);
	assert_non_null(whole);
	for (long k = 0; failed; k++) {
		assert_true(k < FAILS_MAX);
		fail_at(k);
		object = ctl_image_end(ifp, NULL, false, &kept, &info);
		failed = has_failed();
		/* A text is tried twice. */
		assert_true(object == NULL || json_equal(object, whole));
		is_there = object != NULL;
		json_decref(object);
	}
	assert_true(is_there);
	json_decref(whole);
	epair_if_put(ifp);
}

static void
journal_has_what_was_or_what_is(void **state)
{
	struct rig *r = *state;
	char text[32];
	int error, failed = 1;

	for (long k = 0; failed; k++) {
		const char *is;

		(void)snprintf(text, sizeof(text), "{\"k\":%ld}", k);
		fail_at(k);
		ctl_journal_set(r->journal, "vnet/red", text);
		ctl_journal_set(r->journal, "vnet/blue", text);
		error = ctl_journal_commit(r->journal, &r->err);
		failed = has_failed();
		assert_true(k < FAILS_MAX);
		is = ctl_journal_get(r->journal, "vnet/red");
		assert_int_equal(
		    is != NULL && strcmp(is, text) == 0, error == 0);
		/* So it is for who comes after us. */
		ctl_journal_close(r->journal);
		assert_int_equal(
		    ctl_journal_open(r->folder, -1, &r->journal, &r->err), 0);
		for (int i = 0; i < 2; i++) {
			is = ctl_journal_get(
			    r->journal, i == 0 ? "vnet/red" : "vnet/blue");
			assert_int_equal(
			    is != NULL && strcmp(is, text) == 0, error == 0);
		}
	}
}

static void
journal_that_cannot_be_read_for_want_of_memory_is_left_as_it_is(void **state)
{
	struct rig *r = *state;
	int error = -ENOMEM, failed = 1;

	ctl_journal_set(r->journal, "vnet/red", "{}");
	assert_int_equal(ctl_journal_commit(r->journal, &r->err), 0);
	for (long k = 0; failed; k++) {
		ctl_journal_close(r->journal);
		r->journal = NULL;
		fail_at(k);
		error = ctl_journal_open(r->folder, -1, &r->journal, &r->err);
		failed = has_failed();
		assert_true(k < FAILS_MAX);
		if (error != 0)
			assert_int_equal(error, -ENOMEM);
		else
			assert_string_equal(
			    ctl_journal_get(r->journal, "vnet/red"), "{}");
	}
	assert_int_equal(error, 0);
}

#define CTL_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CTL_TEST(pair_is_made_with_all_that_is_said_of_it_or_not),
		CTL_TEST(wanted_state_is_applied_or_not),
		CTL_TEST(words_are_set_or_not),
		CTL_TEST(answer_is_whole_or_refused),
		CTL_TEST(what_is_written_of_an_end_is_whole_or_nothing),
		CTL_TEST(journal_has_what_was_or_what_is),
		CTL_TEST(
		    journal_that_cannot_be_read_for_want_of_memory_is_left_as_it_is),
	};

	/* By their wrapped names. */
	json_set_alloc_funcs(malloc, free);
	return cmocka_run_group_tests_name("ctl", tests, NULL, NULL);
}
