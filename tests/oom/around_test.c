/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an interface may be given - attachments, disciplines, links, memberships
 * - and who reads of it, with each allocation failing in turn.
 */
#include "rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Attachments. */

static int
attach(void *arg)
{
	struct rig *r = arg;

	return epair_attach(r->b, r->text, &r->err);
}

static void
taken(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	(void)arg;
	(void)ifp;
	epair_mbuf_free(ms, n);
}

static int
attach_calls(void *arg)
{
	const struct epair_stack stack = {
		.size = sizeof(stack),
		.receive = taken,
	};
	struct rig *r = arg;

	return epair_attach_stack(r->b, &stack, r, &r->err);
}

static int
attach_pull(void *arg)
{
	struct rig *r = arg;

	return epair_attach_pull(r->b, 10, &r->err);
}

static void
detach(void *arg)
{
	struct rig *r = arg;

	assert_int_equal(epair_detach(r->b, NULL), 0);
	assert_int_equal(epair_run(r->ep, 0), 0);
}

static void
attachment_is_made_or_none_is_there(void **state)
{
	static const char *const specs[] = { "sink", "echo",
		"echo:addr=10.0.0.1/24,addr=fd00::1/64", "source",
		"source:rate=10,count=3",
		"lwip:addr=10.0.0.1/24,ping=10.0.0.2" };
	struct oom_case c = { "attach", attach, detach, rig_same };
	struct rig *r = *state;

	for (unsigned i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		r->text = specs[i];
		/* lwIP may not be in this build. */
		if (attach(r) == -EOPNOTSUPP)
			continue;
		detach(r);
		oom_try(&c, r, &r->err);
	}
	c.name = "callbacks";
	c.try = attach_calls;
	oom_try(&c, r, &r->err);
	c.name = "pull";
	c.try = attach_pull;
	oom_try(&c, r, &r->err);
}

static int
recv_fd(void *arg)
{
	int fd = epair_if_recv_fd(((struct rig *)arg)->b);

	return fd < 0 ? fd : 0;
}

static void
pull_anew(void *arg)
{
	struct rig *r = arg;

	detach(r);
	assert_int_equal(attach_pull(r), 0);
}

static void
pull_descriptor_is_there_or_not(void **state)
{
	const struct oom_case c = { "recv fd", recv_fd, pull_anew, rig_same };
	struct rig *r = *state;

	assert_int_equal(attach_pull(r), 0);
	rig_look(r);
	oom_try(&c, r, NULL);
}

static struct epair_scenario *scenario;

static int
begin_scenario(void *arg)
{
	const char *text = "at 1s link a loss 1%\nat 2s qdisc b codel\n";
	struct rig *r = arg;
	int error = epair_scenario_parse(
	    text, strlen(text), "name", &scenario, &r->err);

	if (error != 0)
		return error;
	error = epair_scenario_start(scenario, r->b, &r->err);
	if (error != 0)
		epair_scenario_free(scenario);
	return error;
}

static void
end_scenario(void *arg)
{
	(void)arg;
	epair_scenario_free(scenario);
}

static void
scenario_is_begun_or_there_is_none(void **state)
{
	const struct oom_case c = { "scenario", begin_scenario, end_scenario,
		rig_same };
	struct rig *r = *state;

	oom_try(&c, r, &r->err);
}

/* Disciplines, links, memberships. */

static int
set_qdisc(void *arg)
{
	struct rig *r = arg;

	return epair_if_set_qdisc(r->b, r->text, &r->err);
}

static void
no_qdisc(void *arg)
{
	assert_int_equal(
	    epair_if_set_qdisc(((struct rig *)arg)->b, NULL, NULL), 0);
}

static void
discipline_is_set_or_the_old_one_stays(void **state)
{
	static const char *const qdiscs[] = { "fifo", "priq", "codel",
		"fq-codel", "drr", "htb:class=7:1mbit" };
	const struct oom_case c = { "qdisc", set_qdisc, no_qdisc, rig_same };
	struct rig *r = *state;

	for (unsigned i = 0; i < sizeof(qdiscs) / sizeof(qdiscs[0]); i++) {
		r->text = qdiscs[i];
		oom_try(&c, r, &r->err);
	}
}

static int
set_link(void *arg)
{
	struct rig *r = arg;

	return epair_if_set_link(r->b, r->text, &r->err);
}

static void
no_link(void *arg)
{
	assert_int_equal(
	    epair_if_set_link(((struct rig *)arg)->b, "none", NULL), 0);
}

static void
same_link(void *arg)
{
	char words[EPAIR_LINK_TEXT_MAX];
	struct rig *r = arg;

	assert_true(epair_if_get_link(r->b, words, sizeof(words)) > 0);
	assert_string_equal(words, "none");
	rig_same(r);
}

static void
link_is_set_or_none_is_there(void **state)
{
	const struct oom_case c = { "link", set_link, no_link, same_link };
	struct rig *r = *state;

	r->text = "delay 1ms 1ms loss 1% rate 1mbit";
	oom_try(&c, r, &r->err);
}

/* A file that is a trace and a distribution as well. */
static void
link_with_files_is_set_or_none_is_there(void **state)
{
	const struct oom_case c = { "files", set_link, no_link, same_link };
	char path[] = "/tmp/epair-oom-XXXXXX", words[128];
	struct rig *r = *state;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "1\n2\n", 4), 4);
	(void)close(fd);
	(void)snprintf(words, sizeof(words),
	    "delay 1ms 1ms distribution %s slot distribution %s 1ms 1ms "
	    "trace %s",
	    path, path, path);
	r->text = words;
	oom_try(&c, r, &r->err);
	(void)unlink(path);
}

static int
set_handed(void *arg)
{
	struct rig *r = arg;
	struct epair_fd fds[EPAIR_LINK_FDS_MAX];
	int error,
	    n = epair_link_open(r->text, fds, EPAIR_LINK_FDS_MAX, &r->err);

	if (n < 0)
		return n;
	error = epair_if_set_link_fds(r->b, r->text, fds, (unsigned)n, &r->err);
	while (n > 0)
		(void)close(fds[--n].fd);
	return error;
}

static void
link_with_handed_files_is_set_or_none_is_there(void **state)
{
	const struct oom_case c = { "handed", set_handed, no_link, same_link };
	struct rig *r = *state;
	char path[] = "/tmp/epair-oom-XXXXXX", words[64];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "1\n2\n", 4), 4);
	(void)close(fd);
	(void)snprintf(words, sizeof(words), "trace %s", path);
	r->text = words;
	oom_try(&c, r, &r->err);
	/* No descriptor is left, either. */
	assert_int_equal(open(path, O_RDONLY | O_CLOEXEC), fd);
	(void)close(fd);
	(void)unlink(path);
}

static const uint8_t group[6] = { 1, 0, 0x5e, 0, 0, 1 };

static int
multi_add(void *arg)
{
	return epair_if_multi_add(((struct rig *)arg)->b, group);
}

static void
multi_del(void *arg)
{
	assert_int_equal(epair_if_multi_del(((struct rig *)arg)->b, group), 0);
}

static void
membership_is_added_or_not_there(void **state)
{
	const struct oom_case c = { "multi", multi_add, multi_del, rig_same };

	oom_try(&c, *state, NULL);
}

/* Readers. */

static int
subscribe(void *arg)
{
	struct rig *r = arg;

	return epair_subscribe(r->ep, 0, &r->sub, &r->err);
}

static void
unsubscribe(void *arg)
{
	epair_unsubscribe(((struct rig *)arg)->sub);
}

static void
subscription_is_made_or_not_there(void **state)
{
	const struct oom_case c = { "subscribe", subscribe, unsubscribe,
		rig_same };
	struct rig *r = *state;

	oom_try(&c, r, &r->err);
}

/* An event that there was no memory for is missing, and said to be. */
static void
events_without_memory_are_counted_as_missing(void **state)
{
	struct rig *r = *state;
	struct epair_event ev;
	unsigned told = 0, got = 0;

	assert_int_equal(epair_subscribe(r->ep, 0, &r->sub, NULL), 0);
	oom_begin(0, true);
	for (; told < 100; told++)
		assert_int_equal(
		    told % 2 == 0 ? epair_if_down(r->a) : epair_if_up(r->a), 0);
	assert_true(oom_end());
	while (epair_event_next(r->sub, &ev) == 1)
		got++;
	assert_true(got > 0 && got < told);
	assert_int_equal(ev.missing, told - got);
	epair_unsubscribe(r->sub);
}

static int
open_capture(void *arg)
{
	const struct epair_capture_opts opts = {
		.size = sizeof(opts),
		.flags = EPAIR_CAPTURE_BOTH,
	};
	struct rig *r = arg;

	return epair_capture_open(r->b, &opts, &r->cap, &r->err);
}

static void
close_capture(void *arg)
{
	epair_capture_close(((struct rig *)arg)->cap);
}

static void
capture_is_opened_or_not_there(void **state)
{
	const struct oom_case c = { "capture", open_capture, close_capture,
		rig_same };
	struct rig *r = *state;

	oom_try(&c, r, &r->err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		OOM_TEST(attachment_is_made_or_none_is_there),
		OOM_TEST(pull_descriptor_is_there_or_not),
		OOM_TEST(scenario_is_begun_or_there_is_none),
		OOM_TEST(discipline_is_set_or_the_old_one_stays),
		OOM_TEST(link_is_set_or_none_is_there),
		OOM_TEST(link_with_files_is_set_or_none_is_there),
		OOM_TEST(link_with_handed_files_is_set_or_none_is_there),
		OOM_TEST(membership_is_added_or_not_there),
		OOM_TEST(subscription_is_made_or_not_there),
		OOM_TEST(events_without_memory_are_counted_as_missing),
		OOM_TEST(capture_is_opened_or_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
