/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * life.h - what the tests of life and death stand on: an instance whose
 * workers run by themselves, whichever way, stacks that call back, and checks
 * that may be made on any thread.
 *
 * A test that hangs is a test that failed: each has LIFE_PATIENCE_S seconds,
 * then the program is aborted with the test's name.
 */
#ifndef LIFE_H
#define LIFE_H

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <epair/epair.h>

#define LIFE_PATIENCE_S 60u
#define LIFE_WORKERS    2u

/* cmocka's own may be used on the first thread only. */
#define CHECK(e) ((e) ? (void)0 : life_abort(__FILE__, __LINE__, __func__, #e))

/* Wait on a condition, for as long as a test may take. */
#define AWAIT(e) \
	do { \
		while (!(e)) \
			(void)usleep(100); \
	} while (0)

_Noreturn void life_abort(
    const char *file, int line, const char *func, const char *what);

/* How an instance's workers come to run. */
struct life_way {
	const char *name;
	enum epair_way way;
	unsigned workers, queues;
	bool apart;
};

struct life {
	struct epair *ep;
	const struct life_way *way;
	/* LOOP: a thread that polls for each worker. */
	pthread_t pumps[LIFE_WORKERS];
	unsigned pump_count;
	int stop_fd;
};

void life_begin(struct life *l, const struct life_way *way);
/* Nothing may be left alive but what ends by itself. */
void life_end(struct life *l);

/*
 * Tests, to be run once for each way, with a struct life as their state. One
 * that needs two callbacks at once is run only where there are two workers, and
 * each pair or queue is on one of them; one that needs two queues where these
 * are.
 */
struct life_test {
	const char *name;
	CMUnitTestFunction run;
	unsigned workers, queues; /* at least */
};

/* In braces, in a list of them. */
#define LIFE_TEST(test)     #test, test, 1, 1
#define LIFE_PARALLEL(test) #test, test, 2, 1
#define LIFE_QUEUES(test)   #test, test, 1, 2

/*
 * For main: returns how many failed. LIFE_ONLY in the environment names, by a
 * pattern of cmocka's, those to be run.
 */
int life_run(const struct life_test *tests, size_t count);

/* Make a pair, both ends UP; gives references to both. */
void life_pair(struct epair *ep, struct epair_if **a, struct epair_if **b);
/* Destroy it if it is still there, and put the references. */
void life_pair_end(struct epair_if *a, struct epair_if *b);

/*
 * Two flows to an interface, received by different workers if there are two
 * for it. Returns how many frames it sent to find out.
 */
unsigned life_flows(struct epair_if *to, unsigned flows[2]);

/*
 * A stack that frees what it is handed, after `then`, which may take it: then
 * it sets *n to 0.
 */
struct catcher;
typedef void life_then(struct catcher *c, struct epair_if *ifp,
    struct epair_mbuf **ms, unsigned *n);

struct catcher {
	life_then *then; /* atomic */
	void (*at_end)(struct catcher *c, struct epair_if *ifp);
	void *arg;
	uint64_t frames; /* atomic, as the next ones */
	uint32_t inside; /* calls of receive now running */
	uint32_t detached;
};

void life_catch(struct epair_if *ifp, struct catcher *c);
void life_set_then(struct catcher *c, life_then *then);
uint64_t life_caught(struct catcher *c);
uint32_t life_detached(struct catcher *c);
/* Has it caught so many frames, and is in no callback? */
bool life_is_idle(struct catcher *c, uint64_t frames);

/*
 * A frame that is no IP, 60 octets; and an UDP datagram that belongs to one of
 * several flows, so that frames spread over the queues.
 */
struct epair_mbuf *life_frame(struct epair *ep);
struct epair_mbuf *life_flow(struct epair *ep, unsigned flow);
int life_send(struct epair_if *ifp, struct epair_mbuf *m);

struct epair_if_stats life_stats(struct epair_if *ifp);
struct epair_usage life_usage(struct epair *ep);
/* Has the other end lost it? */
int life_is_destroyed(struct epair_if *ifp);

/*
 * Every frame that was handed to transmit on ifp was received by the other end
 * or is counted under one reason. -1 for sent: not known, look at the rest.
 * False while that is not yet so; what is wrong goes to `why` (may be NULL).
 */
bool life_is_settled(struct epair_if *ifp, int64_t sent, char why[160]);

uint64_t life_random(uint64_t *state);
/* 0 .. n-1 */
unsigned life_below(uint64_t *state, unsigned n);

#endif /* LIFE_H */
