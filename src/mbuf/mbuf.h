/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbuf/mbuf.h - what the library itself calls on frames, beyond
 * <epair/mbuf.h>. Who owns a frame is said there.
 */
#ifndef EP_MBUF_MBUF_H
#define EP_MBUF_MBUF_H

#include <stddef.h>

#include <epair/mbuf.h>

struct ep_pool;

/* epair_mbuf_alloc() on a pool. */
int ep_mbuf_alloc(
    struct ep_pool *pool, struct epair_mbuf **ms, unsigned n, uint32_t size);

/* epair_mbuf_free(). */
void ep_mbuf_free(struct epair_mbuf **ms, unsigned n);

static inline void
ep_mbuf_free1(struct epair_mbuf *m)
{
	ep_mbuf_free(&m, 1);
}

/* epair_mbuf_from() and epair_mbuf_foreign() on a pool. */
struct epair_mbuf *ep_mbuf_from(
    struct ep_pool *pool, const void *octets, uint32_t len);
int ep_mbuf_foreign(struct ep_pool *pool, void *buf, uint32_t len,
    void (*release)(void *arg), void *arg, struct epair_mbuf **mp);

/* Is any of its buffers somebody else's? */
static inline bool
ep_mbuf_is_foreign(const struct epair_mbuf *m)
{
	while (m != NULL && (m->flags & EPAIR_M_EXT) == 0)
		m = m->next;
	return m != NULL;
}

/*
 * Have the first `len` octets of the frame in its first mbuf, moving data
 * within the chain. Returns false, with the frame as it was, if the frame is
 * shorter or the first mbuf cannot hold them.
 */
bool ep_mbuf_pullup(struct epair_mbuf *m, uint32_t len);

/* Delete the tags that do not cross a cable (contract 4.1). */
void ep_mbuf_tags_cross(struct epair_mbuf *m);

/* Copy the metadata of a frame (not its tags): flags, hash, offload, ... */
void ep_mbuf_copy_meta(struct epair_mbuf *to, const struct epair_mbuf *from);

/* Copy the tags. Returns 0, or -ENOMEM with none copied. */
int ep_mbuf_copy_tags(struct epair_mbuf *to, const struct epair_mbuf *from);

#endif /* EP_MBUF_MBUF_H */
