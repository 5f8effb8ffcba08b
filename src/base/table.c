/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/table.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"

#define SIZE_MIN 8u

void
ep_table_init(struct ep_table *t)
{
	*t = (struct ep_table){ .heads = NULL };
}

void
ep_table_fini(struct ep_table *t)
{
	EP_ASSERT(t->count == 0);
	free(t->heads);
	t->heads = NULL;
	t->size = 0;
}

static void
link_in(struct ep_table *t, struct ep_table_entry *entry)
{
	struct ep_table_entry **head = &t->heads[entry->hash & (t->size - 1)];

	entry->next = *head;
	*head = entry;
}

int
ep_table_reserve(struct ep_table *t)
{
	struct ep_table old = *t;
	struct ep_table_entry *entry, *next;

	if (t->count < t->size)
		return 0;
	t->size = old.size == 0 ? SIZE_MIN : old.size * 2;
	t->heads = calloc(t->size, sizeof(struct ep_table_entry *));
	if (t->heads == NULL) {
		*t = old;
		return old.size == 0 ? -ENOMEM : 0;
	}
	for (uint32_t i = 0; i < old.size; i++)
		for (entry = old.heads[i]; entry != NULL; entry = next) {
			next = entry->next;
			link_in(t, entry);
		}
	free(old.heads);
	return 0;
}

void
ep_table_add(struct ep_table *t, struct ep_table_entry *entry, uint32_t hash)
{
	EP_ASSERT(t->size > 0);
	entry->hash = hash;
	link_in(t, entry);
	t->count++;
}

void
ep_table_remove(struct ep_table *t, struct ep_table_entry *entry)
{
	struct ep_table_entry **p = &t->heads[entry->hash & (t->size - 1)];

	while (*p != entry) {
		EP_ASSERT(*p != NULL);
		p = &(*p)->next;
	}
	*p = entry->next;
	t->count--;
}

struct ep_table_entry *
ep_table_first(const struct ep_table *t, uint32_t hash)
{
	struct ep_table_entry *entry;

	if (t->size == 0)
		return NULL;
	entry = t->heads[hash & (t->size - 1)];
	while (entry != NULL && entry->hash != hash)
		entry = entry->next;
	return entry;
}

struct ep_table_entry *
ep_table_next(const struct ep_table_entry *entry)
{
	uint32_t hash = entry->hash;

	do
		entry = entry->next;
	while (entry != NULL && entry->hash != hash);
	/* The table handed out entries that are not const. */
	return (struct ep_table_entry *)(uintptr_t)entry;
}
