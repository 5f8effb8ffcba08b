/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab.h - one pair in virtual time, whose a end sends numbered frames over a
 * link and whose b end says what arrives.
 */
#ifndef LAB_H
#define LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <epair/epair.h>

#define MS UINT64_C(1000000)

struct lab {
	struct epair *ep;
	struct epair_if *a, *b;
	uint64_t arrived, first_ns, last_ns;
	/* Each frame that arrives, at last_ns; its number is tstamp_ns. */
	void (*then)(struct lab *lab, struct epair_mbuf *m);
	void *arg;
};

/* then may be NULL. */
void lab_init(struct lab *lab, uint64_t seed,
    void (*then)(struct lab *lab, struct epair_mbuf *m), void *arg);
void lab_fini(struct lab *lab);

/* Another pair, both ends UP. Gives a reference to its a end. */
struct epair_if *lab_make(struct lab *lab, const char *name);

void lab_set(struct epair_if *ifp, const char *words);

/* A frame of the first octets of these. */
extern const uint8_t lab_octets[1514];
void lab_send(struct epair_if *ifp, uint64_t number, uint32_t len);
void lab_pass(struct lab *lab, uint64_t ns);

struct epair_link_stats lab_link_stats(struct epair_if *ifp);
struct epair_if_stats lab_stats(struct epair_if *ifp);

#endif /* LAB_H */
