/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * two.h - what the tests of the attachment `memif` stand on: two instances,
 * each with a pair whose a end is for a memif and whose b end keeps, and which
 * the test itself runs.
 *
 *	keep == b0  cable  a0 == memif ....... memif == a1  cable  b1 == keep
 *
 * Waiting is always AWAIT(condition): both are dispatched meanwhile, and after
 * twenty seconds the test fails.
 */
#ifndef TWO_H
#define TWO_H

#include "unit/api/rig.h"

struct side {
	struct epair *ep;
	struct epair_if *a, *b;
	struct seen at_b;
	struct epair_sub *sub;
	unsigned events; /* ATTACHMENT events so far */
	char said[128]; /* the last of them */
};

struct two {
	struct side side[2];
	char folder[32], path[48];
};

int two_setup(void **state);
int two_setup_queues(void **state); /* four */
int two_teardown(void **state);

#define TWO_TEST(test) \
	cmocka_unit_test_setup_teardown(test, two_setup, two_teardown)
#define TWO_QUEUES_TEST(test) \
	cmocka_unit_test_setup_teardown(test, two_setup_queues, two_teardown)

/* Run one side, or both, for a moment. */
void side_turn(struct side *s, int wait_ms);
void two_turn(struct two *t);
void two_patience(uint64_t *since, const char *what);

#define AWAIT(t, e) \
	do { \
		uint64_t since_ = 0; \
		while (!(e)) { \
			two_turn(t); \
			two_patience(&since_, #e); \
		} \
	} while (0)

/* Attach to the a end. attach_error gives the error. */
void attach(struct side *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int attach_error(struct side *s, struct epair_err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Attach a server to side 0 and a client to side 1, and await that they are. */
void join(struct two *t, const char *more);
void await_joined(struct two *t);

int has_said(const struct side *s, const char *words);
uint64_t dropped(struct epair_if *ifp, enum epair_drop reason);

/* Transmit at b a frame whose last octets say its number. */
void send_numbered(struct side *s, uint32_t len, uint32_t number);
/* The same with a flow hash. */
void send_in_flow(struct side *s, uint32_t len, uint32_t number, uint32_t flow);
/* Of a frame that was kept; every octet between header and number is checked. */
uint32_t number_of(struct epair_mbuf *m);

#endif /* TWO_H */
