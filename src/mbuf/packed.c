/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/packed.h"

#include "base/atomic.h"
#include "mbuf/pool_priv.h"

_Static_assert(sizeof(struct ep_packed) == 16, "four in a cache line");

void
ep_pack_whole(
    struct epair_mbuf *const *ms, unsigned n, struct ep_packed *packed)
{
	for (unsigned i = 0; i < n; i++)
		packed[i] = (struct ep_packed){ .m = ms[i] };
}

void
ep_pack(const struct ep_pool *pool, const struct ep_account *account,
    struct epair_mbuf *const *ms, unsigned n, struct ep_packed *packed)
{
	for (unsigned i = 0; i < n; i++) {
		struct epair_mbuf *m = ms[i];

		if (m->account == account && ep_is_plain(m, pool))
			packed[i] = ep_pack_one(m);
		else
			packed[i] = (struct ep_packed){ .m = m };
	}
}

void
ep_packed_sent(struct ep_pool *pool, struct ep_mcache *mc,
    struct epair_mbuf *const *ms, unsigned n, const struct ep_packed *packed)
{
	unsigned i = 0, from;

	if (packed == NULL) {
		ep_headers_put(pool, mc, ms, n);
		return;
	}
	while (i < n) {
		for (; i < n && packed[i].len == 0; i++)
			;
		for (from = i; i < n && packed[i].len > 0; i++)
			;
		ep_headers_put(pool, mc, ms + from, i - from);
	}
}

void
ep_packed_sent_one(
    struct ep_pool *pool, struct ep_mcache *mc, struct epair_mbuf *m)
{
	struct ep_magazine *mag = mc->loaded[EP_HEADER].now;
	uint32_t count = mag->count;

	if (count == EP_MAG_MAX) {
		ep_headers_put(pool, mc, &m, 1);
		return;
	}
	mag->item[count] = m;
	ep_store_relaxed(&mag->count, count + 1);
}

bool
ep_packed_fetch(const struct ep_packed *packed, unsigned n)
{
	unsigned whole = 0;

	for (unsigned i = 0; i < n; i++) {
		__builtin_prefetch(packed[i].buf + packed[i].off);
		whole += packed[i].len == 0;
	}
	/* Their headers come first. */
	for (unsigned i = 0; whole > 0 && i < n; i++)
		if (packed[i].len == 0)
			__builtin_prefetch(packed[i].m->data);
	return whole == 0;
}

/* Those from the front that are plain, all or n. */
static unsigned
count_plain(const struct ep_packed *packed, unsigned n)
{
	unsigned count = 0;

	while (count < n && packed[count].len > 0)
		count++;
	return count;
}

unsigned
ep_unpack_plain(struct ep_pool *pool, struct ep_mcache *mc,
    const struct ep_packed *packed, unsigned n, const struct ep_address *to,
    struct epair_mbuf **ms)
{
	const struct ep_address at = *to; /* no mbuf is where it is read */

	n = ep_headers_take(pool, mc, ms, n);
	for (unsigned i = 0; i < n; i++) {
		const struct ep_packed p = packed[i];

		ep_header_fill(ms[i], pool, p.buf,
		    (struct ep_piece){
			p.off, p.len, p.flags, at.rcvif, at.account });
	}
	return n;
}

unsigned
ep_unpack(struct ep_pool *pool, struct ep_mcache *mc,
    const struct ep_packed *packed, unsigned n, const struct ep_address *to,
    struct epair_mbuf **ms)
{
	unsigned i = 0;

	while (i < n) {
		unsigned plain = count_plain(packed + i, n - i);

		i += ep_unpack_plain(pool, mc, packed + i, plain, to, ms + i);
		if (i < n && packed[i].len > 0)
			return i;
		for (; i < n && packed[i].len == 0; i++)
			ms[i] = packed[i].m;
	}
	return n;
}

void
ep_packed_free(struct ep_pool *pool, struct ep_mcache *mc,
    const struct ep_packed *packed, const struct ep_address *to)
{
	ep_account_release(mc, to->account, 1);
	ep_buffer_put(pool, mc, packed->buf, packed->flags);
}
