/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/child.h - processes and namespaces that end with us, however we end.
 *
 * The kernel kills every child when we die; namespaces are held by descriptors
 * only. So nothing needs to be tidied up after an interrupt.
 */
#ifndef EP_BENCH_CHILD_H
#define EP_BENCH_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/* A new network namespace. Returns its descriptor, or -1. */
int bench_new_netns(void);

/*
 * Fork. The child is in the network namespace ns unless that is negative, in
 * a mount namespace of its own with an empty /mnt then, on no particular CPU,
 * and is killed when its parent dies. Returns as fork() does.
 */
pid_t bench_fork(int ns);

/*
 * Start a program, as bench_fork(), with `input` as its standard input unless
 * that is negative, and its output thrown away. `keep` is a descriptor that it
 * inherits, or negative. Returns its pid, or -1.
 */
pid_t bench_start(int ns, int input, int keep, const char *const argv[]);

/* Start a program and wait for it. Returns whether it exited with 0. */
bool bench_run(int ns, int input, const char *const argv[]);

/* Wait for a child, so many seconds at most. Returns whether it exited with 0. */
bool bench_wait(pid_t pid, double seconds);

/* End a child: ask it, then kill it. */
void bench_end(pid_t pid);

/* Wait until fd is readable, so many seconds at most. */
bool bench_readable(int fd, double seconds);

/* Is there a program of this name? */
bool bench_have(const char *program);

/* Where a program of ours lies, relative to this one: "../cli/epair". */
void bench_path_of(const char *name, char *path, size_t size);

#endif /* EP_BENCH_CHILD_H */
