/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP stacks that come and go in the middle of streams, on several workers,
 * while their cables change: each that comes is served, whatever was before.
 */
#include "life.h"

#define PAIRS  3u
#define ROUNDS 9u

#define SERVER "lwip:addr=10.0.0.2/24"
#define CLIENT "lwip:addr=10.0.0.1/24,send=10.0.0.2,bytes=1G"

struct stacks {
	struct epair_if *a, *b;
};

/* Echoed octets, of whatever stack is there now. */
static uint64_t
received(struct epair_if *a)
{
	struct epair_progress p = { .size = sizeof(p) };

	CHECK(epair_attach_progress(a, &p) == 0);
	return p.octets_received;
}

static void
begin(struct life *l, struct stacks *s)
{
	life_pair(l->ep, &s->a, &s->b);
	CHECK(epair_if_set_link(s->a, "rate 20mbit", NULL) == 0);
	CHECK(epair_attach(s->b, SERVER, NULL) == 0);
	CHECK(epair_attach(s->a, CLIENT, NULL) == 0);
}

/* Every stream is cut by it, or slowed down. */
static void
interfere(struct life *l, struct stacks *s, unsigned how)
{
	switch (how) {
	case 0: /* both: or the new one would be taken for the old */
		CHECK(epair_detach(s->b, NULL) == 0);
		CHECK(epair_detach(s->a, NULL) == 0);
		CHECK(epair_attach(s->b, SERVER, NULL) == 0);
		CHECK(epair_attach(s->a, CLIENT, NULL) == 0);
		break;
	case 1:
		CHECK(epair_if_set_link(
			  s->a, "delay 1ms 300us duplicate 5%", NULL) == 0);
		break;
	case 2:
		CHECK(epair_if_set_link(s->a, "delay 0", NULL) == 0);
		CHECK(epair_if_set_full(s->a, EPAIR_FULL_WAIT, NULL) == 0);
		break;
	case 3:
		life_pair_end(s->a, s->b);
		begin(l, s);
		break;
	}
}

static void
stacks_come_and_go_in_the_middle_of_streams(void **state)
{
	struct life *l = *state;
	struct stacks all[PAIRS];
	uint64_t rnd = 4;

	for (unsigned i = 0; i < PAIRS; i++)
		begin(l, &all[i]);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct stacks *s = &all[i % PAIRS];

		interfere(l, s, life_below(&rnd, 4));
		AWAIT(received(s->a) > 0);
	}
	for (unsigned i = 0; i < PAIRS; i++)
		life_pair_end(all[i].a, all[i].b);
}

static bool
is_here(void)
{
	const struct epair_opts opts = { .size = sizeof(opts),
		.way = EPAIR_SIM };
	struct epair_if *a, *b;
	struct epair *ep;
	int error;

	CHECK(epair_new(&opts, &ep, NULL) == 0);
	life_pair(ep, &a, &b);
	error = epair_attach(a, "lwip", NULL);
	life_pair_end(a, b);
	CHECK(epair_free(ep) == 0);
	return error != -EOPNOTSUPP;
}

static const struct life_test tests[] = {
	{ LIFE_TEST(stacks_come_and_go_in_the_middle_of_streams) },
};

int
main(void)
{
	if (!is_here()) {
		printf("1..0 # SKIP this build has no lwIP\n");
		return 0;
	}
	return life_run(tests, sizeof(tests) / sizeof(tests[0]));
}
