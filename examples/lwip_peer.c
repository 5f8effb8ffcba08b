/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwip_peer.c - a TCP/IP stack under test, with lwIP as its peer.
 *
 * The stack under test is at a. Here that is an lwIP, too, so that there is
 * something to see; put your own there by epair_test_stack(). lwIP at b answers
 * ping and serves echo, discard and chargen. The cable is cut for a second in the
 * middle of a transfer.
 *
 *	cc lwip_peer.c $(pkg-config --cflags --libs libepair) && ./a.out
 */
#include <epair/epair.h>
#include <epair/test.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PEER "lwip:addr=10.0.0.2/24,addr=fd00::2/64"

/* Whether this build of the library has lwIP. */
static int
has_lwip(struct epair_test *t)
{
	int error = epair_attach(epair_test_if(t, 'b'), "lwip", NULL);

	if (error == 0)
		(void)epair_detach(epair_test_if(t, 'b'), NULL);
	return error != -EOPNOTSUPP;
}

/* Whether what was told ends with that. */
static int
ends_with(const char *told, const char *end)
{
	size_t len = told != NULL ? strlen(told) : 0;

	return len >= strlen(end) && strcmp(told + len - strlen(end), end) == 0;
}

int
main(void)
{
	struct epair_test_opts opts = {
		.size = sizeof(opts),
		.name = "lwip_peer",
		.seed = 1,
		.link_a = "delay 10ms rate 10mbit",
		.link_b = "delay 10ms loss 0.5%",
		.scenario = "at 1s link both cut\n"
			    "after 1s link both cut off\n",
	};
	struct epair_test *t = epair_test_new(&opts);

	if (!has_lwip(t)) {
		printf("this build has no lwIP\n");
		(void)epair_test_free(t);
		return 77;
	}
	epair_test_attach(t, 'b', PEER);
	epair_test_attach(t, 'a',
	    "lwip:addr=10.0.0.1/24,ping=10.0.0.2,count=3,interval=100ms");

	/* 20 ms there and back, and as much for ARP: */
	EPAIR_EXPECT(t, EPAIR_TEST_MS(300), epair_test_told(t, 'a', "ping "));
	EPAIR_EXPECT(t, 0,
	    strstr(epair_test_told(t, 'a', "ping "), "3 sent, 3 received"));

	/* Not through when the cable is cut, but then, and all of it right. */
	(void)epair_detach(epair_test_if(t, 'a'), NULL);
	epair_test_attach(
	    t, 'a', "lwip:addr=10.0.0.1/24,send=10.0.0.2,bytes=2M");
	EPAIR_EXPECT_NEVER(
	    t, EPAIR_TEST_S(1), epair_test_told(t, 'a', "send "));
	EPAIR_EXPECT(t, EPAIR_TEST_S(60), epair_test_told(t, 'a', "send "));
	EPAIR_EXPECT(
	    t, 0, ends_with(epair_test_told(t, 'a', "send "), "2097152 back"));
	printf("%s\n", epair_test_told(t, 'a', "send "));
	return epair_test_free(t);
}
