/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/table.h - a hash table of entries embedded in their owners.
 *
 * The caller compares keys: it walks the entries of a hash with
 * ep_table_first() and ep_table_next(). An empty table has no memory; adding
 * never fails but for the very first, and a table that cannot grow only gets
 * slower. The caller serialises.
 */
#ifndef EP_BASE_TABLE_H
#define EP_BASE_TABLE_H

#include <stdint.h>

struct ep_table_entry {
	struct ep_table_entry *next;
	uint32_t hash;
};

struct ep_table {
	struct ep_table_entry **heads;
	uint32_t size; /* a power of two, or 0 */
	uint32_t count;
};

void ep_table_init(struct ep_table *t);
void ep_table_fini(struct ep_table *t);

/* Have room for at least one entry more. Returns 0, or -ENOMEM. */
int ep_table_reserve(struct ep_table *t);

/* Add; ep_table_reserve() must have succeeded once. */
void ep_table_add(
    struct ep_table *t, struct ep_table_entry *entry, uint32_t hash);

/* Remove an entry that is in the table. */
void ep_table_remove(struct ep_table *t, struct ep_table_entry *entry);

/* The first entry of this hash, and the one of the same hash behind it. */
struct ep_table_entry *ep_table_first(const struct ep_table *t, uint32_t hash);
struct ep_table_entry *ep_table_next(const struct ep_table_entry *entry);

#endif /* EP_BASE_TABLE_H */
