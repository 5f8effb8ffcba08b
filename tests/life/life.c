/* SPDX-License-Identifier: BSD-2-Clause */
#include "life.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

static const struct life_way ways[] = {
	{ "threads, 1 worker, 1 queue", EPAIR_THREADS, 1, 1, false },
	{ "threads, 1 worker, 2 queues", EPAIR_THREADS, 1, 2, false },
	{ "threads, 2 workers, 1 queue", EPAIR_THREADS, 2, 1, false },
	{ "threads, 2 workers, ends apart", EPAIR_THREADS, 2, 1, true },
	{ "threads, 2 workers, 2 queues", EPAIR_THREADS, 2, 2, false },
	{ "loop, 1 worker, 1 queue", EPAIR_LOOP, 1, 1, false },
	{ "loop, 2 workers, 2 queues", EPAIR_LOOP, 2, 2, false },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TESTS_MAX    32u

/* What cmocka hands to set-up: which test, which way. */
struct which {
	const struct life_test *test;
	const struct life_way *way;
	char name[128];
};

static const char *running = "";

void
life_abort(const char *file, int line, const char *func, const char *what)
{
	(void)fprintf(
	    stderr, "%s:%d: %s: not so: %s\n", file, line, func, what);
	abort();
}

static void
out_of_patience(int signal)
{
	static const char words[] = " hangs\n";

	(void)signal;
	(void)!write(STDERR_FILENO, running, strlen(running));
	(void)!write(STDERR_FILENO, words, sizeof(words) - 1);
	abort();
}

/* What a program with a loop of its own does, for one worker. */
struct pump {
	struct life *l;
	unsigned worker;
};

static void *
pump_run(void *arg)
{
	struct pump *p = arg;
	struct life *l = p->l;
	struct pollfd fds[2] = {
		{ .fd = epair_fd(l->ep, p->worker), .events = POLLIN },
		{ .fd = l->stop_fd, .events = POLLIN },
	};

	CHECK(fds[0].fd >= 0);
	do {
		CHECK(epair_dispatch(l->ep, p->worker, 3) >= 0);
		CHECK(poll(fds, 2, -1) > 0);
	} while (!(fds[1].revents & POLLIN));
	free(p);
	return NULL;
}

static void
pumps_start(struct life *l)
{
	l->stop_fd = eventfd(0, EFD_CLOEXEC);
	CHECK(l->stop_fd >= 0);
	for (unsigned i = 0; i < l->way->workers; i++) {
		struct pump *p = malloc(sizeof(*p));

		CHECK(p != NULL);
		*p = (struct pump){ .l = l, .worker = i };
		CHECK(pthread_create(&l->pumps[i], NULL, pump_run, p) == 0);
		l->pump_count++;
	}
}

static void
pumps_stop(struct life *l)
{
	const uint64_t one = 1;

	CHECK(write(l->stop_fd, &one, sizeof(one)) == sizeof(one));
	while (l->pump_count > 0)
		CHECK(pthread_join(l->pumps[--l->pump_count], NULL) == 0);
	CHECK(close(l->stop_fd) == 0);
}

void
life_begin(struct life *l, const struct life_way *way)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = way->way,
		.workers = way->workers,
		.apart = way->apart,
		.queues = way->queues,
	};

	(void)signal(SIGALRM, out_of_patience);
	(void)alarm(LIFE_PATIENCE_S);
	*l = (struct life){ .way = way };
	CHECK(epair_new(&opts, &l->ep, NULL) == 0);
	if (way->way == EPAIR_LOOP)
		pumps_start(l);
}

void
life_end(struct life *l)
{
	/* A pair that was destroyed in its own callback may still be at it. */
	AWAIT(life_usage(l->ep).mbufs == 0);
	CHECK(life_usage(l->ep).pairs == 0);
	CHECK(life_usage(l->ep).tasks_waiting == 0);
	if (l->pump_count > 0)
		pumps_stop(l);
	CHECK(epair_free(l->ep) == 0);
	(void)alarm(0);
}

static int
set_up(void **state)
{
	const struct which *which = *state;
	struct life *l = malloc(sizeof(*l));

	CHECK(l != NULL);
	running = which->name;
	life_begin(l, which->way);
	*state = l;
	return 0;
}

static int
tear_down(void **state)
{
	life_end(*state);
	free(*state);
	return 0;
}

int
life_run(const struct life_test *tests, size_t count)
{
	static struct which whiches[TESTS_MAX * COUNT(ways)];
	struct CMUnitTest units[TESTS_MAX * COUNT(ways)];
	size_t n = 0;

	CHECK(count <= TESTS_MAX);
	for (size_t i = 0; i < count * COUNT(ways); i++) {
		struct which *which = &whiches[n];

		which->test = &tests[i / COUNT(ways)];
		which->way = &ways[i % COUNT(ways)];
		if (which->test->workers > which->way->workers ||
		    which->test->queues > which->way->queues ||
		    (which->test->workers > 1 && which->way->apart))
			continue;
		(void)snprintf(which->name, sizeof(which->name), "%s (%s)",
		    which->test->name, which->way->name);
		units[n++] = (struct CMUnitTest){
			.name = which->name,
			.test_func = which->test->run,
			.setup_func = set_up,
			.teardown_func = tear_down,
			.initial_state = which,
		};
	}
	if (getenv("LIFE_ONLY") != NULL)
		cmocka_set_test_filter(getenv("LIFE_ONLY"));
	return _cmocka_run_group_tests("life", units, n, NULL, NULL);
}

void
life_pair(struct epair *ep, struct epair_if **a, struct epair_if **b)
{
	CHECK(epair_if_create(ep, NULL, "epair", NULL, a, NULL) == 0);
	*b = epair_if_peer(*a);
	CHECK(epair_if_up(*a) == 0);
	CHECK(epair_if_up(*b) == 0);
}

void
life_pair_end(struct epair_if *a, struct epair_if *b)
{
	int error = epair_if_destroy(a, NULL);

	CHECK(error == 0 || error == -ENXIO);
	epair_if_put(a);
	epair_if_put(b);
}

static void
caught(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	struct catcher *c = arg;
	life_then *then;

	(void)__atomic_fetch_add(&c->inside, 1, __ATOMIC_ACQ_REL);
	(void)__atomic_fetch_add(&c->frames, n, __ATOMIC_ACQ_REL);
	then = __atomic_load_n(&c->then, __ATOMIC_ACQUIRE);
	if (then != NULL)
		then(c, ifp, ms, &n);
	epair_mbuf_free(ms, n);
	(void)__atomic_fetch_sub(&c->inside, 1, __ATOMIC_ACQ_REL);
}

static void
let_go(void *arg, struct epair_if *ifp)
{
	struct catcher *c = arg;

	CHECK(__atomic_load_n(&c->inside, __ATOMIC_ACQUIRE) == 0);
	if (c->at_end != NULL)
		c->at_end(c, ifp);
	(void)__atomic_fetch_add(&c->detached, 1, __ATOMIC_ACQ_REL);
}

void
life_catch(struct epair_if *ifp, struct catcher *c)
{
	const struct epair_stack stack = {
		.size = sizeof(stack),
		.receive = caught,
		.detached = let_go,
	};

	CHECK(epair_attach_stack(ifp, &stack, c, NULL) == 0);
}

void
life_set_then(struct catcher *c, life_then *then)
{
	__atomic_store_n(&c->then, then, __ATOMIC_RELEASE);
}

bool
life_is_idle(struct catcher *c, uint64_t frames)
{
	return life_caught(c) == frames &&
	       __atomic_load_n(&c->inside, __ATOMIC_ACQUIRE) == 0;
}

uint64_t
life_caught(struct catcher *c)
{
	return __atomic_load_n(&c->frames, __ATOMIC_ACQUIRE);
}

uint32_t
life_detached(struct catcher *c)
{
	return __atomic_load_n(&c->detached, __ATOMIC_ACQUIRE);
}

#define FRAME_LEN 60u

struct epair_mbuf *
life_frame(struct epair *ep)
{
	static const uint8_t octets[FRAME_LEN] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0,
		0, 2, 0x88, 0xb5 };
	struct epair_mbuf *m = epair_mbuf_from(ep, octets, sizeof(octets));

	CHECK(m != NULL);
	return m;
}

struct epair_mbuf *
life_flow(struct epair *ep, unsigned flow)
{
	static const uint8_t header[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2,
		0x08, 0x00, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 198, 18,
		0, 1, 198, 18, 0, 2 };
	struct epair_mbuf *m = life_frame(ep);

	memcpy(m->data, header, sizeof(header));
	m->data[28] = (uint8_t)(flow >> 8);
	m->data[29] = (uint8_t)flow;
	return m;
}

unsigned
life_flows(struct epair_if *to, unsigned flows[2])
{
	struct epair *ep = epair_if_instance(to);
	struct epair_if *from = epair_if_peer(to);
	struct epair_if_info info = { .size = sizeof(info) };
	struct epair_capture *cap;
	struct epair_record rec;
	unsigned found = 0, flow;

	CHECK(epair_if_get_info(to, &info) == 0);
	CHECK(epair_capture_open(to, NULL, &cap, NULL) == 0);
	flows[0] = flows[1] = 0;
	for (flow = 0; found < info.queues; flow++) {
		CHECK(life_send(from, life_flow(ep, flow)) == 0);
		do
			AWAIT(epair_capture_next(cap, &rec) == 1);
		while (rec.outbound);
		if (rec.queue == found)
			flows[found++] = flow;
	}
	epair_capture_close(cap);
	epair_if_put(from);
	return flow;
}

int
life_send(struct epair_if *ifp, struct epair_mbuf *m)
{
	return epair_if_transmit(ifp, &m, 1);
}

struct epair_if_stats
life_stats(struct epair_if *ifp)
{
	struct epair_if_stats s = { .size = sizeof(s) };

	CHECK(epair_if_get_stats(ifp, &s) == 0);
	return s;
}

struct epair_usage
life_usage(struct epair *ep)
{
	struct epair_usage u = { .size = sizeof(u) };

	CHECK(epair_get_usage(ep, &u) == 0);
	return u;
}

int
life_is_destroyed(struct epair_if *ifp)
{
	struct epair_if_info info = { .size = sizeof(info) };

	return epair_if_get_info(ifp, &info) == -ENXIO;
}

/* Drops on the sending side, and on the receiving one before the stack. */
static const enum epair_drop on_tx[] = { EPAIR_DROP_TOO_LONG,
	EPAIR_DROP_NOT_RUNNING, EPAIR_DROP_NOT_UP, EPAIR_DROP_PEER_DOWN,
	EPAIR_DROP_QDISC, EPAIR_DROP_QUEUE_FULL, EPAIR_DROP_LIMIT,
	EPAIR_DROP_NO_MEMORY, EPAIR_DROP_IMPAIR_LIMIT, EPAIR_DROP_IMPAIR_CUT,
	EPAIR_DROP_IMPAIR_LOSS };
static const enum epair_drop on_rx[] = { EPAIR_DROP_RX_DOWN,
	EPAIR_DROP_RX_SHORT, EPAIR_DROP_RX_MONITOR, EPAIR_DROP_RX_NO_STACK,
	EPAIR_DROP_RX_OFFLOAD, EPAIR_DROP_RX_NO_MBUF, EPAIR_DROP_RX_DESTROYED };

static uint64_t
sum(const struct epair_if_stats *s, const enum epair_drop *reasons, size_t n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += s->drops[reasons[i]];
	return total;
}

bool
life_is_settled(struct epair_if *ifp, int64_t sent, char why[160])
{
	struct epair_if *peer = epair_if_peer(ifp);
	struct epair_if_stats tx = life_stats(ifp), rx = life_stats(peer);
	struct epair_link_stats link = { .size = sizeof(link) };
	uint64_t refused = sum(&tx, on_tx, COUNT(on_tx));
	uint64_t lost = sum(&rx, on_rx, COUNT(on_rx));

	epair_if_put(peer);
	CHECK(epair_if_get_link_stats(ifp, &link) == 0);
	if (why != NULL)
		(void)snprintf(why, 160,
		    "sent %lld, doubled %llu, opackets %llu, refused %llu, "
		    "ipackets %llu, delivered %llu, lost %llu, queued %llu",
		    (long long)sent, (unsigned long long)link.duplicated,
		    (unsigned long long)tx.opackets,
		    (unsigned long long)refused,
		    (unsigned long long)rx.ipackets,
		    (unsigned long long)rx.delivered, (unsigned long long)lost,
		    (unsigned long long)rx.queued);
	if (rx.queued > 0 || link.waiting > 0 || link.under_way > 0)
		return false;
	if (sent >= 0 &&
	    (uint64_t)sent + link.duplicated != refused + lost + rx.delivered)
		return false;
	/* What a link drops is refused or lost after it was sent. */
	return link.sent > 0 || (tx.opackets == rx.ipackets &&
				    rx.ipackets == rx.delivered + lost);
}

/* splitmix64, public domain (Vigna) */
uint64_t
life_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

unsigned
life_below(uint64_t *state, unsigned n)
{
	return (unsigned)(life_random(state) % n);
}
