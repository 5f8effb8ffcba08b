/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epair/test.h - two stacks, a cable, and what is expected of them by when: for
 * those who test a TCP/IP, or a protocol of their own, in a program or in CI.
 *
 *	struct epair_test_opts opts = { .size = sizeof(opts),
 *	    .name = "retransmits", .link_a = "loss every 3" };
 *	struct epair_test *t = epair_test_new(&opts);
 *
 *	epair_test_attach(t, 'b', "lwip:addr=10.0.0.2/24");
 *	epair_test_stack(t, 'a', &my_stack, &mine);
 *	my_connect(&mine, "10.0.0.2", 7);
 *	EPAIR_EXPECT(t, EPAIR_TEST_MS(200), mine.is_connected);
 *	return epair_test_free(t);
 *
 * Time is simulated: it passes only in EPAIR_EXPECT() and epair_test_pass(), as
 * fast as the machine can work, and the same test does the same on every run.
 * Both ends are UP from the beginning.
 *
 * A test that fails says where, what was expected, and the time of the cable,
 * and then calls `fail`, with which a framework takes over (cmocka's fail(),
 * say), or ends the program if there is none. If fail returns, the test goes on,
 * and epair_test_free() tells how often.
 *
 * One thread at a time. These calls do not return errors: what goes wrong has
 * failed the test.
 */
#ifndef EPAIR_TEST_H
#define EPAIR_TEST_H

#include <stddef.h>
#include <stdint.h>

#include <epair/attach.h>
#include <epair/err.h>

#ifdef __cplusplus
extern "C" {
#endif

struct epair;
struct epair_if;
struct epair_test;

#define EPAIR_TEST_US(n) ((uint64_t)(n)*1000u)
#define EPAIR_TEST_MS(n) ((uint64_t)(n)*1000000u)
#define EPAIR_TEST_S(n)  ((uint64_t)(n)*1000000000u)

/* All zero but size is the default. */
struct epair_test_opts {
	size_t size; /* sizeof(struct epair_test_opts) */
	const char *name; /* of the test, for what is said [test] */
	uint64_t seed; /* of all that happens by chance */
	uint32_t mtu; /* [1500] */
	const char *link_a, *link_b; /* words of <epair/link.h> */
	const char *scenario; /* a text, as epair-scenario(5) has it */
	/*
	 * A file for what both ends send and receive, as pcapng. It is there
	 * while the test runs, and stays if that failed.
	 */
	const char *capture;
	void (*fail)(void *arg, const char *sentence);
	void *arg; /* for fail */
};

/* Begin. Gives the test, to be ended by epair_test_free(). */
EPAIR_API struct epair_test *epair_test_new(const struct epair_test_opts *opts);

/*
 * End it: both ends are detached, and no frame may be left that the test has
 * not freed. Returns how often the test has failed; 0 is success, so that main()
 * can return it.
 */
EPAIR_API int epair_test_free(struct epair_test *test);

/* An end, 'a' or 'b'; the test's own, do not put it. And the instance. */
EPAIR_API struct epair_if *epair_test_if(struct epair_test *test, char end);
EPAIR_API struct epair *epair_test_instance(struct epair_test *test);

/* What stands behind an end: see epair_attach() and epair_attach_stack(). */
EPAIR_API void epair_test_attach(
    struct epair_test *test, char end, const char *spec);
EPAIR_API void epair_test_stack(struct epair_test *test, char end,
    const struct epair_stack *stack, void *arg);

/* Transmit len octets, a frame without FCS, as the stack of that end. */
EPAIR_API void epair_test_send(
    struct epair_test *test, char end, const void *frame, size_t len);

/*
 * Take the next frame that an end has received, if nothing is attached to it:
 * the first call, which should come before frames do, makes it keep them. At
 * most size octets are put at `frame`.
 * Returns its length, or 0 if there is none.
 */
EPAIR_API size_t epair_test_receive(
    struct epair_test *test, char end, void *frame, size_t size);

/*
 * What an attachment told last (an ATTACHMENT event) that begins so, such as
 * "ping "; or NULL. Valid until the test is freed.
 */
EPAIR_API const char *epair_test_told(
    struct epair_test *test, char end, const char *begin);

/* The time of the cable, from 0. */
EPAIR_API uint64_t epair_test_now(struct epair_test *test);

/* Have fn(arg) called so much later, once: a stack's timer. */
EPAIR_API void epair_test_after(
    struct epair_test *test, uint64_t ns, void (*fn)(void *arg), void *arg);

/* Let time pass. */
EPAIR_API void epair_test_pass(struct epair_test *test, uint64_t ns);

/*
 * Let the next thing happen, or time pass to the next, at most until end_ns.
 * Returns 1, or 0 when nothing more happens until then and it is that late.
 */
EPAIR_API int epair_test_step(struct epair_test *test, uint64_t end_ns);

/* Fail: file and line, what, and the time of the cable. */
EPAIR_API void epair_test_fail(
    struct epair_test *test, const char *file, int line, const char *what);

/*
 * What EPAIR_EXPECT() and EPAIR_EXPECT_NEVER() are made of: fails when what is
 * wanted to be true is not by end_ns, or when what is not wanted is.
 * Returns 1 when it is to be looked at again, after a step; or 0.
 */
EPAIR_API int epair_test_goes_on(struct epair_test *test, uint64_t end_ns,
    int is_true, int is_wanted, const char *file, int line, const char *what);

/*
 * Expect something within so much time of the cable. It is looked at after each
 * thing that happens, and time stands where it came true.
 */
#define EPAIR_EXPECT(test, within_ns, expression) \
	for (uint64_t epair_end_ns = epair_test_now(test) + (within_ns); \
	     epair_test_goes_on((test), epair_end_ns, (expression) ? 1 : 0, 1, \
		 __FILE__, __LINE__, #expression " within " #within_ns);) \
	continue

/* Expect something not to happen in all that time. */
#define EPAIR_EXPECT_NEVER(test, within_ns, expression) \
	for (uint64_t epair_end_ns = epair_test_now(test) + (within_ns); \
	     epair_test_goes_on((test), epair_end_ns, (expression) ? 1 : 0, 0, \
		 __FILE__, __LINE__, \
		 "not " #expression " within " #within_ns);) \
	continue

#ifdef __cplusplus
}
#endif

#endif /* EPAIR_TEST_H */
