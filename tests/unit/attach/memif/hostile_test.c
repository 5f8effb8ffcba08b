/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Peers that attack, as client and as server. Each does its worst on a cable of
 * an instance that has one worker, on which a bystander's cable carries frames
 * meanwhile. Afterwards the bystander has lost none, the next honest peer is
 * served, the events were few, and no descriptor or mbuf is left behind.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/memif/message.h"
#include "attach/memif/ring.h"
#include "hostile.h"

static void
connecting_and_hanging_up(void **state)
{
	struct attack *t = *state;

	serve(t, "role=server");
	for (int i = 0; i < 10000; i++)
		close(strike(t));
	an_honest_client_is_served(t);
}

static void
packets_of_every_size(void **state)
{
	struct attack *t = *state;
	uint8_t octets[300] = { 3 };
	int fd;

	serve(t, "role=server");
	for (size_t n = 0; n < sizeof(octets); n++) {
		fd = strike(t);
		(void)!send(fd, octets, n, MSG_NOSIGNAL);
		if (n > 0 && n != 128)
			expect_refusal(fd, "Invalid message size");
		close(fd);
	}
	an_honest_client_is_served(t);
}

static void
garbage(void **state)
{
	struct attack *t = *state;
	uint8_t octets[128];
	int fd;

	serve(t, "role=server");
	for (int i = 0; i < 2000; i++) {
		fd = strike(t);
		for (int k = 0; k < 8; k++) {
			for (size_t j = 0; j < sizeof(octets); j++)
				octets[j] = (uint8_t)rand();
			octets[0] = (uint8_t)(rand() % 10);
			octets[1] = 0;
			(void)!send(fd, octets, sizeof(octets), MSG_NOSIGNAL);
		}
		close(fd);
	}
	an_honest_client_is_served(t);
}

static void
more_descriptors_than_may_be(void **state)
{
	static const unsigned counts[] = { 0, 2, 3, 8, 9, 100, 253 };
	struct attack *t = *state;
	struct ep_memif_msg region = { .type = EP_MEMIF_ADD_REGION,
		.u.add_region.size = 4096 };
	int fd;

	serve(t, "role=server");
	for (unsigned i = 0; i < 100; i++) {
		fd = strike_init(t);
		say_with(fd, &region, 0, counts[i % 7]);
		expect_refusal(fd, "Wrong number of descriptors");
		close(fd);
		fd = strike(t);
		say_with(fd, &(struct ep_memif_msg){ .type = EP_MEMIF_ACK }, 0,
		    1 + i % 9);
		expect_refusal(fd, "Wrong number of descriptors");
		close(fd);
	}
	an_honest_client_is_served(t);
}

static void
refused_region(struct attack *t, int mem, uint64_t size, const char *why)
{
	struct ep_memif_msg msg = { .type = EP_MEMIF_ADD_REGION,
		.u.add_region.size = size };
	int fd = strike_init(t);

	say(fd, &msg, mem);
	expect_refusal(fd, why);
	close(fd);
	close(mem);
}

static int
memory(off_t size, int seals)
{
	int fd = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void
memory_that_cannot_be_trusted(void **state)
{
	static const char unsealed[] = "Region is not sealed against shrinking";
	struct attack *t = *state;
	int ends[2];

	serve(t, "role=server");
	refused_region(t, memory(1 << 20, 0), 1 << 20, unsealed);
	refused_region(t, memory(1 << 20, F_SEAL_GROW), 1 << 20, unsealed);
	refused_region(t, open("/dev/zero", O_RDWR), 1 << 20, unsealed);
	refused_region(t, eventfd(0, 0), 1 << 20, unsealed);
	assert_int_equal(pipe(ends), 0);
	refused_region(t, ends[0], 1 << 20, unsealed);
	close(ends[1]);
	refused_region(t, memory(4096, F_SEAL_SHRINK), 4097,
	    "Region is smaller than announced");
	refused_region(t, memory(4096, F_SEAL_SHRINK), UINT64_C(5) << 30,
	    "Regions too large");
	refused_region(
	    t, memory(4096, F_SEAL_SHRINK), UINT64_MAX, "Regions too large");
	refused_region(t, memory(1 << 20, F_SEAL_SHRINK | F_SEAL_WRITE),
	    1 << 20, "Region cannot be mapped");
	an_honest_client_is_served(t);
}

static void
more_regions_than_may_be(void **state)
{
	struct attack *t = *state;
	struct ep_memif_msg msg = { .type = EP_MEMIF_ADD_REGION,
		.u.add_region.size = 4096 };
	int fd, mem = memory(4096, F_SEAL_SHRINK);

	serve(t, "role=server");
	fd = strike_init(t);
	for (unsigned i = 0; i < EP_MEMIF_REGIONS_MAX; i++) {
		msg.u.add_region.index = (uint16_t)i;
		say(fd, &msg, mem);
		expect_ack(fd);
	}
	msg.u.add_region.index = EP_MEMIF_REGIONS_MAX;
	say(fd, &msg, mem);
	expect_refusal(fd, "Too many regions");
	close(fd);
	close(mem);
	an_honest_client_is_served(t);
}

static void
refused_ring(
    struct attack *t, struct ep_memif_add_ring ring, int event, const char *why)
{
	struct ep_memif_msg region = { .type = EP_MEMIF_ADD_REGION,
		.u.add_region.size = 65536 };
	struct ep_memif_msg msg = { .type = EP_MEMIF_ADD_RING,
		.u.add_ring = ring };
	int fd = strike_init(t), mem = memory(65536, F_SEAL_SHRINK);

	say(fd, &region, mem);
	expect_ack(fd);
	say(fd, &msg, event);
	expect_refusal(fd, why);
	close(fd);
	close(mem);
	close(event);
}

static void
rings_that_cannot_be(void **state)
{
	struct ep_memif_add_ring ring = { .is_s2m = true, .log2 = 10 };
	struct attack *t = *state;
	int ends[2];

	serve(t, "role=server");
	ring.index = 1;
	refused_ring(t, ring, eventfd(0, 0), "Invalid ring index");
	ring.index = 0;
	ring.region = 1;
	refused_ring(t, ring, eventfd(0, 0), "Ring outside of its region");
	ring.region = 0;
	ring.offset = UINT32_MAX & ~7u;
	refused_ring(t, ring, eventfd(0, 0), "Ring outside of its region");
	ring.offset = 65536 - 16384;
	refused_ring(t, ring, eventfd(0, 0), "Ring outside of its region");
	ring.offset = 0;
	assert_int_equal(pipe(ends), 0);
	refused_ring(t, ring, ends[1], "Interrupt is no eventfd");
	close(ends[0]);
	refused_ring(t, ring, memory(8, 0), "Interrupt is no eventfd");
	refused_ring(
	    t, ring, epoll_create1(EPOLL_CLOEXEC), "Interrupt is no eventfd");
	an_honest_client_is_served(t);
}

/* A client that is as it should be, until it is not. */
static void
connecting_without_rings_or_cookie(void **state)
{
	struct attack *t = *state;
	struct ep_memif_msg msg = { .type = EP_MEMIF_CONNECT };
	struct evil e;
	int fd;

	serve(t, "role=server");
	fd = strike_init(t);
	say(fd, &msg, -1);
	expect_refusal(fd, "Rings missing");
	close(fd);

	evil_connect(t, &e, false);
	e.shared[0]->cookie++;
	say(e.sock, &msg, -1);
	expect_refusal(e.sock, "Invalid cookie");
	evil_close(&e);
	an_honest_client_is_served(t);
}

static void
saying_nothing(void **state)
{
	struct attack *t = *state;
	int fd;

	serve(t, "role=server");
	fd = strike(t);
	/* After five seconds it is given up. */
	an_honest_client_is_served(t);
	expect_refusal(fd, "Setting up took too long");
	close(fd);
}

static void
indexes_that_jump(void **state)
{
	struct attack *t = *state;
	struct evil e;

	serve(t, "role=server");
	flood(t);
	for (int i = 0; i < 200; i++) {
		evil_connect(t, &e, true);
		e.shared[i & 1]->head = (uint16_t)(65 + rand() % 65000);
		evil_signal(&e);
		expect_refusal(e.sock, "Index out of range");
		evil_close(&e);
	}
	an_honest_client_is_served(t);
}

/* Whatever is written, while we read: frames, or the end. */
static void
scribble(struct evil *e, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		struct ep_memif_shared *shared = e->shared[rand() & 1];
		uint64_t word = (uint64_t)rand() << 32 | (unsigned)rand();
		unsigned slot = (unsigned)rand() % e->size;

		switch (rand() % 16) {
		case 0:
			shared->head = (uint16_t)rand();
			break;
		case 1:
			shared->tail = (uint16_t)rand();
			break;
		case 2:
			shared->flags = (uint16_t)rand();
			break;
		case 3:
		case 4:
			__atomic_store_n(
			    &shared->descs[2 * slot], word, __ATOMIC_RELAXED);
			break;
		case 5:
			__atomic_store_n(&shared->descs[2 * slot + 1], word,
			    __ATOMIC_RELAXED);
			break;
		case 6:
			/* Mostly true, with a chain here and there. */
			__atomic_store_n(&shared->descs[2 * slot],
			    (uint64_t)(rand() % 2000) << 32 | (rand() % 4 == 0),
			    __ATOMIC_RELAXED);
			break;
		default:
			shared->head++;
			shared->tail += (uint16_t)(rand() & 1);
			break;
		}
		if (i % 16 == 0)
			evil_signal(e);
	}
}

static void
scribbling_as_client(void **state)
{
	struct attack *t = *state;
	struct evil e;

	serve(t, "role=server");
	flood(t);
	for (int i = 0; i < 500; i++) {
		evil_connect(t, &e, true);
		scribble(&e, 300);
		evil_close(&e);
	}
	an_honest_client_is_served(t);
}

static void
scribbling_as_server(void **state)
{
	struct attack *t = *state;
	struct evil e;
	int listener = evil_listen(t);

	serve(t, "role=client,reconnect=1ms,ring=64");
	flood(t);
	for (int i = 0; i < 300; i++) {
		evil_accept(t, listener, &e);
		scribble(&e, 300);
		evil_close(&e);
	}
	close(listener);
	assert_int_equal(unlink(t->path), 0);
	an_honest_server_is_found(t);
}

/* Pages that vanish under our hands read as zeros. */
static void
punching_holes(void **state)
{
	struct attack *t = *state;
	struct evil e;

	serve(t, "role=server");
	flood(t);
	for (int i = 0; i < 100; i++) {
		evil_connect(t, &e, true);
		assert_true(ftruncate(e.mem, 4096) != 0);
		for (int k = 0; k < 20; k++) {
			scribble(&e, 20);
			(void)!fallocate(e.mem,
			    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			    1 << 20);
		}
		evil_close(&e);
	}
	an_honest_client_is_served(t);
}

/* A counter that is full, and no O_NONBLOCK: write() would sleep. */
static void
filling_the_counter_of_an_eventfd(void **state)
{
	const uint64_t all = UINT64_MAX - 1;
	struct attack *t = *state;
	uint64_t before, count;
	struct evil e;

	serve(t, "role=server");
	flood(t);
	evil_connect(t, &e, true);
	/* Only of what we send: what we hear by is read whenever it is full. */
	do { /* until it is not signalled in between */
		(void)!read(e.event[1], &count, sizeof(count));
	} while (write(e.event[1], &all, sizeof(all)) != sizeof(all));
	assert_int_equal(fcntl(e.event[1], F_SETFL, O_RDWR), 0);
	before = progress(t->sink).received;
	for (int i = 0; i < 50; i++) {
		e.shared[1]->flags = 0;
		e.shared[1]->head = (uint16_t)(e.shared[1]->tail + 1);
		(void)usleep(1000);
	}
	AWAIT_ATTACK(t, progress(t->sink).received > before + 100);
	assert_int_equal(fcntl(e.event[1], F_SETFL, O_RDWR | O_NONBLOCK), 0);
	assert_int_equal(read(e.event[1], &count, sizeof(count)), 8);
	evil_close(&e);
	an_honest_client_is_served(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ATTACK_TEST(connecting_and_hanging_up),
		ATTACK_TEST(packets_of_every_size),
		ATTACK_TEST(garbage),
		ATTACK_TEST(more_descriptors_than_may_be),
		ATTACK_TEST(memory_that_cannot_be_trusted),
		ATTACK_TEST(more_regions_than_may_be),
		ATTACK_TEST(rings_that_cannot_be),
		ATTACK_TEST(connecting_without_rings_or_cookie),
		ATTACK_TEST(saying_nothing),
		ATTACK_TEST(indexes_that_jump),
		ATTACK_TEST(scribbling_as_client),
		ATTACK_TEST(scribbling_as_server),
		ATTACK_TEST(punching_holes),
		ATTACK_TEST(filling_the_counter_of_an_eventfd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
