/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/bench.h - figures, and the peers beside which they stand.
 *
 * A benchmark is a row of figures.c: a side of ours, and up to BENCH_PEERS_MAX
 * sides of others' that do the same work. The frame (bench.c) measures all
 * sides in turn, at least five times round, and prints the median of each and
 * of what is compared, round by round: machines are noisy, ratios within one
 * round hold. A figure is never asserted.
 *
 *	bench.c     the frame: options, rounds, medians, output
 *	figures.c   the table
 *	inproc.c    frames between two stacks in this process; frames.c: the
 *	            work that is done on each
 *	chain.c     frames through several pairs; queues.c: with several loops
 *	impair.c    what links do: a delay kept, a rate held
 *	rtt.c       round trips between two threads
 *	pairs.c     making, destroying and keeping pairs, ours and the kernel's
 *	traffic.c   TCP and UDP between two namespaces that link.c joins
 *	memif.c     frames between two processes (peer_memif.c)
 *	guests.c    TCP that a machine sends (machine.c: one of them)
 *	limits.c    what the machine itself can do
 *	peer.c      programs that answer questions (peer_dpdk.c)
 *	child.c     processes and namespaces that end with us, however we end
 *
 * Peers that are other people's software live in programs of their own, so
 * that nothing of them is linked into anything of ours.
 */
#ifndef EP_BENCH_BENCH_H
#define EP_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define BENCH_SECONDS   0.5 /* of one measurement */
#define BENCH_PEERS_MAX 4

enum bench_result {
	BENCH_OK,
	BENCH_MISSING, /* not to be had here; bench_missing() said why */
	BENCH_FAILED,
};

/* What joins two namespaces; see link.h. */
enum bench_link {
	BENCH_TAP, /* epair run, a TAP in each */
	BENCH_TAP_CAPTURED, /* with a capture that passes nothing */
	BENCH_VETH, /* epair run, a veth in each */
	BENCH_KERNEL_VETH,
	BENCH_VDE, /* vde_switch with two TAPs */
	BENCH_SOCAT, /* from one TAP to the other */
	BENCH_QEMU_HUB, /* QEMU's hub between two TAPs */
	BENCH_LINKS
};

/* Machines, and what joins them; see guests.h. */
enum bench_guests {
	BENCH_GUEST_VHOST, /* with a namespace: epair run, vhost and a TAP */
	BENCH_GUEST_TAP, /* the same: QEMU's own tap */
	BENCH_GUESTS_EPAIR, /* two: epair run, a stream to each */
	BENCH_GUESTS_DIRECT, /* two: QEMU's stream, from one to the other */
	BENCH_GUESTS_MAX
};

/* Something that is measured, and how. */
struct bench_side {
	/* The figure, or NULL: not printed, only compared with. */
	const char *figure;
	/* A peer's: the figure of the comparison. */
	const char *compared;
	/* Measure once. Gives the value in the row's unit. */
	enum bench_result (*measure)(
	    const struct bench_side *side, double *value);

	/* What is measured; each way of measuring looks at its own. */
	/* peer_dpdk: the question; memif: who to whom; impair: the link */
	const char *asks;
	unsigned frame_len, burst;
	unsigned threads; /* 1 or 2 */
	unsigned queues; /* of each end */
	unsigned pairs; /* how many; in a row */
	bool in_ns; /* the time per frame, not frames per time */
	bool with_capture;
	enum bench_link link;
	enum bench_guests guests;
};

enum bench_compare {
	BENCH_RATIO, /* ours / theirs */
	BENCH_INVERSE, /* theirs / ours: of times, how much faster we are */
	BENCH_DIFFERENCE, /* ours - theirs */
};

struct bench {
	const char *unit;
	enum bench_compare compare;
	struct bench_side ours;
	struct bench_side peers[BENCH_PEERS_MAX];
};

/* figures.c */
extern const struct bench benches[];
extern const size_t bench_count;

/* Say once why something cannot be measured. Returns BENCH_MISSING. */
enum bench_result bench_missing(const char *what, const char *why);

/* Pin the calling thread to the i-th CPU that the process may use; or to none. */
void bench_pin(unsigned i);
void bench_unpin(void);

/* Monotonic seconds. */
double bench_seconds(void);

double bench_median(double *values, size_t n);

/* The ways to measure. */
enum bench_result bench_inproc(const struct bench_side *side, double *value);
enum bench_result bench_memif(const struct bench_side *side, double *value);
enum bench_result bench_chain(const struct bench_side *side, double *value);
enum bench_result bench_queues(const struct bench_side *side, double *value);
enum bench_result bench_poll_rtt(const struct bench_side *side, double *value);
enum bench_result bench_sleep_rtt(const struct bench_side *side, double *value);
enum bench_result bench_pair_create(
    const struct bench_side *side, double *value);
enum bench_result bench_pair_destroy(
    const struct bench_side *side, double *value);
enum bench_result bench_pair_bytes(
    const struct bench_side *side, double *value);
enum bench_result bench_ip_create(const struct bench_side *side, double *value);
enum bench_result bench_ip_destroy(
    const struct bench_side *side, double *value);
enum bench_result bench_link_delay(
    const struct bench_side *side, double *value);
enum bench_result bench_link_carry(
    const struct bench_side *side, double *value);
enum bench_result bench_link_rate(const struct bench_side *side, double *value);
enum bench_result bench_tcp(const struct bench_side *side, double *value);
enum bench_result bench_udp(const struct bench_side *side, double *value);
enum bench_result bench_rr(const struct bench_side *side, double *value);
enum bench_result bench_guest_tcp(const struct bench_side *side, double *value);
enum bench_result bench_spsc_limit(
    const struct bench_side *side, double *value);
enum bench_result bench_cacheline(const struct bench_side *side, double *value);
enum bench_result bench_futex(const struct bench_side *side, double *value);

/* peer.c: start peer_dpdk if need be and ask it for one figure. */
enum bench_result bench_ask_dpdk(const struct bench_side *side, double *value);
void bench_stop_peers(void);

#endif /* EP_BENCH_BENCH_H */
