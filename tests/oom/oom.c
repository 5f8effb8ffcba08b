/* SPDX-License-Identifier: BSD-2-Clause */
#include "oom.h"

#include <dirent.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

static _Thread_local long left = -1; /* until one fails; below 0: none does */
static _Thread_local bool all_fail;
static bool everywhere; /* atomic, as the next ones */
static bool any_failed;
static long allocations;

static bool
fails(void)
{
	bool now = __atomic_load_n(&everywhere, __ATOMIC_RELAXED);

	if (left == 0) {
		now = true;
		left = all_fail ? 0 : -1;
	} else if (left > 0) {
		left--;
	}
	if (now)
		__atomic_store_n(&any_failed, true, __ATOMIC_RELAXED);
	return now;
}

void
oom_begin(long k, bool all)
{
	__atomic_store_n(&any_failed, false, __ATOMIC_RELAXED);
	all_fail = all;
	left = k;
}

void
oom_begin_everywhere(void)
{
	__atomic_store_n(&any_failed, false, __ATOMIC_RELAXED);
	__atomic_store_n(&everywhere, true, __ATOMIC_RELAXED);
}

bool
oom_end(void)
{
	left = -1;
	__atomic_store_n(&everywhere, false, __ATOMIC_RELAXED);
	return __atomic_load_n(&any_failed, __ATOMIC_RELAXED);
}

long
oom_allocations(void)
{
	return __atomic_load_n(&allocations, __ATOMIC_RELAXED);
}

unsigned
oom_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	CHECK(dir != NULL);
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

static void *
count(void *p)
{
	if (p != NULL)
		(void)__atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
	return p;
}

/* What the linker calls instead, and what it calls the original. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *s);
void __real_free(void *p);
int __real_eventfd(unsigned value, int flags);
int __real_epoll_create1(int flags);
int __real_timerfd_create(int clock, int flags);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*run)(void *arg), void *arg);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *s);
void __wrap_free(void *p);
int __wrap_eventfd(unsigned value, int flags);
int __wrap_epoll_create1(int flags);
int __wrap_timerfd_create(int clock, int flags);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*run)(void *arg), void *arg);

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : count(__real_malloc(size));
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : count(__real_calloc(n, size));
}

void *
__wrap_realloc(void *p, size_t size)
{
	if (fails())
		return NULL;
	return p != NULL ? __real_realloc(p, size)
			 : count(__real_realloc(NULL, size));
}

void *
__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : count(__real_aligned_alloc(alignment, size));
}

char *
__wrap_strdup(const char *s)
{
	return fails() ? NULL : count(__real_strdup(s));
}

void
__wrap_free(void *p)
{
	if (p != NULL)
		(void)__atomic_fetch_sub(&allocations, 1, __ATOMIC_RELAXED);
	__real_free(p);
}

static int
no_descriptor(void)
{
	errno = EMFILE;
	return -1;
}

int
__wrap_eventfd(unsigned value, int flags)
{
	return fails() ? no_descriptor() : __real_eventfd(value, flags);
}

int
__wrap_epoll_create1(int flags)
{
	return fails() ? no_descriptor() : __real_epoll_create1(flags);
}

int
__wrap_timerfd_create(int clock, int flags)
{
	return fails() ? no_descriptor() : __real_timerfd_create(clock, flags);
}

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*run)(void *arg), void *arg)
{
	return fails() ? EAGAIN : __real_pthread_create(thread, attr, run, arg);
}

static void
check_failure(const struct oom_case *c, int error, const struct epair_err *err)
{
	if (error != -ENOMEM && error != -EMFILE && error != -EAGAIN)
		fail_msg("%s: %s %s", c->name, epair_err_name(error),
		    err != NULL ? err->text : "");
	if (err == NULL)
		return;
	assert_int_equal(err->code, error);
	assert_int_not_equal(strlen(err->text), 0);
}

void
oom_try(const struct oom_case *c, void *arg, struct epair_err *err)
{
	bool failed = true;

	for (int all = 0; all < 2; all++)
		for (long k = 0; failed || k == 0; k++) {
			int error;

			if (err != NULL)
				*err = (struct epair_err){ .code = 0 };
			oom_begin(k, all != 0);
			error = c->try(arg);
			failed = oom_end();
			/* Some can do without: it is done all the same. */
			if (error == 0) {
				c->undo(arg);
				continue;
			}
			check_failure(c, failed ? error : 0, err);
			if (c->same != NULL)
				c->same(arg);
		}
}
