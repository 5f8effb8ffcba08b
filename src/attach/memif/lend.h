/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/memif/lend.h - a client's buffers, lent to the cable: trust=yes.
 *
 * A long frame that a server wrote is not copied, but its headers are, and the
 * buffer becomes an mbuf behind them. The slot is given one to spare, and the
 * buffer is the next to spare once that mbuf was freed. Where none is to spare,
 * frames are copied as they are without trust: who holds frames back does not
 * stop the ring.
 *
 * The buffers of a ring are a region of their own, so that they can outlive the
 * connection.
 *
 * Invariants:
 *	L1  a buffer is in a slot, or to spare, or lent, or on its way back; and
 *	    in one of them once
 *	L2  the server is told of buffers in slots only
 *	L3  the region is mapped until its owner has left and all are back
 *
 * What the server writes into a buffer that it gave away, it writes into a frame
 * of ours: that is the trust. It cannot take the memory away, and headers are
 * ours before anybody judges them.
 *
 * Threads: the owner's one, and those that free frames.
 */
#ifndef EP_ATTACH_MEMIF_LEND_H
#define EP_ATTACH_MEMIF_LEND_H

#include <stdbool.h>
#include <stdint.h>

struct ep_memif_lender;
struct ep_pool;
struct epair_mbuf;

/* What is copied of a frame whose rest is lent: its headers, with options. */
#define EP_MEMIF_HEAD 128u

/*
 * Make the buffers for a ring of `size` slots, and as many to spare. *fd is
 * their memory, to be told to the server and closed.
 * Returns 0; -ENOMEM; what the system said otherwise.
 */
int ep_memif_lender_make(unsigned size, uint32_t buffer_size,
    struct ep_memif_lender **lender, int *fd);

/* The owner needs it no more. NULL is fine. */
void ep_memif_lender_leave(struct ep_memif_lender *lender);

uint8_t *ep_memif_lender_at(const struct ep_memif_lender *lender);
uint64_t ep_memif_lender_octets(const struct ep_memif_lender *lender);

/* The offset of each slot's buffer. It changes as they are lent. */
const uint32_t *ep_memif_lender_where(const struct ep_memif_lender *lender);

/* So many can be lent now. */
bool ep_memif_lender_can(struct ep_memif_lender *lender, unsigned n);

/*
 * Lend the buffer of a slot: an mbuf of `len` of its octets from `skip` on.
 * ep_memif_lender_can() said so. NULL: no mbuf, and nothing was lent.
 */
struct epair_mbuf *ep_memif_lend(struct ep_memif_lender *lender,
    struct ep_pool *pool, unsigned slot, uint32_t skip, uint32_t len);

#endif /* EP_ATTACH_MEMIF_LEND_H */
