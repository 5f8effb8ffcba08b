/* SPDX-License-Identifier: BSD-2-Clause */
#include "confine/confine.h"

#include <pthread.h>
#include <stddef.h>

#include "confine/confine_priv.h"

int
confine_self(const struct confine *how)
{
	int error = confine_caps();

	if (error == 0 && how->files)
		error = confine_files(how->folders, CONFINE_FOLDERS_MAX);
	if (error == 0)
		error = confine_calls();
	return error;
}

int
confine_rights(void)
{
	return confine_caps();
}

struct call {
	const struct confine *how;
	void (*fn)(void *arg);
	void *arg;
	int error;
};

static void *
call_main(void *arg)
{
	struct call *c = arg;

	c->error = confine_self(c->how);
	if (c->error == 0)
		c->fn(c->arg);
	return NULL;
}

int
confine_call(const struct confine *how, void (*fn)(void *arg), void *arg)
{
	struct call c = { .how = how, .fn = fn, .arg = arg };
	pthread_t thread;
	int error = pthread_create(&thread, NULL, call_main, &c);

	if (error != 0)
		return -error;
	(void)pthread_join(thread, NULL);
	return c.error;
}
