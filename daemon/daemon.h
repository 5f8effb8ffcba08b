/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon/daemon.h - what the files of epaird share.
 *
 *	main.c    options, start, end
 *	socket.c  where clients connect to: made by us, or handed over by systemd
 *	log.c     lines on standard error, at a limited rate
 *	state.c   what survives us
 *	sd.c      telling systemd how we are
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "ctl/state.h"

#define STATE_PATH_MAX 4096

struct ctl_loop;
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

/*
 * Where state is kept if nothing else is said: STATE_DIRECTORY, as systemd sets
 * it, /var/lib/epair, or the user's own. Returns 0, or -ENOENT.
 */
int state_own_path(char path[STATE_PATH_MAX]);

/*
 * Make the world of s what the folder says, and keep it there; lock as
 * ctl_journal_open() has it. Descriptors are
 * with systemd, or with a process of our own. To be closed also on failure.
 */
int state_open(struct ctl_state *s, const char *folder, int lock,
    bool in_systemd, struct epair_err *err);

/*
 * Say that we are ready, and from then on that we are alive, as often as is
 * asked for; and that we end. Nothing where nobody asked.
 */
void sd_begin(struct ctl_loop *loop);
void sd_end(void);
void sd_tell(const char *what);

#endif /* DAEMON_DAEMON_H */
