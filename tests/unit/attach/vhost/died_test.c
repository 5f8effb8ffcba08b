/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A back end that dies, after each of its instructions. It is a process that we
 * step through; whenever it has changed the memory that the front end keeps, we
 * take a copy and let a successor begin there, which must do what was not given
 * back, all of that once, in the order in which it was offered, and nothing else.
 *
 * It gives back in another order than it took, as one may that is not ours.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "attach/vhost/ring.h"
#include "mbuf/mbuf.h"

#define SIZE    8u
#define FIRST   0xfffcu /* index: it comes around */
#define GPA     0x10000u
#define BUFFER  64u
#define OFFERED 64u
#define ROUNDS  2u

/* What the front end keeps: the guest's memory, and what is in flight. */
struct kept {
	struct vring_desc desc[SIZE];
	uint16_t avail[4 + SIZE]; /* flags, idx, ring, used_event */
	uint32_t used[2 + 2 * SIZE]; /* flags and idx, ring, avail_event */
	uint8_t buffers[SIZE][BUFFER];
	uint64_t inflight[2 + 2 * SIZE]; /* 16 octets, and as many a head */
	/* For us: all that was ever offered. */
	uint16_t offered[OFFERED];
};

/* A back end at some memory, and the driver's side of it. */
struct end {
	struct kept *kept;
	struct vring_used *used;
	struct ep_vhost_memory memory;
	struct ep_vhost_ring ring;
	uint16_t seen; /* of used->idx */
};

static void
lay_down(struct kept *kept, uint16_t flags)
{
	memset(kept, 0, sizeof(*kept));
	for (unsigned i = 0; i < SIZE; i++)
		kept->desc[i] = (struct vring_desc){
			.addr = GPA + offsetof(struct kept, buffers[i]),
			.len = BUFFER,
			.flags = flags
		};
	kept->avail[1] = FIRST;
	kept->used[0] = FIRST << 16;
}

static int
begin(struct end *end, struct kept *kept)
{
	struct ep_vhost_ring_conf conf = { .memory = &end->memory,
		.desc = GPA + offsetof(struct kept, desc),
		.avail = GPA + offsetof(struct kept, avail),
		.used = GPA + offsetof(struct kept, used),
		.size = SIZE,
		.is_merging = true,
		.hdr_len = 12,
		.inflight = (void *)kept->inflight };
	const char *why;

	memset(end, 0, sizeof(*end));
	end->kept = kept;
	end->used = (struct vring_used *)(void *)kept->used;
	end->seen = end->used->idx;
	end->memory.count = 1;
	end->memory.list[0] = (struct ep_vhost_region){ GPA, GPA, sizeof(*kept),
		(uint8_t *)kept, { 0 } };
	return ep_vhost_ring_init(&end->ring, &conf, &why);
}

/* The driver. */

static void
offer(struct kept *kept, uint16_t head)
{
	uint16_t idx = kept->avail[1];

	kept->offered[(uint16_t)(idx - FIRST)] = head;
	kept->avail[2 + idx % SIZE] = head;
	__atomic_store_n(
	    &kept->avail[1], (uint16_t)(idx + 1), __ATOMIC_RELEASE);
}

/* What came back is offered again. */
static void
offer_again(struct end *end)
{
	for (; end->seen != end->used->idx; end->seen++)
		offer(
		    end->kept, (uint16_t)end->used->ring[end->seen % SIZE].id);
}

/* Those that die. */

static uint16_t
take(struct end *end)
{
	/* Not on the stack, which a sanitizer would paint, step by step. */
	static struct ep_vhost_part parts[EP_VHOST_PARTS_MAX];
	uint64_t len;
	uint16_t head;

	if (ep_vhost_ring_take(&end->ring, parts, &len, &head) != 1)
		_exit(1);
	return head;
}

static void
reads(struct end *end)
{
	uint16_t heads[4];

	for (unsigned round = 0; round < ROUNDS; round++) {
		if (ep_vhost_ring_look(&end->ring) < 4)
			_exit(1);
		for (unsigned i = 0; i < 4; i++)
			heads[i] = take(end);
		ep_vhost_ring_done(&end->ring, heads[2]);
		ep_vhost_ring_done(&end->ring, heads[0]);
		ep_vhost_ring_done(&end->ring, heads[3]);
		ep_vhost_ring_publish(&end->ring);
		offer_again(end);
		ep_vhost_ring_done(&end->ring, heads[1]);
		ep_vhost_ring_publish(&end->ring);
	}
}

/* Frames over two buffers and over one. */
static void
writes(struct end *end)
{
	uint8_t octets[100] = { 2 };
	struct epair_mbuf m = { .data = octets };

	for (unsigned round = 0; round < ROUNDS; round++) {
		(void)ep_vhost_ring_look(&end->ring);
		for (unsigned i = 0; i < 3; i++) {
			m.len = m.pktlen = i % 2 == 0 ? 100 : 40;
			if (ep_vhost_ring_put(&end->ring, &m) != 0)
				_exit(1);
		}
		ep_vhost_ring_publish(&end->ring);
		offer_again(end);
	}
}

static pid_t
start(struct kept *kept, void (*act)(struct end *))
{
	struct end end;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 || raise(SIGSTOP) != 0 ||
	    begin(&end, kept) != 0)
		_exit(1);
	act(&end);
	_exit(0);
}

/* Those that come after them. */

/* How often each was given back, from what the dead one published. */
struct book {
	uint16_t seen;
	unsigned given[SIZE];
};

static void
note_given(struct book *book, const struct kept *kept)
{
	const struct vring_used *used = (const void *)kept->used;

	for (; book->seen != used->idx; book->seen++)
		book->given[used->ring[book->seen % SIZE].id]++;
}

/* What was offered and not given back, in order. */
static unsigned
outstanding(const struct book *book, const struct kept *kept, uint16_t *heads)
{
	unsigned given[SIZE], n = 0;
	uint16_t count = (uint16_t)(kept->avail[1] - FIRST);

	memcpy(given, book->given, sizeof(given));
	for (unsigned i = 0; i < count; i++) {
		if (given[kept->offered[i]] > 0)
			given[kept->offered[i]]--;
		else
			heads[n++] = kept->offered[i];
	}
	return n;
}

/* One that uses the first n offers, of those that there are. */
static void
use(struct end *end, unsigned n, bool is_read, bool is_given)
{
	struct epair_mbuf m = {
		.data = (uint8_t[40]){ 2 }, .len = 40, .pktlen = 40
	};
	uint16_t head;

	for (unsigned i = 0; i < n; i++) {
		if (!is_read) {
			assert_int_equal(ep_vhost_ring_put(&end->ring, &m), 0);
			continue;
		}
		head = take(end);
		if (is_given)
			ep_vhost_ring_done(&end->ring, head);
	}
	if (is_given)
		ep_vhost_ring_publish(&end->ring);
}

static void
goes_on(struct kept *kept, const struct book *book, bool is_read)
{
	uint16_t wanted[OFFERED], first;
	unsigned n = outstanding(book, kept, wanted);
	struct end end;

	/* Two that die in turn, with half of it taken, and with all. */
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(begin(&end, kept), 0);
		assert_int_equal(ep_vhost_ring_look(&end.ring), n);
		use(&end, n * i / 2, is_read, false);
		ep_vhost_ring_fini(&end.ring);
	}
	assert_int_equal(begin(&end, kept), 0);
	assert_int_equal(ep_vhost_ring_look(&end.ring), n);
	first = end.used->idx;
	use(&end, n, is_read, true);
	assert_int_equal((uint16_t)(end.used->idx - first), n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(
		    end.used->ring[(uint16_t)(first + i) % SIZE].id, wanted[i]);
	ep_vhost_ring_fini(&end.ring);
	/* And for the one after that nothing is left. */
	assert_int_equal(begin(&end, kept), 0);
	assert_int_equal(ep_vhost_ring_look(&end.ring), 0);
	ep_vhost_ring_fini(&end.ring);
}

static struct kept *
shared(void)
{
	void *at = mmap(NULL, sizeof(struct kept), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

static void
dies_anywhere(void (*act)(struct end *), bool is_read)
{
	const uint16_t order[SIZE] = { 5, 2, 7, 0, 3, 6, 1, 4 };
	struct kept *kept = shared(), last, copy;
	struct book book = { .seen = FIRST };
	unsigned deaths = 0;
	int status;
	pid_t pid;

	lay_down(kept, is_read ? 0 : VRING_DESC_F_WRITE);
	for (unsigned i = 0; i < SIZE; i++)
		offer(kept, order[i]);
	memset(&last, 0xff, sizeof(last));
	pid = start(kept, act);
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (memcmp(&last, kept, sizeof(last)) != 0) {
			memcpy(&last, kept, sizeof(last));
			copy = last;
			note_given(&book, &copy);
			goes_on(&copy, &book, is_read);
			deaths++;
		}
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	/* At the least for each head that it took and gave back. */
	assert_in_range(deaths, 8 * 4 * ROUNDS, UINT32_MAX);
	assert_int_equal(munmap(kept, sizeof(*kept)), 0);
}

static void
what_was_read_is_read_once_wherever_one_dies(void **state)
{
	(void)state;
	dies_anywhere(reads, true);
}

static void
what_was_written_is_given_once_wherever_one_dies(void **state)
{
	(void)state;
	dies_anywhere(writes, false);
}

/* Where nobody may be traced, it ends at once. */
static bool
may_trace(void)
{
	struct kept *kept = shared();
	int status;
	pid_t pid = start(kept, reads);
	bool may = waitpid(pid, &status, 0) == pid && WIFSTOPPED(status);

	if (may) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, &status, 0);
	}
	(void)munmap(kept, sizeof(*kept));
	return may;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_read_is_read_once_wherever_one_dies),
		cmocka_unit_test(
		    what_was_written_is_given_once_wherever_one_dies),
	};

	if (!may_trace()) {
		(void)puts("1..0 # SKIP a process may not trace another");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
