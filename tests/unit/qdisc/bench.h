/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.h - a discipline on the bench: frames with a number, in and out.
 */
#ifndef BENCH_H
#define BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/domain.h"
#include "base/rng.h"
#include "mbuf/pool.h"
#include "qdisc/qdisc.h"
#include "rfc8289.h"

struct bench {
	struct ep_domain domain;
	struct ep_pool *pool;
	struct ep_qdisc *qd;
};

void bench_set_up(struct bench *b, const char *spec);
void bench_tear_down(struct bench *b);

/* rcvif serves as the frame's number; it brings the flow as a hash. */
void bench_put(struct bench *b, const void *octets, uint32_t len,
    uint32_t number, uint32_t flow, uint64_t now);
struct epair_mbuf *bench_take(struct bench *b, uint64_t now);

/* What was given up since is what the reference dropped since `from`. */
void bench_check_drops(struct bench *b, const struct dropped *d, uint32_t from);

#endif /* BENCH_H */
