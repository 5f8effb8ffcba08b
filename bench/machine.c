/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "child.h"

#define BOOT_SECONDS 60.0
#define LINE_SECONDS 20.0
#define WORDS_MAX    64

static char kernel[PATH_MAX], initrd[PATH_MAX];

bool
bench_have_machines(void)
{
	char root[PATH_MAX];
	const char *const make[] = { "python3", BENCH_GUEST_SCRIPT, NULL };

	bench_path_of("../guest/vmlinuz", kernel, sizeof(kernel));
	bench_path_of("../guest/initrd", initrd, sizeof(initrd));
	if (access(initrd, R_OK) == 0)
		return true;
	bench_path_of("..", root, sizeof(root));
	(void)setenv("BUILD_ROOT", root, 1);
	return bench_run(-1, -1, make) && access(initrd, R_OK) == 0;
}

static void
exec_qemu(const char *const words[], int in, int out)
{
	const char *argv[WORDS_MAX] = { "qemu-system-x86_64", "-M", "q35",
		"-cpu", "qemu64", "-m", "160", "-nodefaults", "-display",
		"none", "-no-reboot", "-serial", "stdio", "-kernel", kernel,
		"-initrd", initrd, "-append",
		"console=ttyS0 quiet panic=-1 mitigations=off nokaslr "
		"no_timer_check" };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), n = 0;

	while (argv[n] != NULL)
		n++;
	for (; *words != NULL && n < WORDS_MAX - 1; words++)
		argv[n++] = *words;
	(void)dup2(in, 0);
	(void)dup2(out, 1);
	(void)dup2(null, 2);
	(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* Await "@@ STATUS" in a line of its own. Gives what was said before it. */
static bool
await_status(struct machine *m, double seconds, char *reply, size_t size)
{
	double end = bench_seconds() + seconds;
	char *mark;
	ssize_t n;

	m->len = 0;
	m->said[0] = '\0';
	while ((mark = strstr(m->said, "@@ ")) == NULL ||
	       strchr(mark, '\n') == NULL) {
		if (m->len == sizeof(m->said) - 1) {
			/* Of what a boot says, the end will do. */
			m->len /= 2;
			memmove(m->said, m->said + m->len, m->len);
		}
		if (!bench_readable(m->out, end - bench_seconds()))
			return false;
		n = read(
		    m->out, m->said + m->len, sizeof(m->said) - 1 - m->len);
		if (n <= 0)
			return false;
		m->len += (size_t)n;
		m->said[m->len] = '\0';
	}
	*mark = '\0';
	if (reply != NULL)
		(void)snprintf(reply, size, "%s", m->said);
	return mark[3] == '0';
}

bool
bench_machine_start(struct machine *m, int ns, const char *const words[])
{
	int in[2], out[2];

	*m = (struct machine){ .pid = -1, .in = -1, .out = -1 };
	if (pipe2(in, O_CLOEXEC) != 0)
		return false;
	if (pipe2(out, O_CLOEXEC) != 0) {
		(void)close(in[0]);
		(void)close(in[1]);
		return false;
	}
	m->pid = bench_fork(ns);
	if (m->pid == 0)
		exec_qemu(words, in[0], out[1]);
	(void)close(in[0]);
	(void)close(out[1]);
	m->in = in[1];
	m->out = out[0];
	return await_status(m, BOOT_SECONDS, NULL, 0);
}

void
bench_machine_end(struct machine *m)
{
	if (m->pid <= 0)
		return;
	bench_end(m->pid);
	(void)close(m->in);
	(void)close(m->out);
	m->pid = -1;
}

bool
bench_machine_do(struct machine *m, const char *line, char *reply, size_t size)
{
	size_t len = strlen(line);

	return write(m->in, line, len) == (ssize_t)len &&
	       write(m->in, "\n", 1) == 1 &&
	       await_status(m, LINE_SECONDS, reply, size);
}
