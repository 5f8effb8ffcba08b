/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/local.h - sockets in a folder that is ours alone: datagrams in order
 * (SOCK_SEQPACKET) between processes of one user.
 *
 * The folder is a descriptor, so that no path is too long for a socket's name.
 */
#ifndef EP_CTL_LOCAL_H
#define EP_CTL_LOCAL_H

#include <stdbool.h>

#define CTL_LOCAL_TIMEOUT_MS 5000

/*
 * The socket of that name: connected, and no call on it takes longer than the
 * time above; or listening, in the place of whatever has the name. Returns it,
 * or a negated errno.
 */
int ctl_local_connect(int folder, const char *name);
int ctl_local_listen(int folder, const char *name);

/* The next who connects, if it is of our own user; else -EPERM, or -errno. */
int ctl_local_accept(int listener);

#endif /* EP_CTL_LOCAL_H */
