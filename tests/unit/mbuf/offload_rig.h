/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * offload_rig.h - what the tests of offload stand on: a pool, frames with
 * something left open, and a judge of what comes of them.
 */
#ifndef OFFLOAD_RIG_H
#define OFFLOAD_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "mbuf/mbuf.h"
#include "mbuf/offload.h"
#include "mbuf/pool.h"
#include "packet.h"

enum {
	FIN = 0x01,
	SYN = 0x02,
	PSH = 0x08,
	ACK = 0x10,
	URG = 0x20,
	CWR = 0x80,

	FRAME_MAX = 70000,
};

extern struct ep_pool *pool; /* of at most 4096 small and 256 large ones */
extern uint8_t octets[FRAME_MAX]; /* of the frame made last */
extern uint8_t got[FRAME_MAX]; /* of the frame looked at last */
extern struct epair_mbuf *out[EP_SEGMENTS_MAX]; /* what finish gave */

/* Teardown finds any mbuf left alive. */
int setup(void **state);
int teardown(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* The packet as a frame of one mbuf, its checksum open; also in octets. */
struct epair_mbuf *partial(const struct packet *p);
/* The same, to be segmented. */
struct epair_mbuf *super(const struct packet *p, uint16_t gso_size);
/* Say of a frame that the checksum of the packet in it is open. */
void open_csum(struct epair_mbuf *m, const struct packet *p);
/* The frame, chained anew from pieces of 1 to max octets. Takes m. */
struct epair_mbuf *chained(
    struct epair_mbuf *m, uint32_t max, struct ep_rng *rng);

/* Read all of the frame into got. Returns how long it is. */
uint32_t flatten(const struct epair_mbuf *m);

void assert_nothing_open(const struct epair_mbuf *m);

/* Finish refuses with that error and leaves all as it was. Frees m. */
void assert_refused(struct epair_mbuf *m, unsigned max, int error);

/*
 * Finish gives n frames, every length and checksum in them right, and together
 * the payload in octets. Frees them.
 */
void assert_cut(struct epair_mbuf *m, const struct packet *p, unsigned n);

#endif /* OFFLOAD_RIG_H */
