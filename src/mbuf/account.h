/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbuf/account.h - how many frames a pair or vnet may hold.
 *
 * Accounts form a tree of two levels, pair below vnet, and what is charged to
 * the one is charged to the other. Both ends of a cable would fight for the
 * counter, so threads keep small stocks of credit and touch the account only
 * when a stock runs dry or over: `used` counts frames and stocks, and a limit
 * is reached early, never late. A thread that frees frames and then has nothing
 * to do keeps its stock, so all stocks together must be little of a limit, or
 * nobody is granted anything although no frame is out: each is at most a 128th
 * of it, and those that a thread may have of one vnet's pairs of the vnet's.
 *
 *	A1  used <= limit, unless the limit was lowered below it
 *	A2  a frame whose account is set is counted in that account's used
 *
 * Memory is type-stable: an account that its owner has given up may still have
 * frames out and credit in stocks, so it goes to a list of its pool's and is
 * used again when its count has come to 0.
 */
#ifndef EP_MBUF_ACCOUNT_H
#define EP_MBUF_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#define EP_STOCKS     8u /* accounts that a thread keeps credit of */
#define EP_STOCK      64u /* credit taken at once, at most */
#define EP_STOCK_PART 256u /* and at most this part of the limit */

struct ep_mcache;
struct ep_pool;

struct ep_account {
	uint32_t used; /* atomic */
	uint32_t limit; /* atomic */
	struct ep_account *parent; /* constant while in use */
	struct ep_account *next; /* in the pool's list, when given up */
} __attribute__((aligned(64)));

struct ep_stock {
	struct ep_account *account;
	uint32_t credit;
	uint32_t keep; /* taken at once; more than twice of it is given back */
};

/* Returns an account, or NULL when there is no memory. Any thread. */
struct ep_account *ep_account_create(
    struct ep_pool *pool, struct ep_account *parent, uint32_t limit);

/* Give up. Frames charged to it may still be out. */
void ep_account_destroy(struct ep_pool *pool, struct ep_account *acct);

/*
 * Charge up to n frames, to the account and its parent. Returns how many it
 * granted. mc is the calling thread's.
 */
uint32_t ep_account_charge(
    struct ep_mcache *mc, struct ep_account *acct, uint32_t n);

/* Give back n charged frames. mc is the calling thread's, or NULL. */
void ep_account_release(
    struct ep_mcache *mc, struct ep_account *acct, uint32_t n);

/* Give back a thread's stocks. */
void ep_account_flush(struct ep_mcache *mc);

#endif /* EP_MBUF_ACCOUNT_H */
