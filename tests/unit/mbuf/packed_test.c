/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/packed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mbuf/account.h"
#include "offload_rig.h"

#define INDEX 7u

static struct ep_account *account;
static struct ep_mcache *mc;
static struct ep_address to;

static int
set_up_account(void **state)
{
	int error = setup(state);

	if (error != 0)
		return error;
	mc = ep_mcache_self(pool);
	account = ep_account_create(pool, NULL, 1000);
	to = (struct ep_address){ account, INDEX };
	return mc == NULL || account == NULL;
}

static int
tear_down_account(void **state)
{
	ep_account_destroy(pool, account);
	return teardown(state);
}

/* A frame as it comes to a queue. */
static struct epair_mbuf *
charged(const char *text)
{
	struct epair_mbuf *m = ep_mbuf_from(pool, text, (uint32_t)strlen(text));

	assert_non_null(m);
	assert_int_equal(ep_account_charge(mc, account, 1), 1);
	m->account = account;
	m->rcvif = INDEX;
	return m;
}

static struct ep_packed
pack(struct epair_mbuf *m)
{
	struct ep_packed p;

	ep_pack(pool, account, &m, 1, &p);
	return p;
}

static void
assert_whole(struct epair_mbuf *m)
{
	struct ep_packed p = pack(m);

	assert_int_equal(p.len, 0);
	assert_ptr_equal(p.m, m);
}

static void
plain_frame_crosses_with_all_that_it_is(void **state)
{
	(void)state;

	struct epair_mbuf *m = charged("xxhello"), *came;
	struct ep_packed p;

	m->data += 2;
	m->len = m->pktlen = 5;
	m->flags = EPAIR_M_MCAST | EPAIR_M_CSUM_VALID;
	p = pack(m);
	ep_packed_sent(pool, mc, &m, 1, &p);
	memset(m, 0xff, sizeof(*m)); /* not ours any more */
	assert_int_equal(ep_unpack(pool, mc, &p, 1, &to, &came), 1);

	assert_null(came->next);
	assert_int_equal(came->pktlen, 5);
	assert_int_equal(came->len, 5);
	assert_memory_equal(came->data, "hello", 5);
	assert_int_equal(came->flags, EPAIR_M_MCAST | EPAIR_M_CSUM_VALID);
	assert_int_equal(came->rcvif, INDEX);
	assert_ptr_equal(came->account, account);
	assert_int_equal(epair_mbuf_headroom(came), EPAIR_MBUF_HEADROOM + 2);
	assert_int_equal(came->hashtype, 0);
	assert_int_equal(came->gso, 0);
	ep_mbuf_free(&came, 1);
}

static void
large_buffer_crosses_as_one(void **state)
{
	(void)state;

	struct epair_mbuf *m, *came;
	struct ep_packed p;

	assert_int_equal(ep_mbuf_alloc(pool, &m, 1, EPAIR_MBUF_LARGE), 1);
	m->len = m->pktlen = EPAIR_MBUF_LARGE;
	assert_int_equal(ep_account_charge(mc, account, 1), 1);
	m->account = account;
	p = pack(m);
	assert_int_equal(p.len, EPAIR_MBUF_LARGE);
	ep_packed_sent(pool, mc, &m, 1, &p);
	assert_int_equal(ep_unpack(pool, mc, &p, 1, &to, &came), 1);
	assert_int_equal(epair_mbuf_tailroom(came), 0);
	ep_mbuf_free(&came, 1);
}

static void
frame_with_more_than_octets_is_packed_whole(void **state)
{
	(void)state;

	const uint32_t flags[] = { EPAIR_M_VLANTAG, EPAIR_M_CSUM_PARTIAL,
		EPAIR_M_TSTAMP, EPAIR_M_PKTID };
	struct epair_mbuf *m = charged("frame");

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		m->flags = flags[i];
		assert_whole(m);
	}
	m->flags = 0;
	m->hashtype = EPAIR_HASH_RSS_IPV4;
	assert_whole(m);
	m->hashtype = 0;
	m->gso = EPAIR_GSO_UDP;
	assert_whole(m);
	m->gso = 0;
	assert_int_equal(epair_mbuf_tag_add(m, 1, 1, true, "t", 1), 0);
	assert_whole(m);
	ep_mbuf_free(&m, 1);
}

static void
chain_foreign_buffer_and_other_account_are_packed_whole(void **state)
{
	(void)state;

	struct epair_mbuf *m = charged("front"), *other = charged("other");

	epair_mbuf_chain(m, ep_mbuf_from(pool, "back", 4));
	assert_whole(m);
	ep_mbuf_free(&m, 1);

	ep_account_release(mc, account, 1);
	other->account = NULL;
	assert_whole(other);
	other->len = other->pktlen = 0;
	other->account = account;
	assert_int_equal(ep_account_charge(mc, account, 1), 1);
	assert_whole(other);
	ep_mbuf_free(&other, 1);
}

static void
order_is_kept_among_plain_and_whole(void **state)
{
	(void)state;

	struct epair_mbuf *ms[6], *came[6];
	struct ep_packed p[6];

	for (unsigned i = 0; i < 6; i++) {
		char text[2] = { (char)('a' + i), '\0' };

		ms[i] = charged(text);
		if (i % 3 == 1)
			ms[i]->hashtype = EPAIR_HASH_OPAQUE;
	}
	ep_pack(pool, account, ms, 6, p);
	ep_packed_sent(pool, mc, ms, 6, p);
	assert_int_equal(ep_unpack(pool, mc, p, 6, &to, came), 6);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(came[i]->data[0], 'a' + i);
	ep_mbuf_free(came, 6);
}

static void
what_cannot_be_unpacked_is_still_there_to_be_freed(void **state)
{
	(void)state;

	struct epair_mbuf *ms[2] = { charged("whole"), charged("plain") };
	struct epair_mbuf *came;
	struct ep_packed p[2];

	ms[0]->hashtype = EPAIR_HASH_OPAQUE;
	ep_pack(pool, account, ms, 2, p);
	ep_packed_sent(pool, mc, ms, 2, p);
	assert_int_equal(ep_unpack(pool, NULL, p, 2, &to, &came), 1);
	assert_ptr_equal(came, ms[0]);
	ep_packed_free(pool, NULL, &p[1], &to);
	ep_mbuf_free(&came, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_frame_crosses_with_all_that_it_is),
		cmocka_unit_test(large_buffer_crosses_as_one),
		cmocka_unit_test(frame_with_more_than_octets_is_packed_whole),
		cmocka_unit_test(
		    chain_foreign_buffer_and_other_account_are_packed_whole),
		cmocka_unit_test(order_is_kept_among_plain_and_whole),
		cmocka_unit_test(
		    what_cannot_be_unpacked_is_still_there_to_be_freed),
	};

	return cmocka_run_group_tests(tests, set_up_account, tear_down_account);
}
