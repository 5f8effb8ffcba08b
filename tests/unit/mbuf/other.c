/* SPDX-License-Identifier: BSD-2-Clause */
#include "other.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void *
run(void *arg)
{
	struct other *o = arg;

	while (sem_wait(&o->go) == 0 && o->fn != NULL) {
		o->fn(o->arg);
		(void)sem_post(&o->done);
	}
	return NULL;
}

void
other_start(struct other *o)
{
	assert_int_equal(sem_init(&o->go, 0, 0), 0);
	assert_int_equal(sem_init(&o->done, 0, 0), 0);
	assert_int_equal(pthread_create(&o->thread, NULL, run, o), 0);
}

void
other_does(struct other *o, void (*fn)(void *arg), void *arg)
{
	o->fn = fn;
	o->arg = arg;
	assert_int_equal(sem_post(&o->go), 0);
	assert_int_equal(sem_wait(&o->done), 0);
}

void
other_stop(struct other *o)
{
	o->fn = NULL;
	assert_int_equal(sem_post(&o->go), 0);
	assert_int_equal(pthread_join(o->thread, NULL), 0);
	(void)sem_destroy(&o->go);
	(void)sem_destroy(&o->done);
}
