/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/priv.h"

#include <cap-ng.h>
#include <errno.h>
#include <pthread.h>
#include <sys/prctl.h>

int
priv_drop(void)
{
	capng_select_t what = CAPNG_SELECT_CAPS;

	/* The bounding set can be lowered only with CAP_SETPCAP. */
	if (capng_get_caps_process() != 0)
		return -EPERM;
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 1)
		what = CAPNG_SELECT_BOTH;
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_apply(what) != 0)
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	return 0;
}

struct without {
	void (*fn)(void *arg);
	void *arg;
	int error;
};

static void *
without_main(void *arg)
{
	struct without *w = arg;

	w->error = priv_drop();
	if (w->error == 0)
		w->fn(w->arg);
	return NULL;
}

int
priv_without(void (*fn)(void *arg), void *arg)
{
	struct without w = { .fn = fn, .arg = arg };
	pthread_t thread;
	int error = pthread_create(&thread, NULL, without_main, &w);

	if (error != 0)
		return -error;
	(void)pthread_join(thread, NULL);
	return w.error;
}
