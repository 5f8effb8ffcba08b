/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api/test.c - <epair/test.h>, on top of the other calls.
 *
 * What is attached tells by events; they are kept as they come, so that a test
 * can ask later. The capture is written between any two things that happen.
 */
#include <epair/test.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <epair/epair.h>

#include "base/container.h"
#include "base/sized.h"
#include "net/ifnet.h"
#include "sched/sched.h"

#define NS_PER_S UINT64_C(1000000000)
/* So many records may wait before they are written. */
#define PUMP_RECORDS 256u
/* So much may happen without time passing, as in epair_advance(). */
#define INSTANT_STEPS_MAX 10000000u

struct alarm {
	struct ep_timer timer;
	void (*fn)(void *arg);
	void *arg;
	LIST_ENTRY(alarm) link; /* in test->alarms until it rings */
};

struct told {
	struct epair_event event;
	STAILQ_ENTRY(told) link;
};

struct epair_test {
	struct epair_test_opts opts;
	struct epair *ep;
	struct epair_if *ends[2];
	struct epair_sub *sub;
	struct epair_scenario *scenario;
	struct epair_capture *cap;
	int fd; /* of the capture, or -1 */
	int failures;
	uint64_t step_ns; /* when the last step was */
	unsigned steps; /* since then */
	LIST_HEAD(, alarm) alarms;
	STAILQ_HEAD(, told) told;
};

/* Failing. */

void
epair_test_fail(
    struct epair_test *test, const char *file, int line, const char *what)
{
	uint64_t now = test->ep != NULL ? epair_now(test->ep) : 0;
	char sentence[512];

	test->failures++;
	(void)snprintf(sentence, sizeof(sentence),
	    "%s:%d: %s: at %" PRIu64 ".%06" PRIu64 " s: expected: %s", file,
	    line, test->opts.name, now / NS_PER_S, now % NS_PER_S / 1000, what);
	if (test->cap != NULL && test->fd >= 0)
		(void)epair_capture_dump(test->cap, test->fd, 0);
	if (test->opts.fail != NULL) {
		test->opts.fail(test->opts.arg, sentence);
		return;
	}
	(void)fprintf(stderr, "%s\n", sentence);
	if (test->opts.capture != NULL)
		(void)fprintf(stderr, "%s: see %s\n", test->opts.name,
		    test->opts.capture);
	exit(EXIT_FAILURE);
}

/* A call of the library that must succeed has not. */
static void
check(struct epair_test *test, int error, const char *what,
    const struct epair_err *err)
{
	char sentence[384];

	if (error >= 0)
		return;
	(void)snprintf(sentence, sizeof(sentence), "%s (%s)", what,
	    err != NULL && err->text[0] != '\0' ? err->text
						: epair_err_name(error));
	epair_test_fail(test, "epair", 0, sentence);
}

/* Life. */

static void
keep_event(void *arg, const struct epair_event *event)
{
	struct epair_test *test = arg;
	struct told *told = malloc(sizeof(*told));

	if (told == NULL)
		return;
	told->event = *event;
	STAILQ_INSERT_TAIL(&test->told, told, link);
}

static void
make_pair(struct epair_test *test)
{
	struct epair_create create = { .size = sizeof(create),
		.mtu = test->opts.mtu };
	const char *words[2] = { test->opts.link_a, test->opts.link_b };
	struct epair_err err = { .text = "" };

	check(test,
	    epair_if_create(
		test->ep, NULL, "epair", &create, &test->ends[0], &err),
	    "a pair", &err);
	if (test->ends[0] == NULL)
		return;
	test->ends[1] = epair_if_peer(test->ends[0]);
	for (int i = 0; i < 2; i++) {
		if (words[i] != NULL)
			check(test,
			    epair_if_set_link(test->ends[i], words[i], &err),
			    words[i], &err);
		check(test, epair_if_up(test->ends[i]), "an end UP", NULL);
	}
}

static void
begin_capture(struct epair_test *test)
{
	struct epair_capture_opts opts = { .size = sizeof(opts),
		.flags = EPAIR_CAPTURE_BOTH,
		.buffer = (size_t)16 << 20 };
	struct epair_err err = { .text = "" };

	if (test->opts.capture == NULL)
		return;
	test->fd = open(
	    test->opts.capture, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	check(test, test->fd < 0 ? -errno : 0, test->opts.capture, NULL);
	check(test, epair_capture_open(test->ends[0], &opts, &test->cap, &err),
	    "a capture", &err);
}

static void
begin_scenario(struct epair_test *test)
{
	const char *text = test->opts.scenario;
	struct epair_err err = { .text = "" };
	int error;

	if (text == NULL)
		return;
	error = epair_scenario_parse(
	    text, strlen(text), "scenario", &test->scenario, &err);
	if (error == 0)
		error = epair_scenario_start(
		    test->scenario, test->ends[0], &err);
	check(test, error, "a scenario", &err);
}

struct epair_test *
epair_test_new(const struct epair_test_opts *opts)
{
	struct epair_test *test = calloc(1, sizeof(*test));
	struct epair_opts how = { .size = sizeof(how), .way = EPAIR_SIM };
	struct epair_err err = { .text = "" };
	int error;

	if (test == NULL)
		abort();
	LIST_INIT(&test->alarms);
	STAILQ_INIT(&test->told);
	test->fd = -1;
	error = ep_sized_take(&test->opts, sizeof(test->opts), opts,
	    "struct epair_test_opts", &err);
	if (test->opts.name == NULL)
		test->opts.name = "test";
	check(test, error, "options", &err);
	how.seed = test->opts.seed;
	check(test, epair_new(&how, &test->ep, &err), "an instance", &err);
	if (test->ep == NULL)
		abort();
	check(test, epair_subscribe(test->ep, 0, &test->sub, &err), "events",
	    &err);
	if (test->sub != NULL)
		epair_event_callback(test->sub, keep_event, test);
	make_pair(test);
	if (test->ends[1] == NULL)
		abort(); /* it has been said, and nothing can go on */
	begin_capture(test);
	begin_scenario(test);
	return test;
}

static void
end_capture(struct epair_test *test)
{
	if (test->cap != NULL && test->fd >= 0)
		(void)epair_capture_dump(test->cap, test->fd, 1);
	epair_capture_close(test->cap);
	test->cap = NULL; /* the test may yet fail */
	if (test->fd >= 0)
		(void)close(test->fd);
}

static void
forget(struct epair_test *test)
{
	struct alarm *alarm;
	struct told *told;

	while ((alarm = LIST_FIRST(&test->alarms)) != NULL) {
		(void)ep_timer_drain(&alarm->timer);
		LIST_REMOVE(alarm, link);
		free(alarm);
	}
	while ((told = STAILQ_FIRST(&test->told)) != NULL) {
		STAILQ_REMOVE_HEAD(&test->told, link);
		free(told);
	}
}

int
epair_test_free(struct epair_test *test)
{
	int failures, error;

	epair_scenario_free(test->scenario);
	(void)epair_if_destroy(test->ends[0], NULL);
	(void)epair_run(test->ep, 0);
	epair_unsubscribe(test->sub);
	forget(test);
	for (int i = 0; i < 2; i++)
		epair_if_put(test->ends[i]);
	end_capture(test);
	error = epair_free(test->ep);
	if (error == 0)
		test->ep = NULL;
	check(test, error, "no frame, reference, capture or subscription left",
	    NULL);
	failures = test->failures;
	if (test->fd >= 0 && failures == 0)
		(void)unlink(test->opts.capture);
	free(test);
	return failures;
}

/* Ends, and what stands behind them. */

struct epair_if *
epair_test_if(struct epair_test *test, char end)
{
	return test->ends[end == 'b'];
}

struct epair *
epair_test_instance(struct epair_test *test)
{
	return test->ep;
}

void
epair_test_attach(struct epair_test *test, char end, const char *spec)
{
	struct epair_err err = { .text = "" };

	check(test, epair_attach(epair_test_if(test, end), spec, &err), spec,
	    &err);
}

void
epair_test_stack(struct epair_test *test, char end,
    const struct epair_stack *stack, void *arg)
{
	struct epair_err err = { .text = "" };

	check(test,
	    epair_attach_stack(epair_test_if(test, end), stack, arg, &err),
	    "a stack", &err);
}

void
epair_test_send(
    struct epair_test *test, char end, const void *frame, size_t len)
{
	struct epair_mbuf *m = NULL;
	int error = -EMSGSIZE;

	if (len <= UINT32_MAX) {
		m = epair_mbuf_from(test->ep, frame, (uint32_t)len);
		error = m == NULL ? -ENOMEM
				  : epair_if_transmit(
					epair_test_if(test, end), &m, 1);
	}
	check(test, error, "to transmit a frame", NULL);
}

size_t
epair_test_receive(struct epair_test *test, char end, void *frame, size_t size)
{
	struct epair_if *ifp = epair_test_if(test, end);
	struct epair_err err = { .text = "" };
	struct epair_mbuf *m;
	size_t len;
	int n = epair_if_recv(ifp, &m, 1);

	if (n == -EINVAL) {
		check(test, epair_attach_pull(ifp, 0, &err),
		    "nothing attached to an end that is received at", &err);
		return 0;
	}
	check(test, n, "to receive", NULL);
	if (n <= 0)
		return 0;
	len = m->pktlen;
	(void)epair_mbuf_read(
	    m, 0, frame, size < len ? (uint32_t)size : (uint32_t)len);
	epair_mbuf_free(&m, 1);
	return len;
}

const char *
epair_test_told(struct epair_test *test, char end, const char *begin)
{
	const char *name = test->ends[end == 'b']->name;
	const char *last = NULL;
	struct told *told;

	STAILQ_FOREACH(told, &test->told, link)
	if (told->event.type == EPAIR_EVENT_ATTACHMENT &&
	    strcmp(told->event.name, name) == 0 &&
	    strncmp(told->event.detail, begin, strlen(begin)) == 0)
		last = told->event.detail;
	return last;
}

/* Time. */

uint64_t
epair_test_now(struct epair_test *test)
{
	return epair_now(test->ep);
}

static void
ring(struct ep_timer *timer)
{
	struct alarm *alarm = EP_CONTAINER_OF(timer, struct alarm, timer);
	void (*fn)(void *arg) = alarm->fn;
	void *arg = alarm->arg;

	LIST_REMOVE(alarm, link);
	free(alarm);
	fn(arg);
}

void
epair_test_after(
    struct epair_test *test, uint64_t ns, void (*fn)(void *arg), void *arg)
{
	struct alarm *alarm = calloc(1, sizeof(*alarm));
	int error = -ENOMEM;

	if (alarm != NULL) {
		alarm->fn = fn;
		alarm->arg = arg;
		ep_timer_init(
		    &alarm->timer, ep_ifnet_worker(test->ends[0], 0), ring);
		error = ep_timer_arm(&alarm->timer, epair_now(test->ep) + ns);
	}
	if (error == 0)
		LIST_INSERT_HEAD(&test->alarms, alarm, link);
	else
		free(alarm);
	check(test, error, "a timer", NULL);
}

static void
pump(struct epair_test *test)
{
	struct epair_capture_stats stats = { .size = sizeof(stats) };

	if (test->cap == NULL || test->fd < 0)
		return;
	(void)epair_capture_get_stats(test->cap, &stats);
	if (stats.passed - stats.lost - stats.read >= PUMP_RECORDS)
		(void)epair_capture_dump(test->cap, test->fd, 0);
}

/* Counts how often it was asked. */
struct once {
	struct epair_test *test;
	unsigned asked;
};

static int
has_happened(void *arg)
{
	struct once *once = arg;

	pump(once->test);
	return once->asked++ > 0;
}

static int
has_passed(void *arg)
{
	pump(arg);
	return 0;
}

void
epair_test_pass(struct epair_test *test, uint64_t ns)
{
	check(test, epair_advance_until(test->ep, ns, has_passed, test),
	    "time to pass", NULL);
}

int
epair_test_step(struct epair_test *test, uint64_t end_ns)
{
	uint64_t now = epair_now(test->ep);
	struct once once = { .test = test };
	int error;

	if (now >= end_ns && ep_sched_waiting(test->ep->sched) == 0 &&
	    epair_next_timer(test->ep) > end_ns)
		return 0;
	test->steps = now == test->step_ns ? test->steps + 1 : 0;
	test->step_ns = now;
	error = test->steps > INSTANT_STEPS_MAX
		    ? -ELOOP
		    : epair_advance_until(test->ep,
			  end_ns > now ? end_ns - now : 0, has_happened, &once);
	check(test, error, "time to pass", NULL);
	return error >= 0;
}

int
/* NOLINTNEXTLINE(readability-function-size): what a macro has to say */
epair_test_goes_on(struct epair_test *test, uint64_t end_ns, int is_true,
    int is_wanted, const char *file, int line, const char *what)
{
	if (is_true && is_wanted)
		return 0;
	if (!is_true && epair_test_step(test, end_ns))
		return 1;
	if (is_true != is_wanted)
		epair_test_fail(test, file, line, what);
	return 0;
}
