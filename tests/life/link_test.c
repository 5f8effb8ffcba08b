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
	"duplicate 5% corrupt 5%", "ordered", "none", "delay 100us",
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

/* Frames of one sender, numbered by their time stamps. */
struct order {
	struct epair_if *ifp;
	uint32_t stop; /* atomic */
	uint64_t sent, last, overtakes;
};

static void
look_at_order(struct catcher *c, struct epair_if *ifp, struct epair_mbuf **ms,
    unsigned *n)
{
	struct order *o = c->arg;

	(void)ifp;
	for (unsigned i = 0; i < *n; i++) {
		if (ms[i]->tstamp_ns <= o->last)
			o->overtakes++;
		o->last = ms[i]->tstamp_ns;
	}
}

static void *
send_numbered(void *arg)
{
	struct order *o = arg;
	struct epair *ep = epair_if_instance(o->ifp);

	while (!ep_load_relaxed(&o->stop)) {
		struct epair_mbuf *m = life_flow(ep, 1);

		m->flags |= EPAIR_M_TSTAMP;
		m->tstamp_ns = ++o->sent;
		(void)life_send(o->ifp, m);
		if (o->sent % 64 == 0)
			(void)usleep(20);
	}
	return NULL;
}

static void
no_frame_overtakes_another_while_disciplines_change(void **state)
{
	struct life *l = *state;
	struct order o = { .stop = 0 };
	struct catcher at_b = { .then = look_at_order, .arg = &o };
	pthread_t thread;
	struct epair_if *b;
	uint64_t rnd = 4;

	life_pair(l->ep, &o.ifp, &b);
	life_catch(b, &at_b);
	CHECK(epair_if_set_link(o.ifp, "rate 200mbit", NULL) == 0);
	CHECK(pthread_create(&thread, NULL, send_numbered, &o) == 0);
	for (unsigned i = 0; i < CHANGES; i++) {
		const unsigned d = sizeof(disciplines) / sizeof(disciplines[0]);

		CHECK(epair_if_set_qdisc(
			  o.ifp, disciplines[life_below(&rnd, d)], NULL) == 0);
		(void)usleep(life_below(&rnd, 1000));
	}
	ep_store_relaxed(&o.stop, 1);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(epair_if_set_link(o.ifp, "none", NULL) == 0);
	CHECK(epair_if_set_qdisc(o.ifp, NULL, NULL) == 0);
	AWAIT(is_accounted(o.ifp, b, o.sent));
	AWAIT(life_caught(&at_b) == life_stats(b).ipackets);
	CHECK(life_caught(&at_b) > 0 && o.overtakes == 0);
	life_pair_end(o.ifp, b);
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
	{ LIFE_TEST(no_frame_overtakes_another_while_disciplines_change) },
	{ LIFE_TEST(pair_ends_with_frames_on_their_way) },
	{ LIFE_TEST(link_is_taken_away_by_who_receives_over_it) },
};

int
main(void)
{
	return life_run(tests, sizeof(tests) / sizeof(tests[0]));
}
