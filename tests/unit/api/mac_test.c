/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of new pairs: contract 2.3 and 2.4. */
#include "rig.h"

#include <stdio.h>

static void
assert_mac(struct epair_if *ifp, const char *mac)
{
	char text[18];
	const struct epair_if_info i = info(ifp);

	(void)snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x",
	    i.mac[0], i.mac[1], i.mac[2], i.mac[3], i.mac[4], i.mac[5]);
	assert_string_equal(text, mac);
}

static void
mac_is_the_one_that_the_original_made(void **state)
{
	struct rig *r = *state;
	struct epair_if *a, *b;

	/* From a dialogue with the original, random-001.trace. */
	(void)make_name(r->ep, NULL, "epair100");
	a = make(r->ep, NULL, "epair0");
	b = epair_if_peer(a);
	assert_mac(a, "02:b9:11:55:28:0a");
	assert_mac(b, "02:b9:11:55:28:0b");
	epair_if_put(a);
	epair_if_put(b);
}

/* Make and destroy n pairs, so that the counter goes n further. */
static void
wear(struct epair *ep, unsigned n)
{
	while (n-- > 0)
		destroy(make(ep, NULL, "epair"));
}

static void
mac_of_the_same_name_changes_with_every_creation(void **state)
{
	struct rig *r = *state;
	struct epair_if *a = make(r->ep, NULL, "epair");
	struct epair_if_info was = info(a), is;

	destroy(a);
	a = make(r->ep, NULL, "epair");
	is = info(a);
	assert_string_equal(is.name, was.name);
	assert_int_equal(is.index, was.index);
	assert_memory_not_equal(is.mac, was.mac, 6);
	epair_if_put(a);
}

/*
 * The second pair of an instance has n = 3 (its index); where that address is
 * taken, n = 4. In another instance n = 4 is that of the fourth pair with
 * index 1.
 */
static void
address_that_is_taken_is_passed_over(struct rig *r, unsigned end)
{
	struct epair *other = instance();
	struct epair_if *a, *b, *fourth;
	struct epair_if_info taken;
	uint8_t mac[6];

	(void)make_name(other, NULL, "epair");
	a = make(other, NULL, "epair");
	taken = info(a);
	memcpy(mac, taken.mac, 6);
	mac[5] = end == 0 ? 0x0a : 0x0b;
	epair_if_put(a);
	instance_free(other);

	other = instance();
	wear(other, 3);
	fourth = make(other, NULL, "epair");
	a = make(r->ep, NULL, "epair");
	assert_int_equal(epair_if_set_mac(a, mac, NULL), 0);
	b = make(r->ep, NULL, "epair");
	assert_memory_equal(info(b).mac, info(fourth).mac, 6);
	epair_if_put(fourth);
	epair_if_put(a);
	epair_if_put(b);
	instance_free(other);
}

static void
taken_address_of_an_a_end_is_passed_over(void **state)
{
	address_that_is_taken_is_passed_over(*state, 0);
}

static void
taken_address_of_a_b_end_is_passed_over(void **state)
{
	address_that_is_taken_is_passed_over(*state, 1);
}

static void
another_host_id_leaves_the_counter_alone(void **state)
{
	struct rig *r = *state;
	struct epair *other = instance();
	struct epair_if *mine, *its;

	epair_set_host_id(other, 42);
	(void)make_name(other, NULL, "epair");
	its = make(other, NULL, "epair");
	(void)make_name(r->ep, NULL, "epair");
	epair_set_host_id(r->ep, 42);
	mine = make(r->ep, NULL, "epair");
	assert_memory_equal(info(mine).mac, info(its).mac, 6);
	epair_if_put(mine);
	epair_if_put(its);
	instance_free(other);
}

/* The address of the first a end of an instance with these options. */
static void
first_mac(struct epair_opts opts, uint8_t mac[6])
{
	struct epair *ep;
	struct epair_if *a;
	struct epair_if_info i;

	opts.size = sizeof(opts);
	assert_int_equal(epair_new(&opts, &ep, NULL), 0);
	a = make(ep, NULL, "epair");
	i = info(a);
	memcpy(mac, i.mac, 6);
	epair_if_put(a);
	instance_free(ep);
	assert_int_equal(mac[0], 0x02);
	assert_int_equal(mac[5], 0x0a);
}

static void
host_id_zero_is_random_bits(void **state)
{
	const struct epair_opts zero = {
		.way = EPAIR_SIM, .host_id_set = true, .seed = 1
	};
	struct epair_opts other = zero;
	uint8_t mine[6], its[6];

	(void)state;
	other.seed = 2;
	first_mac(zero, mine);
	first_mac(other, its);
	assert_memory_not_equal(mine, its, 6);
}

static void
programs_on_one_host_begin_with_different_addresses(void **state)
{
	const struct epair_opts none = { .way = EPAIR_LOOP };
	uint8_t mine[6], its[6];

	(void)state;
	first_mac(none, mine);
	first_mac(none, its);
	assert_memory_not_equal(mine, its, 6);
}

static void
named_instances_differ_by_their_name(void **state)
{
	const struct epair_opts lab = { .way = EPAIR_LOOP, .name = "lab" };
	const struct epair_opts other = { .way = EPAIR_LOOP, .name = "other" };
	uint8_t mine[6], its[6];

	(void)state;
	first_mac(lab, mine);
	first_mac(other, its);
	assert_memory_not_equal(mine, its, 6);
}

static void
named_instance_begins_with_the_same_address_again(void **state)
{
	const struct epair_opts lab = { .way = EPAIR_LOOP, .name = "lab" };
	uint8_t first[6], second[6];
	FILE *id = fopen("/etc/machine-id", "r");
	int octet = EOF;

	(void)state;
	if (id != NULL) {
		octet = fgetc(id);
		fclose(id);
	}
	if (octet == EOF)
		skip(); /* without a machine id there is nothing stable */
	first_mac(lab, first);
	first_mac(lab, second);
	assert_memory_equal(first, second, 6);
}

static const uint8_t mac_one[6] = { 0x52, 0x54, 0, 0, 0, 1 };
static const uint8_t mac_two[6] = { 0x52, 0x54, 0, 0, 0, 2 };
static const uint8_t mac_zero[6];

static void
addresses_can_be_given_at_creation(void **state)
{
	const struct epair_create how = {
		.size = sizeof(how),
		.mac_a = mac_one,
		.mac_b = mac_two,
		.mtu = 9000,
		.queue_limit = 7,
	};
	struct rig *r = *state;
	struct epair_if *a, *b;

	assert_int_equal(
	    epair_if_create(r->ep, NULL, "epair", &how, &a, NULL), 0);
	b = epair_if_peer(a);
	assert_memory_equal(info(a).mac, mac_one, 6);
	assert_memory_equal(info(b).mac, mac_two, 6);
	assert_int_equal(info(a).mtu, 9000);
	assert_int_equal(info(b).mtu, 9000);
	assert_int_equal(info(b).queue_limit, 7);
	epair_if_put(a);
	epair_if_put(b);
}

static int
create_with(
    struct rig *r, const uint8_t *mac_a, const uint8_t *mac_b, uint32_t mtu)
{
	const struct epair_create how = {
		.size = sizeof(how),
		.mac_a = mac_a,
		.mac_b = mac_b,
		.mtu = mtu,
	};

	return epair_if_create(r->ep, NULL, "epair0", &how, NULL, NULL);
}

static void
refused_creation_leaves_nothing_behind(void **state)
{
	struct rig *r = *state;

	(void)make_name(r->ep, NULL, "epair9");
	assert_int_equal(create_with(r, mac_group, NULL, 0), -EINVAL);
	assert_int_equal(create_with(r, NULL, mac_zero, 0), -EINVAL);
	assert_int_equal(create_with(r, NULL, mac_broadcast, 0), -EINVAL);
	assert_int_equal(create_with(r, NULL, NULL, 71), -EINVAL);
	assert_int_equal(create_with(r, NULL, NULL, 65536), -EINVAL);
	assert_string_equal(list(r->ep, NULL), "epair9a epair9b");
	assert_int_equal(usage(r->ep).interfaces, 2);
	assert_int_equal(create_with(r, NULL, NULL, 0), 0);
}

static void
address_can_be_set_later(void **state)
{
	struct rig *r = *state;
	struct epair_if *a = make(r->ep, NULL, "epair"), *b = epair_if_peer(a);
	struct epair_if_info was = info(a);

	assert_int_equal(epair_if_set_mac(a, mac_group, NULL), -EINVAL);
	assert_int_equal(epair_if_set_mac(a, mac_zero, NULL), -EINVAL);
	assert_memory_equal(info(a).mac, was.mac, 6);
	assert_int_equal(epair_if_set_mac(a, mac_one, NULL), 0);
	assert_memory_equal(info(a).mac, mac_one, 6);
	assert_int_equal(epair_if_set_mac(b, mac_one, NULL), -EEXIST);
	assert_int_equal(create_with(r, mac_one, NULL, 0), -EEXIST);
	epair_if_put(a);
	epair_if_put(b);
}

/* The addresses of a pair made by the stable policy, which is then destroyed. */
static void
stable_macs(struct epair *ep, const char *vnet, const char *name,
    uint8_t mac_a[6], uint8_t mac_b[6])
{
	const struct epair_create how = {
		.size = sizeof(how),
		.mac_policy = EPAIR_MAC_STABLE,
	};
	struct epair_if *a, *b;
	struct epair_if_info i;

	assert_int_equal(epair_if_create(ep, vnet, name, &how, &a, NULL), 0);
	b = epair_if_peer(a);
	i = info(a);
	memcpy(mac_a, i.mac, 6);
	i = info(b);
	memcpy(mac_b, i.mac, 6);
	epair_if_put(b);
	destroy(a);
}

static void
stable_addresses_come_back(void **state)
{
	struct rig *r = *state;
	uint8_t a[6], b[6], again_a[6], again_b[6];

	stable_macs(r->ep, NULL, "epair4", a, b);
	wear(r->ep, 3);
	stable_macs(r->ep, NULL, "epair4", again_a, again_b);
	assert_memory_equal(a, again_a, 6);
	assert_memory_equal(b, again_b, 6);
	assert_memory_not_equal(a, b, 6);
	assert_int_equal(a[0] & 3, 2);
	assert_int_equal(b[0] & 3, 2);
}

static void
stable_addresses_differ_by_vnet_name_and_host(void **state)
{
	struct rig *r = *state;
	uint8_t a[6], b[6], other_a[6], other_b[6];

	assert_int_equal(epair_vnet_add(r->ep, "red", NULL, NULL), 0);
	stable_macs(r->ep, NULL, "epair4", a, b);
	stable_macs(r->ep, NULL, "epair5", other_a, other_b);
	assert_memory_not_equal(a, other_a, 6);
	stable_macs(r->ep, "red", "epair4", other_a, other_b);
	assert_memory_not_equal(a, other_a, 6);
	assert_memory_not_equal(b, other_b, 6);
	epair_set_host_id(r->ep, 42);
	stable_macs(r->ep, NULL, "epair4", other_a, other_b);
	assert_memory_not_equal(a, other_a, 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BARE_TEST(mac_is_the_one_that_the_original_made),
		BARE_TEST(mac_of_the_same_name_changes_with_every_creation),
		BARE_TEST(taken_address_of_an_a_end_is_passed_over),
		BARE_TEST(taken_address_of_a_b_end_is_passed_over),
		BARE_TEST(another_host_id_leaves_the_counter_alone),
		BARE_TEST(host_id_zero_is_random_bits),
		BARE_TEST(programs_on_one_host_begin_with_different_addresses),
		BARE_TEST(named_instances_differ_by_their_name),
		BARE_TEST(named_instance_begins_with_the_same_address_again),
		BARE_TEST(addresses_can_be_given_at_creation),
		BARE_TEST(refused_creation_leaves_nothing_behind),
		BARE_TEST(address_can_be_set_later),
		BARE_TEST(stable_addresses_come_back),
		BARE_TEST(stable_addresses_differ_by_vnet_name_and_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
