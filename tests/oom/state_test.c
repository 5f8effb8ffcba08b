/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a daemon finds again (ctl/state.h), with each allocation failing in
 * turn: what is written down and what is kept belong together, whatever fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/codec.h"
#include "ctl/codec_if.h"
#include "ctl/plan.h"
#include "ctl/state.h"
#include "oom/ctl_rig.h"
#include "oom/kth.h"

#define KEPT_MAX 64

/* A keeper in the place of a process: it outlives a state, not the test. */
struct shelf {
	struct ctl_keep keep; /* first */
	struct ctl_kept kept[KEPT_MAX];
	unsigned count;
};

struct world {
	struct rig rig; /* first */
	struct ctl_state state;
	struct shelf shelf;
	struct ctl_job last;
};

static struct ctl_kept
copy_of(const struct ctl_kept *kept)
{
	struct ctl_kept copy = *kept;

	for (unsigned i = 0; i < copy.count; i++) {
		copy.fds[i].fd = fcntl(kept->fds[i].fd, F_DUPFD_CLOEXEC, 0);
		assert_true(copy.fds[i].fd >= 0);
	}
	return copy;
}

static int
put(struct ctl_keep *keep, const struct ctl_kept *kept, struct epair_err *err)
{
	struct shelf *shelf = (struct shelf *)keep;

	(void)err;
	assert_true(shelf->count < KEPT_MAX);
	shelf->kept[shelf->count++] = copy_of(kept);
	return 0;
}

static void
drop(struct ctl_keep *keep, const struct ctl_kept *kept)
{
	struct shelf *shelf = (struct shelf *)keep;
	unsigned i = 0;

	while (
	    i < shelf->count && strcmp(shelf->kept[i].token, kept->token) != 0)
		i++;
	assert_true(i < shelf->count);
	ctl_kept_close(&shelf->kept[i]);
	shelf->kept[i] = shelf->kept[--shelf->count];
}

static int
fetch(struct ctl_keep *keep, void (*got)(void *arg, struct ctl_kept *kept),
    void *arg, struct epair_err *err)
{
	struct shelf *shelf = (struct shelf *)keep;

	(void)err;
	for (unsigned i = 0; i < shelf->count; i++) {
		struct ctl_kept copy = copy_of(&shelf->kept[i]);

		got(arg, &copy);
	}
	return 0;
}

static void
forget(struct ctl_keep *keep)
{
	struct shelf *shelf = (struct shelf *)keep;

	while (shelf->count > 0)
		ctl_kept_close(&shelf->kept[--shelf->count]);
}

static void
close_shelf(struct ctl_keep *keep)
{
	(void)keep;
}

static const struct ctl_keep_ops shelf_ops = {
	.put = put,
	.drop = drop,
	.fetch = fetch,
	.forget = forget,
	.close = close_shelf,
};

/* The next daemon on what the last one left. */
static int
begin(struct world *w)
{
	w->state = (struct ctl_state){ .loop = &w->rig.loop,
		.world = &w->rig.world,
		.journal = w->rig.journal,
		.keep = &w->shelf.keep };
	return ctl_state_open(&w->state, &w->rig.err);
}

/* Closes the journal, and opens it anew. */
static void
end(struct world *w)
{
	ctl_state_close(&w->state, false);
	rig_end(&w->rig);
	assert_int_equal(
	    ctl_journal_open(w->rig.folder, -1, &w->rig.journal, &w->rig.err),
	    0);
	rig_begin(&w->rig, &w->state.store);
}

static int
setup(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	w.shelf.keep = (struct ctl_keep){ &shelf_ops, -1 };
	rig_init(&w.rig, &w.state.store);
	if (begin(&w) != 0)
		fail_msg("%s", w.rig.err.text);
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	end(w);
	forget(&w->shelf.keep);
	return rig_fini(&w->rig);
}

static void
end_loop(struct ctl_job *job)
{
	ctl_loop_end(&EP_CONTAINER_OF(job, struct world, last)->rig.loop);
}

/* Have done what waits, and what that causes. */
static void
settle(struct world *w)
{
	for (int i = 0; i < 3; i++) {
		w->rig.loop.is_over = false;
		w->last = (struct ctl_job){ .run = end_loop };
		ctl_job_add(&w->rig.loop, &w->last);
		assert_int_equal(ctl_loop_run(&w->rig.loop), 0);
	}
}

static bool
is_on_shelf(const struct shelf *shelf, const char *token)
{
	for (unsigned i = 0; i < shelf->count; i++)
		if (strcmp(shelf->kept[i].token, token) == 0)
			return true;
	return false;
}

/* Whether an end is as it is written. Returns how many tokens it names. */
static unsigned
check_end(struct world *w, json_t *end)
{
	struct epair_if_info info = { .size = sizeof(info) };
	json_t *token = json_object_get(end, "token");
	struct ctl_if written;
	struct epair_if *ifp;
	char link[512];

	assert_int_equal(ctl_if_decode(end, &written, NULL), 0);
	assert_int_equal(
	    epair_if_get_index(w->rig.ep, written.info.index, &ifp), 0);
	assert_int_equal(epair_if_get_info(ifp, &info), 0);
	assert_true(epair_if_get_link(ifp, link, sizeof(link)) >= 0);
	epair_if_put(ifp);
	assert_string_equal(written.info.name, info.name);
	assert_string_equal(written.info.vnet, info.vnet);
	assert_int_equal(written.info.mtu, info.mtu);
	assert_string_equal(
	    *written.link != '\0' ? written.link : "none", link);
	assert_true(
	    token == NULL || is_on_shelf(&w->shelf, json_string_value(token)));
	return token != NULL;
}

/* The journal says what there is, and the shelf has what it names. */
static void
check(struct world *w)
{
	unsigned pairs = 0, vnets = 0, tokens = 0;
	const char *key;
	struct ctl_vnet *vn;
	json_t *text;

	json_object_foreach(ctl_journal_all(w->rig.journal), key, text)
	{
		json_t *pair = json_loads(json_string_value(text), 0, NULL);

		if (pair == NULL)
			fail_msg("%s: %s", key, json_string_value(text));
		vnets += strncmp(key, "vnet/", 5) == 0;
		if (strncmp(key, "pair/", 5) == 0) {
			tokens += check_end(w, json_object_get(pair, "a"));
			tokens += check_end(w, json_object_get(pair, "b"));
			pairs++;
		}
		json_decref(pair);
	}
	assert_int_equal(pairs, json_object_size(w->rig.world.pairs));
	assert_int_equal(tokens, w->shelf.count);
	TAILQ_FOREACH(vn, &w->rig.world.vnets, link)
		if (strcmp(vn->name, "vnet0") != 0)
			vnets--;
	assert_int_equal(vnets, 0);
}

/* More than may wait, so that what is told between them is missing. */
static void
flip_often(struct epair_if *ifp)
{
	for (int i = 0; i < 40000; i++) {
		assert_int_equal(epair_if_up(ifp), 0);
		assert_int_equal(epair_if_down(ifp), 0);
	}
}

static void
what_a_missing_event_would_have_told_is_written(void **state)
{
	struct world *w = *state;
	struct epair_if *ifp;

	rig_made(&w->rig, ctl_plan_create, "{\"name\": \"epair0\"}");
	assert_int_equal(
	    epair_if_get(w->rig.ep, "vnet0", "epair0b", &ifp, NULL), 0);
	flip_often(ifp);
	assert_int_equal(epair_if_set_mtu(ifp, 1234, NULL), 0);
	flip_often(ifp);
	epair_if_put(ifp);
	settle(w);
	check(w);
}

static int
trace(void)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);

	assert_int_equal(write(fd, "1\n2\n", 4), 4);
	return fd;
}

/* A link that nobody has set yet, with its file. */
static int
set_link(struct world *w, const char *ifname, long k, int *failed)
{
	static unsigned count;
	char params[160];

	(void)snprintf(params, sizeof(params),
	    "{\"if\": \"%s\", \"words\": {\"link\": \"trace t%u\"}, "
	    "\"fds\": [\"trace\"]}",
	    ifname, count++);
	return rig_change_with(
	    &w->rig, ctl_plan_set, params, trace(), k, failed);
}

static void
link_is_set(struct world *w, const char *ifname)
{
	int failed;

	if (set_link(w, ifname, -1, &failed) != 0)
		fail_msg("%s: %s", ifname, w->rig.err.text);
}

static void
file_of_a_link_is_kept_and_named_or_neither(void **state)
{
	struct world *w = *state;
	int failed = 1, error = 0;

	rig_made(&w->rig, ctl_plan_create, "{\"name\": \"epair0\"}");
	link_is_set(w, "epair0a");
	for (long k = 0; failed; k++) {
		assert_true(k < FAILS_MAX);
		error = set_link(w, "epair0a", k, &failed);
		assert_true(error == 0 || (failed && error == -ENOMEM));
		settle(w);
		check(w);
		assert_int_equal(w->shelf.count, 1);
	}
	assert_int_equal(error, 0);
}

/* A vnet with a pair of its own and a guest, each with a file that is kept. */
static void
make_red(struct world *w)
{
	rig_made(&w->rig, ctl_plan_vnet_add, "{\"name\": \"red\"}");
	rig_made(&w->rig, ctl_plan_create,
	    "{\"name\": \"epair1\", \"vnet\": \"red\"}");
	rig_made(
	    &w->rig, ctl_plan_move, "{\"if\": \"epair0b\", \"vnet\": \"red\"}");
	link_is_set(w, "red/epair1a");
	link_is_set(w, "red/epair0b");
}

static void
end_of_a_vnet_is_written_down_or_does_not_happen(void **state)
{
	struct world *w = *state;
	int failed = 1, error;

	rig_made(&w->rig, ctl_plan_create, "{\"name\": \"epair0\"}");
	for (long k = 0; failed; k++) {
		assert_true(k < FAILS_MAX);
		if (ctl_world_vnet(&w->rig.world, "red") == NULL)
			make_red(w);
		error = rig_change(&w->rig, ctl_plan_vnet_del,
		    "{\"name\": \"red\"}", k, &failed);
		assert_true(error == 0 || (failed && error == -ENOMEM));
		settle(w);
		check(w);
	}
}

static void
what_changes_by_itself_is_written_with_what_comes_next(void **state)
{
	struct world *w = *state;
	struct epair_if *ifp;
	int failed = 1;

	rig_made(&w->rig, ctl_plan_create, "{\"name\": \"epair0\"}");
	rig_made(&w->rig, ctl_plan_create, "{\"name\": \"epair1\"}");
	link_is_set(w, "epair0a");
	assert_int_equal(
	    epair_if_get(w->rig.ep, NULL, "epair0a", &ifp, NULL), 0);
	for (uint32_t k = 0; failed; k++) {
		assert_true(k < FAILS_MAX);
		assert_int_equal(epair_if_set_mtu(ifp, 1000 + k, NULL), 0);
		(void)epair_run(w->rig.ep, 0);
		fail_at(k);
		settle(w);
		failed = has_failed();
		rig_made(&w->rig, ctl_plan_set,
		    k % 2 == 0 ? "{\"if\": \"epair1a\", \"words\": {\"up\": "
				 "null}}"
			       : "{\"if\": \"epair1a\", \"words\": "
				 "{\"down\": null}}");
		settle(w);
		check(w);
	}
	epair_if_put(ifp);
}

/* As if an attachment of words, which none keeps, could not come back. */
static void
write_attachments(struct world *w, const char *a, const char *b)
{
	json_t *pair = json_loads(
	    ctl_journal_get(w->rig.journal, "pair/vnet0/1"), 0, NULL);
	char *text;

	assert_true(
	    ctl_put(json_object_get(pair, "a"), "attach", json_string(a)));
	assert_true(
	    ctl_put(json_object_get(pair, "b"), "attach", json_string(b)));
	text = json_dumps(pair, JSON_COMPACT);
	assert_non_null(text);
	ctl_journal_set(w->rig.journal, "pair/vnet0/1", text);
	assert_int_equal(ctl_journal_commit(w->rig.journal, &w->rig.err), 0);
	free(text);
	json_decref(pair);
}

static void
put_stray(struct world *w)
{
	struct ctl_kept stray = { "stray", 1, { { "trace", trace() } } };

	assert_int_equal(put(&w->shelf.keep, &stray, NULL), 0);
	ctl_kept_close(&stray);
}

/* What has not come back waits, or somebody will be told. */
static void
check_start(struct world *w, int failed)
{
	struct epair_if_info info = { .size = sizeof(info) };
	struct epair_if *ifp;
	bool is_attached;

	check(w);
	assert_int_equal(
	    epair_if_get(w->rig.ep, NULL, "epair0a", &ifp, NULL), 0);
	assert_int_equal(epair_if_get_info(ifp, &info), 0);
	epair_if_put(ifp);
	is_attached = info.attachment[0] != '\0';
	assert_true(is_attached || failed);
	assert_int_equal(
	    json_object_size(w->rig.world.waiting), is_attached ? 1 : 2);
	assert_int_equal(json_object_size(w->state.lost), 1);
	assert_null(w->state.found);
}

static void
start_without_memory_leaves_all_to_the_next_one(void **state)
{
	struct world *w = *state;
	int failed = 1, error = 0;

	rig_made(&w->rig, ctl_plan_vnet_add, "{\"name\": \"red\"}");
	rig_made(&w->rig, ctl_plan_create,
	    "{\"name\": \"epair0\", \"a\": {\"attach\": \"sink\", "
	    "\"qdisc\": \"fifo\"}, \"b\": {\"vnet\": \"red\"}}");
	rig_made(&w->rig, ctl_plan_create, "{\"name\": \"epair1\"}");
	link_is_set(w, "epair0a");
	link_is_set(w, "red/epair0b");
	end(w);
	write_attachments(
	    w, "pcap:read=/nonexistent/file", "tap:netns=1,name=x");
	for (long k = 0; failed; k++) {
		assert_true(k < FAILS_MAX);
		put_stray(w);
		fail_at(k);
		error = begin(w);
		failed = has_failed();
		if (error == 0) {
			check_start(w, failed);
		} else {
			assert_true(failed);
			assert_string_not_equal(w->rig.err.text, "");
			assert_int_equal(w->shelf.count, 3);
			drop(&w->shelf.keep, &(struct ctl_kept){ "stray" });
		}
		end(w);
	}
	assert_int_equal(error, 0);
	assert_int_equal(begin(w), 0);
}

#define STATE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(what_a_missing_event_would_have_told_is_written),
		STATE_TEST(file_of_a_link_is_kept_and_named_or_neither),
		STATE_TEST(end_of_a_vnet_is_written_down_or_does_not_happen),
		STATE_TEST(
		    what_changes_by_itself_is_written_with_what_comes_next),
		STATE_TEST(start_without_memory_leaves_all_to_the_next_one),
	};

	/* By their wrapped names. */
	json_set_alloc_funcs(malloc, free);
	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
