/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes: all or nothing, kept before they are answered, one at a time.
 */
#include "ctl/change.h"

#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/fail.h"
#include "ctl/plan.h"

/* A store that notes what it is told, and refuses when it is to. */
struct noting {
	struct ctl_store store; /* first */
	int intend, commit; /* the errors that it answers */
	char told[64]; /* "ica": intended, committed, abandoned */
};

struct rig {
	struct epair *ep;
	struct ctl_loop loop;
	struct ctl_world world;
	struct ctl_changes changes;
	struct noting noting;
	unsigned done;
	int error;
	char text[EPAIR_ERR_TEXT_MAX];
};

static int
intend(
    struct ctl_store *store, const struct ctl_change *c, struct epair_err *err)
{
	struct noting *n = (struct noting *)store;

	(void)c;
	strcat(n->told, "i");
	return n->intend == 0 ? 0 : ctl_fail(err, n->intend, "the disk");
}

static int
commit(
    struct ctl_store *store, const struct ctl_change *c, struct epair_err *err)
{
	struct noting *n = (struct noting *)store;

	(void)c;
	strcat(n->told, "c");
	return n->commit == 0 ? 0 : ctl_fail(err, n->commit, "the disk");
}

static void
abandon(struct ctl_store *store, const struct ctl_change *c)
{
	(void)c;
	strcat(((struct noting *)store)->told, "a");
}

static int
set_up(void **state, enum epair_way way)
{
	static struct rig r;
	struct epair_opts opts = { .size = sizeof(opts), .way = way };

	r = (struct rig){ 0 };
	r.noting.store.intend = intend;
	r.noting.store.commit = commit;
	r.noting.store.abandon = abandon;
	assert_int_equal(epair_new(&opts, &r.ep, NULL), 0);
	assert_int_equal(ctl_loop_init(&r.loop), 0);
	assert_int_equal(ctl_world_init(&r.world, r.ep, NULL), 0);
	ctl_changes_init(&r.changes, &r.loop, &r.world, &r.noting.store);
	*state = &r;
	return 0;
}

static int
setup(void **state)
{
	return set_up(state, EPAIR_SIM);
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	ctl_changes_fini(&r->changes);
	ctl_world_fini(&r->world);
	ctl_loop_fini(&r->loop);
	assert_int_equal(epair_free(r->ep), 0);
	return 0;
}

static void
done(struct ctl_change *c, int error, const struct epair_err *err)
{
	struct rig *r = c->arg;

	r->done++;
	r->error = error;
	strcpy(r->text, error != 0 ? err->text : "");
	ctl_change_fini(c);
	if (TAILQ_EMPTY(&r->changes.queue))
		ctl_loop_end(&r->loop);
}

/* Put a change, by the text of its parameters. */
static void
put(struct rig *r, struct ctl_change *c,
    int (*plan)(struct ctl_world *, struct ctl_change *, struct epair_err *),
    const char *params)
{
	*c = (struct ctl_change){ .who = { .is_admin = true },
		.plan = plan,
		.done = done,
		.arg = r };
	c->params = json_loads(params, 0, NULL);
	assert_non_null(c->params);
	ctl_change_put(&r->changes, c);
}

/* Have one done. Returns its error. */
static int
change(struct rig *r,
    int (*plan)(struct ctl_world *, struct ctl_change *, struct epair_err *),
    const char *params)
{
	struct ctl_change c;

	r->noting.told[0] = '\0';
	r->loop.is_over = false;
	put(r, &c, plan, params);
	assert_int_equal(ctl_loop_run(&r->loop), 0);
	return r->error;
}

static unsigned
pairs(struct rig *r)
{
	struct epair_usage u = { .size = sizeof(u) };

	assert_int_equal(epair_get_usage(r->ep, &u), 0);
	return u.pairs;
}

static void
change_is_intended_before_and_committed_behind_it(void **state)
{
	struct rig *r = *state;

	assert_int_equal(change(r, ctl_plan_create, "{\"mtu\": 9000}"), 0);
	assert_string_equal(r->noting.told, "ic");
	assert_int_equal(pairs(r), 1);
	assert_int_equal(r->world.generation, 1);
}

static void
change_that_cannot_be_intended_is_not_done(void **state)
{
	struct rig *r = *state;

	r->noting.intend = -ENOSPC;
	assert_int_equal(change(r, ctl_plan_create, "{}"), -ENOSPC);
	assert_string_equal(r->noting.told, "i");
	assert_string_equal(r->text, "the disk");
	assert_int_equal(pairs(r), 0);
}

static void
change_that_cannot_be_committed_is_taken_back(void **state)
{
	struct rig *r = *state;

	assert_int_equal(change(r, ctl_plan_create, "{}"), 0);
	r->noting.commit = -EIO;
	assert_int_equal(
	    change(r, ctl_plan_apply,
		"{\"vnets\": [{\"name\": \"red\"}], \"pairs\": [{\"name\": "
		"\"epair0\", \"mtu\": 9000, \"a\": {\"vnet\": \"red\", "
		"\"attach\": \"sink\", \"link\": \"loss 1%\", \"up\": true}}, "
		"{\"name\": \"epair1\"}]}"),
	    -EIO);
	assert_string_equal(r->noting.told, "ica");
	assert_int_equal(pairs(r), 1);
	assert_null(ctl_world_vnet(&r->world, "red"));
	r->noting.commit = 0;
	/* All of it is as it was: what it was is no change. */
	assert_int_equal(
	    change(r, ctl_plan_apply,
		"{\"pairs\": [{\"name\": \"epair0\", \"mtu\": 1500, \"a\": "
		"{\"vnet\": \"vnet0\", \"attach\": \"none\", \"link\": "
		"\"none\", \"up\": false}}]}"),
	    0);
	assert_string_equal(r->noting.told, "");
}

static void
step_that_fails_takes_back_those_before_it(void **state)
{
	struct rig *r = *state;

	assert_int_equal(
	    change(r, ctl_plan_apply,
		"{\"pairs\": [{\"name\": \"epair0\"}, {\"name\": \"epair1\", "
		"\"mtu\": 1}]}"),
	    -EINVAL);
	assert_string_equal(r->noting.told, "ia");
	assert_int_equal(pairs(r), 0);
	assert_int_equal(json_object_size(r->world.pairs), 0);
}

static void
change_of_nothing_is_not_kept(void **state)
{
	struct rig *r = *state;

	assert_int_equal(change(r, ctl_plan_create, "{}"), 0);
	assert_int_equal(
	    change(r, ctl_plan_apply,
		"{\"pairs\": [{\"name\": \"epair0\", \"mtu\": \"1500\"}]}"),
	    0);
	assert_string_equal(r->noting.told, "");
	assert_int_equal(r->world.generation, 1);
}

static void
changes_are_done_in_their_order(void **state)
{
	struct rig *r = *state;
	struct ctl_change a, b, c;

	put(r, &a, ctl_plan_create, "{\"name\": \"epair3\"}");
	put(r, &b, ctl_plan_destroy, "{\"if\": \"epair3b\"}");
	put(r, &c, ctl_plan_destroy, "{\"if\": \"epair3b\"}");
	assert_int_equal(ctl_loop_run(&r->loop), 0);
	assert_int_equal(r->done, 3);
	assert_int_equal(r->error, -ENXIO);
	assert_int_equal(pairs(r), 0);
}

/* An attachment that takes a change up when it is let. */
static struct slow {
	struct rig *r;
	sem_t may; /* posted: it may */
	unsigned done_before; /* changes that were done before it had */
	struct ctl_timer lets;
} slow;

static void
nothing_received(
    void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	(void)arg;
	(void)ifp;
	epair_mbuf_free(ms, n);
}

static void
take_up(void *arg, struct epair_if *ifp, uint32_t what)
{
	(void)arg;
	(void)ifp;
	(void)what;
	while (sem_wait(&slow.may) != 0)
		assert_int_equal(errno, EINTR);
}

/* Many turns of the loop after the change was committed. */
static void
let(struct ctl_timer *t)
{
	(void)t;
	slow.done_before = slow.r->done;
	assert_int_equal(sem_post(&slow.may), 0);
}

static int
setup_slow(void **state)
{
	static const struct epair_stack stack = { .size = sizeof(stack),
		.receive = nothing_received,
		.changed = take_up };
	struct epair_if *ifp;
	struct rig *r;

	if (set_up(state, EPAIR_THREADS) != 0)
		return -1;
	r = *state;
	slow = (struct slow){ .r = r, .lets.fire = let };
	assert_int_equal(sem_init(&slow.may, 0, 0), 0);
	assert_int_equal(change(r, ctl_plan_create, "{}"), 0);
	r->done = 0;
	assert_int_equal(
	    epair_if_get(r->ep, "vnet0", "epair0a", &ifp, NULL), 0);
	assert_int_equal(epair_attach_stack(ifp, &stack, NULL, NULL), 0);
	epair_if_put(ifp);
	return 0;
}

/* It takes up whatever comes from now on. */
static void
let_all(void)
{
	for (int i = 0; i < 8; i++)
		assert_int_equal(sem_post(&slow.may), 0);
}

static int
teardown_slow(void **state)
{
	let_all();
	return teardown(state);
}

static void
change_is_done_when_attachments_have_taken_it_up(void **state)
{
	struct rig *r = *state;

	ctl_timer_set(&r->loop, &slow.lets, 20000000);
	assert_int_equal(
	    change(r, ctl_plan_set,
		"{\"if\": \"epair0a\", \"words\": {\"up\": null}}"),
	    0);
	assert_false(slow.lets.is_set);
	assert_int_equal(slow.done_before, 0);
	assert_int_equal(r->done, 1);
	assert_string_equal(r->noting.told, "ic");
}

static void
attachment_that_takes_nothing_up_does_not_hold_changes_for_ever(void **state)
{
	struct rig *r = *state;

	assert_int_equal(
	    change(r, ctl_plan_set,
		"{\"if\": \"epair0a\", \"words\": {\"up\": null}}"),
	    0);
	assert_int_equal(r->done, 1);
	/* Nor one that was destroyed. */
	let_all();
	assert_int_equal(
	    change(r, ctl_plan_destroy, "{\"if\": \"epair0a\"}"), 0);
}

static void
change_that_settles_at_the_end_is_done(void **state)
{
	struct rig *r = *state;
	struct ctl_change c;

	put(r, &c, ctl_plan_set,
	    "{\"if\": \"epair0a\", \"words\": {\"up\": null}}");
	for (r->noting.told[0] = '\0'; strcmp(r->noting.told, "ic") != 0;)
		r->changes.job.run(&r->changes.job);
	ctl_changes_fini(&r->changes);
	assert_int_equal(r->done, 1);
	assert_int_equal(r->error, 0);
}

static void
changes_that_wait_are_refused_at_the_end(void **state)
{
	struct rig *r = *state;
	struct ctl_change c;

	put(r, &c, ctl_plan_create, "{}");
	ctl_changes_fini(&r->changes);
	assert_int_equal(r->error, -ESHUTDOWN);
	assert_int_equal(pairs(r), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define SLOW_CASE(name) \
	cmocka_unit_test_setup_teardown(name, setup_slow, teardown_slow)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(change_is_intended_before_and_committed_behind_it),
		CASE(change_that_cannot_be_intended_is_not_done),
		CASE(change_that_cannot_be_committed_is_taken_back),
		CASE(step_that_fails_takes_back_those_before_it),
		CASE(change_of_nothing_is_not_kept),
		CASE(changes_are_done_in_their_order),
		CASE(changes_that_wait_are_refused_at_the_end),
		SLOW_CASE(change_is_done_when_attachments_have_taken_it_up),
		SLOW_CASE(
		    attachment_that_takes_nothing_up_does_not_hold_changes_for_ever),
		SLOW_CASE(change_that_settles_at_the_end_is_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
