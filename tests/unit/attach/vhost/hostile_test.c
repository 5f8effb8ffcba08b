/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Front ends and guests that attack. Each does its worst on a cable of an
 * instance that has one worker, on which a bystander's cable carries frames
 * meanwhile; see attack.h for what must be as before. And the next honest guest
 * is served.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach/vhost/ring.h"
#include "base/guard.h"
#include "guest.h"
#include "unit/attach/attack.h"

/* The attacked serves; a front end of ours is not yet connected. */
struct siege {
	struct attack *t;
	struct wire w; /* with which guest.c waits */
	struct guest g;
};

static struct siege *
lay(void **state)
{
	static struct siege s;

	memset(&s, 0, sizeof(s));
	s.t = *state;
	s.w.ep = s.t->ep;
	s.w.a = s.t->a;
	s.w.runs_itself = true;
	strcpy(s.w.path, s.t->path);
	assert_int_equal(epair_subscribe(s.t->ep, 65536, &s.w.sub, NULL), 0);
	guest_init(&s.g, &s.w);
	attack_attach(s.t, s.t->a, "vhost:mode=server");
	AWAIT_ATTACK(s.t, access(s.t->path, F_OK) == 0);
	return &s;
}

/*
 * Connect where somebody may just have been thrown out: until we are heard.
 * Memory and rings are as they were; the driver begins anew.
 */
static void
strike(struct siege *s)
{
	uint64_t since = now_s();
	uint32_t ask[3] = { EP_VHOST_GET_FEATURES, 1, 0 }, answer[5];

	do {
		guest_hang_up(&s->g);
		s->g.sock = peer_connect(s->w.path, SOCK_STREAM);
		assert_int_equal(fcntl(s->g.sock, F_SETFL, 0), 0);
		(void)send(s->g.sock, ask, sizeof(ask), MSG_NOSIGNAL);
		assert_true(now_s() < since + 30);
	} while (recv(s->g.sock, answer, sizeof(answer), MSG_WAITALL) != 20);
	assert_int_equal(fcntl(s->g.sock, F_SETFL, O_NONBLOCK), 0);
}

static void
clear(struct siege *s)
{
	memset(s->g.at, 0, RINGS_MAX * RING_AREA);
	for (unsigned r = 0; r < RINGS_MAX; r++)
		s->g.rings[r].next = s->g.rings[r].seen = 0;
}

/* Before that, whoever was served until then may still write. */
static void
strike_and_own(struct siege *s, uint64_t features)
{
	strike(s);
	clear(s);
	s->g.features = features;
	guest_say_u64(&s->g, EP_VHOST_SET_PROTOCOL_FEATURES, PROTOCOL);
	guest_say(&s->g, EP_VHOST_SET_OWNER, NULL, 0, NULL, 0);
	guest_say_u64(&s->g, EP_VHOST_SET_FEATURES, features);
}

static void
strike_and_run(struct siege *s)
{
	strike_and_own(s, FEATURES);
	guest_start(&s->g, 1, NULL);
}

/* Thrown out, and for this. */
static void
expect_end(struct siege *s, const char *why)
{
	guest_await_end(&s->g);
	AWAIT_ATTACK(s->t, strstr(s->t->said, why) != NULL);
}

/* The guest that comes next sends and receives as if nothing had been. */
static void
lift(struct siege *s)
{
	uint8_t octets[60] = { 2 };
	uint64_t before;

	strike_and_run(s);
	before = progress(s->t->b).received;
	for (unsigned i = 0; i < 10; i++)
		guest_send(&s->g, 1, i, NULL, octets, sizeof(octets));
	AWAIT_ATTACK(s->t, progress(s->t->b).received >= before + 10 ||
			       s->g.rings[1].used->idx == 10);
	guest_fini(&s->g);
	epair_unsubscribe(s->w.sub);
}

/* Messages. */

static void
connecting_and_hanging_up(void **state)
{
	struct siege *s = lay(state);

	for (int i = 0; i < 10000; i++)
		close(peer_connect(s->w.path, SOCK_STREAM));
	lift(s);
}

static void
garbage(void **state)
{
	struct siege *s = lay(state);
	uint8_t octets[512];
	int fd;

	for (int i = 0; i < 2000; i++) {
		fd = peer_connect(s->w.path, SOCK_STREAM);
		for (size_t j = 0; j < sizeof(octets); j++)
			octets[j] = (uint8_t)rand();
		/* Mostly a request that there is, of a length that fits. */
		for (size_t j = 0; j + 20 < sizeof(octets); j += 20) {
			const uint32_t head[3] = { (uint32_t)rand() % 40,
				1 | (rand() % 2 ? 8u : 0), 8 };

			if (i % 4 != 0)
				memcpy(octets + j, head, sizeof(head));
		}
		(void)!send(
		    fd, octets, (size_t)rand() % sizeof(octets), MSG_NOSIGNAL);
		close(fd);
	}
	lift(s);
}

static void
more_descriptors_than_may_be(void **state)
{
	static const unsigned counts[] = { 1, 2, 7, 8, 9, 60 };
	struct siege *s = lay(state);
	const uint64_t index = 0;
	int fds[64];

	for (unsigned i = 0; i < 64; i++)
		fds[i] = s->g.mem;
	for (unsigned i = 0; i < 60; i++) {
		strike(s);
		guest_say(
		    &s->g, EP_VHOST_SET_OWNER, NULL, 0, fds, counts[i % 6]);
		guest_await_end(&s->g);
		strike(s);
		guest_say(&s->g, EP_VHOST_SET_VRING_CALL, &index, 8, fds,
		    i % 2 ? 2 : 0);
		guest_await_end(&s->g);
	}
	AWAIT_ATTACK(
	    s->t, strstr(s->t->said, "Wrong number of descriptors") != NULL);
	lift(s);
}

static void
saying_half_of_something(void **state)
{
	struct siege *s = lay(state);

	/* Nothing at all, and not that it owns us. */
	s->g.sock = peer_connect(s->w.path, SOCK_STREAM);
	expect_end(s, "Front end fell silent");
	/* A payload that does not come. */
	strike_and_own(s, FEATURES);
	(void)guest_ask_u64(&s->g, EP_VHOST_GET_QUEUE_NUM);
	(void)!send(s->g.sock, (uint32_t[3]){ 5, 1, 264 }, 12, MSG_NOSIGNAL);
	expect_end(s, "Front end fell silent");
	lift(s);
}

static void
refused(struct siege *s, uint32_t request, const void *payload, uint32_t size,
    const char *why)
{
	strike_and_own(s, FEATURES);
	guest_say(&s->g, request, payload, size, NULL, 0);
	expect_end(s, why);
}

static void
what_cannot_be(void **state)
{
	struct siege *s = lay(state);
	const uint64_t all = UINT64_MAX;

	refused(
	    s, EP_VHOST_SET_FEATURES, &all, 8, "Feature that was not offered");
	refused(s, EP_VHOST_SET_PROTOCOL_FEATURES, &all, 8,
	    "Feature that was not offered");
	refused(s, EP_VHOST_SET_VRING_NUM, (uint32_t[2]){ 0, 0 }, 8,
	    "Queue of a wrong size");
	refused(s, EP_VHOST_SET_VRING_NUM, (uint32_t[2]){ 0, 65536 }, 8,
	    "Queue of a wrong size");
	refused(s, EP_VHOST_SET_VRING_NUM, (uint32_t[2]){ 1, 100 }, 8,
	    "Queue of a wrong size");
	refused(s, EP_VHOST_SET_VRING_ENABLE, (uint32_t[2]){ 2, 1 }, 8,
	    "No such queue");
	refused(s, EP_VHOST_GET_VRING_BASE, (uint32_t[2]){ UINT32_MAX, 1 }, 8,
	    "No such queue");
	refused(s, EP_VHOST_SET_VRING_ENABLE, (uint32_t[2]){ 0, 2 }, 8,
	    "Queue neither enabled nor not");
	refused(s, EP_VHOST_GET_CONFIG, (uint32_t[3]){ 256, 1, 0 }, 12,
	    "Configuration out of range");
	lift(s);
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
refused_memory(
    struct siege *s, int fd, uint64_t size, uint64_t offset, const char *why)
{
	const uint64_t table[5] = { 1, GPA, size, UVA, offset };

	strike_and_own(s, FEATURES);
	guest_say(&s->g, EP_VHOST_SET_MEM_TABLE, table, sizeof(table), &fd, 1);
	expect_end(s, why);
	close(fd);
}

static void
memory_that_cannot_be_trusted(void **state)
{
	struct siege *s = lay(state);

	refused_memory(s, memory(4096, 0), 4096, 0,
	    "Region is not sealed against shrinking");
	refused_memory(s, eventfd(0, 0), 4096, 0,
	    "Region is not sealed against shrinking");
	refused_memory(s, memory(4096, F_SEAL_SHRINK), 4097, 0,
	    "Region is smaller than announced");
	refused_memory(s, memory(4096, F_SEAL_SHRINK), 1, 4096,
	    "Region is smaller than announced");
	refused_memory(s, memory(4096, F_SEAL_SHRINK), UINT64_C(2) << 40, 0,
	    "Regions too large");
	refused_memory(s, memory(4096, F_SEAL_SHRINK), UINT64_MAX - GPA, 1,
	    "Region that cannot be");
	lift(s);
}

static void
rings_that_cannot_be(void **state)
{
	static const uint64_t addrs[][3] = {
		/* desc, used, avail */
		{ 0, UVA + 0x2000, UVA + 0x1000 },
		{ UVA, UVA + MEMORY, UVA + 0x1000 },
		{ UVA + MEMORY - 16, UVA + 0x2000, UVA + 0x1000 },
		{ UVA + 8, UVA + 0x2000, UVA + 0x1000 },
		{ UVA, UVA + 0x2002, UVA + 0x1000 },
		{ UVA, UVA + 0x2000, UVA + 0x1001 },
		{ UINT64_MAX - 15, UVA + 0x2000, UVA + 0x1000 },
	};
	struct siege *s = lay(state);
	const uint64_t index = 0;
	int fd;

	for (unsigned i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
		const uint64_t addr[5] = { 0, addrs[i][0], addrs[i][1],
			addrs[i][2], 0 };

		strike_and_own(s, FEATURES);
		guest_say_memory(&s->g);
		guest_say_state(&s->g, EP_VHOST_SET_VRING_NUM, 0, RING);
		guest_say(&s->g, EP_VHOST_SET_VRING_ADDR, addr, sizeof(addr),
		    NULL, 0);
		guest_say(&s->g, EP_VHOST_SET_VRING_KICK, &index, 8,
		    &s->g.rings[0].kick, 1);
		expect_end(s, "Ring outside of its memory");
	}
	fd = memory(8, 0);
	strike_and_own(s, FEATURES);
	guest_say(&s->g, EP_VHOST_SET_VRING_KICK, &index, 8, &fd, 1);
	expect_end(s, "Kick is no eventfd");
	strike_and_own(s, FEATURES);
	guest_say(&s->g, EP_VHOST_SET_VRING_CALL, &index, 8, &fd, 1);
	expect_end(s, "Call is no eventfd");
	close(fd);
	lift(s);
}

/* What a queue is made of does not change while it runs. */
static void
changing_what_runs(void **state)
{
	struct siege *s = lay(state);
	const uint64_t table[5] = { 1, GPA, 4096, UVA, 0 };
	const uint64_t addr[5] = { 0 };

	strike_and_run(s);
	guest_say_state(&s->g, EP_VHOST_SET_VRING_NUM, 0, 2 * RING);
	expect_end(s, "Queue is running");
	strike_and_run(s);
	guest_say_state(&s->g, EP_VHOST_SET_VRING_BASE, 0, 0);
	expect_end(s, "Queue is running");
	strike_and_run(s);
	guest_say(&s->g, EP_VHOST_SET_VRING_ADDR, addr, sizeof(addr), NULL, 0);
	expect_end(s, "Queue is running");
	strike_and_run(s);
	guest_say_u64(&s->g, EP_VHOST_SET_FEATURES, FEATURES_PLAIN);
	expect_end(s, "Queue is running");
	/* Memory in which a ring is no more. */
	strike_and_run(s);
	guest_say(
	    &s->g, EP_VHOST_SET_MEM_TABLE, table, sizeof(table), &s->g.mem, 1);
	expect_end(s, "Ring outside of its memory");
	lift(s);
}

/* Rings. */

static void
chain(struct siege *s, unsigned r, const char *why)
{
	guest_offer(&s->g, r, 0);
	guest_kick(&s->g, r);
	expect_end(s, why);
}

/* An indirect table of n descriptors in buffer i, of which the last has a frame. */
static void
lay_table(struct guest *g, unsigned r, unsigned i, unsigned n)
{
	struct vring_desc *table = (void *)buffer(g, r, i);

	for (unsigned k = 0; k < n; k++)
		table[k] = (struct vring_desc){ .addr = GPA,
			.flags = r == 0 ? VRING_DESC_F_WRITE : 0,
			.next = (uint16_t)(k + 1) };
	for (unsigned k = 0; k + 1 < n; k++)
		table[k].flags |= VRING_DESC_F_NEXT;
	table[n - 1].addr = buffer_gpa(r, i + 1);
	table[n - 1].len = HDR + 60;
	guest_desc(g, r, i, buffer_gpa(r, i), 16 * n, VRING_DESC_F_INDIRECT, 0);
	guest_offer(g, r, (uint16_t)i);
}

/*
 * Empty descriptors were followed as far as the table went: in one as long as
 * may be, for as many chains as a frame may be laid down in, and for each frame
 * anew, with the worker's other cables waiting.
 */
static void
descriptors_of_nothing(void **state)
{
	struct siege *s = lay(state);
	uint64_t before;

	strike_and_run(s);
	before = progress(s->t->b).received;
	lay_table(&s->g, 1, 0, EP_VHOST_PARTS_MAX);
	guest_kick(&s->g, 1);
	AWAIT_ATTACK(s->t, progress(s->t->b).received == before + 1);
	lay_table(&s->g, 1, 2, EP_VHOST_PARTS_MAX + 1);
	guest_kick(&s->g, 1);
	expect_end(s, "Chain of too many pieces");
	flood(s->t);
	strike_and_run(s);
	lay_table(&s->g, 0, 0, EP_VHOST_PARTS_MAX + 1);
	guest_kick(&s->g, 0);
	expect_end(s, "Chain of too many pieces");
	lift(s);
}

static void
descriptors_that_cannot_be(void **state)
{
	struct siege *s = lay(state);
	struct guest *g = &s->g;

	strike_and_run(s);
	guest_desc(g, 1, 0, 0, 100, 0, 0);
	chain(s, 1, "Descriptor outside of all regions");
	strike_and_run(s);
	guest_desc(g, 1, 0, GPA + MEMORY - 10, 100, 0, 0);
	chain(s, 1, "Descriptor outside of all regions");
	strike_and_run(s);
	guest_desc(g, 1, 0, UINT64_MAX - 5, 100, 0, 0);
	chain(s, 1, "Descriptor outside of all regions");
	strike_and_run(s);
	guest_desc(g, 1, 0, GPA, 1, VRING_DESC_F_NEXT, 0);
	chain(s, 1, "Chain that does not end");
	strike_and_run(s);
	guest_desc(g, 1, 0, GPA, 1, VRING_DESC_F_NEXT, RING);
	chain(s, 1, "Chain that does not end");
	strike_and_run(s);
	guest_desc(g, 1, 0, GPA, 100, VRING_DESC_F_WRITE, 0);
	chain(s, 1, "Descriptor of the wrong direction");
	strike_and_run(s);
	guest_desc(g, 1, 0, GPA, 16 * 1025, VRING_DESC_F_INDIRECT, 0);
	chain(s, 1, "Indirect descriptors of a wrong size");
	strike_and_run(s);
	guest_desc(
	    g, 1, 0, GPA, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 0);
	chain(s, 1, "Indirect descriptor that may not be");
	strike_and_run(s);
	guest_desc(g, 1, 0, GPA + MEMORY - 16, 32, VRING_DESC_F_INDIRECT, 0);
	chain(s, 1, "Indirect descriptors outside of a region");
	strike_and_run(s);
	guest_offer(g, 1, RING);
	guest_kick(g, 1);
	expect_end(s, "Head out of range");
	flood(s->t);
	strike_and_run(s);
	guest_desc(g, 0, 0, GPA, 5, VRING_DESC_F_WRITE, 0);
	chain(s, 0, "Buffer shorter than a header");
	strike_and_run(s);
	guest_desc(g, 0, 0, buffer_gpa(0, 0), 2000, 0, 0);
	chain(s, 0, "Descriptor of the wrong direction");
	lift(s);
}

static void
indexes_that_jump(void **state)
{
	struct siege *s = lay(state);

	flood(s->t);
	for (int i = 0; i < 100; i++) {
		strike_and_run(s);
		__atomic_store_n(&s->g.rings[i & 1].avail->idx,
		    (uint16_t)(RING + 1 + rand() % 60000), __ATOMIC_RELAXED);
		guest_kick(&s->g, i & 1);
		guest_await_end(&s->g);
	}
	AWAIT_ATTACK(s->t, strstr(s->t->said, "Index out of range") != NULL);
	lift(s);
}

/* Whatever is written, while we read: frames, or the end. */
static void
scribble(struct siege *s, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		unsigned r = (unsigned)rand() & 1,
			 slot = (unsigned)rand() % RING;
		struct ring *ring = &s->g.rings[r];

		switch (rand() % 16) {
		case 0:
			s->g.at[(unsigned)rand() % (2 * RING_AREA)] =
			    (uint8_t)rand();
			break;
		case 1:
			ring->desc[slot].addr = GPA + (unsigned)rand() % MEMORY;
			break;
		case 2:
			ring->desc[slot].len = (unsigned)rand() % 70000;
			break;
		case 3:
			ring->desc[slot].flags = (uint16_t)(rand() % 8);
			ring->desc[slot].next = (uint16_t)rand() % RING;
			break;
		case 4:
			ring->used->idx = (uint16_t)rand();
			break;
		case 5:
			memset(buffer(&s->g, r, slot), rand(), 64);
			break;
		case 6:
			ring->avail->flags = (uint16_t)rand();
			break;
		default:
			guest_desc(&s->g, r, slot, buffer_gpa(r, slot), 1600,
			    r == 0 ? VRING_DESC_F_WRITE : 0, 0);
			guest_offer(&s->g, r, (uint16_t)slot);
			break;
		}
		if (i % 16 == 0)
			guest_kick(&s->g, r);
	}
}

static void
scribbling(void **state)
{
	struct siege *s = lay(state);

	flood(s->t);
	for (int i = 0; i < 300; i++) {
		strike_and_run(s);
		scribble(s, 500);
	}
	lift(s);
}

/* Memory that is taken away, under our hands. */
static void
shrinking(void **state)
{
	struct siege *s = lay(state);
	uint64_t table[5] = { 1, GPA, MEMORY, UVA, 0 };
	int fd, sealed = s->g.mem;

	ep_guard_enable(); /* cmocka has a handler of its own in a test */
	flood(s->t);
	for (int i = 0; i < 50; i++) {
		fd = memfd_create("shrinks", MFD_CLOEXEC);
		assert_int_equal(ftruncate(fd, MEMORY), 0);
		assert_ptr_equal(mmap(s->g.at, MEMORY, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_FIXED, fd, 0),
		    s->g.at);
		strike_and_own(s, FEATURES);
		guest_say(&s->g, EP_VHOST_SET_MEM_TABLE, table, sizeof(table),
		    &fd, 1);
		for (unsigned r = 0; r < 2; r++) {
			guest_say_ring(&s->g, r, 0);
			guest_say_state(&s->g, EP_VHOST_SET_VRING_ENABLE, r, 1);
		}
		(void)guest_ask_u64(&s->g, EP_VHOST_GET_QUEUE_NUM);
		guest_post(&s->g, 0, 0, RING, 2048);
		guest_desc(&s->g, 1, 0, buffer_gpa(1, 0), 1000, 0, 0);
		/* Its rings or its buffers. We must not look there ourselves. */
		assert_int_equal(ftruncate(fd, i % 2 ? 0 : BUFFERS), 0);
		if (i % 2 == 0)
			guest_offer(&s->g, 1, 0);
		guest_kick(&s->g, 1);
		guest_await_end(&s->g);
		close(fd);
		assert_ptr_equal(mmap(s->g.at, MEMORY, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_FIXED, sealed, 0),
		    s->g.at);
	}
	AWAIT_ATTACK(s->t, strstr(s->t->said, "Memory was taken away") != NULL);
	ep_guard_disable();
	lift(s);
}

/* A counter that is full, and no O_NONBLOCK: write() would sleep. */
static void
filling_the_counter_of_an_eventfd(void **state)
{
	const uint64_t all = UINT64_MAX - 1;
	struct siege *s = lay(state);
	uint64_t before, count;

	flood(s->t);
	strike_and_run(s);
	do {
		(void)!read(s->g.rings[0].call, &count, sizeof(count));
	} while (write(s->g.rings[0].call, &all, sizeof(all)) != sizeof(all));
	assert_int_equal(fcntl(s->g.rings[0].call, F_SETFL, O_RDWR), 0);
	before = progress(s->t->sink).received;
	for (unsigned i = 0; i < 50; i++) {
		guest_post(&s->g, 0, i, 1, 2048);
		guest_kick(&s->g, 0);
		(void)usleep(1000);
	}
	AWAIT_ATTACK(s->t, progress(s->t->sink).received > before + 100);
	assert_int_equal(
	    fcntl(s->g.rings[0].call, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	assert_int_equal(read(s->g.rings[0].call, &count, sizeof(count)), 8);
	lift(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ATTACK_TEST(connecting_and_hanging_up),
		ATTACK_TEST(garbage),
		ATTACK_TEST(more_descriptors_than_may_be),
		ATTACK_TEST(saying_half_of_something),
		ATTACK_TEST(what_cannot_be),
		ATTACK_TEST(memory_that_cannot_be_trusted),
		ATTACK_TEST(rings_that_cannot_be),
		ATTACK_TEST(changing_what_runs),
		ATTACK_TEST(descriptors_that_cannot_be),
		ATTACK_TEST(descriptors_of_nothing),
		ATTACK_TEST(indexes_that_jump),
		ATTACK_TEST(scribbling),
		cmocka_unit_test_setup_teardown(
		    shrinking, attack_setup_guarded, attack_teardown),
		ATTACK_TEST(filling_the_counter_of_an_eventfd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
