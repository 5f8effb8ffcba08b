/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/memif/lend.h"

#include <errno.h>
#include <stdlib.h>

#include "attach/memif/region.h"
#include "base/atomic.h"
#include "mbuf/mbuf.h"

/* A buffer, where it is not in a slot. */
struct loan {
	struct ep_memif_lender *lender;
	struct loan *next; /* to spare, or on its way back */
};

struct ep_memif_lender {
	struct ep_mapping map;
	uint32_t buffer_size;
	uint32_t *where; /* of each slot; behind the loans */
	struct loan *spare; /* the owner's */
	unsigned spares;
	unsigned refs; /* atomic: the owner, and each that is lent */
	struct loan *back; /* atomic: those that were freed */
	struct loan loans[];
};

int
ep_memif_lender_make(unsigned size, uint32_t buffer_size,
    struct ep_memif_lender **lender, int *fd)
{
	const unsigned all = 2 * size;
	struct ep_memif_lender *l;
	int error;

	l = calloc(1, sizeof(*l) + all * sizeof(l->loans[0]) +
			  size * sizeof(l->where[0]));
	if (l == NULL)
		return -ENOMEM;
	error = ep_memif_memory_make(&l->map, (uint64_t)all * buffer_size, fd);
	if (error != 0) {
		free(l);
		return error;
	}
	l->buffer_size = buffer_size;
	l->where = (uint32_t *)(void *)&l->loans[all];
	l->refs = 1;
	for (unsigned i = 0; i < all; i++)
		l->loans[i].lender = l;
	for (unsigned i = 0; i < size; i++) {
		l->where[i] = i * buffer_size;
		l->loans[size + i].next = l->spare;
		l->spare = &l->loans[size + i];
	}
	l->spares = size;
	*lender = l;
	return 0;
}

static void
drop_ref(struct ep_memif_lender *lender)
{
	/* The last sees all that the others did. */
	if (__atomic_sub_fetch(&lender->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	ep_mapping_close(&lender->map);
	free(lender);
}

void
ep_memif_lender_leave(struct ep_memif_lender *lender)
{
	if (lender != NULL)
		drop_ref(lender);
}

uint8_t *
ep_memif_lender_at(const struct ep_memif_lender *lender)
{
	return lender->map.at;
}

uint64_t
ep_memif_lender_octets(const struct ep_memif_lender *lender)
{
	return lender->map.size;
}

const uint32_t *
ep_memif_lender_where(const struct ep_memif_lender *lender)
{
	return lender->where;
}

bool
ep_memif_lender_can(struct ep_memif_lender *lender, unsigned n)
{
	struct loan *loan, *next;

	if (lender->spares >= n)
		return true;
	/* acquires what come_back() released: the frame's last reader is done */
	loan = __atomic_exchange_n(&lender->back, NULL, __ATOMIC_ACQUIRE);
	for (; loan != NULL; loan = next) {
		next = loan->next;
		loan->next = lender->spare;
		lender->spare = loan;
		lender->spares++;
	}
	return lender->spares >= n;
}

/* On the thread that frees the mbuf. Nobody takes single ones: no ABA. */
static void
come_back(void *arg)
{
	struct loan *loan = arg;
	struct ep_memif_lender *lender = loan->lender;

	loan->next = ep_load_relaxed(&lender->back);
	while (!__atomic_compare_exchange_n(&lender->back, &loan->next, loan,
	    true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		continue;
	drop_ref(lender);
}

struct epair_mbuf *
ep_memif_lend(struct ep_memif_lender *lender, struct ep_pool *pool,
    unsigned slot, uint32_t skip, uint32_t len)
{
	uint32_t at = lender->where[slot];
	struct loan *loan = &lender->loans[at / lender->buffer_size];
	struct loan *instead = lender->spare;
	struct epair_mbuf *m;

	if (ep_mbuf_foreign(pool, lender->map.at + at + skip, len, come_back,
		loan, &m) != 0)
		return NULL;
	(void)__atomic_add_fetch(&lender->refs, 1, __ATOMIC_RELAXED);
	lender->spare = instead->next;
	lender->spares--;
	lender->where[slot] = (uint32_t)(instead - lender->loans) *
			      lender->buffer_size;
	return m;
}
