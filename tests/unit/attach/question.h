/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * question.h - frames that an echo stack is asked with, made from scratch so
 * that nothing here is true only because the code under test says so too.
 *
 * ASKER (10.0.0.1, fd00::1) asks ECHOER (10.0.0.2, fd00::2).
 */
#ifndef QUESTION_H
#define QUESTION_H

#include <stdint.h>

#define QUESTION_MAX 1600u

struct question {
	uint8_t octets[QUESTION_MAX];
	uint32_t len;
	uint32_t l3; /* where the network header is */
};

extern const uint8_t asker_mac[6], echoer_mac[6];
extern const uint8_t asker4[4], echoer4[4], asker6[16], echoer6[16];

/* Each with that many 802.1Q tags, the outer one of VLAN 7. */
void ask_arp(struct question *q, unsigned tags);
void ask_ping4(struct question *q, unsigned tags, uint32_t payload);
void ask_ping6(struct question *q, unsigned tags, uint32_t payload);
/* With the asker's link-layer address as an option, or without. */
void ask_solicit(struct question *q, unsigned tags, int has_option);

/* Make the checksums right again. */
void seal4(struct question *q);
void seal6(struct question *q);

/* The folded sum of a packet's ICMP part, pseudo header and all; 0xffff. */
uint32_t sum4(const struct question *q);
uint32_t sum6(const struct question *q);
uint32_t sum_header4(const struct question *q);

#endif /* QUESTION_H */
