/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon/daemon.h - what the files of epaird share.
 *
 *	main.c    options, start, end
 *	socket.c  where clients connect to: made by us, or handed over by systemd
 *	log.c     lines on standard error, at a limited rate
 *	sd.c      telling systemd how we are
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

struct epair_err;

/*
 * Say a line on standard error. Those of one second beyond a few are counted
 * and not written.
 */
void log_line(const char *line);

/*
 * The listening socket: the one that systemd handed over, or else one made at
 * path, in a folder that is made if need be. *is_ours says whether it is to be
 * unlinked. Returns it, or a negated errno.
 */
int socket_open(const char *path, int *is_ours, struct epair_err *err);

#endif /* DAEMON_DAEMON_H */
