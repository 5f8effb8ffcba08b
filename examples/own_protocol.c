/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * own_protocol.c - a protocol of one's own, and its test on a bad cable.
 *
 * The protocol: a numbers its messages and sends each again every 50 ms until it
 * is acknowledged; b acknowledges what it gets, and takes it if it is new. The
 * cable loses every third frame of a, a quarter of b's, and delays all.
 *
 * Built against the installed library:
 *
 *	cc own_protocol.c $(pkg-config --cflags --libs libepair) && ./a.out
 *
 * Time is simulated: the test takes two seconds of the cable's time and a
 * millisecond of yours, and does the same on every run. When it fails, the
 * capture own_protocol.pcapng is there to be looked at with Wireshark.
 */
#include <epair/epair.h>
#include <epair/test.h>

#include <string.h>

#define MESSAGES 10

/* Ethernet header, with a type for experiments (IEEE 802), and one octet. */
struct message {
	unsigned char dst[6], src[6], type[2], number;
};

struct side {
	struct epair_test *test;
	char end;
	unsigned char number; /* a: being sent; b: taken last */
	unsigned again; /* a: how often something was sent again */
	unsigned char taken[MESSAGES + 1];
};

static void
send_number(struct side *s, unsigned char number)
{
	struct message m = {
		.dst = { 2 }, .src = { 2 }, .type = { 0x88, 0xb5 }
	};

	m.number = number;
	epair_test_send(s->test, s->end, &m, sizeof(m));
}

/* Send what is not acknowledged; the timer does it again. */
static void
try(void *arg)
{
	struct side *s = arg;

	if (s->number > MESSAGES)
		return;
	s->again++;
	send_number(s, s->number);
	epair_test_after(s->test, EPAIR_TEST_MS(50), try, s);
}

static void
on_frame(struct side *s, unsigned char number)
{
	if (s->end == 'a' && number == s->number) {
		s->number++;
		s->again--; /* the first time is not again */
		return;
	}
	if (s->end == 'b' && number == s->number + 1) {
		s->taken[s->number] = number;
		s->number = number;
	}
	if (s->end == 'b')
		send_number(s, number);
}

static void
receive(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	struct message m;

	(void)ifp;
	for (unsigned i = 0; i < n; i++)
		if (epair_mbuf_read(ms[i], 0, &m, sizeof(m)) == sizeof(m))
			on_frame(arg, m.number);
	epair_mbuf_free(ms, n);
}

int
main(void)
{
	struct epair_test_opts opts = {
		.size = sizeof(opts),
		.name = "own_protocol",
		.link_a = "loss every 3 delay 5ms",
		.link_b = "loss 25% delay 5ms",
		.capture = "own_protocol.pcapng",
	};
	struct epair_stack stack = { .size = sizeof(stack),
		.receive = receive };
	struct epair_test *t = epair_test_new(&opts);
	struct side a = { .test = t, .end = 'a', .number = 1 };
	struct side b = { .test = t, .end = 'b' };

	epair_test_stack(t, 'a', &stack, &a);
	epair_test_stack(t, 'b', &stack, &b);
	try(&a);

	/* The first crosses the cable in 5 ms, and not earlier. */
	EPAIR_EXPECT_NEVER(t, EPAIR_TEST_US(4999), b.number == 1);
	EPAIR_EXPECT(t, EPAIR_TEST_US(1), b.number == 1);

	/* All of them, in order, within two seconds; and some more than once. */
	EPAIR_EXPECT(t, EPAIR_TEST_S(2), a.number > MESSAGES);
	EPAIR_EXPECT(t, 0, memcmp(b.taken, "\1\2\3\4\5\6\7\10\11\12", 11) == 0);
	EPAIR_EXPECT(t, 0, a.again > 0);
	return epair_test_free(t);
}
