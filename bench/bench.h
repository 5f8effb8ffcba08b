/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/bench.h - figures, and the peers beside which they stand.
 *
 * A benchmark measures a thing once for each call and says how much; the frame
 * (bench.c) calls it and its peer in turn, at least five times, and prints the
 * median of each and of their ratio, pair by pair: machines are noisy, ratios
 * within one run hold. A figure is never asserted.
 *
 * Peers that are other people's software live in programs of their own
 * (bench/peer_*.c), are started once and asked for one figure a line, so that
 * nothing of them is linked into anything of ours.
 */
#ifndef EP_BENCH_BENCH_H
#define EP_BENCH_BENCH_H

#include <stdbool.h>

#define BENCH_SECONDS 0.5 /* of one measurement */

struct bench {
	const char *name; /* of the figure: "inproc_64B_mpps" */
	const char *unit;
	/* Measure once. Returns false when it cannot be done. */
	bool (*measure)(const struct bench *bench, double *value);
	/*
	 * The peer and the figure of the ratio, or NULL. The peer is asked
	 * for `peer_asks`.
	 */
	const char *peer; /* the program: "peer_dpdk" */
	const char *peer_asks;
	const char *peer_figure; /* "dpdk_net_ring_64B_mpps" */
	const char *ratio_figure; /* "inproc_64B_vs_dpdk_net_ring" */
	/* What is measured: */
	unsigned frame_len;
	unsigned burst;
	bool one_thread;
};

/* inproc.c: two stacks in this process and the cable between them. */
bool bench_inproc(const struct bench *bench, double *value);

/* Pin the calling thread to the i-th CPU that the process may use. */
void bench_pin(unsigned i);

/* Monotonic seconds. */
double bench_seconds(void);

/* peer.c: start the peer if need be and ask it for one figure. */
bool bench_ask_peer(const char *peer, const char *question, double *value);
void bench_stop_peers(void);

#endif /* EP_BENCH_BENCH_H */
