/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/mbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mbuf/ext.h"

static uint8_t *
buf_start(const struct epair_mbuf *m)
{
	if (m->flags & EPAIR_M_EXT)
		return m->ext->buf;
	return m->buf;
}

static uint32_t
buf_size(const struct epair_mbuf *m)
{
	if (m->flags & EPAIR_M_EXT)
		return m->ext->len;
	return EPAIR_MBUF_HEADROOM +
	       (m->flags & EPAIR_M_LARGE ? EPAIR_MBUF_LARGE : EPAIR_MBUF_SMALL);
}

uint32_t
epair_mbuf_headroom(const struct epair_mbuf *m)
{
	return (uint32_t)(m->data - buf_start(m));
}

uint32_t
epair_mbuf_tailroom(const struct epair_mbuf *m)
{
	return buf_size(m) - epair_mbuf_headroom(m) - m->len;
}

void
epair_mbuf_chain(struct epair_mbuf *m, struct epair_mbuf *tail)
{
	struct epair_mbuf *last = m;

	while (last->next != NULL)
		last = last->next;
	last->next = tail;
	m->pktlen += tail->pktlen;
}

uint32_t
epair_mbuf_read(
    const struct epair_mbuf *m, uint32_t off, void *buf, uint32_t len)
{
	uint8_t *p = buf;
	uint32_t done = 0;

	for (; m != NULL && off >= m->len; m = m->next)
		off -= m->len;
	for (; m != NULL && done < len; m = m->next) {
		uint32_t n = m->len - off;

		if (n > len - done)
			n = len - done;
		memcpy(p + done, m->data + off, n);
		done += n;
		off = 0;
	}
	return done;
}

/* An empty frame with room for len octets, chained if it must be. */
static struct epair_mbuf *
make_room(struct ep_pool *pool, uint32_t len)
{
	struct epair_mbuf *first = NULL, **last = &first, *m;

	do {
		uint32_t n = len < EPAIR_MBUF_LARGE ? len : EPAIR_MBUF_LARGE;

		if (ep_mbuf_alloc(pool, &m, 1, n) != 1) {
			ep_mbuf_free(&first, 1);
			return NULL;
		}
		*last = m;
		last = &m->next;
		m->len = n;
		first->pktlen += n;
		len -= n;
	} while (len > 0);
	return first;
}

struct epair_mbuf *
ep_mbuf_from(struct ep_pool *pool, const void *octets, uint32_t len)
{
	const uint8_t *p = octets;
	struct epair_mbuf *m, *first = make_room(pool, len);

	for (m = first; m != NULL; m = m->next)
		if (m->len > 0) {
			memcpy(m->data, p, m->len);
			p += m->len;
		}
	return first;
}

void
ep_mbuf_copy_meta(struct epair_mbuf *to, const struct epair_mbuf *from)
{
	const uint32_t own = EPAIR_M_EXT | EPAIR_M_LARGE | EPAIR_M_TAGS;

	to->flags = (to->flags & own) | (from->flags & ~own);
	to->hash = from->hash;
	to->hashtype = from->hashtype;
	to->rcvif = from->rcvif;
	to->fib = from->fib;
	to->gso = from->gso;
	to->csum_start = from->csum_start;
	to->csum_offset = from->csum_offset;
	to->gso_size = from->gso_size;
	to->hdr_len = from->hdr_len;
	if (from->flags & EPAIR_M_PKTID)
		to->pktid = from->pktid;
	if (from->flags & EPAIR_M_TSTAMP)
		to->tstamp_ns = from->tstamp_ns;
	if (from->flags & EPAIR_M_VLANTAG)
		to->vlan_tci = from->vlan_tci;
}

struct epair_mbuf *
epair_mbuf_copy(const struct epair_mbuf *m)
{
	struct epair_mbuf *copy = make_room(m->pool, m->pktlen), *to;
	uint32_t off = 0;

	if (copy == NULL)
		return NULL;
	for (to = copy; to != NULL; to = to->next)
		off += epair_mbuf_read(m, off, to->data, to->len);
	ep_mbuf_copy_meta(copy, m);
	if (ep_mbuf_copy_tags(copy, m) != 0) {
		ep_mbuf_free(&copy, 1);
		return NULL;
	}
	return copy;
}

bool
ep_mbuf_pullup(struct epair_mbuf *m, uint32_t len)
{
	if (m->len >= len)
		return true;
	if (m->pktlen < len || m->flags & EPAIR_M_EXT ||
	    m->len + epair_mbuf_tailroom(m) < len)
		return false;
	while (m->len < len) {
		struct epair_mbuf *next = m->next;
		uint32_t n = len - m->len;

		if (n > next->len)
			n = next->len;
		memcpy(m->data + m->len, next->data, n);
		m->len += n;
		next->data += n;
		next->len -= n;
		if (next->len == 0) {
			m->next = next->next;
			next->next = NULL;
			ep_mbuf_free(&next, 1);
		}
	}
	return true;
}

uint8_t *
ep_ext_end(struct ep_ext *ext)
{
	uint8_t *own = ext->own;

	ext->release(ext->arg);
	free(ext);
	return own;
}

int
ep_mbuf_foreign(struct ep_pool *pool, void *buf, uint32_t len,
    void (*release)(void *arg), void *arg, struct epair_mbuf **mp)
{
	struct ep_ext *ext = malloc(sizeof(*ext));
	struct epair_mbuf *m;

	if (ext == NULL)
		return -ENOMEM;
	if (ep_mbuf_alloc(pool, &m, 1, 0) != 1) {
		free(ext);
		return -ENOMEM;
	}
	*ext = (struct ep_ext){
		.len = len,
		.buf = buf,
		.own = m->buf,
		.release = release,
		.arg = arg,
	};
	m->ext = ext;
	m->flags |= EPAIR_M_EXT;
	m->data = buf;
	m->len = m->pktlen = len;
	*mp = m;
	return 0;
}
