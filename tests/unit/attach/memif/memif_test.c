/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "two.h"

static const uint32_t lens[] = { 18, 64, 1514, 2048, 2049, 4096, 4097, 9000,
	9018 };
#define LENS (sizeof(lens) / sizeof(lens[0]))

/* So many frames from each side, arrived whole and in order on the other. */
static void
pass(struct two *t, unsigned n)
{
	unsigned had[2] = { t->side[0].at_b.count, t->side[1].at_b.count };

	for (unsigned i = 0; i < n; i++) {
		for (int k = 0; k < 2; k++)
			send_numbered(&t->side[k], lens[i % LENS], i);
		if (i % 8 == 7)
			two_turn(t);
	}
	for (int k = 0; k < 2; k++) {
		struct seen *seen = &t->side[k].at_b;

		AWAIT(t, seen->count == had[k] + n);
		for (unsigned i = 0; i < n; i++) {
			struct epair_mbuf *m = seen->ms[had[k] + i];

			assert_int_equal(m->pktlen, lens[i % LENS]);
			assert_int_equal(number_of(m), i);
		}
	}
}

static void
frames_pass_both_ways(void **state)
{
	struct two *t = *state;

	join(t, "");
	pass(t, 4000);
}

static void
frames_pass_in_buffers_smaller_than_they(void **state)
{
	struct two *t = *state;

	join(t, ",buffer=256,ring=10");
	pass(t, 1000);
}

static void
longest_frame_passes(void **state)
{
	struct two *t = *state;

	join(t, "");
	send_numbered(&t->side[0], 65549, 1);
	send_numbered(&t->side[1], 65549, 2);
	AWAIT(t, t->side[0].at_b.count == 1 && t->side[1].at_b.count == 1);
	assert_int_equal(number_of(t->side[0].at_b.ms[0]), 2);
	assert_int_equal(number_of(t->side[1].at_b.ms[0]), 1);
}

static void
frame_that_no_ring_can_hold_is_an_error(void **state)
{
	struct two *t = *state;

	join(t, ",ring=16,buffer=128");
	for (int i = 0; i < 2; i++) {
		send_numbered(&t->side[i], 2049, 0);
		AWAIT(t, dropped(t->side[i].a, EPAIR_DROP_RX_STACK_ERROR) == 1);
	}
	pass(t, 2);
}

static void
frames_pass_when_polled(void **state)
{
	struct two *t = *state;

	join(t, ",mode=poll");
	pass(t, 1000);
}

static void
frames_pass_at_an_abstract_name(void **state)
{
	struct two *t = *state;

	attach(&t->side[0], "memif:path=@%s,role=server", t->path);
	attach(&t->side[1], "memif:path=@%s", t->path);
	await_joined(t);
	pass(t, 10);
}

static void
four_queues_keep_the_order_of_each_flow(void **state)
{
	struct two *t = *state;
	uint32_t next[4] = { 0 };

	join(t, "");
	for (uint32_t i = 0; i < 1000; i++) {
		send_in_flow(&t->side[0], 100, i, i % 4);
		if (i % 16 == 15)
			two_turn(t);
	}
	AWAIT(t, t->side[1].at_b.count == 1000);
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t number = number_of(t->side[1].at_b.ms[i]);

		assert_int_equal(number / 4, next[number % 4]);
		next[number % 4]++;
	}
}

static void
as_many_queues_as_both_have_are_used(void **state)
{
	struct two *t = *state;

	attach(&t->side[0], "memif:path=%s,role=server,queues=2", t->path);
	attach(&t->side[1], "memif:path=%s,queues=3", t->path);
	await_joined(t);
	pass(t, 500);
}

static void
client_waits_for_its_server(void **state)
{
	struct two *t = *state;

	attach(&t->side[1], "memif:path=%s,reconnect=5ms", t->path);
	AWAIT(t, strstr(t->side[1].said, "ENOENT; trying again") != NULL);
	for (int i = 0; i < 20; i++)
		two_turn(t);
	assert_int_equal(t->side[1].events, 1);
	attach(&t->side[0], "memif:path=%s,role=server", t->path);
	await_joined(t);
	pass(t, 10);
}

static void
server_that_comes_again_is_found(void **state)
{
	struct two *t = *state;

	join(t, "");
	for (int i = 0; i < 5; i++) {
		pass(t, 20);
		assert_int_equal(epair_detach(t->side[0].a, NULL), 0);
		AWAIT(t, has_said(&t->side[1], "disconnected: detached"));
		*t->side[0].said = '\0';
		attach(&t->side[0], "memif:path=%s,role=server", t->path);
		await_joined(t);
	}
	pass(t, 20);
}

static void
client_that_comes_again_is_served(void **state)
{
	struct two *t = *state;

	join(t, "");
	for (int i = 0; i < 5; i++) {
		pass(t, 20);
		assert_int_equal(epair_detach(t->side[1].a, NULL), 0);
		AWAIT(t, has_said(&t->side[0], "disconnected: detached"));
		*t->side[1].said = '\0';
		attach(&t->side[1], "memif:path=%s", t->path);
		await_joined(t);
	}
	pass(t, 20);
}

/* More than one turn reads. */
static void
last_words_of(struct two *t, int from)
{
	struct side *goes = &t->side[from], *stays = &t->side[!from];

	join(t, ",ring=1024");
	for (uint32_t i = 0; i < 1000; i++)
		send_numbered(goes, 60, i);
	while (
	    stats(goes->b).opackets < 1000 || stats(goes->a).ibytes < 60 * 1000)
		side_turn(goes, 1);
	assert_int_equal(dropped(goes->a, EPAIR_DROP_RX_STACK_FULL), 0);
	assert_int_equal(epair_detach(goes->a, NULL), 0);
	AWAIT(t, has_said(stays, "disconnected: detached"));
	AWAIT(t, stays->at_b.count == 1000);
	assert_int_equal(number_of(stays->at_b.ms[999]), 999);
}

static void
last_words_of_a_client_arrive(void **state)
{
	last_words_of(*state, 1);
}

static void
last_words_of_a_server_arrive(void **state)
{
	last_words_of(*state, 0);
}

static void
client_without_the_secret_is_refused(void **state)
{
	struct two *t = *state;

	attach(&t->side[0], "memif:path=%s,role=server,secret=open sesame",
	    t->path);
	attach(&t->side[1], "memif:path=%s,secret=open sesam", t->path);
	AWAIT(t, has_said(&t->side[1], "disconnected: Incorrect secret"));
	AWAIT(t, has_said(&t->side[0], "closed: Incorrect secret"));
	assert_int_equal(epair_detach(t->side[1].a, NULL), 0);
	attach(&t->side[1], "memif:path=%s,secret=open sesame", t->path);
	await_joined(t);
	pass(t, 10);
}

static void
client_of_another_id_is_refused(void **state)
{
	struct two *t = *state;

	attach(&t->side[0], "memif:path=%s,role=server,id=7", t->path);
	attach(&t->side[1], "memif:path=%s,id=8", t->path);
	AWAIT(t, has_said(&t->side[1], "disconnected: ID not found"));
	AWAIT(t, has_said(&t->side[0], "closed: ID not found"));
	assert_int_equal(epair_detach(t->side[1].a, NULL), 0);
	attach(&t->side[1], "memif:path=%s,id=7", t->path);
	await_joined(t);
}

static void
second_client_is_told_that_there_is_one(void **state)
{
	struct two *t = *state;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	uint8_t octets[128];
	ssize_t n = -1;
	int fd;

	join(t, "");
	strcpy(un.sun_path, t->path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	AWAIT(t, (n = recv(fd, octets, sizeof(octets), MSG_DONTWAIT)) >= 0);
	assert_int_equal(n, 128);
	assert_int_equal(octets[0], 8);
	assert_string_equal((char *)octets + 6, "Already connected");
	close(fd);
	pass(t, 10);
}

static void
frames_without_a_peer_are_dropped(void **state)
{
	struct two *t = *state;

	attach(&t->side[0], "memif:path=%s,role=server", t->path);
	for (uint32_t i = 0; i < 100; i++)
		send_numbered(&t->side[0], 60, i);
	AWAIT(t, dropped(t->side[0].a, EPAIR_DROP_RX_STACK_DOWN) == 100);
}

static void
frames_that_a_full_ring_has_no_room_for_are_dropped(void **state)
{
	struct two *t = *state;
	struct side *client = &t->side[1];

	join(t, ",ring=64");
	for (int round = 0; round < 3; round++) {
		/* The other side sleeps. */
		for (uint32_t i = 0; i < 100; i++)
			send_numbered(client, 60, i);
		while (dropped(client->a, EPAIR_DROP_RX_STACK_FULL) <
		       36u * ((unsigned)round + 1))
			side_turn(client, 1);
		AWAIT(t, t->side[0].at_b.count == 64u * ((unsigned)round + 1));
	}
	assert_int_equal(dropped(client->a, EPAIR_DROP_RX_STACK_FULL), 108);
}

static void
server_makes_its_path_and_nobody_elses(void **state)
{
	struct two *t = *state;
	struct epair_err err = { .text = "" };
	struct stat st;
	int fd;

	fd = open(t->path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(attach_error(&t->side[0], &err,
			     "memif:path=%s,role=server", t->path),
	    -EEXIST);
	assert_int_equal(unlink(t->path), 0);
	attach(&t->side[0], "memif:path=%s,role=server", t->path);
	assert_int_equal(attach_error(&t->side[1], &err,
			     "memif:path=%s,role=server", t->path),
	    -EADDRINUSE);
	assert_int_equal(epair_detach(t->side[0].a, NULL), 0);
	assert_int_not_equal(stat(t->path, &st), 0);
}

static void
what_makes_no_sense_is_refused(void **state)
{
	static const char *const specs[] = {
		"memif",
		"memif:path=",
		"memif:path=@",
		"memif:path=/x,ring=0",
		"memif:path=/x,ring=15",
		"memif:path=/x,ring=1000",
		"memif:path=/x,ring=32768",
		"memif:path=/x,buffer=64",
		"memif:path=/x,buffer=128k",
		"memif:path=/x,queues=65",
		"memif:path=/x,queues=64,ring=14,buffer=64k",
		"memif:path=/x,secret=1234567890123456789012345",
		"memif:path=/x,role=server,reconnect=1s",
		"memif:path=/x,role=master",
		"memif:path=/x,mode=sometimes",
		"memif:path=/x,role=server,trust=yes",
		"memif:path=/x,trust=perhaps",
	};
	struct two *t = *state;
	struct epair_err err;

	for (unsigned i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		err.text[0] = '\0';
		if (attach_error(&t->side[0], &err, "%s", specs[i]) != -EINVAL)
			fail_msg("%s: %s", specs[i], err.text);
		assert_string_not_equal(err.text, "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWO_TEST(frames_pass_both_ways),
		TWO_TEST(frames_pass_in_buffers_smaller_than_they),
		TWO_TEST(longest_frame_passes),
		TWO_TEST(frame_that_no_ring_can_hold_is_an_error),
		TWO_TEST(frames_pass_when_polled),
		TWO_TEST(frames_pass_at_an_abstract_name),
		TWO_QUEUES_TEST(four_queues_keep_the_order_of_each_flow),
		TWO_QUEUES_TEST(as_many_queues_as_both_have_are_used),
		TWO_TEST(client_waits_for_its_server),
		TWO_TEST(server_that_comes_again_is_found),
		TWO_TEST(client_that_comes_again_is_served),
		TWO_TEST(last_words_of_a_client_arrive),
		TWO_TEST(last_words_of_a_server_arrive),
		TWO_TEST(client_without_the_secret_is_refused),
		TWO_TEST(client_of_another_id_is_refused),
		TWO_TEST(second_client_is_told_that_there_is_one),
		TWO_TEST(frames_without_a_peer_are_dropped),
		TWO_TEST(frames_that_a_full_ring_has_no_room_for_are_dropped),
		TWO_TEST(server_makes_its_path_and_nobody_elses),
		TWO_TEST(what_makes_no_sense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
