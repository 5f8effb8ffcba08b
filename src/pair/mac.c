/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The addresses of a new pair (contract 2.3 and 2.4).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "net/ifnet_life.h"
#include "pair/pair_priv.h"

/* Nothing can be wrong with an address so often but a bug of ours. */
#define TRIES_MAX 1000000u

static void
mac_original(uint8_t mac[6], uint32_t hash, char side)
{
	mac[0] = 0x02;
	for (int i = 0; i < 4; i++)
		mac[1 + i] = (uint8_t)(hash >> (8 * i));
	mac[5] = side == 'a' ? 0x0a : 0x0b;
}

static void
original(struct ep_pair *pair)
{
	struct epair *ep = pair->ep;
	struct epair_if *a = &pair->ends[0], *b = &pair->ends[1];
	uint32_t n = a->index > ep->mac_counter ? a->index
						: ep->mac_counter + 1;

	for (unsigned tries = 0; tries < TRIES_MAX; tries++, n++) {
		uint64_t host_id = ep->host_id != 0 ? ep->host_id
						    : ep_rng_next(&ep->rng);
		const uint32_t words[3] = { n, (uint32_t)host_id,
			(uint32_t)(host_id >> 32) };
		uint32_t hash = ep_hash_words(words, 3, 0);

		mac_original(a->mac, hash, 'a');
		mac_original(b->mac, hash, 'b');
		if (ep_ifnet_find_mac(ep, a->mac) == NULL &&
		    ep_ifnet_find_mac(ep, b->mac) == NULL)
			break;
	}
	ep->mac_counter = n;
}

static void
stable(struct epair_if *ifp, const struct epair_vnet *vn)
{
	struct epair *ep = ifp->ep;
	char key[2 * EPAIR_NAME_MAX + 16];

	for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
		uint64_t hash;

		(void)snprintf(
		    key, sizeof(key), "%s/%s/%u", vn->name, ifp->name, tries);
		hash = ep_hash_mix(ep->host_id, key);
		for (int i = 0; i < 6; i++)
			ifp->mac[i] = (uint8_t)(hash >> (8 * i));
		ifp->mac[0] = (uint8_t)((ifp->mac[0] & ~0x03) | 0x02);
		if (ep_ifnet_find_mac(ep, ifp->mac) == NULL &&
		    memcmp(ifp->mac, ifp->oifp->mac, 6) != 0)
			break;
	}
}

int
ep_pair_mac_check(
    const struct epair *ep, const uint8_t *mac, struct epair_err *err)
{
	static const uint8_t zero[6];

	if (mac == NULL)
		return 0;
	if (mac[0] & 1 || memcmp(mac, zero, 6) == 0)
		return ep_fail(err, -EINVAL,
		    "%02x:%02x:%02x:%02x:%02x:%02x is a group or zero address",
		    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	if (ep_ifnet_find_mac(ep, mac) != NULL)
		return ep_fail(err, -EEXIST,
		    "%02x:%02x:%02x:%02x:%02x:%02x is on an interface already",
		    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return 0;
}

int
ep_pair_macs(
    struct ep_pair *pair, const struct epair_create *how, struct epair_err *err)
{
	struct epair *ep = pair->ep;
	int error = ep_pair_mac_check(ep, how->mac_a, err);

	if (error == 0)
		error = ep_pair_mac_check(ep, how->mac_b, err);
	if (error == 0 && how->mac_a != NULL && how->mac_b != NULL &&
	    memcmp(how->mac_a, how->mac_b, 6) == 0)
		error = ep_fail(
		    err, -EEXIST, "both ends cannot have the same address");
	if (error != 0)
		return error;
	if (how->mac_policy == EPAIR_MAC_STABLE)
		for (int i = 0; i < 2; i++)
			stable(&pair->ends[i], pair->home);
	else
		original(pair);
	if (how->mac_a != NULL)
		memcpy(pair->ends[0].mac, how->mac_a, 6);
	if (how->mac_b != NULL)
		memcpy(pair->ends[1].mac, how->mac_b, 6);
	return 0;
}
