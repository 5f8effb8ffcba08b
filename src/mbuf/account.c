/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/account.h"

#include <stdlib.h>

#include "base/atomic.h"
#include "mbuf/pool_priv.h"

struct ep_account *
ep_account_create(
    struct ep_pool *pool, struct ep_account *parent, uint32_t limit)
{
	struct ep_account *acct, **p;

	ep_lock(&pool->accounts_lock);
	for (p = &pool->accounts; (acct = *p) != NULL; p = &acct->next)
		if (ep_load_acquire(&acct->used) == 0) {
			*p = acct->next;
			break;
		}
	ep_unlock(&pool->accounts_lock);
	if (acct == NULL)
		acct = aligned_alloc(
		    _Alignof(struct ep_account), sizeof(*acct));
	if (acct != NULL)
		*acct = (struct ep_account){ .limit = limit, .parent = parent };
	return acct;
}

void
ep_account_destroy(struct ep_pool *pool, struct ep_account *acct)
{
	ep_lock(&pool->accounts_lock);
	acct->next = pool->accounts;
	pool->accounts = acct;
	ep_unlock(&pool->accounts_lock);
}

/* Add up to n to one account. */
static uint32_t
use(struct ep_account *acct, uint32_t n)
{
	uint32_t used = ep_add_relaxed(&acct->used, n);
	uint32_t limit = ep_load_relaxed(&acct->limit), granted = n;

	if (used + n > limit) {
		granted = used >= limit ? 0 : limit - used;
		(void)ep_sub_relaxed(&acct->used, n - granted);
	}
	return granted;
}

/* As much as both levels grant. */
static uint32_t
take(struct ep_account *acct, uint32_t n)
{
	uint32_t granted = use(acct, n), upper = granted;

	if (acct->parent != NULL && granted > 0)
		upper = use(acct->parent, granted);
	if (upper < granted)
		(void)ep_sub_acq_rel(&acct->used, granted - upper);
	return upper;
}

static void
give(struct ep_account *acct, uint32_t n)
{
	/* The parent first: with our own count at 0 we may be used again. */
	if (acct->parent != NULL)
		(void)ep_sub_acq_rel(&acct->parent->used, n);
	(void)ep_sub_acq_rel(&acct->used, n);
}

static uint32_t
smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* How much credit a thread may have at hand: none, where a limit is small. */
static uint32_t
keep_of(const struct ep_account *acct)
{
	const struct ep_account *parent = acct->parent;
	uint32_t keep = ep_load_relaxed(&acct->limit) / EP_STOCK_PART;

	if (parent != NULL)
		keep = smaller(keep, ep_load_relaxed(&parent->limit) /
					 (EP_STOCK_PART * EP_STOCKS));
	return smaller(keep, EP_STOCK);
}

static struct ep_stock *
stock_of(struct ep_mcache *mc, struct ep_account *acct)
{
	struct ep_stock *s =
	    &mc->stocks[(uintptr_t)acct / sizeof(*acct) % EP_STOCKS];

	if (s->account != acct) {
		if (s->credit > 0)
			give(s->account, s->credit);
		*s = (struct ep_stock){ .account = acct,
			.keep = keep_of(acct) };
	}
	return s;
}

uint32_t
ep_account_charge(struct ep_mcache *mc, struct ep_account *acct, uint32_t n)
{
	struct ep_stock *s = stock_of(mc, acct);
	uint32_t granted;

	if (s->credit < n) {
		s->keep = keep_of(acct);
		s->credit += take(acct, n - s->credit + s->keep);
	}
	granted = s->credit < n ? s->credit : n;
	s->credit -= granted;
	return granted;
}

void
ep_account_release(struct ep_mcache *mc, struct ep_account *acct, uint32_t n)
{
	struct ep_stock *s;

	if (mc == NULL) {
		give(acct, n);
		return;
	}
	s = stock_of(mc, acct);
	s->credit += n;
	if (s->credit > 2 * s->keep) {
		give(acct, s->credit - s->keep);
		s->credit = s->keep;
	}
}

void
ep_account_flush(struct ep_mcache *mc)
{
	for (unsigned i = 0; i < EP_STOCKS; i++) {
		struct ep_stock *s = &mc->stocks[i];

		if (s->credit > 0)
			give(s->account, s->credit);
		*s = (struct ep_stock){ .account = NULL };
	}
}
