/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/capture.h - the captures of clients.
 */
#ifndef EP_CTL_CAPTURE_H
#define EP_CTL_CAPTURE_H

#include <sys/types.h>

struct ctl_server;

/* Octets of the ring of a capture of those who are no admins. */
#define CTL_CAPTURE_BUFFER_MAX (16u << 20)

/* How many a user has. */
unsigned ctl_captures_of(const struct ctl_server *s, uid_t uid);

/* End all. */
void ctl_captures_stop(struct ctl_server *s);

#endif /* EP_CTL_CAPTURE_H */
