/* SPDX-License-Identifier: BSD-2-Clause */
/* One daemon that hands over, and another, a child, that is slow to take it. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/takeover.h"

struct rig {
	char folder[32];
	struct ctl_loop loop;
	struct ctl_changes changes;
	struct ctl_state state;
	struct ctl_takeover takeover;
	struct ctl_timer look;
	int cue[2]; /* the child waits for it */
	bool has_gone;
};

static struct rig r;
static unsigned lines; /* of the log */

static void
log_line(const char *line)
{
	assert_non_null(strstr(line, "this one goes on"));
	lines++;
	ctl_loop_end(&r.loop);
}

static void
go(void *arg)
{
	(void)arg;
	r.has_gone = true;
	ctl_loop_end(&r.loop);
}

static int
set_up(void **unused)
{
	struct epair_err err;

	(void)unused;
	lines = 0;
	r = (struct rig){ .folder = "/tmp/epair-takeover-XXXXXX" };
	if (mkdtemp(r.folder) == NULL || ctl_loop_init(&r.loop) != 0 ||
	    ctl_journal_open(r.folder, -1, &r.state.journal, &err) != 0 ||
	    pipe(r.cue) != 0)
		return -1;
	ctl_changes_init(&r.changes, &r.loop, NULL, NULL);
	r.state.loop = &r.loop;
	r.state.log = log_line;
	r.takeover = (struct ctl_takeover){ .loop = &r.loop,
		.changes = &r.changes,
		.state = &r.state,
		.folder = ctl_journal_folder(r.state.journal),
		.listener = STDIN_FILENO,
		.patience_ns = CTL_TAKEOVER_PATIENCE_NS,
		.go = go };
	return ctl_takeover_start(&r.takeover);
}

static int
tear_down(void **unused)
{
	char path[64];

	(void)unused;
	ctl_takeover_stop(&r.takeover);
	ctl_changes_fini(&r.changes);
	ctl_journal_close(r.state.journal);
	ctl_loop_fini(&r.loop);
	(void)close(r.cue[0]);
	(void)close(r.cue[1]);
	(void)snprintf(path, sizeof(path), "%s/state", r.folder);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/lock", r.folder);
	(void)unlink(path);
	return rmdir(r.folder);
}

/* It takes, waits for its cue, and goes: what should that return? */
static pid_t
begin_heir(int should)
{
	struct ctl_heritage h;
	struct epair_err err;
	pid_t pid = fork();
	char cue;

	if (pid != 0)
		return pid;
	(void)close(r.cue[1]);
	if (ctl_heritage_take(r.folder, &h, &err) != 0 || h.sock < 0 ||
	    read(r.cue[0], &cue, 1) != 1)
		_exit(2);
	_exit(ctl_heritage_go(&h, &err) != should);
}

static void
assert_good(pid_t heir)
{
	int status;

	assert_int_equal(waitpid(heir, &status, 0), heir);
	assert_int_equal(status, 0);
}

static void
heir_that_stops_is_not_waited_for_and_learns_it_when_it_goes(void **unused)
{
	pid_t heir = begin_heir(-ETIMEDOUT);

	(void)unused;
	r.takeover.patience_ns = 1000000;
	assert_int_equal(ctl_loop_run(&r.loop), 0);
	assert_int_equal(lines, 1);
	assert_false(r.changes.is_held);
	assert_false(r.state.is_busy);
	assert_int_equal(r.takeover.heir.fd, -1);
	assert_int_equal(write(r.cue[1], "x", 1), 1);
	assert_good(heir);
	assert_false(r.has_gone);
}

static void
end_when_held(struct ctl_timer *t)
{
	if (r.state.is_busy)
		ctl_loop_end(&r.loop);
	else
		ctl_timer_set(&r.loop, t, 1000000);
}

static void
heir_that_has_said_go_is_heard_though_its_time_is_over(void **unused)
{
	pid_t heir = begin_heir(0);
	struct pollfd p = { .events = POLLIN };

	(void)unused;
	r.look.fire = end_when_held;
	ctl_timer_set(&r.loop, &r.look, 0);
	assert_int_equal(ctl_loop_run(&r.loop), 0);
	assert_int_equal(write(r.cue[1], "x", 1), 1);
	p.fd = r.takeover.heir.fd;
	assert_int_equal(poll(&p, 1, 10000), 1);
	r.takeover.patience.fire(&r.takeover.patience);
	assert_int_equal(r.takeover.heir.fd, p.fd);
	r.loop.is_over = false;
	assert_int_equal(ctl_loop_run(&r.loop), 0);
	assert_true(r.has_gone);
	ctl_takeover_stop(&r.takeover); /* as our end would */
	assert_good(heir);
	assert_int_equal(lines, 0);
	assert_int_equal(ctl_takeover_start(&r.takeover), 0);
}

#define TAKEOVER_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TAKEOVER_TEST(
		    heir_that_stops_is_not_waited_for_and_learns_it_when_it_goes),
		TAKEOVER_TEST(
		    heir_that_has_said_go_is_heard_though_its_time_is_over),
	};

	return cmocka_run_group_tests_name("takeover", tests, NULL, NULL);
}
