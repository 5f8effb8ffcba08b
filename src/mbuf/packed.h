/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbuf/packed.h - a frame as it waits to be taken by another thread.
 *
 * What costs between two cores is each cache line that crosses, and comes back
 * when its memory is used again. A plain frame - one mbuf, with nothing of note
 * in its header - is packed into 16 octets: its buffer, and which part of that
 * is the frame. Its header stays with the thread that had it, and whoever
 * unpacks it takes one of its own. All other frames are packed as a pointer.
 *
 * A packed frame is charged as it was before, and owned by whoever has it.
 */
#ifndef EP_MBUF_PACKED_H
#define EP_MBUF_PACKED_H

#include "mbuf/pool.h"

struct ep_packed {
	union {
		uint8_t *buf;
		struct epair_mbuf *m; /* if len is 0 */
	};
	uint32_t len;
	uint16_t off; /* of the frame in buf */
	uint16_t flags; /* EPAIR_M_*, those of plain frames */
};

/* The account and the rcvif of all frames that are packed for one queue. */
struct ep_address {
	struct ep_account *account;
	uint32_t rcvif;
};

/* Flags that a plain frame may have. */
#define EP_PLAIN \
	(EPAIR_M_BCAST | EPAIR_M_MCAST | EPAIR_M_CSUM_VALID | EPAIR_M_LARGE)

/* Has it nothing that 16 octets do not hold, whoever is charged? */
static inline bool
ep_is_plain(const struct epair_mbuf *m, const struct ep_pool *pool)
{
	return m->next == NULL && (m->flags & ~(uint32_t)EP_PLAIN) == 0 &&
	       (m->hashtype | m->gso) == 0 && m->pool == pool && m->len > 0 &&
	       m->data - m->buf <= UINT16_MAX;
}

/* A plain frame. */
static inline struct ep_packed
ep_pack_one(const struct epair_mbuf *m)
{
	return (struct ep_packed){
		.buf = m->buf,
		.len = m->len,
		.off = (uint16_t)(m->data - m->buf),
		.flags = (uint16_t)m->flags,
	};
}

/*
 * Pack n frames that go where all are charged to this account. They are still
 * in ms until ep_packed_sent() says otherwise.
 */
void ep_pack(const struct ep_pool *pool, const struct ep_account *account,
    struct epair_mbuf *const *ms, unsigned n, struct ep_packed *packed);

/* As ep_pack(), all as pointers: for who takes them on the same thread. */
void ep_pack_whole(
    struct epair_mbuf *const *ms, unsigned n, struct ep_packed *packed);

/*
 * What was packed is another's: the headers that were left behind. packed may
 * be NULL if all are plain.
 */
void ep_packed_sent(struct ep_pool *pool, struct ep_mcache *mc,
    struct epair_mbuf *const *ms, unsigned n, const struct ep_packed *packed);

void ep_packed_sent_one(
    struct ep_pool *pool, struct ep_mcache *mc, struct epair_mbuf *m);

/*
 * Begin to fetch what the next who look at them will need. Returns whether all
 * are plain.
 */
bool ep_packed_fetch(const struct ep_packed *packed, unsigned n);

/*
 * Give n packed frames, in order, in ms. Returns how many it were: less than n
 * where there is no memory for a header. Those behind are still packed. mc is
 * the calling thread's, or NULL: as if there were no memory.
 */
unsigned ep_unpack(struct ep_pool *pool, struct ep_mcache *mc,
    const struct ep_packed *packed, unsigned n, const struct ep_address *to,
    struct epair_mbuf **ms);

/* As ep_unpack(), where all are plain. */
unsigned ep_unpack_plain(struct ep_pool *pool, struct ep_mcache *mc,
    const struct ep_packed *packed, unsigned n, const struct ep_address *to,
    struct epair_mbuf **ms);

/* Free one that could not be unpacked. */
void ep_packed_free(struct ep_pool *pool, struct ep_mcache *mc,
    const struct ep_packed *packed, const struct ep_address *to);

#endif /* EP_MBUF_PACKED_H */
