/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/cable.h - an instance with one pair, as `run` and `demo` use it.
 *
 * The ends are named by number: 0 is `a`, 1 is `b`. After cable_create() the
 * process has no capability left; what needs rights goes through the opener.
 *
 * The account of one direction, checked by cable_is_settled() while nothing
 * transmits on it:
 *	C1  opackets of the sender, and what its link doubled == ipackets of
 *	    the receiver + what was dropped on the link + what is under way
 *	C2  ipackets of the receiver == handed to its stack + what was
 *	    dropped before, with a reason + what is still queued
 * Frames that were refused before they counted as sent have a drop reason on
 * the sender.
 */
#ifndef CLI_CABLE_H
#define CLI_CABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <epair/epair.h>

#include "cli/opts.h"
#include "cli/show_cable.h"

struct cli;

struct cable_how {
	uint64_t workers, queues, poll_us;
	uint64_t mtu; /* 0: the default */
	uint64_t carrier; /* enum epair_carrier */
	bool sim; /* in simulated time, with this seed */
	uint64_t seed;
	struct opt_mac mac[2];
	const char *link[2], *qdisc[2]; /* NULL: none */
	uint64_t full; /* enum epair_full */
};

struct cable {
	struct epair *ep;
	struct epair_sub *sub; /* since before the pair was made */
	struct epair_if *ends[2];
	bool is_sim; /* time passes only in cable_pass() */
};

struct cable_view {
	struct epair_if_info info[2];
	struct epair_if_stats stats[2];
	struct epair_link_stats link[2];
	struct show_cable cable[2];
	unsigned detached; /* ends that cable_stop() has detached */
};

/*
 * Make the instance, start the opener, give up all rights, subscribe, and make
 * the pair. Returns a cli_status, having complained; *c is then all zeros.
 */
int cable_create(
    const struct cli *cli, struct cable *c, const struct cable_how *how);

/*
 * Destroy the pair and free everything. Leaves the instance to the end of the
 * process where something of it is still in use.
 */
void cable_destroy(struct cable *c);

/* Set both ends UP, or not. */
void cable_up(const struct cable *c);
void cable_down(const struct cable *c);

/* What both ends are and have counted; and only what they have counted. */
void cable_look(const struct cable *c, struct cable_view *view);
void cable_look_stats(const struct cable *c, struct cable_view *view);

/*
 * Whether C1 and C2 hold from that end to the other, with nothing queued and
 * nothing under way.
 */
bool cable_is_settled(const struct cable_view *view, int from);

/*
 * Wait until the direction is settled, at most that long. Returns whether it
 * is; *view is how it was then.
 */
bool cable_settle(
    const struct cable *c, int from, int ms, struct cable_view *view);

/*
 * Detach both ends, `first` first, each when what the other sent to it has
 * arrived, and check the account. *view is filled: what the ends were before,
 * and what they have counted after. Returns a cli_status, having complained.
 */
int cable_stop(const struct cli *cli, const struct cable *c, int first,
    struct cable_view *view);

/* Frames that this end was to send and that do not count as sent. */
uint64_t cable_refused(const struct cable_view *view, int end);

/* All that has a drop reason on this end. */
uint64_t cable_drops(const struct epair_if_stats *stats);

/* Nanoseconds that never go back; and those of the cable, maybe simulated. */
uint64_t cable_clock(void);
uint64_t cable_now(const struct cable *c);

/* Let so much time pass on the cable. Returns 0, or as epair_advance(). */
int cable_pass(const struct cable *c, uint64_t ns);

#endif /* CLI_CABLE_H */
