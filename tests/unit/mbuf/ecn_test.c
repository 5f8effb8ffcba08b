/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/ecn.h"

#include <string.h>

#include "offload_rig.h"

enum { CE = 3, ECT_0 = 2, ECT_1 = 1, NOT_ECT = 0 };

static unsigned
get_class(const struct packet *p, const uint8_t *ip)
{
	return p->version == 4 ? ip[1] : (ip[0] & 0xfu) << 4 | ip[1] >> 4;
}

/* Set the octet of which the last two bits are ECN's. */
static void
set_class(const struct packet *p, uint8_t *ip, unsigned class)
{
	uint32_t len = packet_l4(p) - packet_l3(p);
	uint16_t sum;

	if (p->version == 6) {
		ip[0] = (uint8_t)(6u << 4 | class >> 4);
		ip[1] = (uint8_t)((class & 0xf) << 4 | (ip[1] & 0xf));
		return;
	}
	ip[1] = (uint8_t) class;
	ip[10] = ip[11] = 0;
	sum = (uint16_t)~packet_sum(ip, len);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

static struct epair_mbuf *
make(const struct packet *p, unsigned class)
{
	struct epair_mbuf *m = partial(p);

	set_class(p, m->data + packet_l3(p), class);
	/* Nothing open: what is right is seen at once. */
	assert_int_equal(ep_mbuf_csum(m), 0);
	memcpy(octets, m->data, m->pktlen);
	return m;
}

static void
assert_as_it_was(struct epair_mbuf *m)
{
	uint32_t len = flatten(m);

	assert_memory_equal(got, octets, len);
}

static void
each_shape(void (*look)(const struct packet *p, unsigned class))
{
	for (unsigned i = 0; i < 2u * 3 * 4; i++) {
		struct packet p = {
			.version = i % 2 == 0 ? 4 : 6,
			.vlans = i / 2 % 3,
			.ip_words = i / 6 % 2,
			.is_tcp = i / 12 != 0,
			.id = (uint16_t)(i * 2731),
			.payload = 31,
		};

		for (unsigned class = 0; class < 256; class ++)
			look(&p, class);
	}
}

static void
look_marked(const struct packet *p, unsigned class)
{
	struct epair_mbuf *m;

	if ((class & CE) == NOT_ECT)
		return;
	m = make(p, class);
	assert_true(ep_ecn_mark(m));
	assert_int_equal(get_class(p, m->data + packet_l3(p)), class | CE);
	assert_true(packet_is_right(p, m->data, m->pktlen, false));
	/* But for that and its sum it is what it was. */
	set_class(p, m->data + packet_l3(p), class);
	assert_as_it_was(m);
	ep_mbuf_free1(m);
}

static void
packet_that_takes_part_is_marked_and_right(void **state)
{
	(void)state;
	each_shape(look_marked);
}

static void
look_left(const struct packet *p, unsigned class)
{
	struct epair_mbuf *m;

	if ((class & CE) != NOT_ECT)
		return;
	m = make(p, class);
	assert_false(ep_ecn_mark(m));
	assert_as_it_was(m);
	ep_mbuf_free1(m);
}

static void
packet_that_does_not_take_part_is_left_alone(void **state)
{
	(void)state;
	each_shape(look_left);
}

static void
header_that_is_not_in_one_piece_is_left_alone(void **state)
{
	struct ep_rng rng;

	(void)state;
	ep_rng_init(&rng, 1);
	for (unsigned i = 0; i < 6; i++) {
		struct packet p = { .version = i % 2 == 0 ? 4 : 6,
			.vlans = i / 2,
			.payload = 31 };
		uint32_t end = packet_l3(&p) + (i % 2 == 0 ? 20 : 40);

		for (uint32_t len = 1; len < end; len++) {
			struct epair_mbuf *m = make(&p, ECT_0), *rest;

			/* Of what is behind the piece nothing may be read. */
			rest = make(&p, ECT_0);
			rest->data += len;
			rest->len -= len;
			rest->pktlen = rest->len;
			m->len = len;
			m->next = rest;
			memset(m->data + len, 0x5a, m->pktlen - len);
			assert_false(ep_ecn_mark(m));
			assert_as_it_was(m);
			ep_mbuf_free1(m);
		}
	}
}

static void
assert_left_alone(struct epair_mbuf *m)
{
	memcpy(octets, m->data, m->pktlen);
	assert_false(ep_ecn_mark(m));
	assert_as_it_was(m);
	ep_mbuf_free1(m);
}

static void
what_is_no_ip_packet_is_left_alone(void **state)
{
	const struct packet p = { .version = 4, .payload = 31 };
	struct epair_mbuf *m;

	(void)state;
	m = make(&p, ECT_1);
	m->data[12] = 0x12; /* another type */
	assert_left_alone(m);
	m = make(&p, ECT_1);
	m->data[12] = 0x86; /* a type that its version belies */
	m->data[13] = 0xdd;
	assert_left_alone(m);
	m = make(&p, ECT_1);
	m->data[packet_l3(&p)] ^= 0x10;
	assert_left_alone(m);
}

static void
third_tag_is_not_looked_behind(void **state)
{
	const struct packet p = { .version = 4, .vlans = 2, .payload = 31 };
	struct epair_mbuf *m = make(&p, ECT_1);

	(void)state;
	assert_true(epair_mbuf_tailroom(m) >= 4);
	memmove(m->data + 16, m->data + 12, m->pktlen - 12);
	m->len += 4;
	m->pktlen += 4;
	assert_left_alone(m);
}

static void
nothing_to_release(void *arg)
{
	(void)arg;
}

static void
buffer_of_somebody_else_is_not_written(void **state)
{
	const struct packet p = { .version = 6, .payload = 31 };
	struct epair_mbuf *m = make(&p, ECT_0), *foreign;

	(void)state;
	assert_int_equal(ep_mbuf_foreign(pool, m->data, m->len,
			     nothing_to_release, NULL, &foreign),
	    0);
	assert_left_alone(foreign);
	ep_mbuf_free1(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(packet_that_takes_part_is_marked_and_right),
		TEST(packet_that_does_not_take_part_is_left_alone),
		TEST(header_that_is_not_in_one_piece_is_left_alone),
		TEST(what_is_no_ip_packet_is_left_alone),
		TEST(third_tag_is_not_looked_behind),
		TEST(buffer_of_somebody_else_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
