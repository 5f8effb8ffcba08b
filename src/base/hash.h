/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/hash.h - hashes that are not the flow hash (rss/).
 */
#ifndef EP_BASE_HASH_H
#define EP_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bob Jenkins' public-domain lookup3 `hashword` over n 32-bit words. MAC
 * addresses are made with it (contract 2.3), so its values are part of the
 * contract.
 */
uint32_t ep_hash_words(const uint32_t *words, size_t n, uint32_t initval);

/* FNV-1a over octets; for tables. */
uint32_t ep_hash_octets(const void *octets, size_t n);

/*
 * Of this machine: /etc/machine-id hashed with an application key, as
 * sd_id128_get_machine_app_specific(3) does, and folded to 64 bits. 0 if there
 * is no machine id. The machine id cannot be had back from it.
 */
uint64_t ep_hash_machine(void);

/* Mix a name into a host id, so that instances of one host differ. */
uint64_t ep_hash_mix(uint64_t host_id, const char *name);

#endif /* EP_BASE_HASH_H */
