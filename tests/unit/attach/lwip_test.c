/* SPDX-License-Identifier: BSD-2-Clause */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "question.h"
#include "unit/api/rig.h"

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

#define SERVER "lwip:addr=10.0.0.2/24,addr=fd00::2/64"
#define CLIENT "lwip:addr=10.0.0.1/24,addr=fd00::1/64,"

/* The rig's pair with nothing attached, and what is told of it. */
static struct epair_sub *sub;

static int
set_up(void **state)
{
	struct rig *r;

	if (rig_setup_bare(state) != 0)
		return -1;
	r = *state;
	r->a = make(r->ep, NULL, "epair0");
	r->b = epair_if_peer(r->a);
	assert_int_equal(epair_if_up(r->a), 0);
	assert_int_equal(epair_if_up(r->b), 0);
	run(r);
	assert_int_equal(epair_subscribe(r->ep, 0, &sub, NULL), 0);
	return 0;
}

static int
tear_down(void **state)
{
	epair_unsubscribe(sub);
	return rig_teardown(state);
}

#define LWIP_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void
attach(struct epair_if *ifp, const char *spec)
{
	struct epair_err err = { .text = "" };

	if (epair_attach(ifp, spec, &err) != 0)
		fail_msg("%s: %s", spec, err.text);
}

static struct epair_progress
progress(struct epair_if *ifp)
{
	struct epair_progress p = { .size = sizeof(p) };

	assert_int_equal(epair_attach_progress(ifp, &p), 0);
	return p;
}

static int
is_done(void *arg)
{
	return progress(arg).done;
}

/* Let time pass until the jobs of a are done. */
static void
await(struct rig *r, uint64_t ns)
{
	assert_int_equal(epair_advance_until(r->ep, ns, is_done, r->a), 1);
}

/* Find what an interface's attachment told, beginning so. */
static int
told(const char *ifname, const char *begin, struct epair_event *ev)
{
	while (epair_event_next(sub, ev) == 1)
		if (ev->type == EPAIR_EVENT_ATTACHMENT &&
		    strcmp(ev->name, ifname) == 0 &&
		    strncmp(ev->detail, begin, strlen(begin)) == 0)
			return 1;
	return 0;
}

static void
crc_of(const struct epair_event *ev, char crc[9])
{
	const char *at = strstr(ev->detail, "CRC-32 ");

	assert_non_null(at);
	(void)snprintf(crc, 9, "%s", at + strlen("CRC-32 "));
}

static void
ping_is_answered(void **state)
{
	static const char *const to[] = { "10.0.0.2", "fd00::2" };
	struct rig *r = *state;
	struct epair_event ev;
	char spec[96], answer[96];

	attach(r->b, SERVER);
	for (unsigned i = 0; i < 2; i++) {
		(void)snprintf(spec, sizeof(spec),
		    CLIENT "ping=%s,count=3,interval=200ms", to[i]);
		(void)snprintf(answer, sizeof(answer),
		    "ping %s: 3 sent, 3 received", to[i]);
		attach(r->a, spec);
		await(r, 1 * S);
		assert_int_equal(progress(r->a).failed, 0);
		(void)epair_advance(r->ep, 10 * MS);
		if (!told("epair0a", answer, &ev))
			fail_msg("not told: %s", answer);
		assert_int_equal(epair_detach(r->a, NULL), 0);
	}
}

static void
ping_takes_as_long_as_the_cable(void **state)
{
	struct rig *r = *state;
	struct epair_event ev;

	attach(r->b, SERVER);
	assert_int_equal(epair_if_set_link(r->a, "delay 30ms", NULL), 0);
	assert_int_equal(epair_if_set_link(r->b, "delay 12ms", NULL), 0);
	attach(r->a, CLIENT "ping=10.0.0.2,count=2");
	await(r, 2 * S);
	(void)epair_advance(r->ep, 10 * MS);
	assert_true(told("epair0a", "ping ", &ev));
	/* the first one waits for ARP */
	assert_non_null(strstr(ev.detail, "42000/63000/84000 us"));
}

static void
ping_that_nobody_answers_has_failed(void **state)
{
	struct rig *r = *state;

	attach(r->b, SERVER);
	attach(r->a, CLIENT "ping=10.0.0.3,count=2,interval=10ms");
	await(r, 30 * MS);
	assert_int_equal(progress(r->a).failed, 1);
}

static void
stream_comes_back_as_it_was_sent(void **state)
{
	static const char *const to[] = { "10.0.0.2", "fd00::2" };
	struct rig *r = *state;
	char spec[96];

	attach(r->b, SERVER);
	for (unsigned i = 0; i < 2; i++) {
		(void)snprintf(
		    spec, sizeof(spec), CLIENT "send=%s,bytes=3000001", to[i]);
		attach(r->a, spec);
		await(r, 20 * S);
		assert_int_equal(progress(r->a).failed, 0);
		assert_int_equal(progress(r->a).octets_sent, 3000001);
		assert_int_equal(progress(r->a).octets_received, 3000001);
		assert_int_equal(epair_detach(r->a, NULL), 0);
	}
}

static void
discard_tells_the_checksum_of_what_it_got(void **state)
{
	struct rig *r = *state;
	struct epair_event ev;
	char sent[9], got[9];

	attach(r->b, SERVER);
	attach(r->a, CLIENT "send=10.0.0.2,port=9,bytes=1000000");
	await(r, 20 * S);
	assert_int_equal(progress(r->a).failed, 0);
	assert_int_equal(progress(r->a).octets_received, 0);
	(void)epair_advance(r->ep, 10 * MS);
	assert_true(
	    told("epair0b", "discard: 1000000 octets from 10.0.0.1", &ev));
	crc_of(&ev, got);
	assert_true(
	    told("epair0a", "send 10.0.0.2 port 9: 1000000 octets", &ev));
	crc_of(&ev, sent);
	assert_string_equal(sent, got);
}

static void
chargen_sends_until_it_is_told_to_end(void **state)
{
	struct rig *r = *state;

	attach(r->b, SERVER);
	attach(r->a, CLIENT "send=fd00::2,port=19,bytes=100k");
	await(r, 20 * S);
	assert_int_equal(progress(r->a).failed, 0);
	assert_in_range(progress(r->a).octets_received, 74, 100000000);
}

static void
port_without_a_service_is_refused(void **state)
{
	struct rig *r = *state;
	struct epair_event ev;

	attach(r->b, "lwip:addr=10.0.0.2/24,services=discard+echo");
	attach(r->a, CLIENT "send=10.0.0.2,port=19");
	await(r, 1 * S);
	assert_int_equal(progress(r->a).failed, 1);
	(void)epair_advance(r->ep, 10 * MS);
	assert_true(told("epair0a", "send ", &ev));
	assert_non_null(strstr(ev.detail, "reset"));
}

static void
stream_over_a_bad_cable_arrives_whole(void **state)
{
	const char *words = "delay 20ms 5ms loss 1% reorder 2% gap 3 "
			    "duplicate 1% corrupt 0.1% limit 100000";
	struct rig *r = *state;

	assert_int_equal(epair_if_set_link(r->a, words, NULL), 0);
	assert_int_equal(epair_if_set_link(r->b, words, NULL), 0);
	attach(r->b, SERVER);
	attach(r->a, CLIENT "send=10.0.0.2,bytes=4M");
	await(r, 600 * S);
	assert_int_equal(progress(r->a).failed, 0);
	assert_int_equal(progress(r->a).octets_received, 4 << 20);
}

/* Eight stacks, all with the same addresses, each with its own to talk to. */
static void
stacks_of_a_process_are_strangers(void **state)
{
	enum { PAIRS = 4 };
	struct rig *r = *state;
	struct epair_if *ends[PAIRS], *peer;

	for (unsigned i = 0; i < PAIRS; i++) {
		ends[i] = make(r->ep, NULL, "epair");
		peer = epair_if_peer(ends[i]);
		assert_int_equal(epair_if_up(ends[i]), 0);
		assert_int_equal(epair_if_up(peer), 0);
		attach(peer, SERVER);
		attach(ends[i], i % 2 == 0 ? CLIENT "send=10.0.0.2,bytes=300k"
					   : CLIENT "send=fd00::2,bytes=20k");
		epair_if_put(peer);
	}
	for (unsigned i = 0; i < PAIRS; i++) {
		assert_int_equal(
		    epair_advance_until(r->ep, 10 * S, is_done, ends[i]), 1);
		assert_int_equal(progress(ends[i]).failed, 0);
		assert_int_equal(progress(ends[i]).octets_received,
		    i % 2 == 0 ? 300 << 10 : 20 << 10);
	}
	for (unsigned i = 0; i < PAIRS; i++)
		destroy(ends[i]);
}

static void
stack_can_be_detached_in_the_middle_of_a_stream(void **state)
{
	struct rig *r = *state;

	attach(r->b, SERVER);
	attach(r->a, CLIENT "send=10.0.0.2,bytes=100M");
	assert_int_equal(epair_if_set_link(r->a, "delay 1ms", NULL), 0);
	(void)epair_advance(r->ep, 100 * MS);
	assert_in_range(progress(r->a).octets_received, 1, 99 << 20);
	assert_int_equal(epair_detach(r->b, NULL), 0);
	(void)epair_advance(r->ep, 1 * S);
	assert_int_equal(epair_detach(r->a, NULL), 0);
}

/* A datagram to the echo service, made of a ping, and from which port. */
static void
ask_echo(struct question *q, uint16_t from)
{
	static const uint8_t datagram[] = { 0, 0, 0, 7, 0, 12, 0, 0, 't', 'e',
		'x', 't' };
	uint8_t *ip;
	uint32_t sum;

	ask_ping4(q, 0, sizeof(datagram) - 8);
	ip = q->octets + q->l3;
	memcpy(ip + 20, datagram, sizeof(datagram));
	ip[20] = (uint8_t)(from >> 8);
	ip[21] = (uint8_t)from;
	/* ICMP becomes UDP, 1 becomes 17: and so the header's checksum. */
	ip[9] = 17;
	sum = (uint32_t)(ip[10] << 8 | ip[11]) + 0xffff - 16;
	sum = (sum & 0xffff) + (sum >> 16);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

/* How many frames come back for that. */
static unsigned
answers_to(struct rig *r, const struct question *q)
{
	forget(&r->at_a);
	assert_int_equal(
	    transmit(r->a, epair_mbuf_from(r->ep, q->octets, q->len)), 0);
	run(r);
	return r->at_a.count;
}

static void
datagram_of_a_service_is_not_echoed(void **state)
{
	struct rig *r = *state;
	struct question q;

	keep(r->a, &r->at_a);
	attach(r->b, SERVER);
	assert_int_equal(epair_if_set_mac(r->b, echoer_mac, NULL), 0);
	run(r);
	ask_arp(&q, 0); /* so that it knows us */
	assert_int_equal(answers_to(r, &q), 1);
	ask_echo(&q, 1024);
	assert_int_equal(answers_to(r, &q), 1);
	assert_int_equal(r->at_a.ms[0]->pktlen, q.len);
	ask_echo(&q, 1023);
	assert_int_equal(answers_to(r, &q), 0);
	ask_echo(&q, 7);
	assert_int_equal(answers_to(r, &q), 0);
}

static void
wrong_options_are_named(void **state)
{
	static const struct {
		const char *spec, *word;
	} wrong[] = {
		{ "lwip:services=echo+http", "'http'" },
		{ "lwip:services=", "services" },
		{ "lwip:addr=10.0.0.1/24,addr=10.0.0.2/24", "addr" },
		{ "lwip:addr=fd00::1/48", "addr" },
		{ "lwip:addr=fd00::1,addr=fd00::2,addr=fd00::3,addr=fd00::4,"
		  "addr=fd00::5",
		    "addr" },
		{ "lwip:gw=10.0.0.1,gw=10.0.0.2", "gw" },
		{ "lwip:ping=host", "ping" },
		{ "lwip:port=70000", "port" },
		{ "lwip:port=0", "port" },
		{ "lwip:bytes=0", "bytes" },
		{ "lwip:interval=1us", "interval" },
	};
	struct rig *r = *state;
	struct epair_err err;

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(
		    epair_attach(r->a, wrong[i].spec, &err), -EINVAL);
		if (strstr(err.text, wrong[i].word) == NULL)
			fail_msg("%s: %s", wrong[i].spec, err.text);
	}
}

/* With the library's threads, and more than one queue: real time. */
static void
stream_flows_in_real_time(void **state)
{
	const struct epair_opts opts = {
		.size = sizeof(opts), .workers = 2, .queues = 2
	};
	struct epair_event ev = { .type = EPAIR_EVENT_CREATE };
	struct epair_if *a, *b;
	struct epair *ep;
	struct pollfd pfd;

	(void)state;
	assert_int_equal(epair_new(&opts, &ep, NULL), 0);
	a = make(ep, NULL, "epair0");
	b = epair_if_peer(a);
	assert_int_equal(epair_if_up(a), 0);
	assert_int_equal(epair_if_up(b), 0);
	epair_unsubscribe(sub);
	assert_int_equal(epair_subscribe(ep, 0, &sub, NULL), 0);
	attach(b, SERVER);
	attach(a,
	    CLIENT "send=10.0.0.2,bytes=4M,ping=10.0.0.2,count=1,interval=30s");
	pfd = (struct pollfd){ .fd = epair_event_fd(sub), .events = POLLIN };
	while (!progress(a).done)
		(void)poll(&pfd, 1, 10);
	assert_int_equal(progress(a).failed, 0);
	assert_int_equal(progress(a).octets_received, 4 << 20);
	while (strncmp(ev.detail, "send ", 5) != 0)
		if (epair_event_next(sub, &ev) != 1)
			(void)poll(&pfd, 1, -1);
	epair_unsubscribe(sub);
	sub = NULL;
	destroy(a);
	epair_if_put(b);
	assert_int_equal(epair_free(ep), 0);
}

/* Whether this build has lwIP. */
static int
is_here(void)
{
	struct epair *ep = instance();
	struct epair_if *a = make(ep, NULL, "epair");
	int error = epair_attach(a, "lwip", NULL);

	destroy(a);
	instance_free(ep);
	return error != -EOPNOTSUPP;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LWIP_TEST(ping_is_answered),
		LWIP_TEST(ping_takes_as_long_as_the_cable),
		LWIP_TEST(ping_that_nobody_answers_has_failed),
		LWIP_TEST(stream_comes_back_as_it_was_sent),
		LWIP_TEST(discard_tells_the_checksum_of_what_it_got),
		LWIP_TEST(chargen_sends_until_it_is_told_to_end),
		LWIP_TEST(port_without_a_service_is_refused),
		LWIP_TEST(stream_over_a_bad_cable_arrives_whole),
		LWIP_TEST(stacks_of_a_process_are_strangers),
		LWIP_TEST(stack_can_be_detached_in_the_middle_of_a_stream),
		LWIP_TEST(datagram_of_a_service_is_not_echoed),
		LWIP_TEST(wrong_options_are_named),
		LWIP_TEST(stream_flows_in_real_time),
	};

	if (!is_here()) {
		printf("1..0 # SKIP this build has no lwIP\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
