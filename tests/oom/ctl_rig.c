/* SPDX-License-Identifier: BSD-2-Clause */
#include "oom/ctl_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "oom/kth.h"

void
rig_begin(struct rig *r, struct ctl_store *store)
{
	struct epair_opts opts = { .size = sizeof(opts), .way = EPAIR_SIM };

	assert_int_equal(epair_new(&opts, &r->ep, NULL), 0);
	assert_int_equal(ctl_loop_init(&r->loop), 0);
	assert_int_equal(ctl_world_init(&r->world, r->ep, NULL), 0);
	ctl_changes_init(&r->changes, &r->loop, &r->world, store);
}

void
rig_end(struct rig *r)
{
	ctl_changes_fini(&r->changes);
	ctl_world_fini(&r->world);
	ctl_loop_fini(&r->loop);
	assert_int_equal(epair_free(r->ep), 0);
}

/* In memory where that can be: no disk is waited for. */
static void
make_folder(struct rig *r)
{
	(void)snprintf(
	    r->folder, sizeof(r->folder), "/dev/shm/epair-oom-XXXXXX");
	if (mkdtemp(r->folder) != NULL)
		return;
	(void)snprintf(r->folder, sizeof(r->folder), "/tmp/epair-oom-XXXXXX");
	assert_non_null(mkdtemp(r->folder));
}

void
rig_init(struct rig *r, struct ctl_store *store)
{
	*r = (struct rig){ .ep = NULL };
	make_folder(r);
	assert_int_equal(
	    ctl_journal_open(r->folder, -1, &r->journal, &r->err), 0);
	rig_begin(r, store);
}

int
rig_fini(struct rig *r)
{
	static const char *const names[] = { "state", "state.new", "lock" };
	char path[64];

	rig_end(r);
	ctl_journal_close(r->journal);
	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(
		    path, sizeof(path), "%s/%s", r->folder, names[i]);
		(void)unlink(path);
	}
	return rmdir(r->folder);
}

static void
done(struct ctl_change *c, int error, const struct epair_err *err)
{
	struct rig *r = c->arg;

	r->error = error;
	r->err.text[0] = '\0';
	if (error != 0)
		r->err = *err;
	ctl_change_fini(c);
	ctl_loop_end(&r->loop);
}

int
rig_change_with(struct rig *r, plan_fn *plan, const char *params, int fd,
    long k, int *failed)
{
	struct ctl_change c = { .who = { .is_admin = true },
		.plan = plan,
		.done = done,
		.fds = { fd },
		.fd_count = fd >= 0 ? 1 : 0,
		.arg = r };

	c.params = json_loads(params, 0, NULL);
	assert_non_null(c.params);
	r->loop.is_over = false;
	ctl_change_put(&r->changes, &c);
	fail_at(k);
	assert_int_equal(ctl_loop_run(&r->loop), 0);
	*failed = k >= 0 && has_failed();
	fail_at(-1);
	return r->error;
}

int
rig_change(
    struct rig *r, plan_fn *plan, const char *params, long k, int *failed)
{
	return rig_change_with(r, plan, params, -1, k, failed);
}

void
rig_made(struct rig *r, plan_fn *plan, const char *params)
{
	int failed;

	if (rig_change(r, plan, params, -1, &failed) != 0)
		fail_msg("%s: %s", params, r->err.text);
}
