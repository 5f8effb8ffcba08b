/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/machine.h - a Linux under QEMU (TCG) with a shell on its serial console,
 * as tests/vm makes it.
 */
#ifndef EP_BENCH_MACHINE_H
#define EP_BENCH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct machine {
	pid_t pid; /* -1: none */
	int in, out; /* of its console */
	size_t len;
	char said[4096]; /* since the last answer */
};

/* Its kernel and initrd: made if they are not there. Returns whether they are. */
bool bench_have_machines(void);

/*
 * Start one, in the network namespace ns unless that is negative, with `words`
 * of QEMU's own for its network device, ended by NULL. Await that it booted.
 */
bool bench_machine_start(struct machine *m, int ns, const char *const words[]);
void bench_machine_end(struct machine *m);

/*
 * Have its shell do a line. Gives what it printed, unless reply is NULL.
 * Returns whether that succeeded.
 */
bool bench_machine_do(
    struct machine *m, const char *line, char *reply, size_t size);

#endif /* EP_BENCH_MACHINE_H */
