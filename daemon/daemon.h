/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon/daemon.h - what the files of epaird share.
 *
 *	main.c    options, start, end
 *	socket.c  where clients connect to: made by us, or handed over by systemd
 *	rights.c  what is given up, and when
 *	log.c     lines on standard error, at a limited rate
 *	state.c   what survives us
 *	sd.c      telling systemd how we are
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "ctl/state.h"

#define STATE_PATH_MAX 4096

struct ctl_loop;
#include "confine/confine.h"

struct epair;
struct epair_err;
struct epair_opts;

/* What is left to us, see confine/confine.h. */
struct rights {
	struct confine confine;
	char folders[1024]; /* its text */
};

/*
 * The folders that are ours: those of the socket and of the state ("" for
 * none), and those of files, with colons between them. Returns 0,
 * -ENAMETOOLONG, or -E2BIG for too many.
 */
int rights_name(
    struct rights *r, const char *socket, const char *state, const char *files);

/*
 * Whether all of those that somebody named are there: one that is not, or not
 * yet, is never allowed. Returns 0, or a negated errno with a sentence.
 */
int rights_check_files(const char *files, struct epair_err *err);

/*
 * Make the instance, whose workers are confined from their beginning, start
 * its opener with all our rights, and give up our capabilities. Gives *ep, unless that was not made. Returns 0, or a negated errno.
 */
int rights_make_instance(const struct rights *r, const struct epair_opts *opts,
    struct epair **ep, struct epair_err *err);

/*
 * Be confined as the workers are: before the first client is served, and when
 * all that takes more has been done. Threads that we start are, too. Returns 0
 * or a negated errno.
 */
int rights_give_up(const struct rights *r);

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
