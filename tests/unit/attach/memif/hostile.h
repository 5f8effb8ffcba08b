/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostile.h - what the attacks on `memif` stand on beside attack.h: peers that
 * speak the protocol just far enough to break it.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "unit/attach/attack.h"

struct ep_memif_msg;
struct ep_memif_shared;

/* Attach the memif that is to be attacked. */
void serve(struct attack *t, const char *keys);
/* Ours on another pair: frames pass between it and the attacked. */
void an_honest_client_is_served(struct attack *t);
void an_honest_server_is_found(struct attack *t);

/* Connect; and say INIT after HELLO, and hear the ACK. */
int strike(const struct attack *t);
int strike_init(const struct attack *t);

/* Say a message, with a descriptor if that is not -1; with many. */
void say(int sock, const struct ep_memif_msg *msg, int fd);
void say_with(int sock, const struct ep_memif_msg *msg, int fd, unsigned count);
void expect_ack(int sock);
/* Skips what else was said before it. */
void expect_refusal(int sock, const char *why);

/* A peer with a ring of 64 each way, in memory that it can write. */
struct evil {
	int sock, mem;
	int event[2];
	uint8_t *at;
	size_t octets;
	unsigned size;
	struct ep_memif_shared *shared[2]; /* S2M, M2S */
};

/* As a client, up to all rings; and, if is_up, to CONNECTED. */
void evil_connect(struct attack *t, struct evil *e, bool is_up);
/* As a server of one client, up to CONNECTED. */
int evil_listen(const struct attack *t);
void evil_accept(struct attack *t, int listener, struct evil *e);
void evil_signal(struct evil *e);
void evil_close(struct evil *e);

#endif /* HOSTILE_H */
