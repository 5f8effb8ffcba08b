/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/vector.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "attach/virtio.h"
#include "base/atomic.h"
#include "net/instance.h"

/* Reading. */

void
ep_reader_init(struct ep_reader *r, struct epair_if *ifp, uint32_t hdr_len,
    uint32_t *headers)
{
	r->ifp = ifp;
	r->hdr_len = hdr_len;
	r->headers = headers;
	r->split = *headers + (EPAIR_MBUF_SMALL - *headers) / EP_LINE * EP_LINE;
	r->small_count = r->large_count = 0;
}

static void
top_up(struct ep_pool *pool, struct epair_mbuf **ms, unsigned *count,
    unsigned want, uint32_t size)
{
	int n;

	if (*count >= want)
		return;
	n = ep_mbuf_alloc(pool, ms + *count, want - *count, size);
	if (n > 0)
		*count += (unsigned)n;
}

/* Without large ones, frames that need none still have room. */
static unsigned
have_mbufs(struct ep_reader *r, unsigned want)
{
	struct ep_pool *pool = r->ifp->ep->pool;

	top_up(pool, r->small, &r->small_count, want, EPAIR_MBUF_SMALL);
	if (want > r->small_count)
		want = r->small_count;
	top_up(pool, r->large, &r->large_count, want, EPAIR_MBUF_LARGE);
	if (r->large_count > 0 && want > r->large_count)
		want = r->large_count;
	return want;
}

unsigned
ep_reader_room(struct ep_reader *r, unsigned want)
{
	want = have_mbufs(r, want < EP_READER_MAX ? want : EP_READER_MAX);
	for (unsigned i = 0; i < want; i++) {
		struct iovec *iov = r->iov[i];

		iov[0] = (struct iovec){ &r->hdrs[i], r->hdr_len };
		iov[1] = (struct iovec){ r->small[i]->data, r->split };
		iov[2] = (struct iovec){ r->too_much, sizeof(r->too_much) };
		if (r->large_count > 0)
			iov[2] = (struct iovec){ r->large[i]->data,
				EPAIR_MBUF_LARGE };
	}
	return want;
}

/* Where the tag was before somebody took it out for us. */
static void
put_tag(struct epair_mbuf *m, uint32_t vlan)
{
	uint16_t words[2] = { htons((uint16_t)(vlan >> 16)),
		htons((uint16_t)vlan) };

	m->data -= EP_ETHER_VLAN_LEN;
	m->len += EP_ETHER_VLAN_LEN;
	m->pktlen += EP_ETHER_VLAN_LEN;
	memmove(m->data, m->data + EP_ETHER_VLAN_LEN, 12);
	memcpy(m->data + 12, words, sizeof(words));
}

/* It says how long they are if the frame is to be cut into segments. */
static void
learn_headers(struct ep_reader *r, const struct virtio_net_hdr_v1 *hdr)
{
	if (r->hdr_len > 0 && hdr->hdr_len > 0 &&
	    hdr->hdr_len < EPAIR_MBUF_SMALL)
		*r->headers = hdr->hdr_len;
}

/* The i-th is m, len octets long; what does not fit is in a large one. */
static void
set_len(struct ep_reader *r, unsigned i, struct epair_mbuf *m, uint32_t len)
{
	struct epair_mbuf *tail = r->large[i];

	m->len = m->pktlen = len;
	if (len <= r->split)
		return;
	r->large[i] = NULL;
	m->len = m->pktlen = r->split;
	tail->len = tail->pktlen = len - r->split;
	epair_mbuf_chain(m, tail);
	learn_headers(r, &r->hdrs[i]);
}

bool
ep_reader_finish(struct epair_if *ifp, struct epair_mbuf *m,
    struct virtio_net_hdr_v1 *hdr, uint32_t vlan)
{
	if (vlan != 0)
		put_tag(m, vlan);
	if (hdr == NULL)
		return true;
	if (vlan != 0) {
		hdr->csum_start = (uint16_t)(hdr->csum_start +
					     EP_ETHER_VLAN_LEN);
		hdr->hdr_len = (uint16_t)(hdr->hdr_len + EP_ETHER_VLAN_LEN);
	}
	if (ep_virtio_from_header(m, hdr) == 0)
		return true;
	(void)ep_drop(ifp, &m, 1, EPAIR_DROP_TX_BAD, 0);
	return false;
}

bool
ep_reader_take(struct ep_reader *r, unsigned i, uint32_t len, uint32_t vlan,
    struct epair_mbuf **mp)
{
	struct epair_mbuf *m = r->small[i];

	if (len < r->hdr_len + EP_ETHER_HDR_LEN) {
		ep_drop_count(r->ifp, 1, EPAIR_DROP_TX_BAD);
		return false;
	}
	len -= r->hdr_len;
	if (len > r->split && r->large_count == 0) {
		ep_drop_count(r->ifp, 1, EPAIR_DROP_TX_NO_MBUF);
		return false;
	}
	r->small[i] = NULL;
	set_len(r, i, m, len);
	*mp = m;
	return ep_reader_finish(
	    r->ifp, m, r->hdr_len > 0 ? &r->hdrs[i] : NULL, vlan);
}

static void
close_gaps(struct epair_mbuf **ms, unsigned *count)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < *count; i++)
		if (ms[i] != NULL)
			ms[kept++] = ms[i];
	*count = kept;
}

void
ep_reader_settle(struct ep_reader *r)
{
	close_gaps(r->small, &r->small_count);
	close_gaps(r->large, &r->large_count);
}

void
ep_reader_fini(struct ep_reader *r)
{
	ep_mbuf_free(r->small, r->small_count);
	ep_mbuf_free(r->large, r->large_count);
}

/* Writing. */

void
ep_writer_init(struct ep_writer *w)
{
	w->count = w->pieces = 0;
}

#define PAGE 4096u

/*
 * The kernel is about to copy a long piece, which a link may have held until no
 * cache had it. The processor fetches ahead by itself, but not into the next
 * page: so these are begun now, all at once.
 */
static void
fetch_pages(const struct iovec *piece)
{
	const uint8_t *at = piece->iov_base;

	for (size_t i = 0; i < piece->iov_len; i += PAGE) {
		__builtin_prefetch(at + i);
		__builtin_prefetch(at + i + EP_LINE);
	}
}

struct iovec *
ep_writer_put(struct ep_writer *w, uint32_t hdr_len, const struct epair_mbuf *m,
    unsigned *n)
{
	struct iovec *iov = &w->iov[w->pieces];
	unsigned room = EP_WRITER_PIECES - w->pieces, used = 1;

	if (w->count == EP_WRITER_MAX || room == 0)
		return NULL;
	ep_virtio_to_header(m, &w->hdrs[w->count]);
	iov[0] = (struct iovec){ &w->hdrs[w->count], hdr_len };
	for (; m != NULL; m = m->next) {
		if (used == room)
			return NULL;
		iov[used] = (struct iovec){ m->data, m->len };
		if (m->len > PAGE)
			fetch_pages(&iov[used]);
		used++;
	}
	w->count++;
	w->pieces += used;
	*n = used;
	return iov;
}

int
ep_writer_flatten(struct ep_pool *pool, struct epair_mbuf **mp)
{
	struct epair_mbuf *m = *mp, *flat;

	if (m->pktlen > EPAIR_MBUF_LARGE)
		return -EMSGSIZE;
	if (ep_mbuf_alloc(pool, &flat, 1, m->pktlen) != 1)
		return -ENOMEM;
	ep_mbuf_copy_meta(flat, m);
	flat->len = flat->pktlen = epair_mbuf_read(m, 0, flat->data, m->pktlen);
	ep_mbuf_free1(m);
	*mp = flat;
	return 0;
}
