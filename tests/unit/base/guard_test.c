/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is taken away under a guard, and beside it. cmocka has a handler
 * of SIGBUS for the time of a test, so each enables ours by itself.
 */
#include "base/guard.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE 4096u
#define SIZE (16u * PAGE)

struct shared {
	int fd;
	uint8_t *at;
	struct ep_guard *guard;
};

static struct shared
map_one(void)
{
	struct shared s = { .fd = memfd_create("guard", MFD_CLOEXEC) };

	assert_true(s.fd >= 0);
	assert_int_equal(ftruncate(s.fd, SIZE), 0);
	s.at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, s.fd, 0);
	assert_ptr_not_equal(s.at, MAP_FAILED);
	memset(s.at, 'x', SIZE);
	s.guard = ep_guard_add(s.at, SIZE);
	assert_non_null(s.guard);
	return s;
}

static void
unmap(struct shared *s)
{
	ep_guard_remove(s->guard);
	assert_int_equal(munmap(s->at, SIZE), 0);
	close(s->fd);
}

static void
memory_that_is_taken_away_reads_as_zeros(void **state)
{
	struct shared s = map_one(), other = map_one();

	(void)state;
	ep_guard_enable();
	assert_false(ep_guard_is_lost(s.guard));
	assert_int_equal(ftruncate(s.fd, PAGE), 0);
	assert_int_equal(s.at[0], 'x');
	assert_false(ep_guard_is_lost(s.guard));
	assert_int_equal(s.at[SIZE - 1], 0);
	assert_true(ep_guard_is_lost(s.guard));
	/* All of it is ours now. */
	assert_int_equal(s.at[0], 0);
	memset(s.at, 'y', SIZE);
	assert_int_equal(s.at[PAGE], 'y');
	/* And nothing of the other's. */
	assert_false(ep_guard_is_lost(other.guard));
	assert_int_equal(other.at[SIZE - 1], 'x');
	unmap(&s);
	unmap(&other);
	ep_guard_disable();
}

static void
guard_is_whole_when_its_place_is_used_again(void **state)
{
	struct shared s;

	(void)state;
	ep_guard_enable();
	for (int i = 0; i < 3; i++) {
		s = map_one();
		assert_int_equal(ftruncate(s.fd, 0), 0);
		s.at[PAGE] = 1;
		assert_true(ep_guard_is_lost(s.guard));
		unmap(&s);
	}
	s = map_one();
	assert_false(ep_guard_is_lost(s.guard));
	assert_int_equal(s.at[PAGE], 'x');
	unmap(&s);
	ep_guard_disable();
}

static void *
touch_all(void *arg)
{
	const volatile uint8_t *at = arg;
	uintptr_t sum = 0;

	for (unsigned i = 0; i < SIZE; i++)
		sum += at[i];
	return (void *)sum;
}

static void
several_threads_may_find_it_gone_at_once(void **state)
{
	pthread_t threads[4];

	(void)state;
	ep_guard_enable();
	for (int round = 0; round < 50; round++) {
		struct shared s = map_one();

		assert_int_equal(ftruncate(s.fd, 0), 0);
		for (int i = 0; i < 4; i++)
			assert_int_equal(
			    pthread_create(&threads[i], NULL, touch_all, s.at),
			    0);
		for (int i = 0; i < 4; i++)
			assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_true(ep_guard_is_lost(s.guard));
		unmap(&s);
	}
	ep_guard_disable();
}

/* What a child that touches memory that nobody guards ends by. */
static int
end_of_a_child(void (*with)(int))
{
	const struct rlimit none = { 0, 0 };
	struct shared s = map_one();
	int status;
	pid_t pid;

	ep_guard_remove(s.guard);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		ep_guard_disable();
		(void)signal(SIGBUS, with);
		ep_guard_enable();
		if (ftruncate(s.fd, 0) == 0)
			(void)touch_all(s.at);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	munmap(s.at, SIZE);
	close(s.fd);
	return status;
}

static void
exit_3(int sig)
{
	(void)sig;
	_exit(3);
}

static void
other_memory_is_for_whoever_handled_it_before(void **state)
{
	int status;

	(void)state;
	ep_guard_enable();
	status = end_of_a_child(SIG_DFL);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
	status = end_of_a_child(exit_3);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	ep_guard_disable();
}

static void
handler_is_given_back_by_the_last(void **state)
{
	struct sigaction now;

	(void)state;
	ep_guard_enable();
	ep_guard_enable();
	ep_guard_disable();
	assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
	assert_true((now.sa_flags & SA_SIGINFO) != 0);
	ep_guard_disable();
	assert_int_equal(signal(SIGBUS, exit_3) == SIG_ERR, 0);
	ep_guard_enable();
	ep_guard_disable();
	assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
	assert_ptr_equal(now.sa_handler, exit_3);
	(void)signal(SIGBUS, SIG_DFL);
	ep_guard_enable();
	ep_guard_disable();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_that_is_taken_away_reads_as_zeros),
		cmocka_unit_test(guard_is_whole_when_its_place_is_used_again),
		cmocka_unit_test(several_threads_may_find_it_gone_at_once),
		cmocka_unit_test(other_memory_is_for_whoever_handled_it_before),
		cmocka_unit_test(handler_is_given_back_by_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
