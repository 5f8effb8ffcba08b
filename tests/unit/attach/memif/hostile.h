/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostile.h - what the attacks on `memif` stand on: an instance with one worker,
 * epair0a for the attacked memif, epair1 with a bystander's frames, and peers
 * that speak the protocol just far enough to break it.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "unit/api/rig.h"

struct ep_memif_msg;
struct ep_memif_shared;

struct attack {
	struct epair *ep;
	struct epair_if *a, *b; /* the attacked */
	struct epair_if *source, *sink; /* the bystander's */
	struct epair_sub *sub;
	unsigned events;
	char said[128];
	uint64_t began_s;
	unsigned fds;
	char folder[32], path[48];
};

int hostile_setup(void **state);
/* Checks what every attack must leave as it was. */
int hostile_teardown(void **state);

uint64_t now_s(void);
void hear(struct attack *t);
struct epair_progress progress(struct epair_if *ifp);

#define AWAIT(t, e) \
	do { \
		uint64_t since_ = now_s(); \
		while (!(e)) { \
			(void)usleep(1000); \
			hear(t); \
			if (now_s() > since_ + 30) \
				fail_msg("still not: %s", #e); \
		} \
	} while (0)

/* Attach the memif that is to be attacked. */
void serve(struct attack *t, const char *keys);
/* Have frames go out to whoever is the peer. */
void flood(struct attack *t);

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
