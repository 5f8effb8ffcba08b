/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/frames.h - the work that is done on a frame, the same everywhere: a
 * header of 64 octets is written by whoever allocates it, and read by whoever
 * frees it.
 */
#ifndef EP_BENCH_FRAMES_H
#define EP_BENCH_FRAMES_H

#include <stdint.h>

#include <epair/epair.h>

#define BENCH_BURST_MAX 256u
#define BENCH_HEADER    64u

/* Allocate frames and write their headers. Returns how many. */
unsigned bench_frames_make(
    struct epair *ep, struct epair_mbuf **ms, unsigned n, uint32_t len);

/* Read their headers and free them. Returns a sum, so that it is read. */
uint64_t bench_frames_end(struct epair_mbuf **ms, unsigned n);

/* A stack that does what receive does, on one end; both ends UP. */
bool bench_stack(struct epair_if *ifp,
    void (*receive)(
	void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n),
    void *arg);

#endif /* EP_BENCH_FRAMES_H */
