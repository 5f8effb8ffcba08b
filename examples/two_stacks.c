/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * two_stacks.c - two network stacks, a cable, a question and an answer.
 *
 *	 a: a queue that main() empties        b: functions of ours
 *	   epair_if_recv()                       answer()
 *	         |                                  |
 *	      epair0a ========= the cable ====== epair0b
 *
 * Built against the installed library:
 *
 *	cc two_stacks.c $(pkg-config --cflags --libs epair) && ./a.out
 *
 * It runs in simulated time: nothing happens but when we call epair_run(), and
 * each run prints the same. That is what one wants in a test. With .way =
 * EPAIR_THREADS the library's threads would do the work meanwhile, and with
 * EPAIR_LOOP our own event loop; see epair_instance(3). Nothing else changes.
 */
#include <epair/epair.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An Ethernet frame without its FCS, as short as a wire would have it. */
#define FRAME_LEN 60
#define ETHER_LEN 14

/* 0x88b5 is for experiments (IEEE 802): no real stack will mistake us. */
static const unsigned char type[2] = { 0x88, 0xb5 };

/* Configuration calls say what was wrong in a sentence. */
static struct epair_err err;

static void
check(int error)
{
	if (error == 0)
		return;
	(void)fprintf(stderr, "%s: %s\n", epair_err_name(error), err.text);
	exit(1);
}

/* The address is the interface's, and the library chose it. */
static void
get_mac(struct epair_if *ifp, unsigned char *mac)
{
	struct epair_if_info info = { .size = sizeof(info) };

	check(epair_if_get_info(ifp, &info));
	memcpy(mac, info.mac, 6);
}

static struct epair_mbuf *
make_frame(struct epair *ep, const unsigned char *dst, const unsigned char *src,
    const char *text)
{
	unsigned char octets[FRAME_LEN] = { 0 };

	memcpy(octets, dst, 6);
	memcpy(octets + 6, src, 6);
	memcpy(octets + 12, type, 2);
	(void)snprintf(
	    (char *)octets + ETHER_LEN, FRAME_LEN - ETHER_LEN, "%s", text);
	return epair_mbuf_from(ep, octets, sizeof(octets));
}

static void
print_frame(const char *who, const struct epair_mbuf *m)
{
	char text[FRAME_LEN - ETHER_LEN + 1] = "";

	/* A frame may be a chain of mbufs: read across it. */
	(void)epair_mbuf_read(m, ETHER_LEN, text, sizeof(text) - 1);
	printf("%s received %u octets: %s\n", who, m->pktlen, text);
}

/*
 * Stack b. The frames in ms are ours now: we free each, keep it, or transmit
 * it, and transmitting takes it. A callback may call anything.
 */
static void
answer(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	unsigned *answered = arg;
	unsigned char mac[6], from[6];
	struct epair_mbuf *reply;

	get_mac(ifp, mac);
	for (unsigned i = 0; i < n; i++) {
		print_frame("b", ms[i]);
		(void)epair_mbuf_read(ms[i], 6, from, sizeof(from));
		reply = make_frame(
		    epair_if_instance(ifp), from, mac, "I am here");
		if (reply != NULL && epair_if_transmit(ifp, &reply, 1) == 0)
			++*answered;
	}
	epair_mbuf_free(ms, n);
}

/* Where did every frame go? */
static void
print_stats(const char *who, struct epair_if *ifp)
{
	struct epair_if_stats stats = { .size = sizeof(stats) };

	check(epair_if_get_stats(ifp, &stats));
	printf("%s: sent %llu, received %llu\n", who,
	    (unsigned long long)stats.opackets,
	    (unsigned long long)stats.delivered);
	for (int i = 0; i < EPAIR_DROP_MAX; i++)
		if (stats.drops[i] > 0)
			printf("%s: dropped %llu: %s\n", who,
			    (unsigned long long)stats.drops[i],
			    epair_drop_sentence((enum epair_drop)i));
}

int
main(void)
{
	/* `size` in front lets such a struct grow; all else zero is default. */
	struct epair_opts opts = { .size = sizeof(opts), .way = EPAIR_SIM };
	struct epair_stack stack = { .size = sizeof(stack), .receive = answer };
	unsigned char mac_a[6], mac_b[6];
	unsigned answered = 0;
	struct epair_mbuf *m;
	struct epair_if *a, *b;
	struct epair *ep;

	/* An instance, and in it a pair: epair0a and epair0b. */
	check(epair_new(&opts, &ep, &err));
	check(epair_if_create(ep, NULL, "epair", NULL, &a, &err));
	b = epair_if_peer(a);

	/* Who plays the stacks; and nothing passes an end that is not UP. */
	check(epair_attach_pull(a, 0, &err));
	check(epair_attach_stack(b, &stack, &answered, &err));
	check(epair_if_up(a));
	check(epair_if_up(b));

	/* a asks. The frame is in the queue of b when this returns. */
	get_mac(a, mac_a);
	get_mac(b, mac_b);
	m = make_frame(ep, mac_b, mac_a, "Is anybody there?");
	if (m == NULL)
		return 1;
	check(epair_if_transmit(a, &m, 1));

	/* Deliver it, and the answer, and whatever comes of that. */
	(void)epair_run(ep, 0);

	while (epair_if_recv(a, &m, 1) == 1) {
		print_frame("a", m);
		epair_mbuf_free(&m, 1);
	}
	print_stats("a", a);
	print_stats("b", b);

	/*
	 * References first: while we hold one the instance stays. Freeing it
	 * destroys the pair, and says whether we have forgotten a frame.
	 */
	epair_if_put(a);
	epair_if_put(b);
	check(epair_free(ep));
	return answered == 1 ? 0 : 1;
}
