/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rfc8289.h - CoDel as RFC 8289, section 5, has it in pseudocode, doubles and
 * all; nothing here is shared with the code under test.
 */
#ifndef RFC8289_H
#define RFC8289_H

#include <stdint.h>

#define FRAMES    1000000u
#define WAITING   32768u /* at once: more than bench.c's pool has */
#define MS        UINT64_C(1000000)
#define TARGET    (5 * MS)
#define INTERVAL  (100 * MS)
#define MAXPACKET 1514u

struct packet {
	uint64_t tstamp;
	uint32_t number, size;
};

/* What was dropped, in order: the last WAITING of them. */
struct dropped {
	uint32_t numbers[WAITING], count;
};

struct reference {
	struct packet q[WAITING]; /* a ring; head and tail run free */
	uint32_t head, tail;
	uint64_t bytes;
	uint64_t first_above_time, drop_next;
	uint32_t count, lastcount;
	int dropping;
	struct dropped *dropped;
};

void rfc8289_enqueue(struct reference *r, const struct packet *p);
/* NULL if none is left. */
const struct packet *rfc8289_dequeue(struct reference *r, uint64_t now);

#endif /* RFC8289_H */
