/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/wire.h - octets and descriptors through a Unix stream socket.
 */
#ifndef EP_CTL_WIRE_H
#define EP_CTL_WIRE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Send up to len octets, with the descriptors (borrowed) beside the first of
 * them. Returns how many went, more than 0 - the descriptors are gone with them
 * then - or the negated errno.
 */
ssize_t ctl_wire_send(
    int sock, const char *data, size_t len, const int *fds, unsigned fd_count);

/*
 * Receive up to len octets. Descriptors that came along are put at fds behind
 * the *fd_count that are there, up to max in all; they are close-on-exec.
 * Returns how many octets came; 0 at the end; -EMSGSIZE if there were more
 * descriptors than that, or the negated errno.
 */
ssize_t ctl_wire_recv(int sock, char *data, size_t len, int *fds, unsigned max,
    unsigned *fd_count);

/* Close them, and forget them. */
void ctl_wire_close(int *fds, unsigned *fd_count);

#endif /* EP_CTL_WIRE_H */
