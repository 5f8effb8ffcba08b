/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/spec.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static struct ep_spec spec;
static struct epair_err err;

struct conf {
	const char *name;
	uint32_t mtu;
	uint64_t count, size, rate, delay;
	bool pace;
	unsigned role;
	struct ep_addr gw, addrs[3];
	unsigned addr_count;
	uint8_t mac[6];
};

static const char *const roles[] = { "server", "client", NULL };

#define AT(field) offsetof(struct conf, field)
static const struct ep_opt table[] = {
	{ "name", "NAME", EP_OPT_TEXT, AT(name) },
	{ "mtu", "N", EP_OPT_U32, AT(mtu), .min = 72, .max = 65535 },
	{ "count", "N", EP_OPT_U64, AT(count) },
	{ "size", "N", EP_OPT_SIZE, AT(size), .max = 1u << 30 },
	{ "rate", "N", EP_OPT_RATE, AT(rate), .min = 1 },
	{ "delay", "TIME", EP_OPT_TIME, AT(delay),
	    .max = UINT64_C(60000000000) },
	{ "pace", "on|off", EP_OPT_BOOL, AT(pace) },
	{ "role", "server|client", EP_OPT_CHOICE, AT(role), .choices = roles },
	{ "gw", "ADDR", EP_OPT_ADDR, AT(gw) },
	{ "addr", "CIDR", EP_OPT_CIDR, AT(addrs), .many = 3,
	    .many_offset = AT(addr_count) },
	{ "mac", "MAC", EP_OPT_MAC, AT(mac) },
	{ NULL },
};

static const struct ep_opt required_table[] = {
	{ "dev", "NAME", EP_OPT_TEXT, AT(name), .required = true },
	{ NULL },
};

static int
parse(const char *text)
{
	memset(&err, 0, sizeof(err));
	return ep_spec_parse(text, &spec, &err);
}

/* Parse and fill "x:" + options. */
static int
fill(const char *options, struct conf *conf)
{
	char text[EP_SPEC_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "x:%s", options);
	assert_int_equal(parse(text), 0);
	return ep_spec_fill(&spec, table, conf, &err);
}

static void
refused(const char *options, const char *sentence)
{
	struct conf conf = { 0 };

	assert_int_equal(fill(options, &conf), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	assert_string_equal(err.text, sentence);
}

static void
unparsable(const char *text, const char *sentence)
{
	assert_int_equal(parse(text), -EINVAL);
	assert_string_equal(err.text, sentence);
}

static void
text_is_taken_apart_into_kind_keys_and_values(void **state)
{
	(void)state;

	assert_int_equal(parse("tap:netns=red,gw=a=b,up"), 0);
	assert_string_equal(spec.kind, "tap");
	assert_int_equal(spec.count, 3);
	assert_string_equal(spec.pairs[0].key, "netns");
	assert_string_equal(spec.pairs[0].value, "red");
	assert_string_equal(spec.pairs[1].value, "a=b");
	assert_string_equal(spec.pairs[2].key, "up");
	assert_string_equal(spec.pairs[2].value, "");
}

static void
word_of_others_is_one_that_is_not_known(void **state)
{
	(void)state;

	assert_int_equal(parse("fq_codel:Target=5ms"), 0);
	assert_string_equal(spec.kind, "fq_codel");
	refused("Name=x",
	    "unknown key 'Name'; known are name, mtu, count, size, "
	    "rate, delay, pace, role, gw, addr, mac");
}

static void
kind_alone_has_no_keys(void **state)
{
	(void)state;

	assert_int_equal(parse("echo"), 0);
	assert_string_equal(spec.kind, "echo");
	assert_int_equal(spec.count, 0);
	assert_int_equal(parse("echo:"), 0);
	assert_int_equal(spec.count, 0);
}

static void
backslash_lets_comma_and_backslash_into_a_value(void **state)
{
	(void)state;

	assert_int_equal(parse("x:a=1\\,2\\\\3,b=4"), 0);
	assert_string_equal(spec.pairs[0].value, "1,2\\3");
	assert_string_equal(spec.pairs[1].value, "4");
}

static void
malformed_text_is_refused_with_its_place(void **state)
{
	(void)state;

	unparsable("", "a kind or key is missing at the end");
	unparsable(":a=1", "a kind or key is missing before ':a=1'");
	unparsable("x:a=1,", "a kind or key is missing at the end");
	unparsable("x:,a=1", "a kind or key is missing before ',a=1'");
	unparsable("x:=1", "a kind or key is missing before '=1'");
	unparsable("7", "'7': a kind or key is written with letters, digits, "
			"'-' and '_', a letter first");
	unparsable("_x", "'_x': a kind or key is written with letters, "
			 "digits, '-' and '_', a letter first");
	unparsable("x:a=\\n", "a: a backslash in a value stands before a comma "
			      "or a backslash");
	unparsable("x:a=\\", "a: a backslash in a value stands before a comma "
			     "or a backslash");
	unparsable("a\nb\xc3\xa4", "'a?b?\?': a kind or key is written with "
				   "letters, digits, '-' and '_', a letter "
				   "first");
}

static void
text_of_4095_octets_is_the_longest(void **state)
{
	(void)state;

	char text[EP_SPEC_TEXT_MAX + 1];

	memset(text, 'v', sizeof(text));
	memcpy(text, "x:key=", 6);
	text[4095] = '\0';
	assert_int_equal(parse(text), 0);
	assert_int_equal(strlen(spec.pairs[0].value), 4089);
	text[4095] = 'v';
	text[4096] = '\0';
	unparsable(text, "longer than 4095 octets");
}

static void
as_many_keys_as_fit_fill_the_text_to_its_end(void **state)
{
	(void)state;

	char text[EP_SPEC_TEXT_MAX];

	memset(text, 'k', sizeof(text));
	text[4095] = '\0';
	text[1] = ':';
	for (unsigned i = 1; i < EP_SPEC_KEYS_MAX; i++)
		text[i * 60] = ',';
	assert_int_equal(parse(text), 0);
	assert_int_equal(spec.count, EP_SPEC_KEYS_MAX);
	assert_ptr_equal(
	    spec.pairs[EP_SPEC_KEYS_MAX - 1].value, &spec.text[4095]);

	text[64 * 60] = ',';
	unparsable(text, "more than 64 options");
}

static void
every_type_is_laid_down_in_its_place(void **state)
{
	(void)state;

	struct conf conf = { 0 };
	const uint8_t mac[] = { 2, 0, 0xab, 0xcd, 0xef, 1 };

	assert_int_equal(
	    fill("name=red,mtu=9000,count=18446744073709551615,size=64k,"
		 "rate=1.5M,delay=2.5ms,pace,role=client,gw=10.0.0.1,"
		 "addr=10.0.0.2/24,addr=fd00::1/64,addr=1.2.3.4,"
		 "mac=02:00:AB:cd:ef:01",
		&conf),
	    0);
	assert_string_equal(conf.name, "red");
	assert_int_equal(conf.mtu, 9000);
	assert_true(conf.count == UINT64_MAX);
	assert_int_equal(conf.size, 65536);
	assert_int_equal(conf.rate, 1500000);
	assert_int_equal(conf.delay, 2500000);
	assert_true(conf.pace);
	assert_int_equal(conf.role, 1);
	assert_int_equal(conf.gw.family, AF_INET);
	assert_int_equal(conf.gw.prefix, 32);
	assert_int_equal(conf.gw.octets[0], 10);
	assert_int_equal(conf.addr_count, 3);
	assert_int_equal(conf.addrs[0].prefix, 24);
	assert_int_equal(conf.addrs[1].family, AF_INET6);
	assert_int_equal(conf.addrs[1].prefix, 64);
	assert_int_equal(conf.addrs[1].octets[15], 1);
	assert_int_equal(conf.addrs[2].prefix, 32);
	assert_memory_equal(conf.mac, mac, 6);
}

static void
what_is_not_written_keeps_its_default(void **state)
{
	(void)state;

	struct conf conf = { .mtu = 1500, .addr_count = 2 };

	assert_int_equal(fill("count=1", &conf), 0);
	assert_int_equal(conf.mtu, 1500);
	assert_int_equal(conf.addr_count, 2);
	assert_int_equal(fill("addr=1.2.3.4", &conf), 0);
	assert_int_equal(conf.addr_count, 1);
}

static void
unknown_key_is_told_the_known_ones(void **state)
{
	(void)state;

	static const struct ep_opt none[] = { { NULL } };
	struct conf conf = { 0 };

	refused("foo=1",
	    "unknown key 'foo'; known are name, mtu, count, size, rate, delay, "
	    "pace, role, gw, addr, mac");
	assert_int_equal(parse("sink:foo"), 0);
	assert_int_equal(ep_spec_fill(&spec, none, &conf, &err), -EINVAL);
	assert_string_equal(err.text, "unknown key 'foo'; there are none here");
}

static void
key_is_written_once_unless_it_may_be_repeated(void **state)
{
	(void)state;

	refused("mtu=100,count=1,mtu=100", "mtu: may be written once");
	refused("addr=::1,addr=::2,addr=::3,addr=::4",
	    "addr: may be written 3 times");
}

static void
required_key_must_be_there(void **state)
{
	(void)state;

	struct conf conf = { 0 };

	assert_int_equal(parse("packet"), 0);
	assert_int_equal(
	    ep_spec_fill(&spec, required_table, &conf, &err), -EINVAL);
	assert_string_equal(err.text, "dev: is missing; write dev=NAME");
	assert_int_equal(parse("packet:dev=eth0"), 0);
	assert_int_equal(ep_spec_fill(&spec, required_table, &conf, &err), 0);
}

static void
numbers_out_of_bounds_are_told_the_bounds(void **state)
{
	(void)state;

	refused("mtu=70000", "mtu=70000: must be 72 to 65535");
	refused("mtu=71", "mtu=71: must be 72 to 65535");
	refused("mtu=many", "mtu=many: must be a number, 72 to 65535");
	refused("mtu", "mtu=: must be a number, 72 to 65535");
	refused("mtu=-1", "mtu=-1: must be a number, 72 to 65535");
	refused("mtu=+99", "mtu=+99: must be a number, 72 to 65535");
	refused("mtu= 99", "mtu= 99: must be a number, 72 to 65535");
	refused("mtu=0x99", "mtu=0x99: must be a number, 72 to 65535");
	refused("count=18446744073709551616",
	    "count=18446744073709551616: must be a number");
	refused("delay=61s", "delay=61s: must be 0 to 60s");
	refused("delay=5", "delay=5: must be a time with its unit (100ns, 5us, "
			   "10ms, 1.5s), 0 to 60s");
	refused("rate=0", "rate=0: must be a whole number (1000, 10k, 1.5M, "
			  "10G), at least 1");
	refused("size=1025M", "size=1025M: must be 0 to 1073741824");
}

static void
fractions_are_whole_numbers_or_refused(void **state)
{
	(void)state;

	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{ "1.5k", 1500 },
		{ "1.50", 0 },
		{ "0.001k", 1 },
		{ "2.000", 2 },
		{ "1.123456789G", 1123456789 },
		{ "1.123456789000000T", 1123456789000 },
		{ "0.000000001T", 1000 },
		{ "18446744.073709551T", 18446744073709551000u },
	};
	struct conf conf = { 0 };
	char text[64];

	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		(void)snprintf(text, sizeof(text), "rate=%s", good[i].text);
		if (good[i].value == 0) {
			assert_int_equal(fill(text, &conf), -EINVAL);
			continue;
		}
		assert_int_equal(fill(text, &conf), 0);
		assert_true(conf.rate == good[i].value);
	}
	assert_int_equal(fill("rate=18446744.073709552T", &conf), -EINVAL);
	assert_int_equal(fill("rate=1.0000000001T", &conf), -EINVAL);
	assert_int_equal(fill("rate=1.", &conf), -EINVAL);
	assert_int_equal(fill("rate=.5k", &conf), -EINVAL);
	assert_int_equal(fill("rate=1.5.5k", &conf), -EINVAL);
	assert_int_equal(fill("rate=1kk", &conf), -EINVAL);
	assert_int_equal(fill("size=0.5k", &conf), 0);
	assert_int_equal(conf.size, 512);
	assert_int_equal(fill("size=0.1k", &conf), -EINVAL);
	assert_int_equal(fill("size=1.5M", &conf), 0);
	assert_int_equal(conf.size, 1572864);
	assert_int_equal(fill("delay=0.5ns", &conf), -EINVAL);
	assert_int_equal(fill("delay=0", &conf), 0);
	assert_int_equal(conf.delay, 0);
}

static void
switches_and_choices_name_what_they_take(void **state)
{
	(void)state;

	struct conf conf = { .pace = true };

	assert_int_equal(fill("pace=off", &conf), 0);
	assert_false(conf.pace);
	assert_int_equal(fill("pace=yes", &conf), 0);
	assert_true(conf.pace);
	refused("pace=maybe", "pace=maybe: must be on or off");
	refused("role=boss", "role=boss: must be server or client");
	refused("name=", "name=: must be NAME, not empty");
}

static void
addresses_are_checked_to_the_last_octet(void **state)
{
	(void)state;

	static const char *const bad[] = {
		"10.0.0/8",
		"10.0.0.1/33",
		"10.0.0.1/",
		"10.0.0.1/8/8",
		"10.0.0.1/-1",
		"fd00::1/129",
		"fd00:::1",
		"fe80::1%lo",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
	};
	struct conf conf = { 0 };
	char text[128];

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(text, sizeof(text), "addr=%s", bad[i]);
		assert_int_equal(fill(text, &conf), -EINVAL);
	}
	refused(
	    "gw=10.0.0.1/8", "gw=10.0.0.1/8: must be an IPv4 or IPv6 address");
	refused("addr=here", "addr=here: must be an address with its prefix "
			     "length, like 10.0.0.1/24 or fd00::1/64");
	refused("mac=02:00:00:00:00", "mac=02:00:00:00:00: must be a MAC "
				      "address like 02:00:00:00:00:01");
	assert_int_equal(fill("mac=02:00:00:00:00:001", &conf), -EINVAL);
	assert_int_equal(fill("mac=02-00-00-00-00-01", &conf), -EINVAL);
	assert_int_equal(fill("mac=2:0:0:0:0:1", &conf), -EINVAL);
}

static void
long_values_are_cut_off_in_sentences(void **state)
{
	(void)state;

	refused("mtu=01234567890123456789012345678901234567890123456789"
		"01234567890123456789",
	    "mtu=01234567890123456789012345678901234567890123...: must be a "
	    "number, 72 to 65535");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_taken_apart_into_kind_keys_and_values),
		cmocka_unit_test(word_of_others_is_one_that_is_not_known),
		cmocka_unit_test(kind_alone_has_no_keys),
		cmocka_unit_test(
		    backslash_lets_comma_and_backslash_into_a_value),
		cmocka_unit_test(malformed_text_is_refused_with_its_place),
		cmocka_unit_test(text_of_4095_octets_is_the_longest),
		cmocka_unit_test(as_many_keys_as_fit_fill_the_text_to_its_end),
		cmocka_unit_test(every_type_is_laid_down_in_its_place),
		cmocka_unit_test(what_is_not_written_keeps_its_default),
		cmocka_unit_test(unknown_key_is_told_the_known_ones),
		cmocka_unit_test(key_is_written_once_unless_it_may_be_repeated),
		cmocka_unit_test(required_key_must_be_there),
		cmocka_unit_test(numbers_out_of_bounds_are_told_the_bounds),
		cmocka_unit_test(fractions_are_whole_numbers_or_refused),
		cmocka_unit_test(switches_and_choices_name_what_they_take),
		cmocka_unit_test(addresses_are_checked_to_the_last_octet),
		cmocka_unit_test(long_values_are_cut_off_in_sentences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
