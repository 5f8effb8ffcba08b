/* SPDX-License-Identifier: BSD-2-Clause */
#include "rss/rss.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "naive.h"

/* Microsoft, "Verifying the RSS Hash Calculation". */
static const struct vector {
	const char *dst, *src;
	uint16_t dst_port, src_port;
	uint32_t addrs, tcp; /* the hash without and with ports */
} published[] = {
	{ "161.142.100.80", "66.9.149.187", 1766, 2794, 0x323e8fc2,
	    0x51ccc178 },
	{ "65.69.140.83", "199.92.111.2", 4739, 14230, 0xd718262a, 0xc626b0ea },
	{ "12.22.207.184", "24.19.198.95", 38024, 12898, 0xd2d0a5de,
	    0x5c2b394a },
	{ "209.142.163.6", "38.27.205.30", 2217, 48228, 0x82989176,
	    0xafc7327f },
	{ "202.188.127.2", "153.39.163.191", 1303, 44251, 0x5d1809c5,
	    0x10e828a2 },
	{ "3ffe:2501:200:3::1", "3ffe:2501:200:1fff::7", 1766, 2794, 0x2cc18cd5,
	    0x40207d3d },
	{ "ff02::1", "3ffe:501:8::260:97ff:fe40:efab", 4739, 14230, 0x0f0c461c,
	    0xdde51bbf },
	{ "fe80::200:f8ff:fe21:67cf", "3ffe:1900:4545:3:200:f8ff:fe21:67cf",
	    38024, 44251, 0x4b61e985, 0x02d1feef },
};

/* Lay down what is hashed. Returns the length of the addresses. */
static unsigned
input(const struct vector *v, uint8_t *octets)
{
	int family = strchr(v->dst, ':') == NULL ? AF_INET : AF_INET6;
	unsigned len = family == AF_INET ? 4 : 16;
	uint16_t ports[2] = { htons(v->src_port), htons(v->dst_port) };

	assert_int_equal(inet_pton(family, v->src, octets), 1);
	assert_int_equal(inet_pton(family, v->dst, octets + len), 1);
	memcpy(octets + 2 * len, ports, sizeof(ports));
	return 2 * len;
}

static void
published_suite_is_met(void **state)
{
	(void)state;

	for (unsigned i = 0; i < sizeof(published) / sizeof(*published); i++) {
		const struct vector *v = &published[i];
		uint8_t octets[EP_TOEPLITZ_MAX];
		unsigned len = input(v, octets);

		assert_int_equal(ep_toeplitz(0, octets, len), v->addrs);
		assert_int_equal(ep_toeplitz(0, octets, len + 4), v->tcp);
	}
}

/* So that the reference of flow_test.c is as good. */
static void
naive_reference_meets_the_published_suite(void **state)
{
	(void)state;

	for (unsigned i = 0; i < sizeof(published) / sizeof(*published); i++) {
		const struct vector *v = &published[i];
		uint8_t octets[EP_TOEPLITZ_MAX];
		unsigned len = input(v, octets);

		assert_int_equal(naive_toeplitz(octets, len), v->addrs);
		assert_int_equal(naive_toeplitz(octets, len + 4), v->tcp);
	}
}

static void
parts_make_up_the_whole(void **state)
{
	(void)state;

	uint8_t octets[EP_TOEPLITZ_MAX];
	struct ep_rng rng;

	ep_rng_init(&rng, 36);
	for (int i = 0; i < 2000; i++) {
		unsigned len = (unsigned)(ep_rng_next(&rng) % 37);
		unsigned cut = (unsigned)(ep_rng_next(&rng) % (len + 1));

		for (unsigned k = 0; k < len; k++)
			octets[k] = (uint8_t)ep_rng_next(&rng);
		assert_int_equal(ep_toeplitz(0, octets, cut) ^
				     ep_toeplitz(cut, octets + cut, len - cut),
		    naive_toeplitz(octets, len));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_suite_is_met),
		cmocka_unit_test(naive_reference_meets_the_published_suite),
		cmocka_unit_test(parts_make_up_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
