/* SPDX-License-Identifier: BSD-2-Clause */
#include "attack.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

uint64_t
now_s(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec;
}

static unsigned
open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

void
hear(struct attack *t)
{
	struct epair_event ev;

	while (epair_event_next(t->sub, &ev) == 1)
		if (ev.type == EPAIR_EVENT_ATTACHMENT && ev.index == 1) {
			t->events++;
			strcpy(t->said, ev.detail);
		}
}

struct epair_progress
progress(struct epair_if *ifp)
{
	struct epair_progress p = { .size = sizeof(p) };

	assert_int_equal(epair_attach_progress(ifp, &p), 0);
	return p;
}

void
up(struct epair *ep, const char *name, struct epair_if **a, struct epair_if **b)
{
	*a = make(ep, NULL, name);
	*b = epair_if_peer(*a);
	assert_int_equal(epair_if_up(*a), 0);
	assert_int_equal(epair_if_up(*b), 0);
}

static int
set_up(void **state, bool is_guarded)
{
	struct epair_opts opts = { .size = sizeof(opts),
		.guard_sigbus = is_guarded };
	struct attack *t = calloc(1, sizeof(*t));
	unsigned fds = open_fds();

	if (t == NULL || epair_new(&opts, &t->ep, NULL) != 0)
		return -1;
	*state = t;
	t->fds = fds;
	assert_int_equal(epair_subscribe(t->ep, 65536, &t->sub, NULL), 0);
	up(t->ep, "epair0", &t->a, &t->b);
	up(t->ep, "epair1", &t->source, &t->sink);
	assert_int_equal(epair_attach(t->b, "sink", NULL), 0);
	assert_int_equal(epair_attach(t->sink, "sink", NULL), 0);
	assert_int_equal(epair_attach(t->source, "source:rate=5k", NULL), 0);
	strcpy(t->folder, "/tmp/epair-attack-XXXXXX");
	assert_non_null(mkdtemp(t->folder));
	(void)snprintf(t->path, sizeof(t->path), "%s/s", t->folder);
	t->began_s = now_s();
	AWAIT_ATTACK(t, progress(t->sink).received > 0);
	return 0;
}

int
attack_setup(void **state)
{
	return set_up(state, false);
}

int
attack_setup_guarded(void **state)
{
	return set_up(state, true);
}

int
attack_teardown(void **state)
{
	struct attack *t = *state;
	uint64_t sent;

	hear(t);
	assert_in_range(t->events, 1, 16 + 2 + (now_s() - t->began_s));

	/* UP is taken from the source, so that it stops. */
	sent = progress(t->source).sent;
	AWAIT_ATTACK(t, progress(t->source).sent > sent);
	assert_int_equal(epair_if_down(t->source), 0);
	AWAIT_ATTACK(t, stats(t->sink).delivered == stats(t->source).opackets);
	for (int i = 0; i < EPAIR_DROP_MAX; i++) {
		if (i != EPAIR_DROP_NOT_UP)
			assert_int_equal(stats(t->source).drops[i], 0);
		assert_int_equal(stats(t->sink).drops[i], 0);
	}

	destroy(t->a);
	destroy(t->source);
	epair_if_put(t->b);
	epair_if_put(t->sink);
	epair_unsubscribe(t->sub);
	assert_int_equal(usage(t->ep).mbufs, 0);
	assert_int_equal(epair_free(t->ep), 0);
	/* Its path is gone too. */
	(void)unlink(t->path);
	assert_int_equal(rmdir(t->folder), 0);
	assert_int_equal(open_fds(), t->fds);
	free(t);
	return 0;
}

void
attack_attach(struct attack *t, struct epair_if *ifp, const char *spec)
{
	struct epair_err err = { .text = "" };
	char text[128];

	(void)snprintf(text, sizeof(text), "%s,path=%s", spec, t->path);
	if (epair_attach(ifp, text, &err) != 0)
		fail_msg("%s", err.text);
}

void
flood(struct attack *t)
{
	assert_int_equal(epair_detach(t->b, NULL), 0);
	assert_int_equal(
	    epair_attach(t->b, "source:rate=20k,size=1500", NULL), 0);
}
