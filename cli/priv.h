/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/priv.h - the process that moves frames keeps no capability.
 *
 * Capabilities belong to threads, and a thread begins with those of the one
 * that made it. The opener must be started with what we were given, and by an
 * instance whose workers run already; so the instance is made on a thread that
 * has given everything up (priv_without), the opener is started by the main
 * thread, and then that gives up too (priv_drop).
 */
#ifndef CLI_PRIV_H
#define CLI_PRIV_H

struct cli;

/*
 * Give up every capability of the calling thread for good, and the ability to
 * gain any by exec. Returns 0, or -errno.
 */
int priv_drop(void);

/*
 * Call fn(arg) on a thread that has done priv_drop(), and wait for it; the
 * threads that fn makes have no capability either. Returns 0, or -errno: fn
 * was then not called.
 */
int priv_without(void (*fn)(void *arg), void *arg);

#endif /* CLI_PRIV_H */
