/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rig.h - what a test of the contract stands on: an instance in simulated
 * time, a pair whose stacks keep what they are handed, and short ways to send
 * and to look.
 *
 *	static void
 *	frame_sent_on_one_end_arrives_at_the_other(void **state)
 *	{
 *		struct rig *r = *state;
 *
 *		assert_int_equal(send_one(r->a, 60), 0);
 *		run(r);
 *		assert_int_equal(r->at_b.count, 1);
 *	}
 *
 *	RIG_TEST(frame_sent_on_one_end_arrives_at_the_other)
 *
 * What follows the test finds anything left alive. Nothing here but the public
 * interface is used, so neither is it by the tests.
 */
#ifndef RIG_H
#define RIG_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <epair/epair.h>

#define SEEN_MAX 16384

/* A stack that keeps. */
struct seen {
	struct epair_mbuf *ms[SEEN_MAX];
	unsigned count; /* frames handed to it; the first SEEN_MAX are kept */
	unsigned calls;
	unsigned detached;
	/* Called for each burst, after it was kept; may be NULL. */
	void (*then)(struct seen *seen, struct epair_if *ifp);
	void *arg; /* for `then` */
};

/* The instance, and a pair in vnet0: epair0a and epair0b, UP. */
struct rig {
	struct epair *ep;
	struct epair_if *a, *b;
	struct seen at_a, at_b;
};

#define RIG_HOST_ID 0x91b7584a2265b1f5u

/* With the pair; with one that has four queues; and with an instance only. */
int rig_setup(void **state);
int rig_setup_queues(void **state);
int rig_setup_bare(void **state);
int rig_teardown(void **state);

#define RIG_TEST(test) \
	cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
#define QUEUES_TEST(test) \
	cmocka_unit_test_setup_teardown(test, rig_setup_queues, rig_teardown)
#define BARE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, rig_setup_bare, rig_teardown)

/* An instance in simulated time, with RIG_HOST_ID; and its end, checked. */
struct epair *instance(void);
void instance_free(struct epair *ep);

/* Make a pair, in vnet (NULL is vnet0), and give its a end; the error. */
struct epair_if *make(struct epair *ep, const char *vnet, const char *name);
int make_error(struct epair *ep, const char *vnet, const char *name);
/* Make one only to see its name. The name is valid until the next call. */
const char *make_name(struct epair *ep, const char *vnet, const char *name);

/* Put a keeping stack behind an interface; forget what was kept. */
void keep(struct epair_if *ifp, struct seen *seen);
void keep_accepting(struct epair_if *ifp, struct seen *seen, uint32_t accepts);
void forget(struct seen *seen);

/* By name; the reference is the caller's. NULL if there is none. */
struct epair_if *find(struct epair *ep, const char *vnet, const char *name);
/* Destroy, and put. */
void destroy(struct epair_if *ifp);

struct epair_if_info info(struct epair_if *ifp);
struct epair_if_stats stats(struct epair_if *ifp);
struct epair_usage usage(struct epair *ep);
/* The names of a vnet, separated by blanks; valid until the next call. */
const char *list(struct epair *ep, const char *vnet);

/* A frame of that many octets to 02:00:00:00:00:01; or to a given address. */
struct epair_mbuf *frame(struct epair *ep, uint32_t len);
struct epair_mbuf *frame_to(struct epair *ep, const uint8_t *mac, uint32_t len);
/* Transmit one; and n, one by one, each with its number as timestamp. */
int transmit(struct epair_if *ifp, struct epair_mbuf *m);
int send_one(struct epair_if *ifp, uint32_t len);
void send_many(struct epair_if *ifp, unsigned n, uint32_t len);
/* Whether the kept frames are numbered first, first + 1, ... */
int in_order(const struct seen *seen, uint64_t first);

/* Run tasks until none waits. */
void run(struct rig *r);

extern const uint8_t mac_broadcast[6], mac_group[6], mac_station[6];

#endif /* RIG_H */
