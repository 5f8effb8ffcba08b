/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/watch.h - what the main thread does while frames move: it prints events
 * and rates and waits for a reason to end. The frames are the workers'; in
 * simulated time it lets time pass, and the frames move in that.
 */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "cli/cable.h"

struct cli;
struct out;
struct record;

/* Why a run ended; the word is the `ended` of its JSON. */
enum watch_end {
	WATCH_GOES_ON,
	WATCH_SIGNAL, /* "signal" */
	WATCH_TIME, /* "time": --time */
	WATCH_COUNT, /* "count": all was sent and accounted for */
	WATCH_DONE, /* "done": in simulated time, nothing is left to do */
	WATCH_SCENARIO, /* "scenario": it has ended the run */
	WATCH_LOST, /* "detached": an end has lost its attachment */
	WATCH_CLOSED, /* "closed": nobody reads our output */
};

const char *watch_end_word(enum watch_end end);

struct watch {
	const struct cli *cli;
	struct cable *cable;
	struct record *rec;
	struct out *out;
	int signal_fd;
	uint64_t time_ns; /* 0: no limit */
	uint64_t count; /* each source sends so many; 0: no end */
	bool is_source[2];
	struct epair_scenario *scenario; /* or NULL */
	json_t *events; /* collected here, or NULL: printed */

	enum watch_end end; /* the answer */
	int status; /* of what went wrong meanwhile; a cli_status */
	uint64_t missing; /* events that are not in `events` */
	/* The live line: what was counted at its last drawing, and when. */
	struct cable_view last;
	uint64_t last_ns, live_ns, time_end_ns, grace_end_ns;
};

/*
 * A descriptor on which SIGINT and SIGTERM are read from now on, and SIGHUP
 * unless it is ignored; or -errno. To be called before any thread is made.
 */
int watch_signals(void);

/* Watch until there is a reason to end: w->end. */
void watch(struct watch *w);

/*
 * Take the events up to the detaching of so many ends, which was the last that
 * happened: none is left out that the run has caused.
 */
void watch_rest(struct watch *w, unsigned detached);

#endif /* CLI_WATCH_H */
