/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process that confined itself can still do. Each attempt is made by a
 * child, since nothing of it can be undone.
 */
#include "confine/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* An attempt returns what becomes the child's exit status: 0, or an errno. */
typedef int attempt(void);

/*
 * What confine_self(how) and then the attempt come to, in a child: an errno, 0,
 * or 1000 and the signal that killed it.
 */
static int
try(const struct confine *how, attempt *fn)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct confine none = { .files = false };

		if (confine_self(how != NULL ? how : &none) != 0)
			_exit(255);
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

static int
outcome(long result)
{
	return result < 0 ? errno : 0;
}

static int
start_a_program(void)
{
	return outcome(execl("/bin/true", "true", NULL));
}

static int
enter_a_namespace(void)
{
	return outcome(setns(-1, CLONE_NEWNET));
}

static int
trace_the_parent(void)
{
	return outcome(syscall(SYS_ptrace, 16, getppid(), 0, 0));
}

static int
set_the_clock(void)
{
	return outcome(syscall(SYS_clock_settime, 0, NULL));
}

static int
make_a_process(void)
{
	return outcome(fork());
}

static int
hear_all_frames(void)
{
	return outcome(socket(AF_PACKET, SOCK_RAW, 0));
}

static int
connect_somewhere(void)
{
	return outcome(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int
type_into_the_terminal(void)
{
	return outcome(ioctl(0, TIOCSTI, "x"));
}

static int
steer_a_tap(void)
{
	/* That it is none is for the device to say. */
	return outcome(ioctl(open("/dev/null", O_RDONLY), TUNSETCARRIER, 0));
}

static int
write_a_program(void)
{
	return mmap(NULL, 4096, PROT_WRITE | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		   ? errno
		   : 0;
}

static int
write_then_run_it(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return outcome(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static void *
thread_main(void *arg)
{
	return arg;
}

static int
make_a_thread(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, thread_main, NULL);

	return error != 0 ? error : pthread_join(thread, NULL);
}

static void
programs_namespaces_and_tracing_are_deadly(void **state)
{
	(void)state;
	assert_int_equal(try(NULL, start_a_program), 1000 + SIGSYS);
	assert_int_equal(try(NULL, enter_a_namespace), 1000 + SIGSYS);
	assert_int_equal(try(NULL, trace_the_parent), 1000 + SIGSYS);
}

static void
what_no_source_calls_is_not_there(void **state)
{
	(void)state;
	assert_int_equal(try(NULL, set_the_clock), ENOSYS);
	assert_int_equal(try(NULL, make_a_process), ENOSYS);
}

static void
arguments_that_no_source_has_are_refused(void **state)
{
	(void)state;
	assert_int_equal(try(NULL, hear_all_frames), ENOSYS);
	assert_int_equal(try(NULL, type_into_the_terminal), ENOSYS);
	assert_int_equal(try(NULL, write_a_program), ENOSYS);
	assert_int_equal(try(NULL, write_then_run_it), ENOSYS);
}

static void
what_sources_do_goes_on(void **state)
{
	(void)state;
	assert_int_equal(try(NULL, connect_somewhere), 0);
	assert_int_equal(try(NULL, steer_a_tap), ENOTTY);
	assert_int_equal(try(NULL, make_a_thread), 0);
}

/* The line of /proc/self/status that begins so. */
static bool
status_has(const char *line)
{
	FILE *f = fopen("/proc/thread-self/status", "r");
	char got[200];
	bool found = false;

	while (f != NULL && fgets(got, sizeof(got), f) != NULL)
		found |= strncmp(got, line, strlen(line)) == 0;
	return found;
}

static int
look_for_rights(void)
{
	return !status_has("CapPrm:\t0000000000000000") ||
	       !status_has("CapEff:\t0000000000000000") ||
	       !status_has("CapInh:\t0000000000000000") ||
	       !status_has("CapAmb:\t0000000000000000") ||
	       !status_has("NoNewPrivs:\t1") ||
	       !(CONFINE_SANITIZED || status_has("Seccomp:\t2"));
}

static void
no_capability_is_left(void **state)
{
	(void)state;
	assert_int_equal(try(NULL, look_for_rights), 0);
}

static char mine[] = "/tmp/epair-test-XXXXXX";
static char other[] = "/tmp/epair-test-XXXXXX";

static int
make_file(const char *folder)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/file", folder);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	return fd < 0 ? errno : outcome(unlink(path));
}

static int
make_mine(void)
{
	return make_file(mine);
}

static int
make_other(void)
{
	return make_file(other);
}

static int
read_the_shadow(void)
{
	return outcome(open("/etc/shadow", O_RDONLY | O_CLOEXEC));
}

static int
read_the_users(void)
{
	return outcome(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static bool
has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 0;
}

static void
only_files_of_its_folders_are_its_own(void **state)
{
	struct confine how = { .files = true };

	(void)state;
	assert_non_null(mkdtemp(mine));
	assert_non_null(mkdtemp(other));
	how.folders[1] = mine;
	assert_int_equal(try(NULL, make_other), 0);
	assert_int_equal(try(&how, make_mine), 0);
	assert_int_equal(try(&how, read_the_users), 0);
	if (has_landlock()) {
		assert_int_equal(try(&how, make_other), EACCES);
		assert_int_equal(try(&how, read_the_shadow), EACCES);
	}
	(void)rmdir(mine);
	(void)rmdir(other);
}

static void
folder_that_is_not_there_is_passed_over(void **state)
{
	struct confine how = { .files = true,
		.folders = { "/epair/test/none" } };

	(void)state;
	assert_int_equal(try(&how, read_the_users), 0);
}

static void
look_within(void *arg)
{
	*(int *)arg = look_for_rights();
}

static void
call_leaves_the_caller_as_it_was(void **state)
{
	static const struct confine none = { .files = false };
	int within = -1;

	(void)state;
	assert_int_equal(confine_call(&none, look_within, &within), 0);
	assert_int_equal(within, 0);
	assert_int_equal(system("/bin/true"), 0);
}

int
main(void)
{
	/* The first three are of the filter, which sanitizers do without. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_namespaces_and_tracing_are_deadly),
		cmocka_unit_test(what_no_source_calls_is_not_there),
		cmocka_unit_test(arguments_that_no_source_has_are_refused),
		cmocka_unit_test(what_sources_do_goes_on),
		cmocka_unit_test(no_capability_is_left),
		cmocka_unit_test(only_files_of_its_folders_are_its_own),
		cmocka_unit_test(folder_that_is_not_there_is_passed_over),
		cmocka_unit_test(call_leaves_the_caller_as_it_was),
	};
	const size_t left_out = CONFINE_SANITIZED ? 3 : 0;

	return _cmocka_run_group_tests("confine", tests + left_out,
	    sizeof(tests) / sizeof(tests[0]) - left_out, NULL, NULL);
}
