/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/demo.h - what the ways of `epair demo` share.
 *
 *	demo_tap.c    two namespaces with TAP devices: the kernel's own stacks
 *	demo_lwip.c   two lwIP stacks inside the process, if asked for
 *	demo_stack.c  two stacks inside the process, where no namespaces are to
 *	              be had
 *
 * All fill the same results; demo.c has the order, and prints.
 */
#ifndef CLI_DEMO_H
#define CLI_DEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/agent.h"
#include "cli/cable.h"
#include "cli/out.h"
#include "cli/record.h"

struct cli;

#define DEMO_ADDR_A "10.99.0.1"
#define DEMO_ADDR_B "10.99.0.2"
#define DEMO_PINGS  5u
/* Octets of the first stream each way, which is captured. */
#define DEMO_FIRST_BYTES (1u << 20)
/* Octets of a stream that is measured, unless its time is over before. */
#define DEMO_BYTES   (256u << 20)
#define DEMO_LEGS    4u /* a to b, b to a, and both at once */
#define DEMO_WAIT_MS 10000

/* One direction of one transfer. Octets for TCP, frames in the process. */
struct demo_leg {
	int from; /* end */
	bool is_both; /* with the other direction at once */
	bool is_done;
	uint64_t sent, received; /* octets of the stream */
	uint64_t time_ns;
};

struct demo;

/* A way to have two stacks. Calls return a cli_status, having complained. */
struct demo_way {
	const char *name; /* the `stacks` of the JSON */
	const char *unit; /* "TCP", "frames" */
	uint64_t first, measured; /* of a stream, in octets or frames */
	/* Ping, and fill in the results. */
	int (*pings)(struct demo *d);
	/* Move n streams at once: of two, one each way. */
	int (*streams)(
	    struct demo *d, struct demo_leg *legs, unsigned n, uint64_t size);
};

extern const struct demo_way demo_way_tap, demo_way_lwip, demo_way_stack;

struct demo {
	const struct cli *cli;
	const struct demo_way *way;
	char why[256]; /* why it is, if that was not asked for */
	uint64_t time_ns; /* of a stream, at most */
	int signal_fd;
	bool is_told; /* the results are printed: the capture stays */
	struct agent agents[2];
	struct cable cable;
	struct record rec;
	struct out out;

	uint64_t pings_sent, pings_received;
	uint64_t rtt_min_ns, rtt_avg_ns, rtt_max_ns;
	struct demo_leg legs[DEMO_LEGS];
	struct cable_view view;
};

/* Make two namespaces with a TAP each; to be called before any thread is. */
int demo_tap_open(struct demo *d);

/* Attach them. Returns false, with d->why, where that is not to be had. */
bool demo_tap_attach(struct demo *d, int *status);

/*
 * Sleep until fds are readable (n may be 0), a signal comes, or it has been
 * that long. Returns how many are; 0 after the time; -EINTR after a signal,
 * having complained.
 */
struct pollfd;
int demo_wait(struct demo *d, struct pollfd *fds, unsigned n, int ms);

#endif /* CLI_DEMO_H */
