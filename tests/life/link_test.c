/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Links that change, and pairs that end, while frames are on their way.
 */
#include "life.h"

#include "base/atomic.h"

#define SENDERS 2u
#define CHANGES 300u

struct sender {
	struct epair_if *ifp;
	uint64_t sent;
	uint32_t stop; /* atomic */
	pthread_t thread;
};

static void *
sender_run(void *arg)
{
	struct sender *s = arg;
	struct epair *ep = epair_if_instance(s->ifp);

	while (!ep_load_relaxed(&s->stop)) {
		(void)life_send(s->ifp, life_flow(ep, (unsigned)s->sent % 8));
		/* Not so fast that changes find no time to matter. */
		if (++s->sent % 64 == 0)
			(void)usleep(20);
	}
	return NULL;
}

static void
senders_start(struct sender *s, struct epair_if *ifp)
{
	for (unsigned i = 0; i < SENDERS; i++) {
		s[i] = (struct sender){ .ifp = ifp };
		CHECK(
		    pthread_create(&s[i].thread, NULL, sender_run, &s[i]) == 0);
	}
}

static uint64_t
senders_stop(struct sender *s)
{
	uint64_t sent = 0;

	for (unsigned i = 0; i < SENDERS; i++)
		ep_store_relaxed(&s[i].stop, 1);
	for (unsigned i = 0; i < SENDERS; i++) {
		CHECK(pthread_join(s[i].thread, NULL) == 0);
		sent += s[i].sent;
	}
	return sent;
}

static const char *const links[] = { "delay 1ms 1ms", "rate 100mbit", "loss 5%",
	"duplicate 5% corrupt 5%", "ber 1e-4", "ordered", "none", "delay 100us",
	"slot 100us packets 5", "loss 5% ecn",
	"rate 1gbit burst 64k limit 50 drop head", "loss gemodel 5% 20%", "cut",
	"cut off", "rate 0", "delay 0" };
static const char *const disciplines[] = { "none", "fifo:limit=50",
	"fq-codel:limit=200", "codel:target=100us,interval=1ms", "priq",
	"drr:limit=100", "htb:limit=100,class=1:50mbit:200mbit" };

static void
change(struct epair_if *ifp, uint64_t *rnd)
{
	const unsigned l = sizeof(links) / sizeof(links[0]);
	const unsigned d = sizeof(disciplines) / sizeof(disciplines[0]);

	CHECK(epair_if_set_link(ifp, links[life_below(rnd, l)], NULL) == 0);
	if (life_below(rnd, 4) == 0)
		CHECK(epair_if_set_qdisc(
			  ifp, disciplines[life_below(rnd, d)], NULL) == 0);
	(void)usleep(life_below(rnd, 2000));
}

/* Whatever was sent, and doubled, was queued at b or has a reason at a. */
static bool
is_accounted(struct epair_if *a, struct epair_if *b, uint64_t sent)
{
	struct epair_link_stats l = { .size = sizeof(l) };
	const struct epair_if_stats at_a = life_stats(a), at_b = life_stats(b);
	uint64_t there = at_b.ipackets;

	CHECK(epair_if_get_link_stats(a, &l) == 0);
	for (int i = 0; i < EPAIR_DROP_MAX; i++)
		there += at_a.drops[i];
	return sent + l.duplicated == there;
}

static void
no_frame_is_lost_sight_of_while_links_change(void **state)
{
	struct life *l = *state;
	struct sender senders[SENDERS];
	struct catcher at_b = { .then = NULL };
	struct epair_if *a, *b;
	uint64_t rnd = 1, sent;

	life_pair(l->ep, &a, &b);
	life_catch(b, &at_b);
	senders_start(senders, a);
	for (unsigned i = 0; i < CHANGES; i++)
		change(a, &rnd);
	sent = senders_stop(senders);
	CHECK(epair_if_set_link(a, "none", NULL) == 0);
	CHECK(epair_if_set_qdisc(a, NULL, NULL) == 0);
	AWAIT(is_accounted(a, b, sent));
	AWAIT(life_caught(&at_b) == life_stats(b).ipackets);
	life_pair_end(a, b);
	AWAIT(life_detached(&at_b) == 1);
}

/*
 * Each flow numbers its frames.
 */

#define FLOWS       8u /* of each sender */
#define SAID_LINKS  1000u
#define SAID_QDISCS 1000u

struct numbered {
	struct epair_if *ifp;
	unsigned first; /* of its flows */
	uint32_t stop; /* atomic */
	uint64_t sent[FLOWS];
	pthread_t thread;
};

static void *
numbered_run(void *arg)
{
	struct numbered *s = arg;
	struct epair *ep = epair_if_instance(s->ifp);

	for (unsigned i = 0; !ep_load_relaxed(&s->stop); i++) {
		struct epair_mbuf *m = life_flow(ep, s->first + i % FLOWS);

		m->data[15] = (uint8_t)(i % FLOWS
					<< 5); /* its class, by DSCP */
		m->flags |= EPAIR_M_TSTAMP;
		m->tstamp_ns = ++s->sent[i % FLOWS];
		(void)life_send(s->ifp, m);
		/* Bursts: a discipline holds something, and is not full. */
		if (i % 256 == 255)
			(void)usleep(500);
	}
	return NULL;
}

struct order {
	uint64_t last[SENDERS * FLOWS];
	uint64_t overtakes;
};

static void
look_at_numbers(struct catcher *c, struct epair_if *ifp, struct epair_mbuf **ms,
    unsigned *n)
{
	struct order *o = c->arg;

	(void)ifp;
	for (unsigned i = 0; i < *n; i++) {
		unsigned flow = ms[i]->data[28] * 256u + ms[i]->data[29];

		if (flow >= SENDERS * FLOWS)
			continue; /* damaged there: as was asked */
		if (ms[i]->tstamp_ns < o->last[flow])
			(void)ep_add_relaxed(&o->overtakes, 1);
		o->last[flow] = ms[i]->tstamp_ns;
	}
}

/* Every word, in values that ask for no other order. */
static const char *const in_order[] = { "rate 200mbit", "delay 100us",
	"delay 300us 200us ordered", "loss 2%", "rate 100mbit burst 64k",
	"duplicate 2%", "loss gemodel 2% 20%", "rate 300mbit", "delay 0",
	"limit 3000", "overhead 20", "cell 48 5", "none", "rate 200mbit",
	"slot 50us 100us packets 20", "slot 0", "wire", "loss every 9",
	"drop head", "loss 0%", "distribution normal ordered delay 1ms 500us",
	"limit bytes 300k", "cut", "cut off", "per-superframe", "seed 7",
	"duplicate 0%", "rate 400mbit wire off cell 0 overhead 0",
	"loss 1% ecn", "none", "delay 2ms", "rate 150mbit" };
static const char *const all_qdiscs[] = { "fifo:limit=4000", "none",
	"priq:by=dscp", "priq:by=pcp", "drr:by=flow,quantum=300",
	"drr:by=dscp,weight=1:3", "fq-codel:flows=16,target=1s",
	"fq-codel:quantum=300", "codel:target=100us,interval=1ms",
	"fifo:limit=10", "htb:by=dscp,class=1:50mbit:200mbit", "codel:ecn=on",
	"none", "drr:limit=50" };

static void *
qdiscs_said(void *arg)
{
	struct epair_if *ifp = arg;

	for (unsigned i = 0; i < SAID_QDISCS; i++) {
		CHECK(epair_if_set_qdisc(ifp,
			  all_qdiscs[i % (sizeof(all_qdiscs) /
					     sizeof(all_qdiscs[0]))],
			  NULL) == 0);
		(void)usleep(i % 7 * 50);
	}
	return NULL;
}

static void
flows_stay_in_order_whatever_is_changed(void **state)
{
	struct life *l = *state;
	struct numbered senders[SENDERS];
	struct order order = { .overtakes = 0 };
	struct catcher at_b = { .then = look_at_numbers, .arg = &order };
	struct epair_if *a, *b;
	pthread_t qdiscs;
	uint64_t sent = 0;

	life_pair(l->ep, &a, &b);
	life_catch(b, &at_b);
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i] = (struct numbered){ .ifp = a, .first = i * FLOWS };
		CHECK(pthread_create(&senders[i].thread, NULL, numbered_run,
			  &senders[i]) == 0);
	}
	CHECK(pthread_create(&qdiscs, NULL, qdiscs_said, a) == 0);
	for (unsigned i = 0; i < SAID_LINKS; i++) {
		CHECK(
		    epair_if_set_link(a,
			in_order[i % (sizeof(in_order) / sizeof(in_order[0]))],
			NULL) == 0);
		(void)usleep(i % 5 * 70);
	}
	CHECK(pthread_join(qdiscs, NULL) == 0);
	for (unsigned i = 0; i < SENDERS; i++) {
		ep_store_relaxed(&senders[i].stop, 1);
		CHECK(pthread_join(senders[i].thread, NULL) == 0);
		for (unsigned f = 0; f < FLOWS; f++)
			sent += senders[i].sent[f];
	}
	CHECK(epair_if_set_link(a, "none", NULL) == 0);
	CHECK(epair_if_set_qdisc(a, NULL, NULL) == 0);
	AWAIT(is_accounted(a, b, sent));
	AWAIT(life_caught(&at_b) == life_stats(b).ipackets);
	CHECK(ep_load_relaxed(&order.overtakes) == 0);
	life_pair_end(a, b);
	AWAIT(life_detached(&at_b) == 1);
}

static void
pair_ends_with_frames_on_their_way(void **state)
{
	struct life *l = *state;
	uint64_t rnd = 2;

	for (unsigned i = 0; i < 50; i++) {
		struct sender senders[SENDERS];
		struct epair_if *a, *b;

		life_pair(l->ep, &a, &b);
		CHECK(epair_if_set_link(
			  a, "rate 500mbit delay 500us 400us", NULL) == 0);
		if (i % 2 != 0)
			CHECK(epair_if_set_qdisc(a, "fq-codel", NULL) == 0);
		senders_start(senders, a);
		(void)usleep(life_below(&rnd, 3000));
		CHECK(epair_if_destroy(b, NULL) == 0);
		(void)senders_stop(senders);
		life_pair_end(a, b);
	}
}

static void
link_is_taken_away_by_who_receives_over_it_then(struct catcher *c,
    struct epair_if *ifp, struct epair_mbuf **ms, unsigned *n)
{
	struct epair_if *peer = epair_if_peer(ifp);

	(void)ms;
	(void)n;
	life_set_then(c, NULL);
	CHECK(epair_if_set_link(peer, "none", NULL) == 0);
	epair_if_put(peer);
}

static void
link_is_taken_away_by_who_receives_over_it(void **state)
{
	struct life *l = *state;
	struct catcher at_b = { .then = NULL };
	struct epair_if *a, *b;

	life_pair(l->ep, &a, &b);
	life_catch(b, &at_b);
	CHECK(epair_if_set_link(a, "delay 1ms rate 10mbit", NULL) == 0);
	life_set_then(&at_b, link_is_taken_away_by_who_receives_over_it_then);
	for (unsigned i = 0; i < 100; i++)
		(void)life_send(a, life_frame(l->ep));
	AWAIT(life_caught(&at_b) == 100);
	life_pair_end(a, b);
	AWAIT(life_detached(&at_b) == 1);
}

static const struct life_test tests[] = {
	{ LIFE_TEST(no_frame_is_lost_sight_of_while_links_change) },
	{ LIFE_TEST(flows_stay_in_order_whatever_is_changed) },
	{ LIFE_TEST(pair_ends_with_frames_on_their_way) },
	{ LIFE_TEST(link_is_taken_away_by_who_receives_over_it) },
};

int
main(void)
{
	return life_run(tests, sizeof(tests) / sizeof(tests[0]));
}
