/* SPDX-License-Identifier: BSD-2-Clause */
/* Events: contract 8.5. */
#include "rig.h"

#include <poll.h>
#include <stdio.h>

static struct epair_sub *
subscribe(struct rig *r, unsigned limit)
{
	struct epair_sub *sub;

	assert_int_equal(epair_subscribe(r->ep, limit, &sub, NULL), 0);
	return sub;
}

/* The next event, which must be there. */
static struct epair_event
next(struct rig *r, struct epair_sub *sub)
{
	struct epair_event ev;

	run(r);
	assert_int_equal(epair_event_next(sub, &ev), 1);
	return ev;
}

static void
assert_next(struct rig *r, struct epair_sub *sub, enum epair_event_type type,
    const char *name)
{
	const struct epair_event ev = next(r, sub);

	assert_string_equal(epair_event_word(ev.type), epair_event_word(type));
	assert_string_equal(ev.name, name);
}

static void
assert_no_more(struct rig *r, struct epair_sub *sub)
{
	struct epair_event ev;

	run(r);
	assert_int_equal(epair_event_next(sub, &ev), 0);
}

static void
creation_is_told_of_both_ends(void **state)
{
	struct rig *r = *state;
	struct epair_sub *sub = subscribe(r, 0);
	struct epair_event ev;

	(void)make_name(r->ep, NULL, "epair3");
	ev = next(r, sub);
	assert_int_equal(ev.type, EPAIR_EVENT_CREATE);
	assert_string_equal(ev.name, "epair3a");
	assert_string_equal(ev.vnet, "vnet0");
	assert_int_equal(ev.index, 3);
	assert_int_equal(ev.link, EPAIR_LINK_UP);
	assert_true(ev.flags & EPAIR_IFF_RUNNING);
	assert_int_equal(ev.missing, 0);
	assert_next(r, sub, EPAIR_EVENT_CREATE, "epair3b");
	epair_unsubscribe(sub);
}

static void
flags_are_told_when_they_change(void **state)
{
	struct rig *r = *state;
	struct epair_sub *sub = subscribe(r, 0);
	struct epair_event ev;

	assert_int_equal(epair_if_down(r->a), 0);
	ev = next(r, sub);
	assert_int_equal(ev.type, EPAIR_EVENT_FLAGS);
	assert_string_equal(ev.name, "epair0a");
	assert_false(ev.flags & EPAIR_IFF_UP);
	assert_int_equal(epair_if_down(r->a), 0);
	assert_no_more(r, sub);
	epair_unsubscribe(sub);
}

static void
move_is_told_with_where_it_was(void **state)
{
	struct rig *r = *state;
	struct epair_sub *sub;
	struct epair_event ev;

	assert_int_equal(epair_vnet_add(r->ep, "red", NULL, NULL), 0);
	assert_int_equal(epair_if_down(r->b), 0);
	run(r);
	sub = subscribe(r, 0);
	assert_int_equal(epair_if_move(r->b, "red", NULL), 0);
	ev = next(r, sub);
	assert_int_equal(ev.type, EPAIR_EVENT_MOVE);
	assert_string_equal(ev.name, "epair0b");
	assert_string_equal(ev.vnet, "red");
	assert_string_equal(ev.old_vnet, "vnet0");
	assert_int_equal(ev.index, info(r->b).index);
	epair_unsubscribe(sub);
}

static void
rename_is_told_with_the_old_name(void **state)
{
	struct rig *r = *state;
	struct epair_sub *sub = subscribe(r, 0);
	struct epair_event ev;

	assert_int_equal(epair_if_rename(r->b, "right", NULL), 0);
	ev = next(r, sub);
	assert_int_equal(ev.type, EPAIR_EVENT_RENAME);
	assert_string_equal(ev.name, "right");
	assert_string_equal(ev.old_name, "epair0b");
	epair_unsubscribe(sub);
}

/* Skip to the next event of that type. */
static struct epair_event
next_of(struct rig *r, struct epair_sub *sub, enum epair_event_type type)
{
	struct epair_event ev;

	do
		ev = next(r, sub);
	while (ev.type != type);
	return ev;
}

static void
return_home_under_another_name_is_told(void **state)
{
	struct rig *r = *state;
	struct epair_if *other = make(r->ep, NULL, "epair1");
	struct epair_sub *sub;
	struct epair_event ev;

	assert_int_equal(epair_vnet_add(r->ep, "red", NULL, NULL), 0);
	assert_int_equal(epair_if_move(r->b, "red", NULL), 0);
	assert_int_equal(epair_if_rename(other, "epair0b", NULL), 0);
	run(r);
	sub = subscribe(r, 0);
	assert_int_equal(epair_vnet_del(r->ep, "red", NULL), 0);
	ev = next_of(r, sub, EPAIR_EVENT_MOVE);
	assert_string_equal(ev.name, "dev2");
	assert_string_equal(ev.old_name, "epair0b");
	assert_string_equal(ev.vnet, "vnet0");
	assert_string_equal(ev.old_vnet, "red");
	ev = next_of(r, sub, EPAIR_EVENT_VNET_DEL);
	assert_string_equal(ev.vnet, "red");
	assert_string_equal(ev.name, "");
	assert_int_equal(ev.index, 0);
	epair_unsubscribe(sub);
	epair_if_put(other);
}

static void
destruction_takes_the_links_down_first(void **state)
{
	struct rig *r = *state;
	struct epair_sub *sub = subscribe(r, 0);
	struct epair_event ev;
	int links = 0, destroys = 0;

	assert_int_equal(epair_if_destroy(r->a, NULL), 0);
	run(r);
	while (epair_event_next(sub, &ev) == 1) {
		if (ev.type == EPAIR_EVENT_LINK) {
			assert_int_equal(ev.link, EPAIR_LINK_DOWN);
			assert_int_equal(destroys, 0);
			links++;
		} else if (ev.type == EPAIR_EVENT_DESTROY) {
			assert_false(ev.flags & EPAIR_IFF_RUNNING);
			destroys++;
		}
	}
	assert_int_equal(links, 2);
	assert_int_equal(destroys, 2);
	epair_unsubscribe(sub);
}

static void
end_of_a_vnet_destroys_the_newest_pair_first(void **state)
{
	struct rig *r = *state;
	struct epair_sub *sub;

	assert_int_equal(epair_vnet_add(r->ep, "red", NULL, NULL), 0);
	(void)make_name(r->ep, "red", "epair7");
	(void)make_name(r->ep, "red", "epair3");
	run(r);
	sub = subscribe(r, 0);
	assert_int_equal(epair_vnet_del(r->ep, "red", NULL), 0);
	assert_int_equal(next_of(r, sub, EPAIR_EVENT_DESTROY).index, 5);
	assert_int_equal(next_of(r, sub, EPAIR_EVENT_DESTROY).index, 6);
	assert_int_equal(next_of(r, sub, EPAIR_EVENT_DESTROY).index, 3);
	assert_int_equal(next_of(r, sub, EPAIR_EVENT_DESTROY).index, 4);
	epair_unsubscribe(sub);
}

static void
attachments_are_told(void **state)
{
	struct rig *r = *state;
	struct epair_sub *sub = subscribe(r, 0);

	assert_int_equal(epair_detach(r->b, NULL), 0);
	assert_next(r, sub, EPAIR_EVENT_DETACH, "epair0b");
	keep(r->b, &r->at_b);
	assert_next(r, sub, EPAIR_EVENT_ATTACH, "epair0b");
	assert_no_more(r, sub);
	epair_unsubscribe(sub);
}

static void
vnets_are_told(void **state)
{
	struct rig *r = *state;
	struct epair_sub *sub = subscribe(r, 0);
	struct epair_event ev;

	assert_int_equal(epair_vnet_add(r->ep, "red", NULL, NULL), 0);
	assert_int_equal(epair_vnet_del(r->ep, "red", NULL), 0);
	ev = next(r, sub);
	assert_int_equal(ev.type, EPAIR_EVENT_VNET_ADD);
	assert_string_equal(ev.vnet, "red");
	assert_int_equal(ev.index, 0);
	ev = next(r, sub);
	assert_int_equal(ev.type, EPAIR_EVENT_VNET_DEL);
	assert_no_more(r, sub);
	epair_unsubscribe(sub);
}

static void
link_that_follows_the_peer_is_told(void **state)
{
	struct rig *r = *state;
	struct epair_sub *sub;
	struct epair_event ev;

	assert_int_equal(
	    epair_if_set_caps(r->a, EPAIR_CAP_LINK_FOLLOW, 0, NULL), 0);
	run(r);
	sub = subscribe(r, 0);
	assert_int_equal(epair_if_down(r->b), 0);
	ev = next_of(r, sub, EPAIR_EVENT_LINK);
	assert_string_equal(ev.name, "epair0a");
	assert_int_equal(ev.link, EPAIR_LINK_DOWN);
	epair_unsubscribe(sub);
}

static void
refused_call_tells_nothing(void **state)
{
	struct rig *r = *state;
	struct epair_sub *sub = subscribe(r, 0);

	assert_int_equal(make_error(r->ep, NULL, "epair0"), -EEXIST);
	assert_int_equal(epair_if_move(r->a, "red", NULL), -ENOENT);
	assert_int_equal(epair_if_rename(r->a, "", NULL), -EINVAL);
	assert_no_more(r, sub);
	epair_unsubscribe(sub);
}

static void
slow_reader_is_told_how_many_are_missing(void **state)
{
	struct rig *r = *state;
	struct epair_sub *sub = subscribe(r, 2);
	char name[EPAIR_NAME_MAX];
	struct epair_event ev;

	for (int i = 0; i < 5; i++) {
		(void)snprintf(name, sizeof(name), "x%d", i);
		assert_int_equal(epair_if_rename(r->a, name, NULL), 0);
	}
	assert_next(r, sub, EPAIR_EVENT_RENAME, "x0");
	/* No more needs to come for it to be known. */
	ev = next(r, sub);
	assert_string_equal(ev.name, "x4");
	assert_int_equal(ev.missing, 3);
	assert_no_more(r, sub);
	assert_int_equal(epair_if_rename(r->a, "y", NULL), 0);
	assert_int_equal(next(r, sub).missing, 0);
	epair_unsubscribe(sub);
}

static bool
is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void
descriptor_is_readable_while_events_wait(void **state)
{
	struct rig *r = *state;
	struct epair_sub *sub = subscribe(r, 0);
	int fd = epair_event_fd(sub);

	assert_false(is_readable(fd));
	assert_int_equal(epair_if_down(r->a), 0);
	run(r);
	assert_true(is_readable(fd));
	(void)next(r, sub);
	assert_no_more(r, sub);
	assert_false(is_readable(fd));
	epair_unsubscribe(sub);
}

/* What a callback saw. */
struct heard {
	struct rig *rig;
	unsigned count;
	enum epair_event_type last;
};

static void
hear(void *arg, const struct epair_event *ev)
{
	struct heard *heard = arg;

	heard->count++;
	heard->last = ev->type;
	/* Anything may be called from here. */
	if (ev->type == EPAIR_EVENT_FLAGS)
		assert_int_equal(
		    epair_if_rename(heard->rig->a, "heard", NULL), 0);
}

static void
callback_is_called_from_a_task(void **state)
{
	struct rig *r = *state;
	struct epair_sub *sub = subscribe(r, 0);
	struct heard heard = { .rig = r };

	epair_event_callback(sub, hear, &heard);
	assert_int_equal(epair_if_down(r->a), 0);
	assert_int_equal(heard.count, 0);
	run(r);
	assert_int_equal(heard.count, 2);
	assert_int_equal(heard.last, EPAIR_EVENT_RENAME);
	epair_unsubscribe(sub);
	assert_int_equal(epair_if_up(r->a), 0);
	run(r);
	assert_int_equal(heard.count, 2);
}

static void
every_type_has_a_word(void **state)
{
	(void)state;
	for (int i = 0; i < EPAIR_EVENT_MAX; i++)
		assert_non_null(epair_event_word((enum epair_event_type)i));
	assert_null(epair_event_word(EPAIR_EVENT_MAX));
}

static void
limit_beyond_reason_is_invalid(void **state)
{
	struct rig *r = *state;
	struct epair_sub *sub;

	assert_int_equal(epair_subscribe(r->ep, 1048577, &sub, NULL), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(creation_is_told_of_both_ends),
		RIG_TEST(flags_are_told_when_they_change),
		RIG_TEST(move_is_told_with_where_it_was),
		RIG_TEST(rename_is_told_with_the_old_name),
		RIG_TEST(return_home_under_another_name_is_told),
		RIG_TEST(destruction_takes_the_links_down_first),
		RIG_TEST(end_of_a_vnet_destroys_the_newest_pair_first),
		RIG_TEST(attachments_are_told),
		RIG_TEST(vnets_are_told),
		RIG_TEST(link_that_follows_the_peer_is_told),
		RIG_TEST(refused_call_tells_nothing),
		RIG_TEST(slow_reader_is_told_how_many_are_missing),
		RIG_TEST(descriptor_is_readable_while_events_wait),
		RIG_TEST(callback_is_called_from_a_task),
		cmocka_unit_test(every_type_has_a_word),
		RIG_TEST(limit_beyond_reason_is_invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
