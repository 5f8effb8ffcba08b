/* SPDX-License-Identifier: BSD-2-Clause */
#include "question.h"
#include "unit/api/rig.h"

/* A keeping stack asks at a; the echo stack is at b. */
static int
set_up(void **state)
{
	struct rig *r;

	if (rig_setup_bare(state) != 0)
		return -1;
	r = *state;
	r->a = make(r->ep, NULL, "epair0");
	r->b = epair_if_peer(r->a);
	keep(r->a, &r->at_a);
	assert_int_equal(
	    epair_attach(r->b, "echo:addr=10.0.0.2/24,addr=fd00::2/64", NULL),
	    0);
	assert_int_equal(epair_if_set_mac(r->b, echoer_mac, NULL), 0);
	assert_int_equal(epair_if_up(r->a), 0);
	assert_int_equal(epair_if_up(r->b), 0);
	run(r);
	return 0;
}

#define ECHO_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, rig_teardown)

static struct epair_mbuf *
mbuf_of(struct epair *ep, const struct question *q)
{
	struct epair_mbuf *m = epair_mbuf_from(ep, q->octets, q->len);

	assert_non_null(m);
	return m;
}

/* Send, let it be answered, and have the answer in *q. */
static void
ask(struct rig *r, struct epair_mbuf *m, struct question *q)
{
	assert_int_equal(transmit(r->a, m), 0);
	run(r);
	assert_int_equal(r->at_a.count, 1);
	m = r->at_a.ms[0];
	assert_in_range(m->pktlen, 1, QUESTION_MAX);
	q->len = epair_mbuf_read(m, 0, q->octets, m->pktlen);
}

static void
every_question_is_answered(void **state)
{
	struct rig *r = *state;
	struct question q;

	for (unsigned i = 0; i < 4; i++) {
		if (i == 0)
			ask_arp(&q, 0);
		else if (i == 1)
			ask_ping4(&q, 0, 56);
		else if (i == 2)
			ask_ping6(&q, 1, 56);
		else
			ask_solicit(&q, 0, 0);
		ask(r, mbuf_of(r->ep, &q), &q);
		assert_memory_equal(q.octets, asker_mac, 6);
		assert_memory_equal(q.octets + 6, echoer_mac, 6);
		if (i >= 2)
			assert_int_equal(sum6(&q), 0xffff);
		forget(&r->at_a);
	}
}

static void
ping_in_pieces_is_answered(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *m = NULL, *piece;
	struct question q, answer;

	ask_ping4(&q, 0, 1400);
	for (uint32_t at = 0; at < q.len; at += 7) {
		uint32_t len = q.len - at < 7 ? q.len - at : 7;

		piece = epair_mbuf_from(r->ep, q.octets + at, len);
		assert_non_null(piece);
		if (m == NULL)
			m = piece;
		else
			epair_mbuf_chain(m, piece);
	}
	ask(r, m, &answer);
	assert_int_equal(answer.len, q.len);
	answer.l3 = q.l3;
	assert_int_equal(sum4(&answer), 0xffff);
	assert_memory_equal(answer.octets + 42, q.octets + 42, 1400);
}

static unsigned foreign_released;

static void
release(void *arg)
{
	(void)arg;
	foreign_released++;
}

static void
buffer_that_is_somebody_elses_is_not_written_to(void **state)
{
	struct rig *r = *state;
	struct question q, before, answer;
	struct epair_mbuf *m;

	foreign_released = 0;
	ask_ping4(&q, 0, 56);
	before = q;
	assert_int_equal(
	    epair_mbuf_foreign(r->ep, q.octets, q.len, release, NULL, &m), 0);
	ask(r, m, &answer);
	assert_int_equal(answer.len, q.len);
	assert_memory_equal(q.octets, before.octets, q.len);
	assert_int_equal(foreign_released, 1);
}

static void
tag_beside_the_frame_is_answered_with_the_same(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *m;
	struct question q;

	forget(&r->at_a);
	assert_int_equal(epair_detach(r->a, NULL), 0);
	keep_accepting(r->a, &r->at_a, EPAIR_CAP_VLAN_HWTAGGING);
	assert_int_equal(
	    epair_if_set_caps(r->a, EPAIR_CAP_VLAN_HWTAGGING, 0, NULL), 0);
	for (unsigned i = 0; i < 2; i++) {
		ask_ping4(&q, 0, 56);
		m = mbuf_of(r->ep, &q);
		m->flags |= EPAIR_M_VLANTAG;
		m->vlan_tci = 0x2007;
		if (i == 1) {
			/* in two pieces, so that the answer is a copy */
			struct epair_mbuf *tail = epair_mbuf_from(
			    r->ep, q.octets + 40, q.len - 40);

			m->len = m->pktlen = 40;
			epair_mbuf_chain(m, tail);
		}
		ask(r, m, &q);
		m = r->at_a.ms[0];
		assert_true(m->flags & EPAIR_M_VLANTAG);
		assert_int_equal(m->vlan_tci, 0x2007);
		forget(&r->at_a);
	}
}

static void
answer_is_a_new_frame(void **state)
{
	struct rig *r = *state;
	struct epair_mbuf *m;
	struct question q;

	ask_arp(&q, 0);
	m = mbuf_of(r->ep, &q);
	m->flags |= EPAIR_M_TSTAMP;
	m->tstamp_ns = 1;
	m->hashtype = EPAIR_HASH_OPAQUE;
	assert_int_equal(epair_mbuf_tag_add(m, 1, 2, true, "tag", 3), 0);
	ask(r, m, &q);
	m = r->at_a.ms[0];
	assert_false(m->flags & (EPAIR_M_TSTAMP | EPAIR_M_BCAST));
	assert_int_not_equal(m->hashtype, EPAIR_HASH_OPAQUE);
	assert_int_equal(epair_mbuf_tag_count(m), 0);
}

static void
new_mac_is_answered_with(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0xc };
	struct rig *r = *state;
	struct question q;

	assert_int_equal(epair_if_set_mac(r->b, mac, NULL), 0);
	run(r);
	ask_arp(&q, 0);
	ask(r, mbuf_of(r->ep, &q), &q);
	assert_memory_equal(q.octets + 6, mac, 6);
}

static void
all_else_is_swallowed_and_counted(void **state)
{
	struct rig *r = *state;
	struct epair_progress progress = { .size = sizeof(progress) };
	struct question q;

	send_many(r->a, 10, 60);
	send_many(r->a, 3, 1514);
	ask_arp(&q, 0);
	ask(r, mbuf_of(r->ep, &q), &q);
	assert_int_equal(epair_attach_progress(r->b, &progress), 0);
	assert_int_equal(progress.received, 14);
	assert_int_equal(progress.sent, 1);
	assert_int_equal(progress.done, 1);
}

static void
two_echo_stacks_keep_silent(void **state)
{
	struct rig *r = *state;
	struct question q;

	forget(&r->at_a);
	assert_int_equal(epair_detach(r->a, NULL), 0);
	assert_int_equal(epair_attach(r->a, "echo", NULL), 0);
	ask_arp(&q, 0);
	assert_int_equal(transmit(r->a, mbuf_of(r->ep, &q)), 0);
	run(r);
	assert_int_equal(stats(r->a).opackets, 1);
	assert_int_equal(stats(r->b).opackets, 1);
}

static void
answers_to_an_end_that_is_down_are_counted_drops(void **state)
{
	struct rig *r = *state;
	struct question q;

	ask_arp(&q, 0);
	assert_int_equal(transmit(r->a, mbuf_of(r->ep, &q)), 0);
	assert_int_equal(epair_if_down(r->a), 0);
	run(r);
	assert_int_equal(r->at_a.count, 0);
	assert_int_equal(stats(r->b).drops[EPAIR_DROP_PEER_DOWN], 1);
}

static void
more_than_16_addresses_are_refused(void **state)
{
	struct rig *r = *state;
	char spec[512] = "echo:addr=10.0.0.1";
	struct epair_err err;

	forget(&r->at_a);
	assert_int_equal(epair_detach(r->a, NULL), 0);
	for (unsigned i = 1; i < 16; i++)
		strcat(spec, ",addr=10.0.0.1");
	assert_int_equal(epair_attach(r->a, spec, NULL), 0);
	assert_int_equal(epair_detach(r->a, NULL), 0);
	strcat(spec, ",addr=10.0.0.1");
	assert_int_equal(epair_attach(r->a, spec, &err), -EINVAL);
	assert_string_equal(err.text, "addr: may be written 16 times");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ECHO_TEST(every_question_is_answered),
		ECHO_TEST(ping_in_pieces_is_answered),
		ECHO_TEST(buffer_that_is_somebody_elses_is_not_written_to),
		ECHO_TEST(tag_beside_the_frame_is_answered_with_the_same),
		ECHO_TEST(answer_is_a_new_frame),
		ECHO_TEST(new_mac_is_answered_with),
		ECHO_TEST(all_else_is_swallowed_and_counted),
		ECHO_TEST(two_echo_stacks_keep_silent),
		ECHO_TEST(answers_to_an_end_that_is_down_are_counted_drops),
		ECHO_TEST(more_than_16_addresses_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
