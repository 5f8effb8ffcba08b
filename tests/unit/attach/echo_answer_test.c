/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/echo/answer.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "question.h"

/* Behind the frame, whatever its length, so that an overrun is seen. */
static uint8_t *buffer;

static const struct ep_echo_addrs any = { 0 };
static struct ep_echo_addrs own;

static int
set_up(void **state)
{
	(void)state;
	own.count = 2;
	own.list[0].family = AF_INET;
	memcpy(own.list[0].octets, echoer4, 4);
	own.list[1].family = AF_INET6;
	memcpy(own.list[1].octets, echoer6, 16);
	return 0;
}

/* The answer in *q, in a buffer with exactly that much more room. */
static uint32_t
answer_in(
    struct question *q, const struct ep_echo_addrs *addrs, uint32_t growth)
{
	uint32_t len;

	buffer = malloc(q->len + growth + 1);
	assert_non_null(buffer);
	memcpy(buffer, q->octets, q->len);
	len = ep_echo_answer(
	    echoer_mac, addrs, buffer, q->len, q->len + growth);
	assert_true(len <= q->len + growth);
	if (len > 0) {
		memcpy(q->octets, buffer, len);
		q->len = len;
	}
	free(buffer);
	return len;
}

static uint32_t
answer(struct question *q, const struct ep_echo_addrs *addrs)
{
	return answer_in(q, addrs, EP_ECHO_GROWTH);
}

/* A change to a question of which there must then be no answer. */
#define SILENT(ask, q, change) \
	do { \
		ask; \
		change; \
		assert_int_equal(answer(q, &own), 0); \
	} while (0)

static void
assert_turned(const struct question *q)
{
	assert_memory_equal(q->octets, asker_mac, 6);
	assert_memory_equal(q->octets + 6, echoer_mac, 6);
}

static void
arp_request_is_told_the_interfaces_mac(void **state)
{
	(void)state;

	struct question q;

	for (unsigned tags = 0; tags <= 2; tags++) {
		const uint8_t *arp;

		ask_arp(&q, tags);
		arp = q.octets + q.l3;
		assert_int_equal(answer(&q, &own), 60 + 4 * tags);
		assert_turned(&q);
		assert_memory_equal(arp, "\0\1\x08\0\6\4\0\2", 8);
		assert_memory_equal(arp + 8, echoer_mac, 6);
		assert_memory_equal(arp + 14, echoer4, 4);
		assert_memory_equal(arp + 18, asker_mac, 6);
		assert_memory_equal(arp + 24, asker4, 4);
		if (tags > 0)
			assert_memory_equal(arp - 6, "\x81\0\0\7\x08\6", 6);
	}
}

static void
ping_comes_back_with_right_checksums(void **state)
{
	(void)state;

	struct question q, asked;

	for (uint32_t payload = 0; payload <= 1400; payload += 233) {
		const uint8_t *ip;

		ask_ping4(&q, payload % 3, payload);
		asked = q;
		ip = q.octets + q.l3;
		assert_int_equal(answer(&q, &own), asked.len);
		assert_turned(&q);
		assert_memory_equal(ip + 12, echoer4, 4);
		assert_memory_equal(ip + 16, asker4, 4);
		assert_int_equal(ip[8], 64);
		assert_int_equal(ip[20], 0);
		assert_int_equal(sum_header4(&q), 0xffff);
		assert_int_equal(sum4(&q), 0xffff);
		assert_memory_equal(
		    ip + 24, asked.octets + q.l3 + 24, payload + 4);
	}
}

static void
ping6_comes_back_with_right_checksums(void **state)
{
	(void)state;

	struct question q, asked;

	for (uint32_t payload = 0; payload <= 1400; payload += 233) {
		const uint8_t *ip;

		ask_ping6(&q, payload % 3, payload);
		asked = q;
		ip = q.octets + q.l3;
		assert_int_equal(answer(&q, &own), asked.len);
		assert_turned(&q);
		assert_memory_equal(ip + 8, echoer6, 16);
		assert_memory_equal(ip + 24, asker6, 16);
		assert_int_equal(ip[7], 64);
		assert_int_equal(ip[40], 129);
		assert_int_equal(sum6(&q), 0xffff);
		assert_memory_equal(
		    ip + 44, asked.octets + q.l3 + 44, payload + 4);
	}
}

static void
solicitation_is_answered_with_an_advertisement(void **state)
{
	(void)state;

	struct question q;

	for (unsigned i = 0; i < 6; i++) {
		const uint8_t *ip, *nd;

		ask_solicit(&q, i / 2, i % 2);
		ip = q.octets + q.l3;
		nd = ip + 40;
		assert_int_equal(answer(&q, &own), q.l3 + 40 + 32);
		assert_turned(&q);
		assert_memory_equal(ip + 4, "\0\x20\x3a\xff", 4);
		assert_memory_equal(ip + 8, echoer6, 16);
		assert_memory_equal(ip + 24, asker6, 16);
		assert_memory_equal(nd, "\x88\0", 2);
		assert_memory_equal(nd + 4, "\x60\0\0\0", 4);
		assert_memory_equal(nd + 8, echoer6, 16);
		assert_memory_equal(nd + 24, "\2\1", 2);
		assert_memory_equal(nd + 26, echoer_mac, 6);
		assert_int_equal(sum6(&q), 0xffff);
	}
}

static void
solicitation_with_no_room_for_its_answer_has_none(void **state)
{
	(void)state;

	struct question q;

	ask_solicit(&q, 0, 0);
	assert_int_equal(answer_in(&q, &own, 7), 0);
	ask_solicit(&q, 0, 0);
	assert_int_equal(answer_in(&q, &own, 8), q.l3 + 72);
	ask_solicit(&q, 0, 1);
	assert_int_equal(answer_in(&q, &own, 0), q.l3 + 72);
}

static void
probe_for_a_taken_address_is_told_to_all(void **state)
{
	(void)state;

	const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
	struct question q;
	uint8_t *ip;

	ask_solicit(&q, 0, 0);
	ip = q.octets + q.l3;
	memset(ip + 8, 0, 16);
	seal6(&q);
	assert_int_equal(answer(&q, &own), q.l3 + 72);
	assert_memory_equal(q.octets, "\x33\x33\0\0\0\1", 6);
	assert_memory_equal(q.octets + 6, echoer_mac, 6);
	assert_memory_equal(ip + 24, all_nodes, 16);
	assert_memory_equal(ip + 44, "\x20\0\0\0", 4);
	assert_int_equal(sum6(&q), 0xffff);

	ask_arp(&q, 0);
	memset(q.octets + q.l3 + 14, 0, 4);
	assert_int_equal(answer(&q, &own), 60);
}

static void
probe_is_left_alone_by_who_owns_every_address(void **state)
{
	(void)state;

	struct question q;

	ask_solicit(&q, 0, 0);
	memset(q.octets + q.l3 + 8, 0, 16);
	seal6(&q);
	assert_int_equal(answer(&q, &any), 0);
	ask_arp(&q, 0);
	memset(q.octets + q.l3 + 14, 0, 4);
	assert_int_equal(answer(&q, &any), 0);
	ask_arp(&q, 0);
	memcpy(q.octets + q.l3 + 14, echoer4, 4);
	assert_int_equal(answer(&q, &any), 0);
}

static void
who_has_no_address_owns_every_unicast_one(void **state)
{
	(void)state;

	struct question q;

	ask_arp(&q, 0);
	assert_int_equal(answer(&q, &any), 60);
	ask_ping4(&q, 0, 56);
	assert_int_equal(answer(&q, &any), q.len);
	ask_ping6(&q, 0, 56);
	assert_int_equal(answer(&q, &any), q.len);
	ask_solicit(&q, 0, 1);
	assert_int_equal(answer(&q, &any), q.len);

	static const uint8_t first[] = { 0, 127, 224, 239, 255 };
	for (unsigned i = 0; i < sizeof(first); i++) {
		ask_ping4(&q, 0, 56);
		q.octets[q.l3 + 16] = first[i];
		seal4(&q);
		assert_int_equal(answer(&q, &any), 0);
	}
	ask_ping6(&q, 0, 56);
	q.octets[q.l3 + 24] = 0xff;
	seal6(&q);
	assert_int_equal(answer(&q, &any), 0);
}

static void
addresses_of_others_are_not_answered_for(void **state)
{
	(void)state;

	struct question q;

	SILENT(ask_arp(&q, 0), &q, q.octets[q.l3 + 27]++);
	SILENT(ask_ping4(&q, 0, 56), &q, (q.octets[q.l3 + 19]++, seal4(&q)));
	SILENT(ask_ping6(&q, 0, 56), &q, (q.octets[q.l3 + 39]++, seal6(&q)));
	SILENT(ask_solicit(&q, 0, 1), &q, (q.octets[q.l3 + 63]++, seal6(&q)));
}

static void
frames_to_another_mac_are_not_answered(void **state)
{
	(void)state;

	struct question q;

	SILENT(ask_ping4(&q, 0, 56), &q, memset(q.octets, 0xff, 6));
	SILENT(ask_ping4(&q, 0, 56), &q, q.octets[5]++);
	SILENT(ask_ping6(&q, 0, 56), &q, q.octets[5]++);
}

static void
frames_from_a_group_are_not_answered(void **state)
{
	(void)state;

	struct question q;

	SILENT(ask_arp(&q, 0), &q, q.octets[6] |= 1);
	SILENT(ask_ping4(&q, 0, 56), &q, q.octets[6] |= 1);
	SILENT(
	    ask_ping4(&q, 0, 56), &q, (q.octets[q.l3 + 12] = 224, seal4(&q)));
	SILENT(
	    ask_ping6(&q, 0, 56), &q, (q.octets[q.l3 + 8] = 0xff, seal6(&q)));
	SILENT(
	    ask_solicit(&q, 0, 1), &q, (q.octets[q.l3 + 8] = 0xff, seal6(&q)));
}

static void
answers_are_not_answered(void **state)
{
	(void)state;

	struct question q;

	ask_arp(&q, 0);
	assert_int_not_equal(answer(&q, &any), 0);
	memcpy(q.octets, echoer_mac, 6);
	assert_int_equal(answer(&q, &any), 0);
	ask_ping4(&q, 0, 56);
	assert_int_not_equal(answer(&q, &any), 0);
	memcpy(q.octets, echoer_mac, 6);
	assert_int_equal(answer(&q, &any), 0);
	ask_ping6(&q, 0, 56);
	assert_int_not_equal(answer(&q, &any), 0);
	memcpy(q.octets, echoer_mac, 6);
	assert_int_equal(answer(&q, &any), 0);
	ask_solicit(&q, 0, 1);
	assert_int_not_equal(answer(&q, &any), 0);
	memcpy(q.octets, echoer_mac, 6);
	assert_int_equal(answer(&q, &any), 0);
}

static void
damaged_packets_are_not_answered(void **state)
{
	(void)state;

	struct question q;

	SILENT(ask_ping4(&q, 0, 56), &q, q.octets[q.len - 1]++);
	SILENT(ask_ping4(&q, 0, 56), &q, q.octets[q.l3 + 5]++);
	SILENT(ask_ping6(&q, 0, 56), &q, q.octets[q.len - 1]++);
	SILENT(ask_solicit(&q, 0, 1), &q, q.octets[q.len - 1]++);
}

static void
fragments_and_options_are_not_answered(void **state)
{
	(void)state;

	struct question q;
	uint8_t *ip = q.octets + 14;

	SILENT(ask_ping4(&q, 0, 56), &q, (ip[6] = 0x20, seal4(&q)));
	SILENT(ask_ping4(&q, 0, 56), &q, (ip[7] = 1, seal4(&q)));
	SILENT(ask_ping4(&q, 0, 56), &q, (ip[0] = 0x46, seal4(&q)));
	SILENT(ask_ping4(&q, 0, 56), &q, (ip[0] = 0x44, seal4(&q)));
	SILENT(ask_ping6(&q, 0, 56), &q, (ip[6] = 44, seal6(&q)));
	SILENT(ask_ping6(&q, 0, 56), &q, (ip[0] = 0x40, seal6(&q)));
}

static void
solicitations_from_afar_or_malformed_are_not_answered(void **state)
{
	(void)state;

	struct question q;
	uint8_t *ip = q.octets + 14;

	SILENT(ask_solicit(&q, 0, 1), &q, (ip[7] = 254, seal6(&q)));
	SILENT(ask_solicit(&q, 0, 1), &q, (ip[41] = 1, seal6(&q)));
	SILENT(ask_solicit(&q, 0, 1), &q, (ip[65] = 0, seal6(&q)));
	SILENT(ask_solicit(&q, 0, 1), &q, (ip[65] = 2, seal6(&q)));
	SILENT(ask_solicit(&q, 0, 1), &q, (ip[39] = 3, seal6(&q)));
	SILENT(ask_solicit(&q, 0, 1), &q, (memset(ip + 8, 0, 16), seal6(&q)));
	SILENT(ask_solicit(&q, 0, 0), &q, (ip[5] = 23, q.len--, seal6(&q)));
}

static void
no_truncated_question_is_answered(void **state)
{
	(void)state;

	struct question whole, q;

	for (unsigned kind = 0; kind < 4; kind++) {
		uint32_t needed;

		if (kind == 0)
			ask_arp(&whole, 1);
		else if (kind == 1)
			ask_ping4(&whole, 2, 56);
		else if (kind == 2)
			ask_ping6(&whole, 0, 56);
		else
			ask_solicit(&whole, 1, 1);
		needed = kind == 0 ? whole.l3 + 28 : whole.len;
		for (uint32_t len = 0; len < needed; len++) {
			q = whole;
			q.len = len;
			assert_int_equal(answer(&q, &own), 0);
		}
	}
}

static void
other_types_and_third_tags_are_not_answered(void **state)
{
	(void)state;

	struct question q;

	SILENT(ask_ping4(&q, 3, 56), &q, (void)0);
	SILENT(ask_ping4(&q, 0, 56), &q, q.octets[12] = 0x88);
	SILENT(ask_arp(&q, 0), &q, q.octets[q.l3 + 4] = 8);
	SILENT(ask_ping4(&q, 0, 56), &q, (q.octets[q.l3 + 20] = 13, seal4(&q)));
	SILENT(
	    ask_ping6(&q, 0, 56), &q, (q.octets[q.l3 + 40] = 133, seal6(&q)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arp_request_is_told_the_interfaces_mac),
		cmocka_unit_test(ping_comes_back_with_right_checksums),
		cmocka_unit_test(ping6_comes_back_with_right_checksums),
		cmocka_unit_test(
		    solicitation_is_answered_with_an_advertisement),
		cmocka_unit_test(
		    solicitation_with_no_room_for_its_answer_has_none),
		cmocka_unit_test(probe_for_a_taken_address_is_told_to_all),
		cmocka_unit_test(probe_is_left_alone_by_who_owns_every_address),
		cmocka_unit_test(who_has_no_address_owns_every_unicast_one),
		cmocka_unit_test(addresses_of_others_are_not_answered_for),
		cmocka_unit_test(frames_to_another_mac_are_not_answered),
		cmocka_unit_test(frames_from_a_group_are_not_answered),
		cmocka_unit_test(answers_are_not_answered),
		cmocka_unit_test(damaged_packets_are_not_answered),
		cmocka_unit_test(fragments_and_options_are_not_answered),
		cmocka_unit_test(
		    solicitations_from_afar_or_malformed_are_not_answered),
		cmocka_unit_test(no_truncated_question_is_answered),
		cmocka_unit_test(other_types_and_third_tags_are_not_answered),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
