/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hammer.h - everything at once: threads that transmit, threads that create,
 * destroy, move, attach, detach, change and look, callbacks that do the same,
 * all on the same few pairs; and books that are kept of every frame.
 *
 * A record is one pair's book. It is referred to by the slot in which the pair
 * is, by whoever works on it, and by each stack that was attached. When nobody
 * does any more, and the pair has been destroyed, it goes to the reaper, who
 * waits until it is settled: every frame that was handed to transmit was
 * delivered or is counted under one reason.
 */
#ifndef HAMMER_H
#define HAMMER_H

#include "life.h"

#define HAMMER_SLOTS    5u
#define HAMMER_SENDERS  2u
#define HAMMER_FLOWS    4u
#define HAMMER_CAPTURES 3u
#define HAMMER_SUBS     2u
#define HAMMER_KEPT     64u

struct hammer;
struct record;

struct record_end {
	struct record *rec;
	struct epair_if *ifp; /* a reference */
	/* All atomic. */
	uint64_t sent; /* by us */
	uint64_t got; /* by our callbacks */
	bool generates; /* or by something that was attached */
	bool is_mixed; /* not only our callbacks were attached */
	bool is_linked; /* what it sends may be lost, doubled, reordered */
	uint32_t last[HAMMER_SENDERS][HAMMER_FLOWS];
};

struct record {
	struct hammer *h;
	struct record_end ends[2];
	uint32_t refs; /* atomic */
	struct record *next; /* of the reaper's */
};

struct hammer {
	struct life life;
	uint64_t seed;
	uint32_t stop; /* atomic */
	uint64_t acts; /* atomic: for the curious */
	uint64_t settled_frames; /* the reaper's */
	unsigned settled_pairs;
	uint32_t next_random; /* atomic */
	/* Held for moments, never across a call of the library. */
	pthread_mutex_t lock;
	struct record *slots[HAMMER_SLOTS];
	struct record *graves;
	struct epair_capture *captures[HAMMER_CAPTURES];
	struct epair_sub *subs[HAMMER_SUBS];
	struct epair_mbuf *kept[HAMMER_KEPT];
};

/* The calling thread's random numbers: 0 .. n-1. */
unsigned hammer_below(struct hammer *h, unsigned n);

/* hammer_book.c: records. */

/* A reference to the record in a slot, or NULL. */
struct record *hammer_get(struct hammer *h, unsigned slot);
void hammer_ref(struct record *rec);
void hammer_put(struct record *rec);
/* The slot forgets it, if it has it still. */
void hammer_forget(struct hammer *h, unsigned slot, struct record *rec);
/* Make a pair in an empty slot, in a vnet that may be gone. */
void hammer_create(struct hammer *h, unsigned slot);
/* Settle what can be settled. Returns how many records are left. */
unsigned hammer_reap(struct hammer *h);

/* hammer_frame.c: frames. */

/* A sender's own: numbers in each flow. */
struct sender {
	struct hammer *h;
	unsigned number;
	uint32_t next[HAMMER_FLOWS];
};

/* Send a burst through one end. */
void hammer_send(struct sender *s, struct record_end *end);
/* Receive: check, count, and free, keep, return or send on. */
void hammer_receive(
    void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n);
/* Free what was kept. */
void hammer_free_kept(struct hammer *h);

/* hammer_act.c: one random thing done to a random pair, vnet or reader. */
void hammer_act(struct hammer *h);
/* The vnets' names; the last gives its interfaces a sink. */
#define HAMMER_VNETS 4u
extern const char *const hammer_vnets[HAMMER_VNETS];
/* End all captures, subscriptions and vnets. Returns whether there were any. */
bool hammer_end_readers(struct hammer *h);

#endif /* HAMMER_H */
