/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "mbuf/csum.h"
#include "mbuf/mbuf.h"
#include "mbuf/offload_priv.h"

enum {
	TCP_FIN = 0x01,
	TCP_PSH = 0x08,
	TCP_URG = 0x20,
	TCP_CWR = 0x80,
};

/* Where the next payload octet is. */
struct cursor {
	const struct epair_mbuf *m;
	uint32_t off;
};

static void
set_ipv4(const struct ep_plan *plan, uint8_t *ip, uint32_t len, uint32_t k)
{
	uint16_t sum;

	ep_put_be16(ip + 2, len);
	ep_put_be16(ip + 4, ep_be16(ip + 4) + k);
	memset(ip + 10, 0, 2);
	sum = ep_csum_octets(ip, plan->h.l4_off - plan->h.l3_off);
	sum = (uint16_t)~sum;
	memcpy(ip + 10, &sum, sizeof(sum));
}

/*
 * Make of the headers of the frame those of segment k, which is len octets
 * long with them, up to the checksum's seed.
 */
static void
set_lengths(const struct ep_plan *plan, uint8_t *hdr, uint32_t len, uint32_t k)
{
	uint8_t *l4 = hdr + plan->h.l4_off;
	uint16_t whole = htons((uint16_t)(plan->pktlen - plan->h.l4_off));
	uint16_t seed;

	if (plan->h.version == 4)
		set_ipv4(plan, hdr + plan->h.l3_off, len - plan->h.l3_off, k);
	else
		ep_put_be16(hdr + plan->h.l3_off + 4,
		    len - plan->h.l3_off - EP_IPV6_LEN);

	len -= plan->h.l4_off;
	if (!plan->is_tcp)
		ep_put_be16(l4 + 4, len);
	seed = ep_csum_sub(plan->seed, whole);
	seed = ep_csum_add(seed, htons((uint16_t)len));
	memcpy(l4 + (plan->is_tcp ? EP_TCP_CSUM : EP_UDP_CSUM), &seed,
	    sizeof(seed));
}

static void
set_tcp(const struct ep_plan *plan, uint8_t *tcp, uint32_t k)
{
	uint32_t off = k * plan->size, urgent = ep_be16(tcp + 18);
	uint32_t flags = tcp[13];

	ep_put_be32(tcp + 4, ep_be32(tcp + 4) + off);
	if (k + 1 < plan->count)
		flags &= ~(uint32_t)(TCP_FIN | TCP_PSH);
	if (k > 0 && plan->is_ecn)
		flags &= ~(uint32_t)TCP_CWR;
	/* The pointer counts from the segment's own sequence number. */
	if (flags & TCP_URG) {
		if (urgent <= off)
			flags &= ~(uint32_t)TCP_URG;
		ep_put_be16(tcp + 18, urgent > off ? urgent - off : 0);
	}
	tcp[13] = (uint8_t)flags;
}

/* Octets that are there: off + len is at most pktlen. */
static void
write_octets(
    struct epair_mbuf *m, uint32_t off, const void *octets, uint32_t len)
{
	const uint8_t *from = octets;
	uint32_t n;

	for (; m != NULL && len > 0; m = m->next) {
		if (off >= m->len) {
			off -= m->len;
			continue;
		}
		n = m->len - off < len ? m->len - off : len;
		memcpy(m->data + off, from, n);
		from += n;
		len -= n;
		off = 0;
	}
}

/*
 * Put the complement of the sum from `start` on into the field, which held the
 * seed until now.
 */
static void
csum_finish(struct epair_mbuf *m, uint32_t start, uint32_t offset)
{
	uint16_t sum = (uint16_t)~ep_csum_frame(m, start);

	/* 0 would say "no checksum"; both stand for the same number. */
	if (offset == EP_UDP_CSUM && sum == 0)
		sum = UINT16_MAX;
	write_octets(m, start + offset, &sum, sizeof(sum));
}

static void
transport_finish(const struct ep_plan *plan, struct epair_mbuf *m)
{
	uint32_t offset = plan->is_tcp ? EP_TCP_CSUM : EP_UDP_CSUM;
	const uint16_t none = 0;

	if (plan->h.version == 4 && !plan->is_tcp && plan->seed == 0)
		write_octets(m, plan->h.l4_off + offset, &none, sizeof(none));
	else
		csum_finish(m, plan->h.l4_off, offset);
}

static void
clear_offload(struct epair_mbuf *m)
{
	m->flags &= ~(uint32_t)(EPAIR_M_CSUM_PARTIAL | EPAIR_M_CSUM_VALID);
	m->gso = EPAIR_GSO_NONE;
	m->gso_size = 0;
	m->hdr_len = 0;
	m->csum_start = 0;
	m->csum_offset = 0;
}

static void
copy_payload(struct cursor *from, uint8_t *to, uint32_t len)
{
	uint32_t n;

	while (from->m != NULL && len > 0) {
		if (from->off >= from->m->len) {
			from->off -= from->m->len;
			from->m = from->m->next;
			continue;
		}
		n = from->m->len - from->off;
		n = n < len ? n : len;
		memcpy(to, from->m->data + from->off, n);
		from->off += n;
		to += n;
		len -= n;
	}
}

/* Segment k into seg, which has the room. */
static void
fill_segment(const struct ep_plan *plan, struct epair_mbuf *seg, uint32_t k,
    struct cursor *payload)
{
	uint32_t rest = plan->pktlen - plan->hdr_len - k * plan->size;
	uint32_t len = rest < plan->size ? rest : plan->size;

	seg->len = seg->pktlen = plan->hdr_len + len;
	memcpy(seg->data, plan->hdr, plan->hdr_len);
	copy_payload(payload, seg->data + plan->hdr_len, len);

	set_lengths(plan, seg->data, seg->len, k);
	if (plan->is_tcp)
		set_tcp(plan, seg->data + plan->h.l4_off, k);
	/* Sums the copy: what the peer's memory says by now is no matter. */
	transport_finish(plan, seg);
}

static int
segment(struct epair_mbuf *m, const struct ep_plan *plan,
    struct epair_mbuf **ms, unsigned max)
{
	struct cursor payload = { .m = m, .off = plan->hdr_len };
	unsigned got;
	int n;

	if (plan->count > max)
		return -ENOBUFS;
	n = ep_mbuf_alloc(m->pool, ms, plan->count, plan->hdr_len + plan->size);
	got = n < 0 ? 0 : (unsigned)n;
	if (got < plan->count)
		goto free_segments;
	for (uint32_t k = 0; k < plan->count; k++) {
		ep_mbuf_copy_meta(ms[k], m);
		clear_offload(ms[k]);
		if (ep_mbuf_copy_tags(ms[k], m) != 0)
			goto free_segments;
	}

	/* commit */
	for (uint32_t k = 0; k < plan->count; k++)
		fill_segment(plan, ms[k], k, &payload);
	ep_mbuf_free1(m);
	return (int)plan->count;

free_segments:
	ep_mbuf_free(ms, got);
	return -ENOMEM;
}

int
ep_mbuf_csum(struct epair_mbuf *m)
{
	struct ep_plan plan;

	if (m->gso != EPAIR_GSO_NONE) {
		if (ep_plan_make(m, &plan) != 0)
			return -EINVAL;
		set_lengths(&plan, plan.hdr, plan.pktlen, 0);
		write_octets(m, 0, plan.hdr, plan.hdr_len);
		transport_finish(&plan, m);
		clear_offload(m);
	} else if ((m->flags & EPAIR_M_CSUM_PARTIAL) != 0) {
		if (ep_offload_check_csum(m) != 0)
			return -EINVAL;
		csum_finish(m, m->csum_start, m->csum_offset);
		clear_offload(m);
	}
	return 0;
}

/* In place, or in a copy of what is somebody else's to write. */
static int
finish_whole(struct epair_mbuf *m, struct epair_mbuf **whole)
{
	bool is_open = m->gso != EPAIR_GSO_NONE ||
		       (m->flags & EPAIR_M_CSUM_PARTIAL) != 0;

	*whole = m;
	if (is_open && ep_mbuf_is_foreign(m))
		*whole = epair_mbuf_copy(m);
	if (*whole == NULL)
		return -ENOMEM;
	if (ep_mbuf_csum(*whole) != 0) {
		if (*whole != m)
			ep_mbuf_free1(*whole);
		return -EINVAL;
	}
	if (*whole != m) {
		(*whole)->account = m->account;
		m->account = NULL;
		ep_mbuf_free1(m);
	}
	return 0;
}

int
ep_mbuf_finish(struct epair_mbuf *m, struct epair_mbuf **ms, unsigned max)
{
	struct epair_mbuf *whole;
	struct ep_plan plan;
	int error;

	if (max == 0)
		return -ENOBUFS;
	if (m->gso != EPAIR_GSO_NONE) {
		if (ep_plan_make(m, &plan) != 0)
			return -EINVAL;
		if (plan.count > 1)
			return segment(m, &plan, ms, max);
	}
	error = finish_whole(m, &whole);
	if (error != 0)
		return error;
	ms[0] = whole;
	return 1;
}
