/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "attach/attach.h"
#include "base/atomic.h"
#include "base/container.h"
#include "net/vnet.h"
#include "unit/api/rig.h"

static struct epair_err err;

/* A stack that counts what is asked of it. */
struct probe {
	struct ep_stack st;
	unsigned started, changed, released, progress;
	/* Called by start and release, if set. */
	void (*at_start)(struct probe *probe);
	void (*at_release)(struct probe *probe);
};

static void
probe_start(struct ep_stack *st)
{
	struct probe *probe = (struct probe *)(void *)st;

	(void)ep_add_acq_rel(&probe->started, 1);
	if (probe->at_start != NULL)
		probe->at_start(probe);
}

static void
probe_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue)
{
	(void)st;
	(void)queue;
	epair_mbuf_free(ms, n);
}

static void
probe_changed(struct ep_stack *st, uint32_t what)
{
	(void)what;
	(void)ep_add_acq_rel(&((struct probe *)(void *)st)->changed, 1);
}

static void
probe_release(struct ep_stack *st)
{
	struct probe *probe = (struct probe *)(void *)st;

	if (probe->at_release != NULL)
		probe->at_release(probe);
	(void)ep_add_acq_rel(&probe->released, 1);
}

static const struct ep_stack_ops probe_ops = {
	.kind = "probe",
	.start = probe_start,
	.receive = probe_receive,
	.changed = probe_changed,
	.release = probe_release,
};

static int
attach(struct epair_if *ifp, struct probe *probe)
{
	probe->st.ops = &probe_ops;
	return ep_attach_publish(ifp, &probe->st, "probe", 0, &err);
}

static int
set_up(void **state)
{
	struct rig *r;

	if (rig_setup_bare(state) != 0)
		return -1;
	r = *state;
	r->a = make(r->ep, NULL, "epair0");
	r->b = epair_if_peer(r->a);
	run(r);
	return 0;
}

#define ATTACH_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, rig_teardown)

/* The next event of that type; 0 if there is none. */
static int
next_event(
    struct epair_sub *sub, enum epair_event_type type, struct epair_event *ev)
{
	while (epair_event_next(sub, ev) == 1)
		if (ev->type == type)
			return 1;
	return 0;
}

/* Its address may be another's by then. */
static void
gift_of_a_vnet_that_has_ended_is_not_attached_in_the_next(void **state)
{
	struct rig *r = *state;
	struct probe probe = { .st = { .ops = &probe_ops } };
	uint64_t gone;

	assert_int_equal(epair_vnet_add(r->ep, "red", NULL, NULL), 0);
	assert_int_equal(epair_if_move(r->a, "red", NULL), 0);
	gone = r->a->vnet->serial;
	assert_int_equal(epair_vnet_del(r->ep, "red", NULL), 0);
	assert_int_equal(epair_vnet_add(r->ep, "red", NULL, NULL), 0);
	assert_int_equal(epair_if_move(r->a, "red", NULL), 0);
	assert_int_equal(
	    ep_attach_publish(r->a, &probe.st, "probe", gone, &err), -EAGAIN);
	assert_int_equal(probe.released, 1);
	assert_int_equal(epair_vnet_del(r->ep, "red", NULL), 0);
}

static void
unknown_kind_is_told_the_known_ones(void **state)
{
	(void)state;

	assert_int_equal(ep_attach_check("foo", &err), -EINVAL);
	assert_non_null(strstr(err.text, "unknown kind 'foo'; known are "));
	assert_non_null(strstr(err.text, "echo, sink, source"));
}

static void
kind_that_was_left_out_says_so_by_name(void **state)
{
	(void)state;

	assert_int_equal(ep_attach_check("vde:url=x", &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.text, "kind 'vde' is not in this build"));
}

static void
check_finds_what_attaching_would(void **state)
{
	(void)state;

	assert_int_equal(ep_attach_check("echo:addr=10.0.0.1/24", &err), 0);
	assert_int_equal(ep_attach_check("Echo", &err), -EINVAL);
	assert_int_equal(ep_attach_check("echo:addr=10.0.0", &err), -EINVAL);
	assert_int_equal(ep_attach_check("sink:foo=1", &err), -EINVAL);
	assert_string_equal(err.text, "unknown key 'foo'; there are none here");
	assert_int_equal(ep_attach_check("source:foo=1", &err), -EINVAL);
	assert_string_equal(err.text,
	    "unknown key 'foo'; known are rate, size, count, burst, flows, "
	    "dst");
}

static void
keys_that_are_shown_are_those_that_are_known(void **state)
{
	const struct epair_kind *kind;

	(void)state;
	for (unsigned i = 0; (kind = epair_kind_at(i)) != NULL; i++) {
		const struct ep_opt *opt = ep_kinds[i]->opts;
		const char *const *key = kind->keys;

		assert_non_null(kind->sentence);
		for (; opt->key != NULL; opt++, key++) {
			char shown[64];

			assert_non_null(*key);
			(void)snprintf(
			    shown, sizeof(shown), "%s=%s", opt->key, opt->form);
			assert_string_equal(*key, shown);
		}
		assert_null(*key);
	}
}

static void
kinds_of_descriptors_are_refused_in_simulated_time(void **state)
{
	struct rig *r = *state;
	const struct epair_kind *kind;

	for (unsigned i = 0; (kind = epair_kind_at(i)) != NULL; i++) {
		if (kind->sim)
			continue;
		assert_int_equal(
		    epair_attach(r->a, kind->name, &err), -EOPNOTSUPP);
		assert_non_null(strstr(err.text, kind->name));
	}
}

static void
attachment_starts_once_and_is_released_once(void **state)
{
	struct rig *r = *state;
	struct probe probe = { 0 };

	assert_int_equal(attach(r->a, &probe), 0);
	assert_int_equal(probe.started, 1);
	assert_string_equal(info(r->a).attachment, "probe");
	assert_int_equal(epair_detach(r->a, &err), 0);
	assert_int_equal(probe.started, 1);
	assert_int_equal(probe.released, 1);
	assert_string_equal(info(r->a).attachment, "");
	assert_int_equal(epair_detach(r->a, &err), -ENOENT);
	assert_int_equal(probe.released, 1);
}

static void
second_attachment_is_refused_and_released(void **state)
{
	struct rig *r = *state;
	struct probe first = { 0 }, second = { 0 };

	assert_int_equal(attach(r->a, &first), 0);
	assert_int_equal(attach(r->a, &second), -EBUSY);
	assert_int_equal(second.started, 0);
	assert_int_equal(second.released, 1);
	assert_int_equal(epair_attach(r->a, "sink", &err), -EBUSY);
	assert_string_equal(
	    err.text, "'probe' is attached already; detach it first");
	assert_int_equal(first.released, 0);
	assert_int_equal(epair_detach(r->a, NULL), 0);
	assert_int_equal(first.released, 1);
}

static void
destroyed_interface_is_enxio(void **state)
{
	struct rig *r = *state;
	struct probe probe = { 0 }, late = { 0 };
	struct epair_progress progress = { .size = sizeof(progress) };

	assert_int_equal(attach(r->a, &probe), 0);
	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	assert_int_equal(probe.released, 1);
	assert_int_equal(attach(r->a, &late), -ENXIO);
	assert_int_equal(late.released, 1);
	assert_int_equal(epair_attach(r->a, "sink", NULL), -ENXIO);
	assert_int_equal(epair_detach(r->a, NULL), -ENXIO);
	assert_int_equal(epair_attach_progress(r->a, &progress), -ENXIO);
}

static void
attaching_and_detaching_are_told(void **state)
{
	struct rig *r = *state;
	struct epair_event ev;
	struct epair_sub *sub;

	assert_int_equal(epair_subscribe(r->ep, 0, &sub, NULL), 0);
	assert_int_equal(epair_attach(r->a, "echo:addr=10.0.0.1", NULL), 0);
	assert_int_equal(epair_detach(r->a, NULL), 0);
	assert_int_equal(next_event(sub, EPAIR_EVENT_ATTACH, &ev), 1);
	assert_string_equal(ev.name, "epair0a");
	assert_string_equal(ev.detail, "echo:addr=10.0.0.1");
	assert_int_equal(next_event(sub, EPAIR_EVENT_DETACH, &ev), 1);
	assert_string_equal(ev.detail, "asked to");
	epair_unsubscribe(sub);
}

static void
lost_attachment_is_detached_from_a_task_with_its_reason(void **state)
{
	struct rig *r = *state;
	struct probe probe = { 0 };
	struct epair_event ev;
	struct epair_sub *sub;

	assert_int_equal(epair_subscribe(r->ep, 0, &sub, NULL), 0);
	assert_int_equal(attach(r->a, &probe), 0);
	ep_attach_lost(&probe.st, "the device is gone");
	ep_attach_lost(&probe.st, "again");
	assert_int_equal(probe.released, 0);
	run(r);
	assert_int_equal(probe.released, 1);
	assert_int_equal(next_event(sub, EPAIR_EVENT_DETACH, &ev), 1);
	assert_string_equal(ev.detail, "the device is gone");
	assert_int_equal(next_event(sub, EPAIR_EVENT_DETACH, &ev), 0);
	assert_int_equal(epair_detach(r->a, NULL), -ENOENT);
	epair_unsubscribe(sub);
}

static void
lose_at_start(struct probe *probe)
{
	ep_attach_lost(&probe->st, "there was nothing to start");
}

static void
attachment_may_be_lost_while_it_starts(void **state)
{
	struct rig *r = *state;
	struct probe probe = { .at_start = lose_at_start };

	assert_int_equal(attach(r->a, &probe), 0);
	run(r);
	assert_int_equal(probe.released, 1);
}

static void
loss_takes_nothing_that_was_attached_since(void **state)
{
	struct rig *r = *state;
	struct probe first = { 0 }, second = { 0 };

	assert_int_equal(attach(r->a, &first), 0);
	ep_attach_lost(&first.st, "gone");
	assert_int_equal(epair_detach(r->a, NULL), 0);
	assert_int_equal(first.released, 1);
	assert_int_equal(attach(r->a, &second), 0);
	run(r);
	assert_int_equal(second.released, 0);
	assert_int_equal(epair_detach(r->a, NULL), 0);
}

static void
loss_of_a_destroyed_interface_is_forgotten(void **state)
{
	struct rig *r = *state;
	struct probe probe = { 0 };

	assert_int_equal(attach(r->a, &probe), 0);
	ep_attach_lost(&probe.st, "gone");
	assert_int_equal(epair_if_destroy(r->b, NULL), 0);
	assert_int_equal(probe.released, 1);
	run(r);
	assert_int_equal(probe.released, 1);
}

static void
what_an_attachment_says_is_told_until_it_is_detached(void **state)
{
	struct rig *r = *state;
	struct probe probe = { 0 };
	struct epair_event ev;
	struct epair_sub *sub;

	assert_int_equal(epair_subscribe(r->ep, 0, &sub, NULL), 0);
	assert_int_equal(attach(r->a, &probe), 0);
	ep_attach_event(&probe.st, "carrier off");
	assert_int_equal(next_event(sub, EPAIR_EVENT_ATTACHMENT, &ev), 1);
	assert_string_equal(ev.detail, "carrier off");
	assert_int_equal(epair_detach(r->a, NULL), 0);
	ep_attach_event(&probe.st, "carrier on");
	assert_int_equal(next_event(sub, EPAIR_EVENT_ATTACHMENT, &ev), 0);
	epair_unsubscribe(sub);
}

/* Of one that follows, with both ends UP, and a subscription. */
static struct epair_sub *
follow(struct rig *r)
{
	struct epair_sub *sub;

	assert_int_equal(epair_if_set(r->a, "carrier", "follow", NULL), 0);
	assert_int_equal(epair_if_up(r->a), 0);
	assert_int_equal(epair_if_up(r->b), 0);
	assert_int_equal(epair_subscribe(r->ep, 0, &sub, NULL), 0);
	return sub;
}

static void
link_follows_who_is_behind_the_other_end(void **state)
{
	struct rig *r = *state;
	struct probe probe = { .st.is_away = true };
	struct epair_sub *sub = follow(r);
	struct epair_event ev;

	assert_int_equal(attach(r->a, &probe), 0);
	assert_int_equal(info(r->b).link, EPAIR_LINK_DOWN);
	assert_int_equal(next_event(sub, EPAIR_EVENT_LINK, &ev), 1);
	assert_string_equal(ev.detail, "nobody is behind the other end");
	ep_stack_present(&probe.st, true);
	assert_int_equal(info(r->b).link, EPAIR_LINK_UP);
	assert_int_equal(next_event(sub, EPAIR_EVENT_LINK, &ev), 1);
	assert_string_equal(ev.detail, "");
	ep_stack_present(&probe.st, true);
	assert_int_equal(next_event(sub, EPAIR_EVENT_LINK, &ev), 0);
	/* Its own is another's affair. */
	assert_int_equal(info(r->a).link, EPAIR_LINK_UP);
	ep_stack_present(&probe.st, false);
	assert_int_equal(info(r->b).link, EPAIR_LINK_DOWN);
	assert_int_equal(epair_if_set(r->a, "carrier", "always", NULL), 0);
	assert_int_equal(info(r->b).link, EPAIR_LINK_UP);
	assert_int_equal(epair_detach(r->a, NULL), 0);
	epair_unsubscribe(sub);
}

static void
link_is_down_where_an_attachment_was_lost(void **state)
{
	struct rig *r = *state;
	struct probe first = { 0 }, second = { 0 }, at_b = { 0 };
	struct epair_sub *sub = follow(r);
	unsigned changed;

	assert_int_equal(attach(r->b, &at_b), 0);
	assert_int_equal(attach(r->a, &first), 0);
	assert_int_equal(info(r->b).link, EPAIR_LINK_UP);
	ep_attach_lost(&first.st, "gone");
	run(r);
	assert_int_equal(info(r->b).link, EPAIR_LINK_DOWN);
	changed = at_b.changed;
	assert_true(changed > 0);
	assert_int_equal(attach(r->a, &second), 0);
	assert_int_equal(info(r->b).link, EPAIR_LINK_UP);
	run(r);
	assert_true(at_b.changed > changed);
	assert_int_equal(epair_detach(r->a, NULL), 0);
	assert_int_equal(info(r->b).link, EPAIR_LINK_DOWN);
	/* What was detached has no more to say. */
	ep_stack_present(&second.st, true);
	assert_int_equal(info(r->b).link, EPAIR_LINK_DOWN);
	assert_int_equal(epair_detach(r->b, NULL), 0);
	epair_unsubscribe(sub);
}

static void
speak_at_release(struct probe *probe)
{
	ep_attach_event(&probe->st, "good bye");
	ep_attach_lost(&probe->st, "it is over");
}

static void
what_is_being_released_has_no_more_to_say(void **state)
{
	struct rig *r = *state;
	struct probe at_a = { .at_release = speak_at_release };
	struct probe at_b = { .at_release = speak_at_release };
	struct epair_event ev;
	struct epair_sub *sub;

	assert_int_equal(epair_subscribe(r->ep, 0, &sub, NULL), 0);
	assert_int_equal(attach(r->a, &at_a), 0);
	assert_int_equal(attach(r->b, &at_b), 0);
	assert_int_equal(epair_detach(r->a, NULL), 0);
	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	assert_int_equal(at_a.released + at_b.released, 2);
	run(r);
	assert_int_equal(next_event(sub, EPAIR_EVENT_ATTACHMENT, &ev), 0);
	epair_unsubscribe(sub);
}

static void
progress_counts_from_attaching(void **state)
{
	struct rig *r = *state;
	struct epair_progress progress = { .size = sizeof(progress) };

	assert_int_equal(epair_if_up(r->a), 0);
	assert_int_equal(epair_if_up(r->b), 0);
	assert_int_equal(epair_attach_progress(r->b, &progress), -ENOENT);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(epair_attach(r->b, "sink", NULL), 0);
		send_many(r->a, 7, 60);
		run(r);
		assert_int_equal(epair_attach_progress(r->b, &progress), 0);
		assert_int_equal(progress.received, 7);
		assert_int_equal(progress.sent, 0);
		assert_int_equal(progress.done, 1);
		assert_int_equal(epair_detach(r->b, NULL), 0);
	}
	progress.size = 4;
	assert_int_equal(epair_attach_progress(r->b, &progress), -EINVAL);
}

/*
 * Threads: an attachment is lost, detached and its pair destroyed at once.
 */

#define RACES 300

struct race {
	struct epair_if *ifp;
	struct probe probe;
	pthread_barrier_t line;
	bool is_destroy;
};

static void *
race_end(void *arg)
{
	struct race *race = arg;

	(void)pthread_barrier_wait(&race->line);
	if (race->is_destroy)
		(void)epair_if_destroy(race->ifp, NULL);
	else
		(void)epair_detach(race->ifp, NULL);
	return NULL;
}

static void
lose_at_the_line(struct probe *probe)
{
	struct race *race = EP_CONTAINER_OF(probe, struct race, probe);

	/* Within start, where the attachment is held. */
	(void)pthread_barrier_wait(&race->line);
	ep_attach_lost(&probe->st, "gone");
}

static void
loss_and_detach_may_race(void **state)
{
	const struct epair_opts opts = { .size = sizeof(opts), .workers = 2 };
	struct epair *ep;

	(void)state;
	assert_int_equal(epair_new(&opts, &ep, NULL), 0);
	for (unsigned i = 0; i < RACES; i++) {
		struct race race = { .is_destroy = i % 2 };
		pthread_t thread;

		race.ifp = make(ep, NULL, "epair");
		race.probe.at_start = lose_at_the_line;
		assert_int_equal(pthread_barrier_init(&race.line, NULL, 2), 0);
		assert_int_equal(
		    pthread_create(&thread, NULL, race_end, &race), 0);
		assert_int_equal(attach(race.ifp, &race.probe), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		(void)epair_if_destroy(race.ifp, NULL);
		assert_int_equal(ep_load_acquire(&race.probe.released), 1);
		epair_if_put(race.ifp);
		(void)pthread_barrier_destroy(&race.line);
	}
	assert_int_equal(epair_free(ep), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_kind_is_told_the_known_ones),
		cmocka_unit_test(kind_that_was_left_out_says_so_by_name),
		cmocka_unit_test(check_finds_what_attaching_would),
		cmocka_unit_test(keys_that_are_shown_are_those_that_are_known),
		ATTACH_TEST(kinds_of_descriptors_are_refused_in_simulated_time),
		ATTACH_TEST(attachment_starts_once_and_is_released_once),
		ATTACH_TEST(second_attachment_is_refused_and_released),
		ATTACH_TEST(destroyed_interface_is_enxio),
		ATTACH_TEST(attaching_and_detaching_are_told),
		ATTACH_TEST(
		    lost_attachment_is_detached_from_a_task_with_its_reason),
		ATTACH_TEST(attachment_may_be_lost_while_it_starts),
		ATTACH_TEST(loss_takes_nothing_that_was_attached_since),
		ATTACH_TEST(loss_of_a_destroyed_interface_is_forgotten),
		ATTACH_TEST(
		    what_an_attachment_says_is_told_until_it_is_detached),
		ATTACH_TEST(link_follows_who_is_behind_the_other_end),
		ATTACH_TEST(
		    gift_of_a_vnet_that_has_ended_is_not_attached_in_the_next),
		ATTACH_TEST(link_is_down_where_an_attachment_was_lost),
		ATTACH_TEST(what_is_being_released_has_no_more_to_say),
		ATTACH_TEST(progress_counts_from_attaching),
		cmocka_unit_test(loss_and_detach_may_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
