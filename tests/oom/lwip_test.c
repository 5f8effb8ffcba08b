/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine of the attachment `lwip` with its k-th allocation failing, for each
 * k: it does not start, or does without. Each in a process of its own, since
 * lwIP begins only once; what is played is the fuzz target's, with its asserts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Allocations until one fails; below 0: none does. */
static long left = -1;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void *
__wrap_malloc(size_t size)
{
	return left >= 0 && left-- == 0 ? NULL : __real_malloc(size);
}

/* A conversation of the corpus. */
static size_t
read_input(const char *name, uint8_t *buf, size_t size)
{
	const char *root = getenv("SOURCE_ROOT");
	char path[512];
	FILE *file;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/lwip/%s",
	    root != NULL ? root : ".", name);
	file = fopen(path, "rb");
	assert_non_null(file);
	n = fread(buf, 1, size, file);
	(void)fclose(file);
	return n;
}

/* In a child: play with the k-th failing. Says whether there was a k-th. */
static int
play(long k, const uint8_t *input, size_t size)
{
	int status;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		left = k;
		(void)LLVMFuzzerTestOneInput(input, size);
		_exit(left < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		fail_msg("allocation %ld failing: status %x", k, status);
	return WEXITSTATUS(status);
}

static void
stack_does_without(void **state)
{
	static const char *const names[] = { "tcp-echo", "fragments6",
		"udp-chargen", "advert" };
	static uint8_t input[65536];

	(void)state;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t size = read_input(names[i], input, sizeof(input));
		long k = 0;

		while (play(k, input, size))
			k++;
		assert_in_range(k, 5, 10000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stack_does_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
