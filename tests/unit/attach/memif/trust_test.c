/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client that trusts its server: what is copied, what is lent, and for how
 * long. Side 0 is the server, side 1 the client. What arrives is kept until
 * forget(), so that a ring's buffers to spare come to an end.
 */
#include <pthread.h>
#include <unistd.h>

#include "attach/memif/lend.h"
#include "net/instance.h"
#include "two.h"

#define RING  64u
#define LONG  9000u /* five buffers of 2048 */
#define PARTS 5u

static void
join_trusting(struct two *t, const char *more)
{
	attach(&t->side[0], "memif:path=%s,role=server,ring=64", t->path);
	attach(&t->side[1], "memif:path=%s,reconnect=5ms,ring=64,trust=yes%s",
	    t->path, more);
	await_joined(t);
}

/* Send so many from the server; they have arrived, and whole. */
static void
arrive(struct two *t, uint32_t len, unsigned n)
{
	struct seen *seen = &t->side[1].at_b;
	unsigned had = seen->count;

	for (unsigned i = 0; i < n; i++) {
		send_numbered(&t->side[0], len, i);
		AWAIT(t, seen->count == had + i + 1);
	}
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(number_of(seen->ms[had + i]), i);
}

/* So many of those kept, and they begin with headers that are ours. */
static unsigned
lent(const struct seen *seen)
{
	unsigned n = 0;

	for (unsigned i = 0; i < seen->count; i++) {
		struct epair_mbuf *m = seen->ms[i];

		assert_false(m->flags & EPAIR_M_EXT);
		if (m->next == NULL)
			continue;
		assert_int_equal(m->len, EP_MEMIF_HEAD);
		for (m = m->next; m != NULL; m = m->next)
			assert_true(m->flags & EPAIR_M_EXT);
		n++;
	}
	return n;
}

static void
long_frames_are_lent_and_others_copied(void **state)
{
	static const uint32_t copied[] = { 14, 60, 128, 511 };
	static const uint32_t kept[] = { 512, 1514, 2048, 2049, 2176, LONG };
	struct two *t = *state;
	struct seen *seen = &t->side[1].at_b;

	join_trusting(t, "");
	for (unsigned i = 0; i < sizeof(copied) / sizeof(copied[0]); i++)
		arrive(t, copied[i] < 18 ? 18 : copied[i], 1);
	assert_int_equal(lent(seen), 0);
	for (unsigned i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		arrive(t, kept[i], 1);
	assert_int_equal(lent(seen), sizeof(kept) / sizeof(kept[0]));
	/* What the client sends is copied, and arrives. */
	send_numbered(&t->side[1], LONG, 7);
	AWAIT(t, t->side[0].at_b.count == 1);
	assert_int_equal(number_of(t->side[0].at_b.ms[0]), 7);
}

static void
frames_are_copied_while_all_are_lent(void **state)
{
	struct two *t = *state;
	struct seen *seen = &t->side[1].at_b;

	join_trusting(t, "");
	for (int round = 0; round < 3; round++) {
		arrive(t, LONG, 4 * RING / PARTS);
		assert_int_equal(lent(seen), RING / PARTS);
		assert_int_equal(seen->count, 4 * RING / PARTS);
		forget(seen);
	}
}

static void
frames_outlive_their_peer(void **state)
{
	struct two *t = *state;
	struct seen *seen = &t->side[1].at_b;

	join_trusting(t, "");
	arrive(t, LONG, 10);
	assert_int_equal(lent(seen), 10);
	assert_int_equal(epair_detach(t->side[0].a, NULL), 0);
	AWAIT(t, has_said(&t->side[1], "disconnected: detached"));
	*t->side[0].said = '\0';
	attach(&t->side[0], "memif:path=%s,role=server,ring=64", t->path);
	await_joined(t);
	arrive(t, LONG, 2);
	assert_int_equal(epair_detach(t->side[1].a, NULL), 0);
	for (unsigned i = 0; i < 12; i++)
		assert_int_equal(number_of(seen->ms[i]), i < 10 ? i : i - 10);
	assert_int_equal(lent(seen), 12);
}

static void
frames_in_small_buffers_are_lent(void **state)
{
	struct two *t = *state;

	join_trusting(t, ",buffer=256");
	arrive(t, 2000, 4);
	assert_int_equal(lent(&t->side[1].at_b), 4);
	forget(&t->side[1].at_b);
	assert_int_equal(epair_detach(t->side[1].a, NULL), 0);
	AWAIT(t, has_said(&t->side[0], "disconnected: detached"));
	*t->side[0].said = *t->side[1].said = '\0';
	/* What is behind the headers must not be among them. */
	attach(
	    &t->side[1], "memif:path=%s,ring=64,trust=yes,buffer=128", t->path);
	await_joined(t);
	arrive(t, 2000, 4);
	assert_int_equal(lent(&t->side[1].at_b), 4);
}

static void
each_queue_lends_its_own(void **state)
{
	struct two *t = *state;
	struct seen *seen = &t->side[1].at_b;

	join_trusting(t, "");
	for (uint32_t i = 0; i < 400; i++) {
		send_in_flow(&t->side[0], 1000, i, i % 4);
		if (i % 16 == 15)
			AWAIT(t, seen->count == i + 1);
	}
	assert_int_equal(lent(seen), 4 * RING);
}

/* The lender by itself, with frames freed on a thread while others are lent. */
#define ROUNDS 20000u

struct mill {
	struct ep_memif_lender *lender;
	struct epair_mbuf *slots[256]; /* atomic; what is to be freed */
	bool is_done; /* atomic */
};

static void *
free_them(void *arg)
{
	struct mill *mill = arg;
	bool is_last = false, was_any;

	do {
		is_last = __atomic_load_n(&mill->is_done, __ATOMIC_ACQUIRE);
		do {
			was_any = false;
			for (unsigned i = 0; i < 256; i++) {
				struct epair_mbuf *m = __atomic_exchange_n(
				    &mill->slots[i], NULL, __ATOMIC_ACQ_REL);

				if (m != NULL)
					epair_mbuf_free(&m, 1);
				was_any |= m != NULL;
			}
		} while (was_any);
	} while (!is_last);
	return NULL;
}

static void
buffers_come_back_from_any_thread(void **state)
{
	struct two *t = *state;
	struct ep_pool *pool = t->side[1].ep->pool;
	struct mill mill = { 0 };
	const uint32_t *where;
	pthread_t thread;
	unsigned lendings = 0;
	int fd;

	assert_int_equal(ep_memif_lender_make(16, 2048, &mill.lender, &fd), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(ep_memif_lender_octets(mill.lender), 2 * 16 * 2048);
	where = ep_memif_lender_where(mill.lender);
	assert_int_equal(pthread_create(&thread, NULL, free_them, &mill), 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct epair_mbuf *m, *had;
		uint32_t was = where[i % 16];

		if (!ep_memif_lender_can(mill.lender, 1))
			continue;
		m = ep_memif_lend(mill.lender, pool, i % 16, 4, 100);
		assert_non_null(m);
		assert_ptr_equal(
		    m->data, ep_memif_lender_at(mill.lender) + was + 4);
		assert_int_not_equal(where[i % 16], was);
		lendings++;
		had = __atomic_exchange_n(
		    &mill.slots[i % 256], m, __ATOMIC_ACQ_REL);
		if (had != NULL)
			epair_mbuf_free(&had, 1);
	}
	assert_true(lendings >= 16);
	/* L1: no two slots have the same. */
	for (unsigned i = 0; i < 16; i++)
		for (unsigned k = i + 1; k < 16; k++)
			assert_int_not_equal(where[i], where[k]);
	/* The last to come back ends it, on whichever thread. */
	ep_memif_lender_leave(mill.lender);
	__atomic_store_n(&mill.is_done, true, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWO_TEST(long_frames_are_lent_and_others_copied),
		TWO_TEST(frames_are_copied_while_all_are_lent),
		TWO_TEST(frames_outlive_their_peer),
		TWO_TEST(frames_in_small_buffers_are_lent),
		TWO_QUEUES_TEST(each_queue_lends_its_own),
		TWO_TEST(buffers_come_back_from_any_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
