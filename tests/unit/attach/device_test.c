/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device whose owner is quicker than what the kernel tells of him. Takes
 * rights to make namespaces.
 */
#include <epair/state.h>
#include <fcntl.h>
#include <linux/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/api/rig.h"

struct world {
	struct epair *ep;
	struct epair_if *a;
	int inside; /* a socket in the device's namespace */
};

/* All that there is to do: this loop is the only one. */
static void
settle(struct world *w)
{
	while (epair_dispatch(w->ep, 0, 64) > 0)
		continue;
}

static short
flags_inside(struct world *w)
{
	struct ifreq ifr = { .ifr_name = "dev" };

	assert_int_equal(ioctl(w->inside, SIOCGIFFLAGS, &ifr), 0);
	return ifr.ifr_flags;
}

static void
set_down_inside(struct world *w)
{
	struct ifreq ifr = { .ifr_name = "dev" };

	ifr.ifr_flags = (short)(flags_inside(w) & ~IFF_UP);
	assert_int_equal(ioctl(w->inside, SIOCSIFFLAGS, &ifr), 0);
}

/* A socket in the namespace that the kind made, or -1. */
static int
go_inside(struct epair_if *ifp)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), sock = -1;
	struct epair_fd fds[EPAIR_ATTACH_FDS_MAX];
	int n = epair_attach_get_fds(ifp, fds, EPAIR_ATTACH_FDS_MAX);

	assert_true(home >= 0);
	for (int i = 0; i < n; i++) {
		if (strcmp(fds[i].name, "netns") == 0 &&
		    setns(fds[i].fd, CLONE_NEWNET) == 0) {
			sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
			assert_int_equal(setns(home, CLONE_NEWNET), 0);
		}
		close(fds[i].fd);
	}
	close(home);
	return sock;
}

static int
begin(struct world *w, struct epair_err *err)
{
	const struct epair_opts opts = { .size = sizeof(opts),
		.way = EPAIR_LOOP };
	int error;

	w->inside = -1;
	assert_int_equal(epair_new(&opts, &w->ep, NULL), 0);
	assert_int_equal(
	    epair_if_create(w->ep, NULL, "epair", NULL, &w->a, NULL), 0);
	error = epair_attach(w->a, "tap:netns=new,name=dev", err);
	if (error != 0)
		return error;
	w->inside = go_inside(w->a);
	if (w->inside >= 0)
		return 0;
	(void)snprintf(err->text, sizeof(err->text), "cannot go there");
	return -EPERM;
}

static void
end(struct world *w)
{
	if (w->inside >= 0)
		close(w->inside);
	assert_int_equal(epair_if_destroy(w->a, NULL), 0);
	epair_if_put(w->a);
	assert_int_equal(epair_free(w->ep), 0);
}

static int
set_up(void **state)
{
	static struct world w;
	struct epair_err err;

	assert_int_equal(begin(&w, &err), 0);
	*state = &w;
	return 0;
}

static int
tear_down(void **state)
{
	end(*state);
	return 0;
}

/* Whichever the loop comes to first: what the kernel tells, or what we do. */
static void
up_of_ours_behind_a_down_inside_sets_the_device_up(void **state)
{
	struct world *w = *state;

	for (unsigned budget = 1; budget <= 8; budget++) {
		assert_int_equal(epair_if_up(w->a), 0);
		settle(w);
		assert_true(flags_inside(w) & IFF_UP);
		assert_int_equal(epair_if_down(w->a), 0);
		settle(w);
		set_down_inside(w);
		assert_int_equal(epair_if_up(w->a), 0);
		(void)epair_dispatch(w->ep, 0, budget);
		settle(w);
		assert_true(flags_inside(w) & IFF_UP);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    up_of_ours_behind_a_down_inside_sets_the_device_up, set_up,
		    tear_down),
	};
	struct epair_err err;
	struct world w;
	int error = begin(&w, &err);

	end(&w);
	if (error != 0) {
		(void)printf("1..0 # SKIP %s\n", err.text);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
